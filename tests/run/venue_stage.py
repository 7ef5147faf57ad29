"""A local venue in this process, and our own line to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import numpy as np

from aggressor.market.book import book_state, run_book
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Line, Wires, chosen, definitions_of, relocated
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.run.local.faults import FaultPlan
from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command as c
from aggressor.schema.event import ASK, BID, NO_PRICE, TIMER, Events
from aggressor.venues.dialects import dialect_named
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    Answer,
    Call,
    Credentials,
    OrderUpdate,
    Terms,
    TradingVenue,
    Update,
)
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Limits, Response, Rest
from aggressor.wire.websocket import Socket, open_socket

MONEY = 100_000_000
KEY = Credentials("k" * 64, "s" * 64, "p")
DEPTHS = {"bingx": 1024, "weex": 200}  # levels a side that a venue shows


class Ear:
    """Everything that came over a line."""

    def __init__(self, line: Line, feed: LiveFeed, notices: list[str]) -> None:
        self.line = line
        self.notices = notices
        self._feed = feed
        self._rows: list[Events] = []

    @property
    def rows(self) -> Events:
        while (rows := self._feed.poll(10_000)).size:
            self._rows.append(rows)
        rows = np.concatenate(self._rows)
        return rows[rows["kind"] != TIMER]

    def book(self) -> tuple[dict[int, int], dict[int, int]]:
        rows = self.rows
        book = book_state(1)
        assert run_book(rows, 0, rows.size, book) == rows.size
        found: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
        for level in book.levels[book.levels["lots"] > 0]:
            found[int(level["side"])][int(level["price"])] = int(level["lots"])
        return found[BID], found[ASK]


@asynccontextmanager
async def serving(name: str, *, seed: int = 1, **more: Any) -> AsyncIterator[VenueServer]:
    dialect = dialect_named(name)
    feeds = [synthetic_feed(dialect.example, seed)]
    more = {"deposit": 100_000 * MONEY, "lead_s": SYNTHETIC_LEAD_S} | more
    server = VenueServer(dialect, [dialect.example], feeds, credentials=KEY, **more)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def hearing(server: VenueServer) -> AsyncIterator[Ear]:
    name = server.dialect.venue
    venue, notices, clock, backlog = venue_named(name), [], Clock(), Backlog()
    async with Rest() as rest:
        wires = Wires(rest, clock, notices.append, server.document["rest"])
        limits = Limits({"rest": venue.rest_limit})
        found = await definitions_of(venue, wires, limits)
        (one,) = chosen(found, venue, [server.exchange.instruments[0].symbol])
        line = Line(venue, [(one, 0)], wires, backlog)
        task = asyncio.create_task(line.run())
        try:
            yield Ear(line, LiveFeed(backlog, clock), notices)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def away(server: VenueServer) -> None:
    """Let a venue be gone for ever: every connection cut, every request refused."""
    server._away_until_s = 1e12
    for client in list(server.clients):
        client.cut()


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that in time")


def truth(server: VenueServer) -> tuple[dict[int, int], dict[int, int]]:
    """Return the book of the market, as deep as the venue shows it."""
    lane, depth = server.exchange.board.lanes[0], DEPTHS.get(server.dialect.venue, 1 << 20)
    return dict(lane.levels(BID, depth)), dict(lane.levels(ASK, depth))


async def same_book(server: VenueServer, ear: Ear, seconds: float = 20.0) -> None:
    """Wait for a moment at which the line holds the book that the venue has."""
    exchange, speed = server.exchange, server.exchange.clock.speed

    def agree() -> bool:
        return ear.line.live and ear.book() == truth(server)

    server.faults = type(server.faults)(FaultPlan())  # nothing more goes wrong
    server.house.skew_ns = 0
    for _ in range(int(seconds / 2)):
        await asyncio.sleep(1.0)
        exchange.pace(0.01)  # what is told at intervals catches up while little happens
        with suppress(AssertionError):
            return await until(agree, 1.0)
        exchange.pace(speed)
    raise AssertionError("the books never agreed")


class Trader:
    """Our own trading side against the local venue: calls signed, answers read, news heard."""

    def __init__(self, server: VenueServer, rest: Rest) -> None:
        side = venue_named(server.dialect.venue).trading
        assert side is not None
        self.side: TradingVenue = side
        self.server = server
        self.instrument = server.dialect.example
        self.updates: list[Update] = []
        self.terms = Terms(leverage=20)
        self.theirs: dict[str, str] = {}  # the venue's id -> ours, as answered
        self._rest = rest
        self._orders = 0
        self._key = ""
        self._socket: Socket | None = None

    async def ask(
        self, call: Call, key: Credentials = KEY, now_ms: int = 0
    ) -> tuple[Answer, bytes]:
        answer = await self.send(call, key, now_ms)
        return self.side.answer(answer.status, answer.headers, answer.body), answer.body

    async def send(self, call: Call, key: Credentials = KEY, now_ms: int = 0) -> Response:
        now_ms = now_ms or self.server.house.now_ms
        signed = self.side.sign(call, key, now_ms, self.server.document["rest"])
        return await self._rest.ask(
            signed.method, signed.url, headers=signed.headers, body=signed.body
        )

    async def listen(self) -> None:
        side = self.side
        if side.listen_key is not None:
            _, body = await self.ask(side.listen_key.create)
            self._key = side.listen_key.read(body)
        link = side.private(KEY, self.server.house.now_ms, self._key)
        unpack = venue_named(self.server.dialect.venue).unpack
        self._socket = await open_socket(
            relocated(link.address, self.server.document["rest"]),
            lambda frame, _: self.updates.extend(side.decode_private(unpack(frame))),
            lambda _: None,
            Clock().now,
            headers=link.headers,
        )
        for message in (link.login, *link.messages):
            if message:
                self._socket.send(message)
                await asyncio.sleep(0.1)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def order(self, kind: int = c.PLACE, **fields: int) -> Any:
        line = c.empty_commands(1)[0]
        if kind == c.PLACE:
            self._orders += 1
        line["kind"], line["order"] = kind, self._orders
        line["type"], line["tif"], line["side"] = c.LIMIT, c.GTC, 1
        line["price"] = line["trigger"] = NO_PRICE
        for name, value in fields.items():
            line[name] = value
        return line

    async def place(self, **fields: int) -> tuple[Answer, Any]:
        line = self.order(**fields)
        answer, _ = await self.ask(self.side.place(line, self.instrument, self.terms))
        if answer.venue_id:
            self.theirs[answer.venue_id] = self.side.client_id(int(line["order"]))
        return answer, line

    async def cancel(self, line: Any) -> Answer:
        call = self.side.cancel(line, self.instrument, self.terms)
        assert call is not None
        return (await self.ask(call))[0]

    async def living(self) -> set[str]:
        found: set[str] = set()
        for call in self.side.open_orders(self.instrument):
            _, body = await self.ask(call)
            found |= {self.ours(one) for one in self.side.read_orders(body)}
        return found

    def ours(self, update: Any) -> str:
        """Return our id of an order, also where the venue tells only its own."""
        names = (update.venue_id, getattr(update, "text", "").removeprefix("plan "))
        known = (self.theirs[name] for name in names if name in self.theirs)
        return update.client_id or next(known, "")

    async def position(self) -> str:
        _, body = await self.ask(self.side.positions(self.instrument))
        found = self.side.read_positions(body)
        return next((one.size for one in found if one.symbol == self.instrument.symbol), "0")

    def of(self, line: Any, kind: type = OrderUpdate) -> list[Any]:
        ours = self.side.client_id(int(line["order"]))
        return [one for one in self.updates if isinstance(one, kind) and self.ours(one) == ours]

    @property
    def best(self) -> tuple[int, int]:
        lane = self.server.exchange.board.lanes[0]
        return max(lane.bids), min(lane.asks)


@asynccontextmanager
async def trading(server: VenueServer) -> AsyncIterator[Trader]:
    async with Rest() as rest:
        trader = Trader(server, rest)
        await trader.listen()
        try:
            yield trader
        finally:
            trader.close()
