"""Margin on paper: the simulated venue liquidates a paper account as a backtest's does."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.run.accounts.halting import wish_halt
from aggressor.run.accounts.paper import JOURNAL, PaperRun
from aggressor.run.accounts.parity import assembly_of, parity
from aggressor.run.accounts.rules import TierTable
from aggressor.run.backtests.backtest import play
from aggressor.schema.report import LIQUIDATED
from aggressor.store.journal_reader import JournalReader
from aggressor.store.reader import Store
from tests.run.paper_stage import FREE, SETTINGS, VENUE, make_busy, papered

SECONDS = 5.0
STRICT = msgspec.structs.replace(  # little is there, and nine tenths of a position's value are kept
    SETTINGS, equity=100.0, maintenance_bp=9_000.0, liquidation_bp=50.0
)
WIDE = msgspec.structs.replace(SETTINGS, maintenance_bp=50.0)
TIER = TierTable(initial=Decimal("0.01"), maintenance=Decimal("0.005"))
STATED = msgspec.structs.replace(
    FREE, default=msgspec.structs.replace(FREE.default, margin_tiers=(TIER,), stop_multiple=0)
)


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[PaperRun]:
    """Return the paper runs of a test, each when it has begun."""
    runs: list[PaperRun] = []
    begin = PaperRun.begin

    def began(self: PaperRun, notice: Any) -> None:
        begin(self, notice)
        runs.append(self)

    monkeypatch.setattr(PaperRun, "begin", began)
    return runs


def liquidations(store: Path, run: int) -> Any:
    reader = JournalReader(store / JOURNAL)
    rows = reader.reports(run, corrected=False)
    reader.close()
    return rows[rows["kind"] == LIQUIDATED]


def in_a_backtest(store: Path) -> Any:
    """Return the same reports of the recorded market in the compiled loop."""
    reader = JournalReader(store / JOURNAL)
    (run,) = reader.runs()
    assembly = assembly_of(run, reader)
    reader.close()
    assert run.first_ns is not None
    instruments = list(assembly.engine.instruments)
    feed = Store(store).replay([one.id for one in instruments], run.first_ns, 2**63 - 1)
    play(assembly, feed, instruments)
    rows = assembly.engine.journal.reports
    return rows[rows["kind"] == LIQUIDATED]


def test_a_paper_account_is_liquidated_stays_so_and_replays(tmp_path: Path) -> None:
    result, _, notices = papered(tmp_path, SECONDS, settings=STRICT)
    closed = liquidations(tmp_path, 1)
    assert closed.size
    assert (closed["fee"] > 0).any()
    assert result["margin"]["watched"]
    assert result["margin"]["without_mark"] == []
    assert result["margin"]["liquidations"] == {"binance-usdm:BTCUSDT": closed.size}
    assert (result["halt"], result["halt_reason"]) == ("flatten", "the venue liquidated us")
    assert float(result["instruments"][0]["position"]) == 0
    assert not any("margin tiers" in words for words in notices)
    found = parity(tmp_path)
    assert found["same"], found["first_difference"]
    assert in_a_backtest(tmp_path).tobytes() == closed.tobytes()
    second, _, _ = papered(tmp_path, 2.0, seed=2, settings=STRICT)
    assert second["halt"] == "flatten"  # a person has not opened it again
    assert second["orders"] == 0


def test_the_venue_goes_on_with_the_money_and_the_entries_of_the_account(
    tmp_path: Path, begun: list[PaperRun]
) -> None:
    first, _, _ = papered(tmp_path, SECONDS, settings=WIDE)
    assert first["margin"]["liquidations"] == {}
    held = [one["position"] for one in first["instruments"]]
    papered(tmp_path, 2.0, seed=2, settings=WIDE)
    venue, desk = begun[1].exchange.account, begun[1].account.desk
    assert venue is not None
    reader = JournalReader(tmp_path / JOURNAL)
    assert reader.reports(1, corrected=False)["fee"].sum() != 0
    reader.close()
    assert len(held) == 1
    assert venue.books.cash("USDT") == desk.books.cash("USDT")
    assert venue.books.positions[0].lots == desk.position(0).lots
    assert venue.books.positions[0].average == desk.position(0).average
    for run in (1, 2):
        found = parity(tmp_path, run=run)
        assert found["same"], found["first_difference"]


def test_the_replay_of_a_run_whose_margin_was_not_watched_is_another(tmp_path: Path) -> None:
    """What a liquidation did is no chance: without it the same market leads elsewhere."""
    papered(tmp_path, SECONDS, settings=STRICT)
    reader = JournalReader(tmp_path / JOURNAL)
    (run,) = reader.runs()
    reader.close()
    config = run.config | {"settings": run.config["settings"] | {"maintenance_bp": 0.0}}
    line = sqlite3.connect(tmp_path / JOURNAL)
    line.execute("UPDATE runs SET config = ?", (msgspec.json.encode(config).decode(),))
    line.commit()
    line.close()
    assert not parity(tmp_path)["same"]


def test_tiers_that_a_venue_tells_anybody_are_watched(
    tmp_path: Path, begun: list[PaperRun]
) -> None:
    result, _, notices = papered(tmp_path, 2.0, venue="bybit-linear")
    assert result["margin"]["watched"]
    assert begun[0].account.desk.tiers[0][0].maintenance > 0
    assert not any("margin tiers" in words for words in notices)
    assert parity(tmp_path)["same"]


def test_tiers_of_the_limits_stand_where_a_venue_tells_none(
    tmp_path: Path, begun: list[PaperRun]
) -> None:
    result, _, notices = papered(tmp_path / "stated", 2.0, rules=STATED)
    assert result["margin"]["watched"]
    assert [one.maintenance for one in begun[0].account.desk.tiers[0]] == [Decimal("0.005")]
    assert not any("margin tiers" in words for words in notices)
    assert parity(tmp_path / "stated")["same"]
    result, _, notices = papered(tmp_path / "none", 2.0)
    assert not result["margin"]["watched"]
    assert any(f"the margin tiers of {VENUE}:BTCUSDT are not known" in one for one in notices)


def test_a_person_may_begin_again_with_what_is_left(tmp_path: Path) -> None:
    papered(tmp_path, SECONDS, settings=STRICT)
    wish_halt(tmp_path, 0, "begin again")
    again, _, _ = papered(tmp_path, 3.0, seed=2, settings=msgspec.structs.replace(
        STRICT, maintenance_bp=10.0
    ))  # fmt: skip
    assert again["orders"] > 0
    assert parity(tmp_path, run=2)["same"]
