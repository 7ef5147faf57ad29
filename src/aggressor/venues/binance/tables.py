"""State of a Binance decoder's kernels, and the fields of the message in hand read against it.

A decoder's state is a `Tables` of arrays:

    align    (n,)      ALIGN   sequence state of each instrument (market/align.py)
    lanes    (n,)      LANE    grid, ids, last quote and counters of each instrument
    slots    (1024,)   int64   open-addressed hash of symbol bytes -> lane + 1, 0 empty
    spans    (2, 64)   int64   where the members of the message in hand stand (fields.py)
    stamp    (1,)      EVENT   what the levels of one side of one message share
    cursor   (8,)      int64   CHECKS, LANE_OF, WHERE ...: see below
    holes    (n, 64, 2) int64  ids of prints that are missing: from, up to (holes.py)

A reader returns its value, or ~code (a negative number) of what is wrong, with the place or offset
of it in `cursor`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.market.align import NO_ID, Alignment
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_TIME, PRICE_MAX, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import PARSED, TOO_LARGE, parse_steps
from aggressor.state import State
from aggressor.venues.binance.fields import PLACES, letter
from aggressor.venues.text.levels import plain_number
from aggressor.venues.text.quick import Int, Text
from aggressor.venues.text.scan import hash_bytes, unquoted

SYMBOL_BYTES_MAX = 48
ROWS_BESIDE = 8  # rows a message may need beside its levels: CLEAR, prints, quotes
HOLES = 64  # that are remembered while a venue that shuts us out cannot be asked
SLOTS = 1024  # four times the most lanes: chains stay short

LANE = np.dtype(
    [
        ("price_step", "<i8"),
        ("size_step", "<i8"),
        ("price_digits", "<i4"),
        ("size_digits", "<i4"),
        ("ts_venue", "<i8"),  # last venue time seen, ns
        ("quote_u", "<i8"),
        ("quote_ts_venue", "<i8"),
        ("bid_lots", "<i8"),
        ("ask_lots", "<i8"),
        ("bid", "<i4"),
        ("ask", "<i4"),
        ("trade_id", "<i8"),
        ("trades", "<i8"),  # from here on: counters
        ("trades_dropped", "<i8"),
        ("trades_zero", "<i8"),
        ("trades_skipped", "<i8"),
        ("trade_gaps", "<i8"),
        ("quotes", "<i8"),
        ("quotes_stale", "<i8"),
        ("quotes_zero", "<i8"),
        ("partials", "<i8"),
        ("trades_late", "<i8"),  # brought by an answer
        ("trades_lost", "<i8"),  # not even by an answer
        ("holes", "<i8"),  # so far; the last HOLES are in `holes`
        ("tape", "u1"),  # which stream of trades counts: 0 none yet
        ("quoted", "u1"),  # the last quote has both sides
        ("depth_seen", "u1"),
        ("trade_gap", "u1"),  # ids are missing and no row has said so yet
        ("instrument", "u1"),
        ("symbol_bytes", "u1"),
        ("reserved", "u1", (2,)),
        ("symbol", "u1", (SYMBOL_BYTES_MAX,)),
    ]
)

HINT_SURE = 1 << 16  # added to a hint: the caller has looked at the name of the stream

SINGLE_TRADES = 1
AGGREGATE_TRADES = 2

# Places in `cursor`
CHECKS = 0  # in, out: rows of `checks` that are filled
LANE_OF = 1  # out: lane of the message
WHERE = 2  # out: offset of the trouble
WHY = 3  # out: the place of a missing field, or the code of schema.units
LOCAL_TIME = 4  # out: ns, of the line that needs Python
JSON_AT = 5  # out: where its JSON begins

# What became of a message
USED = 0
BUFFERED = 1  # it waits for a snapshot: the caller keeps it (behind a gap a CLEAR row was written)
ANCHORED = 2  # a snapshot was written: the caller offers what waited
NO_ROOM = 3  # `out` or `checks` is too small; nothing was used
RARE = 4  # not of the compiled kinds; nothing was used
UNKNOWN_SYMBOL = 5
NO_SYMBOL = 6  # a snapshot that names no symbol; nothing was used
BROKEN = 10  # not JSON, at WHERE
MISSING = 11  # field WHY is not there
NO_NUMBER = 12  # at WHERE, because of WHY
OTHER_VENUE = 13  # a futures message on spot

_ALIGN_STATE = ("last", "seen", "oldest", "oldest_previous", "waiting", "phase")
_ALIGN_COUNTERS = (
    "applied",
    "dropped",
    "buffered",
    "gaps",
    "snapshots",
    "snapshots_dropped",
    "snapshots_too_old",
)
_LANE_COUNTERS = (
    "trades",
    "trades_dropped",
    "trades_zero",
    "trades_skipped",
    "trade_gaps",
    "quotes",
    "quotes_stale",
    "quotes_zero",
    "partials",
    "trades_late",
    "trades_lost",
)
_LANE_STATE = (
    "ts_venue",
    "quote_u",
    "quote_ts_venue",
    "bid_lots",
    "ask_lots",
    "bid",
    "ask",
    "trade_id",
    "tape",
    "quoted",
    "depth_seen",
    "trade_gap",
)
_ID_MAX = 2**62
_MS_MAX = 9_000_000_000_000  # ms up to the year 2255; us from April 1970 on
_US_MAX = 9_000_000_000_000_000


_E, _T = letter("E"), letter("T")


class Tables(State, frozen=True):
    """Everything a decoder's kernels read and write."""

    align: Alignment
    lanes: NDArray[Any]
    slots: NDArray[np.int64]
    spans: NDArray[np.int64]
    stamp: Events
    cursor: NDArray[np.int64]
    holes: NDArray[np.int64]


