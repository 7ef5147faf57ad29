"""`aggressor strategies`, and the parameters of a backtest out of a file: true, and clear."""

import json
from pathlib import Path

import pytest

from aggressor.run.strategies import list_strategies
from aggressor.schema.errors import ConfigError
from aggressor.strategies.gates import Mode
from aggressor.strategies.table import STRATEGIES, strategy_named
from tests.properties.tapes import instruments
from tests.run.command_line import Command, run

__all__ = ["run"]  # a fixture of another module


def test_all_three_are_listed_by_the_names_of_the_rules(run: Command) -> None:
    code, out, err = run("strategies", "--json")
    assert (code, err) == (0, "")
    listed = json.loads(out)["strategies"]
    assert [one["name"] for one in listed] == [
        "exhaustion_scalp", "push_through_continuation", "liquidity_trap",
    ]  # fmt: skip
    for one in listed:
        for name in ("trades", "entry", "stop", "targets", "source"):
            assert one[name], (one["name"], name)
        assert one["needs"]
        assert one["gates"]
        for row in one["parameters"]:
            assert row["meaning"], row["name"]
            assert row["unit"] or not row["name"].endswith(("_ns", "_bp", "_share", "_effective"))


def test_parameters_are_those_of_the_rules() -> None:
    (trap,) = list_strategies("liquidity_trap")["strategies"]
    rows = {row["name"]: row for row in trap["parameters"]}
    assert (rows["signal_age_ns"]["perp"], rows["signal_age_ns"]["micro"]) == (10**8, 5 * 10**8)
    assert rows["sizing.risk_bp"]["unit"] == "bp"
    assert "mode" not in rows
    assert trap["leaves_out"] == ["bias"]


def test_tables_for_people(run: Command) -> None:
    code, every, _ = run("strategies")
    assert code == 0
    assert "path/to/file.py:ClassName" in every
    code, one, _ = run("strategies", "push_through_continuation")
    assert code == 0
    assert "retest_ns" in one
    assert "bias" in one


def test_a_name_that_there_is_not(run: Command) -> None:
    code, out, err = run("strategies", "buy_low")
    assert (code, out) == (1, "")
    assert "There is no strategy 'buy_low'; there is exhaustion_scalp" in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run_art = 2.0", "run_art is not known; allowed here: unknown, ungated"),
        ("[sizing]\nrisk = 3", "sizing.risk is not known; allowed here: risk_bp, depth_bp"),
        ("run_atr = 'much'", "run_atr = 'much': Expected `float`, got `str`"),
        ("mode = 'live'", "mode is not known"),
        ("[unknown]\nspread = 'maybe'", "unknown.spread is pass or refuse, not maybe"),
    ],
)
def test_parameters_that_cannot_be(tmp_path: Path, run: Command, text: str, said: str) -> None:
    file = tmp_path / "scalp.toml"
    file.write_text(text)
    code, out, err = run("backtest", "--null", "poisson", "--hours", "0.01", "--params", file)
    assert (code, out) == (1, "")
    assert f"{file}: " in err
    assert said in err


def test_parameters_reach_the_strategy() -> None:
    (one,) = instruments()
    changes = {"reward": 2.0, "sizing": {"risk_bp": 5}, "unknown": {"cost": "refuse"}}
    made = strategy_named("push_through_continuation").make(one, 0, "micro", Mode.BACKTEST, changes)
    rule = made.rule  # type: ignore[attr-defined]
    assert (rule.reward, rule.sizing.risk_bp, rule.unknown) == (2.0, 5, {"cost": "refuse"})
    assert rule.hold_ns == 20 * 10**9


def test_ungated_is_for_backtests() -> None:
    (one,) = instruments()
    for mode in (Mode.PAPER, Mode.LIVE):
        with pytest.raises(ConfigError, match="ungated is for backtests"):
            STRATEGIES["liquidity_trap"].make(one, 0, "perp", mode, {"ungated": True})


@pytest.mark.parametrize(
    "arguments", [("backtest",), ("backtest", "x", "--null", "poisson"), ("backtest", "x")]
)
def test_a_market_is_named_once(run: Command, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "market" in err or "instrument" in err
