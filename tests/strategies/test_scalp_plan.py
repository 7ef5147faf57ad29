"""T7.1: stop, targets, p*; and what a plan costs."""

import pytest

from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import break_even
from aggressor.strategies.scalp_plan import plan_of, stop_price, target_prices
from aggressor.strategies.scalp_rule import PERPETUAL
from aggressor.strategies.stall import Run, run_of
from tests.execution.stage import CONTRACT
from tests.strategies.fake_view import FakeSignal, FakeView, run_evidence


def run(**evidence: float) -> Run:
    found = run_of(FakeSignal(evidence=run_evidence(**evidence)), 1.0)
    assert found is not None
    return found


def test_t7_1() -> None:
    """P0 1000, P1 1012, sell 1011: stop 1015, first target 1007; S 4, T 4, C 1 -> p* 0.625."""
    plan = plan_of(run(), Facing(FakeView(), 1), PERPETUAL, CONTRACT)
    assert (plan.entry, plan.stop, plan.targets[0]) == (1011, 1015, 1007)
    assert plan.stop_ticks == 4
    assert plan.cost_ticks is not None
    assert (plan.cost_ticks, plan.sized.lots) == (1.0, 5)
    assert break_even(plan.entry - plan.targets[0], plan.stop_ticks, plan.cost_ticks) == 0.625


def test_the_stop_is_at_least_two_effective_ticks_off() -> None:
    assert stop_price(run(effective_tick=3.0), PERPETUAL) == 1018
    assert stop_price(run(p1=1013.0), PERPETUAL) == 1017  # a quarter of 13, away from the entry


@pytest.mark.parametrize(
    ("vwap", "second"),
    [(1004.0, 1006), (1008.6, 1008), (None, 1006), (1011.0, 1006), (1030.0, 1006)],
)
def test_the_second_target_is_the_nearer_one(vwap: float | None, second: int) -> None:
    assert target_prices(run(), PERPETUAL, 1011, vwap) == (1007, second)


def test_fees_count_in_ticks_of_the_price() -> None:
    view = FakeView(maker_bp=2.0, taker_bp=5.0)
    plan = plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT)
    assert plan.cost_ticks == pytest.approx(7e-4 * 1010.5 + 1.0)
    view.cost_per_side = None
    assert plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT).cost_ticks is None


def test_a_thin_market_halves_the_size() -> None:
    view = FakeView(volume_1m=10**9, top_depth=(10**9, 10**9))
    whole = plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT).sized.lots
    view.liquidity_regime = "thin"
    assert plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT).sized.lots == whole // 2


def test_the_size_looks_at_the_side_one_must_leave_through() -> None:
    view = FakeView(volume_1m=10**9, top_depth=(10**9, 40))
    assert plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT).sized[:2] == (2, "depth")


def test_no_size_beyond_the_stop() -> None:
    view = FakeView(bid=1019, ask=1020)
    assert plan_of(run(), Facing(view, 1), PERPETUAL, CONTRACT).sized.lots == 0
