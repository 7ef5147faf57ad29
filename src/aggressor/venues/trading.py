"""The trading side of a venue as a value: our COMMANDs to its requests, its answers to our words.

A venue's `trading.py` knows its paths, fields and codes and nothing else: no sockets, no retries,
no state of orders. A `Call` is unsigned; `sign` turns it into what goes over the wire, and is the
only place that sees a secret. What comes back, by answer or by private stream, is said in updates
that all venues share; whoever holds the account turns them into REPORTs.

The answer to a request is one of five things, and only ACCEPTED and REFUSED are known: after
UNKNOWN (a time-out, an error of the venue that does not say whether the order lives) the order is
asked for by our id, never sent again blindly. THROTTLED and BAD_CLOCK were certainly not applied.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import msgspec

from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import NO_REASON
from aggressor.venues.budget import SHUT_OUT
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.session import LinkRules


class Credentials(msgspec.Struct, frozen=True):
    """An API key. Its representation never shows the secret."""

    key: str
    secret: str
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"Credentials(key={self.key[:4]}…, secret=…)"

    __str__ = __repr__


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How the account trades an instrument; orders must be written accordingly."""

    hedge: bool = False  # two positions, long and short; else one that nets
    isolated: bool = False
    leverage: int = 1


class Call(NamedTuple):
    """A request that is not signed yet."""

    method: str
    path: str  # from the host on
    query: tuple[tuple[str, str], ...] = ()  # in the order of the wire, not encoded
    body: bytes = b""
    weight: int = 1
    group: str = ""  # which limit it counts against, as in `TradingVenue.limits`
    signed: bool = True
    also: tuple[str, int] | None = None  # a second limit, and its weight there


class Signed(NamedTuple):
    """What goes over the wire."""

    method: str
    url: str  # host, path and query
    headers: dict[str, str]
    body: bytes


class Verdict(IntEnum):
    """What became of a request."""

    ACCEPTED = 1
    REFUSED = 2
    UNKNOWN = 3  # applied or not: ask by our id
    THROTTLED = 4  # not applied: later
    BAD_CLOCK = 5  # not applied: measure the venue's clock, then again


class Answer(NamedTuple):
    """A venue's answer to one request, or to one item of a batch."""

    verdict: Verdict
    reason: int = NO_REASON  # of `schema.report`
    code: str = ""  # the venue's own
    text: str = ""  # the venue's words
    venue_id: str = ""
    wait_ns: int = 0  # how long to stay away, where the venue says so


class OrderUpdate(NamedTuple):
    """The venue's view of one of our orders; numbers are its texts."""

    symbol: str
    client_id: str
    venue_id: str
    kind: int  # ACK, CANCELED, REJECTED, EXPIRED, AMENDED, TRIGGERED or FILL (filled whole)
    side: int
    price: str
    size: str
    filled: str
    ts_venue: int = NO_TIME
    trigger: str = ""
    reason: int = NO_REASON
    reduce_only: bool = False
    text: str = ""  # the venue's words where it refused
    born_of: str = ""  # the venue's id of the order with a trigger that became this one
    became: str = ""  # the venue's id of the plain order that this one with a trigger became


class FillUpdate(NamedTuple):
    """One fill of one of our orders; a positive fee is paid. `trade_id` tells doubles apart.

    "" is not said.
    """

    symbol: str
    client_id: str  # "" where the venue does not say: look by `venue_id`
    venue_id: str
    trade_id: str
    side: int
    price: str
    size: str
    fee: str
    fee_asset: str
    maker: bool | None  # None: the venue does not say
    ts_venue: int = NO_TIME


class PositionUpdate(NamedTuple):
    """A position: `size` is signed, + long. Of two positions `leg` is +1 the long, -1 the short."""

    symbol: str
    size: str
    entry: str
    liquidation: str = ""
    leverage: str = ""
    isolated: bool = False
    ts_venue: int = NO_TIME
    leg: int = 0  # 0: the one that nets


class BalanceUpdate(NamedTuple):
    """What the account holds of one asset: `wallet` without open profit, `free` to be used.

    "" is not said.
    """

    asset: str
    wallet: str
    free: str
    ts_venue: int = NO_TIME


class FundingUpdate(NamedTuple):
    """Funding paid (positive) or received; `symbol` is "" where the venue names only the asset."""

    symbol: str
    asset: str
    paid: str
    ts_venue: int = NO_TIME


class KeyRights(NamedTuple):
    """What a key may do; None is not known."""

    trade: bool | None = None
    withdraw: bool | None = None
    addresses_bound: bool | None = None


Update: TypeAlias = OrderUpdate | FillUpdate | PositionUpdate | BalanceUpdate | FundingUpdate


