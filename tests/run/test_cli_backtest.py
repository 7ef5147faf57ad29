"""Flags of `backtest`, `report` and `parity`: the effect of each on what comes out."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.run.accounts.paper import JOURNAL
from aggressor.schema.command import COMMAND
from aggressor.schema.event import LAST, MARK, empty_events
from aggressor.store.making import make_store
from tests.properties.tapes import instruments, market, within
from tests.run.command_line import Command, run
from tests.run.paper_stage import make_busy, papered

__all__ = ["run"]  # a fixture of another module

SECONDS = 100.0
MICRO = "synthetic:MICRO"
JOINING = '''
from aggressor.strategies.wants import enter, leave


class Joining:
    """Buys and sells in turn at the own best, for some seconds each."""

    waiting = True

    def __init__(self, hold_s: float = 4.0, every_s: float = 1.0) -> None:
        self.hold_s, self.every_s, self.made, self.last_ns = hold_s, every_s, 0, 0

    def decide(self, view):
        if view.trade is not None:
            self.last_ns = view.now_ns
            held_s = (view.now_ns - view.trade.began_ns) / 1e9
            return leave(view, "time") if held_s > self.hold_s else None
        if not view.valid or view.now_ns - self.last_ns < self.every_s * 1e9:
            return None
        self.made += 1
        side = 1 if self.made % 2 else -1
        near = view.bid if side > 0 else view.ask
        stop, target = near - 30 * side, near + 30 * side
        return enter(view, side, lots=1, stop=stop, targets=[target], wait_s=2.0, chase_ticks=9)
'''
MONEY = 10**8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with 100 s of a made market and a mark price each second."""
    events = within(market(1), SECONDS)
    (one,) = instruments()
    assert one.id == MICRO
    tops = events[(events["kind"] == 1) & (events["price"] > 0)][:: events.size // 100]
    marks = empty_events(tops.size)
    for name in ("ts_recv", "ts_venue", "price"):
        marks[name] = tops[name]
    marks["size"] = np.array([int(one.tick * int(p) * MONEY) for p in tops["price"]])
    marks["kind"], marks["flags"] = MARK, LAST
    both = np.concatenate((events, marks))
    both = both[np.argsort(both["ts_recv"], kind="stable")]
    return make_store(tmp_path_factory.mktemp("cli") / "store", {one: both})


@pytest.fixture
def parameters(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(JOINING)
    file = tmp_path / "numbers.toml"
    file.write_text("hold_s = 3.0\n")
    return file


class Backtests:
    """Runs the example strategy on the store."""

    def __init__(self, run: Command, store: Path, file: Path) -> None:
        self.run, self.store, self.file = run, store, file

    def __call__(self, *words: object) -> dict[str, Any]:
        code, out, err = self.run(
            "backtest", self.store, "--instrument", MICRO, "--strategy",
            f"{self.file.parent / 'mine.py'}:Joining", "--params", self.file, "--profile", "micro",
            "--json", *words,
        )  # fmt: skip
        assert (code, err) == (0, ""), err
        return json.loads(out)


@pytest.fixture
def backtest(run: Command, store: Path, parameters: Path) -> Backtests:
    return Backtests(run, store, parameters)


def test_parameters_come_from_the_file(backtest: Backtests) -> None:
    usual = backtest("--ungated")
    assert usual["trades"] > 3
    assert usual["parameters"]["rule"] == {"hold_s": 3.0, "ungated": True}
    backtest.file.write_text("hold_s = 3.0\nevery_s = 15.0\n")
    assert backtest("--ungated")["trades"] < usual["trades"]


def test_ungated_may_lose_and_repeat_what_a_trading_account_may_not(backtest: Backtests) -> None:
    assert backtest("--ungated")["trades"] > backtest()["trades"]


def test_fees_are_what_is_said(backtest: Backtests) -> None:
    free = backtest("--maker-bp", 0, "--taker-bp", 0)
    cheap, dear = backtest("--taker-bp", 5), backtest("--taker-bp", 10)
    assert float(free["fees"]) == 0
    assert float(dear["fees"]) > float(cheap["fees"]) > 0
    assert float(backtest("--maker-bp", 9)["fees"]) > float(cheap["fees"])
    assert dear["digest"] == cheap["digest"]  # it does not ask what it costs


def test_latency_and_queue_decide_what_fills(backtest: Backtests) -> None:
    fast, slow = backtest("--latency-ms", "0,0,0"), backtest("--latency-ms", "5,400,400")
    assert fast["digest"] != slow["digest"]
    assert slow["parameters"]["latency_ms"] == "5,400,400"
    behind, lucky = backtest(), backtest("--queue", "front-cancel")
    assert behind["parameters"]["queue"] == "risk-averse"
    assert lucky["parameters"]["queue"] == "front-cancel"
    assert lucky["fills_maker"] >= behind["fills_maker"] > 0
    assert lucky["digest"] != behind["digest"]


def test_margin_is_watched_where_it_is_asked_for(backtest: Backtests) -> None:
    plain = backtest("--equity", 10_000)
    assert any("does not watch margin" in one for one in plain["caveats"])
    kept = backtest("--equity", 10_000, "--maintenance-bp", 50)
    assert not any("margin" in one for one in kept["caveats"])
    assert kept["digest"] == plain["digest"]
    poor = ("--equity", 30, "--maintenance-bp", 9_999)
    lost, charged = backtest(*poor), backtest(*poor, "--liquidation-bp", 100)
    assert lost["caveats"][0].startswith("FAILED: the venue liquidated the account")
    assert float(charged["pnl"]) < float(lost["pnl"])


def test_a_span_is_cut_out(backtest: Backtests) -> None:
    whole = backtest("--ungated")
    began = int(within(market(1), SECONDS)["ts_recv"][0])
    half = began + int(SECONDS / 2 * 1e9)
    first, second = backtest("--ungated", "--to", half), backtest("--ungated", "--from", half)
    assert first["events"] + second["events"] == pytest.approx(whole["events"], abs=5_000)
    assert 0 < first["orders"] < whole["orders"]


def test_a_sweep_of_latencies_and_a_kept_journal(
    backtest: Backtests, run: Command, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    found = backtest("--latency-sweep", "--journal", kept)
    rows = found["latency_sweep"]["rows"]
    assert [one["delay_ms"] for one in rows] == [0, 50, 100, 250, 500]
    assert rows[0]["orders"] > 0
    assert Path(found["journal"]).parent == kept
    page = tmp_path / "page.html"
    code, out, err = run("report", kept, "--html", page, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["page"] == str(page)
    assert page.read_text().startswith("<!doctype html>")
    reports = []
    for number in (1, 6):
        code, out, err = run("report", kept, "--run", number, "--json")
        assert (code, err) == (0, "")
        reports.append(json.loads(out))
    assert reports[0] != reports[1]
    assert run("report", kept)[0] == 0
    code, out, err = run("report", kept, "--run", 99, "--json")
    assert (code, out) == (1, "")
    assert "99" in err
    code, out, err = run("report", tmp_path / "nothing", "--json")
    assert (code, out) == (1, "")
    assert "nothing" in err


def test_a_null_market_its_length_its_seed_and_its_placebo(run: Command) -> None:
    def null(*words: object, hours: float = 0.02) -> dict[str, Any]:
        code, out, err = run(
            "backtest", "--null", "martingale", "--hours", hours, "--profile", "micro",
            "--equity", 10_000_000, "--json", *words,
        )  # fmt: skip
        assert (code, err) == (0, ""), err
        return json.loads(out)

    first, longer, other = null(), null(hours=0.03), null("--seed", 2)
    assert longer["events"] > first["events"]
    assert other["events"] != first["events"]
    assert "placebo" not in first
    ungated = null("--ungated", "--placebo", 2)
    assert ungated["parameters"]["rule"]["ungated"] is True
    assert ungated["placebo"]["placebo_draws"] == 2
    assert ungated["placebo"]["seed"] == 1
    assert null("--placebo", 1, "--seed", 3)["placebo"]["seed"] == 3


WRONG: list[tuple[int, tuple[str, ...], str]] = [
    (2, (), "name a store and an --instrument, or a --null market"),
    (2, ("DIR",), "name a store and an --instrument, or a --null market"),
    (2, ("DIR", "--instrument", MICRO, "--null", "martingale"), "choose"),
    (2, ("--null", "moon"), "moon"),
    (1, ("--null", "martingale", "--hours", "0"), "hours must be above 0"),
    (2, ("--null", "martingale", "--seed", "x"), "x"),
    (1, ("--null", "martingale", "--hours", "0.01", "--placebo", "-1"), "0 draws or more"),
    (1, ("DIR", "--instrument", "nowhere:X"), "nowhere:X"),
    (1, ("DIR", "--instrument", MICRO, "--params", "/nowhere.toml"), "/nowhere.toml"),
    (1, ("DIR", "--instrument", MICRO, "--from", "yesterday"), "is not a moment"),
    (1, ("DIR", "--instrument", MICRO, "--taker-bp", "nan"), "taker_bp must be a share of value"),
    (1, ("DIR", "--instrument", MICRO, "--maintenance-bp", "-1"), "above 0 and below the whole"),
    (1, ("DIR", "--instrument", MICRO, "--liquidation-bp", "-1"), "charge of a liquidation"),
    (1, ("DIR", "--instrument", MICRO, "--queue", "power:x"), "is not a number"),
    (1, ("DIR", "--instrument", MICRO, "--latency-ms", "5,20"), "is no latency"),
    (1, ("DIR", "--instrument", MICRO, "--thresholds", "/nowhere.toml"), "/nowhere.toml"),
]


@pytest.mark.parametrize(("code", "words", "said"), WRONG, ids=[" ".join(w[1]) for w in WRONG])
def test_wrong_values_are_refused(
    run: Command, store: Path, code: int, words: tuple[str, ...], said: str
) -> None:
    found, out, err = run(
        "backtest", *(str(store) if one == "DIR" else one for one in words), "--json"
    )
    assert (found, out) == (code, ""), err
    assert said in err
    assert "Traceback" not in err


def test_parity_of_a_run_by_its_number(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_busy(monkeypatch)
    papered(tmp_path, 3.0)
    for words in ((), ("--run", 1)):
        code, out, err = run("parity", tmp_path, "--json", *words)
        assert (code, err) == (0, "")
        found = json.loads(out)
        assert (found["run"], found["same"]) == (1, True)
        assert found["commands"] > 0
    code, out, _ = run("parity", tmp_path)
    assert code == 0
    code, out, err = run("parity", tmp_path, "--run", 9, "--json")
    assert (code, out) == (1, "")
    assert "The journal has no run 9; it has 1." in err
    line = sqlite3.connect(tmp_path / JOURNAL)
    seq, row = line.execute("SELECT seq, row FROM commands ORDER BY seq LIMIT 1").fetchone()
    changed = np.frombuffer(bytearray(row), COMMAND)
    changed["price"] += 1
    line.execute("UPDATE commands SET row = ? WHERE seq = ?", (changed.tobytes(), seq))
    line.commit()
    line.close()
    code, out, _ = run("parity", tmp_path, "--json")
    assert code == 1
    first = json.loads(out)["first_difference"]
    assert first["sent"]["price"] != first["replayed"]["price"]
