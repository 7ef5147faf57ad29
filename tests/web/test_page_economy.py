"""What the page does not do: draw what has not changed, move by less than a pixel, grow."""

from aggressor.web.protocol import WHOLE_DESK, Kind, json_frame
from tests.web.staged import COLUMN_NS, START_NS, bar, heat, quiet_minute, signal, state


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


BARS = (1, 2_101, 2_102, 2_103)  # the first of each part


def _flood(stage, part: int) -> None:
    """Send more of everything than a page keeps; parts differ in their numbers and times."""
    at = START_NS + (600 + part * 2_000) * 1_000_000_000
    at_ms = at / 1e6
    fresh = range(part * 5_000, (part + 1) * 5_000)
    for first in fresh[::500]:
        told = [signal(n, known_ms=at_ms + n) for n in range(first, first + 500)]
        stage.send(json_frame(Kind.SIGNAL, 0, at, told))
    labels = [
        {"number": n, "kind": "sweep", "means": "", "side": 1, "direction": 1, "low": 990,
         "high": 999, "start_ms": at_ms + n, "stop_ms": at_ms + n + 1, "came_about": True}
        for n in fresh[:1_500]
    ]  # fmt: skip
    stage.send(*(json_frame(Kind.LABEL, 0, at, one) for one in labels))
    report = {
        "what": "accepted", "ms": at_ms, "lane": 0, "order": 1, "side": 1, "price": 990,
        "lots": 1, "maker": True, "fee": 0.0, "reason": "", "by": "hand",
    }  # fmt: skip
    stage.send(*(json_frame(Kind.REPORT, WHOLE_DESK, at, [report] * 100) for _ in range(8)))
    notice = {"level": "info", "text": "words"}
    stage.send(*(json_frame(Kind.NOTICE, WHOLE_DESK, at, notice) for _ in range(300)))
    gone = [
        {"price": 980, "side": 1, "peak": 9.0, "since_ms": at_ms + k, "ended_ms": at_ms + k + 1}
        for k in range(3_100)
    ]
    stage.send(json_frame(Kind.STATE, 0, at, state(walls_gone=gone)))
    pulls = [(price, 1, 0.0, 50.0, 0.0, 0.0) for price in range(900, 1_000)]
    stage.send(*(heat(at + n * COLUMN_NS, {}, flows=pulls) for n in range(150)))
    stage.send(*(bar(n) for n in range(BARS[part], BARS[part + 1])))


KEPT = """(() => { const [lane] = desk.store.lanes, { store } = desk; return {
  signals: lane.signals.length, labels: lane.labels.length, walls: lane.trails.walls.size,
  gone: lane.trails.gone.length, bars: lane.bars.list.length, reports: store.reports.length,
  notices: store.notices.length, pictures: desk.pane.footprint.pictures_of.kept.size,
  events: document.querySelectorAll('#pane-account .event').length,
  waiting: desk.desk.line.waiting.size, queue: desk.desk.line.queue.length,
  elements: document.querySelectorAll('*').length }; })()"""


def test_everything_that_is_kept_has_a_bound_and_the_heap_with_it(staged, look):
    page = _opened(staged, look)
    session = page.page.context.new_cdp_session(page.page)
    session.send("Performance.enable")
    kept: list[dict[str, int]] = []
    heaps: list[float] = []
    for part in range(3):
        _flood(page.stage, part)
        last = (part + 1) * 5_000 - 1
        page.until(f"desk.store.lanes[0].signals.at(-1).number === {last}")
        page.until(f"desk.store.lanes[0].bars.list.at(-1).number === {BARS[part + 1] - 1}")
        page.settle()
        kept.append(page.js(KEPT))
        session.send("HeapProfiler.collectGarbage")
        told = session.send("Performance.getMetrics")["metrics"]
        heaps += [one["value"] for one in told if one["name"] == "JSHeapUsedSize"]
    bounds = {
        "signals": 4_000, "labels": 1_000, "walls": 3_000, "gone": 8_192, "bars": 2_048,
        "reports": 500, "notices": 200, "events": 40, "waiting": 1, "queue": 1,
    }  # fmt: skip
    for name, bound in bounds.items():
        assert kept[-1][name] <= bound, name
    assert kept[-1]["signals"] == 4_000
    assert kept[-1]["walls"] == 3_000
    assert kept[-1]["elements"] <= kept[0]["elements"] * 1.05
    assert heaps[2] < heaps[1] * 1.03 + 200_000, [round(one / 1e6, 2) for one in heaps]
