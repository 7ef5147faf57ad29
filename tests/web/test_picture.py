"""What the frames say against what the records say, over one made market."""

import math
from collections import defaultdict
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from aggressor.engine.columns import COLUMNS, empty_row, read_columns
from aggressor.engine.pipeline import new_pipeline
from aggressor.features.bars import BAR, bar_spec
from aggressor.features.diagonal import DIAGONAL_PROFILES, OPPOSED, bar_diagonals
from aggressor.features.series import BarSeries, ClosedBars
from aggressor.features.sizes import NEVER
from aggressor.features.table import footprint_bars
from aggressor.market.book import lots_at
from aggressor.run.assemble import Settings
from aggressor.run.desk.course import Course, Market
from aggressor.schema.event import ASK, BID, TRADE
from aggressor.schema.signal import SIGNAL_NAMES
from aggressor.sim.synthetic.config import SCENARIO_KINDS
from aggressor.store.replay import replay_of
from aggressor.web.curves import LINES
from aggressor.web.footprints import (
    BUYS,
    CONTROL,
    FIELDS,
    SELLS,
    STACK_BUYS,
    STACK_SELLS,
    VALUE,
    Footprints,
    merged,
    row_height,
)
from aggressor.web.heat import KEYS
from aggressor.web.hub import Hub, Stream
from aggressor.web.protocol import (
    BROKEN,
    KEY,
    OPEN,
    VALID,
    WHOLE_DESK,
    Head,
    Kind,
    read_arrays,
    read_frames,
    read_json,
)
from aggressor.web.words import MEANS, SCENARIOS, hello
from tests.made import made

SECOND = 10**9
SPAN_S = 240.0
SETTINGS = Settings(strategy="", profile="micro", equity=1_000_000.0)
RINGS = dict.fromkeys(Kind, 100_000)


class Column(NamedTuple):
    head: Head
    low: int
    high: int
    bid: int
    ask: int
    lots: dict[int, float]
    flows: list[tuple[int, int, float, float, float, float]]


class Shown(NamedTuple):
    course: Course
    hub: Hub
    columns: list[Column]
    books: list[dict[int, int]]  # lots by price as the book had them at the column, signed
    frames: dict[Kind, list[tuple[Head, bytes]]]


def market() -> Market:
    one = made()
    first, last = int(one.events["ts_recv"][0]), int(one.events["ts_recv"][-1])
    return Market(
        "replay", "made", (one.instrument,),
        lambda: (replay_of([one.events]), lambda: ()), (first, last), first,
    )  # fmt: skip


