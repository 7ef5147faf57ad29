"""RUN and STALL of R7.1, condition by condition."""

from dataclasses import replace
from typing import Any

import pytest

from aggressor.engine.reading import Wall
from aggressor.schema.signal import ABSORPTION, EXHAUSTION, ICEBERG, REJECTED
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import Mode
from aggressor.strategies.scalp_rule import PERPETUAL
from aggressor.strategies.stall import Run, Stall, follow, run_of, stall_of
from tests.strategies.fake_view import MS, SECOND, START, FakeSignal, FakeView, run_evidence

LEVEL: dict[str, Any] = {
    "bid_lots": 10,
    "ask_lots": 10,
}  # the weighted mid is the mid: (e) does not hold


def run(**evidence: float) -> Run:
    found = run_of(FakeSignal(evidence=run_evidence(**evidence)), 1.0)
    assert found is not None
    return found


def stalls(view: FakeView, known: Run, faded: bool = False) -> str:
    stall = stall_of(known, Facing(view, 1), PERPETUAL, faded=faded)
    return "".join(name for name, met in stall._asdict().items() if met)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "ad"),
        ({"delta_now": 24}, "ad"),
        ({"delta_now": 25}, "d"),
        ({"delta_now": -90}, "ad"),
        ({"bid_lots": 9, "ask_lots": 11}, "ad"),  # 0.05 spreads beneath the mid
        ({"bid_lots": 2, "ask_lots": 3}, "ade"),  # exactly 0.1
        ({"walls": (Wall(1008, 300, 9.0, 0, 1),)}, "abd"),
        ({"walls": (Wall(1005, 300, 9.0, 0, 1),)}, "abd"),
        ({"walls": (Wall(1010, 300, 9.0, 0, 1),)}, "ad"),  # at the best, not beneath
        ({"walls": (Wall(1004, 300, 9.0, 0, 1),)}, "ad"),  # too far
        ({"walls": (Wall(1008, 300, 9.0, 2 * SECOND, 1),)}, "ad"),  # was there before
        ({"walls": (Wall(1008, 300, 9.0, 0, -1),)}, "ad"),  # an ask
        ({"walls": (Wall(1008, 300, 9.0, 0, 1),), "taker_lots_now": (20, 0)}, "abd"),
        ({"walls": (Wall(1008, 300, 9.0, 0, 1),), "taker_lots_now": (21, 0)}, "ad"),
    ],
)
def test_conditions(fields: dict[str, Any], expected: str) -> None:
    assert stalls(replace(FakeView(**LEVEL), **fields), run()) == expected


def test_the_fade_holds_until_delta_is_back_at_seven_tenths() -> None:
    view = FakeView(**LEVEL, delta_now=55)
    assert stalls(view, run(), faded=True) == "ad"
    view.delta_now = 56
    assert stalls(view, run(), faded=True) == "d"


def test_a_new_high_starts_the_wait_anew() -> None:
    view, known = FakeView(**LEVEL), run()
    view.high_traded, view.now_ns = 1013, START + SECOND
    follow(known, Facing(view, 1), PERPETUAL)
    assert stalls(view, known) == "a"
    view.high_traded, view.now_ns = 1013, START + 3 * SECOND
    assert stalls(view, known) == "ad"
    assert known.p1 == 1012  # the run stays what it was when it was judged


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"kind": ABSORPTION, "side": -1, "low": 1012, "high": 1012}, True),
        ({"kind": ICEBERG, "side": -1, "low": 1014, "high": 1014}, True),
        ({"kind": ICEBERG, "side": -1, "low": 1015, "high": 1015}, False),
        ({"kind": ABSORPTION, "side": -1, "low": 1008, "high": 1009}, False),
        ({"kind": ABSORPTION, "side": 1, "low": 1012, "high": 1012}, False),
        ({"kind": ABSORPTION, "side": -1, "low": 1012, "high": 1012, "phase": REJECTED}, False),
        ({"kind": EXHAUSTION, "side": -1, "low": 1012, "high": 1012}, False),
    ],
)
def test_the_passive_side_holds_the_extreme(fields: dict[str, Any], held: bool) -> None:
    known = run()
    view = FakeView(signals=(FakeSignal(**fields),))
    follow(known, Facing(view, 1), PERPETUAL)
    assert known.held is held


def test_the_wall_alone_is_not_enough_when_it_is_money() -> None:
    only_b = Stall(a=True, b=True, c=False, d=False, e=False)
    assert only_b.holds(Mode.BACKTEST)
    assert only_b.holds(Mode.PAPER)
    assert not only_b.holds(Mode.LIVE)
    assert Stall(a=True, b=True, c=False, d=True, e=False).holds(Mode.LIVE)
    assert not Stall(a=False, b=True, c=True, d=True, e=True).holds(Mode.BACKTEST)
    assert not Stall(a=True, b=False, c=False, d=False, e=False).holds(Mode.BACKTEST)


def test_a_run_from_evidence() -> None:
    known = run()
    assert (known.ticks, known.delta_share, known.lift_rate) == (12, 1 / 3, 40.0)
    assert known.last_high_ns == START - 2500 * MS
    down = run_of(
        FakeSignal(direction=1, evidence=run_evidence(p0=1012, p1=1000, run_delta=-200)), 1.0
    )
    assert down is not None
    assert (down.up, down.ticks, down.delta, down.p1) == (-1, 12, 200, -1000)


@pytest.mark.parametrize(
    "signal",
    [
        FakeSignal(direction=0, evidence=run_evidence()),
        FakeSignal(evidence={}),
        FakeSignal(evidence=run_evidence(p1=999)),
        FakeSignal(evidence=run_evidence(delta_peak=float("nan"))),
    ],
)
def test_a_signal_that_tells_of_no_run(signal: FakeSignal) -> None:
    assert run_of(signal, 1.0) is None


def test_what_the_evidence_does_not_say_is_not_made_up() -> None:
    evidence = run_evidence()
    for name in ("effective_tick", "extreme_age_seconds", "run_delta_quantile"):
        del evidence[name]
    known = run_of(FakeSignal(evidence=evidence), 2.0)
    assert known is not None
    assert known.e == 2.0
    assert known.last_high_ns == START
    assert known.usual_delta != known.usual_delta
