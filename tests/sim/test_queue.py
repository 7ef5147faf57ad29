"""Queue models: the worked numbers of T9.2 and the bounds every model keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.errors import ConfigError
from aggressor.sim.queue import (
    FRONT_CANCEL,
    LOG,
    LOG_TOTAL,
    POWER,
    POWER_FRONT,
    POWER_SHARE,
    QUEUE_NAMES,
    RISK_AVERSE,
    Queue,
    front_after,
    queue_of,
)
from tests.naive.sim import advance


@pytest.mark.parametrize(
    ("model", "power", "front"),
    [
        (RISK_AVERSE, 1.0, 30.0),
        (POWER, 1.0, 24.0),
        (POWER, 2.0, 23.0769),
        (POWER, 3.0, 22.2857),
        (LOG, 1.0, 24.6994),
        (POWER_SHARE, 2.0, 21.6),
        (LOG_TOTAL, 1.0, 27.7433),
        (POWER_FRONT, 2.0, 26.4),
        (POWER_FRONT, 3.0, 27.84),
        (FRONT_CANCEL, 1.0, 20.0),
    ],
)
def test_t9_2(model, power, front):
    assert front_after(model, power, 30.0, 50, 40, 0) == pytest.approx(front, abs=5e-5)


def test_a_decrease_that_prints_explain_is_no_cancel():
    for model in QUEUE_NAMES:
        assert front_after(model, 1.0, 20.0, 50, 40, 10) == 20.0


def test_growth_and_shrinkage_below_the_front():
    assert front_after(POWER, 1.0, 30.0, 50, 60, 0) == 30.0
    assert front_after(RISK_AVERSE, 1.0, 30.0, 50, 12, 0) == 12.0
    assert front_after(POWER, 1.0, 0.0, 0, 0, 0) == 0.0
    assert front_after(LOG, 1.0, 0.0, 5, 0, 0) == 0.0


@given(
    st.sampled_from(sorted(QUEUE_NAMES)),
    st.sampled_from([1.0, 2.0, 3.5]),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 60),
)
def test_every_model_equals_its_twin_and_lies_between_the_bounds(
    model, n, front, before, after, traded
):
    found = front_after(model, n, float(front), before, after, traded)
    assert found == advance(QUEUE_NAMES[model], n, float(front), before, after, traded)
    most = front_after(RISK_AVERSE, n, float(front), before, after, traded)
    least = front_after(FRONT_CANCEL, n, float(front), before, after, traded)
    assert least >= 0.0
    assert least - 1e-9 <= found <= most <= min(front, after)


def test_names():
    assert queue_of("power:2") == Queue(POWER, 2.0)
    assert queue_of("risk-averse") == Queue()
    for text in ("front", "power:x", "power:0"):
        with pytest.raises(ConfigError):
            queue_of(text)
    with pytest.raises(ConfigError):
        Queue(99)
