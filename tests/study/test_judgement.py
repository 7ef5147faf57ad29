"""What trades show against their placebo: T10.3 and the verdict of R10.7."""

import itertools

import numpy as np
import pytest

from aggressor.study.judgement import judged, mean_of, placebo_p

DAY_NS = 86_400_000_000_000
R = np.array([1.0, -1, 2, 0, 3, -2, 1, 4])
SIGNALS = np.array([2, 4, 7])


def test_t10_3() -> None:
    """Signals at 3rd, 5th, 8th: mean 3; of the other 7 circular shifts none is as good: 1 / 8.

    Of all 56 subsets of three none but this one: 1 / 56.
    """
    observed = float(R[SIGNALS].mean())
    assert observed == 3.0
    shifts = [float(R[(SIGNALS + shift) % 8].mean()) for shift in range(1, 8)]
    assert placebo_p(observed, shifts) == 1 / 8
    subsets = [float(R[list(one)].mean()) for one in itertools.combinations(range(8), 3)]
    subsets.remove(3.0)
    assert placebo_p(observed, subsets) == 1 / 56


def test_without_draws_there_is_no_p() -> None:
    assert placebo_p(1.0, []) is None


def test_few_trades_have_a_mean_and_no_interval() -> None:
    assert mean_of(np.zeros(0)).value is None
    few = mean_of(np.array([1.0, 2.0]))
    assert (few.value, few.low, few.n) == (1.5, None, 2)
    assert "fewer than 10" in few.why
    many = mean_of(np.arange(100.0))
    assert many.low is not None
    assert many.high is not None
    assert many.low < 49.5 < many.high


def winners(count: int, days: int) -> tuple[np.ndarray, list[int]]:
    net = np.random.default_rng(1).normal(5.0, 1.0, count)
    return net, [DAY_NS * (i * days // count) for i in range(count)]


def test_a_verdict_needs_every_condition() -> None:
    net, began = winners(400, 25)
    losers = [np.full(50, -3.0) for _ in range(200)]
    good = judged(net, net + 1, began, losers)
    assert good.shown
    assert good.why == []
    assert good.p == 1 / 201
    assert good.placebo_bp.value == -3.0
    cases = {
        "fewer than 300 trades": judged(net[:200], net[:200], began, losers),
        "fewer than 20 days": judged(net, net, [0] * 400, losers),
        "the mean is not above zero": judged(-net, -net, began, losers),
        "the interval does not lie above zero": judged(net - 5.0, net, began, losers),
        "no placebo": judged(net, net, began, []),
        "placebo p above 0.01": judged(net, net, began, [np.full(50, 9.0)] * 200),
        "no trades": judged(np.zeros(0), np.zeros(0), [], losers),
    }
    for reason, judgement in cases.items():
        assert not judgement.shown
        assert reason in judgement.why, reason


@pytest.mark.parametrize("draws", [0, 5])
def test_nothing_traded_is_nothing_shown(draws: int) -> None:
    nothing = judged(np.zeros(0), np.zeros(0), [], [np.zeros(0)] * draws)
    assert (nothing.trades, nothing.p, nothing.shown) == (0, None, False)
    assert nothing.net_bp.why == "no trades"
