import numpy as np
import pytest

from aggressor.study.signs import ORDERS_MIN, SignStudy, box_squares, spaced, study_signs


def metaorders(chance: np.random.Generator, lengths: np.ndarray) -> np.ndarray:
    return np.repeat(chance.choice([-1, 1], lengths.size), lengths)


def at(study: SignStudy, lag: int) -> float:
    found = next(one.acf.value for one in study.lags if one.lag == lag)
    assert found is not None
    return found


def test_11_c_constant_metaorders_have_a_triangular_memory() -> None:
    chance = np.random.default_rng(1)
    found = study_signs(metaorders(chance, np.full(6_000, 10)))
    assert [at(found, lag) for lag in (1, 5, 10)] == pytest.approx([0.9, 0.5, 0.0], abs=0.03)
    expected = [(lag, max(0.0, 1 - lag / 10)) for lag in (2, 3, 4, 6, 8, 13, 16)]
    for lag, value in expected:
        assert at(found, lag) == pytest.approx(value, abs=0.04)
    assert found.last_lag < 10
    assert found.long_memory == "not shown"


def test_a_short_memory_is_never_called_long() -> None:
    for seed in range(8):
        few = study_signs(metaorders(np.random.default_rng(seed), np.full(500, 10)))
        assert few.long_memory == "not shown"


def test_11_c_pareto_metaorders_have_a_long_memory() -> None:
    gammas, hursts, shown = [], [], 0
    for seed in range(8):  # one run of so heavy a tail says little
        chance = np.random.default_rng(seed)
        lengths = np.ceil(chance.random(20_000) ** (-1 / 1.5)).astype(int)
        found = study_signs(metaorders(chance, lengths))
        gammas.append(found.gamma.value)
        hursts.append(found.hurst.value)
        shown += found.long_memory == "yes"
    assert np.mean(gammas) == pytest.approx(0.5, abs=0.12)
    assert np.mean(hursts) == pytest.approx(0.75, abs=0.08)
    assert shown >= 4


def test_signs_without_memory_show_none() -> None:
    held = shown = 0
    for seed in range(20):
        found = study_signs(np.random.default_rng(seed).choice([-1, 1], 4_000))
        assert found.gamma.value is None
        assert "lost in the noise" in found.gamma.why
        assert found.hurst.low is not None
        assert found.hurst.high is not None
        held += found.hurst.low <= 0.5 <= found.hurst.high
        shown += found.long_memory == "yes"
    assert held >= 16
    assert shown <= 2


def test_the_answer_is_the_same_for_the_mirrored_market_and_deaf_to_orders_without_a_side() -> None:
    signs = metaorders(np.random.default_rng(3), np.full(500, 4))
    one, mirrored = study_signs(signs), study_signs(-signs)
    assert one.hurst.value == pytest.approx(mirrored.hurst.value)
    assert [lag.acf.value for lag in one.lags] == pytest.approx(
        [lag.acf.value for lag in mirrored.lags]
    )
    padded = np.insert(signs, np.arange(0, signs.size, 7), 0)
    assert study_signs(padded) == one


@pytest.mark.parametrize("n", [0, 1, ORDERS_MIN - 1])
def test_too_few_orders_show_nothing(n: int) -> None:
    found = study_signs(np.ones(n, np.int8))
    assert found.long_memory == "not shown"
    assert found.gamma.why == f"{n} taker orders, at least {ORDERS_MIN} are needed"


def test_one_sided_flow_has_no_memory_to_speak_of() -> None:
    assert study_signs(np.ones(2 * ORDERS_MIN)).hurst.why == "all on one side"


def test_a_line_has_no_fluctuation_and_a_box_is_judged_from_its_own_line() -> None:
    assert box_squares(np.arange(40.0) * 3 + 1, 10) == pytest.approx(np.zeros(4))
    rough = np.random.default_rng(4).normal(size=25)
    expected = []
    for first in (0, 10):
        box = rough[first : first + 10]
        left = box - np.polyval(np.polyfit(np.arange(10), box, 1), np.arange(10))
        expected.append((left**2).mean())
    assert box_squares(rough, 10) == pytest.approx(expected)


def test_lags_are_spaced_in_the_logarithm() -> None:
    lags = spaced(1, 1000)
    assert lags[0] == 1
    assert lags[-1] == 1000
    assert (np.diff(lags) > 0).all()
    assert {1, 2, 3, 4, 5, 6, 8, 10, 100} <= set(lags.tolist())
