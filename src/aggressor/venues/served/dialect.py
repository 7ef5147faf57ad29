"""A venue's own side as a value: requests to answers, topics of a socket, news to frames.

The counterpart of `venue.py` and `trading.py`: those speak to a venue, this speaks as it does, for
the local venue. A dialect knows paths, fields, codes, signatures and ids; the market, the account
and the matching are `sim.local`, the sockets are the caller's. Nothing here waits or reads a clock:
the time is `House.now`.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from aggressor.schema.instrument import Instrument
from aggressor.sim.costs import Costs
from aggressor.sim.local.board import MarketNews
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.orders import PrivateNews
from aggressor.venues.trading import Credentials

MS = 1_000_000
SECOND_NS = 1_000_000_000


class Ask(NamedTuple):
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    query: str  # as written, not decoded
    headers: dict[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


class Frame(NamedTuple):
    """What goes to everybody who asked for a topic."""

    topic: str
    payload: bytes


class CodeError(Exception):
    """What a venue refuses: its code, its words, the HTTP status where it says so by one."""

    def __init__(self, code: int | str, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.status = status


class Channel:
    """One client's socket."""

    def __init__(self, route: str = "", *, combined: bool = False, private: str = "") -> None:
        self.route = route
        self.combined = combined  # payloads are wrapped with the name of their topic
        self.private = private  # the key whose account it tells; "" none
        self.topics: set[str] = set()
        self.over = ""  # why the venue ends it
        self.opened = 0  # venue's clock, ns; for venues that watch their sockets (`Dialect.beat`)
        self.pinged = 0
        self.unanswered = 0  # pings since the last answer
        self.refused = 0  # messages that were not understood
        self._heard: deque[int] = deque()

    def too_fast(self, now: int, most: int) -> bool:
        """Note a message; return whether more than `most` came within a second."""
        self._heard.append(now)
        while now - self._heard[0] >= SECOND_NS:
            self._heard.popleft()
        return len(self._heard) > most


class Usage:
    """Weight used in fixed windows of the venue's clock, as venues count it."""

    def __init__(self, limits: dict[str, tuple[int, int]]) -> None:
        """`limits`: name -> (most, window in ns)."""
        self.limits = limits
        self._used: dict[str, tuple[int, int]] = dict.fromkeys(limits, (0, 0))  # window, used

    def take(self, name: str, weight: int, now: int) -> bool:
        """Count; return whether the limit is kept."""
        most, window_ns = self.limits[name]
        window, used = self._used[name]
        if window != now // window_ns:
            window, used = now // window_ns, 0
        self._used[name] = (window, used + weight)
        return used + weight <= most

    def used(self, name: str, now: int) -> int:
        """Return what is used of the running window."""
        window, used = self._used[name]
        return used if window == now // self.limits[name][1] else 0

    def wait_s(self, name: str, now: int) -> int:
        """Return the seconds to the next window, at least 1."""
        window_ns = self.limits[name][1]
        return max(1, -(-(window_ns - now % window_ns) // SECOND_NS))


class House:
    """What a venue's side knows beside the market: the key, limits in use, keys of streams."""

    def __init__(
        self, exchange: LocalExchange, credentials: Credentials, limits: dict[str, tuple[int, int]]
    ) -> None:
        self.exchange = exchange
        self.credentials = credentials
        self.usage = Usage(limits)
        self.skew_ns = 0  # how far the venue's clock is wrong
        self.listen_keys: dict[str, int] = {}  # -> when it ends, ns
        self.dead_man: dict[int, int] = {}  # instrument -> when all is cancelled, ns
        self.hidden: set[int] = set()  # orders that the venue never tells of
        self.strikes = 0  # requests beyond a limit
        self.notes: dict[str, Any] = {}  # a venue's own memory

    @property
    def now(self) -> int:
        """The venue's clock, ns since the epoch."""
        return self.exchange.now + self.skew_ns

    @property
    def now_ms(self) -> int:
        """The same in ms."""
        return self.now // MS

    def ms(self, market_ns: int) -> int:
        """Return a market time in ms of the venue's clock."""
        return (self.exchange.clock.venue(market_ns) + self.skew_ns) // MS

    def lane(self, symbol: str) -> int | None:
        """Return the instrument of a symbol."""
        return self.exchange.by_symbol.get(symbol)


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one venue answers."""

    venue: str
    example: Instrument  # what a synthetic market trades
    limits: dict[str, tuple[int, int]]
    serve: Callable[[House, Ask], Reply]
    connect: Callable[[House, Ask], Channel | Reply]
    greet: Callable[[House, Channel], Sequence[bytes]]
    heard: Callable[[House, Channel, bytes], Sequence[bytes]]
    # news that somebody asked for (`wanted` topics) as payloads; nobody's are not even made
    tell: Callable[[House, MarketNews, frozenset[str]], Sequence[Frame]]
    tell_private: Callable[[House, PrivateNews], Sequence[Frame]]
    wrap: Callable[[Channel, Frame], bytes]
    outage: Callable[[House, str], Reply]  # "429", "418", "503" and what is unknown: "503?"
    tick: Callable[[House], Sequence[Frame]]  # what is due by the clock; some ten times a second
    # books that are told at a pace of their own; asked for as often as the market runs
    paced: Callable[[House, frozenset[str]], Sequence[Frame]] | None = None
    # what one socket is due by the clock (pings), some ten times a second; may end it (`over`)
    beat: Callable[[House, Channel], Sequence[bytes]] | None = None
    ping_s: float = 0.0  # protocol pings of the venue; 0: none
    costs: Costs = Costs()  # what trading costs there
    hedge: bool = False  # long and short are held apart from the beginning
    packed: Callable[[bytes], bytes] | None = None  # frames are compressed, as bytes
