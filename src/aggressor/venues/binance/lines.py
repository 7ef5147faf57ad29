"""Recorded lines and live messages to EVENT rows, in one compiled call.

A line is `<local time> <json>`, the time a whole number of ms, us or ns since 1970 told by its
magnitude; a live message is the JSON alone. The kernel goes on until the text ends, room runs out,
or something needs Python: an unknown kind or symbol, a message that waits for a snapshot, a
snapshot behind which others wait, or trouble. A line whose JSON closes is whole even without a line
feed; one that does not close and has no line feed behind it is left for the next call.

What a call works on is one state, the `Wire`, so that Python hands over one pointer: taking five
arrays apart takes longer than a small message does. The same call can put the rows into a book.
"""

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.market.book import BookState, run_book
from aggressor.schema.event import NO_TIME, Events
from aggressor.state import State
from aggressor.venues.binance.depth import write_depth, write_snapshot
from aggressor.venues.binance.fields import (
    BIDS,
    LAST_UPDATE_ID,
    STREAM,
    SYMBOL,
    find_fields,
    letter,
    word,
)
from aggressor.venues.binance.prints import write_quote, write_trade
from aggressor.venues.binance.tables import (
    AGGREGATE_TRADES,
    BROKEN,
    CHECKS,
    HINT_SURE,
    JSON_AT,
    LANE_OF,
    LOCAL_TIME,
    NO_ROOM,
    NO_SYMBOL,
    RARE,
    ROWS_BESIDE,
    SINGLE_TRADES,
    UNKNOWN_SYMBOL,
    USED,
    WHERE,
    Tables,
    find_lane,
    nanoseconds,
)
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import matches, read_int, skip_space, unquoted
from aggressor.venues.venue import Checks

_LINE_FEED = 10

_DEPTH, _BOOK_TICKER = word("depthUpdate"), word("bookTicker")
_TRADE, _AGG_TRADE = word("trade"), word("aggTrade")

_e, _s, _u, _B, _A = (letter(key) for key in "esuBA")


class Wire(State, frozen=True):
    """Text, and where its rows go: text (n,) uint8, out (m,) EVENT, checks (c,) CHECK."""

    text: Text
    tables: Tables
    out: Events
    checks: Checks
    book: BookState


@kernel_inline
def line_stop(text: Text, i: Int, stop: Int) -> Int:
    """Return the position of the line feed at or behind i, or stop."""
    while i < stop and text[i] != _LINE_FEED:
        i += 1
    return i


@kernel_inline
def read_local_time(text: Text, i: Int, stop: Int) -> tuple[Int, Int]:
    """Read the local time at i: (ns, position behind its blank), or (0, -1) if there is none."""
    end = i
    while end < stop and 48 <= text[end] <= 57:
        end += 1
    if end >= stop or text[end] != 32:
        return np.int64(0), -1
    value, good = read_int(text, i, end)
    if not good:
        return np.int64(0), -1
    return nanoseconds(value), end + 1


@kernel_inline
def _dispatch(
    text: Text,
    tables: Tables,
    ts_recv: Int,
    out: Events,
    row: Int,
    checks: Checks,
    hint: Int,
) -> tuple[Int, Int]:
    """Tell the kind of the message by its fields and write its rows: (row behind them, code)."""
    spans = tables.spans
    named = spans[0, _e] >= 0
    if not named and spans[0, LAST_UPDATE_ID] >= 0 and spans[0, BIDS] >= 0:
        k = hint & (HINT_SURE - 1) if hint >= 0 else -1
        if spans[0, SYMBOL] >= 0:
            k = find_lane(text, tables, SYMBOL)
            if k < 0:
                return row, UNKNOWN_SYMBOL
        elif k < 0 or (spans[0, STREAM] >= 0 and hint < HINT_SURE):
            return row, NO_SYMBOL
        tables.cursor[LANE_OF] = k
        return write_snapshot(text, tables, k, ts_recv, out, row, checks)
    if spans[0, _s] < 0:
        return row, RARE
    start, stop = unquoted(text, spans[0, _e], spans[1, _e])
    is_depth = named and matches(text, start, stop, _DEPTH)
    is_trade = named and matches(text, start, stop, _TRADE)
    is_aggregate = named and matches(text, start, stop, _AGG_TRADE)
    is_quote = (
        matches(text, start, stop, _BOOK_TICKER)
        if named
        else spans[0, _u] >= 0 and spans[0, _B] >= 0 and spans[0, _A] >= 0
    )
    if not (is_depth or is_trade or is_aggregate or is_quote):
        return row, RARE
    k = find_lane(text, tables, _s)
    if k < 0:
        return row, UNKNOWN_SYMBOL
    tables.cursor[LANE_OF] = k
    if is_depth:
        return write_depth(text, tables, k, ts_recv, out, row, checks)
    if is_quote:
        return write_quote(text, tables, k, ts_recv, out, row, checks)
    tape = SINGLE_TRADES if is_trade else AGGREGATE_TRADES
    return write_trade(text, tables, k, ts_recv, out, row, tape)


