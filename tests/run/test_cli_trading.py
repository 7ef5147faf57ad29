"""Flags of the commands that trade: each arrives where it works, each wrong value is refused.

What the runs do with them is held by the tests of the runs: here nothing is opened, but the port of
the metrics.
"""

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.accounts import execute_now, live, paper
from aggressor.run.accounts.alerts import Alerts
from aggressor.run.accounts.rules import DEFAULT_RULES
from aggressor.schema.errors import ConfigError
from tests.run.command_line import Command, run

__all__ = ["run"]  # a fixture of another module

BTC, ETH = "bybit-linear:BTCUSDT", "bybit-linear:ETHUSDT"
LIMITS = '[default]\nallow_inferred = false\norder_size_max = "1"\nposition_size_max = "2"\n'
LOOK: dict[str, Any] = {
    "decisions": 3, "orders": 2, "fills": 1, "fills_maker": 0, "refused": 0, "events": 9,
    "halt": "open", "latency_ms": None, "money": [], "instruments": [], "data": [],
}  # fmt: skip


class Seen:
    """What a command would have begun."""

    def __init__(self) -> None:
        self.plan: Any = None
        self.more: dict[str, Any] = {}

    async def begin(self, plan: Any, *rest: Any, **more: Any) -> dict[str, Any]:
        self.plan, self.more = plan, {**more, "rest": rest}
        raise ConfigError("It would begin.")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    found = Seen()
    monkeypatch.setattr(paper, "paper", found.begin)
    monkeypatch.setattr(live, "live", found.begin)
    monkeypatch.setattr(execute_now, "execute_on_paper", found.begin)
    monkeypatch.setattr(execute_now, "execute_live", found.begin)
    return found


def began(run: Command, *words: object) -> None:
    code, out, err = run(*words, "--json")
    assert (code, out) == (1, ""), err
    assert "It would begin." in err


PAPER: list[tuple[list[str], Callable[[Any], Any], Any]] = [
    ([], lambda plan: list(plan.names), [BTC]),
    ([ETH], lambda plan: list(plan.names), [BTC, ETH]),
    (["--strategy", "liquidity_trap"], lambda plan: plan.settings.strategy, "liquidity_trap"),
    (["--for", "90s"], lambda plan: plan.seconds, 90.0),
    ([], lambda plan: plan.seconds, None),
    (["--at", "http://127.0.0.1:1"], lambda plan: plan.at, "http://127.0.0.1:1"),
    (["--latency-ms", "1,2,3"], lambda plan: plan.settings.latency_ms, "1,2,3"),
    (["--queue", "log"], lambda plan: plan.settings.queue, "log"),
    (["--maker-bp", "-0.5"], lambda plan: plan.settings.maker_bp, -0.5),
    (["--taker-bp", "7"], lambda plan: plan.settings.taker_bp, 7.0),
    (["--equity", "123.5"], lambda plan: plan.settings.equity, 123.5),
    (["--maintenance-bp", "50"], lambda plan: plan.settings.maintenance_bp, 50.0),
    (["--liquidation-bp", "75"], lambda plan: plan.settings.liquidation_bp, 75.0),
    (["--profile", "micro"], lambda plan: plan.settings.profile, "micro"),
    ([], lambda plan: plan.rules, DEFAULT_RULES),
    ([], lambda plan: plan.settings.thresholds, {}),
]


@pytest.mark.parametrize(("words", "look", "expected"), PAPER)
def test_flags_of_paper(
    run: Command, seen: Seen, words: list[str], look: Callable[[Any], Any], expected: Any
) -> None:
    began(run, "paper", BTC, *words)
    assert look(seen.plan) == expected


def test_folders_and_files_of_paper(run: Command, seen: Seen, tmp_path: Path) -> None:
    limits, thresholds = tmp_path / "limits.toml", tmp_path / "thresholds.toml"
    numbers = tmp_path / "numbers.toml"
    numbers.write_text("trade_young = true\n")
    limits.write_text("[account]\nlosses_in_a_row_max = 2\n")
    thresholds.write_text("[stacking]\nrows_min = 4\n")
    files = (
        "--limits", limits, "--store", tmp_path / "s", "--thresholds", thresholds, "--params",
        numbers,
    )  # fmt: skip
    began(run, "paper", BTC, *files)
    assert seen.plan.rules.account.losses_in_a_row_max == 2
    assert seen.plan.store == tmp_path / "s"
    assert seen.plan.settings.rule == {"trade_young": True}
    assert seen.plan.settings.params == str(numbers)
    assert list(seen.plan.settings.thresholds) == ["stacking"]
    began(run, "live", BTC, "--limits", limits, "--i-understand", "--params", numbers)
    assert seen.plan.settings.rule == {"trade_young": True}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what apprise loads
