"""One live run on two venues: a signal on one, the order on the other, and each one's own money."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aggressor.account.reconcile import What
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.live import LivePlan, live
from aggressor.run.accounts.parity import parity
from aggressor.run.assemble import Settings
from aggressor.run.local.venue_server import VenueServer
from aggressor.store.journal_reader import JournalReader, Runs
from tests.run.account_stage import BOUNDED, JOURNAL, Unwatched, our_keys
from tests.run.test_several import ACROSS
from tests.run.venue_stage import MONEY, serving

HERE, THERE = "binance-usdm", "bybit-linear"


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


def plan_of(store: Path, *servers: VenueServer) -> LivePlan:
    (store / "mine.py").write_text(ACROSS)
    names = [f"{one.dialect.venue}:{one.dialect.example.symbol}" for one in servers]
    settings = Settings(strategy=f"{store / 'mine.py'}:Across@{names[0]}", profile="micro")
    at = ",".join(f"{one.dialect.venue}={one.document['rest']}" for one in servers)
    return LivePlan(names, settings, BOUNDED, store, 6.0, at, watchdog=False)


def test_a_signal_here_is_an_order_there(tmp_path: Path) -> None:
    results: list[dict[str, Any]] = []
    nets: list[tuple[int, int]] = []

    async def play() -> None:
        async with (
            serving(HERE, speed=4.0) as here,
            serving(THERE, seed=2, speed=4.0, deposit=50_000 * MONEY) as there,
        ):
            for _ in range(2):
                for one in (here, there):
                    one.exchange.pace(4.0)
                plan = plan_of(tmp_path, here, there)
                results.append(
                    await live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys)
                )
                for one in (here, there):
                    one.exchange.pace(0.01)
                nets.append((here.exchange.account.net(0), there.exchange.account.net(0)))
            assert not here.exchange.fills
            assert there.exchange.fills

    asyncio.run(play())
    assert all(here == 0 for here, _ in nets)
    for result in results:
        assert result["halt"] == "open", result["halt_reason"]
        assert [one["venue"] for one in result["accounts"]] == [HERE, THERE]
        money = {one["currency"]: one for one in result["money"]}
        assert set(money) == {f"USDT@{HERE}", f"USDT@{THERE}"}
        assert float(money[f"USDT@{HERE}"]["equity"]) == 100_000
        assert 49_000 < float(money[f"USDT@{THERE}"]["equity"]) < 50_000
    reader = JournalReader(tmp_path / JOURNAL)
    whats = [(one.what, one.currency) for one in reader.corrections(Runs(1, 2))]
    lanes = set(reader.commands(1)["instrument"].tolist())
    reader.close()
    assert sorted(whats) == [
        (What.OPENING_MONEY, f"USDT@{HERE}"),
        (What.OPENING_MONEY, f"USDT@{THERE}"),
    ]
    assert lanes == {1}
    for run in (1, 2):
        found = parity(tmp_path, run=run)
        assert found["same"], found
