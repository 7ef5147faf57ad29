"""A toy venue's account by values: it takes calls, keeps orders, and tells what happened.

Numbers are whole: a tick is 1, a lot is 1. `tells` holds the updates that the stream will bring, in
the venue's order; whoever plays decides which arrive, when, and how often.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from aggressor.schema import report
from aggressor.schema.command import AMEND, STOP_MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.trading import (
    Answer,
    Call,
    FillUpdate,
    OrderUpdate,
    PrivateLink,
    Signed,
    TradingVenue,
    Update,
    Verdict,
    order_of,
    short_id,
)

SETTLES_NS = 5_000_000_000
SYMBOL = "ABC"
GRID = Instrument(
    venue="toy", symbol=SYMBOL, kind=ContractKind.LINEAR, tick=Decimal(1), lot=Decimal(1),
    base="A", quote="USD", settle="USD",
)  # fmt: skip


def _place(row: Any, grid: Instrument, terms: Any) -> Call:
    fields = {name: int(row[name]) for name in ("order", "side", "size", "price", "trigger")}
    query = tuple((name, str(value)) for name, value in fields.items())
    return Call("POST", "/place", query, group="orders")


def _amend(row: Any, grid: Instrument, terms: Any) -> Call | None:
    if int(row["type"]) == STOP_MARKET:
        return None
    return _place(row, grid, terms)._replace(path="/amend")


def _cancel(row: Any, grid: Instrument, terms: Any) -> Call:
    return Call("POST", "/cancel", (("order", str(int(row["order"]))),), group="cancels")


def _many(rows: Any, grid: Instrument, terms: Any) -> Call:
    query = tuple(one for row in rows for one in _place(row, grid, terms).query)
    return Call("POST", "/many", query, weight=len(rows), group="orders")


def _unused(*_: Any) -> Any:
    raise AssertionError("the gateway does not read")


def toy_side(
    *, amends: bool = True, many: bool = False, orders_per_second: int = 50
) -> TradingVenue:
    return TradingVenue(
        host="toy",
        sign=lambda call, key, now_ms, host: Signed(call.method, call.path, {}, b""),
        limits={"orders": (orders_per_second, 1_000_000_000), "cancels": (50, 1_000_000_000)},
        settles_ns=SETTLES_NS,
        client_id=lambda number: short_id("t", number),
        order_id=lambda text: order_of("t", text),
        place=_place,
        place_many=_many if many else None,
        many_max=5,
        amend=_amend if amends else None,
        cancel=_cancel,
        cancel_all=lambda grid: (Call("POST", "/all", group="cancels"),),
        order=lambda grid, ours, theirs, since_ms: (
            Call("GET", "/order", (("id", ours), ("at", theirs))),
        ),
        open_orders=lambda grid: (Call("GET", "/orders"),),
        fills=lambda grid, since_ms: Call("GET", "/fills"),
        positions=lambda grid: Call("GET", "/positions"),
        balances=lambda: Call("GET", "/balances"),
        set_leverage=lambda grid, terms: (),
        set_margin=None,
        set_mode=None,
        answer=_unused,
        read_orders=_unused,
        read_fills=_unused,
        read_positions=_unused,
        read_balances=_unused,
        private=lambda key, now_ms, listen: PrivateLink("ws://toy", {}),
        decode_private=_unused,
    )


@dataclass
class ToyOrder:
    number: int
    side: int
    size: int
    price: int
    venue_id: str
    filled: int = 0
    kind: int = report.ACK
    ts: int = 0

    @property
    def lives(self) -> bool:
        return self.kind == report.ACK

    def update(self, kind: int = 0) -> OrderUpdate:
        return OrderUpdate(
            SYMBOL, short_id("t", self.number), self.venue_id, kind or self.kind, self.side,
            "" if self.price == NO_PRICE else str(self.price), str(self.size), str(self.filled),
            self.ts,
        )  # fmt: skip


@dataclass
class ToyAccount:
    orders: dict[int, ToyOrder] = field(default_factory=dict)
    fills: list[FillUpdate] = field(default_factory=list)
    tells: list[Update] = field(default_factory=list)
    applied: list[int] = field(default_factory=list)  # numbers that were placed, in order
    ts: int = 1_000

    def apply(self, call: Call) -> Answer:
        """Do what a call asks and return the answer."""
        fields = dict(call.query)
        self.ts += 1_000_000
        if call.path == "/all":
            for order in self.orders.values():
                self._end(order, report.CANCELED)
            return Answer(Verdict.ACCEPTED)
        number = int(fields["order"])
        if call.path == "/place":
            return self._placed(number, fields)
        order = self.orders.get(number)
        if order is None or not order.lives:
            return Answer(Verdict.REFUSED, report.UNKNOWN_ORDER)
        if call.path == "/cancel":
            self._end(order, report.CANCELED)
        else:
            size = int(fields["size"])
            if size <= order.filled:
                return Answer(Verdict.REFUSED, report.BAD_FIELD)
            order.size, order.price, order.ts = size, int(fields["price"]), self.ts
            self.tells.append(order.update(report.AMENDED))
        return Answer(Verdict.ACCEPTED, venue_id=order.venue_id)

    def _placed(self, number: int, fields: dict[str, str]) -> Answer:
        self.applied.append(number)
        if number in self.orders:
            return Answer(Verdict.UNKNOWN)
        if int(fields["price"]) == 13:
            return Answer(Verdict.REFUSED, report.BAD_FIELD)
        order = ToyOrder(
            number, int(fields["side"]), int(fields["size"]), int(fields["price"]),
            f"v{len(self.orders)}", ts=self.ts,
        )  # fmt: skip
        self.orders[number] = order
        self.tells.append(order.update())
        return Answer(Verdict.ACCEPTED, venue_id=order.venue_id)

    def fill(self, number: int, lots: int) -> None:
        """Let an order trade."""
        order = self.orders[number]
        lots = min(lots, order.size - order.filled)
        if not order.lives or lots <= 0:
            return
        self.ts += 1_000_000
        order.filled += lots
        order.ts = self.ts
        one = FillUpdate(
            SYMBOL, short_id("t", number), order.venue_id, f"f{len(self.fills)}", order.side,
            str(max(order.price, 1)), str(lots), "0.01", "USD", True, self.ts,
        )  # fmt: skip
        self.fills.append(one)
        self.tells.append(one)
        if order.filled == order.size:
            order.kind = report.FILL
        self.tells.append(order.update())

    def _end(self, order: ToyOrder, kind: int) -> None:
        if order.lives:
            order.kind, order.ts = kind, self.ts
            self.tells.append(order.update())

    def ask(self, call: Call) -> list[OrderUpdate]:
        """Answer the question for one order."""
        number = order_of("t", dict(call.query)["id"])
        order = self.orders.get(number or 0)
        return [] if order is None else [order.update()]


__all__ = ["AMEND", "GRID", "SETTLES_NS", "SYMBOL", "ToyAccount", "ToyOrder", "toy_side"]
