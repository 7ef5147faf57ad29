"""A line to one venue's market data: its connections held open, its books kept aligned.

This is where a venue (facts and functions), its connections (`venues.session`) and sockets (`wire`)
meet. Messages are decoded as they arrive and their rows handed on at once; whatever waits, waits in
tasks of its own. What is received, is asked for, or breaks is also handed to `capture` in the very
order in which it was decoded, so that a recording decodes to the same rows.

A connection that is lost is opened again after a jittered wait; its books are unknown from that
moment (CLEAR with GAP) until they are aligned anew, and no print is lost that the venue sends. One
that the venue will cut at a known age is replaced by a second one while the first still speaks;
what comes twice is dropped by the venue's own ids. Prints that a lost connection did not bring are
asked for where the venue answers them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit, urlunsplit

from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.holder import Holder
from aggressor.run.lines.missing_prints import MissingPrints
from aggressor.run.lines.touch_watch import TouchWatch
from aggressor.schema.errors import AggressorError, ConfigError, MessageError
from aggressor.schema.event import NO_TIME, TRADE, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.venues.session import ControlKind, Link, State
from aggressor.venues.venue import NEEDS_ROOM, MarketDecoder, Poll, Request, Subscription, Venue
from aggressor.wire.backoff import Backoff
from aggressor.wire.clock import Clock, VenueClock
from aggressor.wire.rest import Limits, Response, Rest

SECOND_NS = 1_000_000_000
_TICK_S = 0.05
_CLOCK_EVERY_S = 60.0
_ASK_AGAIN_NS = 5 * SECOND_NS
_REST = "rest"


class Capture(Protocol):
    """Where messages go as they were received."""

    def message(self, ts_recv: int, frame: bytes) -> None:
        """A frame of a stream."""
        ...

    def response(self, ts_recv: int, address: str, body: bytes) -> None:
        """The body of an answer."""
        ...

    def lost(self, ts_recv: int, why: str) -> None:
        """A connection was lost, and with it the books."""
        ...


class Wires(NamedTuple):
    """What a line is bound to."""

    rest: Rest
    clock: Clock
    notice: Callable[[str], None]  # words for a person: alarms, losses
    at: str = ""  # speak to http(s)://host:port in place of the venue's own addresses
    longest_wait_s: float = 30.0  # between two attempts to connect

    def to(self, venue: str) -> "Wires":
        """Return the wires to one venue, where `at` names several: `one=http://...,other=...`."""
        places = [part.partition("=") for part in self.at.split(",")]
        if not any(mark for _, mark, _ in places):
            return self
        return self._replace(at=next((at for name, _, at in places if name.strip() == venue), ""))


class LineCounts:
    """What came over a line so far."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.rows = 0
        self.bad = 0
        self.losses = 0
        self.distrusted = 0  # times that books were given up though no id said so
        self.last_ns = NO_TIME
        self.lag_ns = 0  # receive time minus the venue's, of the last message that states one
        self.example = ""  # the last thing that was not understood


def relocated(address: str, at: str) -> str:
    """Return `address` with scheme, host and port of `at`, if that is given."""
    if not at:
        return address
    parts, base = urlsplit(address), urlsplit(at)
    secure = base.scheme in ("https", "wss")
    web_socket = parts.scheme in ("ws", "wss")
    scheme = ("wss" if secure else "ws") if web_socket else ("https" if secure else "http")
    return urlunsplit((scheme, base.netloc, parts.path, parts.query, ""))


async def definitions_of(venue: Venue, wires: Wires, limits: Limits) -> list[Instrument]:
    """Fetch all instruments of a venue; raise MessageError or OSError."""
    request: Request | None = venue.definitions_request()
    found: list[Instrument] = []
    while request is not None:
        answer = await _ask(request, wires, limits)
        found += venue.instruments(answer.body, wires.clock.now())
        request = venue.definitions_next(answer.body) if venue.definitions_next else None
    return found


def chosen(found: Iterable[Instrument], venue: Venue, symbols: Sequence[str]) -> list[Instrument]:
    """Return the instruments of these symbols; raise ConfigError with near names."""
    by_symbol = {one.symbol: one for one in found}
    missing = [symbol for symbol in symbols if symbol not in by_symbol]
    if missing:
        near = [one for one in by_symbol if any(_alike(one, symbol) for symbol in missing)]
        hint = f"did you mean {', '.join(sorted(near)[:5])}?" if near else "look at its web site."
        raise ConfigError(f"{venue.name} does not trade {', '.join(missing)} - {hint}")
    return [by_symbol[symbol] for symbol in symbols]


def _alike(one: str, other: str) -> bool:
    plain = [text.replace("-", "").replace("_", "").upper() for text in (one, other)]
    return plain[0] == plain[1] or plain[0].startswith(plain[1])


