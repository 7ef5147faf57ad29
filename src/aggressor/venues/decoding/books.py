"""The books of a decoder of parts: levels read and aligned, what waits, and the quotes beside them.

Deltas wait for the snapshot they follow, at most 10,000 of an instrument. A venue that shows a
window of levels never says which left it, so their removal is written here. A quote is written only
where it is newer than the book; a book message older than the last quote gets that quote again
behind it, so that the touch never steps back.
"""

import struct
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

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
from aggressor.schema.errors import UnitError
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NO_TIME,
    SNAPSHOT,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import NOT_PLAIN, PARSED
from aggressor.venues.decoding.numbers import bounded
from aggressor.venues.decoding.parts import BookPart, Buffer
from aggressor.venues.decoding.window import keep_window, window_state
from aggressor.venues.text.levels import GRID, Grids, read_levels
from aggressor.venues.text.quick import Int, Text

WAITING_MAX = 10_000

ROW = struct.Struct("<qqqiBbBB")  # EVENT; filling it so costs a third of what NumPy takes
_LEVEL_BYTES_MIN = 6  # [1,2] and a comma
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


class Quote:
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


class PartBooks:
    """The books of up to 255 instruments, by lane; `numbers` are their EVENT.instrument."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        numbers: Sequence[int],
        policy: int,
        chain: int,
        window: int,
    ) -> None:
        """Align by `policy` and `chain` of `market.align`; `window` levels a side, 0 all."""
        count = max(len(instruments), 1)
        self.ts_venue = [NO_TIME] * len(instruments)
        self.quotes = [Quote() for _ in instruments]
        self.align = align_state(count, policy, chain)
        self.waiting_rows = 0  # that all waiting deltas may need
        self._instruments = list(instruments)
        self._numbers = list(numbers)
        self._grids = np.zeros(count, GRID)
        for k, one in enumerate(instruments):
            price, size = one.price_grid, one.size_grid
            self._grids[k] = (price.step, size.step, price.digits, size.digits)
        self._width = window
        self._window = window_state(count, window)
        self._waiting: list[list[BookPart]] = [[] for _ in instruments]
        self._text = np.zeros(1 << 16, np.uint8)
        self._stamp = empty_events(1)
        none = (self._text, 0, 0, self._grids, self.align, 0, 0, 0, 0)
        self._write_book = entry(write_book, *none, self._stamp, empty_events(1))

    def room(self, length: int) -> int:
        """Return how many rows a message of so many bytes may need now."""
        rows = length // _LEVEL_BYTES_MIN + 16 + self.waiting_rows
        return 2 * rows if self._width else rows

    def wants(self, k: int) -> bool:
        """Whether the book waits for a snapshot."""
        return bool(self.align[k]["phase"] == WAITING)

    def write(self, k: int, part: BookPart, ts_recv: int, out: Events) -> int:
        """Write one part of a book; return its rows. Raises UnitError, having judged nothing."""
        rows, verdict = self._judge(k, part, ts_recv, out)
        if verdict == BUFFER or (verdict == MISSING and self.align[k]["waiting"]):
            self._keep(k, part)
        if verdict in (APPLY, MISSING) and part.ts_venue != NO_TIME:
            self.ts_venue[k] = part.ts_venue
        if self._width and verdict in (APPLY, MISSING):
            rows = self._keep_window(k, part.snapshot or verdict == MISSING, out, rows)
        if verdict == APPLY and part.snapshot:
            waiting, self._waiting[k] = self._waiting[k], []
            self.waiting_rows -= sum(map(_rows_of, waiting))
            self.quotes[k].book_number = part.number
            for one in waiting:
                rows += self.write(k, one, ts_recv, out[rows:])
            return rows
        quote = self.quotes[k]
        if verdict == APPLY:
            quote.book_number = part.number
        if verdict == APPLY and rows and NO_ID != part.number < quote.number:
            rows += put_quote(out, rows, ts_recv, quote)
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
        ROW.pack_into(self._stamp.data, 0, *row)
        ids = (part.first, part.last, part.previous)
        return self._write_book(
            self._text, middle, stop, self._grids, self.align, k, *ids, self._stamp, out
        )

    def _plain(self, levels: Buffer) -> bytes:
        """Return levels with every number written out, without exponents, in quote marks."""
        decoded = msgspec.json.decode(levels, type=list[list[Decimal]], strict=False)
        rows = [[format(bounded(one), "f") for one in level[:2]] for level in decoded]
        return msgspec.json.encode(rows)

    def _keep(self, k: int, part: BookPart) -> None:
        """Keep a delta; it is the first that waits when the alignment counts one."""
        full = len(self._waiting[k]) >= WAITING_MAX
        if full or self.align[k]["waiting"] == 1:
            self._forget(k)
        if full:
            self.align[k]["waiting"] = 0
            return
        own = part._replace(bids=bytes(part.bids), asks=bytes(part.asks))
        self._waiting[k].append(own)
        self.waiting_rows += _rows_of(own)

    def _forget(self, k: int) -> None:
        self.waiting_rows -= sum(map(_rows_of, self._waiting[k]))
        self._waiting[k] = []

    def give_up(self, lanes: Sequence[int], ts_recv: int, out: Events) -> int:
        """Forget the books of these lanes; return the CLEAR rows written for those known."""
        rows = 0
        for k in lanes:
            if not self.wants(k):
                ts_venue = self.ts_venue[k]
                flags = GAP | LAST | (BAD_CLOCK if ts_venue == NO_TIME else 0)
                out[rows] = (ts_recv, ts_venue, 0, 0, CLEAR, 0, flags, self._numbers[k])
                rows += 1
            restart(self.align, k)
            self._forget(k)
            self.quotes[k] = Quote()
            self._window.held[k] = 0
        return rows

    def counts(self, k: int) -> dict[str, int]:
        """Return what alignment did so far."""
        return {name: int(self.align[k][name]) for name in _ALIGN_COUNTERS}

    def state(self, k: int) -> dict[str, Any]:
        """Return what joins the next recording without a gap, as plain values."""
        waiting = [
            part._replace(bids=bytes(part.bids).decode(), asks=bytes(part.asks).decode())
            for part in self._waiting[k]
        ]
        window = self._window
        return {
            "align": {name: int(self.align[k][name]) for name in _ALIGN_STATE},
            "ts_venue": self.ts_venue[k],
            "quote": self.quotes[k].state(),
            "window": [window.keys[k, s, : window.held[k, s]].tolist() for s in (0, 1)],
            "waiting": [list(part) for part in waiting],
        }

    def resume(self, k: int, kept: dict[str, Any]) -> None:
        """Go on from a state."""
        for name in _ALIGN_STATE:
            self.align[k][name] = kept["align"][name]
        self.ts_venue[k] = kept["ts_venue"]
        for side, keys in enumerate(kept.get("window", ([], []))):
            self._window.keys[k, side, : len(keys)] = keys
            self._window.held[k, side] = len(keys)
        self.quotes[k].resume(kept.get("quote", {}))
        self._forget(k)
        for fields in kept["waiting"]:
            part = BookPart(*fields)
            own = part._replace(bids=str(part.bids).encode(), asks=str(part.asks).encode())
            self._waiting[k].append(own)
            self.waiting_rows += _rows_of(own)


def put_quote(out: Events, row: int, ts_recv: int, quote: Quote) -> int:
    """Write a quote's two rows to out[row:]; return how many."""
    for i, fields in enumerate(quote.rows, start=row):
        ROW.pack_into(out.data, i * ROW.size, ts_recv, *fields)
    return len(quote.rows)


def _rows_of(part: BookPart) -> int:
    return (len(part.bids) + len(part.asks)) // _LEVEL_BYTES_MIN + 16
