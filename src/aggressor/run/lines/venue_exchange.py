"""VenueExchange: a live account at a venue as an Exchange; interchangeable with `sim.SimExchange`.

    poll   market events of the feed, and REPORTs, in order of ts_recv
    take   COMMANDs: they leave as soon as the venue's limits allow

What to send, what to ask and what an update means is decided in `venues.gateway` and the files
around it, without sockets; here calls are made, the account's stream is held, and pictures of the
account are fetched at the start, after every reconnect and now and then. Everything runs in one
event loop; `poll` and `take` never wait. New risk leaves only while it is heard.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from aggressor.engine.ports import Feed
from aggressor.run.lines.line import Wires
from aggressor.run.lines.private_line import PrivateLine
from aggressor.run.lines.venue_calls import Caller
from aggressor.run.lines.venue_keeping import Keeper, LiveRules
from aggressor.run.lines.venue_pictures import Pictures
from aggressor.run.lines.venue_setup import Found, Setup, costs_of
from aggressor.run.stopping import wait_within
from aggressor.schema.command import CANCEL_ALL, PLACE, Commands, empty_commands
from aggressor.schema.errors import AggressorError, ConfigError, MessageError
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports, empty_reports
from aggressor.sim.costs import Costs
from aggressor.venues.orders.departures import Send
from aggressor.venues.orders.doubts import AskFills, AskOrder
from aggressor.venues.orders.gateway import Action, AskClock, Gateway, Sweep
from aggressor.venues.orders.picture import resume
from aggressor.venues.orders.standing import Left, hold
from aggressor.venues.orders.tracked import Tracked, first_id, new_tracked
from aggressor.venues.trading import (
    Answer,
    Call,
    Credentials,
    KeyRights,
    OrderUpdate,
    Terms,
    Update,
    Verdict,
)
from aggressor.venues.venue import Venue
from aggressor.wire.clock import Offset

Row = TypeVar("Row")

_TURN_S = 0.02
_CLOCK_AGAIN_S = 0.3
_NOTHING = empty_reports(0)


class VenueExchange:
    """One account at one venue, for some instruments."""

    def __init__(
        self,
        venue: Venue,
        instruments: Sequence[Instrument],
        wires: Wires,
        credentials: Credentials,
        feed: Feed,
        *,
        terms: Terms | None = None,
        rules: LiveRules | None = None,
        sent_before: Sequence[Any] = (),
        keeper: Keeper | None = None,
    ) -> None:
        """`instruments` in the order of the events' indices.

        `sent_before`: COMMANDs that placed orders in an earlier run, of which nothing else is
        known; each is asked for. Raises ConfigError where the venue is only followed.
        """
        if venue.trading is None:
            raise ConfigError(f"{venue.name} is followed only: choose a venue that is traded.")
        self.venue = venue
        self.rules = rules or LiveRules()
        self.terms = terms or Terms()
        self.instruments = tuple(instruments)
        self.gateway = Gateway(venue.trading, instruments, self.terms, self.rules.gateway)
        self.found = Found({}, {}, {})
        self.first_id = first_id(wires.clock.now())  # of orders of this run
        self._feed = feed
        self._wires = wires
        self._side = venue.trading
        self._sent_before = tuple(sent_before)
        self._caller = Caller(
            venue,
            venue.trading,
            wires,
            credentials,
            self.gateway.budget,
            deadline_s=self.rules.deadline_s,
        )
        self._setup = Setup(venue, venue.trading, instruments, self.terms, wires, self._caller)
        self.pictures = Pictures(
            venue.name,
            venue.trading,
            instruments,
            wires,
            self._caller,
            self.gateway,
            self._setup,
            every_s=self.rules.picture_every_s,
            keeper=keeper,
            collect=self._collect,
        )
        self.private = PrivateLine(
            venue,
            venue.trading,
            wires,
            credentials,
            self._caller,
            on_updates=self._heard,
            on_lost=self._lost,
            on_bad=self.pictures.want,
        )
        self._reports: deque[Any] = deque()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._legs: set[int] = set()  # wire numbers of further legs that were kept
        self._prepared = False

    # -- the protocol ----------------------------------------------------------------------------

    def poll(self, limit: int) -> tuple[Events, Reports]:
        """Return up to `limit` next events and the reports that stand among and behind them."""
        events = self._feed.poll(limit)
        until = int(events["ts_recv"][-1]) if events.size == limit else self._wires.clock.now()
        return events, self.heard(until)

    def heard(self, until: int) -> Reports:
        """Return the reports that have come up to a time, in order; each once."""
        self._collect()
        count = 0
        while count < len(self._reports) and int(self._reports[count]["ts_recv"]) <= until:
            count += 1
        if not count:
            return _NOTHING
        reports = empty_reports(count)
        for i in range(count):
            reports[i] = self._reports.popleft()
        return reports

    def take(self, commands: Commands) -> None:
        """Accept COMMANDs; what becomes of them comes back as reports."""
        self.gateway.take(commands, self._wires.clock.now())
        self._collect()
        self._wake.set()

    @property
    def costs(self) -> dict[int, Costs]:
        """The account's fees by instrument, where the venue tells them."""
        return {k: costs_of(fees) for k, fees in self.found.fees.items()}

    # -- running ---------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, waits to be sent, or is in doubt."""
        return self.gateway.quiet

    @property
    def offset(self) -> Offset | None:
        """How far the venue's clock is from ours, where it is known."""
        return self._caller.clock.offset

    async def prepare(self) -> Found:
        """Make the account ready; raise ConfigError for what a person must mend."""
        self.found = await self._setup.run()
        self.gateway.tradable = self.found.tradable
        self.gateway.hearing.fees = self.found.fees
        self._prepared = True
        return self.found

    async def rights(self) -> KeyRights | None:
        """Return what the key may do, None where the venue does not tell."""
        side = self._side
        if side.rights is None or side.read_rights is None:
            return None
        try:
            return await self._caller.question(side.rights(), side.read_rights)
        except (OSError, TimeoutError, MessageError):
            return None

    def resume(self, left: Sequence[Left]) -> None:
        """Hold what an earlier process left; before `run`."""
        for one in left:
            hold(self.gateway, one, self._wires.clock.now())

    async def run(self) -> None:
        """Hold the account until cancelled; raise ConfigError for what a person must mend."""
        try:
            if not self._prepared:
                await self.prepare()
            now = self._wires.clock.now()
            resume(
                self.gateway,
                [new_tracked(row, int(row["ts_send"])) for row in self._sent_before],
                now,
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(self.private.run())
                group.create_task(self._turn())
                if self.rules.dead_man_s and self._side.dead_man is not None:
                    group.create_task(self._live())
        finally:
            for task in self._tasks:
                task.cancel()

    async def close(self, within_s: float = 10.0) -> bool:
        """Cancel all if that is wanted and wait until nothing is under way; say whether it is."""
        if self.rules.cancel_on_close:
            rows = empty_commands(len(self.instruments))
            rows["kind"], rows["instrument"] = CANCEL_ALL, np.arange(len(self.instruments))
            self.take(rows)
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self.gateway.quiet or (
                    self.rules.cancel_on_close and self.gateway.hearing.active
                ):
                    await asyncio.sleep(_TURN_S)
        if self.rules.dead_man_s and self._side.dead_man is not None:
            await self._let_go(self._side.dead_man, within_s)
        return self.gateway.quiet

    async def _let_go(self, dead_man: Callable[[Instrument, int], Call], within_s: float) -> None:
        """Stop the venue's timer, or say that it goes on."""
        for one in self.instruments:
            try:
                async with asyncio.timeout(within_s):
                    await self._caller.ask(dead_man(one, 0))
            except (AggressorError, OSError, TimeoutError):
                self._wires.notice(
                    f"{one.id}: the venue's timer goes on: it cancels all orders, stops too, "
                    f"{self.rules.dead_man_s:g} s behind our last word"
                )

    async def _turn(self) -> None:
        """Do what is due, for ever."""
        while True:
            now = self._wires.clock.now()
            if self.private.live and self.pictures.claim(now):
                self._start(self._picture())
            for action in self.gateway.due(now):
                self._start(self._do(action))
            self._collect()
            while self.gateway.hearing.alerts:
                self._wires.notice(f"{self.venue.name}: {self.gateway.hearing.alerts.popleft()}")
            self._wake.clear()
            await wait_within(self._wake, _TURN_S)

    async def _live(self) -> None:
        """Keep the venue's timer from cancelling all."""
        every_s, dead_man = self.rules.dead_man_s / 3, self._side.dead_man
        assert dead_man is not None, "only where there is one"
        while True:
            for one in self.instruments:
                try:
                    call = dead_man(one, int(self.rules.dead_man_s * 1000))
                    answer = (await self._caller.ask(call, tries=1)).answer
                except (OSError, TimeoutError, AggressorError) as trouble:
                    self._wires.notice(
                        f"{one.id}: the timer that cancels all is not kept: {trouble}"
                    )
                    continue
                if answer.verdict is Verdict.REFUSED:
                    self._wires.notice(
                        f"{one.id}: the timer that cancels all is refused: {answer.text}"
                    )
            await asyncio.sleep(every_s)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- calls -----------------------------------------------------------------------------------

    async def _do(self, action: Action) -> None:
        if isinstance(action, Send):
            await self._send(action)
        elif isinstance(action, Sweep):
            await self._sweep(action)
        elif isinstance(action, AskOrder):
            await self._ask_order(action)
        elif isinstance(action, AskFills):
            await self._ask_fills(action)
        elif isinstance(action, AskClock):
            if await self._caller.measure(anew=True):
                self.gateway.clock_known()
            else:
                await asyncio.sleep(_CLOCK_AGAIN_S)
                self.gateway.clock_silent()
        self._wake.set()

    async def _send(self, action: Send) -> None:
        gateway, clock = self.gateway, self._wires.clock
        for order, request in action.items:
            if request.kind == PLACE and order.leg and order.wire_number not in self._legs:
                self._legs.add(order.wire_number)
                if self.pictures.keeper is not None:
                    self.pictures.keeper.leg(order)
        try:
            answer, response = await self._caller.send(action.call)
        except (OSError, TimeoutError, AggressorError):
            for order, request in action.items:
                gateway.failed(order, request, clock.now())
            return
        answers = [answer]
        if action.batch and self._side.answers is not None:
            answers = self._side.answers(
                response.status, response.headers, response.body, len(action.items)
            )
        for (order, request), one in zip(action.items, answers, strict=True):
            gateway.answered(order, request, one, clock.now(), response.status)

    async def _sweep(self, sweep: Sweep) -> None:
        answer: Answer | None = None
        status = 0
        try:
            answer, response = await self._caller.send(sweep.call)
            status = response.status
        except (OSError, TimeoutError, AggressorError):
            pass
        self.gateway.swept(sweep, answer, self._wires.clock.now(), status)

    async def _ask_order(self, ask: AskOrder) -> None:
        """Ask the calls in turn until one finds the order; a silent one leaves it open."""
        order, leg = ask.order, ask.order.leg
        asked = self._wires.clock.now()
        since_ms = self._caller.venue_ms_at(ask.since_ns) if ask.since_ns else 0
        silent, found = False, []
        for call in self.gateway.doubts.calls(order, since_ms):
            try:
                listed, there = await self._find(call, order)
            except (OSError, TimeoutError, AggressorError):
                silent = True
                continue
            found += listed
            if there:
                break
        now = self._wires.clock.now()
        self.gateway.doubts.told(order, leg, found, asked, now, whole=not silent)

    async def _find(self, call: Call, order: Tracked) -> tuple[list[OrderUpdate], bool]:
        """Ask one question for an order, page by page; return what was listed, and whether it is.

        Raises OSError, TimeoutError or MessageError: the answer is not whole.
        """
        listed: list[OrderUpdate] = []
        following: Call | None = call
        while following is not None:
            answered = await self._caller.ask(following, tries=1)
            if answered.answer.verdict is Verdict.REFUSED:
                break
            body = answered.response.body
            page = self._side.read_orders(body)
            listed += page
            if any(self.gateway.hearing.find_order(one)[0] is order for one in page):
                return listed, True
            more = self._side.next_page
            following = more(following, body) if more is not None else None
        return listed, False

    async def _ask_fills(self, ask: AskFills) -> None:
        asked = self._wires.clock.now()
        since_ms = self._caller.venue_ms_at(ask.since_ns)
        call = self._side.fills(self.instruments[ask.instrument], since_ms)
        try:
            fills = await self._caller.pages(call, self._side.read_fills)
        except (OSError, TimeoutError, AggressorError):
            self.gateway.doubts.fills_silent(ask.instrument, self._wires.clock.now())
            return
        self.gateway.doubts.filled(ask.instrument, fills, asked, self._wires.clock.now())

    # -- the stream, pictures, reports -------------------------------------------------------------

    def _heard(self, updates: Sequence[Update], now: int) -> None:
        self.gateway.hear(updates, now)
        self._collect()
        self._wake.set()

    def _lost(self, why: str, now: int) -> None:
        self.pictures.lost()

    async def _picture(self) -> None:
        await self.pictures.take()
        self._wake.set()

    def _collect(self) -> None:
        """Book the reports that were made, and keep them for whoever polls."""
        rows = self.gateway.drain()
        for row in rows:
            self.pictures.book(row)
            self._reports.append(row)
        if rows.size and self.pictures.keeper is not None:
            self.pictures.keeper.heard()
        self.pictures.book_late()