@kernel_inline
def _decode(
    text: Text,
    start: Int,
    stop: Int,
    ts_recv: Int,
    tables: Tables,
    out: Events,
    row: Int,
    checks: Checks,
    hint: Int,
) -> tuple[Int, Int, Int]:
    """Write the message at text[start] into out[row:]: (position behind it, row, code)."""
    end = find_fields(text, start, stop, tables.spans)
    if end < 0:
        tables.cursor[WHERE] = ~end
        return start, row, BROKEN
    tail = skip_space(text, end, stop)
    if tail < stop and text[tail] != _LINE_FEED:
        tables.cursor[WHERE] = tail
        return start, row, BROKEN
    if out.size - row < ROWS_BESIDE:
        return start, row, NO_ROOM
    if checks.size > 0 and tables.cursor[CHECKS] >= checks.size:
        return start, row, NO_ROOM
    row, code = _dispatch(text, tables, ts_recv, out, row, checks, hint)
    return end, row, code


@kernel
def decode_text(
    text: Text,
    start: Int,
    stop: Int,
    ts_recv: Int,
    tables: Tables,
    out: Events,
    row: Int,
    checks: Checks,
    hint: Int,
) -> tuple[Int, Int, Int, Int]:
    """Write the rows of text[start:stop]: (position, row, messages used, code of the last).

    `ts_recv` is NO_TIME where every line begins with its own. `hint` is the lane of an answer that
    names no symbol, -1 if unknown; plus HINT_SURE if the name of its stream has been looked at.

    USED: the text is done, up to a line that does not end. Codes below NO_ROOM: the position is
    behind that line's JSON. Other codes: the position is where that line begins. cursor holds its
    local time and where its JSON begins. Rows from the returned one on may hold scraps.
    """
    lines = 0
    i = start
    while i < stop:
        if text[i] <= 32:
            i += 1
            continue
        at = np.int64(ts_recv)
        begin = i
        if ts_recv == NO_TIME:
            at, begin = read_local_time(text, i, stop)
        code = BROKEN
        end = i
        if begin < 0:
            tables.cursor[WHERE] = i
        else:
            end, row, code = _decode(text, begin, stop, at, tables, out, row, checks, hint)
        if code == USED:
            i = end
            lines += 1
            continue
        tables.cursor[LOCAL_TIME] = at
        tables.cursor[JSON_AT] = begin
        if code < NO_ROOM:
            return end, row, lines + 1, code
        if code == BROKEN and ts_recv == NO_TIME and line_stop(text, i, stop) == stop:
            break
        return i, row, lines, code
    return i, row, lines, USED


@kernel
def carry(
    wire: Wire, start: Int, stop: Int, ts_recv: Int, row: Int, hint: Int, follow: Int
) -> tuple[Int, Int, Int, Int, Int, Int, Int, Int, Int]:
    """Write the rows of wire.text[start:stop] into wire.out[row:], as `decode_text`.

    With `follow` the rows are applied to the book; those before `done` are in it, `done` is below
    the returned row only where a level has no room. Returns (position, row, messages used, code,
    done, bid, its lots, ask, its lots): the top of the instrument that the last message was about.
    """
    tables = wire.tables
    at, rows, lines, code = decode_text(
        wire.text, start, stop, ts_recv, tables, wire.out, row, wire.checks, hint
    )
    done = rows
    k = np.int64(0)
    if follow:
        done = run_book(wire.out, row, rows, wire.book)
        k = np.int64(tables.lanes[tables.cursor[LANE_OF]]["instrument"])
    head = wire.book.head[k]
    bid, ask = np.int64(head["bid"]), np.int64(head["ask"])
    return at, rows, lines, code, done, bid, head["bid_lots"], ask, head["ask_lots"]
