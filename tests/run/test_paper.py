"""Paper over a real socket: what it shows, how it stops, its kill switch, several instruments."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.engine.engine import Engine
from aggressor.engine.view import View
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection, Target
from aggressor.run.accounts.alerts import Alerts, Kind, Message
from aggressor.run.accounts.halting import wish_halt
from aggressor.run.accounts.paper import JOURNAL, paper
from aggressor.run.accounts.parity import parity
from aggressor.run.assemble import Settings
from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema.errors import ConfigError
from aggressor.store.journal_reader import JournalReader
from aggressor.venues.dialects import dialect_named
from tests.engine.course import driven, engine_of
from tests.properties.tapes import instruments, market, within
from tests.run.paper_stage import BUSY, VENUE, make_busy, papered, plan_for
from tests.run.venue_stage import KEY, MONEY


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)


def test_it_trades_stops_cleanly_and_goes_on(tmp_path: Path) -> None:
    told: list[Message] = []
    alerts = Alerts(lambda one: bool(told.append(one)) or True, lambda: 0.0, [Kind.FILL])
    first, looks, _ = papered(tmp_path, 5.0, alerts=alerts)
    assert first["ended"] == "the time is over"
    assert first["orders"] > 3
    assert len(told) == min(first["fills"], 20)
    assert any(look["working"] for look in looks)
    assert {leg["leg"] for look in looks for leg in look["working"]} & {"entry", "stop"}
    assert all(one["leg"] not in ("entry", "") for one in first["working"])  # entries are gone
    assert first["data"][0]["aligned"]
    assert first["latency_ms"]["p50"] > 0
    second, _, notices = papered(tmp_path, 4.0, seed=2)
    assert second["run"] == 2
    assert any("goes on from" in words for words in notices)
    assert parity(tmp_path, run=1)["same"]
    assert parity(tmp_path, run=2)["same"]
    reader = JournalReader(tmp_path / JOURNAL)
    placed = [
        int(row["order"]) for run in (1, 2) for row in reader.commands(run) if row["kind"] == 1
    ]
    reader.close()
    assert len(placed) == len(set(placed))


def test_the_kill_switch_is_pulled_from_outside(tmp_path: Path) -> None:
    async def meanwhile(_: VenueServer) -> dict[str, Any]:
        while not (tmp_path / JOURNAL).exists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(3.0)
        done = await asyncio.to_thread(wish_halt, tmp_path, 3, "enough")
        assert done["done"]
        return done

    result, _, _ = papered(tmp_path, 7.0, meanwhile=meanwhile)
    assert (result["halt"], result["halt_reason"]) == ("flatten", "person: enough")
    assert result["instruments"][0]["position"] in ("0.000", "0")
    assert result["working"] == []
    assert parity(tmp_path)["same"]  # the act is replayed where it was done


def test_an_interrupt_is_a_clean_stop(tmp_path: Path) -> None:
    async def meanwhile(_: VenueServer) -> None:
        while not (tmp_path / JOURNAL).exists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(2.0)
        os.kill(os.getpid(), signal.SIGINT)

    result, _, _ = papered(tmp_path, 60.0, meanwhile=meanwhile)
    assert result["ended"] == "stopped"
    assert not any(one["leg"] == "entry" for one in result["working"])


def test_several_instruments_in_one_run(tmp_path: Path) -> None:
    async def play() -> dict[str, Any]:
        dialect = dialect_named(VENUE)
        traded = [dialect.example, msgspec.structs.replace(dialect.example, symbol="ETHUSDT")]
        feeds = [synthetic_feed(one, 1 + k) for k, one in enumerate(traded)]
        server = VenueServer(
            dialect, traded, feeds, credentials=KEY, deposit=MONEY, lead_s=SYNTHETIC_LEAD_S,
            speed=4.0,
        )  # fmt: skip
        await server.start()
        try:
            names = [f"{VENUE}:{one.symbol}" for one in traded]
            plan = plan_for(server, tmp_path, 6.0, names=names)
            return await paper(plan, show=lambda _: None, notice=lambda _: None)
        finally:
            await server.stop()

    result = asyncio.run(play())
    assert [one["instrument"] for one in result["instruments"]] == [
        "binance-usdm:BTCUSDT",
        "binance-usdm:ETHUSDT",
    ]
    reader = JournalReader(tmp_path / JOURNAL)
    assert set(reader.commands(1)["instrument"].tolist()) == {0, 1}
    reader.close()
    found = parity(tmp_path)
    assert found["same"], found["first_difference"]


class Elsewhere:
    """Looks at one instrument and trades another."""

    waiting = True

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self.made = 0
        self.closed = 0

    def decide(self, view: View) -> Sequence[Intent]:
        other = view.peers[self.lane]
        self.closed += len(other.closed_trades)
        if not view.valid or not other.valid or other.trade is not None or self.made == 3:
            return ()
        self.made += 1
        touch = other.bid
        protection = Protection(stop=touch - 3, targets=(Target(touch + 3),))
        return (
            Intent(
                action=Action.ENTER, instrument=self.lane, strategy=1, parent=self.made, side=1,
                lots=2, placement=Placement(policy=Policy.CROSS, cap_ticks=2),
                protection=protection,
            ),
        )  # fmt: skip


def test_a_signal_here_and_orders_there() -> None:
    strategy = Elsewhere(1)
    engine: Engine = engine_of(instruments(2), [strategy])
    tapes = [within(market(1), 90.0), within(market(2), 90.0)]
    engine.rouse()
    driven(engine, tapes)
    assert strategy.made == 3
    assert strategy.closed == 3  # each told once
    assert set(engine.journal.commands["instrument"].tolist()) == {1}


def test_a_response_faster_than_the_feed_is_refused(tmp_path: Path) -> None:
    settings = Settings(strategy=BUSY, latency_ms="50,20,20")
    with pytest.raises(ConfigError, match="faster than the feed"):
        papered(tmp_path, 1.0, settings=settings)


def test_a_wish_waits_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    papered(tmp_path, 1.0)
    monkeypatch.setattr("aggressor.run.accounts.halting._WAIT_S", 0.1)
    assert not wish_halt(tmp_path, 1, "over night")["done"]
    result, _, _ = papered(tmp_path, 2.0)
    assert result["halt"] == "no entries"
