"""An order at the local venue, and what happens to it, in words that no venue has for itself."""

from typing import NamedTuple, TypeAlias

import msgspec

from aggressor.schema.command import GTC, LIMIT, STOP_MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import (
    ACK,
    AMENDED,
    CANCELED,
    EXPIRED,
    FILL,
    NO_REASON,
    REJECTED,
    TRIGGERED,
)

DUPLICATE = "duplicate id"  # the one refusal that `schema.report` has no number for

LIVING = (ACK, AMENDED, TRIGGERED)
ENDED = (FILL, CANCELED, EXPIRED, REJECTED)


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for, on the instrument's grid."""

    lane: int
    side: int
    size: int  # lots
    client_id: str
    type: int = LIMIT
    tif: int = GTC
    price: int = NO_PRICE
    trigger: int = NO_PRICE
    reduce_only: bool = False
    leg: int = 0  # of a hedged account: +1 the long, -1 the short
    said: dict[str, str] = {}  # the venue's own fields that its answers repeat


class LocalOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it stands; every change makes a new one, so that news keep what they told."""

    number: int
    ticket: Ticket
    size: int
    price: int
    trigger: int
    state: int = ACK  # ACK (also partly filled), TRIGGERED, FILL (whole), CANCELED, EXPIRED, ...
    filled: int = 0
    paid: int = 0  # sum of ticks x lots of its fills
    reason: int = NO_REASON
    words: str = ""
    became: int = 0  # the number of the market order that a triggered one turned into
    created: int = 0  # venue's clock, ns
    updated: int = 0

    @property
    def lane(self) -> int:
        """The instrument."""
        return self.ticket.lane

    @property
    def waits(self) -> bool:
        """Whether it is of those that wait for a trigger."""
        return self.ticket.type >= STOP_MARKET

    @property
    def lives(self) -> bool:
        """Whether it can still trade."""
        return self.state in LIVING

    @property
    def leaves(self) -> int:
        """Lots still to trade."""
        return self.size - self.filled if self.lives else 0


class LocalFill(msgspec.Struct, frozen=True, kw_only=True):
    """One fill; money is in 1e-8 of the settlement currency."""

    number: int
    order: int
    lane: int
    side: int
    price: int
    lots: int
    fee: int
    realised: int
    maker: bool
    leg: int
    ts: int  # venue's clock, ns


class OrderNews(NamedTuple):
    """What happened to an order: a kind of `schema.report`, and the order behind it."""

    ts: int
    kind: int
    order: LocalOrder
    fill: LocalFill | None = None


class AccountNews(NamedTuple):
    """Wallet and positions of an instrument have changed; `paid` is funding, in 1e-8."""

    ts: int
    lane: int
    wallet: int
    held: tuple[tuple[int, int, str], ...]  # (leg, signed lots, entry as a decimal)
    paid: int = 0


class Refused(NamedTuple):
    """An order, amendment or cancel that was not taken."""

    reason: int
    words: str = ""


PrivateNews: TypeAlias = OrderNews | AccountNews
