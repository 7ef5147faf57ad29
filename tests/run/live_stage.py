"""Our own account at a local venue: the exchange under test, and a blotter that books its reports.

Everything that reaches the venue's matching is noted, so that a test can say how often each order
was sent; the venue's own orders, fills and wallet are the truth to compare with.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from aggressor.account.blotter import Blotter, Order
from aggressor.account.books import Books
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Line, Wires, chosen, definitions_of
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.run.lines.venue_exchange import LiveRules, VenueExchange
from aggressor.run.local.faults import FaultPlan, Faults
from aggressor.run.local.venue_server import VenueServer
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.sim.local.orders import LocalOrder, Refused, Ticket
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.orders.departures import GatewayRules
from aggressor.venues.orders.doubts import AskRules
from aggressor.venues.served.dialect import Ask
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Terms, Verdict
from aggressor.venues.venue import Venue
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Limits, Rest
from tests.run.venue_stage import KEY, serving, until

SETTLES_NS = 2_000_000_000  # longer than a deadline: then nothing is on the wire any more
SIZE = 200  # lots: worth more than the least value of any venue
RULES = LiveRules(
    gateway=GatewayRules(
        patience_ns=3_000_000_000, asks=AskRules(confirm_ns=300_000_000, longest_ns=1_000_000_000)
    ),
    deadline_s=1.5,
    picture_every_s=1.5,
)


def replaced_rules(**fields: Any) -> LiveRules:
    """Return the rules of these tests with some of them changed."""
    return msgspec.structs.replace(RULES, **fields)


class Dealer:
    """Commands in, reports out, booked by the order's own table."""

    def __init__(
        self, server: VenueServer, exchange: VenueExchange, line: Line, notices: list[str]
    ) -> None:
        self.server = server
        self.line = line
        self.market_rows: Callable[[Any], None] | None = None  # who wants the market too
        self.exchange = exchange
        self.notices = notices
        self.blotter = Blotter(exchange.first_id)
        self.books = Books(exchange.instruments)
        self.reports: list[Any] = []
        self.instrument: Instrument = exchange.instruments[0]
        self.sent: Counter[str] = Counter()  # by client id, what reached the matching
        self._watch()

    def _watch(self) -> None:
        place = self.server.exchange.place

        def noted(ticket: Ticket) -> LocalOrder | Refused:
            self.sent[ticket.client_id] += 1
            return place(ticket)

        self.server.exchange.place = noted  # type: ignore[method-assign]

    def pump(self) -> None:
        """Take what the exchange reports."""
        events, reports = self.exchange.poll(100_000)
        if self.market_rows is not None and events.size:
            self.market_rows(events)
        for row in reports:
            if self.reports:
                assert row["ts_recv"] >= self.reports[-1]["ts_recv"]
            self.reports.append(row.copy())
            kind = int(row["kind"])
            if kind == report.FUNDED:
                self.books.funding(int(row["instrument"]), int(row["fee"]))
                continue
            applied = self.blotter.apply(row)
            if applied.lots:
                order = applied.order
                assert order is not None
                self.books.fill(
                    order.instrument, order.side, int(row["price"]), applied.lots,
                    int(row["fee"]), int(row["ts_recv"]),
                )  # fmt: skip

    def command(self, kind: int = c.PLACE, **fields: int) -> Any:
        line = c.empty_commands(1)[0]
        line["kind"] = kind
        line["type"], line["tif"], line["side"] = c.LIMIT, c.GTC, 1
        line["price"] = line["trigger"] = NO_PRICE
        line["size"] = SIZE
        line["ts_send"] = self.exchange._wires.clock.now()
        if kind == c.PLACE:
            line["order"] = self.blotter.next_id()
        for name, value in fields.items():
            line[name] = value
        return line

    def take(self, *lines: Any) -> None:
        rows = c.empty_commands(len(lines))
        for i, line in enumerate(lines):
            rows[i] = line
            if int(line["kind"]) != c.CANCEL_ALL:
                self.blotter.sent(line)
        self.exchange.take(rows)

    def place(self, **fields: int) -> Order:
        line = self.command(**fields)
        self.take(line)
        return self.blotter[int(line["order"])]

    def market(self, side: int = 1, size: int = SIZE, **fields: int) -> Order:
        return self.place(type=c.MARKET, tif=c.IOC, side=side, size=size, **fields)

    def change(self, kind: int, order: Order, **fields: int) -> None:
        line = self.command(kind, order=order.id, type=order.type, tif=order.tif, side=order.side)
        line["size"], line["price"], line["trigger"] = order.size, order.price, order.trigger
        line["flags"] = order.flags
        for name, value in fields.items():
            line[name] = value
        self.take(line)

    def cancel(self, order: Order) -> None:
        self.change(c.CANCEL, order)

    def kinds(self, order: Order) -> list[int]:
        """Return the kinds of the reports of an order."""
        return [int(row["kind"]) for row in self.reports if int(row["order"]) == order.id]

    async def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        def pumped() -> bool:
            self.pump()
            return true()

        await until(pumped, seconds)

    async def quiet(self, seconds: float = 30.0) -> None:
        """Wait until nothing is under way or in doubt, and what is told has come."""

        def still() -> bool:
            flying = any(one.in_flight for one in self.blotter.open_orders())
            return self.exchange.gateway.quiet and not flying and self.exchange.gateway.listening

        await self.until(still, seconds)

    @property
    def best(self) -> tuple[int, int]:
        lane = self.server.exchange.board.lanes[0]
        return max(lane.bids), min(lane.asks)

    def right(self) -> None:
        """Let nothing more go wrong."""
        self.server.faults = Faults(FaultPlan())
        self.server.house.skew_ns = 0

    async def agree(self, seconds: float = 30.0) -> None:
        """Orders, positions, money: the venue's and ours; nothing was sent twice."""
        self.right()
        await self.quiet(seconds)
        await self.until(lambda: self.living() == self.theirs(), seconds)
        await self.until(lambda: self.books.positions[0].lots == self.truth.account.net(0), seconds)
        assert self.cash_differs == 0
        assert self.doubles == {}
        assert self.books.identity(self.books.currency(0))

    @property
    def cash_differs(self) -> int:
        """Our money less the venue's, 1e-8.

        Fills heard in another order, or kept on two legs, realise more or less of the same profit:
        then what is open by the entries counts too, and one unit a fill is what rounding makes.
        """
        account, ours = self.truth.account, self.books.positions[0]
        wallet = account.wallets[self.instrument.settle] - account.deposit
        differs = self.books.cash(self.books.currency(0)) - wallet
        theirs = [one for one in account.positions[0].values() if one.average is not None]
        at = ours.average or next((one.average for one in theirs), None)
        if differs == 0 or at is None:
            return differs if abs(differs) > len(self.truth.fills) else 0
        differs -= sum(self.instrument.profit(one.lots, one.average, at) for one in theirs)
        return 0 if abs(differs) <= len(self.truth.fills) else round(differs)

    @property
    def truth(self) -> Any:
        return self.server.exchange

    @property
    def doubles(self) -> dict[str, int]:
        """Return what reached the matching more than once."""
        return {name: many for name, many in self.sent.items() if many > 1}

    def living(self) -> dict[int, tuple[int, int]]:
        """Return our open orders: id -> (size, filled)."""
        return {one.id: (one.size, one.filled) for one in self.blotter.open_orders()}

    def theirs(self) -> dict[int, tuple[int, int]]:
        """Return the venue's open orders, by our id; a further leg stands for its order."""
        found = {}
        for one in self.truth.living.values():
            number = self.exchange._side.order_id(one.ticket.client_id)
            order = self.exchange.gateway.hearing.orders.get((number or 0) & ((1 << 48) - 1))
            base = order.leg_base if order is not None else 0
            found[order.id if order else -1] = (one.size + base, one.filled + base)
        return found


