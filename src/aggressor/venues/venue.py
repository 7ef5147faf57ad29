"""A venue as a value: one frozen table of facts and functions; no sockets, no class hierarchy.

Everything the store, the recorder and the live session need of a venue's market side hangs on
`Venue`. A further venue is one more value in `table.py`. A `MarketDecoder` turns the venue's bytes
into EVENT rows; it owns sequence numbers and trade ids, which therefore never enter the records.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import gcd
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.forced import UNPUBLISHED
from aggressor.schema.candle import Candles
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.event import Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.margin import MarginTier
from aggressor.venues.session import Control, Expected, LinkRules
from aggressor.venues.trading import TradingVenue

NEEDS_ROOM = -1  # `decode` used nothing: call again with a larger `out`

DONE = 0  # every whole line was used
FULL = 1  # no room for the next line; nothing of it was used
BAD = 2  # the line before `stop` could not be understood; it was skipped and had no effect

CHECK_DEPTH = 1
CHECK_QUOTE = 2

CHECK = np.dtype(
    [
        ("row", "<i8"),  # CHECK_DEPTH: row of the message's LAST; CHECK_QUOTE: rows written before
        ("u", "<i8"),  # the venue's update id
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("bid", "<i4"),  # ticks
        ("ask", "<i4"),
        ("kind", "u1"),
        ("instrument", "u1"),
        ("reserved", "u1", (6,)),
    ]
)

Checks = NDArray[Any]  # dtype CHECK, shape (n,)


def empty_checks(count: int) -> Checks:
    """Return room for `count` checks; 0 means that none are wanted."""
    return np.zeros(count, CHECK)


def room_for(length_bytes: int) -> int:
    """Return how many EVENT rows a message of that length can need at most."""
    return length_bytes // 8 + 16


def joint_grid(stated: Instrument, seen: Instrument) -> Instrument:
    """Return `stated` on a grid that also holds what was seen.

    Orders that rest since before a tick or lot was made coarser stay in the book at their old price
    and size, off the grid the venue states now. A refined instrument counts as inferred.
    """
    tick, lot = (_joint_step(stated.tick, seen.tick), _joint_step(stated.lot, seen.lot))
    if (tick, lot) == (stated.tick, stated.lot):
        return stated
    return msgspec.structs.replace(stated, tick=tick, lot=lot, inferred=True)


def _joint_step(one: Decimal, other: Decimal) -> Decimal:
    """Return the greatest step of which both are multiples."""
    a, b = Fraction(one), Fraction(other)
    step = Fraction(gcd(a.numerator * b.denominator, b.numerator * a.denominator))
    step /= a.denominator * b.denominator
    return (Decimal(step.numerator) / Decimal(step.denominator)).normalize()


class Progress(NamedTuple):
    """How far `decode_lines` came."""

    stop: int  # offset of the first byte not used
    rows: int  # rows of `out` that are filled
    checks: int  # rows of `checks` that are filled
    lines: int  # lines used in this call
    reason: int  # DONE, FULL or BAD


class Request(NamedTuple):
    """A REST request without a host's socket: what to ask, and what it costs."""

    method: str
    url: str
    weight: int


class Subscription(NamedTuple):
    """One connection to open, what to send on it, one acknowledgement each, and what must come."""

    address: str
    messages: tuple[bytes, ...]
    books: bool = True  # it carries books, which must align
    expected: tuple[Expected, ...] = ()


class Poll(NamedTuple):
    """A request to repeat; the decoder takes its answer with the symbol it was asked for."""

    request: Request
    every_ns: int
    symbol: str


class RestLimit(NamedTuple):
    """So much weight in each window; the window's rule holds for all requests of an address."""

    weight: int
    window_ns: int


def sum_counts(
    messages: int,
    bad: int,
    ignored: Mapping[str, int],
    unknown: Mapping[str, int],
    lanes: Iterable[Mapping[str, int]],
) -> dict[str, int]:
    """Return `MarketDecoder.counts`: of the messages, and of all instruments together."""
    total = {
        "messages": messages,
        "lines_bad": bad,
        "ignored": sum(ignored.values()),
        "unknown_symbols": sum(unknown.values()),
    }
    for lane in lanes:
        for name, count in lane.items():
            total[name] = total.get(name, 0) + count
    return total


def no_control(message: bytes) -> Control | None:
    """Say that a message is market data: for a venue that sends nothing else."""
    return None


