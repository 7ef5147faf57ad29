"""Liquidity trap on scripted views, with a desk and a venue behind it (R7.3)."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.engine.reading import UNKNOWN, Measure, Ripeness, Wall
from aggressor.execution.intent import Policy
from aggressor.schema import command
from aggressor.schema.signal import (
    ABSORPTION,
    BEFORE_TOLERANCE,
    PULL,
    REJECTED,
    YOUNG_BASELINE,
)
from aggressor.strategies.entry_gates import MARKET_GATES, PLAN_GATES
from aggressor.strategies.gates import HitRecord, Mode
from aggressor.strategies.liquidity_trap import LiquidityTrap
from aggressor.strategies.trap_rule import PERPETUAL, RULES, TrapRule
from tests.execution.stage import CONTRACT
from tests.strategies.fake_view import MS, SECOND, START, FakeSignal, FakeView
from tests.strategies.strategy_stage import StrategyStage, same_but_mirrored

L = 997
KNOWN = START + 100 * MS  # when the pull is told of
BORN = KNOWN - 8 * SECOND
BIDS = ((999, 10), (998, 25), (997, 6))


def evidence(**fields: float) -> dict[str, float]:
    """T5.4, T7.3: 200 at 997, 4 traded, 190 cancelled after 8 s, 2 e from the touch at the last."""
    return {
        "peak": 200.0, "z": 12.0, "lifetime_seconds": 8.0, "start_distance_ticks": 5.0,
        "min_distance_ticks": 2.0, "cancelled_share": 0.95, "fill_ratio": 0.02,
        "pull_seconds": 0.0, "others_gone": 0.0, "depth_loss_share": 0.0, "effective_tick": 1.0,
        **fields,
    }  # fmt: skip


def told(at_ns: int, **fields: Any) -> FakeSignal:
    shown = {name: fields.pop(name) for name in list(fields) if name in evidence()}
    price = fields.pop("price", L)
    return FakeSignal(
        **{
            "kind": PULL, "direction": -1, "side": 1, "ts_known": at_ns, "ts_confirmed": at_ns,
            "ts_armed": at_ns - 8 * SECOND, "provisional": BEFORE_TOLERANCE, "low": price,
            "high": price, "evidence": evidence(**shown), **fields,
        }
    )  # fmt: skip


def after_the_pull() -> FakeView:
    """Bids 999:10, 998:25, 997:6; ask 1000; bought into at first, then sold into."""
    return FakeView(
        bid=999, ask=1000, last_price=999, high_traded=1000, low_traded=999, delta_now=-30,
        bids=BIDS, asks=((1000, 40), (1001, 40)), equity=36_000 * 10**8,
        prints=(
            (BORN + SECOND, 1000, 60, 1), (BORN + 2 * SECOND, 999, 40, -1),
            (KNOWN - 2 * SECOND, 999, 60, -1), (KNOWN - SECOND, 1000, 40, 1),
        ),
    )  # fmt: skip


class TrapStage(StrategyStage[LiquidityTrap]):
    def __init__(self, rule: TrapRule = PERPETUAL, up: int = 1) -> None:
        super().__init__(LiquidityTrap(CONTRACT, rule=rule), after_the_pull(), up)
        self.desk.books.deposit("USD", 26_000 * 10**8)

    def signal(self, **fields: Any) -> None:
        self.tick(signals=(told(self.view.now_ns + 100 * MS, **fields),))


def entered(up: int = 1, **fields: Any) -> TrapStage:
    stage = TrapStage(up=up)
    stage.view = replace(stage.view, **fields)
    stage.signal()
    assert stage.told() == [("enter", "the bait was pulled")]
    return stage


def filled(up: int = 1, **fields: Any) -> TrapStage:
    stage = entered(up, **fields)
    stage.tick()
    assert stage.venue.position == -up * 15
    return stage


def test_t7_3_as_orders() -> None:
    """Sell 15 capped at 997: 10 @ 999 + 5 @ 998 = 998.6667; stop 1002, R 3.3333, 2 R: 992."""
    stage = entered()
    (intent,) = stage.intents
    assert intent.placement is not None
    assert intent.protection is not None
    assert (intent.side, intent.lots, intent.placement.policy) == (-1, 15, Policy.CROSS)
    assert (stage.sent[0]["price"], stage.sent[0]["tif"]) == (997, command.IOC)
    assert intent.protection.stop == 1002
    assert [one.price for one in intent.protection.targets] == [992]
    (decision,) = stage.strategy.evidence.decisions
    assert decision.intended_price == pytest.approx(998.666667)
    assert decision.snapshot["stop_ticks"] == pytest.approx(3.333333)


def test_the_mirror_buys() -> None:
    stage = entered(up=-1)
    assert (stage.sent[0]["side"], stage.sent[0]["price"]) == (1, -997)


def test_the_ask_before_the_pull_counts_where_it_was_higher() -> None:
    """The mid of the last TIMER was 1001.5: with a spread of 1 the ask was 1002."""
    (intent,) = entered(mids2=((0, 2003),)).intents
    assert intent.protection is not None
    assert intent.protection.stop == 1004


def test_only_the_first_row_of_an_episode_is_a_setup() -> None:
    stage = TrapStage()
    stage.signal(phase=REJECTED)
    stage.signal(lifetime_seconds=float("nan"))
    assert not stage.strategy.counts
    stage.view = replace(stage.view, bias=0, cascade="cascade")
    stage.signal()
    stage.signal()  # the last word, two seconds later
    assert stage.strategy.counts == {"signals": 1, "refused": 1}


REFUSING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "vacuum": ({"liquidity_regime": "vacuum"}, {}, "liquidity"),
    "cascade": ({"cascade": "cascade"}, {}, "cascade"),
    "reference venue": ({"reference_valid": False}, {}, "reference venue"),
    "spread": ({"median_spread": Measure(0.4, Ripeness.RIPE)}, {}, "spread"),
    "funding": ({"funding_ns": START + 30 * SECOND}, {}, "funding"),
    "at the touch": ({}, {"start_distance_ticks": 0.0}, "bait distance"),
    "far off": ({}, {"start_distance_ticks": 11.0}, "bait distance"),
    "short life": ({}, {"lifetime_seconds": 0.9}, "bait life"),
    "nobody came": (
        {"prints": ((BORN + SECOND, 1000, 5, -1), (KNOWN - SECOND, 999, 9, -1))}, {}, "attract",
    ),
    "nobody sold": (
        {"prints": ((BORN + SECOND, 1000, 5, 1), (KNOWN - SECOND, 999, 9, 1))}, {}, "test",
    ),
    "never near": ({}, {"min_distance_ticks": 4.0}, "reach"),
    "half pulled": ({}, {"cancelled_share": 0.79}, "pulled"),
    "half eaten": ({}, {"fill_ratio": 0.21}, "traded of it"),
    "book-wide": ({}, {"others_gone": 3.0}, "others gone"),
    "moved": ({"bids": ((999, 10), (998, 140), (997, 6))}, {}, "not back"),
    "deep": ({"depths": (Measure(0.8, Ripeness.RIPE), UNKNOWN)}, {}, "depth"),
    "no size": ({"top_depth": (10, 10)}, {}, "size"),
    "costs": ({"taker_bp": 100.0}, {}, "cost"),
}  # fmt: skip


@pytest.mark.parametrize("up", [1, -1])
@pytest.mark.parametrize("case", REFUSING.values(), ids=REFUSING.keys())
def test_gates_refuse(case: tuple[dict[str, Any], dict[str, Any], str], up: int) -> None:
    fields, shown, gate = case
    stage = TrapStage(up=up)
    stage.view = replace(stage.view, **fields)
    stage.signal(**shown)
    assert stage.was_refused_by(gate)


DARK: dict[str, tuple[dict[str, Any], str]] = {
    "reference": ({"reference_valid": None}, "reference venue"),
    "liquidity": ({"liquidity_regime": None}, "liquidity"),
    "cascade": ({"cascade": None}, "cascade"),
    "spread": ({"median_spread": UNKNOWN}, "spread"),
    "funding": ({"funding_ns": None}, "funding"),
    "tape": ({"prints": None}, "test"),
    "tape and mids": ({"prints": None, "mids2": None}, "attract"),
    "depth": ({"depths": (UNKNOWN, UNKNOWN)}, "depth"),
    "young depth": ({"depths": (Measure(0.5, Ripeness.YOUNG), UNKNOWN)}, "depth"),
    "caps": ({"volume_1m": None}, "size caps"),
}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("case", DARK.values(), ids=DARK.keys())
def test_what_is_not_known(case: tuple[dict[str, Any], str], mode: Mode) -> None:
    """Passes and is recorded in backtest and paper; refuses live."""
    fields, gate = case
    drifted = {} if gate == "attract" else {"mids2": ((0, 1995), (BORN + SECOND, 1999))}
    known = {"cost": "pass", **({} if gate == "test" else {"test": "pass"})}
    stage = TrapStage(msgspec.structs.replace(PERPETUAL, mode=mode, unknown=known))
    stage.view = replace(stage.view, **{**drifted, **fields})
    stage.signal()
    assert stage.did_not_know(gate, mode)


def test_a_drift_of_the_mid_attracts_too() -> None:
    """Without buyers, but the mid went from 997.5 to 999.5 in the five seconds after."""
    sold = ((BORN + SECOND, 1000, 5, -1), (KNOWN - SECOND, 999, 9, -1))
    assert entered(prints=sold, mids2=((0, 1995), (BORN + SECOND, 1999))).sent


def test_attribution_may_be_provisional_a_baseline_may_not() -> None:
    for reason, expected in ((BEFORE_TOLERANCE, False), (YOUNG_BASELINE, True)):
        stage = TrapStage()
        stage.signal(provisional=reason)
        (decision,) = stage.strategy.evidence.decisions
        assert ("signal firm" in decision.verdict.would_refuse) is expected


def test_the_signal_is_old_after_a_tenth_of_a_second_on_either_clock() -> None:
    for late in ({"ts_known": START}, {"ts_confirmed": START - 1}):
        stage = TrapStage()
        stage.tick(signals=(told(KNOWN, **late),))
        assert bool(stage.intents) is ("ts_known" in late)  # exactly 100 ms is not too old
    stage = TrapStage()
    stage.tick(101 * MS, signals=(told(START),))
    assert not stage.intents
    assert stage.strategy.counts["too old"] == 1


def test_against_the_bias_the_size_is_half() -> None:
    """R6.6: shorts at half size in a bullish market, whole in a bearish one."""
    for bias, lots in ((1, 7), (-1, 15)):
        (intent,) = entered(bias=bias).intents
        assert intent.lots == lots


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"walls": (Wall(994, 300, 9.0, 0, 1),)}, 994),
        ({"node_edges": ((993, 995), (960, 970))}, 995),
        ({"bids": ((999, 50), (995, 25))}, 995),  # a gap of 4 e: the far end of the vacuum
        ({"bids": ((999, 50), (997, 25))}, 993),  # a gap of 2 e is none: 2 R of 3
        ({"walls": (Wall(1003, 300, 9.0, 0, -1),)}, 992),
    ],
)
def test_the_nearest_thing_below_is_the_target(fields: dict[str, Any], target: int) -> None:
    (intent,) = entered(**fields).intents
    assert intent.protection is not None
    assert intent.protection.targets[0].price == target


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"bids": ((999, 10), (998, 140))}, "the bait is back"),
        (
            {"signals": (told(KNOWN, phase=REJECTED, failed="no re-peg"),)},
            "the pull was none: no re-peg",
        ),
        (
            {"signals": (FakeSignal(kind=ABSORPTION, side=1, direction=1, low=990, high=991),)},
            "absorbed below",
        ),
        ({"cascade": "cascade", "cascade_side": 1}, "cascade against"),
    ],
)
def test_leaves(fields: dict[str, Any], reason: str) -> None:
    stage = filled()
    stage.tick(**fields)
    assert stage.told()[1:] == [("exit", reason)]
    for _ in range(3):
        stage.tick()
    assert (stage.venue.position, stage.venue.orders) == (0, {})
    assert stage.strategy.evidence.trades[0].exit_reason == reason


@pytest.mark.parametrize(
    "fields",
    [
        {"signals": (told(KNOWN, phase=REJECTED, episode=7),)},
        {"signals": (FakeSignal(kind=ABSORPTION, side=-1, low=990, high=991),)},
        {"signals": (FakeSignal(kind=ABSORPTION, side=1, low=999, high=1000),)},
        {"cascade": "cascade", "cascade_side": -1},
        {"cascade": "watch", "cascade_side": 1},
    ],
)
def test_stays(fields: dict[str, Any]) -> None:
    stage = filled()
    stage.tick(**fields)
    assert stage.told()[1:] == []


def test_the_bait_may_come_back_later() -> None:
    stage = filled()
    stage.tick(200 * MS, bids=((999, 10), (998, 190)))
    assert stage.told()[1:] == []


def test_time_stop() -> None:
    stage = filled()
    for _ in range(29):
        stage.tick(SECOND)
    assert stage.told()[1:] == []
    stage.tick(SECOND)
    assert stage.told()[1:] == [("exit", "time")]


def test_what_is_not_taken_within_the_limit_is_given_up() -> None:
    stage = TrapStage()
    stage.venue.on_place = lambda order: order.tif != command.IOC
    stage.signal()
    for _ in range(3):
        stage.tick()
    assert stage.venue.position == 0
    (record,) = stage.strategy.evidence.trades
    assert (record.exit_reason, record.entered_lots) == ("not filled within the cap", 0)


def test_a_record_of_a_stop() -> None:
    stage = filled()
    stage.fill("stop", 15)
    for _ in range(65):
        stage.tick(SECOND)
    (record,) = stage.strategy.evidence.trades
    assert record.exit_reason == "stop"
    assert record.realised == -3 * 15 * 10**8  # the venue here fills all at 999
    assert record.entry_slippage_ticks == pytest.approx(-1 / 3)
    assert record.decision.setup == "liquidity_trap/v:X/1"
    assert set(record.markouts) == {1, 5, 30, 60}
    assert stage.strategy.history == HitRecord(0, 1)


def test_every_gate_is_described() -> None:
    (decision,) = entered().strategy.evidence.decisions
    described = {*MARKET_GATES, *PLAN_GATES, *LiquidityTrap.description.gates} - {"bias"}
    assert {gate.name for gate in decision.gates} == described


STEP = st.tuples(
    st.sampled_from([50, 100, 300, 900, 4000]),  # ms
    st.integers(-2, 2),  # move of the bid
    st.integers(1, 2),  # spread
    st.integers(0, 200),  # lots at the best bid
    st.sampled_from(["", "", "", "signal", "rejected", "stop", "target 1"]),
    st.integers(1, 9),
)


def played(script: list[tuple[Any, ...]], up: int) -> TrapStage:
    stage = TrapStage(msgspec.structs.replace(RULES["perp"], ungated=True), up=up)
    stage.signal()
    for number, (after_ms, move, spread, shown, event, lots) in enumerate(script):
        bid = stage.view.bid + move
        now = stage.view.now_ns + after_ms * MS
        fields: dict[str, Any] = {
            "bid": bid, "ask": bid + spread, "high_traded": bid + spread, "low_traded": bid,
            "last_price": bid + lots % 2, "bids": ((bid, shown + 1), (bid - lots, 900)),
            "asks": ((bid + spread, 30), (bid + 9, 900)), "cascade_side": 1 - lots % 3,
            "cascade": "cascade" if shown == 7 else "none",
        }  # fmt: skip
        if event == "signal":
            fields["signals"] = (told(now, price=bid - 3, episode=number + 2),)
        elif event == "rejected":
            fields["signals"] = (told(now, phase=REJECTED, failed="lifetime"),)
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