@kernel_inline
def find_lane(text: Text, tables: Tables, place: Int) -> Int:
    """Return the lane of the symbol that stands at a place, or -1."""
    start, stop = unquoted(text, tables.spans[0, place], tables.spans[1, place])
    slot = hash_bytes(text, start, stop) & (SLOTS - 1)
    while tables.slots[slot] != 0:
        k = tables.slots[slot] - 1
        lane = tables.lanes[k]
        if lane["symbol_bytes"] == stop - start:
            same = True
            for j in range(stop - start):
                same = same and text[start + j] == lane["symbol"][j]
            if same:
                return k
        slot = (slot + 1) & (SLOTS - 1)
    return -1


@kernel
def _read(text: Text, tables: Tables, place: Int, digits: Int, step: Int, most: Int) -> Int:
    """Read the number at a place in steps of a grid; below 0: ~code of what is wrong."""
    spans = tables.spans
    if spans[0, place] < 0:
        tables.cursor[WHY] = place
        return ~MISSING
    start, stop = unquoted(text, spans[0, place], spans[1, place])
    end, units = plain_number(text, start, stop, digits)
    if end == stop and step == 1 and units <= most:
        return units
    steps, code = parse_steps(text, start, stop, digits, step)
    if code == PARSED and steps > most:
        code = TOO_LARGE
    if code != PARSED:
        tables.cursor[WHERE] = spans[0, place]
        tables.cursor[WHY] = code
        return ~NO_NUMBER
    return steps


@kernel_inline
def read_id(text: Text, tables: Tables, place: Int) -> Int:
    """Read the whole number at a place; below 0: ~code."""
    return _read(text, tables, place, 0, 1, _ID_MAX)


@kernel_inline
def read_price(text: Text, tables: Tables, k: Int, place: Int) -> Int:
    """Read the price at a place in ticks of lane k; below 0: ~code."""
    lane = tables.lanes[k]
    digits = np.int64(lane["price_digits"])
    return _read(text, tables, place, digits, lane["price_step"], PRICE_MAX)


