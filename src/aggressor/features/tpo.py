"""Time-price opportunity: how many half hours touched each price row, and its value area.

One count per row and period touched. A period touches every row from its low to its high: what
jumped over between two prints was still offered there, which is the reading of the market profile.
Point of control and value area are those of `profile`, on counts in place of lots.

Plain functions over closed bars or over trades; a period is k x `period_ns` of ts_venue, UTC. A bar
counts in the period in which it opens, so bars should be shorter than a period and, best, divide
it. Units: ticks. Source: R4.5; Steidlmayer, CBOT Market Profile.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.features.parameters import MINUTE_NS
from aggressor.features.profile import ROWS_MAX, ValueRule, profile_rows
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE, NOT_FLOW, TRADE, Events

PERIOD_NS = 30 * MINUTE_NS

_CLASSICAL = ValueRule()


class TpoProfile(NamedTuple):
    """Counts by price row over a span; prices are the lowest tick of their row."""

    first_price: int  # ticks, of row 0; NO_PRICE when nothing traded, as poc, val and vah
    row_ticks: int
    counts: NDArray[np.int64]  # (rows,) periods
    periods: int
    poc: int
    val: int
    vah: int


def tpo_profile(
    ts: NDArray[np.int64],
    low: NDArray[Any],
    high: NDArray[Any],
    row_ticks: int = 1,
    period_ns: int = PERIOD_NS,
    rule: ValueRule = _CLASSICAL,
) -> TpoProfile:
    """Count the periods that touched each row, from ranges low[i]..high[i] at time ts[i].

    Raises ConfigError when the span has too many rows.
    """
    if ts.size == 0:
        none = np.zeros(0, np.int64)
        return TpoProfile(NO_PRICE, row_ticks, none, 0, NO_PRICE, NO_PRICE, NO_PRICE)
    periods, which = np.unique(ts // period_ns, return_inverse=True)
    first = np.full(periods.size, 2**62, np.int64)
    last = np.full(periods.size, -(2**62), np.int64)
    np.minimum.at(first, which, low.astype(np.int64) // row_ticks)
    np.maximum.at(last, which, high.astype(np.int64) // row_ticks)
    lowest = int(first.min())
    rows = int(last.max()) - lowest + 1
    if rows > ROWS_MAX:
        raise ConfigError(f"A profile of {rows} rows is too fine: make its rows taller.")
    steps = np.zeros(rows + 1, np.int64)
    np.add.at(steps, first - lowest, 1)
    np.add.at(steps, last - lowest + 1, -1)
    count = np.cumsum(steps)[:-1]
    found = profile_rows(count, int(count.sum()), rule.share_ppm, rule.step, int(rule.both_on_tie))
    poc, val, vah = ((lowest + int(row)) * row_ticks for row in found)
    return TpoProfile(lowest * row_ticks, row_ticks, count, periods.size, poc, val, vah)


def tpo_of_bars(
    bars: NDArray[Any],
    row_ticks: int = 1,
    period_ns: int = PERIOD_NS,
    rule: ValueRule = _CLASSICAL,
) -> TpoProfile:
    """Return the TPO profile of closed BAR records; bars in which nothing traded touch nothing."""
    traded = bars[bars["volume"] > 0]
    return tpo_profile(traded["open_ns"], traded["low"], traded["high"], row_ticks, period_ns, rule)


def tpo_of_trades(
    events: Events,
    row_ticks: int = 1,
    period_ns: int = PERIOD_NS,
    rule: ValueRule = _CLASSICAL,
) -> TpoProfile:
    """Return the TPO profile of the TRADE events among `events`, those nobody chose left out."""
    chosen = (events["kind"] == TRADE) & (events["flags"] & NOT_FLOW == 0) & (events["size"] > 0)
    trades = events[chosen]
    price = trades["price"]
    return tpo_profile(trades["ts_venue"], price, price, row_ticks, period_ns, rule)
