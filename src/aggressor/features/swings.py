"""Swings: highs and lows of closed bars, known k bars later, and divergences of one bar.

Bar i is a swing high of order k when its high is above the highs of the k bars before and not below
those of the k bars after (R3.3b); a swing low is the same on negated lows. It is known only when
bar i + k closes. A swing that is later exceeded is not taken back. Bars in which nothing traded
count as bars.

CVD here is the running sum of the bars' deltas, begun at the first bar's `cvd`: it is that of the
bars until midnight and does not start anew there, so two swings can be compared across days. With
it runs the sum of |delta| and the number of bars whose data was worse than inferred: what lies
between two swings is a difference of two readings.

The bar form (R3.3a) is judged at each close: bearish when close - open >= 1 e and delta <= -10 % of
volume, bullish mirrored, with volume at least the median of the 60 bars before. Unknown when the
effective tick is, or with fewer than 20 bars before.

A *track* follows one bar series with one k; the caller chooses which.

    head     (tracks,)               TRACK
    window   (tracks, 32)            READING, ring by bar number
    swings   (tracks, 2, SWINGS)     SWING, rings; 0 highs, 1 lows
    volumes  tracks                  lots of the last 60 bars

Units: ticks, lots, ns. Source: R3.3, R5.7, R6.6.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import PARTIAL
from aggressor.features.recent import (
    NO_LIMIT_NS,
    RecentState,
    add_recent,
    recent_count,
    recent_quantile,
    recent_state,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.state import State

SWINGS = 16  # kept per track and kind; a power of two
WINDOW = 32  # bars looked back on; a power of two
ORDER_MAX = WINDOW // 2 - 1
HIGHS, LOWS = 0, 1
HIGH_FOUND, LOW_FOUND = 1, 2  # bits of what a bar confirmed

BEARISH, NEITHER, BULLISH, UNDECIDED = -1, 0, 1, 2
BAR_FORM_NAMES = {BEARISH: "bearish", NEITHER: "none", BULLISH: "bullish", UNDECIDED: "unknown"}
BAR_DELTA_SHARE = 0.10  # theta
VOLUME_BARS = 60
VOLUME_BARS_MIN = 20
_MEDIAN_PPM = 500_000

TRACK = np.dtype(
    [
        ("order", "<i8"),  # k
        ("bars", "<i8"),  # closed so far
        ("counts", "<i8", (2,)),  # swings so far, highs and lows
        ("cvd", "<i8"),
        ("turnover", "<i8"),  # sum of |delta|
        ("doubts", "<i8"),  # bars with partial or stale data
        ("bar_form", "<i8"),  # of the last bar: BEARISH, NEITHER, BULLISH or UNDECIDED
    ]
)
READING = np.dtype(
    [
        ("high", "<i8"),
        ("low", "<i8"),
        ("open_ns", "<i8"),  # ts_venue
        ("close_ns", "<i8"),
        ("known_ns", "<i8"),  # ts_recv
        ("cvd", "<i8"),  # at the close, as the next two
        ("turnover", "<i8"),
        ("doubts", "<i8"),
        ("bar_form", "<i8"),
    ]
)
SWING = np.dtype(
    [
        ("price", "<i8"),
        ("bar", "<i8"),  # number of the bar in its series, from 0
        ("open_ns", "<i8"),
        ("close_ns", "<i8"),
        ("known_ns", "<i8"),  # ts_recv of the close of the bar, not of the swing
        ("cvd", "<i8"),
        ("turnover", "<i8"),
        ("doubts", "<i8"),
        ("bar_form", "<i8"),
        ("confirmed_ns", "<i8"),  # ts_venue: close of bar i + k
    ]
)


class SwingsState(State, frozen=True):
    """The swings of every track; see the module text for shapes."""

    head: NDArray[Any]
    window: NDArray[Any]
    swings: NDArray[Any]
    volumes: RecentState


def swings_state(orders: Sequence[int]) -> SwingsState:
    """Return the state of one track per order k (1 to 15)."""
    assert all(1 <= k <= ORDER_MAX for k in orders), "orders 1 to 15"
    tracks = len(orders)
    head = np.zeros(tracks, TRACK)
    head["order"] = orders
    head["bar_form"] = UNDECIDED
    return SwingsState(
        head,
        np.zeros((tracks, WINDOW), READING),
        np.zeros((tracks, 2, SWINGS), SWING),
        recent_state([NO_LIMIT_NS] * tracks, VOLUME_BARS),
    )


@kernel
def on_bar(state: SwingsState, n: Int, bar: Any, effective_tick: Int) -> Int:
    """Take a closed BAR into track `n`; return the bits of the swings that it confirms.

    An `effective_tick` of 0 means not known.
    """
    head = state.head[n]
    number = head["bars"]
    head["cvd"] = bar["cvd"] if number == 0 else head["cvd"] + bar["delta"]
    head["turnover"] += abs(bar["delta"])
    head["doubts"] += np.int64(bar["quality"] >= PARTIAL)
    head["bar_form"] = _bar_form(state, n, bar, effective_tick)
    add_recent(state.volumes, n, number, bar["volume"])
    reading = state.window[n, number & (WINDOW - 1)]
    reading["high"] = bar["high"]
    reading["low"] = bar["low"]
    reading["open_ns"] = bar["open_ns"]
    reading["close_ns"] = bar["close_ns"]
    reading["known_ns"] = bar["known_ns"]
    reading["cvd"] = head["cvd"]
    reading["turnover"] = head["turnover"]
    reading["doubts"] = head["doubts"]
    reading["bar_form"] = head["bar_form"]
    head["bars"] = number + 1
    order = head["order"]
    found = np.int64(0)
    if number < 2 * order:
        return found
    for s in range(2):
        if _is_swing(state, n, s, number - order):
            _keep(state, n, s, number - order, bar["close_ns"])
            found |= HIGH_FOUND << s
    return found


@kernel_inline
def _bar_form(state: SwingsState, n: Int, bar: Any, effective_tick: Int) -> Int:
    """Return what the bar form says of one bar, against the bars before it."""
    if effective_tick <= 0 or recent_count(state.volumes, n) < VOLUME_BARS_MIN:
        return np.int64(UNDECIDED)
    volume = bar["volume"]
    if volume <= 0 or volume < recent_quantile(state.volumes, n, _MEDIAN_PPM):
        return np.int64(NEITHER)
    move = np.int64(bar["close"]) - np.int64(bar["open"])
    rising = np.int64(1 if move > 0 else -1)
    against = -rising * bar["delta"]
    if rising * move >= effective_tick and against >= BAR_DELTA_SHARE * volume:
        return -rising
    return np.int64(NEITHER)


@kernel_inline
def _is_swing(state: SwingsState, n: Int, s: Int, number: Int) -> bool:
    """Whether bar `number` is a swing high (s 0) or low (s 1) among its neighbours."""
    window = state.window[n]
    here = window[number & (WINDOW - 1)]
    level = here["high"] if s == HIGHS else -here["low"]
    for away in range(1, state.head[n]["order"] + 1):
        before = window[(number - away) & (WINDOW - 1)]
        after = window[(number + away) & (WINDOW - 1)]
        earlier = before["high"] if s == HIGHS else -before["low"]
        later = after["high"] if s == HIGHS else -after["low"]
        if level <= earlier or level < later:
            return False
    return True


@kernel_inline
def _keep(state: SwingsState, n: Int, s: Int, number: Int, confirmed_ns: Int) -> None:
    head = state.head[n]
    reading = state.window[n, number & (WINDOW - 1)]
    swing = state.swings[n, s, head["counts"][s] & (SWINGS - 1)]
    swing["price"] = reading["high"] if s == HIGHS else reading["low"]
    swing["bar"] = number
    swing["open_ns"] = reading["open_ns"]
    swing["close_ns"] = reading["close_ns"]
    swing["known_ns"] = reading["known_ns"]
    swing["cvd"] = reading["cvd"]
    swing["turnover"] = reading["turnover"]
    swing["doubts"] = reading["doubts"]
    swing["bar_form"] = reading["bar_form"]
    swing["confirmed_ns"] = confirmed_ns
    head["counts"][s] += 1


@kernel
def run_swings(bars: NDArray[Any], state: SwingsState, n: Int, effective_tick: Int) -> Int:
    """Take every BAR of `bars` into track `n`; return how many swings they confirm."""
    count = np.int64(0)
    for i in range(bars.size):
        found = on_bar(state, n, bars[i], effective_tick)
        count += (found & HIGH_FOUND) + (found >> 1)
    return count


def swings_of(state: SwingsState, n: int, kind: int) -> NDArray[Any]:
    """Return the SWING records still kept of track `n`, oldest first; `kind` is HIGHS or LOWS."""
    count = int(state.head[n]["counts"][kind])
    return state.swings[n, kind, np.arange(max(0, count - SWINGS), count) & (SWINGS - 1)]
