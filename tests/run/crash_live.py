"""Kill a live runner again and again: nothing is lost, sent twice, left bare or without an owner.

    python -m tests.run.crash_live COUNT [SEED] [VENUE]

A local venue runs in this process; the runner is a process of its own, on real sockets, that is
killed (SIGKILL) at a drawn moment: anywhere, while it begins, between journal and send, between
send and answer; then it is begun again on the same store (forked from a process that has loaded
everything, so that many lives fit into an hour). While it begins the market stands still,
and when it says that it is level its orders, position and money are held against the venue's, to
the last unit. Then it trades on.
"""

import asyncio
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from aggressor.account.reconcile import What
from aggressor.engine.view import View
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.account_look import protected
from aggressor.run.accounts.accounts import Accounts
from aggressor.run.accounts.live import LiveRun
from aggressor.run.lines import record, recorded_market
from aggressor.run.lines.venue_exchange import VenueExchange
from aggressor.run.local.venue_server import VenueServer
from aggressor.sim.local.orders import LocalOrder, Refused, Ticket
from aggressor.store.journal import KeptJournal
from aggressor.strategies import table
from aggressor.venues.table import venue_named
from aggressor.venues.trading import TradingVenue
from aggressor.venues.venue import Venue
from tests.engine.trader import Trader
from tests.run.account_stage import BOUNDED, Unwatched, our_keys
from tests.run.paper_stage import BUSY, SETTINGS, Busy, KnownBusy
from tests.run.venue_stage import serving

POINTS = ("anywhere", "while it begins", "between journal and send", "between send and answer")
SPEED = 3.0
STILL = 0.01
BEGIN_S = 3.0
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.run.warm_runner"])
_LEVEL_S = 120.0
_NEAR_NS = 1_000_000_000  # on this machine nothing that was sent arrives later than that


class Bidden(Busy):
    """Trades once it is told to, and holds what it has for a while."""

    go = False

    def decide(self, view: View) -> Any:
        return Trader.decide(self, view) if Bidden.go else ()


class KnownBidden(KnownBusy):
    def make(self, instrument: Any, lane: int, *_: Any) -> Any:
        return Bidden(int(time.time()), lane, ticks=30)


# -- the process that is killed ----------------------------------------------------------------


def runner(told: Connection, store: Path, at: str, name: str, point: str, after: int) -> None:
    """Trade until killed; `point`: where it kills itself at the `after`-th time.

    What is compacted, and by whom, is another test's business.
    """
    sys.stderr = (store / "runner.log").open("a", buffering=1)
    recorded_market.compactor = ThreadPoolExecutor  # type: ignore[assignment]
    recorded_market.compact_segments = lambda *_: {"segments": 0}  # type: ignore[assignment]
    table.STRATEGIES[BUSY] = KnownBidden(Busy, {})
    live_runs.Guard = Unwatched  # type: ignore[misc]
    record.venue_named = _near
    arm(point, after)
    _watch_protection(told)
    threading.Thread(target=_listen, args=(told,), daemon=True).start()
    plan = live_runs.LivePlan(
        [name], SETTINGS, BOUNDED, store, None, at, watchdog=False,
    )  # fmt: skip
    asyncio.run(
        live_runs.live(
            plan,
            show=lambda look: None,
            notice=lambda words: print(words, file=sys.stderr, flush=True),
            keys=our_keys,
        )
    )


def _near(name: str) -> Venue:
    """Return a venue as it is on this machine: nothing of what was sent can come late."""
    venue = venue_named(name)
    assert venue.trading is not None
    near = msgspec.structs.replace(venue.trading, settles_ns=_NEAR_NS)
    return msgspec.structs.replace(venue, trading=near)


def _listen(told: Connection) -> None:
    """Trade as soon as a word comes."""
    told.recv()
    Bidden.go = True


