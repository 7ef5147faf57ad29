"""Prints and quotes of Binance to EVENT rows: trade, aggTrade, bookTicker.

Rules. Ids of trades count up by one, else GAP on the next row. The tape seen first (trade or
aggTrade) is the instrument's, the other is skipped. Of an aggTrade the part that met orders outside
the public book (`q` less `nq`) is a row of its own. A QUOTE is written only when its id is newer
than the book's, and again behind every depth message that is older than it; none while a book that
had depth waits for a snapshot. Prints at price or size 0 and quotes with an empty side are left out
and counted. Where the venue states no time, a row carries the last one seen for its instrument, or
NO_TIME with BAD_CLOCK; none is invented.
"""

from aggressor.kernel import kernel_inline
from aggressor.market.align import NO_ID, WAITING
from aggressor.schema.event import (
    ASK,
    BAD_CLOCK,
    BATCHED,
    BID,
    BUY,
    GAP,
    LAST,
    NO_TIME,
    NOT_FLOW,
    QUOTE,
    RPI,
    SELL,
    TRADE,
    Events,
)
from aggressor.venues.binance.fields import PLAIN_SIZE, letter, word
from aggressor.venues.binance.tables import (
    AGGREGATE_TRADES,
    CHECKS,
    HOLES,
    MISSING,
    SINGLE_TRADES,
    USED,
    WHY,
    Tables,
    read_id,
    read_price,
    read_size,
    read_time,
)
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import matches, unquoted
from aggressor.venues.venue import CHECK_QUOTE, Checks

_MARKET = word("MARKET")

_u, _b, _B, _a, _A = (letter(key) for key in "ubBaA")
_p, _q, _t, _m, _X = (letter(key) for key in "pqtmX")


@kernel_inline
def write_row(
    out: Events,
    row: Int,
    ts_recv: Int,
    ts_venue: Int,
    size: Int,
    price: Int,
    kind: Int,
    side: Int,
    flags: Int,
    instrument: Int,
) -> None:
    """Write one EVENT row."""
    event = out[row]
    event["ts_recv"] = ts_recv
    event["ts_venue"] = ts_venue
    event["size"] = size
    event["price"] = price
    event["kind"] = kind
    event["side"] = side
    event["flags"] = flags | (BAD_CLOCK if ts_venue == NO_TIME else 0)
    event["instrument"] = instrument


@kernel_inline
def write_last_quote(tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int) -> Int:
    """Write the last quote of lane k as two rows; return the row behind them."""
    lane = tables.lanes[k]
    at = lane["quote_ts_venue"]
    number = lane["instrument"]
    write_row(out, row, ts_recv, at, lane["bid_lots"], lane["bid"], QUOTE, BID, 0, number)
    write_row(out, row + 1, ts_recv, at, lane["ask_lots"], lane["ask"], QUOTE, ASK, LAST, number)
    return row + 2


@kernel_inline
def requote(tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int) -> Int:
    """Repeat the last quote behind a depth message that is older than it."""
    lane = tables.lanes[k]
    if lane["quoted"] != 0 and lane["quote_u"] > tables.align[k]["last"]:
        return write_last_quote(tables, k, ts_recv, out, row)
    return row


@kernel_inline
def known_time(tables: Tables, k: Int, ts_venue: Int) -> Int:
    """Return the message's venue time, or the last one seen where it states none."""
    if ts_venue == 0:
        return tables.lanes[k]["ts_venue"]
    tables.lanes[k]["ts_venue"] = ts_venue
    return ts_venue


@kernel_inline
def note_check(tables: Tables, k: Int, checks: Checks, row: Int, u: Int, kind: Int) -> Int:
    """Add a row to `checks` if there are any; return its index or -1."""
    if checks.size == 0:
        return -1
    i = tables.cursor[CHECKS]
    check = checks[i]
    check["row"] = row
    check["u"] = u
    check["kind"] = kind
    check["instrument"] = tables.lanes[k]["instrument"]
    tables.cursor[CHECKS] = i + 1
    return i


