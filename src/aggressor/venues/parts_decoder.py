"""The decoder of every venue whose messages are read into parts: parts to EVENT rows.

The reader of a venue knows its words (`parts`); everything else is here, once: the grids, alignment
of snapshots and deltas (`market.align`), deltas that wait for a snapshot, prints that come twice,
quotes fused with the book by number, counts, and the state that joins two recordings. A message
that raises MessageError has changed nothing.

A quote is written only where it is newer than the book; a book message older than the last quote
gets that quote again behind it, so that the touch never steps back. Limits: a message of 4 MiB,
10,000 waiting deltas an instrument, 8,192 keys of prints.
"""

import struct
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import entry, kernel
from aggressor.market.align import (
    APPLY,
    BUFFER,
    NO_ID,
    WAITING,
    Alignment,
    align_state,
    on_delta,
    on_snapshot,
    restart,
)
from aggressor.market.align import (
    GAP as MISSING,
)
from aggressor.schema.errors import ConfigError, MessageError, UnitError
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BID,
    CLEAR,
    EVENT,
    FUNDING,
    GAP,
    INSTRUMENTS_MAX,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    NO_TIME,
    PRICE_MAX,
    QUOTE,
    SNAPSHOT,
    STATUS,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import NOT_PLAIN, PARSED, Grid
