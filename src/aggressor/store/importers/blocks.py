"""Rows of a table of text on their way to EVENT rows, and what is shared by those who make them.

A `Block` is some rows of one instrument in the order of the file, as integers; a maker turns blocks
into EVENT rows. All rows of one receive time are in one block, so a message is never torn apart.
A `Format` says of one kind of file what its columns are and who makes its rows.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    QUOTE,
    SNAPSHOT,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument
from aggressor.store.importers.exact import NOTHING, CellError, Ints, arrow

NO_SIZE = "a row of size 0"
NOT_SAID = "a row without a price or a size"
UNKNOWN_BOOK = "a change of a book of which no picture came before"

Bools = NDArray[np.bool_]


class Order(IntEnum):
    """Which rows go first where receive times are equal: a print before the level it took from."""

    TRADES = 0
    LIQUIDATIONS = 1
    BOOK = 2
    QUOTES = 3
    RARE = 4


class Block(NamedTuple):
    """Some rows of one instrument: times (n,) int64 ns, numbers by column (n,), text by column."""

    ts_recv: Ints
    ts_venue: Ints
    steps: dict[str, Ints]  # ticks and lots; NOTHING where blank
    text: dict[str, Any]
    instrument: Instrument
    skipped: Counter[str]


class RowMaker(Protocol):
    """Turns the blocks of one instrument and one file into EVENT rows."""

    def __call__(self, block: Block) -> Events:
        """Return the rows of a block, in its order of time."""
        ...


class Format(NamedTuple):
    """One kind of file: its columns, where its times stand, and who makes its rows."""

    name: str
    header: tuple[str, ...]  # columns it must have; others are passed over
    order: Order
    maker: Callable[[], RowMaker]
    times: Callable[[Mapping[str, Any]], tuple[Ints, Ints]]  # (ts_recv, ts_venue)
    time_column: str  # for what is said of times out of order
    venue: str  # of this maker of files: tardis, binance, bybit
    prices: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    symbol: str = ""  # column that names it; "": the name of the file does
    recorded: bool = False  # receive times are those of a recorder
    unsorted: bool = False  # published so, and small: put in order here
    book: bool = False
    pictures: bool = False
    day_only: bool = False  # rows that are known only on the next day are left out
    bare: Callable[[list[str]], tuple[str, ...] | None] | None = None  # columns without a header


def coded(values: Any, codes: Mapping[str, int], what: str) -> Ints:
    """Return a column of words as numbers, whatever their case; raise CellError for others."""
    words = arrow("utf8_lower", values)
    options = pc.SetLookupOptions(pa.array(list(codes)))
    found = np.asarray(pc.call_function("index_in", [words], options).fill_null(-1))
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        raise CellError(row, values[row].as_py(), f"is not {what} ({', '.join(codes)})")
    return np.array(list(codes.values()), np.int64)[found]


def rows_of(block: Block, kind: int, chosen: Bools) -> Events:
    """Return rows of the chosen lines with their times, one message each."""
    out = empty_events(int(chosen.sum()))
    out["ts_recv"], out["ts_venue"] = block.ts_recv[chosen], block.ts_venue[chosen]
    out["kind"], out["flags"] = kind, LAST
    return out


def present(block: Block, *columns: str) -> Bools:
    """Return where all these columns say something; count the others."""
    said = np.ones(len(block.ts_recv), bool)
    for column in columns:
        said &= block.steps[column] != NOTHING
    if missing := int((~said).sum()):
        block.skipped[NOT_SAID] += missing
    return said


def above_zero(block: Block, size: str, chosen: Bools) -> Bools:
    """Return the chosen lines whose size is above 0; count the others."""
    found = chosen & (block.steps[size] > 0)
    if empty := int((chosen & ~found).sum()):
        block.skipped[NO_SIZE] += empty
    return found


def side_by_side(left: Events, right: Events) -> Events:
    """Return left[0], right[0], left[1], ...; equally many of both."""
    out = empty_events(2 * len(left))
    out[0::2], out[1::2] = left, right
    return out


class Quotes:
    """QUOTE rows of a table with best bid and ask: two each, as a venue's best quotes."""

    def __init__(self, bid: str, bid_size: str, ask: str, ask_size: str) -> None:
        self._columns = (bid, bid_size, ask, ask_size)

    def __call__(self, block: Block) -> Events:
        """Return two rows for every line that has both sides."""
        chosen = present(block, *self._columns)
        bid, bid_size, ask, ask_size = (block.steps[name][chosen] for name in self._columns)
        bids, asks = rows_of(block, QUOTE, chosen), rows_of(block, QUOTE, chosen)
        bids["price"], bids["size"], bids["side"], bids["flags"] = bid, bid_size, BID, 0
        asks["price"], asks["size"], asks["side"] = ask, ask_size, ASK
        return side_by_side(bids, asks)


