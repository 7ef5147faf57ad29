"""A picture of the account, asked for, and how we become level with it.

At the start and after each reconnect of the account's stream the venue is asked for everything that
can have changed meanwhile: fills, open orders, positions, balances. Fills and orders are heard like
the stream, each once. An order of ours that the picture does not show is asked for by itself: the
picture may be older than the order. One that it shows and we do not hold is of an earlier run: it
is held from now on.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from aggressor.account.books import Books
from aggressor.account.position import Position
from aggressor.account.reconcile import Held
from aggressor.schema import report
from aggressor.schema.command import GTC, LIMIT, PLACE, STOP_MARKET, empty_commands
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import ContractKind
from aggressor.venues.orders.gateway import Gateway
from aggressor.venues.orders.hearing import LIVES, Hearing, in_turn
from aggressor.venues.orders.tracked import Request, Stage, Tracked, Word, new_tracked, split_number
from aggressor.venues.trading import BalanceUpdate, FillUpdate, OrderUpdate, PositionUpdate

_MONEY = 100_000_000
_ROUNDED = 10_000  # 1e-8 of the quote currency: entries come rounded, at worst to 6 decimals
_ROUNDED_COIN = 10  # 1e-8 of the base currency: there 10,000 could be the fees of a day


class Picture(NamedTuple):
    """The account as the venue answered it; all pages of everything."""

    asked_ns: int  # when the first question left
    orders: Sequence[OrderUpdate]  # that live, of our instruments
    fills: Sequence[FillUpdate]
    positions: Sequence[PositionUpdate]
    balances: Sequence[BalanceUpdate]


def level(gateway: Gateway, picture: Picture, now: int) -> list[Tracked]:
    """Take a picture; return the orders of ours that we did not hold and now do."""
    hearing = gateway.hearing
    hearing.hear(picture.orders, now, asked=True)  # before the fills: they name the orders
    adopted = [
        _adopt(hearing, number, one, now)
        for number, one in list(hearing.unheld.items())
        if one.kind in LIVES and split_number(number)[0] not in hearing.orders
    ]
    hearing.unheld.clear()
    hearing.hear(in_turn(picture.fills), now, asked=True)
    hearing.hear([*picture.positions, *picture.balances], now, asked=True)
    shown = {hearing.find_order(one)[0] for one in picture.orders}
    for order in hearing.active.values():
        place = order.place
        if place.stage is Stage.QUEUED or place.sent_ns >= picture.asked_ns or order.end_kind:
            continue
        if order not in shown:
            order.inquiry.checking = True
            gateway.doubts.doubt(order, now)
    return adopted


def _adopt(hearing: Hearing, number: int, one: OrderUpdate, now: int) -> Tracked:
    """Hold an order of an earlier run; what it has filled is in the account already."""
    order_id, leg = split_number(number)
    lane = hearing.lanes[one.symbol]
    grid = hearing.instruments[lane]
    row = empty_commands(1)[0]
    row["kind"], row["order"], row["instrument"] = PLACE, order_id, lane
    row["side"], row["tif"] = one.side, GTC
    row["type"] = STOP_MARKET if one.trigger else LIMIT
    row["size"] = grid.lots(one.size)
    row["price"] = grid.ticks(one.price) if one.price else NO_PRICE
    row["trigger"] = grid.ticks(one.trigger) if one.trigger else NO_PRICE
    row["flags"] = report.REDUCE_ONLY if one.reduce_only else 0
    row["ts_send"] = now
    order = new_tracked(row, now)
    order.leg, order.acked, order.leg_seen = leg, True, True
    order.triggered = one.kind == report.TRIGGERED
    order.filled = order.leg_filled = order.leg_told = grid.lots(one.filled) if one.filled else 0
    # when it was wanted is not known
    order.place = Request(PLACE, 0, leg, stage=Stage.SENT, sent_ns=now)
    order.place.move(Word.TELL)
    hearing.add(order)
    hearing.name(order, leg, one.venue_id, now, asked=True)
    return order


def resume(gateway: Gateway, orders: Sequence[Tracked], now: int) -> None:
    """Hold orders that a journal says were sent, or may have been: each is asked for."""
    for order in orders:
        order.place.move(Word.SEND)
        order.place.sent_ns = now  # not before: it may have been on the wire when we ended
        order.place.move(Word.DOUBT)
        gateway.hearing.add(order)
        gateway.doubts.doubt(order, now)


def held(hearing: Hearing, positions: Sequence[PositionUpdate]) -> dict[int, Held]:
    """Return the net position of each instrument; what a picture does not name is flat.

    Of two legs the larger one's entry stands for both: what that leaves out is in `money`.
    """
    found = {}
    for lane in range(len(hearing.instruments)):
        legs = _legs(hearing, positions, lane)
        entry = max(legs, key=lambda one: abs(one.lots)).entry if legs else None
        found[lane] = Held(sum(one.lots for one in legs), entry)
    return found


def _legs(hearing: Hearing, positions: Sequence[PositionUpdate], lane: int) -> list[Held]:
    """Return what is held of an instrument: one position, or a long and a short one."""
    grid, legs = hearing.instruments[lane], []
    for one in positions:
        lots = grid.lots(one.size) if one.symbol == grid.symbol and one.size else 0
        if lots:
            entry = Fraction(Decimal(one.entry)) / Fraction(grid.tick) if one.entry else None
            legs.append(Held(lots, entry))
    return legs


def money(
    hearing: Hearing,
    positions: Sequence[PositionUpdate],
    balances: Sequence[BalanceUpdate],
    books: Books,
) -> dict[str, int]:
    """Return what is held of each settlement currency, 1e-8; what is not said is left out.

    The same fills realise more or less of the same profit in another order: where a fill was heard
    late, and where the venue keeps a long and a short position apart, which our books net. What is
    realised and what is open are together the same. So the wallet is told as it were with our
    entries; what their rounding can make (0.0001 of a quote currency, 1e-7 coin) is no difference.
    """
    told = {one.asset: one.wallet for one in balances if one.wallet}
    found = {}
    for currency in {grid.settle for grid in hearing.instruments} & told.keys():
        wallet = int(Fraction(Decimal(told[currency])) * _MONEY)
        lanes = [k for k, grid in enumerate(hearing.instruments) if grid.settle == currency]
        moved = sum(_realised(hearing, positions, k, books.positions[k]) for k in lanes)
        cash = books.cash(currency)
        coin = any(hearing.instruments[k].kind is ContractKind.INVERSE for k in lanes)
        rounded = _ROUNDED_COIN if coin else _ROUNDED
        if wallet != cash and abs(wallet + moved - cash) <= rounded:
            wallet = cash
        elif abs(moved) > rounded:
            wallet = round(wallet + moved)
        found[currency] = wallet
    return found


def _realised(
    hearing: Hearing, positions: Sequence[PositionUpdate], lane: int, ours: Position
) -> Fraction:
    """Return how much more our entry of an instrument has realised than the venue's, 1e-8."""
    grid, legs = hearing.instruments[lane], _legs(hearing, positions, lane)
    if any(one.entry is None for one in legs):
        return Fraction(0)
    net = held(hearing, positions)[lane]
    entry = ours.average if ours.lots == net.lots and ours.average is not None else net.entry
    if entry is None:
        return Fraction(0)
    return sum(
        (grid.profit(one.lots, one.entry, entry) for one in legs if one.entry is not None),
        Fraction(0),
    )
