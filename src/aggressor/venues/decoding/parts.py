"""What one venue message says, in words that all venues share: the step between bytes and EVENTs.

A venue's reader turns a message into parts; `decoder` turns parts into rows, the same way for
every venue. Texts of numbers stay texts until they meet the instrument's grid, so nothing is ever
rounded. Times are ns since the epoch. Sides are normalised here, by the reader: +1 is the aggressor
that buys, the bid side of a book, and a liquidation *order* that buys (a short died).
"""

from typing import NamedTuple, TypeAlias

from aggressor.market.align import NO_ID
from aggressor.schema.event import NO_TIME

Buffer: TypeAlias = bytes | memoryview


class BookPart(NamedTuple):
    """A picture or a change of the book; sizes are absolute, 0 removes.

    `bids` and `asks` are the JSON text of lists of levels [price, size, ...], in quote marks or
    bare. `first`, `last` and `previous` as in `market.align`. `number` is its place among the ids
    of quotes, where the venue has one axis for both.
    """

    symbol: str
    ts_venue: int
    snapshot: bool
    bids: Buffer
    asks: Buffer
    last: int = NO_ID
    first: int = NO_ID
    previous: int = NO_ID
    number: int = NO_ID


class TradePart(NamedTuple):
    """One print. `key` tells it from every other of its symbol; "" where nothing does.

    Where the venue gives prints no ids, equal prints of one connection are `alike`: each of them
    counts, and after a new connection the n-th with a key is the n-th of the one before: `key#n`.
    """

    symbol: str
    ts_venue: int
    price: str
    size: str
    side: int
    flags: int = 0
    key: str = ""
    alike: bool = False


class QuotePart(NamedTuple):
    """Best bid and ask with sizes; `number` as in BookPart: without one it cannot be fused."""

    symbol: str
    ts_venue: int
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    number: int = NO_ID


class MarkPart(NamedTuple):
    """A mark price, which need not be on the grid."""

    symbol: str
    ts_venue: int
    price: str


class FundingPart(NamedTuple):
    """The running funding rate and when it settles; "" and NO_TIME: as said before, if it was."""

    symbol: str
    ts_venue: int
    rate: str
    settles_ns: int = NO_TIME


class InterestPart(NamedTuple):
    """Open interest in the venue's size unit, one side counted."""

    symbol: str
    ts_venue: int
    size: str


class LiquidationPart(NamedTuple):
    """A forced order: `side` is the order's, whatever the venue calls it."""

    symbol: str
    ts_venue: int
    price: str
    size: str
    side: int
    key: str = ""


class StatusPart(NamedTuple):
    """What the venue says of an instrument's trading: a `schema.event.Status`."""

    symbol: str
    ts_venue: int
    status: int


class Unused(NamedTuple):
    """A message that is understood and not needed; `name` says what it is, so it is counted."""

    name: str


Part: TypeAlias = (
    BookPart
    | TradePart
    | QuotePart
    | MarkPart
    | FundingPart
    | InterestPart
    | LiquidationPart
    | StatusPart
    | Unused
)