def test_alerts_of_paper_and_live(run: Command, seen: Seen, tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    began(run, "paper", BTC)
    assert seen.more["alerts"] is None
    began(run, "paper", BTC, "--alert", "json://localhost/a", "--alert", "json://localhost/b")
    assert isinstance(seen.more["alerts"], Alerts)
    code, _, err = run("paper", BTC, "--alert", "json://localhost/a", "--alert", "nowhere")
    assert code == 1
    assert "Alert address 2 (nowhere:...) is none that apprise" in err
    limits = tmp_path / "limits.toml"
    limits.write_text(LIMITS)
    began(run, "live", BTC, "--limits", limits, "--i-understand", "--alert", "json://localhost/a")
    assert isinstance(seen.more["alerts"], Alerts)


def test_metrics_are_served_while_a_run_lasts(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("prometheus_client")
    pages: list[str] = []

    async def begin(plan: Any, *, show: Any, notice: Any, alerts: Any) -> dict[str, Any]:
        show(LOOK)
        notice("on")
        with urllib.request.urlopen(pages.pop(), timeout=5) as page:
            pages.append(page.read().decode())
        raise ConfigError("It would begin.")

    from aggressor.run.accounts import metrics as served

    class Told(served.Metrics):
        def __init__(self, port: int) -> None:
            super().__init__(port)
            assert port == 0
            pages.append(f"http://127.0.0.1:{self.port}/metrics")

    monkeypatch.setattr(served, "Metrics", Told)
    monkeypatch.setattr(paper, "paper", begin)
    code, _, err = run("paper", BTC, "--metrics", "0", "--json")
    assert code == 1, err
    assert "aggressor_orders_of_run 2.0" in pages[0]
    assert "metrics at http://127.0.0.1:" in err
    code, _, err = run("paper", BTC, "--metrics", "99999999", "--json")
    assert code == 1
    assert "Port 99999999 cannot be used" in err


LIVE: list[tuple[list[str], Callable[[Any], Any], Any]] = [
    ([], lambda plan: (list(plan.names), plan.watchdog), ([BTC], True)),
    (["--no-watchdog"], lambda plan: plan.watchdog, False),
    (["--watchdog"], lambda plan: plan.watchdog, True),
    (["--strategy", "liquidity_trap"], lambda plan: plan.settings.strategy, "liquidity_trap"),
    (["--for", "2h"], lambda plan: plan.seconds, 7200.0),
    (["--at", f"{BTC}=x"], lambda plan: plan.at, f"{BTC}=x"),
    (["--profile", "micro"], lambda plan: plan.settings.profile, "micro"),
    (["--store", "here"], lambda plan: plan.store, Path("here")),
]


@pytest.mark.parametrize(("words", "look", "expected"), LIVE)
def test_flags_of_live(
    run: Command,
    seen: Seen,
    tmp_path: Path,
    words: list[str],
    look: Callable[[Any], Any],
    expected: Any,
) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(LIMITS)
    began(run, "live", BTC, "--limits", limits, "--i-understand", *words)
    assert look(seen.plan) == expected
    assert seen.plan.rules.default.allow_inferred is False


EXECUTE: list[tuple[list[str], Callable[[Seen], Any], Any]] = [
    ([], lambda seen: seen.plan[:3], (BTC, "buy", "0.5")),
    (["--policy", "twap"], lambda seen: seen.plan.policy, "twap"),
    (["--max-slippage-bp", "3"], lambda seen: seen.plan.max_slippage_bp, 3.0),
    (["--wait", "7"], lambda seen: seen.plan.wait_s, 7.0),
    ([], lambda seen: seen.plan.cross_at_end, True),
    (["--no-cross-at-end"], lambda seen: seen.plan.cross_at_end, False),
    (["--cross-at-end"], lambda seen: seen.plan.cross_at_end, True),
    (["--watch", "2.5"], lambda seen: seen.plan.watch_s, 2.5),
    (["--fill-model", "m.json"], lambda seen: seen.plan.fill_model, Path("m.json")),
    (["--maker-bp", "1"], lambda seen: seen.plan.maker_bp, 1.0),
    (["--taker-bp", "9"], lambda seen: seen.plan.taker_bp, 9.0),
    (["--seed", "5"], lambda seen: seen.plan.seed, 5),
    (["--store", "here"], lambda seen: seen.more["store"], Path("here")),
    (["--at", "http://x:1"], lambda seen: seen.more["at"], "http://x:1"),
    (["--queue", "log"], lambda seen: seen.more["queue"], "log"),
    (["--equity", "77"], lambda seen: seen.more["equity"], 77.0),
    ([], lambda seen: seen.more["latency_ms"], "5,20,20"),
    (["--latency-ms", "50,100,100"], lambda seen: seen.more["latency_ms"], "50,100,100"),
]


@pytest.mark.parametrize(("words", "look", "expected"), EXECUTE)
def test_flags_of_execute_on_paper(
    run: Command, seen: Seen, words: list[str], look: Callable[[Seen], Any], expected: Any
) -> None:
    began(run, "execute", BTC, "buy", "0.5", "--paper", *words)
    assert look(seen) == expected


def test_execute_live_takes_its_limits(run: Command, seen: Seen, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text(LIMITS)
    began(run, "execute", BTC, "sell", "1", "--live", "--limits", limits, "--i-understand")
    assert seen.plan.side == "sell"
    (rules,) = seen.more["rest"]
    assert rules.default.allow_inferred is False


WRONG: list[tuple[int, tuple[str, ...], str]] = [
    (2, ("paper",), "name at least one market"),
    (1, ("paper", "BTCUSDT"), "BTCUSDT"),
    (1, ("paper", BTC, "--for", "soon"), "soon"),
    (1, ("paper", BTC, "--latency-ms", "fast"), "'fast' is no latency"),
    (1, ("paper", BTC, "--latency-ms", "20,20,5"), "is faster than the feed"),
    (1, ("paper", BTC, "--queue", "magic"), "There is no queue model 'magic'"),
    (2, ("paper", BTC, "--maker-bp", "cheap"), "cheap"),
    (1, ("paper", BTC, "--taker-bp", "20000"), "taker_bp must be a share of value"),
    (1, ("paper", BTC, "--maker-bp", "nan"), "maker_bp must be a share of value"),
    (1, ("paper", BTC, "--equity", "0"), "The equity must be above zero"),
    (1, ("paper", BTC, "--maintenance-bp", "-5"), "maintenance margin must be above 0"),
    (1, ("paper", BTC, "--maintenance-bp", "10000"), "maintenance margin must be above 0"),
    (1, ("paper", BTC, "--liquidation-bp", "-1"), "charge of a liquidation"),
    (1, ("paper", BTC, "--maintenance-bp", "5", "--liquidation-bp", "-1"), "charge of a liq"),
    (2, ("paper", BTC, "--profile", "huge"), "huge"),
    (2, ("paper", BTC, "--metrics", "all"), "all"),
    (1, ("paper", BTC, "--params", "/nowhere.toml"), "/nowhere.toml"),
    (1, ("paper", BTC, "--limits", "/nowhere.toml"), "Cannot read the limits in /nowhere.toml"),
    (1, ("paper", BTC, "--thresholds", "/nowhere.toml"), "/nowhere.toml"),
    (2, ("live", BTC), "--limits FILE"),
    (2, ("live", BTC, "--limits", "x.toml"), "--i-understand"),
    (2, ("execute", BTC, "buy", "1", "--paper", "--policy", "magic"), "magic"),
    (2, ("execute", BTC, "hold", "1", "--paper"), "hold"),
    (2, ("execute", BTC, "buy", "1", "--paper", "--seed", "x"), "x"),
    (1, ("execute", BTC, "buy", "1", "--paper", "--max-slippage-bp", "-3"), "largest slippage"),
    (1, ("execute", BTC, "buy", "1", "--paper", "--wait", "-1"), "must be 0 s or more"),
    (1, ("execute", BTC, "buy", "1", "--paper", "--watch", "-1"), "watched for 0 s or more"),
    (1, ("execute", BTC, "buy", "1", "--paper", "--equity", "-1"), "equity"),
    (1, ("execute", BTC, "buy", "1", "--paper", "--queue", "magic"), "queue model 'magic'"),
    (2, ("halt", "x", "--level", "7", "--reason", "r"), "the levels of the kill switch are 1 to 4"),
    (2, ("halt", "x"), "reason"),
]


@pytest.mark.parametrize(("code", "words", "said"), WRONG, ids=[" ".join(w[1]) for w in WRONG])
def test_wrong_values_are_refused_before_anything_is_opened(
    run: Command, monkeypatch: pytest.MonkeyPatch, code: int, words: tuple[str, ...], said: str
) -> None:
    def opened(*_: Any, **__: Any) -> Any:
        raise AssertionError("a market was opened")

    monkeypatch.setattr(paper, "recorded_market", opened)
    monkeypatch.setattr(live, "recorded_market", opened)
    found, out, err = run(*words, "--json")
    assert (found, out) == (code, ""), err
    assert said in err
    assert "Traceback" not in err


FLAGS = {
    "paper": (
        "strategy params limits for store at latency-ms queue maker-bp taker-bp equity "
        "maintenance-bp liquidation-bp profile thresholds alert metrics json"
    ),
    "live": (
        "limits i-understand strategy params for store at watchdog no-watchdog profile thresholds "
        "alert metrics json"
    ),
    "execute": (
        "replay paper live limits i-understand store at watch policy max-slippage-bp wait "
        "cross-at-end no-cross-at-end fill-model latency-ms queue maker-bp taker-bp equity seed "
        "from json"
    ),
    "report": "html run json",
    "parity": "run json",
    "backtest": (
        "instrument null hours seed strategy params placebo ungated latency-ms queue maker-bp "
        "taker-bp equity maintenance-bp liquidation-bp profile thresholds from to candles "
        "latency-sweep journal json"
    ),
}


@pytest.mark.parametrize("name", FLAGS)
def test_help_names_every_flag_and_no_other(run: Command, name: str) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    flags = set(re.findall(r"(?<![\w`-])--([a-z][a-z-]*)(?![\w`-])", out.replace("`", " ` ")))
    assert set(FLAGS[name].split()) <= flags
    assert flags - set(FLAGS[name].split()) <= {"example", "limits", "save-model", "journal"}
