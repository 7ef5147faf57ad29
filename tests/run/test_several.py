"""Several instruments and strategies in one run; a signal on one and the order on another."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aggressor.run.assemble import UNLIMITED, Settings, assemble
from aggressor.run.assignment import assigned
from aggressor.run.backtests.backtest import backtest_of, play
from aggressor.run.backtests.market_source import Source
from aggressor.schema.command import Commands
from aggressor.schema.errors import ConfigError
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode
from tests.properties.tapes import market, within

ONE = demo_instrument()
OTHER = msgspec.structs.replace(ONE, symbol="OTHER")
BOTH = (ONE, OTHER)
EXAMPLE = f"{Path(__file__).parents[2] / 'examples' / 'own_strategy.py'}:Leaning"
ACROSS = """
from aggressor.strategies.wants import enter, leave

class Across:
    waiting = True
    def decide(self, view):
        other = view.peers[1]
        if not view.valid or not other.valid:
            return None
        if other.trade is not None:
            return leave(other, "time") if other.now_ns - other.trade.began_ns > 5e9 else None
        if view.bid_lots == view.ask_lots:
            return None
        side = 1 if view.bid_lots > view.ask_lots else -1
        touch = other.ask if side > 0 else other.bid
        return enter(
            other, side, lots=1, stop=touch - side * 6, targets=[touch + side * 6], cap_ticks=1
        )
"""


def source_of(*lanes: int) -> Source:
    tapes = [within(market(seed), 120.0) for seed in (1, 2)]
    chosen = [tapes[k] for k in lanes]
    return Source(
        tuple(BOTH[k] for k in lanes),
        lambda: replay_of(chosen),
        sum(one.size for one in chosen),
        min(int(one["ts_recv"][0]) for one in chosen),
        max(int(one["ts_recv"][-1]) for one in chosen),
    )


def settings(strategy: str, **changes: Any) -> Settings:
    return Settings(strategy=strategy, profile="micro", equity=1e6, **changes)


def commands_of(source: Source, chosen: Settings) -> Commands:
    assembly = assemble(source.instruments, chosen, Mode.BACKTEST, rule=UNLIMITED)
    play(assembly, source.feed(), source.instruments)
    return assembly.engine.journal.commands


@pytest.mark.parametrize("lane", [0, 1])
def test_each_of_two_trades_as_it_would_alone(lane: int) -> None:
    names = ["ts_send", "kind", "side", "price", "trigger", "size", "type", "tif", "flags"]
    chosen = settings(EXAMPLE, rule={"lean": 0.6, "hold_s": 5})
    together = commands_of(source_of(0, 1), chosen)
    alone = commands_of(source_of(lane), chosen)
    own = together[together["instrument"] == lane]
    assert own.size > 10
    np.testing.assert_array_equal(own[names], alone[names])


def test_the_document_has_both_and_their_sum() -> None:
    found = backtest_of(source_of(0, 1), settings(EXAMPLE, rule={"lean": 0.6, "hold_s": 5}), {})
    each = found["instruments"]
    assert [one["instrument"] for one in each] == [ONE.id, OTHER.id]
    assert all(one["trades"] > 1 for one in each)
    for name in ("orders", "fills", "trades"):
        assert found[name] == sum(one[name] for one in each)
    (money,) = found["money"]
    assert float(money["pnl"]) == pytest.approx(sum(float(one["pnl"]) for one in each), abs=1e-6)
    groups = {row["group"]: row for row in found["tca"]["groups"] if row["by"] == "instrument"}
    assert set(groups) == {ONE.id, OTHER.id}
    assert sum(row["orders"] for row in groups.values()) == len(found["tca"]["orders"])


def test_two_strategies_share_an_instrument_and_one_keeps_to_its_own(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(Path(EXAMPLE.rpartition(":")[0]).read_text().replace("Leaning:", "Second:"))
    second = f"{file}:Second"
    rule = {"Leaning": {"lean": 0.6, "hold_s": 2}, "Second": {"lean": 0.5, "hold_s": 3}}
    text = f"{EXAMPLE}, {second}@{OTHER.id}"
    commands = commands_of(source_of(0, 1), settings(text, rule=rule))
    by = {(int(row["instrument"]), int(row["strategy"])) for row in commands}
    assert by == {(0, 64), (1, 65), (1, 66)}
    parents = commands["parent"][commands["strategy"] == 66]
    assert set((parents >> 40).tolist()) == {66}


def test_the_signal_is_on_one_and_the_order_on_another(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(ACROSS)
    text = f"{tmp_path / 'mine.py'}:Across@{ONE.id}"
    found = backtest_of(source_of(0, 1), settings(text), {})
    here, there = found["instruments"]
    assert here["orders"] == 0
    assert there["trades"] > 3
    assert there["trade_list"][0]["setup"].startswith(f"Across/{ONE.id}/")
    assert set(there["trade_list"][0]["markouts_ticks"]) == {"1s", "5s", "30s", "60s"}
    again = backtest_of(source_of(0, 1), settings(text), {})
    assert again["digest"] == found["digest"]


@pytest.mark.parametrize(
    ("text", "rule", "said"),
    [
        ("exhaustion_scalp@nowhere:X", {}, "which is not traded: synthetic:MICRO, synthetic:OTHER"),
        ("exhaustion_scalp,exhaustion_scalp@synthetic:OTHER", {}, "named twice on synthetic:OTHER"),
        ("exhaustion_scalp,,liquidity_trap", {}, "names no strategy"),
        ("exhaustion_scalp,liquidity_trap", {"hold_s": 3}, "give each its table"),
        ("exhaustion_scalp,liquidity_trap", {"liquidity_trap": 3}, "in a table [liquidity_trap]"),
    ],
)
def test_what_cannot_be(text: str, rule: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as trouble:
        assigned(text, rule, BOTH)
    assert said in str(trouble.value)


def test_ungated_is_for_all_of_them() -> None:
    rule = {"ungated": True, "liquidity_trap": {"signal_age_ns": 5}}
    found = assigned("exhaustion_scalp,liquidity_trap", rule, BOTH)
    assert [one.lane for one in found] == [0, 1, 0, 1]
    assert found[0].rule == {"ungated": True}
    assert found[2].rule == {"ungated": True, "signal_age_ns": 5}