async def _ask(request: Request, wires: Wires, limits: Limits) -> Response:
    answer = await wires.rest.ask(
        request.method,
        relocated(request.url, wires.at),
        limits=limits,
        group=_REST,
        weight=request.weight,
    )
    if answer.status != 200:
        words = answer.body[:200].decode(errors="replace")
        raise MessageError(
            f"{request.url.partition('?')[0]} answered {answer.status}: {words} - the request is "
            "repeated where it must be."
        )
    return answer


class Line:
    """One venue's market data, live, for these instruments."""

    def __init__(
        self,
        venue: Venue,
        instruments: Sequence[tuple[Instrument, int]],
        wires: Wires,
        backlog: Backlog,
        capture: Capture | None = None,
    ) -> None:
        """Rows go to `backlog`, with the numbers given as EVENT.instrument."""
        self.venue = venue
        self.instruments = [one for one, _ in instruments]
        self.counts = LineCounts()
        self.clock = VenueClock()
        self.decoder: MarketDecoder = venue.market_decoder(instruments)
        self.limits = Limits({_REST: venue.rest_limit})
        self._lanes = {number: one.symbol for one, number in instruments}
        self._wires = wires
        self._backlog = backlog
        self._capture = capture
        self._out = empty_events(1 << 14)
        self._holders = [self._holder(one) for one in venue.subscribe(self.instruments)]
        self._asked: dict[str, int] = {}
        self._waits: dict[str, Backoff] = {}
        self._fetching: set[str] = set()
        self._prints = MissingPrints(
            venue,
            self.decoder,
            self.instruments,
            lambda request, symbol: self._fetch(request, symbol),
            self._start,
            lambda: asyncio.get_running_loop().time(),
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch = TouchWatch(list(self._lanes)) if venue.skips else None

    @property
    def links(self) -> list[Link]:
        """The connections as they stand."""
        return [holder.link for holder in self._holders]

    @property
    def live(self) -> bool:
        """Whether every connection is live and every book known."""
        wanted = self.decoder.wanted()
        return not wanted and all(link.state is State.LIVE for link in self.links)

    async def run(self) -> None:
        """Hold the line until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for holder in self._holders:
                    group.create_task(holder.run())
                for poll in self._polls():
                    group.create_task(self._poll(poll))
                if self.venue.clock_request is not None:
                    group.create_task(self._watch_clock())
                group.create_task(self._align())
        finally:
            for task in self._tasks:
                task.cancel()

    def received(self, link: Link, frame: bytes, ts_recv: int) -> None:
        """Take one frame of a connection; never raises."""
        counts = self.counts
        counts.messages += 1
        counts.bytes += len(frame)
        counts.last_ns = ts_recv
        link.heard(ts_recv)
        if self._capture is not None:
            self._capture.message(ts_recv, frame)
        try:
            message = self.venue.unpack(frame)
            control = self.venue.control(message)
            if control is not None:
                link.received(control, ts_recv)
                if control.kind is ControlKind.REFUSED:
                    self._wires.notice(f"{self.venue.name} refused: {control.text}")
                return
            rows = self._decode(message, ts_recv, "")
        except AggressorError as trouble:
            counts.bad += 1
            counts.example = str(trouble)
            return
        if rows.size:
            first = rows[0]
            link.saw(int(first["instrument"]), int(first["kind"]), ts_recv)
            if first["kind"] == TRADE:
                self._prints.printed(int(first["instrument"]))
            if first["ts_venue"] != NO_TIME:
                counts.lag_ns = ts_recv - int(first["ts_venue"])

    def _lost(self, why: str, ts_recv: int, books: bool) -> None:
        """A connection is gone without a successor."""
        self.counts.losses += 1
        self._prints.lost()
        self._wires.notice(f"{self.venue.name}: {why}; connecting again")
        if not books:
            return
        if self._capture is not None:
            self._capture.lost(ts_recv, why)
        self._put(self._interrupted(ts_recv))

    def _interrupted(self, ts_recv: int) -> Events:
        while (rows := self.decoder.interrupt(ts_recv, self._out)) == NEEDS_ROOM:
            self._out = empty_events(2 * self._out.size)
        return self._out[:rows].copy()

    def _decode(self, message: bytes, ts_recv: int, symbol: str) -> Events:
        """Decode, hand the rows on and return them."""
        while (rows := self.decoder.decode(message, ts_recv, self._out, symbol)) == NEEDS_ROOM:
            self._out = empty_events(max(2 * self._out.size, self.decoder.room(message)))
        events = self._out[:rows].copy()
        self._put(events)
        return events

    def _put(self, events: Events) -> None:
        """Hand rows on; where nobody takes them in time, say that the books are not known."""
        self.counts.rows += events.size
        if self._watch is not None:
            self._watch.take(events)
        if events.size and not self._backlog.put(events):
            now = int(events[-1]["ts_recv"])
            self._wires.notice(f"{self.venue.name}: rows were dropped, nobody takes them in time")
            self._backlog.put(self._interrupted(now))

    def _polls(self) -> list[Poll]:
        if self.venue.polls is None:
            return []
        return [poll for one in self.instruments for poll in self.venue.polls(one)]

    async def _poll(self, poll: Poll) -> None:
        """Ask the same question for ever."""
        wait = Backoff(first_s=1.0)
        while True:
            if await self._fetch(poll.request, poll.symbol):
                wait.worked()
                await asyncio.sleep(poll.every_ns / SECOND_NS)
            else:
                await asyncio.sleep(wait.failed() + 0.5)

    async def _fetch(self, request: Request, symbol: str) -> bool:
        """Ask and decode the answer; say whether it was understood."""
        try:
            answer = await _ask(request, self._wires, self.limits)
        except (OSError, TimeoutError, MessageError) as trouble:
            self.counts.example = str(trouble)
            return False
        now = self._wires.clock.now()
        if self._capture is not None:
            self._capture.response(now, f"{request.url}#{symbol}", answer.body)
        try:
            self._decode(answer.body, now, symbol)
        except AggressorError as trouble:
            self.counts.bad += 1
            self.counts.example = str(trouble)
            return False
        return True

    async def _watch_clock(self) -> None:
        request, read = self.venue.clock_request, self.venue.read_clock
        assert request is not None
        assert read is not None, "a venue that is asked for its time says how to read it"
        while True:
            with suppress(OSError, TimeoutError, AggressorError, ValueError):
                sent = self._wires.clock.now()
                answer = await _ask(request(), self._wires, self.limits)
                self.clock.add(sent, read(answer.body), self._wires.clock.now())
            await asyncio.sleep(_CLOCK_EVERY_S)

    async def _align(self) -> None:
        """See that every book which waits for a snapshot gets one."""
        while True:
            await asyncio.sleep(_TICK_S)
            wanted = self.decoder.wanted()
            now = self._wires.clock.now()
            for holder in self._holders:
                holder.link.aligned(not wanted, now)
            for symbol in wanted:
                self._want(symbol, now)
            self._distrust(now)
            self._prints.turn(
                standing=all(one.state in (State.ALIGNING, State.LIVE) for one in self.links)
            )
            for symbol in [one for one in self._asked if one not in wanted]:
                del self._asked[symbol]
                self._waits.pop(symbol, None)

    def _distrust(self, now: int) -> None:
        """Give up the books of a line one of which stays crossed; they are asked for anew."""
        crossed = self._watch.crossed(now) if self._watch is not None else []
        if crossed:
            names = ", ".join(self._lanes[k] for k in crossed)
            why = f"the book of {names} stays crossed: changes were lost"
            self._wires.notice(f"{self.venue.name}: {why}; asking for the books anew")
            self.counts.distrusted += 1
            if self._capture is not None:
                self._capture.lost(now, why)
            self._put(self._interrupted(now))

    def _want(self, symbol: str, now: int) -> None:
        """Ask for one book, unless that was done just now or its connection is not ready."""
        ready = (State.ALIGNING, State.LIVE)
        holder = next((one for one in self._holders if one.carries_book(symbol)), None)
        if holder is None or holder.link.state not in ready or symbol in self._fetching:
            return
        if now < self._asked.get(symbol, 0):
            return
        instrument = next(one for one in self.instruments if one.symbol == symbol)
        wait = self._waits.setdefault(symbol, Backoff(first_s=0.5))
        if self.venue.snapshot_request is not None:
            self._asked[symbol] = now + int((0.2 + wait.failed()) * SECOND_NS)
            self._start(self._snapshot(symbol, self.venue.snapshot_request(instrument)))
        elif self.venue.resubscribe is not None:
            first = symbol not in self._asked
            self._asked[symbol] = now + _ASK_AGAIN_NS + int(wait.failed() * SECOND_NS)
            if not first or not holder.is_fresh(now):
                holder.link.ask(self.venue.resubscribe(instrument))

    async def _snapshot(self, symbol: str, request: Request) -> None:
        self._fetching.add(symbol)
        try:
            await self._fetch(request, symbol)
        finally:
            self._fetching.discard(symbol)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _holder(self, subscription: Subscription) -> Holder:
        venue, wires = self.venue, self._wires
        return Holder(
            relocated(subscription.address, wires.at),
            lambda: Link(
                venue.link,
                subscription.messages,
                lanes=self._lanes,
                expected=subscription.expected,
                books=subscription.books,
            ),
            wires.clock.now,
            self.received,
            lambda why, now: self._lost(why, now, subscription.books),
            wires.notice,
            deflate=venue.deflate,
            books=subscription.books,
            named=b" ".join(subscription.messages).lower(),
            longest_wait_s=wires.longest_wait_s,
        )
