"""What the page does not do: draw what has not changed, move by less than a pixel, grow."""

from tests.web.staged import quiet_minute


def _opened(staged, look):
    stage = staged()
    quiet_minute(stage)
    return look(stage).open().caught_up()


def test_following_moves_by_whole_pixels_and_draws_nothing_in_between(staged, look):
    page = _opened(staged, look)
    pixels, span = page.js("[desk.view.pixels, desk.view.span]")
    pixel = span / pixels
    assert pixels == page.js("desk.pane.heat.plot.width * devicePixelRatio")
    assert abs(page.js("desk.view.t1") / pixel - round(page.js("desk.view.t1") / pixel)) < 1e-3
    before = page.js("[desk.view.version, desk.pane.heat.pictures, desk.pane.delta.pictures]")
    page.js(
        f"(desk.store.lanes[0].now = desk.view.t1 - desk.view.span * desk.view.lead - {pixel / 4})"
    )
    page.settle()
    assert page.js("desk.view.version") == before[0]
    page.js(f"(desk.store.lanes[0].now += {pixel})")
    page.settle()
    assert page.js("desk.view.version") == before[0] + 1
    assert page.js("desk.pane.heat.pictures") > before[1]
    assert page.js("desk.pane.delta.pictures") > before[2]


def test_a_layer_without_a_cursor_is_not_there(staged, look):
    page = _opened(staged, look)
    hidden = "['heat', 'footprint', 'ladder', 'delta'].map((name) => desk.pane[name].over.hidden)"
    page.page.mouse.move(5, 5)
    page.settle()
    assert page.js(hidden) == [True] * 4
    box = page.js("(({x, y}) => [x, y])(desk.pane.heat.element.getBoundingClientRect())")
    page.page.mouse.move(box[0] + 200, box[1] + 200)
    page.settle()
    assert page.js(hidden) == [False] * 4
    page.page.mouse.move(5, 5)
    page.settle()
    assert page.js(hidden) == [True] * 4