def cannot_infer(text: object, valid_from_ns: int, symbol: str = "") -> list[Instrument]:
    """Refuse to guess grids: for venues whose recordings say them."""
    raise ConfigError(
        "The grid of this venue's instruments cannot be read off its messages - give the venue's "
        "own list of instruments beside the recording."
    )


def as_received(frame: bytes) -> bytes:
    """Return the message in a frame of a venue that packs nothing."""
    return frame


class MarketDecoder(Protocol):
    """Bytes of one venue's market streams and REST answers to EVENT rows."""

    trouble: MessageError | None
    ignored: dict[str, int]
    unknown: dict[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """What was done so far, summed over instruments."""
        ...

    def counts_of(self, symbol: str) -> dict[str, int]:
        """Return what was done so far for one symbol."""
        ...

    def room(self, message: bytes) -> int:
        """Return how many rows `decode` may need for a message now."""
        ...

    def decode(self, message: bytes, ts_recv: int, out: Events, symbol: str = "") -> int:
        """Write one message's rows to out[:n] and return n, or NEEDS_ROOM; raise MessageError."""
        ...

    def decode_lines(
        self,
        text: NDArray[np.uint8],
        start: int,
        stop: int,
        out: Events,
        rows: int = 0,
        checks: Checks | None = None,
        check_rows: int = 0,
        symbol: str = "",
    ) -> Progress:
        """Write the rows of many lines `<local time> <json>`."""
        ...

    def lane_of(self, symbol: str) -> int | None:
        """Return the EVENT.instrument of a symbol, None if it is not in the table."""
        ...

    def wanted(self) -> list[str]:
        """Return the symbols whose book waits for a REST snapshot."""
        ...

    def missing_print(self, symbol: str) -> int | None:
        """Return the id of the first print that ids say is missing, None where nothing is."""
        ...

    def interrupt(self, ts_recv: int, out: Events) -> int:
        """Say that the connection was lost; return the CLEAR rows written, or NEEDS_ROOM."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what joins the next recording without a gap, as plain values."""
        ...

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """One venue: its market side, and its trading side where we have one."""

    name: str
    kind: ContractKind
    policy: int  # market/align.py
    chain: int
    rest: str
    streams: str
    instruments: Callable[[bytes, int], list[Instrument]]
    infer: Callable[..., list[Instrument]]  # from a recording that came without definitions
    market_decoder: Callable[[Sequence[tuple[Instrument, int]]], MarketDecoder]
    subscribe: Callable[[Sequence[Instrument]], list[Subscription]]
    snapshot_request: Callable[[Instrument], Request] | None  # None: its stream opens with one
    definitions_request: Callable[[], Request]
    definitions_next: Callable[[bytes], Request | None] | None = None  # where answers have pages
    polls: Callable[[Instrument], Sequence[Poll]] | None = None  # what no stream tells
    resubscribe: Callable[[Instrument], tuple[bytes, ...]] | None = None  # asks for a new snapshot
    control: Callable[[bytes], Control | None] = no_control  # cheap: called for every message
    unpack: Callable[[bytes], bytes] = as_received  # raises MessageError beyond a named size
    link: LinkRules = LinkRules()
    deflate: bool = False  # the venue forces permessage-deflate
    rest_limit: RestLimit = RestLimit(10, 1_000_000_000)
    clock_request: Callable[[], Request] | None = None
    read_clock: Callable[[bytes], int] | None = None  # ns since the epoch
    candles_request: Callable[[Instrument, int, int], Request] | None = None  # span in s, how many
    read_candles: Callable[[bytes, Instrument], Candles] | None = None  # closed ones, oldest first
    trades_request: Callable[[Instrument], Request] | None = None  # the last: mends a lost link
    # prints from an id on, where ids count up by one: mends what a lost link did not bring
    prints_request: Callable[[Instrument, int], Request] | None = None
    skips: bool = False  # ids skip: what was lost leaves no gap (run/lines/touch_watch)
    margin_request: Callable[[Instrument], Request] | None = None
    read_margin: Callable[[bytes], list[MarginTier]] | None = None  # the smallest tier first
    tradable_request: Callable[[], Request] | None = None  # None: all that is listed
    read_tradable: Callable[[bytes], frozenset[str]] | None = None  # symbols that take our orders
    publication: int = UNPUBLISHED  # of forced orders: features/forced.py
    trading: TradingVenue | None = None