def arm(point: str, after: int) -> None:
    """Let this process kill itself when it comes to `point` for the `after`-th time."""
    left = [after]

    def dies() -> None:
        left[0] -= 1
        if Bidden.go and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    if point == "between journal and send":
        take, mark = Accounts.take, KeptJournal.left

        def dying_take(self: Accounts, commands: Any) -> None:
            dies()
            take(self, commands)

        def dying_mark(self: KeptJournal) -> None:
            dies()
            mark(self)

        Accounts.take = dying_take  # type: ignore[method-assign]
        KeptJournal.left = dying_mark  # type: ignore[method-assign]
    elif point == "between send and answer":
        send = VenueExchange._send

        async def dying_send(self: VenueExchange, action: Any) -> None:
            asker = self._caller.send

            async def ask(call: Any) -> Any:
                answered = await asker(call)
                dies()
                return answered

            self._caller.send = ask  # type: ignore[method-assign]
            try:
                await send(self, action)
            finally:
                self._caller.send = asker  # type: ignore[method-assign]

        VenueExchange._send = dying_send  # type: ignore[method-assign]


def _watch_protection(told: Connection) -> None:
    """Say how long what is held was bare behind the reconnect, and the account when it is level."""
    turned, level = LiveRun.turned, Accounts.level
    seen: dict[str, float] = {}

    async def leveled(self: Accounts, *arguments: Any) -> None:
        await level(self, *arguments)
        seen["level"] = time.monotonic()

    def looked(self: LiveRun) -> None:
        turned(self)
        account = self.account
        held = account.desk.position(0).lots
        if "protected" not in seen and (not held or protected(account, 0)):
            seen["protected"] = time.monotonic()
            bare = seen["protected"] - seen["level"]
            told.send({"held": held != 0, "bare_s": bare})
        calm = self.accounts.quiet and all(
            one.gateway.certain and not one.pictures.reconciler.pending
            for one in self.accounts.exchanges
        )
        entries = account.entries_open
        if calm and not entries and not Bidden.go and "protected" in seen:
            if "calm" not in seen:
                seen["calm"] = time.monotonic()
            elif time.monotonic() - seen["calm"] > 0.3 and "said" not in seen:
                seen["said"] = 1.0
                told.send({"account": _account(self)})
        else:
            seen.pop("calm", None)

    Accounts.level = leveled  # type: ignore[method-assign]
    LiveRun.turned = looked  # type: ignore[method-assign]


def _account(run: LiveRun) -> dict[str, Any]:
    desk = run.account.desk
    hearing = run.accounts.exchanges[0].gateway.hearing
    whats = Counter(
        one.what.value
        for one in run.accounts.exchanges[0].pictures.reconciler.corrections
        if one.what not in (What.OPENING_MONEY, What.OPENING_POSITION)
    )
    trade = desk.trade(0)
    return {
        "position": desk.position(0).lots,
        "cash": desk.books.cash(desk.books.currency(0)),
        "identity": desk.books.identity(desk.books.currency(0)),
        "orders": {
            str(hearing.orders[one.id].wire_number): one.leaves
            for one in desk.blotter.open_orders()
        },
        "owned": all(
            trade is not None and trade.minds(one.id) for one in desk.blotter.open_orders()
        ),
        "trade": None if trade is None else trade.held * trade.side,
        "corrections": dict(whats),
        "in_flight": len(run.account.resumed.in_flight),
        "not_left": len(run.account.resumed.not_left),
        "halt": int(desk.halt.level),
        "halt_reason": desk.halt.reason,
    }


# -- the venue, and who kills --------------------------------------------------------------------


class Truth:
    """What the venue has, and how often each order reached its matching."""

    def __init__(self, server: VenueServer) -> None:
        self.server = server
        side = venue_named(server.dialect.venue).trading
        assert side is not None
        self.side: TradingVenue = side
        self.sent: Counter[str] = Counter()
        place = server.exchange.place

        def noted(ticket: Ticket) -> LocalOrder | Refused:
            self.sent[ticket.client_id] += 1
            return place(ticket)

        server.exchange.place = noted  # type: ignore[method-assign]

    @property
    def doubles(self) -> int:
        return sum(many > 1 for many in self.sent.values())

    def apart(self, ours: dict[str, int]) -> str:
        """Hold our open orders against the venue's: by our id, and where it keeps none by size."""
        living = self.server.exchange.living.values()
        theirs = {
            str(self.side.order_id(one.ticket.client_id)): one.size - one.filled
            for one in living
            if self.side.order_id(one.ticket.client_id) is not None
        }
        nameless = sorted(
            one.size - one.filled
            for one in living
            if self.side.order_id(one.ticket.client_id) is None
        )
        others = sorted(left for order, left in ours.items() if order not in theirs)
        same = theirs.items() <= ours.items() and others == nameless
        return "" if same else f"orders: {ours} against {theirs} and {nameless}"

    def differences(self, told: dict[str, Any]) -> list[str]:
        """Hold what a runner says of its account against the venue's."""
        exchange = self.server.exchange
        instrument = exchange.instruments[0]
        wallet = exchange.account.wallets[instrument.settle]
        found = []
        if apart := self.apart(told["orders"]):
            found.append(apart)
        if told["position"] != exchange.account.net(0):
            found.append(f"position: {told['position']} against {exchange.account.net(0)}")
        if told["cash"] != wallet:
            found.append(f"money: {told['cash']} against {wallet}")
        if not told["identity"] or not told["owned"]:
            found.append(f"books {told['identity']}, owners {told['owned']}")
        if (told["trade"] or 0) != told["position"]:
            found.append(f"trade: {told['trade']} against {told['position']}")
        if told["corrections"]:
            found.append(f"corrections: {told['corrections']}")
        if told["halt"]:
            found.append(f"halted: {told['halt_reason']}")
        return found


