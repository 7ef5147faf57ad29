"""The decoder of every venue whose messages are read into parts: parts to EVENT rows.

The reader of a venue knows its words (`parts`); everything else is done once, for all: books and
quotes (`books`), prints, also those that come twice (`tape`), numbers on the grid (`numbers`), and
here what comes seldom, counts, and the state that joins two recordings. A
message that raises MessageError has changed nothing. Limits: a message of 4 MiB, 10,000 waiting
deltas an instrument, 8,192 keys of prints.
"""

import struct
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.market.align import NO_ID
from aggressor.schema.errors import ConfigError, MessageError, UnitError
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BID,
    EVENT,
    FUNDING,
    INSTRUMENTS_MAX,
    INTEREST,
    LAST,
    LIQUIDATION,
    MARK,
    NO_TIME,
    QUOTE,
    STATUS,
    Events,
)
from aggressor.schema.instrument import Instrument
from aggressor.venues.decoding.books import PartBooks, put_quote
from aggressor.venues.decoding.numbers import fitting, lots_of, number, ticks_of
from aggressor.venues.decoding.parts import (
    BookPart,
    FundingPart,
    InterestPart,
    LiquidationPart,
    MarkPart,
    Part,
    QuotePart,
    StatusPart,
    TradePart,
    Unused,
)
from aggressor.venues.decoding.tape import PartTape
from aggressor.venues.venue import BAD, DONE, FULL, NEEDS_ROOM, Checks, Progress, sum_counts

MESSAGE_BYTES_MAX = 4 << 20

Reader: TypeAlias = Callable[[bytes, str], Sequence[Part]]
"""(message, symbol) -> parts; `symbol` is that of the request an answer belongs to, "" in streams.

Raises MessageError, msgspec.DecodeError, UnitError or ValueError for what it cannot read.
"""

_EIGHT = Decimal("1e-8")
_NS_PER_MINUTE = 60_000_000_000
_MS_MAX = 9_000_000_000_000
_US_MAX = 9_000_000_000_000_000
_SHOWN = 120
_UNREADABLE = (
    UnitError,
    ArithmeticError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
    RecursionError,
    struct.error,
)
_COUNTERS = (
    "quotes",
    "quotes_stale",
    "marks",
    "liquidations",
    "liquidations_dropped",
    "interests",
)


