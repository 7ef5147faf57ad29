"""Our orders, by our own id, as far as the reports have told us.

An id is made before an order is sent (`next_id`) and never used twice, so a send can be repeated
without doubling. What we ask is noted with `sent` when the command leaves; what the venue says is
applied with `apply`. A report that repeats a fill changes nothing: a fill is known by (ts_venue,
price, size, leaves), which no two fills of one order share. A report about an order that is not
ours is counted and set aside.

Sizes: `size` is the whole order, filled part included; `leaves` what still works. After AMENDED the
venue's `leaves` is the truth. Ended orders are kept up to `ENDED_MAX` so that late reports still
find them.
"""

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aggressor.account.lifecycle import ENDED, IN_FLIGHT, RESTING, Move, State, moved
from aggressor.schema import command, report
from aggressor.schema.event import NO_PRICE, NO_TIME

ENDED_MAX = 4096  # a late report comes within seconds; this is hours of trading

_MOVE_OF = {
    report.ACK: Move.ACK,
    report.CANCELED: Move.CANCEL,
    report.REJECTED: Move.REJECT,
    report.EXPIRED: Move.EXPIRE,
    report.AMENDED: Move.AMEND,
    report.AMEND_REJECTED: Move.REFUSE_AMEND,
    report.CANCEL_REJECTED: Move.REFUSE_CANCEL,
    report.TRIGGERED: Move.TRIGGER,
}


@dataclass(slots=True)
class Order:
    """One order of ours. Prices ticks, sizes lots, times ns, fee 1e-8."""

    id: int
    parent: int
    instrument: int
    strategy: int
    side: int
    type: int
    tif: int
    price: int  # NO_PRICE for a market order
    trigger: int  # NO_PRICE where there is none
    size: int
    flags: int
    ts_send: int
    state: State = State.PENDING_NEW
    asked_trigger: int = NO_PRICE  # of the amend under way
    leaves: int = 0
    filled: int = 0
    value: int = 0  # sum of price x lots over its fills
    fee: int = 0
    maker_lots: int = 0
    reason: int = report.NO_REASON
    ts_ack: int = NO_TIME
    ts_first_fill: int = NO_TIME
    ts_last: int = NO_TIME
    triggered: bool = False
    acknowledged: bool = False
    doubted_ns: int = NO_TIME  # since when the venue says that it does not know a live order
    unsure: bool = False  # of an earlier process: whether it is there at all is being asked
    _seen: set[tuple[int, int, int, int]] = field(default_factory=set, repr=False)

    @property
    def fill_marks(self) -> list[tuple[int, int, int]]:
        """Venue time, price and lots of every fill."""
        return [(ts_venue, price, lots) for ts_venue, price, lots, _ in self._seen]

    @property
    def ended(self) -> bool:
        """True when nothing more can fill."""
        return self.state in ENDED

    @property
    def resting(self) -> bool:
        """True when it works at the venue and no request of ours is under way."""
        return self.state in RESTING

    @property
    def in_flight(self) -> bool:
        """True while an answer to a request of ours is awaited."""
        return self.state in IN_FLIGHT

    @property
    def reduce_only(self) -> bool:
        """True when the venue will not let it open or turn a position."""
        return bool(self.flags & report.REDUCE_ONLY)


class Applied(NamedTuple):
    """What a report did: the order (None: not ours), lots newly filled, whether it changed."""

    order: Order | None
    lots: int
    changed: bool


