"""Bars of one minute and their swings, as the market itself sees them (R4.1, R3.3, R5.7).

Scenarios that break a swing, or shape bars, must know what a detector will know: highs and lows of
the trades of each minute of venue time, and the last swing confirmed by K bars on either side. A
swing that was traded through is no longer one to be broken.

    market.minutes   (MINUTES, 2)   int64   high and low of closed minutes, row n & (MINUTES - 1)
"""

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.sim.synthetic.book import MINUTES, NO_SWING, Market
from aggressor.sim.synthetic.typed import Whole, typed

SWING_BARS = typed(5)
UP = typed(1)
DOWN = typed(-1)
MINUTE_NS = typed(60_000_000_000)
_FAR = 1 << 40


@kernel
def begin_minute(market: Market) -> None:
    """Forget the trades of the running minute."""
    head = market.head[0]
    head["minute_high"] = -_FAR
    head["minute_low"] = _FAR


@kernel_inline
def starts_minute(market: Market) -> bool:
    """Tell whether this pulse is the first of a minute."""
    return bool(market.head[0]["pulse_at"] % MINUTE_NS < market.params[0]["pulse_ns"])


@kernel
def close_minute(market: Market) -> None:
    """Keep the minute that has ended; a minute without trades is none."""
    head = market.head[0]
    middle = 0.5 * (head["bid"] + head["ask"])
    if head["minute_middle"] > 0.0:
        head["minute_changes"] += 1
        head["minute_squares"] += (middle - head["minute_middle"]) ** 2
    head["minute_middle"] = middle
    traded = head["volume"] - head["minute_volume"]
    if traded > 0:
        delta = head["delta"] - head["minute_delta"]
        head["flow_squares"] += 1.0 * delta * delta / traded
        head["flow_minutes"] += 1
    head["minute_volume"], head["minute_delta"] = head["volume"], head["delta"]
    if head["minute_high"] < head["minute_low"]:
        return
    row = market.minutes[head["minutes"] & (MINUTES - 1)]
    row[0] = head["minute_high"]
    row[1] = head["minute_low"]
    head["minutes"] += 1
    drop_passed_swings(market)
    begin_minute(market)
    if is_swing(market, UP, SWING_BARS, SWING_BARS):
        head["swing_high"] = minute_extreme(market, UP, SWING_BARS)
    if is_swing(market, DOWN, SWING_BARS, SWING_BARS):
        head["swing_low"] = minute_extreme(market, DOWN, SWING_BARS)


@kernel_inline
def minute_extreme(market: Market, direction: Whole, back: Whole) -> Whole:
    """Return the high (low where `direction` is -1) of the minute `back` before the last closed."""
    row = (market.head[0]["minutes"] - 1 - back) & (MINUTES - 1)
    return market.minutes[row, 0 if direction > 0 else 1]


@kernel
def is_swing(market: Market, direction: Whole, back: Whole, bars: Whole) -> bool:
    """Tell whether that minute is beyond the `bars` before it, and not behind those after it."""
    if market.head[0]["minutes"] - 1 - back < bars or back < bars:
        return False
    top = direction * minute_extreme(market, direction, back)
    for i in range(1, bars + 1):
        if direction * minute_extreme(market, direction, back + i) >= top:
            return False
        if direction * minute_extreme(market, direction, back - i) > top:
            return False
    return True


@kernel
def drop_passed_swings(market: Market) -> None:
    """Forget a swing that a trade of this minute has passed."""
    head = market.head[0]
    if head["swing_high"] != NO_SWING and head["minute_high"] > head["swing_high"]:
        head["swing_high"] = NO_SWING
    if head["swing_low"] != NO_SWING and head["minute_low"] < head["swing_low"]:
        head["swing_low"] = NO_SWING


@kernel
def usual_move(market: Market) -> float:
    """Return the deviation of the mid's changes from minute to minute since the start, in ticks."""
    head = market.head[0]
    return np.sqrt(head["minute_squares"] / max(1, head["minute_changes"]))


@kernel
def usual_flow(market: Market) -> float:
    """Return by how many lots the delta of one traded lot deviates, from the minutes so far.

    Orders whose sides are drawn apart lead the delta apart by the root of what they trade: that of
    n lots deviates by the root of n times this.
    """
    head = market.head[0]
    return np.sqrt(head["flow_squares"] / max(1, head["flow_minutes"]))
