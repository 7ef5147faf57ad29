"""Live over a real socket: what it asks for, how it goes on, what it enters, its kill switch."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.account.reconcile import What
from aggressor.cli import main
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.halting import wish_halt
from aggressor.run.accounts.live import live
from aggressor.run.accounts.rules import DEFAULT_RULES, VenueTable
from aggressor.run.assemble import Settings
from aggressor.run.lines.keys import Found
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command
from aggressor.schema.errors import ConfigError
from aggressor.store.journal_reader import JournalReader, Runs
from aggressor.strategies.gates import Answer, Gate, Mode, verdict
from aggressor.venues.trading import Credentials, KeyRights
from tests.run.account_stage import (
    BOUNDED,
    JOURNAL,
    VENUE,
    Unwatched,
    limits_text,
    live_plan,
    our_keys,
    traded,
)
from tests.run.paper_stage import BUSY, make_busy
from tests.run.venue_stage import serving, until


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


def corrections(store: Path) -> list[What]:
    reader = JournalReader(store / JOURNAL)
    found = [one.what for one in reader.corrections(Runs(0, 99))]
    reader.close()
    return found


# -- what it asks for ----------------------------------------------------------------------------


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main(["live", f"{VENUE}:BTCUSDT", *words])
    assert end.value.code in (1, 2)
    return capsys.readouterr().err


def test_it_asks_for_limits_and_for_understanding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--limits" in refused([], capsys)
    file = tmp_path / "limits.toml"
    file.write_text(limits_text())
    assert "--i-understand" in refused(["--limits", str(file)], capsys)


def test_it_asks_for_a_key_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggressor.run.lines.keys.keys_file", lambda: tmp_path / "none.toml")
    for name in [one for one in os.environ if one.startswith("AGGRESSOR_BINANCE")]:
        monkeypatch.delenv(name)
    file = tmp_path / "limits.toml"
    file.write_text(limits_text())
    words = ["--limits", str(file), "--i-understand", "--store", str(tmp_path / "s")]
    assert "AGGRESSOR_BINANCE_USDM_KEY" in refused(words, capsys)


def played(tmp_path: Path, keys: Any = our_keys, **changes: Any) -> list[str]:
    """Begin a run that is to be refused; return the notices."""
    notices: list[str] = []

    async def play() -> None:
        async with serving(VENUE) as server:
            plan = live_plan(server, tmp_path, 0.5, **changes)
            await live(plan, show=lambda _: None, notice=notices.append, keys=keys)

    asyncio.run(play())
    return notices


def test_limits_that_bound_nothing_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"order_size_max.*position_size_max.*allow_inferred"):
        played(tmp_path, rules=DEFAULT_RULES)


def test_a_leverage_beyond_what_the_venue_allows_is_refused(tmp_path: Path) -> None:
    rules = msgspec.structs.replace(BOUNDED, venue=VenueTable(leverage=125))

    async def play() -> None:
        async with serving("bybit-linear") as server:
            plan = live_plan(server, tmp_path, 0.5, rules=rules)
            await live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys)

    with pytest.raises(ConfigError, match="leverage"):
        asyncio.run(play())


def test_a_key_that_the_venue_does_not_know_is_refused(tmp_path: Path) -> None:
    def wrong(_: str) -> Found:
        return Found(Credentials("nobody", "nothing"), "the test")

    with pytest.raises(Exception, match=r"refuses|doctor|key"):
        played(tmp_path, wrong)


@pytest.mark.parametrize("rights", [KeyRights(trade=True, withdraw=True), KeyRights(trade=False)])
def test_what_the_key_may_do_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rights: KeyRights
) -> None:
    async def told(_: Any) -> KeyRights:
        return rights

    monkeypatch.setattr("aggressor.run.lines.venue_exchange.VenueExchange.rights", told)
    if rights.trade is False:
        with pytest.raises(ConfigError, match="may not trade"):
            played(tmp_path)
    else:
        assert any("may withdraw" in words for words in played(tmp_path))


def test_what_is_not_known_refuses_unless_the_rule_says_otherwise() -> None:
    gate = Gate("bias", Answer.UNKNOWN, None, None)
    assert not verdict([gate], Mode.LIVE, {}).admitted
    assert verdict([gate], Mode.PAPER, {}).admitted
    assert verdict([gate], Mode.LIVE, {"bias": "pass"}).admitted


# -- how it trades -------------------------------------------------------------------------------


@pytest.mark.parametrize("venue", ["binance-usdm", "bybit-linear", "bingx", "weex", "mexc"])
def test_it_trades_and_ends_with_what_the_venue_has(tmp_path: Path, venue: str) -> None:
    truth: dict[str, Any] = {}

    async def meanwhile(server: VenueServer) -> None:
        truth["server"] = server
        await until(lambda: len(server.exchange.fills) > 2, 60.0)
        await asyncio.sleep(1.0)
        server.exchange.pace(0.01)  # nothing is filled behind the end of the run

    result, looks, notices = traded(tmp_path, 8.0, venue=venue, meanwhile=meanwhile)
    exchange = truth["server"].exchange
    assert result["mode"] == "live"
    assert result["fills"] > 0
    assert result["ended"] == "the time is over"
    (held,) = result["instruments"]
    one = exchange.instruments[0]
    assert held["position"] == one.size_text(exchange.account.net(0))
    assert held["protected"] in (None, True)
    reader = JournalReader(tmp_path / JOURNAL)
    placed = [row for row in reader.commands(1) if row["kind"] == command.PLACE]
    reader.close()
    assert len({int(row["order"]) for row in placed}) == len(placed) == result["orders"]
    assert set(corrections(tmp_path)) == {What.OPENING_MONEY}
    (money,) = result["money"]
    assert money["corrections"] == "0.00000000"
    assert any("one position that nets, cross margin, leverage 5" in words for words in notices)
    assert looks[-1]["accounts"][0]["stream"] == "live"


def test_a_second_run_goes_on_and_another_hand_is_entered_by_name(tmp_path: Path) -> None:
    results: list[dict[str, Any]] = []

    async def play() -> None:
        async with serving(VENUE, speed=4.0) as server:
            for strategy in (BUSY, "exhaustion_scalp"):
                settings = Settings(strategy=strategy, profile="micro")
                plan = live_plan(server, tmp_path, 5.0, settings=settings)
                results.append(
                    await live(plan, show=lambda _: None, notice=lambda _: None, keys=our_keys)
                )
                account = server.exchange.account
                account.wallets["USDT"] -= 77_700  # somebody moves money between the runs

    asyncio.run(play())
    assert [one["run"] for one in results] == [1, 2]
    assert corrections(tmp_path) == [What.OPENING_MONEY, What.MONEY]
    (money,) = results[1]["money"]
    assert money["corrections"] == "-0.00077700"
    assert results[1]["halt"] == "open"


@pytest.mark.parametrize("venue", [VENUE, "bybit-linear", "bingx", "weex", "mexc"])
def test_the_kill_switch_of_a_person_works_and_latches(tmp_path: Path, venue: str) -> None:
    results: list[dict[str, Any]] = []

    async def play() -> None:
        async with serving(venue, speed=4.0) as server:
            looks: list[dict[str, Any]] = []

            async def pull() -> None:
                await until(lambda: bool(looks) and looks[-1]["orders"] > 2, 30.0)
                await asyncio.to_thread(wish_halt, tmp_path, 3, "a test")

            side = asyncio.ensure_future(pull())
            plan = live_plan(server, tmp_path, 8.0)
            for _ in range(2):
                results.append(
                    await live(plan, show=looks.append, notice=lambda _: None, keys=our_keys)
                )
                plan = plan._replace(seconds=2.0)
            await side
            assert server.exchange.account.net(0) == 0
            assert not server.exchange.living

    asyncio.run(play())
    assert [one["halt"] for one in results] == ["flatten", "flatten"]
    assert "a test" in results[0]["halt_reason"]
    assert results[1]["orders"] == 0


def test_disconnected_it_sends_nothing_more_and_ends(tmp_path: Path) -> None:
    async def play() -> dict[str, Any]:
        async with serving(VENUE, speed=4.0) as server:
            looks: list[dict[str, Any]] = []

            async def pull() -> None:
                await until(lambda: bool(looks) and looks[-1]["orders"] > 0, 30.0)
                await asyncio.to_thread(wish_halt, tmp_path, 4, "a test")

            side = asyncio.ensure_future(pull())
            plan = live_plan(server, tmp_path, 30.0)
            result = await live(plan, show=looks.append, notice=lambda _: None, keys=our_keys)
            await side
            return result

    result = asyncio.run(play())
    assert result["halt"] == "disconnect"
    assert "a test" in result["ended"]


def test_a_signal_ends_it_cleanly(tmp_path: Path) -> None:
    async def meanwhile(server: VenueServer) -> None:
        await until(lambda: (tmp_path / JOURNAL).exists(), 60.0)
        await asyncio.sleep(3.0)
        os.kill(os.getpid(), signal.SIGTERM)

    result, _, _ = traded(tmp_path, 60.0, meanwhile=meanwhile)
    assert result["ended"] == "stopped"
    assert all(one["leg"] != "entry" for one in result["working"])