class PartsDecoder:
    """One venue's messages to EVENT rows, for up to 255 instruments; see `venue.MarketDecoder`."""

    def __init__(
        self,
        instruments: Sequence[tuple[Instrument, int]],
        *,
        read: Reader,
        policy: int,
        chain: int,
        window: int = 0,
    ) -> None:
        """Decode for these (instrument, EVENT.instrument); `window` levels a side, 0 all."""
        if len(instruments) > INSTRUMENTS_MAX:
            raise ConfigError(
                f"{len(instruments)} instruments are too many for one decoder: at most "
                f"{INSTRUMENTS_MAX}; use a second one."
            )
        self.trouble: MessageError | None = None
        self.ignored: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self._read = read
        self._instruments = [instrument for instrument, _ in instruments]
        self._numbers = [number for _, number in instruments]
        self._lanes = {instrument.symbol: k for k, instrument in enumerate(self._instruments)}
        self._price_grids = [instrument.price_grid for instrument in self._instruments]
        self._size_grids = [instrument.size_grid for instrument in self._instruments]
        self._books = PartBooks(self._instruments, self._numbers, policy, chain, window)
        self._tape = PartTape(self._numbers)
        self._funding: list[tuple[int | None, int]] = [(None, 0)] * len(instruments)
        self._funded: list[tuple[int, tuple[int | None, int]]] = []  # before the message in hand
        self._lane_counts = [dict.fromkeys(_COUNTERS, 0) for _ in instruments]
        self._messages = 0
        self._bad = 0

    def room(self, message: bytes) -> int:
        """Return how many rows `decode` may need for a message now."""
        return self._books.room(len(message))

    def decode(self, message: bytes, ts_recv: int, out: Events, symbol: str = "") -> int:
        """Write one message's rows to out[:n]; see `venues.venue.MarketDecoder`."""
        if len(message) > MESSAGE_BYTES_MAX:
            raise MessageError(
                f"A message of {len(message)} bytes is over the limit of {MESSAGE_BYTES_MAX} - it "
                "is no market message; check the address or the recording."
            )
        if out.size < self.room(message):
            return NEEDS_ROOM
        assert out.dtype == EVENT, "rows must be EVENT"
        assert out.flags.c_contiguous, "rows must stand side by side"
        rows = 0
        self._tape.begin(asked=symbol != "")
        self._funded.clear()
        parts = self._parts(message, symbol)
        if symbol:
            self._tape.judge(parts, self._lanes)
        for part in parts:
            try:
                rows += self._write(part, ts_recv, out[rows:])
            except _UNREADABLE as trouble:
                self._unlearn()
                raise self._odd(message, trouble) from None
        self._messages += 1
        self._tape.judged()
        return rows

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
        """Write the rows of the lines in text[start:stop]; see `venues.venue.MarketDecoder`."""
        whole = text[start:stop].tobytes()
        at, used = 0, 0
        while at < len(whole):
            end = whole.find(b"\n", at)
            end = len(whole) if end < 0 else end
            time, _, message = whole[at:end].partition(b" ")
            reason = DONE
            if message.strip():
                try:
                    written = self.decode(message, _local_time(time), out[rows:], symbol)
                except MessageError as trouble:
                    self.trouble = trouble
                    self._bad += 1
                    written, reason = 0, BAD
                if written == NEEDS_ROOM:
                    return Progress(start + at, rows, check_rows, used, FULL)
                rows += written
                used += 1
            at = end + 1
            if reason == BAD:
                return Progress(min(start + at, stop), rows, check_rows, used, BAD)
        return Progress(stop, rows, check_rows, used, DONE)

    def _parts(self, message: bytes, symbol: str) -> Sequence[Part]:
        try:
            return self._read(message, symbol)
        except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as trouble:
            if isinstance(trouble, MessageError):
                raise
            raise self._odd(message, trouble) from None

    def _odd(self, message: bytes, trouble: Exception) -> MessageError:
        shown = message[:_SHOWN].decode(errors="replace")
        return MessageError(
            f"A message is not what the venue documents ({trouble}): {shown} - check that it is of "
            "this venue and that the instrument's grid is the present one; it was left out."
        )

    def _write(self, part: Part, ts_recv: int, out: Events) -> int:
        """Write one part; return its rows."""
        if isinstance(part, Unused):
            self.ignored[part.name] = self.ignored.get(part.name, 0) + 1
            return 0
        k = self._lanes.get(part.symbol)
        if k is None:
            self.unknown[part.symbol] = self.unknown.get(part.symbol, 0) + 1
            return 0
        if isinstance(part, BookPart):
            return self._books.write(k, part, ts_recv, out)
        if isinstance(part, TradePart):
            return self._trade(k, part, ts_recv, out)
        if isinstance(part, QuotePart):
            return self._quote(k, part, ts_recv, out)
        return self._rare(k, part, ts_recv, out)

    def _ticks(self, k: int, price: str) -> int:
        return ticks_of(price, self._instruments[k], self._price_grids[k])

    def _lots(self, k: int, size: str) -> int:
        return lots_of(size, self._instruments[k], self._size_grids[k])

    def _unlearn(self) -> None:
        """Forget what the message in hand taught about prints and funding."""
        for k, before in reversed(self._funded):
            self._funding[k] = before
        self._tape.keys.unlearn()

    def _trade(self, k: int, part: TradePart, ts_recv: int, out: Events) -> int:
        price, lots = self._ticks(k, part.price), self._lots(k, part.size)
        fitting(price, lots)
        return self._tape.write(k, part, price, lots, ts_recv, out)

    def _quote(self, k: int, part: QuotePart, ts_recv: int, out: Events) -> int:
        quote = self._books.quotes[k]
        bid, ask = self._ticks(k, part.bid), self._ticks(k, part.ask)
        bid_lots, ask_lots = self._lots(k, part.bid_size), self._lots(k, part.ask_size)
        fitting(bid, bid_lots)
        fitting(ask, ask_lots)
        newest = max(quote.number, quote.book_number)
        if quote.book_number == NO_ID or part.number <= newest:
            self._lane_counts[k]["quotes_stale"] += 1
            return 0
        quote.number = part.number
        own = self._numbers[k]
        quote.rows = [
            (part.ts_venue, bid_lots, bid, QUOTE, BID, 0, own),
            (part.ts_venue, ask_lots, ask, QUOTE, ASK, LAST, own),
        ]
        put_quote(out, 0, ts_recv, quote)
        self._lane_counts[k]["quotes"] += 1
        return 2

    def _rare(
        self,
        k: int,
        part: MarkPart | FundingPart | InterestPart | LiquidationPart | StatusPart,
        ts_recv: int,
        out: Events,
    ) -> int:
        """Write what comes seldom: one row."""
        instrument, counts = self._instruments[k], self._lane_counts[k]
        size, price, side = 0, 0, 0
        if isinstance(part, MarkPart):
            mark = number(part.price)
            kind, size = MARK, int(mark / _EIGHT)
            price = int((mark / instrument.tick).to_integral_value(ROUND_FLOOR))
            counts["marks"] += 1
        elif isinstance(part, FundingPart):
            kind = FUNDING
            rate, price = self._fund(k, part)
            if rate is None:
                return 0
            size = rate
        elif isinstance(part, InterestPart):
            kind = INTEREST
            size = int((number(part.size) / instrument.lot).to_integral_value(ROUND_FLOOR))
            counts["interests"] += 1
        elif isinstance(part, LiquidationPart):
            kind, side = LIQUIDATION, part.side
            price = int((number(part.price) / instrument.tick).to_integral_value(ROUND_FLOOR))
            size = self._lots(k, part.size)
            if self._tape.keys.is_known(k, part.key, part.ts_venue):
                counts["liquidations_dropped"] += 1
                return 0
            counts["liquidations"] += 1
        else:
            kind, size = STATUS, part.status
        fitting(price, size)
        flags = LAST | (BAD_CLOCK if part.ts_venue == NO_TIME else 0)
        out[0] = (ts_recv, part.ts_venue, size, price, kind, side, flags, self._numbers[k])
        return 1

    def _fund(self, k: int, part: FundingPart) -> tuple[int | None, int]:
        """Return rate in 1e-8 and minute of settlement, each as last said; 0 once it has passed."""
        rate, minute = self._funding[k]
        if part.rate:
            rate = int(number(part.rate) / _EIGHT)
        if part.settles_ns != NO_TIME:
            minute = part.settles_ns // _NS_PER_MINUTE
        elif part.ts_venue != NO_TIME and minute * _NS_PER_MINUTE <= part.ts_venue:
            minute = 0
        fitting(minute, rate or 0)
        self._funded.append((k, self._funding[k]))
        self._funding[k] = (rate, minute)
        return rate, minute

    def lane_of(self, symbol: str) -> int | None:
        """Return the EVENT.instrument of a symbol, None if it is not in the table."""
        k = self._lanes.get(symbol)
        return None if k is None else self._numbers[k]

    def wanted(self) -> list[str]:
        """Return the symbols whose book waits for a snapshot."""
        return [symbol for symbol, k in self._lanes.items() if self._books.wants(k)]

    def missing_print(self, symbol: str) -> int | None:
        """Return None: the ids of these venues' prints do not say what is missing."""
        return None

    def distrust(self, symbol: str, ts_recv: int, out: Events) -> int:
        """Give up the book of one symbol, as when it stays crossed: the rows that say so."""
        return self._books.give_up([self._lanes[symbol]], ts_recv, out)

    def interrupt(self, ts_recv: int, out: Events) -> int:
        """Say that the connection was lost: CLEAR rows of the books known, or NEEDS_ROOM."""
        if out.size < len(self._instruments):
            return NEEDS_ROOM
        self._tape.interrupt()
        return self._books.give_up(list(self._lanes.values()), ts_recv, out)

    @property
    def counts(self) -> dict[str, int]:
        """What was done so far, summed over instruments."""
        lanes = (self.counts_of(symbol) for symbol in self._lanes)
        return sum_counts(self._messages, self._bad, self.ignored, self.unknown, lanes)

    def counts_of(self, symbol: str) -> dict[str, int]:
        """Return what was done so far for one symbol."""
        k = self._lanes[symbol]
        return self._books.counts(k) | self._tape.counts[k] | self._lane_counts[k]

    def state(self) -> dict[str, Any]:
        """Return what joins the next recording without a gap, as plain values."""
        lanes = {
            symbol: {
                **self._books.state(k),
                **self._tape.keys.state(k),
                "funding": list(self._funding[k]),
            }
            for symbol, k in self._lanes.items()
        }
        return {"version": 1, "lanes": lanes}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state; symbols that are not in the table are left out."""
        for symbol, kept in state["lanes"].items():
            k = self._lanes.get(symbol)
            if k is None:
                continue
            self._books.resume(k, kept)
            self._tape.keys.resume(k, kept)
            rate, minute = kept.get("funding", (None, 0))
            self._funding[k] = (rate, minute)


def _local_time(text: bytes) -> int:
    """Return a recorded receive time in ns, its unit told by its magnitude; raise MessageError."""
    if not text.isdigit():
        raise MessageError(
            f"A line does not begin with its receive time: {text[:40]!r} - it was left out."
        )
    time = int(text)
    return time * (1_000_000 if time < _MS_MAX else 1_000 if time < _US_MAX else 1)