async def crash(
    store: Path, count: int, seed: int, venue: str = "binance-usdm", say: Any = print
) -> dict[str, Any]:
    """Kill and begin again `count` times; return what was seen."""
    draw = random.Random(seed)
    seen: dict[str, Any] = {
        "venue": venue, "kills": 0, "by_point": Counter(), "in_flight": 0, "not_left": 0, "held": 0,
        "bare_s": [], "begin_s": [], "differences": [],
    }  # fmt: skip
    async with serving(venue, seed=3, speed=SPEED) as server:
        truth = Truth(server)
        for number in range(count + 1):
            point = draw.choice(POINTS) if number < count else "the end"
            server.exchange.pace(STILL)
            found = await _life(server, truth, store, draw, point)
            told = found.pop("account", None)
            if told is not None:
                seen["differences"] += [f"life {number}: {one}" for one in found["differences"]]
                seen["in_flight"] += told["in_flight"] > 0
                seen["not_left"] += told["not_left"] > 0
                seen["begin_s"].append(found["begin_s"])
            if "bare_s" in found and found["held"]:
                seen["bare_s"].append(found["bare_s"])
                seen["held"] += 1
            if point != "the end":
                seen["kills"] += 1
                seen["by_point"][point] += 1
            say(json.dumps({"life": number, "point": point} | found), flush=True)
        seen["doubles"] = truth.doubles
        seen["orders"] = len(truth.sent)
    for name in ("bare_s", "begin_s"):
        times = sorted(seen.pop(name))
        seen[f"{name}_median"] = times[len(times) // 2] if times else None
        seen[f"{name}_max"] = times[-1] if times else None
    seen["by_point"] = dict(seen["by_point"])
    return seen


async def _life(
    server: VenueServer, truth: Truth, store: Path, draw: random.Random, point: str
) -> dict[str, Any]:
    """Let one runner live; return what it said."""
    name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(
        target=runner,
        args=(theirs, store, server.document["rest"], name, point, draw.randrange(0, 25)),
    )
    began, said = time.monotonic(), {}
    process.start()
    theirs.close()
    if point == "while it begins":
        await asyncio.sleep(draw.uniform(0.0, BEGIN_S))
    else:
        while "account" not in said and process.is_alive():
            await asyncio.sleep(0.01)
            if time.monotonic() - began > _LEVEL_S:
                said["trouble"] = "it never became level"
                break
            while ours.poll():
                said |= ours.recv()
        said["begin_s"] = time.monotonic() - began
        if "account" in said:
            said["differences"] = truth.differences(said["account"])
        if "account" in said and point != "the end":
            server.exchange.pace(SPEED)
            ours.send("go")
            until = time.monotonic() + draw.uniform(0.5, 5.0)
            while process.is_alive() and time.monotonic() < until:
                await asyncio.sleep(0.01)
    process.kill()
    await asyncio.to_thread(process.join)
    ours.close()
    if process.exitcode != -signal.SIGKILL:
        said["trouble"] = f"it ended by itself: {process.exitcode}"
        said["words"] = (store / "runner.log").read_text()[-1500:]
    return said


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    venue = sys.argv[3] if len(sys.argv) > 3 else "binance-usdm"
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(crash(Path(folder), count, seed, venue))
        print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
