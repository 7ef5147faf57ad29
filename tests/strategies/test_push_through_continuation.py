"""Push-through continuation on scripted views, with a desk and a venue behind it (R7.2)."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.engine.reading import UNKNOWN, GoneWall, Measure, Ripeness, Wall
from aggressor.execution.intent import Action, Policy
from aggressor.schema import command
from aggressor.schema.signal import BEFORE_TOLERANCE, EXPIRED, PUSH_THROUGH, YOUNG_BASELINE
from aggressor.strategies.entry_gates import MARKET_GATES, PLAN_GATES
from aggressor.strategies.gates import HitRecord, Mode
from aggressor.strategies.push_rule import PERPETUAL, RULES, PushRule
from aggressor.strategies.push_through_continuation import PushThroughContinuation
from tests.execution.stage import CONTRACT
from tests.strategies.fake_view import MS, SECOND, START, FakeSignal, FakeView
from tests.strategies.strategy_stage import StrategyStage, same_but_mirrored

L = 1010


def evidence(**fields: float) -> dict[str, float]:
    """T5.6: 100 shown at 1010, all of it traded, the last 30 by an order of 45."""
    return {
        "level": float(L), "peak": 100.0, "traded_share": 1.0, "cancelled_share": 0.0,
        "order_lots": 45.0, "order_quantile": 40.0, "burst_lots": 45.0, "burst_quantile": 60.0,
        "levels_swept": 2.0, "stage": 1.0, "clear_age_seconds": 0.0, "effective_tick": 1.0,
        **fields,
    }  # fmt: skip


def told(at_ns: int, **fields: Any) -> FakeSignal:
    shown = {name: fields.pop(name) for name in list(fields) if name in evidence()}
    return FakeSignal(
        kind=PUSH_THROUGH, direction=1, side=1, ts_known=at_ns, ts_confirmed=at_ns,
        ts_armed=at_ns - 4 * SECOND, low=L, high=L, evidence=evidence(**shown), **fields,
    )  # fmt: skip


def after_the_break() -> FakeView:
    """The wall at 1010 is gone: 1010 / 1012, 100 lots bought in the test."""
    return FakeView(
        bid=1010, ask=1012, last_price=1012, high_traded=1012, low_traded=1010, delta_now=80,
        median_spread=Measure(2.0, Ripeness.RIPE), cost_per_side=0.0,
        walls_gone=(GoneWall(L, 100, -1, 5 * SECOND, START + 100 * MS),),
        prints=(
            (START - SECOND, 1010, 70, 1), (START - MS, 1011, 45, 1), (START - MS, 1009, 9, -1),
        ),
    )  # fmt: skip


class PushStage(StrategyStage[PushThroughContinuation]):
    def __init__(self, rule: PushRule = PERPETUAL, up: int = 1) -> None:
        super().__init__(PushThroughContinuation(CONTRACT, rule=rule), after_the_break(), up)

    def signal(self, **fields: Any) -> None:
        self.tick(signals=(told(self.view.now_ns + 100 * MS, **fields),))


def entered(up: int = 1, **fields: Any) -> PushStage:
    stage = PushStage(up=up)
    stage.view = replace(stage.view, **fields)
    stage.signal()
    assert stage.told()[:1] == [("enter", "the wall was eaten")]
    return stage


def filled(up: int = 1, **fields: Any) -> PushStage:
    stage = entered(up, **fields)
    stage.tick()
    assert stage.venue.position == up * 5
    return stage


def test_t7_2_as_orders() -> None:
    """L 1010, entry 1012, stop 1008 (R 4), target 2 R: 1020; 25 at risk over 4 + 1 ticks: 5."""
    stage = entered()
    (intent,) = stage.intents
    assert intent.placement is not None
    assert intent.protection is not None
    assert (intent.side, intent.placement.policy, intent.lots) == (1, Policy.CROSS, 5)
    assert (stage.sent[0]["price"], stage.sent[0]["tif"]) == (1012, command.IOC)
    assert intent.protection.stop == 1008
    assert [one.price for one in intent.protection.targets] == [1020]
    (decision,) = stage.strategy.evidence.decisions
    assert decision.intended_price == 1012
    assert (decision.snapshot["stop_ticks"], decision.snapshot["target_ticks"]) == (4.0, 8.0)
    stage.tick()
    assert stage.venue.position == 5


def test_the_mirror_sells() -> None:
    stage = entered(up=-1)
    assert (stage.sent[0]["side"], stage.sent[0]["price"]) == (-1, -1012)


def test_only_the_row_at_clear_counts() -> None:
    stage = PushStage()
    for fields in ({"stage": 2.0}, {"phase": EXPIRED}, {"level": float("nan")}):
        stage.signal(**fields)
    assert not stage.intents
    assert not stage.strategy.counts


def wall(price: int, side: int = -1) -> Wall:
    return Wall(price, 300, 9.0, 0, side)


REFUSING: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "vacuum": ({"liquidity_regime": "vacuum"}, {}, "liquidity"),
    "cascade": ({"cascade": "cascade"}, {}, "cascade"),
    "reference venue": ({"reference_valid": False}, {}, "reference venue"),
    "spread": ({"median_spread": Measure(0.9, Ripeness.RIPE)}, {}, "spread"),
    "funding": ({"funding_ns": START + 30 * SECOND}, {}, "funding"),
    "bias": ({"bias": -1}, {}, "bias"),
    "young wall": ({"walls_gone": (GoneWall(L, 100, -1, SECOND, START + MS),)}, {}, "wall age"),
    "little traded": ({}, {"traded_share": 0.49}, "traded share"),
    "a pull": ({}, {"cancelled_share": 0.31}, "cancelled share"),
    "sold into it": ({"prints": ((START, 1010, 9, -1),)}, {}, "test delta"),
    "small stroke": ({}, {"order_lots": 39.0}, "clearing stroke"),
    "wall ahead": ({"walls": (wall(1014),)}, {}, "next wall"),
    "dear": ({"cost_per_side": 2.2, "ask": 1011}, {}, "cost to trade"),
    "late": ({"mids2": ((0, 2006),)}, {}, "velocity"),
    "little to win": ({"walls": (wall(1016),)}, {}, "reward"),
    "no size": ({"top_depth": (10, 10)}, {}, "size"),
    "costs": ({"taker_bp": 100.0}, {}, "cost"),
}


@pytest.mark.parametrize("up", [1, -1])
@pytest.mark.parametrize("case", REFUSING.values(), ids=REFUSING.keys())
def test_gates_refuse(case: tuple[dict[str, Any], dict[str, Any], str], up: int) -> None:
    fields, shown, gate = case
    stage = PushStage(up=up)
    stage.view = replace(stage.view, **fields)
    stage.signal(**shown)
    assert stage.was_refused_by(gate)


DARK: dict[str, tuple[dict[str, Any], str]] = {
    "reference": ({"reference_valid": None}, "reference venue"),
    "liquidity": ({"liquidity_regime": None}, "liquidity"),
    "cascade": ({"cascade": None}, "cascade"),
    "spread": ({"median_spread": UNKNOWN}, "spread"),
    "funding": ({"funding_ns": None}, "funding"),
    "bias": ({"bias": None}, "bias"),
    "wall age": ({"walls_gone": ()}, "wall age"),
    "tape": ({"prints": None}, "test delta"),
    "mids": ({"mids2": None}, "velocity"),
    "sigma": ({"sigma_second": UNKNOWN}, "velocity"),
    "cost": ({"cost_per_side": None}, "cost to trade"),
    "caps": ({"volume_1m": None}, "size caps"),
}


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("case", DARK.values(), ids=DARK.keys())
def test_what_is_not_known(case: tuple[dict[str, Any], str], mode: Mode) -> None:
    """Passes and is recorded in backtest and paper; refuses live."""
    fields, gate = case
    unknown = {} if gate == "cost" else {"cost": "pass"}
    stage = PushStage(msgspec.structs.replace(PERPETUAL, mode=mode, unknown=unknown))
    stage.view = replace(stage.view, **fields)
    stage.signal()
    assert stage.did_not_know(gate, mode)


def test_a_watched_cascade_is_no_cascade() -> None:
    assert entered(cascade="watch").sent


def test_attribution_may_be_provisional_a_baseline_may_not() -> None:
    for reason, expected in ((BEFORE_TOLERANCE, False), (YOUNG_BASELINE, True)):
        stage = PushStage()
        stage.signal(provisional=reason)
        (decision,) = stage.strategy.evidence.decisions
        assert ("signal firm" in decision.verdict.would_refuse) is expected


def test_the_cost_gate_uses_the_measured_hit_rate() -> None:
    for hits, enters in ((70, True), (40, False)):  # p* of T 8, S 4, C 0 is 1 / 3
        stage = PushStage()
        stage.strategy.history = HitRecord(hits, 150)
        stage.signal()
        assert bool(stage.intents) is enters


def test_a_nearer_wall_or_node_is_the_target() -> None:
    cases: tuple[tuple[dict[str, Any], int], ...] = (
        ({"walls": (wall(1019),)}, 1019),
        ({"node_edges": ((1017, 1018), (1030, 1031))}, 1017),
        ({"walls": (wall(1024), wall(1011, 1))}, 1020),
    )
    for fields, target in cases:
        (intent,) = entered(**fields).intents
        assert intent.protection is not None
        assert intent.protection.targets[0].price == target


def test_an_old_signal_is_dropped() -> None:
    stage = PushStage()
    stage.view = replace(stage.view, valid=False)
    stage.signal()
    for _ in range(3):
        stage.tick()
    stage.tick(valid=True)
    assert not stage.intents
    assert stage.strategy.counts["too old"] == 1


def test_rests_at_the_level_when_nothing_filled() -> None:
    """The ask has run to 1013: nothing within 1012, so one bid at 1010, stop 1008, target 1014."""
    stage = entered(ask=1013, median_spread=Measure(3.0, Ripeness.RIPE))
    stage.tick()
    assert stage.told()[1:] == [("replace", "waits for the retest")]
    order = stage.sent[-1]
    assert (order["price"], order["tif"]) == (1010, command.POST_ONLY)
    stage.fill("entry", 5)
    stage.tick(bid=1010, ask=1011)
    trade = stage.desk.trade(0)
    assert trade is not None
    assert trade.entry_price == 1010
    assert trade.bracket.protection.stop == 1008
    assert trade.bracket.protection.targets[0].price == 1014


def test_gives_the_retest_up_after_two_seconds() -> None:
    stage = entered(ask=1013, median_spread=Measure(3.0, Ripeness.RIPE))
    for _ in range(30):
        stage.tick()
    assert stage.venue.orders == {}
    assert [one[0] for one in stage.told()] == ["enter", "replace"]
    assert stage.strategy.evidence.trades[0].exit_reason == "not filled in time"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cascade": "cascade"}, "cascade: cascade"),
        ({"bias": -1}, "the bias goes against it"),
        ({"asks": ((1010, 50), (1011, 5))}, "a wall was put back"),
    ],
)
def test_a_retest_is_invalidated(fields: dict[str, Any], reason: str) -> None:
    stage = entered(ask=1013, median_spread=Measure(3.0, Ripeness.RIPE))
    stage.tick()
    stage.tick(**fields)
    assert stage.told()[-1] == ("cancel", reason)


def test_the_stop_goes_to_the_entry_at_one_r() -> None:
    stage = filled()
    stage.tick(bid=1015, ask=1016, prints=())
    assert stage.told()[1:] == []
    stage.tick(bid=1016, ask=1017)
    assert stage.told()[1:] == [("protect", "the stop goes to the entry")]
    moved = stage.sent[-1]
    assert (moved["kind"], moved["trigger"]) == (command.AMEND, 1012)
    for _ in range(4):
        stage.tick()
    assert stage.told()[1:] == [("protect", "the stop goes to the entry")]
    (stop,) = (one for one in stage.venue.orders.values() if one.type == command.STOP_MARKET)
    assert (stop.trigger, stop.leaves) == (1012, 5)


@pytest.mark.parametrize(
    ("after_s", "fields", "reason"),
    [
        (0.1, {"bid": 1009, "ask": 1010}, "fell back beneath the level"),
        (0.1, {"asks": ((1010, 50), (1011, 5))}, "a wall was put back"),
    ],
)
def test_fails_fast(after_s: float, fields: dict[str, Any], reason: str) -> None:
    stage = filled()
    stage.tick(round(after_s * SECOND), **fields)
    assert stage.told()[1:] == [("exit", reason)]
    for _ in range(3):
        stage.tick()
    assert (stage.venue.position, stage.venue.orders) == (0, {})
    assert stage.strategy.evidence.trades[0].exit_reason == reason


def test_leaves_what_never_reached_the_level() -> None:
    stage = filled(bid=1009)
    stage.tick(SECOND)
    assert stage.told()[1:] == []
    stage.tick(SECOND)
    assert stage.told()[1:] == [("exit", "the level was not held")]


def ranging(now_ns: int, ticks: int) -> dict[str, Any]:
    return {"prints": ((now_ns, 1012, 1, 1), (now_ns, 1012 + ticks, 1, 1))}


def test_time_stop_below_one_r() -> None:
    stage = filled()
    for _ in range(19):
        stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 6))
    assert stage.told()[1:] == []
    stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 6))
    assert stage.told()[1:] == [("exit", "time: less than one R")]


def test_no_time_stop_once_the_stop_stands_at_the_entry() -> None:
    stage = filled()
    stage.tick(bid=1016, ask=1017, **ranging(stage.view.now_ns, 6))
    for _ in range(30):
        stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 6))
    assert stage.told()[1:] == [("protect", "the stop goes to the entry")]


def test_leaves_when_it_consolidates() -> None:
    """3 of 10 ticks, ten seconds after the entry and no sooner."""
    stage = filled()
    stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 10))
    for _ in range(8):
        stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 3))
    assert stage.told()[1:] == []
    stage.tick(SECOND, **ranging(stage.view.now_ns + SECOND, 3))
    assert stage.told()[1:] == [("exit", "consolidates")]


def test_a_target_is_a_hit_with_its_record() -> None:
    stage = filled()
    stage.fill("target 1", 5)
    for _ in range(65):
        stage.tick(SECOND)
    (record,) = stage.strategy.evidence.trades
    assert (record.exit_reason, record.entered_lots) == ("target 1", 5)
    assert record.realised == 5 * 8 * 10**8
    assert record.decision.setup == "push_through_continuation/v:X/1"
    assert record.decision.snapshot["traded_share"] == 1.0
    assert set(record.markouts) == {1, 5, 30, 60}
    assert stage.strategy.history == HitRecord(1, 1)


def test_ungated_enters_and_records_what_refused() -> None:
    stage = PushStage(msgspec.structs.replace(PERPETUAL, ungated=True))
    stage.view = replace(stage.view, bias=-1)
    stage.signal()
    assert stage.told() == [("enter", "the wall was eaten")]
    assert stage.strategy.evidence.decisions[0].verdict.refused == ("bias",)


def test_what_the_desk_refuses_is_not_asked_again() -> None:
    stage = PushStage()
    stage.desk.decide = lambda *_: None  # type: ignore[method-assign]
    stage.signal()
    stage.tick()
    stage.tick()
    assert [one.action for one in stage.intents] == [Action.ENTER]
    assert stage.strategy.counts["refused by the desk"] == 1


def test_every_gate_is_described() -> None:
    stage = entered()
    (decision,) = stage.strategy.evidence.decisions
    described = {*MARKET_GATES, *PLAN_GATES, *PushThroughContinuation.description.gates}
    assert {gate.name for gate in decision.gates} == described


STEP = st.tuples(
    st.sampled_from([50, 100, 300, 900, 4000]),  # ms
    st.integers(-2, 3),  # move of the bid
    st.integers(1, 3),  # spread
    st.integers(0, 60),  # lots at the best ask
    st.sampled_from(["", "", "", "signal", "entry", "stop", "target 1"]),
    st.integers(1, 4),
)


def played(script: list[tuple[Any, ...]], up: int) -> PushStage:
    stage = PushStage(msgspec.structs.replace(RULES["perp"], ungated=True), up=up)
    stage.signal()
    for after_ms, move, spread, shown, event, lots in script:
        bid = stage.view.bid + move
        now = stage.view.now_ns + after_ms * MS
        fields: dict[str, Any] = {
            "bid": bid, "ask": bid + spread, "high_traded": bid + spread, "low_traded": bid,
            "last_price": bid + lots % 2, "asks": ((bid + spread, shown + 1), (bid + 9, 900)),
            "bids": ((bid, 70), (bid - lots, 900)),
            "prints": ((now - lots * SECOND, bid, lots, -1), (now, bid + spread, lots, 1)),
        }  # fmt: skip
        if event == "signal":
            fields["signals"] = (told(now, level=float(bid + spread - 1)),)
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