from aggressor.venues.parts import (
    BookPart,
    Buffer,
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
from aggressor.venues.scan import GRID, Grids, Int, Text, read_levels
from aggressor.venues.venue import BAD, DONE, FULL, NEEDS_ROOM, Checks, Progress
from aggressor.venues.window import keep_window, window_state

MESSAGE_BYTES_MAX = 4 << 20
WAITING_MAX = 10_000
KEYS_MAX = 8_192

Reader: TypeAlias = Callable[[bytes, str], Sequence[Part]]
"""(message, symbol) -> parts; `symbol` is that of the request an answer belongs to, "" in streams.

Raises MessageError, msgspec.DecodeError, UnitError or ValueError for what it cannot read.
"""

_UNREADABLE = (UnitError, ArithmeticError, msgspec.MsgspecError, UnicodeDecodeError, struct.error)
_ROW = struct.Struct("<qqqiBbBB")  # EVENT; filling it so costs a third of what NumPy takes
_EIGHT = Decimal("1e-8")
_NS_PER_MINUTE = 60_000_000_000
_LEVEL_BYTES_MIN = 6  # [1,2] and a comma
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
_PLAIN_DIGITS = 18
_TENS = tuple(10**digits for digits in range(_PLAIN_DIGITS + 1))
_EXPONENT_MAX = 40  # as in schema.units: larger numbers are not even worth writing out
_COUNTERS = (
    "trades",
    "trades_dropped",
    "quotes",
    "quotes_stale",
    "marks",
    "liquidations",
    "liquidations_dropped",
    "interests",
)
_ALIGN_STATE = ("last", "seen", "oldest", "oldest_previous", "waiting", "phase")
_ALIGN_COUNTERS = (
    "applied",
    "dropped",
    "buffered",
    "gaps",
    "snapshots",
    "snapshots_dropped",
    "snapshots_too_old",
    "skips",
)


@kernel
def write_book(
    text: Text,
    middle: Int,
    stop: Int,
    grids: Grids,
    align: Alignment,
    k: Int,
    first: Int,
    last: Int,
    previous: Int,
    stamp: Events,
    out: Events,
) -> tuple[Int, Int, Int, Int]:
    """Read bids text[:middle] and asks text[middle:stop] into `out`, then judge them.

    stamp (1,) EVENT is a LEVEL with times, flags and instrument; SNAPSHOT in its flags says what it
    is. Returns (rows, verdict of `market.align`, PARSED or why not, offset of the trouble): nothing
    is judged unless all is PARSED, and only what is applied keeps its rows.
    """
    picture = (stamp[0]["flags"] & SNAPSHOT) != 0
    row = np.int64(0)
    if picture:
        out[0] = stamp[0]
        out[0]["kind"] = CLEAR
        out[0]["flags"] = 0
        row = np.int64(1)
    stamp[0]["side"] = BID
    row, code, where = read_levels(text, 0, middle, grids, k, stamp, out, row)
    if code != PARSED:
        return np.int64(0), 0, code, where
    stamp[0]["side"] = ASK
    row, code, where = read_levels(text, middle, stop, grids, k, stamp, out, row)
    if code != PARSED:
        return np.int64(0), 0, code, where
    if picture:
        verdict = on_snapshot(align, k, last)
    else:
        verdict = on_delta(align, k, first, last, previous)
    if verdict == MISSING:
        out[0] = stamp[0]
        out[0]["kind"] = CLEAR
        out[0]["side"] = 0
        out[0]["flags"] = GAP
        row = np.int64(1)
    elif verdict != APPLY:
        row = np.int64(0)
    if row > 0:
        out[row - 1]["flags"] |= LAST
    return row, verdict, PARSED, 0


class _Quote:
    """The last quote of one instrument, and how far its book is on the same axis."""

    __slots__ = ("book_number", "number", "rows")

    def __init__(self) -> None:
        self.number = NO_ID
        self.book_number = NO_ID
        self.rows: list[tuple[int, ...]] = []  # of EVENT, without ts_recv

    def state(self) -> dict[str, Any]:
        """Return it as plain values."""
        rows = [list(row) for row in self.rows]
        return {"number": self.number, "book_number": self.book_number, "rows": rows}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state; from an empty one as from the beginning."""
        self.number = state.get("number", NO_ID)
        self.book_number = state.get("book_number", NO_ID)
        self.rows = [tuple(row) for row in state.get("rows", [])]


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
        self._align = align_state(max(len(instruments), 1), policy, chain)
        self._grids = np.zeros(max(len(instruments), 1), GRID)
        self._price_grids = [instrument.price_grid for instrument in self._instruments]
        self._size_grids = [instrument.size_grid for instrument in self._instruments]
        for k, (price, size) in enumerate(zip(self._price_grids, self._size_grids, strict=True)):
            self._grids[k] = (price.step, size.step, price.digits, size.digits)
        self._width = window
        self._window = window_state(max(len(instruments), 1), window)
        self._waiting: list[list[BookPart]] = [[] for _ in instruments]
        self._waiting_rows = 0
        self._keys: list[dict[str, None]] = [{} for _ in instruments]
        self._fresh: list[tuple[int, str]] = []  # keys first met in the message in hand
        self._alike: list[dict[str, int]] = [{} for _ in instruments]  # prints of a key so far
        self._counted: list[tuple[int, str]] = []  # those of the message in hand
        self._quotes = [_Quote() for _ in instruments]
        self._ts_venue = [NO_TIME] * len(instruments)
        self._funding: list[tuple[int | None, int]] = [(None, 0)] * len(instruments)
        self._funded: list[tuple[int, tuple[int | None, int]]] = []  # before the message in hand
        self._lane_counts = [dict.fromkeys(_COUNTERS, 0) for _ in instruments]
        self._text = np.zeros(1 << 16, np.uint8)
        self._stamp = empty_events(1)
        none = (self._text, 0, 0, self._grids, self._align, 0, 0, 0, 0)
        self._write_book = entry(write_book, *none, self._stamp, empty_events(1))
        self._messages = 0
        self._bad = 0

    def room(self, message: bytes) -> int:
        """Return how many rows `decode` may need for a message now."""
        rows = len(message) // _LEVEL_BYTES_MIN + 16 + self._waiting_rows
        return 2 * rows if self._width else rows

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
        self._fresh.clear()
        self._counted.clear()
        self._funded.clear()
        for part in self._parts(message, symbol):
            try:
                rows += self._write(part, ts_recv, out[rows:])
            except _UNREADABLE as trouble:
                self._unlearn()
                raise self._odd(message, trouble) from None
        self._messages += 1
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
            return self._book(k, part, ts_recv, out)
        if isinstance(part, TradePart):
            return self._trade(k, part, ts_recv, out)
        if isinstance(part, QuotePart):
            return self._quote(k, part, ts_recv, out)
        return self._rare(k, part, ts_recv, out)

    def _book(self, k: int, part: BookPart, ts_recv: int, out: Events) -> int:
        rows, verdict = self._judge(k, part, ts_recv, out)
        if verdict == BUFFER or (verdict == MISSING and self._align[k]["waiting"]):
            self._keep(k, part)
        if verdict in (APPLY, MISSING) and part.ts_venue != NO_TIME:
            self._ts_venue[k] = part.ts_venue
        if self._width and verdict in (APPLY, MISSING):
            rows = self._keep_window(k, part.snapshot or verdict == MISSING, out, rows)
        if verdict == APPLY and part.snapshot:
            waiting, self._waiting[k] = self._waiting[k], []
            self._waiting_rows -= sum(map(_rows_of, waiting))
            self._quotes[k].book_number = part.number
            for one in waiting:
                rows += self._book(k, one, ts_recv, out[rows:])
            return rows
        quote = self._quotes[k]
        if verdict == APPLY:
            quote.book_number = part.number
        if verdict == APPLY and rows and NO_ID != part.number < quote.number:
            rows += _put_quote(out, rows, ts_recv, quote)
        return rows

    def _keep_window(self, k: int, anew: bool, out: Events, rows: int) -> int:
        """Remove what left the window behind a message's rows; `anew`: nothing stood in it."""
        if anew:
            self._window.held[k] = 0
        kept = int(keep_window(self._window, k, self._width, out, rows))
        if kept > rows:
            out[rows - 1]["flags"] &= ~np.uint8(LAST)
            out[kept - 1]["flags"] |= LAST
        return kept

    def _judge(self, k: int, part: BookPart, ts_recv: int, out: Events) -> tuple[int, int]:
        """Read the levels of one part and judge it: (rows, verdict)."""
        flags = SNAPSHOT if part.snapshot else 0
        flags |= BAD_CLOCK if part.ts_venue == NO_TIME else 0
        row = (ts_recv, part.ts_venue, 0, 0, LEVEL, 0, flags, self._numbers[k])
        rows, verdict, code, where = self._levels(k, part, part.bids, part.asks, row, out)
        if code == NOT_PLAIN:
            bids, asks = self._plain(part.bids), self._plain(part.asks)
            rows, verdict, code, where = self._levels(k, part, bids, asks, row, out)
        if code == PARSED:
            return rows, verdict
        near = bytes(self._text[max(where - 20, 0) : where + 40])
        raise UnitError(
            f"{part.symbol}: a level is not on the grid of tick {self._instruments[k].tick} and "
            f"lot {self._instruments[k].lot}, near {near.decode(errors='replace')!r}"
        )

    def _levels(
        self,
        k: int,
        part: BookPart,
        bids: Buffer,
        asks: Buffer,
        row: tuple[int, ...],
        out: Events,
    ) -> tuple[int, int, int, int]:
        """Copy both sides into one text and let the kernel read and judge them."""
        middle, stop = len(bids), len(bids) + len(asks)
        if stop > self._text.size:
            self._text = np.zeros(2 * stop, np.uint8)
        view = self._text.data
        view[:middle] = bids
        view[middle:stop] = asks
        _ROW.pack_into(self._stamp.data, 0, *row)
        ids = (part.first, part.last, part.previous)
        return self._write_book(
            self._text, middle, stop, self._grids, self._align, k, *ids, self._stamp, out
        )

    def _plain(self, levels: Buffer) -> bytes:
        """Return levels with every number written out, without exponents, in quote marks."""
        decoded = msgspec.json.decode(levels, type=list[list[Decimal]], strict=False)
        rows = [[format(_bounded(one), "f") for one in level[:2]] for level in decoded]
        return msgspec.json.encode(rows)

    def _keep(self, k: int, part: BookPart) -> None:
        """Keep a delta; it is the first that waits when the alignment counts one."""
        full = len(self._waiting[k]) >= WAITING_MAX
        if full or self._align[k]["waiting"] == 1:
            self._forget(k)
        if full:
            self._align[k]["waiting"] = 0
            return
        own = part._replace(bids=bytes(part.bids), asks=bytes(part.asks))
        self._waiting[k].append(own)
        self._waiting_rows += _rows_of(own)

    def _forget(self, k: int) -> None:
        self._waiting_rows -= sum(map(_rows_of, self._waiting[k]))
        self._waiting[k] = []

    def _ticks(self, k: int, price: str) -> int:
        steps = plain_steps(price, self._price_grids[k])
        return self._instruments[k].ticks(price) if steps is None else steps

    def _lots(self, k: int, size: str) -> int:
        steps = plain_steps(size, self._size_grids[k])
        return self._instruments[k].lots(size) if steps is None else steps

    def _is_known(self, k: int, key: str) -> bool:
        """Say whether a print of this key was written before; remember it."""
        keys = self._keys[k]
        if not key:
            return False
        if key in keys:
            return True
        keys[key] = None
        self._fresh.append((k, key))
        if len(keys) > KEYS_MAX:
            del keys[next(iter(keys))]
        return False

    def _nth(self, k: int, key: str) -> str:
        """Return the key of a print that others of its connection may equal: `key#n`."""
        alike = self._alike[k]
        count = alike[key] = alike.get(key, 0) + 1
        self._counted.append((k, key))
        if len(alike) > KEYS_MAX:
            del alike[next(iter(alike))]
        return f"{key}#{count}"

    def _unlearn(self) -> None:
        """Forget what the message in hand taught about prints and funding."""
        for k, before in reversed(self._funded):
            self._funding[k] = before
        for k, key in self._fresh:
            self._keys[k].pop(key, None)
        for k, key in self._counted:
            count = self._alike[k].pop(key, 1) - 1
            if count:
                self._alike[k][key] = count

    def _trade(self, k: int, part: TradePart, ts_recv: int, out: Events) -> int:
        price, lots = self._ticks(k, part.price), self._lots(k, part.size)
        _fitting(price, lots)
        key = self._nth(k, part.key) if part.alike else part.key
        if price <= 0 or lots <= 0 or self._is_known(k, key):
            self._lane_counts[k]["trades_dropped"] += 1
            return 0
        flags = part.flags | LAST
        row = (ts_recv, part.ts_venue, lots, price, TRADE, part.side, flags, self._numbers[k])
        _ROW.pack_into(out.data, 0, *row)
        self._lane_counts[k]["trades"] += 1
        return 1

    def _quote(self, k: int, part: QuotePart, ts_recv: int, out: Events) -> int:
        quote = self._quotes[k]
        bid, ask = self._ticks(k, part.bid), self._ticks(k, part.ask)
        bid_lots, ask_lots = self._lots(k, part.bid_size), self._lots(k, part.ask_size)
        _fitting(bid, bid_lots)
        _fitting(ask, ask_lots)
        newest = max(quote.number, quote.book_number)
        if quote.book_number == NO_ID or part.number <= newest:
            self._lane_counts[k]["quotes_stale"] += 1
            return 0
        quote.number = part.number
        number = self._numbers[k]
        quote.rows = [
            (part.ts_venue, bid_lots, bid, QUOTE, BID, 0, number),
            (part.ts_venue, ask_lots, ask, QUOTE, ASK, LAST, number),
        ]
        _put_quote(out, 0, ts_recv, quote)
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
            mark = _number(part.price)
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
            size = int((_number(part.size) / instrument.lot).to_integral_value(ROUND_FLOOR))
            counts["interests"] += 1
        elif isinstance(part, LiquidationPart):
            kind, side = LIQUIDATION, part.side
            price = int((_number(part.price) / instrument.tick).to_integral_value(ROUND_FLOOR))
            size = self._lots(k, part.size)
            if self._is_known(k, part.key):
                counts["liquidations_dropped"] += 1
                return 0
            counts["liquidations"] += 1
        else:
            kind, size = STATUS, part.status
        _fitting(price, size)
        flags = LAST | (BAD_CLOCK if part.ts_venue == NO_TIME else 0)
        out[0] = (ts_recv, part.ts_venue, size, price, kind, side, flags, self._numbers[k])
        return 1

    def _fund(self, k: int, part: FundingPart) -> tuple[int | None, int]:
        """Return rate in 1e-8 and minute of settlement, each as last said; 0 once it has passed."""
        rate, minute = self._funding[k]
        if part.rate:
            rate = int(_number(part.rate) / _EIGHT)
        if part.settles_ns != NO_TIME:
            minute = part.settles_ns // _NS_PER_MINUTE
        elif part.ts_venue != NO_TIME and minute * _NS_PER_MINUTE <= part.ts_venue:
            minute = 0
        _fitting(minute, rate or 0)
        self._funded.append((k, self._funding[k]))
        self._funding[k] = (rate, minute)
        return rate, minute

    def lane_of(self, symbol: str) -> int | None:
        """Return the EVENT.instrument of a symbol, None if it is not in the table."""
        k = self._lanes.get(symbol)
        return None if k is None else self._numbers[k]

    def wanted(self) -> list[str]:
        """Return the symbols whose book waits for a snapshot."""
        phases = self._align["phase"]
        return [symbol for symbol, k in self._lanes.items() if phases[k] == WAITING]

    def distrust(self, symbol: str, ts_recv: int, out: Events) -> int:
        """Give up the book of one symbol, as when it stays crossed: the rows that say so."""
        return self._give_up([self._lanes[symbol]], ts_recv, out)

    def interrupt(self, ts_recv: int, out: Events) -> int:
        """Say that the connection was lost: CLEAR rows of the books known, or NEEDS_ROOM."""
        if out.size < len(self._instruments):
            return NEEDS_ROOM
        for alike in self._alike:
            alike.clear()
        return self._give_up(list(self._lanes.values()), ts_recv, out)

    def _give_up(self, lanes: list[int], ts_recv: int, out: Events) -> int:
        rows = 0
        for k in lanes:
            if self._align[k]["phase"] != WAITING:
                ts_venue = self._ts_venue[k]
                flags = GAP | LAST | (BAD_CLOCK if ts_venue == NO_TIME else 0)
                out[rows] = (ts_recv, ts_venue, 0, 0, CLEAR, 0, flags, self._numbers[k])
                rows += 1
            restart(self._align, k)
            self._forget(k)
            self._quotes[k] = _Quote()
            self._window.held[k] = 0
        return rows

    @property
    def counts(self) -> dict[str, int]:
        """What was done so far, summed over instruments."""
        total = {
            "messages": self._messages,
            "lines_bad": self._bad,
            "ignored": sum(self.ignored.values()),
            "unknown_symbols": sum(self.unknown.values()),
        }
        for symbol in self._lanes:
            for name, count in self.counts_of(symbol).items():
                total[name] = total.get(name, 0) + count
        return total

    def counts_of(self, symbol: str) -> dict[str, int]:
        """Return what was done so far for one symbol."""
        k = self._lanes[symbol]
        aligned = {name: int(self._align[k][name]) for name in _ALIGN_COUNTERS}
        return aligned | self._lane_counts[k]

    def state(self) -> dict[str, Any]:
        """Return what joins the next recording without a gap, as plain values."""
        lanes = {}
        for symbol, k in self._lanes.items():
            waiting = [
                part._replace(bids=bytes(part.bids).decode(), asks=bytes(part.asks).decode())
                for part in self._waiting[k]
            ]
            lanes[symbol] = {
                "align": {name: int(self._align[k][name]) for name in _ALIGN_STATE},
                "ts_venue": self._ts_venue[k],
                "funding": list(self._funding[k]),
                "quote": self._quotes[k].state(),
                "keys": list(self._keys[k]),
                "alike": dict(self._alike[k]),
                "window": [
                    self._window.keys[k, s, : self._window.held[k, s]].tolist() for s in (0, 1)
                ],
                "waiting": [list(part) for part in waiting],
            }
        return {"version": 1, "lanes": lanes}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state; symbols that are not in the table are left out."""
        for symbol, kept in state["lanes"].items():
            k = self._lanes.get(symbol)
            if k is None:
                continue
            for name in _ALIGN_STATE:
                self._align[k][name] = kept["align"][name]
            self._ts_venue[k] = kept["ts_venue"]
            self._keys[k] = dict.fromkeys(kept["keys"])
            self._alike[k] = dict(kept.get("alike", {}))
            for side, keys in enumerate(kept.get("window", ([], []))):
                self._window.keys[k, side, : len(keys)] = keys
                self._window.held[k, side] = len(keys)
            rate, minute = kept.get("funding", (None, 0))
            self._funding[k] = (rate, minute)
            self._quotes[k].resume(kept.get("quote", {}))
            self._forget(k)
            for fields in kept["waiting"]:
                part = BookPart(*fields)
                own = part._replace(bids=str(part.bids).encode(), asks=str(part.asks).encode())
                self._waiting[k].append(own)
                self._waiting_rows += _rows_of(own)


def _put_quote(out: Events, row: int, ts_recv: int, quote: _Quote) -> int:
    """Write a quote's two rows to out[row:]; return how many."""
    for i, fields in enumerate(quote.rows, start=row):
        _ROW.pack_into(out.data, i * _ROW.size, ts_recv, *fields)
    return len(quote.rows)


def plain_steps(text: str, grid: Grid) -> int | None:
    """Return digits with at most one point as grid steps, None for all that needs more care."""
    whole, _, decimals = text.partition(".")
    missing = grid.digits - len(decimals)
    if missing < 0:
        if decimals[missing:].strip("0"):
            return None
        decimals, missing = decimals[:missing], 0
    digits = whole + decimals
    if len(digits) > _PLAIN_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    steps, rest = divmod(int(digits) * _TENS[missing], grid.step)
    return None if rest else steps


def _rows_of(part: BookPart) -> int:
    return (len(part.bids) + len(part.asks)) // _LEVEL_BYTES_MIN + 16


def _fitting(price: int, size: int) -> None:
    if not -PRICE_MAX <= price <= PRICE_MAX or abs(size) >= 2**63:
        raise UnitError("a number is too large for its field")


def _number(text: str) -> Decimal:
    """Return a text as a number; raise UnitError, or InvalidOperation for no number at all."""
    return _bounded(Decimal(text))


def _bounded(number: Decimal) -> Decimal:
    """Return a number that can be written out; raise UnitError for the others."""
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise UnitError(f"{str(number)[:_SHOWN]} is not a number of a market")
    return number


def _local_time(text: bytes) -> int:
    """Return a recorded receive time in ns, its unit told by its magnitude; raise MessageError."""
    if not text.isdigit():
        raise MessageError(
            f"A line does not begin with its receive time: {text[:40]!r} - it was left out."
        )
    time = int(text)
    return time * (1_000_000 if time < _MS_MAX else 1_000 if time < _US_MAX else 1)
