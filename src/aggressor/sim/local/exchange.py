"""The local venue without its dialect: a market that runs, one account, orders that match.

    advance   let time pass up to a moment of the venue's clock
    place, amend, cancel, cancel_all   decided at once, at that moment
    drain     what there is to tell since the last time, in order

The market runs through `SimExchange` with no latency of its own: an order arrives when the request
does (whoever wants latency delays the request), joins the queue behind what is displayed, and fills
by the rules of `sim.matching`. Everything here is decided by the times that are passed in: the same
feed and the same calls give the same fills.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.engine.ports import Feed
from aggressor.schema import report
from aggressor.schema.command import (
    AMEND,
    CANCEL,
    IOC,
    MARKET,
    PLACE,
    STOP_MARKET,
    empty_commands,
)
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument, money_round
from aggressor.schema.report import NO_REASON, Reports
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.local.account import LocalAccount
from aggressor.sim.local.board import TRADES_KEPT, Board, MarketNews, MarkNews, TradeNews
from aggressor.sim.local.minutes import Minutes
from aggressor.sim.local.orders import (
    DUPLICATE,
    AccountNews,
    LocalFill,
    LocalOrder,
    OrderNews,
    PrivateNews,
    Refused,
    Ticket,
)
from aggressor.sim.local.paced import MarketClock, PacedFeed
from aggressor.sim.queue import Queue

_ROWS = 65_536
ORDERS_MAX = 1024
ENDED_KEPT = 5000
_MONEY = 100_000_000


class LocalExchange:
    """One market with one account on it."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        feeds: Sequence[Feed],
        *,
        now: int,
        speed: float = 1.0,
        lead_ns: int = 0,
        deposit: int = 100_000 * _MONEY,
        costs: Costs | None = None,
        queue: Queue | None = None,
        trades_kept: int = TRADES_KEPT,
    ) -> None:
        """Begin at `now` of the venue's clock, `lead_ns` behind the first row of the feeds.

        The last `trades_kept` prints of each instrument are there to be asked for.
        """
        self.instruments = tuple(instruments)
        self.by_symbol = {one.symbol: k for k, one in enumerate(instruments)}
        self.paced = PacedFeed(feeds)
        self.clock = MarketClock(now, self.paced.first_ns + lead_ns, speed)
        self.costs = costs if costs is not None else Costs()
        self.board = Board(instruments, trades_kept)
        self.minutes = [Minutes() for _ in instruments]  # prices in ticks
        self.marks = [Minutes() for _ in instruments]  # mark prices, in 1e-8
        self.account = LocalAccount(instruments, deposit)
        self.orders: dict[int, LocalOrder] = {}
        self.living: dict[int, LocalOrder] = {}
        self.fills: deque[LocalFill] = deque(maxlen=20_000)
        self._ended: deque[int] = deque()
        self._client_ids: dict[str, int] = {}
        self._born: dict[int, int] = {}  # what a triggered order became -> its own number
        self._numbers = 0
        self._fill_numbers = 0
        self._news: list[MarketNews | PrivateNews] = []
        self._sim = SimExchange(
            self.paced,
            instruments,
            latency=Latency(feed_ns=0, order_ns=0, response_ns=0),
            queue=queue,
            costs=self.costs,
            orders=ORDERS_MAX,
            live=True,
        )
        self.now = now  # venue's clock: how far time has passed
        self._reported: int | None = None  # why the last amendment or cancel was refused
        self._asked_trigger = NO_PRICE
        self.advance(now)

    # -- time ------------------------------------------------------------------------------------

    def advance(self, now: int) -> None:
        """Let time pass up to `now` of the venue's clock; never goes back."""
        self.now = max(self.now, now)
        self._run(self._moment())

    def pace(self, speed: float) -> None:
        """Let the market go on `speed` times as fast from now on."""
        self.clock = MarketClock(self.now, self.clock.market(self.now), speed, self.clock)

    def drain(self) -> list[MarketNews | PrivateNews]:
        """Return what has happened since the last call, in order."""
        news, self._news = self._news, []
        return news

    def _moment(self) -> int:
        """Return the next market time to run to: later than any before."""
        return max(self.clock.market(self.now), self.paced.released_ns + 1)

    def _run(self, moment: int) -> None:
        self.paced.release(moment)
        while True:
            events, reports = self._sim.poll(_ROWS)
            if not events.size and not reports.size:
                return
            news = self.board.take(events)
            self._news.extend(news)
            for one in news:
                self._note(one)
            self._take(reports)

    def _note(self, news: MarketNews) -> None:
        """Keep what candles are made of."""
        if isinstance(news, TradeNews) and news.flow:
            at, one = self.clock.venue(news.ts), self.instruments[news.lane]
            value = money_round(one.notional(news.price, news.lots))
            self.minutes[news.lane].add(at, news.price, news.lots, news.side, value)
        elif isinstance(news, MarkNews):
            self.marks[news.lane].add(self.clock.venue(news.ts), news.price, 0, 0)

    # -- orders ----------------------------------------------------------------------------------

    def place(self, ticket: Ticket) -> LocalOrder | Refused:
        """Place an order; it is decided when this returns."""
        living = self._client_ids.get(ticket.client_id)
        if ticket.client_id and living in self.living:
            return Refused(report.BAD_FIELD, DUPLICATE)
        if self._cannot_carry(ticket):
            return Refused(report.NO_MARGIN)
        if ticket.leg and ticket.reduce_only and not self._reducible(ticket):
            return Refused(report.REDUCE_ONLY_EMPTY)
        self._numbers += 1
        number = self._numbers
        order = LocalOrder(
            number=number,
            ticket=ticket,
            size=ticket.size,
            price=ticket.price,
            trigger=ticket.trigger,
            created=self.now,
            updated=self.now,
        )
        self.orders[number] = self.living[number] = order
        self._client_ids[ticket.client_id] = number
        self._send(PLACE, order, ticket.size, ticket.price, ticket.trigger)
        placed = self.orders[number]
        if placed.state == report.REJECTED:
            self._forget(number)
            return Refused(placed.reason)
        return placed

    def amend(self, number: int, size: int, price: int) -> LocalOrder | Refused:
        """Give a living order a new whole size and price (of one that waits: trigger)."""
        order = self.living.get(number)
        if order is None:
            return Refused(report.UNKNOWN_ORDER)
        more = msgspec.structs.replace(
            order.ticket, size=max(0, size - order.filled - order.leaves), price=price
        )
        if more.size and self._cannot_carry(more):
            return Refused(report.NO_MARGIN)
        self._reported = None
        trigger = price if order.waits else order.trigger
        self._send(AMEND, order, size, NO_PRICE if order.waits else price, trigger)
        if self._reported is not None:
            return Refused(self._reported)
        return self.orders[number]

    def cancel(self, number: int) -> LocalOrder | Refused:
        """Cancel a living order."""
        order = self.living.get(number)
        if order is None:
            return Refused(report.UNKNOWN_ORDER)
        self._send(CANCEL, order, 0, NO_PRICE, NO_PRICE)
        ended = self.orders[number]
        if ended.state == report.CANCELED:
            return ended
        return Refused(report.UNKNOWN_ORDER)  # it was filled at this very moment

    def cancel_all(self, lane: int | None, waiting: bool | None = None) -> list[LocalOrder]:
        """Cancel all living orders: of an instrument, only plain ones, only those that wait."""
        chosen = [
            one.number
            for one in self.living.values()
            if (lane is None or one.lane == lane) and (waiting is None or one.waits == waiting)
        ]
        done = (self.cancel(number) for number in chosen)
        return [one for one in done if isinstance(one, LocalOrder)]

    def find(self, number: int | None = None, client_id: str = "") -> LocalOrder | None:
        """Return an order, living or ended, by either id."""
        if number is not None:
            return self.orders.get(self._born.get(number, number))
        return self.orders.get(self._client_ids.get(client_id, 0))

    def open_orders(self, lane: int | None = None, waiting: bool = False) -> list[LocalOrder]:
        """Return the living orders, the oldest first."""
        return [
            one
            for one in self.living.values()
            if (lane is None or one.lane == lane) and one.waits == waiting
        ]

    def fills_of(self, lane: int | None, since: int = 0) -> Iterator[LocalFill]:
        """Return the fills since a time, the oldest first."""
        return (one for one in self.fills if (lane is None or one.lane == lane) and one.ts >= since)

    def prices(self) -> list[int | Fraction | None]:
        """Return by instrument the price in ticks that positions are valued at."""
        return [self.price(k) for k in range(len(self.instruments))]

    def price(self, lane: int) -> int | Fraction | None:
        """Return the mark price in ticks, else the last print or the middle; None: not known."""
        one = self.board.lanes[lane]
        if one.mark:
            return Fraction(one.mark, _MONEY) / Fraction(one.instrument.tick)
        return one.last_price()

    def free(self, asset: str) -> int:
        """Return what may still be used of an asset, in 1e-8."""
        prices = self.prices()
        needed = self.account.margin(asset, prices, self.living.values())
        return max(0, self.account.equity(asset, prices) - needed)

    def _cannot_carry(self, ticket: Ticket) -> bool:
        if ticket.reduce_only or ticket.type >= STOP_MARKET:
            return False
        asset = self.instruments[ticket.lane].settle
        prices = self.prices()
        living = list(self.living.values())
        before = self.account.margin(asset, prices, living)
        after = self.account.margin(asset, prices, living, ticket)
        return after > before and after > self.account.equity(asset, prices)

    def _reducible(self, ticket: Ticket) -> bool:
        return self.account.positions[ticket.lane][ticket.leg].lots * ticket.side < 0

    def _send(self, kind: int, order: LocalOrder, size: int, price: int, trigger: int) -> None:
        moment = self._moment()
        self._asked_trigger = trigger
        commands = empty_commands(1)
        line = commands[0]
        ticket = order.ticket
        line["ts_send"], line["order"], line["kind"] = moment, order.number, kind
        line["size"], line["price"], line["trigger"] = size, price, trigger
        line["type"], line["tif"], line["side"] = ticket.type, ticket.tif, ticket.side
        if ticket.type >= MARKET:
            line["tif"] = IOC
        line["instrument"] = ticket.lane
        if ticket.reduce_only and not ticket.leg:
            line["flags"] = report.REDUCE_ONLY
        self._sim.take(commands)
        self._run(moment)

    # -- reports ---------------------------------------------------------------------------------

    def _take(self, reports: Reports) -> None:
        for row in reports:
            kind = int(row["kind"])
            if kind == report.FUNDED:
                self._funded(row)
            elif int(row["order"]) in self.orders:
                self._ordered(kind, row)

    def _funded(self, row: Any) -> None:
        lane, paid = int(row["instrument"]), int(row["fee"])
        self.account.pay(lane, paid)
        self._news.append(self._account_news(lane, self._ts(row), paid))

    def _account_news(self, lane: int, ts: int, paid: int = 0) -> AccountNews:
        wallet = self.account.wallets[self.instruments[lane].settle]
        return AccountNews(ts, lane, wallet, self.account.held(lane), paid)

    def _ts(self, row: Any) -> int:
        """Return a report's time on the venue's clock."""
        return min(self.clock.venue(int(row["ts_venue"])), self.now)

    def _ordered(self, kind: int, row: Any) -> None:
        before = self.orders[int(row["order"])]
        reason = int(row["reason"])
        if kind in (report.AMEND_REJECTED, report.CANCEL_REJECTED):
            self._reported = reason or report.BAD_FIELD
            return
        ts = self._ts(row)
        if kind == report.FILL:
            self._filled(before, row, ts)
            return
        changes: dict[str, Any] = {"updated": ts, "reason": reason}
        if kind == report.AMENDED:
            changes["size"] = int(row["size"])
            if before.waits:
                changes["trigger"] = self._asked_trigger
            else:
                changes["price"] = int(row["price"])
        elif kind == report.TRIGGERED:
            self._numbers += 1
            self._born[self._numbers] = before.number
            changes |= {"state": kind, "became": self._numbers}
        elif kind != report.ACK:
            changes["state"] = kind
        self._replace(before, kind, ts, changes)

    def _filled(self, before: LocalOrder, row: Any, ts: int) -> None:
        lots, price, fee = int(row["size"]), int(row["price"]), int(row["fee"])
        ticket = before.ticket
        realised = self.account.fill(before.lane, ticket.leg, ticket.side, price, lots, fee, ts)
        self._fill_numbers += 1
        fill = LocalFill(
            number=self._fill_numbers,
            order=before.number,
            lane=before.lane,
            side=ticket.side,
            price=price,
            lots=lots,
            fee=fee,
            realised=realised,
            maker=bool(row["flags"] & report.MAKER),
            leg=ticket.leg,
            ts=ts,
        )
        self.fills.append(fill)
        changes: dict[str, Any] = {
            "updated": ts,
            "filled": before.filled + lots,
            "paid": before.paid + lots * price,
        }
        if before.filled + lots >= before.size:
            changes["state"] = report.FILL
        self._replace(before, report.FILL, ts, changes, fill)
        self._news.append(self._account_news(before.lane, ts))

    def _replace(
        self,
        before: LocalOrder,
        kind: int,
        ts: int,
        changes: dict[str, Any],
        fill: LocalFill | None = None,
    ) -> None:
        order = msgspec.structs.replace(before, **changes)
        self.orders[order.number] = order
        if order.lives:
            self.living[order.number] = order
        else:
            self.living.pop(order.number, None)
            self._ended.append(order.number)
            if len(self._ended) > ENDED_KEPT:
                self._forget(self._ended.popleft())
        if kind != report.REJECTED or order.reason == NO_REASON:
            self._news.append(OrderNews(ts, kind, order, fill))

    def _forget(self, number: int) -> None:
        order = self.orders.pop(number, None)
        if order is not None:
            self._born.pop(order.became, None)
        if order is not None and self._client_ids.get(order.ticket.client_id) == number:
            del self._client_ids[order.ticket.client_id]