class BookRows:
    """LEVEL rows of a book told as pictures and changes, with the CLEAR rows they need.

    Lines of one receive time, and of one kind (picture or change), are one message. A picture
    behind changes begins the book anew: one CLEAR; with `gaps` it means that the recorder lost its
    connection, and a CLEAR with GAP goes before. Changes that no picture came before are left out.
    """

    def __init__(self, gaps: bool) -> None:
        self._gaps = gaps
        self._known = False
        self._in_picture = False

    def lost(self) -> None:
        """Say that the book is not known from here on."""
        self._known = self._in_picture = False

    def rows(
        self, levels: Events, picture: Bools, skipped: Counter[str], fresh: Bools | None = None
    ) -> Events:
        """Return rows of whole messages; `levels` have times, prices, sizes and sides.

        picture (n,) bool: whether a line is of a picture; lines of size 0 in one are left out.
        fresh (n,) bool: where a picture begins that stands right behind another.
        """
        if not len(levels):
            return levels
        if not self._known:
            first = int(np.argmax(picture)) if picture.any() else len(levels)
            if first:
                skipped[UNKNOWN_BOOK] += first
            levels, picture = levels[first:], picture[first:]
            fresh = None if fresh is None else fresh[first:]
            if not len(levels):
                return levels
        before = np.concatenate(([self._in_picture], picture[:-1]))
        opens = picture & (~before if fresh is None else ~before | fresh)
        breaks = opens | (picture != before)
        breaks[1:] |= levels["ts_recv"][1:] != levels["ts_recv"][:-1]
        levels["kind"] = LEVEL
        levels["flags"] = np.where(picture, SNAPSHOT, 0)
        again = opens.copy()
        if not self._known and opens.any():
            again[int(np.argmax(opens))] = False
        kept = ~(picture & (levels["size"] == 0))
        ends = np.append(breaks[1:], True)
        self._known, self._in_picture = True, bool(picture[-1])
        return with_clears(levels, opens, again & self._gaps, kept, ends)


def with_clears(levels: Events, opens: Bools, again: Bools, kept: Bools, ends: Bools) -> Events:
    """Return LEVEL rows with a CLEAR before each of `opens`, and LAST at the end of every message.

    Before the CLEAR of `again` (some of `opens`) goes one with GAP. Rows that are not `kept` are
    left out. All (n,) bool.
    """
    counts = opens.astype(np.int64) + again + kept
    stops = np.cumsum(counts)
    starts, at = stops - counts, stops - 1
    out = empty_events(int(stops[-1]))
    out[at[kept]] = levels[kept]
    for places, lines, flags in (
        ((starts + again)[opens], opens, 0),
        (starts[again], again, GAP | LAST),
    ):
        out["ts_recv"][places] = levels["ts_recv"][lines]
        out["ts_venue"][places] = levels["ts_venue"][lines]
        out["kind"][places], out["flags"][places] = CLEAR, flags
    last = at[ends]  # of a message whose last line is left out, the one before it
    out["flags"][last[last >= 0]] |= LAST
    return out
