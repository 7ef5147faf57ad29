"""Bars: when one closes, what it measures, and how good its data was.

A *series* is one (instrument lane, bar spec) pair. Its open bar lives in one SERIES record; a
closed bar is one BAR record. The pieces here are pure arithmetic on these records; `footprint`
composes them with the price cells.

Closing rules (R4.1; input is prints):

* time: [k D, (k+1) D) UTC of ts_venue. It closes on the first trade of a later bar, or when any
  event of the instrument shows a venue time past its end plus a grace. Bars without a trade are
  emitted with volume 0 and OHLC = the last close, at most EMPTY_MAX in a row. A trade that comes
  for a bar already closed is counted in the open bar and marks it.
* ticks: N prints. Volume: exactly V lots, the crossing print is split. Dollar: the first whole lot
  that brings the notional to at least D closes the bar, the rest of the print opens the next one.

A print counts once in every bar it touches. Trades that nobody chose to make (NOT_FLOW) and trades
without a size are left out and counted in `excluded`. Volume of unknown side is in `volume` and
`unknown`, never in `delta`.

Quality is the worst of the reasons a bar carries: `stale` (the feed was silent for longer than the
limit at some moment of the bar, or the venue flagged a trade stale) over `partial` (a time bar that
began before the recording or reaches over a hole in the trade ids; any bar still open at the end)
over `inferred` (a hole in the trade ids with trades of the same bar on both sides, a trade of
unknown side, with a bad clock, or too late for its own bar) over `full`. A hole between two bars
counted by content takes nothing from either: both are full.

Units: prices ticks, sizes lots, times ns. `moment` is the sum of (price - open) x size, exact;
`square` the sum of (price - open)^2 x size as a float. Source: R3.1, R3.2, R4.1, R4.7.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel_inline
from aggressor.schema.errors import ConfigError, UnitError
from aggressor.schema.event import BAD_CLOCK, GAP, NO_PRICE, NO_TIME, NOT_FLOW, STALE, TRADE
from aggressor.schema.instrument import ContractKind, Instrument

TIME = 1
TICKS = 2
VOLUME = 3
DOLLAR = 4

DAY_NS = 86_400_000_000_000
NEVER_NS = 2**63 - 1
EMPTY_MAX = 100_000  # empty bars in a row: a day of 1 s bars; a longer silence is a hole
SIZE_PLAIN = 1 << 31  # lots; larger prints take the careful path
LIMIT_MAX = 1 << 61

STARTS_INSIDE = 1  # the recording began after the bar did
ENDS_INSIDE = 2  # the recording ended before the bar did
GAP_INSIDE = 4  # trade ids are missing between two trades of this bar
GAP_AT_EDGE = 8  # trade ids are missing across an end of this bar
UNKNOWN_SIDE = 16
LATE = 32  # holds a trade of a bar already closed
CLOCK = 64  # holds a trade whose venue time is not to be believed
SILENT = 128  # nothing was heard for longer than the limit

FULL, INFERRED, PARTIAL, STALE_FEED = 0, 1, 2, 3
QUALITY_NAMES = {FULL: "full", INFERRED: "inferred", PARTIAL: "partial", STALE_FEED: "stale"}

_PARTIAL_REASONS = STARTS_INSIDE | ENDS_INSIDE | GAP_AT_EDGE
_IRREGULAR_FLAGS = GAP | STALE | BAD_CLOCK | NOT_FLOW

BAR = np.dtype(
    [
        ("open_ns", "<i8"),  # start of a time bar; else ts_venue of the first print
        ("close_ns", "<i8"),  # end of a time bar, exclusive; else ts_venue of the last print
        ("known_ns", "<i8"),  # ts_recv of the event that closed it
        ("volume", "<i8"),
        ("delta", "<i8"),
        ("delta_min", "<i8"),
        ("delta_max", "<i8"),
        ("cvd", "<i8"),  # since 00:00 UTC, at the close
        ("unknown", "<i8"),  # lots of unknown side, part of volume
        ("trades", "<i8"),
        ("moment", "<i8"),
        ("vwap", "<f8"),  # ticks; the last close when nothing traded
        ("sigma", "<f8"),  # ticks, population, weighted by volume
        ("first_cell", "<i8"),  # where its cells begin
        ("cells", "<i4"),
        ("open", "<i4"),
        ("high", "<i4"),
        ("low", "<i4"),
        ("close", "<i4"),
        ("poc", "<i4"),  # lowest tick of its row; NO_PRICE when nothing traded, as the next two
        ("val", "<i4"),
        ("vah", "<i4"),
        ("excluded", "<i4"),  # trades left out
        ("reasons", "u1"),
        ("quality", "u1"),
        ("instrument", "u1"),
        ("series", "u1"),  # index of the series in its state
    ]
)

SERIES = np.dtype(
    [
        ("lane", "<i8"),
        ("kind", "<i8"),
        ("limit", "<i8"),  # prints, lots or tick-lots; NEVER_NS for time bars
        ("span_ns", "<i8"),  # of a time bar
        ("row_ticks", "<i8"),
        ("magic", "<u8"),  # row = (distance x magic) >> shift
        ("shift", "<u8"),
        ("grace_ns", "<i8"),
        ("silence_ns", "<i8"),
        ("share_ppm", "<i8"),
        ("value_step", "<i8"),
        ("both_on_tie", "<i8"),
        ("started", "<i8"),
        ("open_ns", "<i8"),
        ("end_ns", "<i8"),  # of a time bar; NEVER_NS for the others
        ("early_ns", "<i8"),  # a plain trade is not before this
        (
            "edge_ns",
            "<i8",
        ),  # and is before this: end of bar or day; NO_TIME until the bar's first trade
        ("day_end_ns", "<i8"),
        ("origin", "<i8"),  # ticks: price of row 0 of the scratch
        ("open", "<i8"),
        ("high", "<i8"),
        ("low", "<i8"),
        ("close", "<i8"),
        ("volume", "<i8"),
        ("delta", "<i8"),
        ("delta_min", "<i8"),
        ("delta_max", "<i8"),
        ("trades", "<i8"),
        ("moment", "<i8"),
        ("square", "<f8"),
        ("measure", "<i8"),  # what is counted towards `limit`
        ("last_ns", "<i8"),  # ts_venue of the last trade
        ("unknown", "<i8"),
        ("excluded", "<i8"),
        ("reasons", "<i8"),
        ("carry", "<i8"),  # reasons of the bars that open during the event in hand
        ("cvd_before", "<i8"),  # CVD = cvd_before + delta
        ("seen_ns", "<i8"),  # first venue time of the recording
        ("quiet_ns", "<i8"),  # an event after this ends a silence
        ("closed", "<i8"),
        ("drained", "<i8"),
        ("cells_written", "<i8"),
        ("cells_drained", "<i8"),
    ]
)


class BarSpec(NamedTuple):
    """When a bar closes."""

    kind: int  # TIME, TICKS, VOLUME or DOLLAR
    limit: int  # ns, prints, lots or tick-lots
    text: str


class OpenBar(NamedTuple):
    """The running values of an open bar, kept in registers by batch kernels."""

    open: Int
    high: Int
    low: Int
    volume: Int
    delta: Int
    delta_min: Int
    delta_max: Int
    moment: Int
    square: float


_SPANS_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def bar_spec(text: str, instrument: Instrument) -> BarSpec:
    """Read `1m`, `5s`, `250ms`, `4h`, `500t`, `50v` or `1000000d`; raise ConfigError if it is none.

    `v` is in the instrument's size unit, `d` in quote currency (a day is `24h`).
    """
    unit = text.lstrip("0123456789.")
    try:
        amount = Decimal(text[: len(text) - len(unit)])
    except InvalidOperation:
        raise _bad_spec(text, "it has no number") from None
    if amount <= 0:
        raise _bad_spec(text, "its number must be above zero")
    if unit in _SPANS_NS or unit == "t":
        limit = Fraction(amount) * _SPANS_NS.get(unit, 1)
        if limit.denominator != 1:
            raise _bad_spec(text, "it must be a whole number")
        return _checked(BarSpec(TICKS if unit == "t" else TIME, int(limit), text))
    if unit == "v":
        try:
            return _checked(BarSpec(VOLUME, instrument.lots(amount), text))
        except UnitError as error:
            raise _bad_spec(text, str(error)) from None
    if unit == "d":
        lot = Fraction(instrument.lot) * Fraction(instrument.multiplier)
        if instrument.kind is ContractKind.INVERSE:
            return _checked(BarSpec(VOLUME, ceil(Fraction(amount) / lot), text))
        return _checked(
            BarSpec(DOLLAR, ceil(Fraction(amount) / lot / Fraction(instrument.tick)), text)
        )
    raise _bad_spec(text, f"{unit!r} is not a unit")


def _bad_spec(text: str, why: str) -> ConfigError:
    return ConfigError(
        f"The bar {text!r} cannot be used: {why}. Write a number and a unit: ms, s, m or h of "
        "time, t trades, v volume in the size unit, d notional in quote currency, "
        "as in 1m, 500t, 50v, 1000000d."
    )


def _checked(spec: BarSpec) -> BarSpec:
    if spec.limit > LIMIT_MAX:
        raise _bad_spec(spec.text, "it is too large")
    return spec


@kernel_inline
def step_of(kind: Int, price: Int, size: Int) -> Int:
    """Return what a print adds to the measure of its bar; size below SIZE_PLAIN."""
    if kind == TIME:
        return np.int64(0)
    if kind == TICKS:
        return np.int64(1)
    if kind == VOLUME:
        return size
    return abs(price) * size


@kernel_inline
def piece_of(kind: Int, left: Int, price: Int, size: Int) -> Int:
    """Return the lots of a print that go into a bar which lacks `left` of its limit."""
    if kind == VOLUME:
        return min(size, left)
    if kind == DOLLAR and price != 0:
        each = abs(price)
        return min(size, (left + each - 1) // each)
    return size


@kernel_inline
def take(bar: OpenBar, price: Int, size: Int, side: Int) -> OpenBar:
    """Return the bar with one more print in it (its first print has set open, high and low)."""
    delta = bar.delta + side * size
    offset = price - bar.open
    weight = offset * size
    return OpenBar(
        bar.open,
        max(bar.high, price),
        min(bar.low, price),
        bar.volume + size,
        delta,
        min(bar.delta_min, delta),
        max(bar.delta_max, delta),
        bar.moment + weight,
        bar.square + float(offset) * float(weight),
    )


@kernel_inline
def load_bar(head: Any) -> OpenBar:
    """Read the open bar of a SERIES record."""
    return OpenBar(
        head["open"],
        head["high"],
        head["low"],
        head["volume"],
        head["delta"],
        head["delta_min"],
        head["delta_max"],
        head["moment"],
        head["square"],
    )


@kernel_inline
def store_bar(head: Any, bar: OpenBar, price: Int, ts_venue: Int, trades: Int) -> None:
    """Write the open bar back to its SERIES record, with its last print and how many came in."""
    head["high"] = bar.high
    head["low"] = bar.low
    head["volume"] = bar.volume
    head["delta"] = bar.delta
    head["delta_min"] = bar.delta_min
    head["delta_max"] = bar.delta_max
    head["moment"] = bar.moment
    head["square"] = bar.square
    head["close"] = price
    head["last_ns"] = ts_venue
    head["trades"] += trades


@kernel_inline
def start_bar(head: Any, price: Int, ts_venue: Int) -> None:
    """Give an open bar without prints its first price."""
    head["open"] = price
    head["high"] = price
    head["low"] = price
    head["close"] = price
    if head["kind"] != TIME:
        head["open_ns"] = ts_venue


@kernel_inline
def next_bar(head: Any) -> None:
    """Empty the record for the bar that follows the one just closed."""
    head["cvd_before"] += head["delta"]
    head["open"] = head["close"]
    head["high"] = head["close"]
    head["low"] = head["close"]
    head["volume"] = 0
    head["delta"] = 0
    head["delta_min"] = 0
    head["delta_max"] = 0
    head["trades"] = 0
    head["moment"] = 0
    head["square"] = 0.0
    head["measure"] = 0
    head["unknown"] = 0
    head["excluded"] = 0
    head["reasons"] = 0
    head["edge_ns"] = NO_TIME
    if head["kind"] == TIME:
        head["open_ns"] = head["end_ns"]
        head["early_ns"] = head["end_ns"]
        head["end_ns"] += head["span_ns"]
        head["reasons"] = head["carry"]


@kernel_inline
def roll_day(head: Any, ts_venue: Int) -> None:
    """Start the CVD anew when a venue time lies in a later UTC day than the last one."""
    if ts_venue >= head["day_end_ns"]:
        head["cvd_before"] = -head["delta"]
        head["day_end_ns"] = (ts_venue // DAY_NS + 1) * DAY_NS


@kernel_inline
def quality_of(reasons: Int) -> Int:
    """Return the quality of a bar: the worst of its reasons."""
    if reasons & SILENT:
        return STALE_FEED
    if reasons & _PARTIAL_REASONS:
        return PARTIAL
    if reasons != 0:
        return INFERRED
    return FULL


@kernel_inline
def is_plain_trade(event: Any, early_ns: Int, edge_ns: Int) -> bool:
    """Whether a TRADE is ordinary flow, of known side, inside the bar and day in hand."""
    return (
        event["kind"] == TRADE
        and event["flags"] & _IRREGULAR_FLAGS == 0
        and event["side"] != 0
        and early_ns <= event["ts_venue"] < edge_ns
        and 0 < event["size"] < SIZE_PLAIN
    )


def new_series(count: int) -> NDArray[Any]:
    """Return `count` SERIES records that have seen nothing."""
    head = np.zeros(count, SERIES)
    head["end_ns"] = NEVER_NS
    head["early_ns"] = NO_TIME
    head["edge_ns"] = NO_TIME
    head["seen_ns"] = NEVER_NS
    head["quiet_ns"] = NEVER_NS
    for name in ("open", "high", "low", "close"):
        head[name] = NO_PRICE
    return head
