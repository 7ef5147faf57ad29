"""Depth of Binance to EVENT rows: depthUpdate and REST snapshots, through the alignment.

A depth message is its bids, then its asks, as LEVEL rows in the order sent, the last with LAST. A
snapshot is a CLEAR row, then its levels with SNAPSHOT. Behind a gap stands one CLEAR row with GAP.
Levels at price 0 are left out. The levels are read before the alignment is asked, so a message that
is wrong anywhere changes nothing.
"""

from aggressor.kernel import kernel, kernel_inline
from aggressor.market.align import (
    APPLY,
    DROP,
    NO_ID,
    PREVIOUS_LINK,
    on_delta,
    on_snapshot,
)
from aggressor.market.align import GAP as SEQUENCE_GAP
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
)
from aggressor.schema.units import PARSED
from aggressor.venues.binance.fields import (
    ASKS,
    BIDS,
    LAST_UPDATE_ID,
    PREVIOUS_U,
    STREAM,
    letter,
    word,
)
from aggressor.venues.binance.prints import known_time, note_check, requote, write_row
from aggressor.venues.binance.tables import (
    ANCHORED,
    BROKEN,
    BUFFERED,
    MISSING,
    NO_NUMBER,
    NO_ROOM,
    OTHER_VENUE,
    ROWS_BESIDE,
    USED,
    WHERE,
    WHY,
    Tables,
    read_id,
    read_time,
)
from aggressor.venues.text.levels import MALFORMED, read_levels
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import matches
from aggressor.venues.venue import CHECK_DEPTH, Checks

_LEVEL_BYTES = 8  # no level is written shorter: ["1","2"]

_AT_DEPTH = word("@depth")

_U, _u, _b, _a = (letter(key) for key in "Uuba")


@kernel_inline
def _is_partial(text: Text, tables: Tables) -> bool:
    """Say whether the message is of a stream of the top 5, 10 or 20 levels, which is not a diff."""
    start = tables.spans[0, STREAM]
    if start < 0:
        return False
    stop = tables.spans[1, STREAM] - 1
    i = start
    while i + _AT_DEPTH.size < stop:
        if text[i] == 64 and matches(text, i, i + _AT_DEPTH.size, _AT_DEPTH):
            digit = text[i + _AT_DEPTH.size]
            return bool(digit >= 48 and digit <= 57)
        i += 1
    return False


@kernel_inline
def _book_room(tables: Tables, bids: Int, asks: Int) -> Int:
    """Return how many rows a book message can need at most."""
    length = tables.spans[1, bids] - tables.spans[0, bids]
    length += tables.spans[1, asks] - tables.spans[0, asks]
    return length // _LEVEL_BYTES + ROWS_BESIDE


@kernel
def _write_levels(
    text: Text, tables: Tables, k: Int, bids: Int, asks: Int, flags: Int, out: Events, row: Int
) -> tuple[Int, Int]:
    """Write both sides of a book message as LEVEL rows without times: (row behind them, code)."""
    stamp = tables.stamp[0]
    stamp["kind"] = LEVEL
    stamp["flags"] = flags
    stamp["instrument"] = tables.lanes[k]["instrument"]
    for side in range(2):
        place = bids if side == 0 else asks
        start = tables.spans[0, place]
        if start < 0:
            tables.cursor[WHY] = place
            return row, MISSING
        stop = tables.spans[1, place]
        stamp["side"] = BID if side == 0 else ASK
        row, code, where = read_levels(text, start, stop, tables.lanes, k, tables.stamp, out, row)
        if code == PARSED and where != stop:
            code = MALFORMED
        if code != PARSED:
            tables.cursor[WHERE] = where
            tables.cursor[WHY] = code
            return row, BROKEN if code == MALFORMED else NO_NUMBER
    return row, USED


@kernel_inline
def _stamp_rows(out: Events, start: Int, stop: Int, ts_recv: Int, ts_venue: Int) -> None:
    """Give the rows of one message their times, and the last its LAST."""
    for i in range(start, stop):
        out[i]["ts_recv"] = ts_recv
        out[i]["ts_venue"] = ts_venue
    out[stop - 1]["flags"] |= LAST


@kernel_inline
def write_depth(
    text: Text, tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int, checks: Checks
) -> tuple[Int, Int]:
    """Write a depthUpdate: (row behind it, code)."""
    if _is_partial(text, tables):
        tables.lanes[k]["partials"] += 1
        return row, USED
    previous = NO_ID
    if (tables.spans[0, PREVIOUS_U] >= 0) != (tables.align[k]["chain"] == PREVIOUS_LINK):
        return row, OTHER_VENUE
    if tables.spans[0, PREVIOUS_U] >= 0:
        previous = read_id(text, tables, PREVIOUS_U)
        if previous < 0:
            return row, ~previous
    first = read_id(text, tables, _U)
    if first < 0:
        return row, ~first
    last = read_id(text, tables, _u)
    if last < 0:
        return row, ~last
    ts_venue = read_time(text, tables)
    if ts_venue < 0:
        return row, ~ts_venue
    if out.size - row < _book_room(tables, _b, _a):
        return row, NO_ROOM
    end, code = _write_levels(text, tables, k, _b, _a, 0, out, row)
    if code != USED:
        return row, code
    lane = tables.lanes[k]
    lane["depth_seen"] = 1
    ts_venue = known_time(tables, k, ts_venue)
    verdict = on_delta(tables.align, k, first, last, previous)
    if verdict == DROP:
        return row, USED
    if verdict == SEQUENCE_GAP:
        number = lane["instrument"]
        write_row(out, row, ts_recv, ts_venue, 0, 0, CLEAR, 0, GAP | LAST, number)
        return row + 1, BUFFERED
    if verdict != APPLY:
        return row, BUFFERED
    if end == row:
        return row, USED
    _stamp_rows(out, row, end, ts_recv, ts_venue)
    note_check(tables, k, checks, end - 1, last, CHECK_DEPTH)
    return requote(tables, k, ts_recv, out, end), USED


@kernel_inline
def write_snapshot(
    text: Text, tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int, checks: Checks
) -> tuple[Int, Int]:
    """Write a REST snapshot: (row behind it, code)."""
    last = read_id(text, tables, LAST_UPDATE_ID)
    if last < 0:
        return row, ~last
    ts_venue = read_time(text, tables)
    if ts_venue < 0:
        return row, ~ts_venue
    if out.size - row < _book_room(tables, BIDS, ASKS):
        return row, NO_ROOM
    end, code = _write_levels(text, tables, k, BIDS, ASKS, SNAPSHOT, out, row + 1)
    if code != USED:
        return row, code
    lane = tables.lanes[k]
    lane["depth_seen"] = 1
    if on_snapshot(tables.align, k, last) != APPLY:
        return row, USED
    ts_venue = known_time(tables, k, ts_venue)
    number = lane["instrument"]
    write_row(out, row, ts_recv, ts_venue, 0, 0, CLEAR, 0, SNAPSHOT, number)
    _stamp_rows(out, row, end, ts_recv, ts_venue)
    if ts_venue == NO_TIME:
        for i in range(row, end):
            out[i]["flags"] |= BAD_CLOCK
    note_check(tables, k, checks, end - 1, last, CHECK_DEPTH)
    return requote(tables, k, ts_recv, out, end), ANCHORED
