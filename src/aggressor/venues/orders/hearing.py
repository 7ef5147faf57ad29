"""What a venue says of our orders, by stream or by answer, as REPORT rows: each fact once.

Updates come in any order and more than once: a fill in front of the acknowledgement or behind the
end, an acknowledgement twice, everything again after a reconnect. Here they are put right:

- a fill is known by the venue's id of the trade, and counts once;
- an acknowledgement, a trigger, an amendment and an end are told once;
- an end is told behind its fills: while the venue says that more is filled than we have heard of,
  the end waits and the fills are asked for (`Tracked.fills_at_ns`);
- a fill whose order is named only by an id that we have not heard yet waits for it.

What the venue says of orders that we do not hold is kept apart (`unheld`), and never guessed at.
Nothing here waits, sends or reads a clock.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from aggressor.schema import report
from aggressor.schema.command import STOP_MARKET, TAKE_PROFIT_MARKET
from aggressor.schema.errors import UnitError
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.instrument import Instrument, money_round
from aggressor.schema.report import empty_reports
from aggressor.venues.margin import Fees
from aggressor.venues.orders.tracked import NEVER, Tracked, Word, split_number
from aggressor.venues.trading import (
    BalanceUpdate,
    FillUpdate,
    FundingUpdate,
    OrderUpdate,
    PositionUpdate,
    TradingVenue,
    Update,
)

FILLS_GRACE_NS = 400_000_000  # a fill and the update that counts it come on the same stream
_SEEN_MAX = 200_000
_WAITING_MAX = 10_000
_ENDED_MAX = 4096
_MONEY = 100_000_000
_STOPS = (STOP_MARKET, TAKE_PROFIT_MARKET)
LIVES = (report.ACK, report.AMENDED, report.TRIGGERED)


class Late(NamedTuple):
    """A fill of an order that was over by all that the venue had said."""

    order: int
    instrument: int
    side: int
    price: int
    lots: int
    fee: int


def in_turn(fills: Iterable[FillUpdate]) -> list[FillUpdate]:
    """Return fills in the order in which they happened: what is realised hangs on it."""
    return sorted(fills, key=lambda one: one.ts_venue)


class Hearing:
    """The orders we hold, and what is known of them."""

    def __init__(self, side: TradingVenue, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.lanes = {one.symbol: k for k, one in enumerate(instruments)}
        self.orders: dict[int, Tracked] = {}
        self.active: dict[int, Tracked] = {}  # of these, what is not over
        self.reports: list[Any] = []  # REPORT rows that nobody has taken yet
        self.alerts: deque[str] = deque(maxlen=1000)
        self.fees: dict[int, Fees] = {}
        self.positions: dict[tuple[int, int], PositionUpdate] = {}
        self.wallets: dict[str, BalanceUpdate] = {}
        self.unheld: dict[int, OrderUpdate] = {}  # by our number: of another run
        self.revived: list[Tracked] = []  # told to live after they were found not to be there
        self.late: list[Late] = []
        self.duplicates = 0
        self.strangers = 0  # fills that no order of ours has claimed
        self.estimated_fees = 0
        self._side = side
        self._by_venue_id: dict[str, tuple[int, int]] = {}
        self._seen: dict[tuple[int, str], None] = {}
        self._waiting: dict[str, list[FillUpdate]] = {}
        self._ended: deque[int] = deque()
        self._told_fee_assets: set[str] = set()

    def add(self, order: Tracked) -> None:
        """Hold one more order."""
        assert order.id not in self.orders, f"order {order.id} was already sent"
        self.orders[order.id] = self.active[order.id] = order

    def alert(self, text: str) -> None:
        """Keep words for a person."""
        self.alerts.append(text)

    def hear(self, updates: Iterable[Update], now: int, *, asked: bool = False) -> None:
        """Take updates; `asked`: they are answers to our questions, not the stream."""
        for one in updates:
            try:
                if isinstance(one, OrderUpdate):
                    self._order(one, now, asked)
                elif isinstance(one, FillUpdate):
                    self._fill(one, now, asked)
                elif isinstance(one, FundingUpdate):
                    self._funding(one, now)
                elif isinstance(one, PositionUpdate):
                    lane = self.lanes.get(one.symbol)
                    if lane is not None:
                        self.positions[lane, one.leg] = one
                else:
                    self.wallets[one.asset] = one
            except (UnitError, ArithmeticError) as trouble:
                self.alert(f"{one} cannot be read: {trouble}")

    # -- orders ----------------------------------------------------------------------------------

    def find(self, client_id: str, venue_id: str) -> tuple[Tracked | None, int]:
        """Return our order and its leg by either id, (None, 0) where we hold none."""
        number = self._side.order_id(client_id) if client_id else None
        if number is not None:
            order_id, leg = split_number(number)
            if order_id in self.orders:
                return self.orders[order_id], leg
        order_id, leg = self._by_venue_id.get(venue_id, (0, 0))
        return self.orders.get(order_id), leg

    def find_order(self, one: OrderUpdate) -> tuple[Tracked | None, int]:
        """Return our order and its leg that an update is of, also by what it was before."""
        order, leg = self.find(one.client_id, one.venue_id)
        return self.find("", one.born_of) if order is None and one.born_of else (order, leg)

    def name(self, order: Tracked, leg: int, venue_id: str, now: int, *, asked: bool) -> None:
        """Learn the venue's id of a leg, and take the fills that waited for it."""
        if not venue_id or self._by_venue_id.get(venue_id) == (order.id, leg):
            return
        self._by_venue_id[venue_id] = (order.id, leg)
        order.venue_ids.append(venue_id)
        if leg == order.leg:
            order.venue_id = venue_id
        for fill in self._waiting.pop(venue_id, ()):
            self._fill(fill, now, asked)

    def is_named(self, venue_id: str) -> bool:
        """Return whether an id of the venue is that of an order we hold."""
        return venue_id in self._by_venue_id

    def _order(self, one: OrderUpdate, now: int, asked: bool) -> None:
        order, leg = self.find_order(one)
        if order is None:
            number = self._side.order_id(one.client_id) if one.client_id else None
            if number is not None and one.symbol in self.lanes:
                self.unheld[number] = one
            return
        if self.lanes.get(one.symbol) != order.instrument:
            self.alert(
                f"the venue names order {order.id} on {one.symbol}, where we did not send it"
            )
            return
        self.name(order, leg, one.venue_id, now, asked=asked)
        if one.became:
            self.name(order, leg, one.became, now, asked=asked)
        if leg != order.leg:
            return
        if order.over:
            if order.missed and one.kind in LIVES:
                self.revived.append(order)
            return
        if one.filled:
            told = self.instruments[order.instrument].lots(one.filled)
            order.leg_told = max(order.leg_told, told)
        if one.kind in LIVES:
            self._lives(order, one, now, asked)
        else:
            self._ends(order, one, now)
        self.settle(order, now, asked=asked)

    def _lives(self, order: Tracked, one: OrderUpdate, now: int, asked: bool) -> None:
        """The order waits or works at the venue."""
        if order.end_kind:
            return  # old news
        order.leg_seen = True
        order.place.move(Word.TELL)
        if not order.acked:
            order.acked = True
            self.tell(order, report.ACK, now, one.ts_venue, asked=asked)
        amend = order.amend
        if amend is not None and amend.replaced and amend.open:
            amend.move(Word.TELL)
            self.tell(order, report.AMENDED, now, one.ts_venue, asked=asked)
        if one.kind == report.TRIGGERED and not order.triggered:
            order.triggered = True
            self.tell(order, report.TRIGGERED, now, one.ts_venue, asked=asked)
            self._watch(order, now)
        self._terms(order, one, now, asked)

    def _terms(self, order: Tracked, one: OrderUpdate, now: int, asked: bool) -> None:
        """Compare size and price with ours: an amendment shows by them on every venue."""
        grid = self.instruments[order.instrument]
        if NO_TIME in (one.ts_venue, order.terms_ns):
            stale = one.ts_venue == NO_TIME and order.terms_ns != NO_TIME
        else:
            stale = one.ts_venue < order.terms_ns
        if stale or not one.size or order.triggered:
            return
        size = order.leg_base + grid.lots(one.size)
        price = grid.ticks(one.price) if one.price else order.price
        trigger = grid.ticks(one.trigger) if one.trigger else order.trigger
        if size == order.leg_base:
            return
        order.terms_ns = one.ts_venue
        amend, found = order.amend, (size, price, trigger)
        native = amend is not None and amend.open and not amend.by_cancel
        if native and amend is not None and found == (amend.size, amend.price, amend.trigger):
            amend.move(Word.TELL)
            self._set_terms(order, *found)
            self.tell(order, report.AMENDED, now, one.ts_venue, asked=asked)
        elif not native and found != (order.size, order.price, order.trigger):
            if amend is None or not amend.open:
                self.alert(f"order {order.id} stands at the venue as {found}, not as we sent it")
                self._set_terms(order, *found)

    @staticmethod
    def _watch(order: Tracked, now: int) -> None:
        """Have an order with a trigger asked for: some venues tell the rest under another id."""
        order.inquiry.checking = True
        order.inquiry.soon(now + FILLS_GRACE_NS, now)

    @staticmethod
    def _set_terms(order: Tracked, size: int, price: int, trigger: int) -> None:
        order.size, order.price, order.trigger = size, price, trigger
        order.leg_size = size - order.leg_base

    def _ends(self, order: Tracked, one: OrderUpdate, now: int) -> None:
        """The order is over at the venue; whether we have all its fills is another matter."""
        order.leg_seen = True
        if one.kind == report.FILL:
            size = self.instruments[order.instrument].lots(one.size) if one.size else 0
            order.leg_told = max(order.leg_told, size or order.leg_size)
            if order.type in _STOPS and order.missing and not order.triggered:
                self._watch(order, now)
        if not order.end_kind:
            order.end_kind, order.end_reason = one.kind, one.reason
            order.end_ns = one.ts_venue
            if one.text and one.kind == report.REJECTED:
                self.alert(f"the venue refused order {order.id}: {one.text}")

    def settle(self, order: Tracked, now: int, *, asked: bool = False) -> None:
        """Draw the conclusion: the end, a further leg, or fills that must be asked for."""
        if order.over:
            return
        if order.missing:
            if order.fills_at_ns == NEVER:
                order.fills_at_ns = now + FILLS_GRACE_NS
            return
        order.fills_at_ns = NEVER
        amending = order.amend is not None and order.amend.open
        if order.end_kind:
            self._finish(order, now, asked)
        elif order.filled >= order.size and not amending:
            order.end_kind = report.FILL
            self._finish(order, now, asked)

    def _finish(self, order: Tracked, now: int, asked: bool) -> None:
        kind, amend = order.end_kind, order.amend
        order.place.move(Word.TELL)
        if amend is not None and amend.by_cancel and amend.open and not amend.replaced:
            wanted = order.cancel is None and kind == report.CANCELED
            if wanted and amend.size > order.filled:
                order.next_leg(now)
                return
        if kind == report.FILL:
            self.end(order, 0, report.NO_REASON, now, asked=asked)
        elif kind == report.REJECTED and (order.filled or order.leg):
            self.end(order, report.CANCELED, order.end_reason, now, asked=asked)
        else:
            self.end(order, kind, order.end_reason, now, asked=asked)

    def end(self, order: Tracked, kind: int, reason: int, now: int, *, asked: bool = False) -> None:
        """Hold an order as over, and say so (`kind` 0: its last fill has said it)."""
        if kind == 0 and order.leaves_told > 0:
            kind = report.CANCELED
        order.over = True
        order.fills_at_ns = NEVER
        order.inquiry.over()
        for request in (order.place, order.amend, order.cancel):
            if request is not None and request.can(Word.TELL):
                request.move(Word.TELL)
        if kind:
            self.tell(order, kind, now, order.end_ns, reason=reason, asked=asked)
        del self.active[order.id]
        self._ended.append(order.id)
        if len(self._ended) > _ENDED_MAX:
            self._forget(self._ended.popleft())

    def _forget(self, order_id: int) -> None:
        for venue_id in self.orders.pop(order_id).venue_ids:
            self._by_venue_id.pop(venue_id, None)

    # -- fills and money -------------------------------------------------------------------------

    def _fill(self, one: FillUpdate, now: int, asked: bool) -> None:
        lane = self.lanes.get(one.symbol)
        if lane is None:
            return
        key = (lane, one.trade_id or f"{one.venue_id}/{one.ts_venue}/{one.price}/{one.size}")
        if key in self._seen:
            self.duplicates += 1
            return
        order, leg = self.find(one.client_id, one.venue_id)
        if order is None:
            self._unclaimed(one, key)
            return
        if not one.price:  # told without: the answer to a question has it
            order.fills_at_ns = min(order.fills_at_ns, now + FILLS_GRACE_NS)
            return
        self._see(key)
        self.name(order, leg, one.venue_id, now, asked=asked)
        grid = self.instruments[lane]
        lots, price = grid.lots(one.size), grid.ticks(one.price)
        if order.recalled[one.ts_venue, price, lots] > 0:
            order.recalled[one.ts_venue, price, lots] -= 1
            self.duplicates += 1
            return
        fee = self._fee(lane, one, price, lots)
        if order.over or leg != order.leg:
            self.late.append(Late(order.id, lane, order.side, price, lots, fee))
            self.alert(f"order {order.id} was over, and {lots} lots of it filled all the same")
            return
        order.place.move(Word.TELL)
        order.filled += lots
        order.leg_filled += lots
        order.leg_told = max(order.leg_told, order.leg_filled)
        whole = order.size
        if order.amend is not None and order.amend.open:
            whole = max(whole, order.amend.size)
        row = self._row(order, report.FILL, now, one.ts_venue, asked)
        row["size"], row["price"], row["fee"] = lots, price, fee
        row["leaves"] = order.leaves_told = max(whole - order.filled, 0)
        if one.maker:
            row["flags"] |= report.MAKER
        self.reports.append(row)
        self.settle(order, now, asked=asked)

    def _unclaimed(self, one: FillUpdate, key: tuple[int, str]) -> None:
        """Keep a fill whose order may become known, count one that is not ours.

        The id in it says nothing: what a trigger of ours became may have one that the venue made.
        """
        if not one.venue_id:
            self._see(key)
            self.strangers += 1
            return
        kept = self._waiting.setdefault(one.venue_id, [])
        if all(other.trade_id != one.trade_id for other in kept):
            kept.append(one)
        if len(self._waiting) > _WAITING_MAX:
            self.strangers += len(self._waiting.pop(next(iter(self._waiting))))

    def _see(self, key: tuple[int, str]) -> None:
        self._seen[key] = None
        if len(self._seen) > _SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    def _fee(self, lane: int, one: FillUpdate, price: int, lots: int) -> int:
        """Return a fill's fee in 1e-8 of settlement; estimated where the venue does not say it."""
        grid = self.instruments[lane]
        if one.fee and one.fee_asset in ("", grid.settle):
            return math.ceil(Fraction(Decimal(one.fee)) * _MONEY)
        rates = self.fees.get(lane)
        self.estimated_fees += 1
        if one.fee_asset not in self._told_fee_assets:
            self._told_fee_assets.add(one.fee_asset)
            how = "estimated by the account's rates" if rates else "not known, counted as 0"
            self.alert(f"fees in {one.fee_asset or 'no asset named'} are {how}")
        if rates is None:
            return 0
        rate = Fraction(rates.maker if one.maker else rates.taker)
        return money_round(Fraction(math.ceil(grid.notional(price, lots) * rate)))

    def _funding(self, one: FundingUpdate, now: int) -> None:
        key = (-1, f"{one.symbol}/{one.asset}/{one.ts_venue}/{one.paid}")
        if key in self._seen:
            self.duplicates += 1
            return
        self._see(key)
        lane = self.lanes.get(one.symbol)
        if lane is None and not one.symbol:
            settled = [k for k, grid in enumerate(self.instruments) if grid.settle == one.asset]
            lane = settled[0] if len(settled) == 1 else None
        if lane is None:
            self.alert(f"funding of {one.paid} {one.asset} belongs to no instrument we trade")
            return
        row = empty_reports(1)[0]
        row["kind"], row["instrument"] = report.FUNDED, lane
        row["ts_recv"], row["ts_venue"] = now, one.ts_venue
        row["price"] = NO_PRICE
        row["fee"] = math.ceil(Fraction(Decimal(one.paid)) * _MONEY)
        self.reports.append(row)

    # -- rows ------------------------------------------------------------------------------------

    def tell(
        self,
        order: Tracked,
        kind: int,
        now: int,
        ts_venue: int = NO_TIME,
        *,
        reason: int = report.NO_REASON,
        asked: bool = False,
    ) -> None:
        """Write one REPORT of an order."""
        row = self._row(order, kind, now, ts_venue, asked)
        row["reason"] = reason
        self.reports.append(row)

    def _row(self, order: Tracked, kind: int, now: int, ts_venue: int, asked: bool) -> Any:
        row = empty_reports(1)[0]
        row["kind"], row["order"], row["side"] = kind, order.id, order.side
        row["instrument"] = order.instrument
        row["ts_recv"], row["ts_venue"] = now, ts_venue
        row["size"], row["price"] = order.size, order.price
        row["leaves"] = 0 if order.over else order.size - order.filled
        row["flags"] = report.REDUCE_ONLY if order.reduces else 0
        if asked:
            row["flags"] |= report.CORRECTED
        return row
