"""The exhaustion scalp on scripted views, with a desk and a venue behind it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.engine.reading import UNKNOWN, Measure, Ripeness
from aggressor.execution.intent import Policy
from aggressor.schema.event import NO_PRICE
from aggressor.schema.signal import ARMED, ICEBERG, PUSH_THROUGH
from aggressor.strategies.evidence import parameter_hash
from aggressor.strategies.gates import HitRecord, Mode
from aggressor.strategies.scalp_rule import MICRO, PERPETUAL, RULES, ScalpRule
from tests.strategies.fake_view import MS, SECOND, FakeSignal, FakeView, run_evidence
from tests.strategies.strategy_stage import ScalpStage, same_but_mirrored


def entered(up: int = 1, **fields: Any) -> ScalpStage:
    stage = ScalpStage(up=up)
    stage.tick(**fields)
    stage.signal()
    assert stage.told() == [("enter", "stall")]
    return stage


def filled(lots: int = 2, **fields: Any) -> ScalpStage:
    stage = entered(**fields)
    stage.fill("entry", lots)
    stage.tick()
    return stage


def test_t7_1_as_orders() -> None:
    """Sell 1011 post-only, stop 1015; half at 1007 and half at 1006."""
    stage = entered()
    (intent,) = stage.intents
    assert intent.placement is not None
    assert intent.protection is not None
    assert (intent.side, intent.placement.policy) == (-1, Policy.JOIN)
    assert stage.sent[0]["price"] == 1011
    assert intent.protection.stop == 1015
    assert [t.price for t in intent.protection.targets] == [1007, 1006]
    # 25 of equity at risk, 4 + 1 ticks a lot: 5 lots
    assert intent.lots == 5


def test_the_mirror_buys() -> None:
    stage = entered(up=-1)
    assert (stage.sent[0]["side"], stage.sent[0]["price"]) == (1, -1011)


def test_nothing_happens_without_a_confirmed_signal() -> None:
    stage = ScalpStage()
    for signal in (
        FakeSignal(evidence=run_evidence(), phase=ARMED),
        FakeSignal(evidence=run_evidence(), kind=ICEBERG),
        FakeSignal(evidence={}),
    ):
        stage.tick(signals=(signal,))
    assert not stage.intents
    assert stage.strategy.counts == {"signals without a run": 1}


def test_waits_for_the_stall_and_drops_what_gets_old() -> None:
    stage = ScalpStage()
    stage.tick(delta_now=60)
    stage.signal()
    stage.tick()
    assert not stage.intents
    stage.tick(delta_now=10)
    assert stage.told() == [("enter", "stall")]
    stage = ScalpStage()
    stage.tick(delta_now=60)
    stage.signal()
    for _ in range(3):
        stage.tick()
    stage.tick(delta_now=10)
    assert not stage.intents
    assert stage.strategy.counts["too old"] == 1


REFUSING: dict[str, tuple[dict[str, Any], dict[str, float], str]] = {
    "vacuum": ({"liquidity_regime": "vacuum"}, {}, "liquidity"),
    "watch": ({"cascade": "watch"}, {}, "cascade"),
    "cascade": ({"cascade": "cascade"}, {}, "cascade"),
    "reference venue": ({"reference_valid": False}, {}, "reference venue"),
    "spread": ({"ask": 1013}, {}, "spread"),
    "bias": ({"bias": 1}, {}, "bias"),
    "short run, ticks": ({}, {"effective_tick": 1.3}, "run"),
    "short run, atr": ({"atr_1m_ticks": Measure(13.0, Ripeness.RIPE)}, {}, "run atr"),
    "short run, costs": ({"cost_per_side": 2.1}, {}, "run costs"),
    "usual delta": ({}, {"run_delta_quantile": 201.0}, "run delta"),
    "mixed delta": ({}, {"run_volume": 700.0}, "run delta share"),
    "no size": ({"top_depth": (10, 10)}, {}, "size"),
    "price beyond the target": ({"bid": 1005, "ask": 1006}, {}, "target side"),
    "price beyond the stop": ({"bid": 1015, "ask": 1016}, {}, "stop side"),
    "costs": ({"cost_per_side": 3.9}, {"p0": 980.0}, "cost"),
}


@pytest.mark.parametrize("up", [1, -1])
@pytest.mark.parametrize("case", REFUSING.values(), ids=REFUSING.keys())
def test_gates_refuse(case: tuple[dict[str, Any], dict[str, float], str], up: int) -> None:
    fields, evidence, gate = case
    stage = ScalpStage(up=up)
    stage.tick(**fields)
    if gate == "cost":
        stage.strategy.history = HitRecord(10, 100)
    stage.signal(**evidence)
    assert stage.was_refused_by(gate)


def test_funding_near() -> None:
    stage = ScalpStage()
    stage.tick(funding_ns=stage.view.now_ns + 60 * SECOND)
    stage.signal()
    assert stage.strategy.evidence.decisions[0].verdict.refused == ("funding",)


DARK: dict[str, tuple[dict[str, Any], dict[str, float], str]] = {
    "reference": ({"reference_valid": None}, {}, "reference venue"),
    "liquidity": ({"liquidity_regime": None}, {}, "liquidity"),
    "cascade": ({"cascade": None}, {}, "cascade"),
    "spread": ({"median_spread": UNKNOWN}, {}, "spread"),
    "young spread": ({"median_spread": Measure(1.0, Ripeness.YOUNG)}, {}, "spread"),
    "funding": ({"funding_ns": None}, {}, "funding"),
    "bias": ({"bias": None}, {}, "bias"),
    "atr": ({"atr_1m_ticks": UNKNOWN}, {}, "run atr"),
    "delta": ({}, {"run_delta_quantile": float("nan")}, "run delta"),
    "cost": ({"cost_per_side": None}, {}, "cost"),
    "run costs": ({"cost_per_side": None}, {}, "run costs"),
    "caps": ({"volume_1m": None}, {}, "size caps"),
}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("case", DARK.values(), ids=DARK.keys())
def test_what_is_not_known(case: tuple[dict[str, Any], dict[str, float], str], mode: Mode) -> None:
    """Passes and is recorded in backtest and paper; refuses live; or as the configuration says."""
    fields, evidence, gate = case
    known = {name: "pass" for name in ("cost", "run costs") if name != gate}
    for unknown, passes in (
        (known, mode is not Mode.LIVE),
        ({**known, gate: "pass"}, True),
        ({**known, gate: "refuse"}, False),
    ):
        stage = ScalpStage(msgspec.structs.replace(PERPETUAL, mode=mode, unknown=unknown))
        stage.tick(**fields)
        stage.signal(**evidence)
        (decision,) = stage.strategy.evidence.decisions
        assert bool(stage.intents) is passes
        where = decision.verdict.would_refuse if passes else decision.verdict.refused
        assert gate in where


def test_young_baselines_are_traded_on_only_when_told() -> None:
    young = Measure(1.0, Ripeness.YOUNG)
    for told, gates in ((False, {"spread", "run atr", "signal firm"}), (True, set())):
        stage = ScalpStage(msgspec.structs.replace(PERPETUAL, trade_young=told))
        stage.tick(median_spread=young, atr_1m_ticks=young)
        at = stage.view.now_ns + 100 * MS
        stage.tick(signals=(FakeSignal(evidence=run_evidence(), ts_known=at, provisional=1),))
        (decision,) = stage.strategy.evidence.decisions
        assert set(decision.verdict.would_refuse) - {"cost"} == gates


def test_the_cost_gate_uses_the_measured_hit_rate() -> None:
    for hits, enters in ((100, True), (60, False)):  # p* of T 4.5, S 4, C 1 is 0.588
        stage = ScalpStage()
        stage.strategy.history = HitRecord(hits, 150)
        stage.signal()
        assert bool(stage.intents) is enters


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"high_traded": 1013}, "a new extreme"),
        ({"delta_now": 56}, "the run's delta is back"),
        ({"cascade": "watch"}, "cascade: watch"),
        ({"bias": 1}, "the bias goes with the run"),
    ],
)
def test_an_unfilled_entry_is_invalidated(fields: dict[str, Any], reason: str) -> None:
    stage = entered()
    stage.tick(**fields)
    assert stage.told()[1:] == [("cancel", reason)]
    stage.tick()
    stage.tick()
    assert stage.venue.orders == {}
    (record,) = stage.strategy.evidence.trades
    assert (record.exit_reason, record.entered_lots, record.markouts) == (reason, 0, {})


def test_an_entry_waits_three_seconds_and_no_longer() -> None:
    stage = entered()
    for _ in range(32):
        stage.tick()
    assert stage.venue.orders == {}
    assert stage.strategy.evidence.trades[0].exit_reason == "not filled in time"


def test_crosses_once_when_the_weighted_mid_turns() -> None:
    stage = entered()
    stage.tick(bid_lots=10, ask_lots=30)  # 0.25 of the spread beneath the mid
    assert stage.told()[1:] == [("replace", "the price turns")]
    placement = stage.intents[1].placement
    assert placement is not None
    assert (placement.policy, placement.cap_ticks) == (Policy.CROSS, 1)
    for _ in range(3):
        stage.tick()
    assert stage.venue.position == -5
    assert stage.told()[1:] == [("replace", "the price turns")]
    cross = next(r for r in stage.sent[1:] if r["price"] != NO_PRICE and not r["flags"])
    assert cross["price"] == 1009  # best bid less one effective tick


def test_time_stop() -> None:
    stage = filled(5)
    for _ in range(59):
        stage.tick(SECOND)
    assert stage.told()[1:] == []
    stage.tick(SECOND)
    assert stage.told()[1:] == [("exit", "time")]
    stage.tick()
    stage.tick()
    stage.tick()
    assert (stage.venue.position, stage.venue.orders) == (0, {})
    assert stage.strategy.evidence.trades[0].exit_reason == "time"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"delta_now": 40}, "the run's delta is back"),
        ({"bid": 1013, "ask": 1014}, "pushed through the extreme"),
        (
            {"signals": (FakeSignal(kind=PUSH_THROUGH, direction=1),)},
            "pushed through the extreme",
        ),
    ],
)
def test_early_exit(fields: dict[str, Any], reason: str) -> None:
    stage = filled()
    stage.tick(**fields)
    assert stage.told()[1:] == [("exit", reason)]
    for _ in range(3):
        stage.tick()
    assert (stage.venue.position, stage.venue.orders) == (0, {})


def test_both_targets_make_a_hit_and_a_record() -> None:
    stage = filled(5)
    stage.tick(SECOND, bid=1008, ask=1009, last_price=1013)
    stage.fill("target 1", 2)
    stage.tick(5 * SECOND, bid=1005, ask=1006, last_price=1006)
    stage.fill("target 2", 3)
    for _ in range(70):
        stage.tick(SECOND)
    (record,) = stage.strategy.evidence.trades
    assert record.exit_reason == "target 2"
    assert (record.entry_price, record.entered_lots) == (1011.0, 5)
    assert record.exit_price == pytest.approx((2 * 1007 + 3 * 1006) / 5)
    assert record.realised == (2 * 4 + 3 * 5) * 10**8
    assert (record.mae_ticks, record.mfe_ticks) == (2.0, 5.0)
    assert record.entry_slippage_ticks == 0
    assert record.markouts == {1: 2.5, 5: 5.5, 30: 5.5, 60: 5.5}
    assert record.signal_to_decided_ns == 0
    assert (record.decided_to_ack_ns, record.ack_to_fill_ns) == (100 * MS, 0)
    assert record.decision.setup == "exhaustion_scalp/v:X/1"
    assert record.decision.params == parameter_hash(PERPETUAL)
    assert record.decision.snapshot["p1"] == 1012.0
    assert stage.strategy.history == HitRecord(1, 1)
    assert record.decision.regime == {"liquidity": "normal", "cascade": "none", "bias": "0"}


def test_says_when_it_waits_for_time() -> None:
    """While a setup is considered, a trade is on or a markout is due, TIMERs are wanted."""
    stage = ScalpStage()
    assert not stage.strategy.waiting
    stage.tick(delta_now=60)
    stage.signal()
    assert stage.strategy.waiting
    for _ in range(3):
        stage.tick()
    assert not stage.strategy.waiting
    stage = filled(5)
    stage.fill("stop", 5)
    for seconds in range(60):
        assert stage.strategy.waiting, seconds
        stage.tick(SECOND)
    assert not stage.strategy.waiting


def test_decides_only_for_its_own_instrument() -> None:
    stage = ScalpStage()
    stage.strategy._index = 3
    stage.signal()
    assert not stage.intents


def test_a_stop_is_a_miss() -> None:
    stage = filled(5)
    stage.fill("stop", 5)
    for _ in range(3):
        stage.tick(SECOND)
    (record,) = stage.strategy.evidence.trades
    assert record.exit_reason == "stop"
    assert record.realised == -20 * 10**8
    assert stage.strategy.history == HitRecord(0, 1)


def test_another_strategys_trade_is_left_alone() -> None:
    stage = filled()
    stage.strategy.code = 2
    stage.tick(delta_now=79)
    assert stage.told()[1:] == []


def test_a_book_that_is_not_valid_decides_nothing() -> None:
    stage = ScalpStage()
    stage.tick(valid=False)
    stage.signal()
    assert not stage.intents
    stage.tick(valid=True)
    assert stage.told() == [("enter", "stall")]


def test_parameters_have_one_hash() -> None:
    assert parameter_hash(PERPETUAL) == parameter_hash(ScalpRule())
    assert parameter_hash(PERPETUAL) != parameter_hash(MICRO)
    assert RULES["micro"].wait_ns == 20 * SECOND


STEP = st.tuples(
    st.sampled_from([50, 100, 300, 900]),  # ms
    st.integers(-2, 2),  # move of the bid
    st.integers(1, 2),  # spread
    st.integers(-30, 70),  # delta now
    st.integers(1, 40),  # lots at the bid
    st.integers(1, 40),
    st.sampled_from(["", "", "", "signal", "entry", "stop", "target 1", "target 2"]),
    st.integers(1, 4),
)


def played(script: list[tuple[Any, ...]], up: int) -> ScalpStage:
    stage = ScalpStage(up=up)
    stage.signal()
    for after_ms, move, spread, delta, bid_lots, ask_lots, event, lots in script:
        bid = stage.view.bid + move
        fields = {
            "bid": bid, "ask": bid + spread, "delta_now": delta, "bid_lots": bid_lots,
            "ask_lots": ask_lots, "high_traded": bid + spread, "low_traded": bid,
            "last_price": bid + lots % 2,
        }  # fmt: skip
        if event == "signal":
            at = FakeView(now_ns=stage.view.now_ns + after_ms * MS)
            evidence = {"p0": bid - 14.0, "p1": bid + 1.0}
            fields["signals"] = at.with_signal(**evidence).signals
        elif event:
            stage.fill(event, lots)
        stage.tick(after_ms * MS, **fields)
    return stage


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=5, max_size=25))
def test_the_mirrored_market_gives_the_mirrored_orders(script: list[tuple[Any, ...]]) -> None:
    """R11.J 1: negate prices and swap sides, and every command is mirrored, field by field."""
    plain, mirror = played(script, 1), played(script, -1)
    same_but_mirrored(plain, mirror)
    assert plain.desk.books.identity("USD")
