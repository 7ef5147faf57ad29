"""Going to a signal: every pane shows that second, and the way back to now."""

from aggressor.web.commands import Order
from tests.web.staged import HIGH, LOW, START_MS, quiet_minute

AT_MS = START_MS + 12_050  # of the first signal: the wall at 980 stands, nothing has traded


def _gone(staged, look):
    stage = staged()
    quiet_minute(stage)
    page = look(stage).open().caught_up()
    page.page.locator("#pane-signals [role=option]").first.click()
    page.settle()
    assert page.js("desk.view.selected.t") == AT_MS
    return page


def _bid(page, price: int) -> float:
    return page.js(f"(desk.pane.ladder.rows.of.bid[desk.pane.ladder.rowOf({price})] ?? -1)")


def test_heat_curves_and_footprint_stand_at_that_second(staged, look):
    page = _gone(staged, look)
    for plot in ("desk.pane.heat.plot", "desk.pane.delta.plot"):
        left, x, right = page.js(f"[{plot}.left, {plot}.x({AT_MS}), {plot}.right]")
        assert left < x < right
    bars = page.js("desk.pane.footprint.placed.map(({ bar }) => [bar.open_ms, bar.period_ms])")
    assert any(opened <= AT_MS < opened + period for opened, period in bars)
    assert page.js("desk.pane.heat.over.hidden") is False  # the cursor stands there
    assert page.js("desk.view.cursor.t") == AT_MS


def test_the_ladder_shows_the_book_of_that_second_and_takes_no_orders(staged, look):
    page = _gone(staged, look)
    page.js("(desk.pane.ladder.top = 1000, desk.pane.ladder.hands.scrolled = true)")
    page.settle()
    assert _bid(page, 980) == 2000  # pulled since, at second 40
    assert page.js("desk.pane.ladder.kept.t") == START_MS + 12_000
    page.page.keyboard.press("a")
    page.until("desk.desk.armed")
    page.js("desk.pane.ladder.main.focus()")
    for key in ("ArrowDown", "Enter"):
        page.page.keyboard.press(key)
    page.settle()
    assert "press l to go back to now" in page.text("#toasts")
    assert [one for one in page.stage.actor.heard if isinstance(one, Order)] == []


def test_the_tape_ends_at_that_second(staged, look):
    page = _gone(staged, look)
    assert page.js("desk.pane.tape.rows") == []
    page.js(f"desk.view.select({{ id: 'x', t: {START_MS + 30_500}, low: 996, high: 1000 }})")
    page.settle()
    assert page.js("desk.pane.tape.rows.length") == 2  # of three


def test_the_way_back_is_one_key(staged, look):
    page = _gone(staged, look)
    page.page.keyboard.press("l")
    page.settle()
    assert page.js("[desk.view.follow, desk.pane.ladder.kept]") == [True, None]
    assert page.js("desk.pane.tape.rows.length") == 3
    page.js("(desk.pane.ladder.top = 1000, desk.pane.ladder.hands.scrolled = true)")
    page.settle()
    assert _bid(page, 980) == 100


def test_prices_that_were_not_told_are_hatched_and_empty_ones_are_not(staged, look):
    stage = staged()
    quiet_minute(stage)
    page = look(stage).open().caught_up()
    page.js(f"desk.view.prices({LOW - 100}, {HIGH + 20})")
    page.settle()
    colours = f"""(price) => {{
      const {{ context, plot }} = desk.pane.heat;
      const {{ data }} = context.getImageData(plot.x({START_MS + 45_000}), plot.y(price), 24, 12);
      return new Set(new Uint32Array(data.buffer)).size; }}"""
    assert page.js(f"({colours})({LOW - 40})") > 3
    assert page.js(f"({colours})({LOW + 20})") == 1
