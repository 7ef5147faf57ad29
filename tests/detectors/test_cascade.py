"""Cascade: the worked example, each leg, its near-misses and its end, the twin, mirror, splits."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggressor.detectors.cascade import (
    CONDITIONS,
    EVIDENCE,
    LEG_CENSORED,
    LEG_INFERRED,
    LEG_INTEREST,
    LEG_STREAM,
    STAGE_CASCADE,
    STAGE_RESOLVED,
    STAGE_WATCH,
)
from aggressor.features.forced import COMPLETE, ONE_PER_SECOND, UNPUBLISHED
from aggressor.schema.signal import (
    ARMED,
    CASCADE,
    CONFIRMED,
    DATA_GAP,
    EXPIRED,
    FIRM,
    REJECTED,
)
from tests.detectors.break_stage import (
    ASK,
    BID,
    MS,
    Stage,
    Tape,
    assert_same,
    mirror_rows,
    signals_of,
    stage,
)
from tests.naive import cascade as naive
from tests.searching import examples

SIGNED = ("forced_side", "basis_bp", "move_ticks")
SIGMA = 5.0


def calm(seconds: int = 70, interest: int = 100_000) -> Tape:
    """A minute of small trades; open interest and mark are stated every 5 s."""
    tape = Tape(levels=80)
    for n in range(seconds):
        if n % 5 == 0:
            if interest:
                tape.interest(interest)
            tape.mark(1000)
        for i in range(10):
            tape.trade(BID if i % 2 else ASK, 1, -1 if i % 2 else 1)
            tape.tick()
    return tape


def fall(
    forced: int = 1_800, one_sided: float = 0.85, interest: int = 99_300, lots: int = 9_000,
    ticks: int = 30, deep: int = 6, orders: int = 1, mark: int = 1000, before: int = 100_000,
) -> Tape:  # fmt: skip
    """Within a second the market falls by `ticks`; the bids left are `deep` lots each."""
    tape = calm(interest=before)
    for n in range(3):  # sweeps: the 6th tuple field is flags; both prints share a venue time
        tape.trade(1000, lots // 6, -1)
        tape.rows[-1] = (*tape.rows[-1][:6], 1, 0)
        tape.part -= 1
        tape.trade(999, lots // 6, -1)
        if forced and orders == 1 and n == 0:
            tape.liquidation(1000, round(forced * one_sided), -1)
            tape.liquidation(1000, forced - round(forced * one_sided), 1)
    if interest:
        tape.interest(interest)
    tape.mark(mark)
    tape.move_touch(BID - ticks, ASK - ticks, BID, ASK)
    rows = [(1, BID - ticks - n, deep) for n in range(20)]
    for n, (side, price, size) in enumerate(rows):
        tape.add(2, side, price, size, 1 if n == len(rows) - 1 else 0)
    if orders > 1:
        for _ in range(orders):
            tape.liquidation(1000, forced // orders, -1)
            tape.tick(10)
    tape.tick(10)
    return tape


def seen(row: Any) -> dict[str, float]:
    return dict(zip(EVIDENCE, row["evidence"].tolist(), strict=False))


def on_stage(publication: int = COMPLETE) -> Stage:
    return stage(publication, sigma_minute=SIGMA)


def run(tape: Tape, publication: int = COMPLETE, mirror: bool = False) -> Any:
    return signals_of(tape.events(mirror), on_stage(publication), CASCADE)


def confirmed(rows: Any) -> Any:
    return [row for row in rows if row["phase"] == CONFIRMED]


def test_t5_8_a_cascade_with_a_stream() -> None:
    watch, cascade, *_ = run(fall())
    assert (watch["phase"], cascade["phase"]) == (ARMED, CONFIRMED)
    assert (watch["direction"], cascade["direction"], cascade["side"]) == (0, -1, -1)
    assert watch["episode"] == cascade["episode"] == 1
    found = seen(cascade)
    assert (seen(watch)["stage"], found["stage"]) == (STAGE_WATCH, STAGE_CASCADE)
    assert found["forced_share"] == pytest.approx(0.2, abs=0.003)
    assert (found["one_sided"], found["forced_side"]) == (0.85, -1)
    assert found["interest_change"] == pytest.approx(-0.007)
    assert found["velocity"] == 6.0
    assert found["depth_ratio"] == pytest.approx(0.3)
    assert found["leg"] == LEG_STREAM | LEG_INTEREST
    assert (found["publication"], found["censored"]) == (COMPLETE, 0)
    assert found["basis_bp"] == pytest.approx(-10.0)
    assert cascade["provisional"] == FIRM
    flow = max(0.5 * found["forced_share"] / 0.15, 0.5 * 0.007 / 0.005)
    assert cascade["score"] == pytest.approx((0.6 + 0.5 * 0.5 / 0.3 + flow) / 3)


LEGS: dict[str, tuple[Callable[[], Tape], int, int, int]] = {
    # tape, publication, leg, provisional
    "stream alone": (lambda: fall(interest=0, before=0), COMPLETE, LEG_STREAM, FIRM),
    "a lower bound that is enough": (
        lambda: fall(interest=0, before=0), ONE_PER_SECOND, LEG_STREAM, FIRM
    ),
    "interest alone": (lambda: fall(forced=0), COMPLETE, LEG_INTEREST, FIRM),
    "interest without a stream": (lambda: fall(forced=0), UNPUBLISHED, LEG_INTEREST, FIRM),
    "inferred": (
        lambda: fall(forced=0, interest=99_600, lots=600), UNPUBLISHED, LEG_INFERRED, DATA_GAP
    ),
    "censored": (
        lambda: fall(forced=900, orders=9, interest=0, before=0, mark=1001), ONE_PER_SECOND,
        LEG_CENSORED, DATA_GAP,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(LEGS))
def test_each_leg_carries_a_cascade(name: str) -> None:
    make, publication, leg, provisional = LEGS[name]
    (row,) = confirmed(run(make(), publication))
    found = seen(row)
    assert (found["leg"], row["provisional"]) == (leg, provisional)
    assert np.isnan(found["forced_share"]) == (publication == UNPUBLISHED)
    assert found["censored"] == (leg == LEG_CENSORED)


def test_a_complete_stream_is_never_censored() -> None:
    tape = fall(forced=900, orders=9, interest=0, before=0, mark=1001)
    assert confirmed(run(tape, COMPLETE)) == []


NEGATIVES: dict[str, tuple[Callable[[], Tape], int]] = {
    "news: open interest rises": (lambda: fall(forced=0, interest=101_000), UNPUBLISHED),
    "news, with a few forced orders": (lambda: fall(forced=900, interest=101_000), COMPLETE),
    "news, censored stream": (
        lambda: fall(forced=900, orders=9, interest=101_000, mark=1001), ONE_PER_SECOND
    ),
    "forced on both sides": (lambda: fall(one_sided=0.6, interest=100_000), COMPLETE),
    "forced against the move": (lambda: fall(one_sided=0.1, interest=100_000), COMPLETE),
    "slow": (lambda: fall(ticks=24), COMPLETE),
    "deep": (lambda: fall(deep=11), COMPLETE),
}  # fmt: skip
LACKED = {"slow": "velocity", "deep": "depth ratio"}


@pytest.mark.parametrize("name", list(NEGATIVES))
def test_what_is_not_a_cascade_expires_and_says_why(name: str) -> None:
    make, publication = NEGATIVES[name]
    tape = make()
    tape.tick(900)
    rows = run(tape, publication)
    assert confirmed(rows) == []
    assert rows[-1]["phase"] == EXPIRED
    if name in LACKED or "news" in name:
        ended = CONDITIONS[rows[-1]["failed"]]
        assert ended in (LACKED.get(name, "forced flow"), "depth ratio")


def test_it_is_resolved_when_all_has_been_calm() -> None:
    tape = fall()
    tape.tick(600)
    rows = run(tape)
    assert [int(seen(row)["stage"]) for row in rows] == [
        STAGE_WATCH, STAGE_CASCADE, STAGE_RESOLVED,
    ]  # fmt: skip
    assert (rows[-1]["phase"], rows[-1]["failed"], rows[-1]["direction"]) == (EXPIRED, 0, 0)
    found = seen(rows[-1])
    assert found["velocity_peak"] == 6.0
    assert (found["forced_share"], found["velocity"]) == (0.0, 0.0)
    assert found["depth_ratio"] >= 0.5


def test_moving_open_interest_keeps_it_open() -> None:
    tape = fall()
    for n in range(600):
        if n % 50 == 0:
            tape.interest(99_300 - n)
        tape.tick()
    assert [int(seen(row)["stage"]) for row in run(tape)] == [STAGE_WATCH, STAGE_CASCADE]


def test_a_lost_book_ends_it() -> None:
    tape = fall()
    tape.lose_book()
    tape.tick(2)
    last = run(tape)[-1]
    assert (last["phase"], CONDITIONS[last["failed"]]) == (REJECTED, "valid book")


def test_without_a_deviation_a_leg_is_not_judged() -> None:
    state = stage(COMPLETE, sigma_minute=-1.0)
    rows = signals_of(fall().events(), state, CASCADE)
    assert confirmed(rows) == []
    assert state.cascade.head[0]["undecided"] > 0
    assert np.isnan(seen(rows[0])["velocity"])


@pytest.mark.parametrize("name", ["T5.8", *LEGS])
def test_a_mirrored_tape_gives_mirrored_signals(name: str) -> None:
    make, publication, *_ = LEGS.get(name, (fall, COMPLETE))
    tape = make()
    turned = mirror_rows(run(tape, publication, mirror=True), (), SIGNED, EVIDENCE)
    assert_same(
        turned, mirror_rows(mirror_rows(run(tape, publication), (), (), EVIDENCE), (), (), EVIDENCE)
    )


def test_where_the_batches_are_cut_changes_nothing() -> None:
    tape = fall()
    tape.tick(300)
    events = tape.events()
    whole = signals_of(events, on_stage())
    assert_same(signals_of(events, on_stage(), cuts=tuple(range(0, events.size, 9))), whole)


def test_what_comes_later_changes_nothing_earlier() -> None:
    tape, other = fall(), fall()
    other.interest(120_000)
    other.lose_book()
    other.tick(30)
    rows = run(other)
    assert_same(rows[rows["ts_known"] <= tape.rows[-1][0]], run(tape))


RULE = naive.Rule(
    window=1_000 * MS, minute=3_000 * MS, calm=1_000 * MS, refractory=500 * MS, reach=4,
    depths_min=2, sigma=Fraction(2), published=True,
)  # fmt: skip
# one step: ticks the touch moves, lots of the levels at it, lots traded, lots forced, their side,
# open interest stated, 1 if the mark is stated at the touch
QUIET = (0, 20, 5, 0, 1, 0, 0)
any_step = st.tuples(
    st.sampled_from((0, 0, 0, 0, -3, -8, -12, 4, 11)),
    st.sampled_from((20, 20, 4, 8)),
    st.integers(0, 40),
    st.sampled_from((0, 0, 0, 3, 20)),
    st.sampled_from((1, -1, -1, -1)),
    st.sampled_from((0, 0, 1000, 996, 990, 1003)),
    st.sampled_from((0, 0, 0, 1)),
)
crash_step = st.tuples(
    st.sampled_from((-4, -7, -12)),
    st.sampled_from((4, 8)),
    st.integers(0, 40),
    st.sampled_from((0, 3, 20, 40)),
    st.just(-1),
    st.sampled_from((0, 0, 996, 990)),
    st.just(0),
)
parts = st.one_of(
    st.lists(any_step, min_size=1, max_size=12),
    st.lists(crash_step, min_size=4, max_size=12),
    st.integers(5, 40).map(lambda count: [QUIET] * count),
)
moves = st.tuples(st.lists(parts, min_size=1, max_size=4), st.sampled_from((0, 30, 60))).map(
    lambda found: [
        *[(*QUIET[:5], 1000, 1)] * 25,
        *(step for part in found[0] for step in part),
        *[QUIET] * found[1],
    ]
)


def watch_again() -> list[Any]:
    """A watch that came to nothing, and within a refractory time the next one."""
    fall = (-4, 4, 0, 0, -1, 0, 0)
    told = [(*QUIET[:5], 1000, 1)] * 25
    first = [*[fall] * 5, (*fall[:5], 996, 0), fall, fall]
    return [*told, *first, *[QUIET] * 35, *[(0, 20, 0, 0, 1, 0, 0)] * 3, (-8, 20, 0, 0, 1, 0, 0)]


@examples(50)
@given(moves)
@example(watch_again())
def test_rows_are_those_of_the_twin(stream: list[Any]) -> None:
    state = stage(COMPLETE, sigma_minute=float(RULE.sigma))
    for name, value in (
        ("window_ns", RULE.window), ("minute_ns", RULE.minute), ("calm_ns", RULE.calm),
        ("refractory_ns", RULE.refractory), ("reach", RULE.reach), ("depths_min", 2),
        ("interest_stale_ns", 10**12), ("mark_stale_ns", 10**12),
    ):  # fmt: skip
        state.cascade.params[name] = value
    state.forced.parameters["short_ns"] = RULE.window
    tape = Tape(levels=80)
    bid, interest, mark = BID, 0, 0
    sides: dict[int, dict[int, int]] = {
        1: {BID - i: 20 for i in range(80)}, -1: {ASK + i: 20 for i in range(80)}
    }  # fmt: skip
    trades: list[tuple[int, int, int]] = []
    orders: list[tuple[int, int, int, int]] = []
    timers = []
    for move, lots, traded, forced, side, stated, marked in stream:
        new = min(max(bid + move, BID - 60), BID + 60)
        tape.move_touch(new, new + 1, bid, bid + 1)
        for price in range(new + 1, bid + 1):
            del sides[1][price]
        for price in range(bid + 1, new + 1):
            sides[1][price] = 20
            sides[-1].pop(price, None)
        for price in range(new + 1, bid + 1):
            sides[-1][price] = 20
        bid = new
        for n in range(4):
            for of, price in ((1, bid - n), (-1, bid + 1 + n)):
                tape.level(of, price, lots)
                sides[of][price] = lots
        if traded:
            tape.trade(bid, traded, -1)
            trades.append((tape.rows[-1][0], bid, traded))
        if forced:
            tape.liquidation(bid, forced, side)
            orders.append((tape.rows[-1][0], bid, forced, side))
        if stated:
            tape.interest(stated)
            interest = stated
        if marked:
            tape.mark(bid)
            mark = bid
        tape.tick()
        depth = {
            of: sum(q for p, q in sides[of].items() if (p > bid - 4 if of > 0 else p < bid + 5))
            for of in (1, -1)
        }
        timers.append(
            naive.Timer(
                tape.rows[-1][0], tuple(trades), tuple(orders), 2 * bid + 1, interest, mark, depth
            )
        )
    names = {STAGE_WATCH: "watch", STAGE_CASCADE: "cascade", STAGE_RESOLVED: "resolved"}
    found = [
        (
            int(row["ts_known"]),
            "expired" if row["failed"] else names[int(seen(row)["stage"])],
            int(row["side"]),
        )
        for row in signals_of(tape.events(), state, CASCADE)
    ]
    assert found == naive.rows(timers, RULE)
