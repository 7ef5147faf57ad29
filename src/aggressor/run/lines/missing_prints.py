"""The prints that a lost connection did not bring: asked for where the venue answers them.

Where ids say what is missing, it is asked for from its first id on. Elsewhere a venue answers its
last prints and no more, so they are asked for as soon as a connection is lost, again while it is
away, lest they come out of reach, and once more when all connections stand, which meets the
stream. Known ones are dropped by the decoder. What asks while a connection is away takes no more
than a quarter of the venue's limit, for books are asked for within it too.
"""

from collections.abc import Awaitable, Callable, Coroutine, Sequence

from aggressor.schema.instrument import Instrument
from aggressor.venues.session import SECOND_NS
from aggressor.venues.venue import MarketDecoder, Request, Venue
from aggressor.wire.backoff import Backoff

_HOLE_AGAIN_S = 1.0
_AWAY_EVERY_S = 1.0  # as often as that, or as the limit allows
_LIMIT_SHARE = 4
_NEVER_S = float("inf")

Fetch = Callable[[Request, str], Awaitable[bool]]
Start = Callable[[Coroutine[object, object, None]], None]


class MissingPrints:
    """What is asked for the tape of one line. Times are the loop's, in s."""

    def __init__(
        self,
        venue: Venue,
        decoder: MarketDecoder,
        instruments: Sequence[Instrument],
        fetch: Fetch,
        start: Start,
        clock: Callable[[], float],
    ) -> None:
        """`fetch` asks and decodes, and says whether that worked; `start` runs beside the rest."""
        self._holes, self._last = venue.prints_request, venue.trades_request
        self._decoder = decoder
        self._instruments = tuple(instruments)
        self._fetch = fetch
        self._start = start
        self._clock = clock
        self._printed: set[int] = set()  # instruments that have had a print
        self._torn: set[str] = set()  # symbols of whose tape the end may be missing
        self._losses = 0
        self._not_before: dict[str, float] = {}  # for ever while a question is under way
        self._away_until: dict[str, float] = {}
        self._waits: dict[str, Backoff] = {}
        self._away_every_s = _AWAY_EVERY_S
        if self._last is not None and self._instruments:
            weight = len(self._instruments) * self._last(self._instruments[0]).weight
            window_s = venue.rest_limit.window_ns / SECOND_NS
            share_s = _LIMIT_SHARE * weight * window_s / venue.rest_limit.weight
            self._away_every_s = max(_AWAY_EVERY_S, share_s)

    def printed(self, lane: int) -> None:
        """An instrument has had a print, so its tape has begun."""
        self._printed.add(lane)

    def lost(self) -> None:
        """A connection was lost, and prints with it."""
        self._losses += 1
        for one in self._instruments:
            if self._decoder.lane_of(one.symbol) in self._printed:
                self._torn.add(one.symbol)

    def turn(self, *, standing: bool) -> None:
        """Ask for what is due; `standing`: all connections are subscribed. Call it often."""
        now_s = self._clock()
        for one in self._instruments:
            if self._not_before.get(one.symbol, 0.0) > now_s:
                continue
            first = self._decoder.missing_print(one.symbol) if self._holes is not None else None
            if first is not None and self._holes is not None:
                self._not_before[one.symbol] = _NEVER_S
                self._start(self._fill(self._holes(one, first), one.symbol))
            elif self._last is not None and one.symbol in self._torn:
                if standing or self._away_until.get(one.symbol, 0.0) <= now_s:
                    self._not_before[one.symbol] = _NEVER_S
                    losses = self._losses if standing else -1
                    self._start(self._mend(self._last(one), one.symbol, losses))

    async def _fill(self, request: Request, symbol: str) -> None:
        wait_s = _HOLE_AGAIN_S
        try:
            if await self._fetch(request, symbol):
                wait_s = 0.0
        finally:
            self._not_before[symbol] = self._clock() + wait_s

    async def _mend(self, request: Request, symbol: str, losses: int) -> None:
        """Ask for the last prints; `losses` so far, -1 while a connection is away."""
        done = False
        wait = self._waits.setdefault(symbol, Backoff(first_s=0.2, cap_s=5.0))
        try:
            done = await self._fetch(request, symbol)
        finally:
            now_s = self._clock()
            self._not_before[symbol] = now_s + (0.0 if done else wait.failed())
        if not done:
            return
        wait.worked()
        self._away_until[symbol] = now_s + self._away_every_s
        if losses == self._losses:
            self._torn.discard(symbol)