def column_of(head: Head, body: bytes) -> Column:
    low, high, bid, ask = np.frombuffer(body, "<i4", 4)
    n, m = head.count, head.aux
    prices, lots, at, sides, *flows = read_arrays(
        body[16:],
        [("<i4", n), ("<f8", n), ("<i4", m), ("i1", m)] + [("<f8", m)] * 4,
    )
    return Column(
        head, int(low), int(high), int(bid), int(ask),
        dict(zip(prices.tolist(), lots.tolist(), strict=True)),
        list(zip(at.tolist(), sides.tolist(), *(one.tolist() for one in flows), strict=True)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def shown() -> Shown:
    hub = Hub(RINGS)
    course = Course(market(), SETTINGS, hub, dict)
    books: list[dict[int, int]] = []
    until = market().span_ns[0] + int(SPAN_S * SECOND)
    seen = 0
    while course.now_ns < until and course.slices.let(until):
        course._use(0)
        rings = [ring for stream, ring in hub.rings.items() if stream.kind is Kind.HEAT]
        if rings and rings[0].next > seen:
            seen = rings[0].next
            book = course.engine.pipeline.market.book
            middle = int(book.head[0]["bid"])
            books.append(
                {
                    price: int(lots_at(book, 0, BID, price)) - int(lots_at(book, 0, ASK, price))
                    for price in range(middle - 40, middle + 40)
                }
            )
        if seen % 10 == 0:
            course.picture.moment(0.0, always=True)
    frames: dict[Kind, list[tuple[Head, bytes]]] = defaultdict(list)
    for ring in hub.rings.values():
        for made_frame in ring.frames:
            for head, body in read_frames(made_frame):
                frames[head.kind].append((head, body))
    columns = [column_of(*one) for one in frames[Kind.HEAT]]
    return Shown(course, hub, columns, books, frames)


# heat


def test_columns_put_together_are_the_book_at_every_timer(shown: Shown):
    held: dict[int, float] = {}
    assert len(shown.columns) == len(shown.books) > 2000
    for column, book in zip(shown.columns, shown.books, strict=True):
        if column.head.flags & KEY:
            held = {}
        held |= column.lots
        for price, lots in book.items():
            if column.low <= price <= column.high:
                assert held.get(price, 0.0) == lots


def test_columns_are_keyed_often_enough_and_small_in_between(shown: Shown):
    keys = [n for n, one in enumerate(shown.columns) if one.head.flags & KEY]
    assert keys[0] == 0
    assert max(np.diff(keys)) <= KEYS
    sizes = [len(one.lots) for one in shown.columns]
    assert np.mean([size for n, size in enumerate(sizes) if n not in keys]) < sizes[0] / 3


def test_pulled_and_traded_of_all_columns_are_the_ledgers(shown: Shown):
    assert shown.columns[0].head.flags & BROKEN
    assert not shown.columns[0].flows
    pipe = shown.course.engine.pipeline
    total = defaultdict(float)
    for column in shown.columns[1:]:
        for _, side, *amounts in column.flows:
            for name, lots in zip(("added", "pulled", "traded", "hidden"), amounts, strict=True):
                total[side, name] += lots
    assert all(abs(one.low) < 1e9 for one in shown.columns)
    ledger = pipe.market.ledger
    for s, side in enumerate((BID, ASK)):
        here = pipe.market.book.levels["side"] == side
        pend = int(ledger.slots["pend"][here & (ledger.slots["open"] != 0)].sum())
        for name in ("added", "pulled", "traded", "hidden"):
            wanted = int(ledger.sides[s][name]) + (pend if name == "traded" else 0)
            assert total[side, name] == pytest.approx(wanted, abs=wanted * 0.02 + 1), name
    traded = sum(total[side, "traded"] for side in (BID, ASK))
    assert traded > 1000


def test_what_traded_in_the_columns_is_what_was_printed(shown: Shown):
    events = made().events
    stop = shown.columns[-1].head.ts_ms
    start = shown.columns[0].head.ts_ms
    printed = events[
        (events["kind"] == TRADE)
        & (events["ts_recv"] / 1e6 > start)
        & (events["ts_recv"] / 1e6 < stop)
    ]
    traded = sum(one[4] for column in shown.columns for one in column.flows)
    assert traded == int(printed["size"].sum())


# the ladder


def test_the_ladder_is_the_book_with_its_ledger(shown: Shown):
    pipe = shown.course.engine.pipeline
    shown.course.picture.moment(0.0, always=True)
    frames = read_frames(
        next(ring for stream, ring in shown.hub.rings.items() if stream.kind is Kind.BOOK).frames[
            -1
        ]
    )
    ((head, body),) = frames
    prices, lots, added, pulled, traded, *_ = read_arrays(
        body, [("<i4", head.count)] + [("<f8", head.count)] * 7
    )
    assert head.flags & VALID
    bids = prices[: head.aux]
    assert bids[0] == pipe.market.book.head[0]["depth_bid"]
    assert (np.diff(bids) < 0).all()
    assert (np.diff(prices[head.aux :]) > 0).all()
    for n, (price, size) in enumerate(zip(prices.tolist(), lots.tolist(), strict=True)):
        assert lots_at(pipe.market.book, 0, BID if n < head.aux else ASK, price) == size
    assert added.sum() > pulled.sum() > 0
    assert traded.sum() > 0


def test_the_profile_holds_every_lot_of_the_session(shown: Shown):
    head, body = shown.frames[Kind.PROFILE][-1]
    prices, bought, sold = read_arrays(
        body, [("<i4", head.count), ("<f8", head.count), ("<f8", head.count)]
    )
    assert (np.diff(prices) > 0).all()
    tape = shown.course.engine.pipeline.market.tape.head[0]
    assert bought.sum() == pytest.approx(float(tape["bought"]), abs=50)
    assert sold.sum() == pytest.approx(float(tape["sold"]), abs=50)
    assert head.aux == 1  # each price by itself: the ladder stands on them
    events = made().events
    rows = events[(events["kind"] == TRADE) & (events["ts_recv"] / 1e6 <= head.ts_ms)]
    for side, volume in ((1, bought), (-1, sold)):
        own = rows[rows["side"] == side]
        traded = {p: own["size"][own["price"] == p].sum() for p in np.unique(own["price"])}
        assert {p: v for p, v in zip(prices, volume, strict=True) if v} == traded


# the tape


def test_prints_are_the_trades_of_the_tape_each_once(shown: Shown):
    prices, sides, lots, times = [], [], [], []
    for head, body in shown.frames[Kind.PRINTS]:
        n = head.count
        ts, _, price, side, _, size = read_arrays(
            body, [("<f8", n), ("<f8", n), ("<i4", n), ("i1", n), ("u1", n), ("<f8", n)]
        )
        times += ts.tolist()
        prices += price.tolist()
        sides += side.tolist()
        lots += size.tolist()
    events = made().events
    rows = events[events["kind"] == TRADE][: len(prices)]
    assert len(prices) > 200
    assert prices == rows["price"].tolist()
    assert sides == rows["side"].tolist()
    assert lots == rows["size"].tolist()
    assert times == (rows["ts_recv"] / 1e6).tolist()


def test_taker_orders_hold_the_lots_of_the_prints(shown: Shown):
    total, count = 0.0, 0
    for head, body in shown.frames[Kind.ORDERS]:
        n = head.count
        *_, prints, sides, classes, _, lots = read_arrays(
            body,
            [(one, n) for one in ("<f8", "<f8", "<i4", "<i4", "<i4", "i1", "u1", "u1", "<f8")],
        )
        assert set(sides.tolist()) <= {-1, 0, 1}
        assert classes.max() <= 3
        total += lots.sum()
        count += int(prints.sum())
    events = made().events
    rows = events[events["kind"] == TRADE][:count]
    assert total == int(rows["size"].sum())


# bars


def bars_of(shown: Shown) -> list[tuple[Head, dict[str, float], Any]]:
    found = []
    for head, body in shown.frames[Kind.BAR]:
        n = head.count
        fields, price, marks, bought, sold, unknown = read_arrays(
            body,
            [("<f8", len(FIELDS)), ("<i4", n), ("u1", n), ("<f8", n), ("<f8", n), ("<f8", n)],
        )
        values = dict(zip(FIELDS, fields.tolist(), strict=True))
        found.append((head, values, (price, marks, bought, sold, unknown)))
    return found


def test_cells_are_those_of_the_footprint(shown: Shown):
    one = made()
    wanted = list(footprint_bars([one.events], BarSeries(0, bar_spec("1m", one.instrument))))
    closed = [bar for bar in bars_of(shown) if not bar[0].flags & OPEN]
    assert [head.number for head, *_ in closed] == list(range(len(closed)))
    assert len(closed) >= 3
    for (_, values, cells), footprint in zip(closed, wanted, strict=False):
        bar = footprint.bar
        assert values["open_ms"] == bar["open_ns"] / 1e6
        for name in ("open", "high", "low", "close", "volume", "delta", "cvd", "trades"):
            assert values[name] == bar[name]
        price, marks, bought, sold, _ = cells
        assert price.tolist() == footprint.cells["price"].tolist()
        assert bought.tolist() == footprint.cells["bought"].tolist()
        assert sold.tolist() == footprint.cells["sold"].tolist()
        assert price[(marks & CONTROL) != 0].tolist() == [int(bar["poc"])]
        inside = price[(marks & VALUE) != 0]
        assert (inside.min(), inside.max()) == (int(bar["val"]), int(bar["vah"]))


def test_the_open_bar_is_sent_with_its_number_and_grows(shown: Shown):
    opened = [bar for bar in bars_of(shown) if bar[0].flags & OPEN]
    assert len(opened) == 1, "only the newest is kept"
    head, values, _ = opened[0]
    assert head.number == shown.course.picture.lanes[0].bars.bars
    assert values["volume"] > 0


def test_rows_are_merged_to_the_lot_on_a_grid_of_price():
    one = made()
    footprint = next(
        iter(footprint_bars([one.events], BarSeries(0, bar_spec("5m", one.instrument))))
    )
    for height in (1, 2, 5, 10):
        rows = merged(footprint.cells, height)
        assert (rows["price"] % height == 0).all()
        for name in ("bought", "sold", "unknown", "trades"):
            assert rows[name].sum() == footprint.cells[name].sum()
    assert [row_height(price) for price in (12_000, 600_000, 100)] == [1, 20, 1]


def test_imbalances_and_stacks_are_those_of_the_features():
    one = made()
    bars = list(footprint_bars([one.events], BarSeries(0, bar_spec("1m", one.instrument))))
    rules = DIAGONAL_PROFILES["micro"]
    drawn = Footprints(0, rules)
    pipe = new_pipeline([one.instrument], [BarSeries(0, bar_spec("1m", one.instrument))])
    found = 0
    for bar in bars:
        row = np.zeros(1, BAR)
        row[0] = bar.bar
        row["first_cell"] = 0
        (made_frame,) = drawn.closed(pipe, 0, ClosedBars(row, bar.cells))
        ((head, body),) = read_frames(bytes(made_frame))
        _, prices, marks = read_arrays(
            body, [("<f8", len(FIELDS)), ("<i4", head.count), ("u1", head.count)]
        )
        for side, mark, stack in ((1, BUYS, STACK_BUYS), (-1, SELLS, STACK_SELLS)):
            judged = bar_diagonals(bar.cells, side, rules)
            wanted = judged["price"][judged["kind"] >= OPPOSED]
            assert sorted(prices[(marks & mark) != 0].tolist()) == sorted(wanted.tolist())
            assert ((marks[(marks & stack) != 0] & mark) != 0).all()
            found += wanted.size
    assert found > 3


# curves, states, words


def test_curves_are_the_columns_once_a_second(shown: Shown):
    rows = np.array(
        [read_arrays(body, [("<f8", head.aux)])[0] for head, body in shown.frames[Kind.CURVE]]
    )
    assert rows.shape[1] == len(LINES)
    assert 235 <= len(rows) <= 245
    assert (np.diff(rows[:, 0]) >= 900).all()
    names = [one.name for one in LINES]
    row = empty_row()
    course = shown.course
    read_columns(course.engine.pipeline, 0, course.now_ns, row)
    wanted = dict(zip((one.name for one in COLUMNS), row.tolist(), strict=True))
    last = dict(
        zip(names, course.picture.lanes[0].curves.values(course.engine.pipeline, course.now_ns),
            strict=True)
    )  # fmt: skip
    for name in set(names) & set(wanted):
        assert last[name] == wanted[name] or math.isnan(last[name]) == math.isnan(wanted[name])
    cut = course.engine.pipeline.sizes.edges[0, 0] != NEVER
    assert math.isnan(last["cvd_size_0"]) != cut


def test_every_blank_has_its_reason(shown: Shown):
    states = [read_json(*one) for one in shown.frames[Kind.STATE]]
    first, last = states[0], states[-1]
    for state in (first, last):
        blanks = {name for name, value in state["measures"].items() if value is None}
        assert blanks <= set(state["blank"])
        assert all(state["blank"].values())
        assert all(one["why"] for one in state["facts"] if one["value"] is None)
    assert last["data"]["valid"]
    assert last["session"]["volume"] > 0
    assert "composite" in last["blank"]


def test_signals_are_told_with_their_evidence_and_near_misses_with_what_failed(shown: Shown):
    told = [one for frame in shown.frames[Kind.SIGNAL] for one in read_json(*frame)]
    kept = shown.course.engine.journal.signals
    assert len(told) >= kept.size > 10
    box = shown.course.engine.pipeline.outbox.head[0]
    assert len(told) - kept.size == int(box["written"] - box["read"])
    for one, row in zip(told, kept, strict=False):
        assert one["kind"] == SIGNAL_NAMES[int(row["kind"])]
        assert one["score"] == row["score"]
        assert one["known_ms"] == row["ts_known"] / 1e6
        assert one["evidence"]
    assert any(one["failed"] for one in told if one["phase"] in ("rejected", "expired"))


def test_a_wall_is_told_at_the_next_timer_though_nothing_is_decided(shown: Shown):
    late = []
    for head, body in shown.frames[Kind.SIGNAL]:
        late += [head.ts_ms - one["known_ms"] for one in read_json(head, body)]
    assert max(late) <= 100.0
    assert {"wall"} <= {
        one["kind"] for frame in shown.frames[Kind.SIGNAL] for one in read_json(*frame)
    }


def test_the_greeting_explains_every_kind_of_signal_and_scenario():
    one = made().instrument
    said = hello(
        [one], mode="replay", title="", read_only=False, abilities={}, span_ns=None,
        strategy=None, account={}, row_ticks=[None], heat_ms=100.0, bar_ns=60 * SECOND,
    )  # fmt: skip
    assert set(MEANS) == set(SIGNAL_NAMES.values())
    assert set(SCENARIOS) == set(SCENARIO_KINDS)
    assert all(kind["means"] and kind["evidence"] for kind in said["signals"])
    (shown,) = said["instruments"]
    assert shown["tick_size"] == float(one.tick)
    assert said["curve"][0]["name"] == "ms"


def test_looking_changes_nothing(shown: Shown):
    blind = Course(market(), SETTINGS, Hub(), dict)
    blind.engine.watcher = None
    blind.picture.timer = lambda *_, **__: None  # type: ignore[method-assign]
    blind.run_to(shown.course.slices.last_ns, math.inf)
    seen, unseen = shown.course.engine.pipeline, blind.engine.pipeline
    assert shown.course.engine.journal.signals.tobytes() == blind.engine.journal.signals.tobytes()
    for part in ("session", "walls", "zones", "auction", "iceberg", "locations", "footprint"):
        assert getattr(seen, part).head.tobytes() == getattr(unseen, part).head.tobytes(), part


def test_nothing_is_on_a_lane_that_there_is_not(shown: Shown):
    assert {stream.lane for stream in shown.hub.rings} == {0, WHOLE_DESK}


def test_venues_of_one_underlying_are_told_side_by_side_each_on_its_lane():
    one = made()
    other = msgspec.structs.replace(one.instrument, venue="bybit-linear", symbol="BTCUSDT")
    first = int(one.events["ts_recv"][0])
    late = one.events.copy()
    late["ts_recv"] += 3_000_000
    two = Market(
        "replay", "two", (one.instrument, other),
        lambda: (replay_of([one.events, late]), lambda: ()),
        (first, first + 60 * SECOND), first,
    )  # fmt: skip
    hub = Hub(RINGS)
    course = Course(two, SETTINGS, hub, dict)
    course.run_to(first + 20 * SECOND, math.inf)
    course.picture.moment(0.0, always=True)
    for lane in (0, 1):
        ((head, body),) = read_frames(hub.rings[Stream(Kind.STATE, lane)].frames[-1])
        state = read_json(head, body)
        assert head.lane == lane
        venues = state["composite"]["venues"]
        assert [each["lane"] for each in venues] == [0, 1]
        assert all(each["live"] or each["why"] for each in venues)
        assert state["composite"]["base"] == "BTC"
        joined, whole = state["composite"]["depth"], state["composite"]
        assert len(joined["bids"]) == len(joined["asks"]) > 0
        assert sum(joined["bids"]) >= whole["bid_base"] * 0.999 > 0  # nearer than the reach is in
        assert "composite" not in state["blank"]
    reader = hub.join(lambda: None)
    reader.watch([1])
    hub.greet({})
    lanes = set()
    while message := reader.take():
        lanes |= {head.lane for head, _ in read_frames(message)}
    assert lanes == {1, WHOLE_DESK}