class PrivateLink(NamedTuple):
    """The private stream: where, with which headers, and what to send; one answer to each."""

    address: str
    headers: dict[str, str]
    login: bytes = b""
    messages: tuple[bytes, ...] = ()
    rules: LinkRules | None = None  # None: as the venue's market connections


class ListenKey(NamedTuple):
    """A key of the private stream that must be fetched and kept alive."""

    create: Call
    keep: Callable[[str], Call]
    every_ns: int
    read: Callable[[bytes], str]


class TradingVenue(msgspec.Struct, frozen=True, kw_only=True):
    """How one venue is traded; a function that is None does not exist there."""

    host: str
    sign: Callable[[Call, Credentials, int, str], Signed]  # now in ms by the venue's clock, host
    limits: dict[str, tuple[int, int]]  # group -> (weight, window in ns)
    # how long behind its sending a request may still take effect (the window of its signature) and
    # the venue's questions may not know of it: only then is an order that is not found not there
    settles_ns: int = 15_000_000_000
    client_id: Callable[[int], str]
    order_id: Callable[[str], int | None]  # None: not an order of ours

    # a COMMAND record, its instrument, and how the account trades it
    place: Callable[[Any, Instrument, Terms], Call]
    # None, or None for this order: cancel, then place
    amend: Callable[[Any, Instrument, Terms], Call | None] | None
    resize: Callable[[Any, Instrument, Terms], Call] | None = None  # size alone; the price stays
    # cancel the order of this id and, only if that was done, place the command, which has its own
    replace: Callable[[Any, int, Instrument, Terms], Call] | None = None
    cancel: Callable[[Any, Instrument, Terms], Call | None]  # None: it does not carry our id
    cancel_theirs: Callable[[Any, Instrument, str], Call] | None = None  # by the venue's id
    cancel_all: Callable[[Instrument], Sequence[Call]]  # stops too
    place_many: Callable[[Sequence[Any], Instrument, Terms], Call] | None = None
    many_max: int = 1

    # questions; `venue_id` is "" where it is not known
    # (client_id, venue_id, ms before which it was not placed, 0 not known): ask in turn
    order: Callable[[Instrument, str, str, int], Sequence[Call]]
    open_orders: Callable[[Instrument], Sequence[Call]]
    fills: Callable[[Instrument, int], Call]  # since ms
    positions: Callable[[Instrument | None], Call]
    balances: Callable[[], Call]
    rights: Callable[[], Call] | None = None
    fees: Callable[[Instrument], Call] | None = None  # the account's own
    margin: Callable[[Instrument], Call] | None = None  # where only an account is told the tiers
    # the call that asks for the rest of an answer, None at its end: a page is not the whole truth
    next_page: Callable[[Call, bytes], Call | None] | None = None

    # settings
    set_leverage: Callable[[Instrument, Terms], Sequence[Call]]
    set_margin: Callable[[Instrument, Terms], Call] | None
    set_mode: Callable[[Terms], Call] | None
    dead_man: Callable[[Instrument, int], Call] | None = None  # cancel all in so many ms; 0 never

    # statuses that shut out the address, not one kind of request
    shut_out: tuple[int, ...] = SHUT_OUT

    # answers: (HTTP status, headers, body); a refused question raises MessageError in read_*
    answer: Callable[[int, dict[str, str], bytes], Answer]
    answers: Callable[[int, dict[str, str], bytes, int], list[Answer]] | None = None  # of a batch
    read_orders: Callable[[bytes], list[OrderUpdate]]
    read_fills: Callable[[bytes], list[FillUpdate]]
    read_positions: Callable[[bytes], list[PositionUpdate]]
    read_balances: Callable[[bytes], list[BalanceUpdate]]
    read_rights: Callable[[bytes], KeyRights] | None = None
    read_fees: Callable[[bytes], list[Fees]] | None = None
    read_margin: Callable[[bytes], list[MarginTier]] | None = None  # the smallest tier first

    # the private stream
    listen_key: ListenKey | None = None
    private: Callable[[Credentials, int, str], PrivateLink]  # now in ms, listen key
    decode_private: Callable[[bytes], Sequence[Update]]  # () for what says nothing of the account


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def short_id(prefix: str, order: int) -> str:
    """Return our order id as letters and digits that every venue takes: at most 13 and a prefix."""
    assert order > 0, "order ids are positive"
    text = ""
    while order:
        order, digit = divmod(order, 36)
        text = _DIGITS[digit] + text
    return prefix + text


def order_of(prefix: str, text: str) -> int | None:
    """Return the id that `short_id` wrote, None if another program wrote it."""
    tail = text[len(prefix) :].lower()
    if not text.lower().startswith(prefix.lower()) or not tail or len(tail) > 13:
        return None
    if not all(one in _DIGITS for one in tail):
        return None
    order = int(tail, 36)
    return order if order < 2**63 else None
