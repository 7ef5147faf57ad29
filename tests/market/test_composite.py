"""The composite: worked examples, exclusion by name, the twin, splits and the mirror."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.kernel import kernel
from aggressor.market import composite as module
from aggressor.market.composite import consolidated_depth
from aggressor.market.composite_records import (
    NO_GROUP,
    CompositeState,
    composite_state,
    groups_of,
    out_names,
)
from aggressor.market.contract import ContractState, contract_state, on_statement
from aggressor.market.state import MarketState, market_state
from aggressor.market.state import on_event as on_market_event
from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NOT_FLOW,
    SNAPSHOT,
    STATUS,
    TIMER,
    TRADE,
    Events,
    Status,
    empty_events,
)
from aggressor.schema.instrument import ContractKind, Instrument
from tests.naive import composite as naive

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
DAY_NS = 86_400 * 10**9


def contract(
    symbol: str, kind: ContractKind, tick: str, lot: str, multiplier: str = "1"
) -> Instrument:
    return Instrument(
        venue="test",
        symbol=symbol,
        kind=kind,
        tick=Decimal(tick),
        lot=Decimal(lot),
        multiplier=Decimal(multiplier),
        base="BTC",
    )


A = contract("A", ContractKind.LINEAR, "0.1", "1")
C = contract("C", ContractKind.LINEAR, "5", "1", "0.1")
INVERSE = contract("I", ContractKind.INVERSE, "0.5", "1")
SMALL = contract("S", ContractKind.LINEAR, "1", "1")


@kernel
def run(
    events: Events,
    start: int,
    stop: int,
    market: MarketState,
    contracts: ContractState,
    composite: CompositeState,
) -> int:
    """The hooks as the pipeline calls them."""
    for i in range(start, stop):
        event = events[i]
        kind, k = event["kind"], np.int64(event["instrument"])
        on_market_event(market, event)
        if kind == TIMER:
            module.on_timer(composite, market.book, market.health, contracts, event["ts_recv"])
        elif kind == TRADE:
            module.on_trade(composite, k, event)
        if kind == STATUS:
            on_statement(contracts, k, event)
    return stop


def rows_of(count: int, kind: int, ts: int, k: int) -> Events:
    events = empty_events(count)
    events["kind"], events["instrument"] = kind, k
    events["ts_recv"] = events["ts_venue"] = START_NS + ts
    return events


def book_rows(ts: int, k: int, bids: dict[int, int], asks: dict[int, int]) -> Events:
    """A full picture."""
    events = rows_of(1 + len(bids) + len(asks), LEVEL, ts, k)
    levels = [(1, p, q) for p, q in bids.items()] + [(-1, p, q) for p, q in asks.items()]
    for row, (side, price, lots) in zip(events[1:], levels, strict=True):
        row["side"], row["price"], row["size"], row["flags"] = side, price, lots, SNAPSHOT
    events[0]["kind"] = CLEAR
    events[-1]["flags"] |= LAST
    return events


def around(ts: int, k: int, mid: int, lots: int = 5) -> Events:
    """A book one tick either side of `mid`."""
    return book_rows(ts, k, {mid - 1: lots}, {mid + 1: lots})


def timer(ts: int) -> Events:
    events = rows_of(1, TIMER, ts, 255)
    events["size"] = 100 * MS
    return events


def trade(ts: int, k: int, price: int, lots: int, side: int, flags: int = 0) -> Events:
    events = rows_of(1, TRADE, ts, k)
    events["price"], events["size"], events["side"], events["flags"] = price, lots, side, flags
    return events


def gap(ts: int, k: int) -> Events:
    events = rows_of(1, CLEAR, ts, k)
    events["flags"] = GAP | LAST
    return events


class Floor:
    """Several venues; runs tapes and says who is live."""

    def __init__(self, instruments: Sequence[Instrument], **limits: Any) -> None:
        parameters = naive.parameters(**limits)
        self.market = market_state(len(instruments), window=1024, levels=4096)
        self.contracts = contract_state(len(instruments))
        self.composite = composite_state(instruments, parameters=parameters)

    def run(self, *parts: Events, cuts: Sequence[int] = ()) -> None:
        events = np.concatenate(parts)
        edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
        for start, stop in pairwise(edges):
            run(events, start, stop, self.market, self.contracts, self.composite)

    def out(self, k: int) -> tuple[str, ...]:
        return out_names(int(self.composite.rows[k]["out"]))


def test_t6_4_consolidated_depth_in_base_units() -> None:
    floor = Floor([A, C, INVERSE])
    floor.run(
        book_rows(0, 0, {599_999: 3, 599_950: 5}, {600_001: 3}),
        book_rows(1, 1, {12_005: 40, 12_004: 70}, {12_007: 40}),
        book_rows(2, 2, {119_979: 120_000, 119_970: 60_000}, {119_981: 1}),
        timer(100 * MS),
    )
    bid, ask, _ = consolidated_depth(floor.composite, floor.market.book, 0, 1.5)
    inverse = 120_000 / 59_989.5 + 60_000 / 59_985
    assert inverse == pytest.approx(3.0006, abs=1e-4)
    assert bid == pytest.approx(15.0006, abs=1e-4)
    assert ask == pytest.approx(3 + 4 + 1 / 59_990.5)
    each = [float(row["bid_base"]) for row in floor.composite.rows]
    assert each == pytest.approx([8, 4 + 7, inverse])  # within 5 bp C's next level is in


def delta(ts: int, k: int, lots: int) -> Events:
    """A change of one level."""
    events = rows_of(1, LEVEL, ts, k)
    events["side"], events["price"], events["size"], events["flags"] = 1, 990, lots, LAST
    return events


def said_every(ms: int, seconds: int, **limits: Any) -> tuple[Floor, int]:
    """Two venues whose books say something every `ms`, and when they did so last."""
    floor = Floor([SMALL, SMALL], **limits)
    parts = [around(0, 0, 1000), around(0, 1, 1000)]
    times = range(ms, 1000 * seconds + 1, ms)
    for n, at in enumerate(times):
        parts += [delta(at * MS, k, 1 + n % 2) for k in (0, 1)]
        parts.append(timer(at * MS))
    floor.run(*parts)
    return floor, times[-1] * MS


def test_t6_5_the_stale_limit_follows_the_usual_silence() -> None:
    floor, last = said_every(120, 66)
    assert floor.composite.rows["stale_ns"] == pytest.approx(600 * MS, rel=1e-3)
    limit = int(floor.composite.rows[0]["stale_ns"])
    floor.run(timer(last + limit))
    assert floor.out(0) == ()
    floor.run(delta(last + limit, 1, 9), timer(last + limit + 1))
    assert floor.out(0) == ("stale",)
    assert floor.out(1) == ()


def test_a_thin_book_is_no_worse_for_the_silence_that_is_usual_there() -> None:
    """Bursts of ten messages within 90 ms, eight seconds apart: their median says 10 ms."""
    floor = Floor([SMALL, SMALL], stale_floor_ns=3_000 * MS)
    parts = [around(0, 0, 1000), around(0, 1, 1000)]
    for start in range(1_000, 400_000, 8_000):
        parts += [delta((start + 10 * n) * MS, k, 1 + n) for n in range(10) for k in (0, 1)]
        parts.append(timer((start + 100) * MS))
    floor.run(*parts)
    last = 393_090 * MS
    assert floor.composite.rows[0]["stale_ns"] > 30_000 * MS
    floor.run(timer(last + 7_900 * MS), trade(last + 7_901 * MS, 0, 1001, 4, 1))
    assert floor.out(0) == ()
    assert floor.composite.groups[0]["cvd"] == 4  # what it trades then is not left out
    floor.run(timer(last + 9_901 * MS))
    assert floor.out(0) == ()
    floor.run(timer(last + 9_902 * MS))
    assert floor.out(0) == ("stale",)  # the trade should have changed its book
    assert floor.out(1) == ()


def test_a_lane_comes_back_after_five_clean_seconds_and_keeps_its_reasons_until_then() -> None:
    floor = Floor([SMALL, SMALL], stale_floor_ns=DAY_NS)
    floor.run(around(0, 0, 1000), around(0, 1, 1000), timer(100 * MS), gap(150 * MS, 0))
    floor.run(timer(200 * MS))
    assert floor.out(0) == ("no book", "gap")
    assert floor.composite.groups[0]["live"] == 1
    floor.run(around(250 * MS, 0, 1000), timer(300 * MS), timer(5_299 * MS))
    assert floor.out(0) == ("no book", "gap", "clean, but not for long enough")
    floor.run(timer(5_300 * MS))
    assert floor.out(0) == ()
    assert floor.composite.rows[0]["exclusions"] == 1


def test_a_crossed_book_a_halt_and_a_silent_stream_are_named() -> None:
    floor = Floor([SMALL, SMALL, SMALL], stale_floor_ns=DAY_NS)
    floor.run(*(around(0, k, 1000) for k in range(3)), timer(100 * MS))
    status = rows_of(1, STATUS, 120 * MS, 1)
    status["size"] = int(Status.HALTED)
    floor.market.health.head[2]["depth_limit_ns"] = 50 * MS
    floor.run(book_rows(110 * MS, 0, {1005: 1}, {1001: 1}), status, timer(200 * MS))
    assert floor.out(0) == ("crossed",)
    assert floor.out(1) == ("not trading",)
    assert floor.out(2) == ("heartbeat missed",)
    assert floor.composite.groups[0]["live"] == 0
    assert np.isnan(floor.composite.groups[0]["mid"])


def quiet(ts: int, mids: Sequence[int]) -> list[Events]:
    return [around(ts, k, mid) for k, mid in enumerate(mids)]


def test_a_price_away_from_the_others_is_excluded_after_half_a_second() -> None:
    floor = Floor([SMALL] * 3, stale_floor_ns=DAY_NS)
    floor.run(*quiet(0, [60_000] * 3), timer(100 * MS), timer(1000 * MS))
    floor.run(*quiet(1050 * MS, [60_000, 60_060, 60_000]), timer(1100 * MS), timer(1600 * MS))
    assert floor.out(1) == ()
    assert floor.composite.rows[1]["deviation_bp"] == pytest.approx(10, abs=0.1)
    assert floor.composite.rows[0]["deviation_bp"] == 0  # not pulled by the wrong one
    floor.run(timer(1700 * MS))
    assert floor.out(1) == ("price away from the others",)
    assert floor.composite.groups[0]["live"] == 2


def test_of_two_that_disagree_neither_is_believed() -> None:
    floor = Floor([SMALL] * 2, stale_floor_ns=DAY_NS)
    floor.run(*quiet(0, [60_000] * 2), timer(100 * MS), timer(1000 * MS))
    floor.run(*quiet(1050 * MS, [60_000, 60_060]), timer(1100 * MS), timer(1700 * MS))
    assert floor.out(0) == floor.out(1) == ("price away from the others",)
    floor.run(timer(60_000 * MS))
    assert floor.composite.groups[0]["live"] == 0


def test_the_basis_is_taken_out_before_prices_are_compared() -> None:
    floor = Floor([SMALL] * 2, stale_floor_ns=DAY_NS)
    parts = quiet(0, [60_000, 60_300])
    floor.run(*parts, *(timer(step * 1000 * MS) for step in range(1, 20)))
    rows = floor.composite.rows
    assert rows["basis"].tolist() == [0.0, 300.0]
    assert rows["deviation_bp"].tolist() == [0.0, 0.0]
    floor.run(around(19_500 * MS, 1, 60_310), timer(20_000 * MS))
    past = 2.0 ** (-1 / 300)
    assert rows[1]["basis"] == pytest.approx(300 * past + 310 * (1 - past))


def test_buckets_stand_around_the_reference_mid() -> None:
    floor = Floor([SMALL] * 2, stale_floor_ns=DAY_NS)
    floor.run(
        book_rows(0, 0, {59_999: 1, 59_994: 2, 59_900: 9}, {60_001: 3}),
        book_rows(0, 1, {60_298: 4}, {60_302: 5, 60_308: 6}),
        timer(100 * MS),
    )
    bids, asks = floor.composite.buckets[0]
    assert bids[:3].tolist() == [5, 0, 2]  # half a bp is 3: 1 and 2 away, then 6
    assert asks[:3].tolist() == [8, 0, 6]
    assert bids.sum() == 7
    assert floor.composite.groups[0]["mid"] == 60_000


def test_tape_and_cvd_in_base_units_leave_out_the_excluded() -> None:
    floor = Floor([A, C, INVERSE], stale_floor_ns=DAY_NS)
    floor.run(
        around(0, 0, 600_000), around(0, 1, 12_000), around(0, 2, 120_000), timer(100 * MS),
        trade(110 * MS, 0, 600_000, 2, 1), trade(111 * MS, 1, 12_000, 30, -1),
        trade(112 * MS, 2, 120_000, 60_000, 1), trade(113 * MS, 0, 600_000, 7, 0),
        trade(114 * MS, 0, 600_000, 50, 1, NOT_FLOW), gap(120 * MS, 1), timer(200 * MS),
        trade(210 * MS, 1, 12_000, 10, -1),
    )  # fmt: skip
    group = floor.composite.groups[0]
    assert (group["bought"], group["sold"], group["unknown"], group["cvd"]) == (3, 3, 7, 0)
    assert floor.composite.rows[1]["left_out_base"] == 1
    assert group["prints"] == 4
    assert floor.composite.tape[0, :4]["lane"].tolist() == [0, 1, 2, 0]
    assert floor.composite.tape[0, 1]["price"] == 60_000
    floor.run(trade(DAY_NS, 0, 600_000, 1, -1))
    assert group["cvd"] == -1


def test_lanes_without_company_cost_nothing_and_are_in_no_group() -> None:
    other = Instrument(
        venue="test", symbol="E", kind=ContractKind.LINEAR, tick=Decimal(1), lot=Decimal(1),
        base="ETH",
    )  # fmt: skip
    assert groups_of([INVERSE, other, A]) == [[2, 0]]
    composite = composite_state([INVERSE, other, A])
    assert composite.rows["group"].tolist() == [0, NO_GROUP, 0]
    alone = Floor([A])
    alone.run(around(0, 0, 600_000), timer(100 * MS), trade(1, 0, 600_000, 1, 1))
    assert alone.composite.groups.size == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "book", "trade", "gap", "timer", "timer"]),
        st.integers(0, 2),  # lane
        st.integers(-40, 40),  # ticks from the centre
        st.sampled_from([-1, 0, 1]),
        st.integers(1, 900),  # ms later
    ),
    max_size=60,
)
CENTRE = 60_000


def tape_of(items: list[Any], sign: int = 1) -> list[Events]:
    parts, ts = quiet(0, [sign * CENTRE] * 3), 100
    parts.append(timer(100 * MS))
    for kind, k, away, side, later in items:
        ts += later
        price = sign * (CENTRE + away)
        if kind == "book":
            near = {price - sign: 2 + k, price - 4 * sign: 7}
            far = {price + sign: 3, price + 9 * sign: 1 + k}
            bids, asks = (near, far) if sign > 0 else (far, near)
            parts.append(book_rows(ts * MS, k, bids, asks))
        elif kind == "trade":
            parts.append(trade(ts * MS, k, price, 1 + abs(away), sign * side))
        elif kind == "gap":
            parts.append(gap(ts * MS, k))
        else:
            ts = -(-ts // 100) * 100
            parts.append(timer(ts * MS))
    return parts


@settings(max_examples=40)
@given(steps)
def test_twin(items: list[Any]) -> None:
    instruments = [SMALL, C, SMALL]
    width = 0.4703  # no level stands on the edge of a bucket
    floor = Floor(instruments, bucket_bp=width)
    twin = naive.Composite(instruments, naive.parameters(bucket_bp=width))
    for part in tape_of(items):
        floor.run(part)
        twin.run(part)
        group = floor.composite.groups[0]
        assert [bool(row["out"]) for row in floor.composite.rows] == [
            bool(lane.out) for lane in twin.lanes
        ]
        assert [set(floor.out(k)) for k in range(3)] == [lane.out for lane in twin.lanes]
        assert group["cvd"] == pytest.approx(twin.cvd)
        assert group["bought"] + group["sold"] + group["unknown"] == pytest.approx(twin.volume)
        assert group["bid_base"] == pytest.approx(twin.depth[0])
        assert group["ask_base"] == pytest.approx(twin.depth[1])
        for mine, theirs in zip(floor.composite.buckets[0], twin.buckets, strict=True):
            sums = [theirs.get(bucket, 0.0) for bucket in range(mine.size)]
            assert mine.tolist() == pytest.approx(sums)
        for row, lane in zip(floor.composite.rows, twin.lanes, strict=True):
            assert float(row["basis"]) == pytest.approx(lane.basis, nan_ok=True)


@settings(max_examples=25)
@given(steps, st.lists(st.integers(0, 500), max_size=6))
def test_split_and_mirror(items: list[Any], cuts: list[int]) -> None:
    whole, cut, mirrored = (Floor([SMALL] * 3) for _ in range(3))
    whole.run(*tape_of(items))
    cut.run(*tape_of(items), cuts=cuts)
    for name in ("rows", "groups", "buckets", "tape"):
        mine, other = getattr(whole.composite, name), getattr(cut.composite, name)
        assert mine.tobytes() == other.tobytes()
    mirrored.run(*tape_of(items, sign=-1))
    group, other = whole.composite.groups[0], mirrored.composite.groups[0]
    assert (other["cvd"], other["bought"], other["sold"]) == (
        -group["cvd"], group["sold"], group["bought"],
    )  # fmt: skip
    assert (other["bid_base"], other["ask_base"]) == (group["ask_base"], group["bid_base"])
    assert mirrored.composite.rows["out"].tolist() == whole.composite.rows["out"].tolist()
    buckets = mirrored.composite.buckets[:, ::-1]
    np.testing.assert_allclose(buckets, whole.composite.buckets)