def by_hand(server: VenueServer, name: str, **fields: int) -> str:
    """Place an order by the venue's own request, as somebody who shares the key would.

    Return the name that the venue keeps: not that which was given, where it keeps none.
    """
    before = set(server.exchange.living)
    house, dialect = server.house, server.dialect
    side = venue_named(dialect.venue).trading
    assert side is not None
    row = c.empty_commands(1)[0]
    row["kind"], row["type"], row["tif"], row["side"] = c.PLACE, c.LIMIT, c.GTC, 1
    row["order"], row["size"], row["price"], row["trigger"] = 1, SIZE, NO_PRICE, NO_PRICE
    for field, value in fields.items():
        row[field] = value
    ours = side.client_id(1)
    call = side.place(row, dialect.example, Terms(leverage=20))
    call = call._replace(
        query=tuple((key, value.replace(ours, name)) for key, value in call.query),
        body=call.body.replace(ours.encode(), name.encode()),
    )
    house.usage.limits = {one: (10**9, window) for one, (_, window) in house.usage.limits.items()}
    signed = side.sign(call, KEY, house.now_ms, "")
    headers = {key.lower(): value for key, value in signed.headers.items()}
    path, _, query = signed.url.partition("?")
    server.advance()
    reply = dialect.serve(house, Ask(signed.method, path, query, headers, signed.body))
    server.publish()
    assert side.answer(reply.status, {}, reply.body).verdict is Verdict.ACCEPTED, reply
    placed = set(server.exchange.living) - before
    return server.exchange.living[placed.pop()].ticket.client_id if placed else name