@kernel_inline
def read_size(text: Text, tables: Tables, k: Int, place: Int) -> Int:
    """Read the size at a place in lots of lane k; below 0: ~code."""
    lane = tables.lanes[k]
    return _read(text, tables, place, np.int64(lane["size_digits"]), lane["size_step"], _ID_MAX)


@kernel_inline
def read_time(text: Text, tables: Tables) -> Int:
    """Read when the message happened at the venue, in ns: T, else E, else 0; below 0: ~code."""
    place = _T if tables.spans[0, _T] >= 0 else _E
    if tables.spans[0, place] < 0:
        return np.int64(0)
    value = read_id(text, tables, place)
    return value if value < 0 else nanoseconds(value)


@kernel_inline
def nanoseconds(value: Int) -> Int:
    """Return a time in ms, us or ns since 1970 as ns."""
    if value < _MS_MAX:
        return value * 1_000_000
    if value < _US_MAX:
        return value * 1_000
    return value


def empty_tables(instruments: Sequence[tuple[Instrument, int]], align: Alignment) -> Tables:
    """Return the tables of a decoder for these (instrument, EVENT.instrument)."""
    lanes = np.zeros(align.size, LANE)
    tables = Tables(
        align,
        lanes,
        np.zeros(SLOTS, np.int64),
        np.zeros((2, PLACES), np.int64),
        empty_events(1),
        np.zeros(8, np.int64),
        np.zeros((align.size, HOLES, 2), np.int64),
    )
    lanes["ts_venue"] = NO_TIME
    lanes["quote_u"] = lanes["trade_id"] = NO_ID
    for k, (instrument, number) in enumerate(instruments):
        lane = lanes[k]
        lane["price_digits"], lane["price_step"] = instrument.price_grid
        lane["size_digits"], lane["size_step"] = instrument.size_grid
        lane["instrument"] = number
        add_symbol(tables, k, instrument.symbol)
    return tables


def add_symbol(tables: Tables, k: int, symbol: str) -> None:
    """Let messages of `symbol` be found in lane k; raise ConfigError if its name is too long."""
    name = symbol.encode()
    if len(name) > SYMBOL_BYTES_MAX:
        raise ConfigError(f"The symbol {symbol} has over {SYMBOL_BYTES_MAX} bytes; leave it out.")
    lane = tables.lanes[k]
    lane["symbol_bytes"] = len(name)
    lane["symbol"][: len(name)] = np.frombuffer(name, np.uint8)
    slot = int(hash_bytes(lane["symbol"], 0, len(name))) & (SLOTS - 1)
    while tables.slots[slot]:
        slot = (slot + 1) & (SLOTS - 1)
    tables.slots[slot] = k + 1


def lane_counts(tables: Tables, k: int) -> dict[str, int]:
    """Return the counters of lane k."""
    align, lane = tables.align[k], tables.lanes[k]
    counts = {name: int(align[name]) for name in _ALIGN_COUNTERS}
    return counts | {name: int(lane[name]) for name in _LANE_COUNTERS}


def lane_state(tables: Tables, k: int) -> dict[str, Any]:
    """Return what lane k must remember, as plain numbers."""
    align, lane = tables.align[k], tables.lanes[k]
    return {
        "align": {name: int(align[name]) for name in _ALIGN_STATE},
        "lane": {name: int(lane[name]) for name in _LANE_STATE},
        "holes": [[int(one) for one in hole] for hole in tables.holes[k]],
    }


def resume_lane(tables: Tables, k: int, state: dict[str, Any]) -> None:
    """Give lane k back what `lane_state` returned."""
    for name in _ALIGN_STATE:
        tables.align[k][name] = state["align"][name]
    for name in _LANE_STATE:
        tables.lanes[k][name] = state["lane"][name]
    if holes := state.get("holes"):
        tables.holes[k, HOLES - len(holes) :] = holes
        tables.lanes[k]["holes"] = HOLES