class Blotter:
    """All orders of one account."""

    def __init__(self, first_id: int = 1) -> None:
        assert first_id > 0, "0 means no order"
        self.strangers = 0  # reports about orders that are not ours
        self.duplicates = 0
        self.changes = 0  # only grows: the same number, nothing has been sent or heard since
        self._next = first_id
        self._open: dict[int, Order] = {}
        self._open_of: dict[int, dict[int, Order]] = {}  # the same by instrument
        self._ended: dict[int, Order] = {}
        self._ended_order: deque[int] = deque()

    def next_id(self) -> int:
        """Return an id that was never used."""
        self._next += 1
        return self._next - 1

    def __getitem__(self, order: int) -> Order:
        """Return an order by id; KeyError when it is unknown or long over."""
        return self._open.get(order) or self._ended[order]

    def get(self, order: int) -> Order | None:
        """Return an order by id, None where it is unknown or long over."""
        return self._open.get(order) or self._ended.get(order)

    def __contains__(self, order: int) -> bool:
        return order in self._open or order in self._ended

    def used(self, order: int) -> bool:
        """Return whether an order with this id was ever sent."""
        return order in self

    def open_orders(self, instrument: int | None = None) -> Collection[Order]:
        """Return orders that are not over, oldest first, of one instrument or of all.

        What is returned changes as orders come and go.
        """
        if instrument is None:
            return self._open.values()
        return self._open_of.setdefault(instrument, {}).values()

    def in_flight(self, instrument: int | None = None) -> Iterator[Order]:
        """Yield orders for which an answer is awaited."""
        return (order for order in self.open_orders(instrument) if order.in_flight)

    def doubt(self, order: int) -> None:
        """Note that nobody knows whether an order is there, until a report says something of it."""
        self.changes += 1
        self[order].unsure = True

    def sent(self, row: Any) -> Order:
        """Note a COMMAND that leaves (PLACE, AMEND or CANCEL); return its order."""
        self.changes += 1
        kind = int(row["kind"])
        if kind == command.PLACE:
            return self._placed(row)
        order = self[int(row["order"])]
        assert kind in (command.AMEND, command.CANCEL), f"command {kind} is not of one order"
        move = Move.ASK_AMEND if kind == command.AMEND else Move.ASK_CANCEL
        order.state = moved(order.state, move, order.filled)
        if kind == command.AMEND:
            order.asked_trigger = int(row["trigger"])
        return order

    def _placed(self, row: Any) -> Order:
        order_id = int(row["order"])
        assert order_id not in self, f"order {order_id} was already sent"
        order = Order(
            id=order_id,
            parent=int(row["parent"]),
            instrument=int(row["instrument"]),
            strategy=int(row["strategy"]),
            side=int(row["side"]),
            type=int(row["type"]),
            tif=int(row["tif"]),
            price=int(row["price"]),
            trigger=int(row["trigger"]),
            size=int(row["size"]),
            flags=int(row["flags"]),
            ts_send=int(row["ts_send"]),
            leaves=int(row["size"]),
        )
        self._open[order_id] = order
        self._open_of.setdefault(order.instrument, {})[order_id] = order
        self._next = max(self._next, order_id + 1)  # an order of an earlier process
        return order

    def apply(self, row: Any) -> Applied:
        """Apply one REPORT row; raises IllegalMoveError where the venue tells the impossible."""
        kind = int(row["kind"])
        if kind in (report.FUNDED, report.LIQUIDATED):
            return Applied(None, 0, False)
        order_id = int(row["order"])
        if order_id not in self:
            self.strangers += 1
            return Applied(None, 0, False)
        self.changes += 1
        order = self[order_id]
        order.unsure = False
        if kind == report.FILL:
            return self._filled(order, row)
        before = (order.state, order.price, order.leaves)
        order.state = moved(order.state, _MOVE_OF[kind], order.filled)
        order.ts_last = int(row["ts_recv"])
        self._doubt(order, kind, int(row["reason"]))
        if kind == report.ACK and not order.acknowledged:
            order.acknowledged, order.ts_ack = True, order.ts_last
        elif kind == report.AMENDED and not order.ended:
            self._amended(order, row)
        elif kind == report.TRIGGERED:
            order.triggered = True
        if kind in (report.REJECTED, report.CANCELED, report.EXPIRED):
            order.reason = int(row["reason"])
        self._retire(order)
        return Applied(order, 0, before != (order.state, order.price, order.leaves))

    @staticmethod
    def _doubt(order: Order, kind: int, reason: int) -> None:
        """Note that the venue does not know the order: probably filled, its report on the way."""
        refused = kind in (report.CANCEL_REJECTED, report.AMEND_REJECTED)
        if not refused or order.ended or reason != report.UNKNOWN_ORDER:
            order.doubted_ns = NO_TIME
        elif order.doubted_ns == NO_TIME:
            order.doubted_ns = order.ts_last

    def _filled(self, order: Order, row: Any) -> Applied:
        size, price = int(row["size"]), int(row["price"])
        key = (int(row["ts_venue"]), price, size, int(row["leaves"]))
        if key in order._seen:
            self.duplicates += 1
            return Applied(order, 0, False)
        assert size > 0, "a fill must have a size"
        move = Move.FILL_ALL if int(row["leaves"]) == 0 else Move.FILL_PART
        order.state = moved(order.state, move, order.filled + size)
        order._seen.add(key)
        order.doubted_ns = NO_TIME
        order.filled += size
        order.value += size * price
        order.fee += int(row["fee"])
        order.leaves = int(row["leaves"])
        order.ts_last = int(row["ts_recv"])
        if int(row["flags"]) & report.MAKER:
            order.maker_lots += size
        if order.ts_first_fill == NO_TIME:
            order.ts_first_fill = order.ts_last
        self._retire(order)
        return Applied(order, size, True)

    @staticmethod
    def _amended(order: Order, row: Any) -> None:
        order.leaves = int(row["leaves"])
        order.size = order.filled + order.leaves
        price = int(row["price"])
        if order.type == command.STOP_MARKET:
            order.trigger = order.asked_trigger
        elif price != NO_PRICE:
            order.price = price

    def _retire(self, order: Order) -> None:
        if not order.ended or order.id not in self._open:
            return
        order.leaves = 0
        del self._open[order.id]
        del self._open_of[order.instrument][order.id]
        self._ended[order.id] = order
        self._ended_order.append(order.id)
        if len(self._ended_order) > ENDED_MAX:
            del self._ended[self._ended_order.popleft()]
