"""Bars: how they are asked for, what one measures, and how good its data was.

A *series* is one (instrument lane, bar spec) pair. Its open bar lives in one SERIES record; a
closed bar is one BAR record. The pieces here are pure arithmetic on these records; `closing` says
when a bar closes, `footprint` composes both with the price cells.

A print counts once in every bar it touches. Trades that nobody chose to make (NOT_FLOW) and trades
without a size are left out and counted in `excluded`. Volume of unknown side is in `volume` and
`unknown`, never in `delta`.

Quality is the worst of the reasons a bar carries: `stale` (the feed was silent for longer than the
limit at some moment of the bar, or the venue flagged a trade stale) over `partial` (a time bar that
began before the recording or reaches over a hole in the trade ids; any bar still open at the end)
over `inferred` (a hole in the trade ids with trades of the same bar on both sides, a trade of
unknown side, with a bad clock, or too late for its own bar) over `full`. A hole between two bars
counted by content takes nothing from either: both are full; but the print behind a hole may itself
close a range bar, and then both are partial.

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
from aggressor.schema.event import (
    BAD_CLOCK,
    GAP,
    NO_PRICE,
    NO_TIME,
    NOT_FLOW,
    PRICE_MAX,
    STALE,
    TRADE,
)
from aggressor.schema.instrument import ContractKind, Instrument

TIME = 1
TICKS = 2
VOLUME = 3
DOLLAR = 4
RANGE = 5
RENKO = 6
DELTA = 7
IMBALANCE_TICKS = 8  # from here on the limit moves with the flow
IMBALANCE_VOLUME = 9
RUN_TICKS = 10
RUN_VOLUME = 11

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
        ("limit", "<i8"),  # prints, lots, tick-lots or ticks; NEVER_NS for time bars
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
        ("bought", "<i8"),  # prints or lots of each side, where the limit is held against them
        ("sold", "<i8"),
        ("above", "<i8"),  # ticks: a renko brick is laid at or above this
        ("below", "<i8"),  # and at or below this
        ("items", "<f8"),  # E[T]: prints or lots expected of a bar
        ("items_first", "<f8"),
        ("sign", "<f8"),  # E[b]: mean side expected of them
        ("fade", "<f8"),  # weight of the newest bar in both
        ("threshold", "<f8"),  # what `limit` is the whole number of
        ("clamps", "<i8"),  # times an expectation was held within its bounds
    ]
)


class BarSpec(NamedTuple):
    """When a bar closes."""

    kind: int  # TIME to RUN_VOLUME
    limit: int  # ns, prints, lots, tick-lots or ticks; of imbalance and run bars E[T] at first
    text: str
    sign: float = 0.0  # E[b] at first
    fade: float = 0.0  # weight of the newest bar in both expectations


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


SIGN_FIRST = 0.4
FADE = 0.2

_TICK_BARS = {"range": RANGE, "renko": RENKO}
_FLOW_BARS = {"imbalance": (IMBALANCE_TICKS, IMBALANCE_VOLUME), "run": (RUN_TICKS, RUN_VOLUME)}
_SPANS_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def bar_spec(text: str, instrument: Instrument) -> BarSpec:
    """Read a bar as people write it; raise ConfigError, which says how, if it is none.

    `1m`, `5s`, `250ms`, `4h` of time, `500t` trades, `50v` volume in the instrument's size unit,
    `1000000d` notional in quote currency (a day is `24h`). `range:12` and `renko:10` are in ticks,
    `delta:500` in the size unit. `imbalance:100` and `run:100` begin with 100 expected prints,
    `imbalance:50v` and `run:50v` with a volume; `imbalance:100:0.4:0.2` also says the mean side
    expected at first and the weight of the newest bar.
    """
    name, colon, rest = text.partition(":")
    if colon:
        return _spec_by_name(text, name, rest.split(":"), instrument)
    unit = text.lstrip("0123456789.")
    amount = _amount(text, text[: len(text) - len(unit)])
    if unit in _SPANS_NS:
        return _checked(BarSpec(TIME, _whole(text, amount, _SPANS_NS[unit]), text))
    if unit == "t":
        return _checked(BarSpec(TICKS, _whole(text, amount), text))
    if unit == "v":
        return _checked(BarSpec(VOLUME, _lots(text, amount, instrument), text))
    if unit == "d":
        lot = Fraction(instrument.lot) * Fraction(instrument.multiplier)
        if instrument.kind is ContractKind.INVERSE:
            return _checked(BarSpec(VOLUME, ceil(Fraction(amount) / lot), text))
        limit = ceil(Fraction(amount) / lot / Fraction(instrument.tick))
        return _checked(BarSpec(DOLLAR, limit, text))
    raise _bad_spec(text, f"{unit!r} is not a unit")


def _spec_by_name(text: str, name: str, parts: list[str], instrument: Instrument) -> BarSpec:
    """Read the bars that are not counted in one unit."""
    first = parts[0]
    if name in _TICK_BARS and len(parts) == 1:
        limit = _whole(text, _amount(text, first))
        if limit > PRICE_MAX:
            raise _bad_spec(text, "it is too large")
        return BarSpec(_TICK_BARS[name], limit, text)
    if name == "delta" and len(parts) == 1:
        lots = _lots(text, _amount(text, first.removesuffix("v")), instrument)
        return _checked(BarSpec(DELTA, lots, text))
    if name not in _FLOW_BARS or len(parts) > 3:
        raise _bad_spec(text, f"{name!r} with {len(parts)} numbers is not a bar")
    by_prints, by_volume = _FLOW_BARS[name]
    if first.endswith("v"):
        kind, items = by_volume, _lots(text, _amount(text, first[:-1]), instrument)
    else:
        kind, items = by_prints, _whole(text, _amount(text, first.removesuffix("t")))
    shares = [_amount(text, part) for part in parts[1:]]
    if any(share > 1 for share in shares):
        raise _bad_spec(text, "mean side and weight are at most 1")
    sign, fade = [float(share) for share in shares] + [SIGN_FIRST, FADE][len(shares) :]
    return _checked(BarSpec(kind, items, text, sign, fade))


def _amount(text: str, number: str) -> Decimal:
    """Return a number written in plain digits."""
    if number.strip("0123456789.") or not number:
        raise _bad_spec(text, "it has no number" if not number else f"{number!r} is not a number")
    try:
        amount = Decimal(number)
    except InvalidOperation:
        raise _bad_spec(text, f"{number!r} is not a number") from None
    if amount <= 0:
        raise _bad_spec(text, "its number must be above zero")
    return amount


def _whole(text: str, amount: Decimal, unit: int = 1) -> int:
    """Return an amount of units of `unit` as a whole number."""
    count = Fraction(amount) * unit
    if count.denominator != 1:
        raise _bad_spec(text, "it must be a whole number")
    return int(count)


def _lots(text: str, amount: Decimal, instrument: Instrument) -> int:
    try:
        return instrument.lots(amount)
    except UnitError as error:
        raise _bad_spec(text, str(error)) from None


def _bad_spec(text: str, why: str) -> ConfigError:
    return ConfigError(
        f"The bar {text!r} cannot be used: {why}. Write a number and a unit: ms, s, m or h of "
        "time, t trades, v volume in the size unit, d notional in quote currency, "
        "as in 1m, 500t, 50v, 1000000d; or a name and a number: range:12 or renko:10 in ticks, "
        "delta:500 in the size unit, imbalance:100 or run:100 in expected trades (50v: in volume), "
        "which may be followed by the mean side expected at first and the weight of the newest "
        f"bar, as in imbalance:100:{SIGN_FIRST}:{FADE}."
    )


def _checked(spec: BarSpec) -> BarSpec:
    if spec.limit > LIMIT_MAX:
        raise _bad_spec(spec.text, "it is too large")
    return spec


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
    """Give an open bar without prints its first price; a brick opens where the last one ended."""
    if head["kind"] != RENKO:
        head["open"] = price
    elif head["open"] == NO_PRICE:
        head["open"] = price
        head["above"] = price + head["limit"]
        head["below"] = price - head["limit"]
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
    head["bought"] = 0
    head["sold"] = 0
    head["unknown"] = 0
    head["excluded"] = 0
    head["reasons"] = 0
    head["edge_ns"] = NO_TIME
    if head["kind"] == TIME:
        head["open_ns"] = head["end_ns"]
        head["early_ns"] = head["end_ns"]
        head["end_ns"] += head["span_ns"]
        head["reasons"] = head["carry"]
    elif head["kind"] == RANGE:
        head["reasons"] = head["carry"] & GAP_AT_EDGE


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
