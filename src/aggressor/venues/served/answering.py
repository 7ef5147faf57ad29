"""What every venue's own side does alike: requests read, orders decided, money written."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from aggressor.schema import report
from aggressor.schema.command import IOC, LIMIT, MARKET, STOP_MARKET, TAKE_PROFIT_MARKET
from aggressor.schema.errors import UnitError
from aggressor.schema.event import ASK, BID, NO_PRICE
from aggressor.schema.instrument import MONEY_UNIT, ContractKind, Instrument
from aggressor.schema.units import decimal_text
from aggressor.sim.local.board import Lane, TradeNews
from aggressor.sim.local.orders import LocalFill, LocalOrder, Ticket
from aggressor.venues.served.dialect import MS, House
from aggressor.venues.served.told import level_texts

_LATE = 1 << 40  # where the numbers of orders begin that were refused after they were accepted


class Best(NamedTuple):
    """The best of both sides as decimals, "" where a side is empty."""

    bid: str
    bid_size: str
    ask: str
    ask_size: str


def best(lane: Lane, empty: str = "") -> Best:
    """Return the best of both sides."""
    bids, asks = (level_texts(lane, lane.levels(side, 1)) for side in (BID, ASK))
    none = [(empty, empty)]
    return Best(*(bids or none)[0], *(asks or none)[0])


def mark_of(lane: Lane) -> int:
    """Return the mark price in 1e-8; where none is told, the last price stands in."""
    if lane.mark:
        return lane.mark
    last = lane.last_price()
    return 0 if last is None else int(last * lane.instrument.tick * 10**8)


def stamp(house: House, news: TradeNews) -> int:
    """Return the time of a print in ms: the matching's own clock goes right, whatever goes wrong.

    So it is the same whenever it is told, and no print is older than the one before it.
    """
    return house.exchange.clock.venue(news.ts) // MS


def money_of(amount: Fraction) -> str:
    """Return an exact number with 8 decimals, half to even."""
    return decimal_text(round(amount * 10**8), MONEY_UNIT)


def paid_average(one: Instrument, order: LocalOrder) -> str:
    """Return the average price of an order's fills, "" where it has none."""
    if not order.filled:
        return ""
    return money_of(Fraction(order.paid, order.filled) * Fraction(one.tick))


def fills_of(house: House, order: LocalOrder) -> list[LocalFill]:
    """Return the fills of an order, the oldest first."""
    if not order.filled:
        return []
    return [one for one in house.exchange.fills if one.order == order.number]


def busy(house: House, lane: int) -> bool:
    """Say whether an instrument has living orders or positions: its margin cannot be changed."""
    exchange = house.exchange
    held = any(lots for _, lots, _ in exchange.account.held(lane))
    return held or any(one.lane == lane for one in exchange.living.values())


def closing_ticket(house: House, lane: int, leg: int, lots: int, said: dict[str, str]) -> Ticket:
    """Return the market order that closes a position of so many signed lots."""
    return Ticket(
        lane=lane,
        side=-1 if lots > 0 else 1,
        size=abs(lots),
        client_id=own_id(house),
        type=MARKET,
        tif=IOC,
        reduce_only=True,
        leg=leg,
        said=said,
    )


def rate_text(basis_points: Decimal) -> str:
    """Return a fee as a share."""
    return f"{basis_points / 10_000:f}"


def steps_in(text: Any, steps: Callable[[Decimal], int]) -> int | None:
    """Return a positive number as `steps` counts it; None where it is none, or off the grid."""
    try:
        number = Decimal(str(text))
        found = steps(number) if number.is_finite() else 0
    except (ArithmeticError, UnitError):
        return None
    return found if found > 0 else None


def own_id(house: House) -> str:
    """Return an id for an order whose client names none."""
    house.notes["ids"] = house.notes.get("ids", 0) + 1
    return f"own-{house.notes['ids']}"


def waiting_type(rises: bool, side: int) -> int:
    """Return the type of an order that waits for a price to rise, or to fall."""
    return STOP_MARKET if rises == (side > 0) else TAKE_PROFIT_MARKET


def fires_at_once(lane: Lane, rises: bool, trigger: int) -> bool:
    """Say whether a trigger is on the wrong side of the price."""
    last = lane.last_price()
    return last is not None and (last - trigger) * (1 if rises else -1) >= 0


def outside_band(ticket: Ticket, fair: Fraction | int | None, band: Fraction) -> bool:
    """Say whether a limit order is priced further beyond the fair price than `band` allows."""
    if fair is None or ticket.type != LIMIT:
        return False
    return (ticket.price - fair) * ticket.side > fair * band


def below_value(house: House, ticket: Ticket, least: int | str) -> bool:
    """Say whether an order that opens is worth less than `least` in the quote currency."""
    one, fair = house.exchange.instruments[ticket.lane], house.exchange.price(ticket.lane)
    if fair is None or ticket.reduce_only or one.kind is not ContractKind.LINEAR:
        return False
    price = fair if ticket.price == NO_PRICE else ticket.price
    return one.notional(price, ticket.size) < Fraction(least) * 10**8


def ended_late(house: House, ticket: Ticket, state: int, reason: int) -> LocalOrder:
    """Return an order that is refused only after it was accepted: it never was in the market."""
    house.notes["late orders"] = house.notes.get("late orders", 0) + 1
    return LocalOrder(
        number=_LATE + house.notes["late orders"],
        ticket=ticket,
        size=ticket.size,
        price=ticket.price,
        trigger=ticket.trigger,
        state=state,
        reason=reason,
        created=house.exchange.now,
        updated=house.exchange.now,
    )


def listen_key(house: House, lives_ns: int) -> str:
    """Return the key of the private stream, a new one where none lives, and let it live on."""
    now = house.exchange.now
    living = [key for key, until in house.listen_keys.items() if until > now]
    key = living[0] if living else f"{now:x}".rjust(64, "l")
    house.listen_keys[key] = now + lives_ns
    return key


def ended_keys(house: House) -> list[str]:
    """Return the keys of the private stream that have just ended, and forget them."""
    ended = [key for key, until in house.listen_keys.items() if until <= house.exchange.now]
    for key in ended:
        del house.listen_keys[key]
    return ended


def cannot_switch(house: House) -> int:
    """Return what forbids another position mode: TOO_MANY_ORDERS living, FORBIDDEN positions."""
    exchange = house.exchange
    if exchange.living:
        return report.TOO_MANY_ORDERS
    if any(one.lots for legs in exchange.account.positions for one in legs.values()):
        return report.FORBIDDEN
    return report.NO_REASON
