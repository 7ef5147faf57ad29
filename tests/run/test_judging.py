"""The placebo of a strategy: on markets where nothing is to be found it finds nothing (R10.3)."""

import json

import numpy as np
import pytest

from aggressor.run.assemble import Settings
from aggressor.run.backtests.judging import judge, null_market
from aggressor.run.backtests.market_source import Source
from aggressor.schema.errors import ConfigError
from aggressor.store.replay import replay_of
from aggressor.strategies.placebo import random_moments, shifted
from aggressor.strategies.push_through_continuation import break_of
from aggressor.strategies.setup_strategy import Taken
from aggressor.strategies.table import STRATEGIES
from tests.properties.tapes import instruments, market
from tests.strategies.test_push_through_continuation import told

FREE = {"ungated": True}
WIDE = {**FREE, "sizing": {"depth_bp": 10_000, "volume_bp": 10_000}}  # their books hold few lots


@pytest.mark.parametrize("name", list(STRATEGIES))
@pytest.mark.parametrize("null", ["poisson", "martingale"])
def test_nothing_is_shown_where_nothing_is(null: str, name: str) -> None:
    """And entries by chance lose what they cost: fees of 2 or 5 bp a side, and what is crossed."""
    source = null_market(null, 3, 0.4)
    settings = Settings(strategy=name, profile="micro", equity=10_000_000.0, rule=WIDE)
    found = judge(source, settings, draws=2, seed=1)
    assert not found["shown"]
    assert found["why"]
    assert found["placebo_trades"] > 5
    assert found["placebo_bp"]["value"] < -3.0
    assert json.loads(json.dumps(found)) == found


def test_setups_are_shifted_and_played_again_with_the_same_exits() -> None:
    events = market(1, 16.0)
    first, last = int(events["ts_recv"][0]), int(events["ts_recv"][-1])
    source = Source((instruments()[0],), lambda: replay_of([events]), events.size, first, last)
    settings = Settings(strategy="liquidity_trap", profile="micro", equity=10_000_000.0, rule=FREE)
    found = judge(source, settings, draws=3, seed=1)
    assert found["moments"] == "shifted"
    assert found["setups"] > 0
    assert 0 < found["placebo_trades"] <= 3 * found["setups"]
    assert found["p"] is None or 0 < found["p"] <= 1
    assert judge(source, settings, draws=3, seed=1) == found


def test_shifts_go_round_the_end() -> None:
    setup = break_of(told(0), 1.0)
    assert setup is not None
    taken = [Taken(ts, 0, setup) for ts in (110, 150, 190)]
    assert [one.ts_ns for one in shifted(taken, 100, 200, 25)] == [115, 135, 175]
    assert [one.ts_ns for one in shifted(taken, 100, 200, 100)] == [110, 150, 190]


def test_random_moments_are_in_order_and_of_both_sides() -> None:
    moments = random_moments(50, 1000, 2000, np.random.default_rng(1))
    times = [one.ts_ns for one in moments]
    assert times == sorted(times)
    assert times[0] >= 1000
    assert times[-1] < 2000
    assert {one.up for one in moments} == {1, -1}


def test_what_cannot_be_judged() -> None:
    for trouble, call in (
        ("no null market", lambda: null_market("efficient", 1, 1.0)),
        ("hours must be", lambda: null_market("poisson", 1, 0.0)),
        ("does not tell", lambda: judge(null_market("poisson", 1, 0.01), _own(), 1)),
        ("0 draws", lambda: judge(null_market("poisson", 1, 0.01), Settings(), -1)),
    ):
        with pytest.raises(ConfigError, match=trouble):
            call()


def _own() -> Settings:
    return Settings(strategy="mine.py:Mine")
