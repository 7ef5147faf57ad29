"""Gates: three answers, what the unknown does, and the cost gate (T7.0, T10.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.engine.reading import UNKNOWN, Measure, Ripeness
from aggressor.strategies.gates import (
    Z_90,
    Z_95,
    Answer,
    Gate,
    HitRecord,
    Mode,
    at_least,
    at_most,
    break_even,
    cost_gate,
    holds,
    is_not,
    times,
    trusted,
    verdict,
    wilson,
)

NAN = float("nan")
P, R, U = Answer.PASS, Answer.REFUSE, Answer.UNKNOWN


@pytest.mark.parametrize(
    ("gate", "answer"),
    [
        (at_least("x", 2, 2), P),
        (at_least("x", 1.9, 2), R),
        (at_least("x", None, 2), U),
        (at_least("x", NAN, 2), U),
        (at_least("x", 2, None), U),
        (at_most("x", 2, 2), P),
        (at_most("x", 2.1, 2), R),
        (at_most("x", 2, NAN), U),
        (holds("x", True, "so"), P),
        (holds("x", False, "so"), R),
        (holds("x", None, "so"), U),
        (is_not("x", "normal", ("vacuum",)), P),
        (is_not("x", "vacuum", ("vacuum",)), R),
        (is_not("x", None, ("vacuum",)), U),
        (is_not("x", 0, (1,)), P),
    ],
)
def test_three_answers(gate: Gate, answer: Answer) -> None:
    assert gate.answer is answer


@pytest.mark.parametrize(
    ("state", "young_too", "value"),
    [
        (Ripeness.RIPE, False, 2.0),
        (Ripeness.YOUNG, False, None),
        (Ripeness.YOUNG, True, 2.0),
    ],
)
def test_trust(state: Ripeness, young_too: bool, value: float | None) -> None:
    assert trusted(Measure(2.0, state), young_too=young_too) == value
    assert trusted(UNKNOWN, young_too=young_too) is None
    assert times(3, value) == (None if value is None else 6.0)


GATES = (Gate("good", P, 1, 1), Gate("dark", U, None, 1))


@pytest.mark.parametrize(
    ("mode", "unknown", "admitted", "refused", "would"),
    [
        (Mode.BACKTEST, {}, True, (), ("dark",)),
        (Mode.PAPER, {}, True, (), ("dark",)),
        (Mode.LIVE, {}, False, ("dark",), ()),
        (Mode.LIVE, {"dark": "pass"}, True, (), ("dark",)),
        (Mode.BACKTEST, {"dark": "refuse"}, False, ("dark",), ()),
        (Mode.LIVE, {"good": "refuse", "dark": "pass"}, True, (), ("dark",)),
    ],
)
def test_the_unknown(
    mode: Mode, unknown: dict[str, str], admitted: bool, refused: tuple[str], would: tuple[str]
) -> None:
    assert verdict(GATES, mode, unknown) == (admitted, refused, would)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_refusal_refuses_everywhere(mode: Mode) -> None:
    answer = verdict((*GATES, Gate("bad", R, 1, 2)), mode, {"bad": "pass", "dark": "pass"})
    assert (answer.admitted, answer.refused) == (False, ("bad",))


@pytest.mark.parametrize(
    ("stop", "target", "cost", "rate"),
    [(4, 6, 1, 0.5), (4, 4, 1, 0.625), (4, 8, 1, 0.4167), (6, 6, 2, 0.6667)],
)
def test_t7_0_break_even(stop: float, target: float, cost: float, rate: float) -> None:
    """T7.0 and the table of R7.1."""
    assert break_even(target, stop, cost) == pytest.approx(rate, abs=5e-5)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(60, 100, 0.502003, 0.690599), (8, 10, 0.490162, 0.943318), (0, 5, 0.0, 0.434482)],
)
def test_t10_2_wilson(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials, Z_95) == pytest.approx((low, high), abs=5e-7)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_inside_and_around_the_rate(case: tuple[int, int]) -> None:
    hits, trials = case
    low, high = wilson(hits, trials, Z_90)
    assert 0 <= low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("cost", "record", "answer"),
    [
        (1, HitRecord(), U),
        (1, HitRecord(29, 29), U),
        (None, HitRecord(80, 100), U),
        (1, HitRecord(60, 100), P),  # p* 0.5; lower 90 % bound 0.5177
        (1, HitRecord(57, 100), R),  # 0.4878
        (6, HitRecord(), R),  # p* 1: no rate can carry it, history or not
    ],
)
def test_the_cost_gate(cost: float | None, record: HitRecord, answer: Answer) -> None:
    assert cost_gate(6, 4, cost, record, 30).answer is answer


def test_history_accrues() -> None:
    assert HitRecord().with_one(True).with_one(False) == HitRecord(1, 2)