def local_venue(server: VenueServer) -> Venue:
    """Return a venue as it is on this machine: nothing of what was sent can come late."""
    venue = venue_named(server.dialect.venue)
    assert venue.trading is not None
    near = msgspec.structs.replace(venue.trading, settles_ns=SETTLES_NS)
    return msgspec.structs.replace(venue, trading=near)


@asynccontextmanager
async def dealing(
    server: VenueServer,
    *,
    rules: LiveRules = RULES,
    terms: Terms | None = None,
    wait: bool = True,
    venue: Venue | None = None,
    longest_wait_s: float = 1.0,
    **more: Any,
) -> AsyncIterator[Dealer]:
    """Run our account against a server, with its market beside it."""
    venue = venue or local_venue(server)
    notices: list[str] = []
    clock, backlog = Clock(), Backlog()
    async with Rest() as rest:
        wires = Wires(rest, clock, notices.append, server.document["rest"], longest_wait_s)
        found = await definitions_of(venue, wires, Limits({"rest": venue.rest_limit}))
        (one,) = chosen(found, venue, [server.dialect.example.symbol])
        line = Line(venue, [(one, 0)], wires, backlog)
        exchange = VenueExchange(
            venue, [one], wires, KEY, LiveFeed(backlog, clock),
            terms=terms or Terms(leverage=20), rules=rules, **more,
        )  # fmt: skip
        tasks = [asyncio.create_task(line.run()), asyncio.create_task(exchange.run())]
        dealer = Dealer(server, exchange, line, notices)
        try:
            if wait:
                await until(lambda: exchange.pictures.ready.is_set() or tasks[1].done(), 20.0)
                if tasks[1].done():
                    tasks[1].result()
            yield dealer
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)


def played(name: str, play: Callable[[Dealer], Any], **more: Any) -> None:
    """Play against one venue; `rules`, `terms` and the rest of the stage are passed on."""
    ours = {key: more.pop(key) for key in ("rules", "terms", "wait") if key in more}

    async def run() -> None:
        async with serving(name, **more) as server, dealing(server, **ours) as dealer:
            await play(dealer)

    asyncio.run(run())


every_venue = pytest.mark.parametrize("name", sorted(DIALECTS))
