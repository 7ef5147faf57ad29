"""`aggressor execute` on the market as it is: on paper and live, at a local venue."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aggressor.cli import main
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.execute_now import Wish, execute_live, execute_on_paper
from aggressor.run.accounts.parity import parity
from aggressor.schema.errors import AggressorError, ConfigError
from aggressor.store.journal_reader import JournalReader
from tests.run.account_stage import BOUNDED, JOURNAL, Unwatched, our_keys
from tests.run.venue_stage import serving

Looks = list[dict[str, Any]]


def wish(server: Any, **changes: Any) -> Wish:
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    return Wish(name, "buy", "0.05", max_slippage_bp=20.0, wait_s=3.0, watch_s=1.0)._replace(
        **changes
    )


@pytest.mark.parametrize("policy", ["peg", "cross"])
def test_an_order_is_worked_on_paper_and_its_cost_told(tmp_path: Path, policy: str) -> None:
    looks: Looks = []

    async def play() -> dict[str, Any]:
        async with serving("binance-usdm", speed=4.0) as server:
            return await execute_on_paper(
                wish(server, policy=policy), store=tmp_path, at=server.document["rest"],
                latency_ms="5,20,20", queue="risk-averse", equity=0.0, show=looks.append,
                notice=lambda _: None,
            )  # fmt: skip

    result = asyncio.run(play())
    assert (result["mode"], result["filled_share"]) == ("paper", 1.0)
    assert result["cost"]["side"] == "buy"
    assert result["average"] <= float(result["limit"])
    assert looks[-1]["errand"]["share"] == 1.0
    assert result["caveats"]


def live_order(tmp_path: Path, wishes: Sequence[dict[str, Any]]) -> tuple[list[Any], int, Looks]:
    looks: Looks = []

    async def play() -> tuple[list[Any], int]:
        async with serving("bybit-linear", speed=4.0) as server:
            results = [
                await execute_live(
                    wish(server, **changes), BOUNDED, store=tmp_path, at=server.document["rest"],
                    show=looks.append, notice=lambda _: None, keys=our_keys, watchdog=False,
                )
                for changes in wishes
            ]  # fmt: skip
            assert not server.exchange.living
            return results, server.exchange.account.net(0)

    results, net = asyncio.run(play())
    return results, net, looks


def test_orders_are_worked_live_one_after_another_on_one_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_runs, "Guard", Unwatched)
    (first, second), net, looks = live_order(tmp_path, [{}, {"side": "sell", "size": "0.02"}])
    assert (first["mode"], first["filled_share"], second["filled_share"]) == ("live", 1.0, 1.0)
    assert net == 30
    assert (first["run"], second["run"]) == (1, 2)
    reader = JournalReader(tmp_path / JOURNAL)
    parents = {int(row["parent"]) for run in (1, 2) for row in reader.commands(run)}
    reader.close()
    assert len(parents) == 2
    assert looks[-1]["errand"]["ended"]
    with pytest.raises(ConfigError, match="worked one order by itself"):
        parity(tmp_path, run=1)


def test_what_may_not_be_is_not_worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_runs, "Guard", Unwatched)
    (result,), net, _ = live_order(tmp_path, [{"size": "9999"}])
    assert (net, result["filled_share"], result["cost"]["counts"]["orders"]) == (0, 0.0, 0)
    assert "times equity" in result["cost"]["reason"]
    with pytest.raises(AggressorError):
        live_order(tmp_path, [{"size": "0.00000001"}])


def test_it_asks_where_and_for_what_live_needs(capsys: pytest.CaptureFixture[str]) -> None:
    for words, missing in (
        ([], "--replay"),
        (["--paper", "--live"], "--replay"),
        (["--live", "--i-understand"], "--limits"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["execute", "bybit-linear:BTCUSDT", "buy", "1", *words])
        assert end.value.code == 2
        assert missing in capsys.readouterr().err