@kernel_inline
def write_trade(
    text: Text, tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int, tape: Int
) -> tuple[Int, Int]:
    """Write a trade or an aggTrade: (row behind it, code)."""
    number = read_id(text, tables, _t if tape == SINGLE_TRADES else _a)
    if number < 0:
        return row, ~number
    price = read_price(text, tables, k, _p)
    if price < 0:
        return row, ~price
    size = read_size(text, tables, k, _q)
    if size < 0:
        return row, ~size
    plain = size
    if tables.spans[0, PLAIN_SIZE] >= 0:
        plain = read_size(text, tables, k, PLAIN_SIZE)
        if plain < 0:
            return row, ~plain
    ts_venue = read_time(text, tables)
    if ts_venue < 0:
        return row, ~ts_venue
    if tables.spans[0, _m] < 0:
        tables.cursor[WHY] = _m
        return row, MISSING
    lane = tables.lanes[k]
    if lane["tape"] == 0:
        lane["tape"] = tape
    if lane["tape"] != tape:
        lane["trades_skipped"] += 1
        return row, USED
    if number <= lane["trade_id"]:
        lane["trades_dropped"] += 1
        return row, USED
    if lane["trade_id"] != NO_ID and number != lane["trade_id"] + 1:
        hole = tables.holes[k, lane["holes"] & (HOLES - 1)]
        if hole[0] < hole[1]:  # the oldest that is open gives way
            lane["trades_lost"] += hole[1] - hole[0]
        hole[0] = lane["trade_id"] + 1
        hole[1] = number
        lane["holes"] += 1
        lane["trade_gaps"] += 1
        lane["trade_gap"] = 1
    lane["trade_id"] = number
    ts_venue = known_time(tables, k, ts_venue)
    if price == 0 or size == 0:
        lane["trades_zero"] += 1
        return row, USED
    return _write_print(text, tables, k, ts_recv, ts_venue, price, size, plain, out, row), USED


@kernel_inline
def _write_print(
    text: Text,
    tables: Tables,
    k: Int,
    ts_recv: Int,
    ts_venue: Int,
    price: Int,
    size: Int,
    plain: Int,
    out: Events,
    row: Int,
) -> Int:
    """Write a print, in two rows where part of it never rested in the public book."""
    lane = tables.lanes[k]
    flags = GAP if lane["trade_gap"] != 0 else 0
    lane["trade_gap"] = 0
    lane["trades"] += 1
    side = SELL if text[tables.spans[0, _m]] == 116 else BUY  # "true": the buyer was the maker
    if lane["tape"] == AGGREGATE_TRADES:
        flags |= BATCHED
    if tables.spans[0, _X] >= 0:
        start, stop = unquoted(text, tables.spans[0, _X], tables.spans[1, _X])
        if not matches(text, start, stop, _MARKET):
            flags |= NOT_FLOW
    number = lane["instrument"]
    if plain >= size:
        write_row(out, row, ts_recv, ts_venue, size, price, TRADE, side, flags | LAST, number)
        return row + 1
    if plain > 0:
        write_row(out, row, ts_recv, ts_venue, plain, price, TRADE, side, flags, number)
        flags &= ~GAP
        row += 1
    rest = size - plain
    write_row(out, row, ts_recv, ts_venue, rest, price, TRADE, side, flags | RPI | LAST, number)
    return row + 1


@kernel_inline
def write_quote(
    text: Text, tables: Tables, k: Int, ts_recv: Int, out: Events, row: Int, checks: Checks
) -> tuple[Int, Int]:
    """Write a bookTicker if it is news: (row behind it, code)."""
    u = read_id(text, tables, _u)
    if u < 0:
        return row, ~u
    bid = read_price(text, tables, k, _b)
    if bid < 0:
        return row, ~bid
    bid_lots = read_size(text, tables, k, _B)
    if bid_lots < 0:
        return row, ~bid_lots
    ask = read_price(text, tables, k, _a)
    if ask < 0:
        return row, ~ask
    ask_lots = read_size(text, tables, k, _A)
    if ask_lots < 0:
        return row, ~ask_lots
    ts_venue = read_time(text, tables)
    if ts_venue < 0:
        return row, ~ts_venue
    i = note_check(tables, k, checks, row, u, CHECK_QUOTE)
    if i >= 0:
        checks[i]["bid"] = bid
        checks[i]["ask"] = ask
        checks[i]["bid_lots"] = bid_lots
        checks[i]["ask_lots"] = ask_lots
    lane = tables.lanes[k]
    if u <= lane["quote_u"]:
        lane["quotes_stale"] += 1
        return row, USED
    lane["quote_u"] = u
    lane["quote_ts_venue"] = known_time(tables, k, ts_venue)
    lane["bid"] = bid
    lane["ask"] = ask
    lane["bid_lots"] = bid_lots
    lane["ask_lots"] = ask_lots
    lane["quoted"] = 1 if bid > 0 and ask > 0 and bid_lots > 0 and ask_lots > 0 else 0
    if lane["quoted"] == 0:
        lane["quotes_zero"] += 1
        return row, USED
    bookless = lane["depth_seen"] != 0 and tables.align[k]["phase"] == WAITING
    if bookless or u <= tables.align[k]["last"]:
        lane["quotes_stale"] += 1
        return row, USED
    lane["quotes"] += 1
    return write_last_quote(tables, k, ts_recv, out, row), USED
