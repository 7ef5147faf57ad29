"""Higher-time-frame bias: which way the 1 h and 4 h bars lean, from closed bars only.

Three votes of -1, 0 or +1 a horizon; a sum of +2 or more is bullish, -2 or less bearish:

    slope       (EMA20 - EMA20 three bars ago) / (3 ATR14) beyond +-0.05
    structure   the last two swing highs and the last two swing lows both higher (+1), both lower
                (-1); a swing stands beyond the 2 bars before it and is known 2 bars after it
    VWAP side   close beyond the VWAP since Monday 00:00 UTC by 0.1 ATR14

The EMA (alpha 2/21) is seeded with the first close; ATR14 is the mean of the last 14 true ranges.
Until 60 bars have closed, and while the week's first hour was not seen, the bias is UNKNOWN_BIAS
with a reason, never 0. The 4 h bias rules; it is strong where the 1 h bias is known and not
opposite.

The one input is the closed hour. It comes as CANDLE records from the caller (`seed_bias`) and then
from the lane's own closed bars of time (`on_bar`), whose span divides an hour; four hours on the
UTC grid make the slow bar. An hour that is only partly covered is used when it follows the last
one directly, and makes the horizon `provisional` for 15 bars; an hour that is missing starts the
warm-up anew. The VWAP counts an hour's volume at (high + low + close) / 3. Source: R6.6, R3.3.
"""

from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import INFERRED
from aggressor.features.parameters import HOUR_NS, MICRO, PERP, parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.candle import CANDLE, Candles, checked_candles
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.state import State

UNKNOWN_BIAS = -9
BEARISH, NEUTRAL, BULLISH = -1, 0, 1
BIAS_NAMES = {UNKNOWN_BIAS: "unknown", BEARISH: "bearish", NEUTRAL: "neutral", BULLISH: "bullish"}

KNOWN, WARMING_UP, NO_ANCHOR = 0, 1, 2
BIAS_REASONS = {
    KNOWN: "",
    WARMING_UP: "fewer closed bars than the warm-up, or an hour was missing since",
    NO_ANCHOR: "the week's first hour was not seen: no VWAP",
}

FAST, SLOW = 0, 1  # the horizons
SPANS_NS = (HOUR_NS, 4 * HOUR_NS)
WEEK_NS = 168 * HOUR_NS
_MONDAY_NS = 96 * HOUR_NS  # the epoch was a Thursday
_EMA_BARS = 20
_ALPHA = 2.0 / (_EMA_BARS + 1)
_ATR_BARS = 14
_BACK = 3  # bars between the two EMAs of the slope
_WING = 2  # bars on either side of a swing
_RING = 16  # bars kept; a power of two, at least the ATR's
_PATCH_BARS = _ATR_BARS + 1

BIAS_HEAD = np.dtype(
    [
        ("bias", "<i8"),  # of the slow horizon; UNKNOWN_BIAS
        ("strong", "<i8"),  # 1: and the fast one is known and not opposite
        ("known_ns", "<i8"),  # ts_recv at which the last hour became known; NO_TIME
        ("last_ns", "<i8"),  # open of the last hour used; NO_TIME before the first
        ("hours", "<i8"),
        ("missing", "<i8"),  # times that hours were missing
        ("patched", "<i8"),  # hours only partly covered
        ("repeated", "<i8"),  # hours given that were already used
        ("bars", "<i8"),  # in the hour under way
        ("covered_ns", "<i8"),  # of the hour under way, by bars of good data
        ("slow_hours", "<i8"),  # hours in the slow bar under way
        ("slow_patched", "<i8"),
        ("anchored", "<i8"),  # 1: the week's first hour was seen and none missed since
        ("week_volume", "<f8"),  # lots
        ("vwap", "<f8"),  # ticks
    ]
)

HORIZON = np.dtype(
    [
        ("bias", "<i8"),
        ("why", "<i8"),  # a BIAS_REASONS key
        ("provisional", "<i8"),  # 1: a bar only partly covered is among the last 15
        ("bars", "<i8"),  # closed since the seed or the last missing hour
        ("patched_bar", "<i8"),  # number of the last partly covered bar; -1 none
        ("slope_vote", "<i8"),
        ("structure_vote", "<i8"),
        ("vwap_vote", "<i8"),
        ("ema", "<f8"),  # ticks
        ("atr", "<f8"),  # ticks
        ("slope", "<f8"),  # ATR a bar
        ("range_sum", "<i8"),  # ticks, of the ranges in the ring
        ("swing_high", "<i8"),  # ticks: the last two of each; NO_PRICE none
        ("swing_high_before", "<i8"),
        ("swing_low", "<i8"),
        ("swing_low_before", "<i8"),
    ]
)


class BiasParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of the votes."""

    warm_up: int = 60  # bars
    slope: float = 0.05  # ATR a bar
    vwap_atr: float = 0.1


BIAS_PROFILES = {PERP: BiasParameters(), MICRO: BiasParameters()}

_PARAMETERS = np.dtype([("warm_up", "<i8"), ("slope", "<f8"), ("vwap_atr", "<f8")])
_CLOSED = np.dtype(
    [("high", "<i8"), ("low", "<i8"), ("close", "<i8"), ("range", "<i8"), ("ema", "<f8")]
)


class BiasState(State, frozen=True):
    """Both horizons of every lane."""

    head: NDArray[Any]  # BIAS_HEAD, (lanes,)
    horizons: NDArray[Any]  # HORIZON, (lanes, 2)
    closed: NDArray[Any]  # (lanes, 2, 16) the last closed bars, a ring
    making: Candles  # CANDLE, (lanes, 2): the hour and the slow bar under way
    blank: NDArray[Any]  # HORIZON, (1,): one that has seen nothing
    parameters: NDArray[Any]  # (lanes,)


class Setup(IntEnum):
    """The strategies that the bias bears on."""

    EXHAUSTION_SCALP = 1  # R7.1
    PUSH_THROUGH = 2  # R7.2
    LIQUIDITY_TRAP = 3  # R7.3


class Bias(NamedTuple):
    """The bias of one lane in words."""

    bias: int | None  # -1, 0, +1; None not known
    strong: bool
    fast: int | None
    provisional: bool
    reason: str


def bias_state(lanes: int, parameters: BiasParameters = BIAS_PROFILES[PERP]) -> BiasState:
    """Return the state of `lanes` instruments without a closed bar."""
    head = np.zeros(lanes, BIAS_HEAD)
    head["bias"] = UNKNOWN_BIAS
    head["known_ns"] = head["last_ns"] = NO_TIME
    blank = _blank_horizon()
    return BiasState(
        head=head,
        horizons=np.repeat(blank, 2 * lanes).reshape(lanes, 2),
        closed=np.zeros((lanes, 2, _RING), _CLOSED),
        making=np.zeros((lanes, 2), CANDLE),
        blank=blank,
        parameters=parameter_rows(_PARAMETERS, lanes, parameters),
    )


def seed_bias(bias: BiasState, k: int, candles: Candles) -> None:
    """Forget the bars of lane `k` and use these closed hours; the hour under way goes on.

    Raise ConfigError if they are no closed one-hour candles in order. They must all have closed
    before anything is decided on them: the caller answers for that.
    """
    checked_candles(candles, HOUR_NS)
    head = bias.head[k]
    head["last_ns"], head["known_ns"] = NO_TIME, NO_TIME
    head["bias"], head["strong"] = UNKNOWN_BIAS, 0
    bias.horizons[k] = bias.blank[0]
    run_candles(candles, 0, candles.size, bias, k)
    if candles.size:
        head["known_ns"] = int(candles[-1]["open_ns"]) + HOUR_NS


def read_bias(bias: BiasState, k: int) -> Bias:
    """Return the bias of lane `k` with the reason where it is not known."""
    head, (fast, slow) = bias.head[k], bias.horizons[k]
    known = head["bias"] != UNKNOWN_BIAS
    return Bias(
        int(head["bias"]) if known else None,
        bool(head["strong"]),
        int(fast["bias"]) if fast["bias"] != UNKNOWN_BIAS else None,
        bool(slow["provisional"] or fast["provisional"]),
        BIAS_REASONS[int(slow["why"])],
    )


def size_factor(bias: int | None, setup: Setup, direction: int) -> float | None:
    """Return what the bias leaves of a setup's size: 1, 0.5 or 0; None while it is not known.

    `direction` is +1 for a long. Along the bias, and in a neutral market, everything is allowed.
    Against it the scalp and the push-through are off, and the trap trades half its size. The
    trap's trades *along* the bias are full (the mirror of R6.6, which names its shorts only).
    """
    if bias is None or bias == UNKNOWN_BIAS:
        return None
    if bias * direction >= 0:
        return 1.0
    return 0.5 if setup is Setup.LIQUIDITY_TRAP else 0.0


def _blank_horizon() -> NDArray[Any]:
    blank = np.zeros(1, HORIZON)
    blank["bias"], blank["why"], blank["patched_bar"] = UNKNOWN_BIAS, WARMING_UP, -1
    for name in ("ema", "atr", "slope"):
        blank[name] = np.nan
    for name in ("swing_high", "swing_high_before", "swing_low", "swing_low_before"):
        blank[name] = NO_PRICE
    return blank


@kernel
def on_bar(bias: BiasState, k: Int, bar: Any) -> None:
    """Add one closed BAR of time of lane `k` to the hour under way; close the hour it ends."""
    if bar["close"] == NO_PRICE:
        return
    head, hour = bias.head[k], bias.making[k, FAST]
    start = bar["open_ns"] - bar["open_ns"] % HOUR_NS
    if head["bars"] > 0 and hour["open_ns"] != start:
        on_hour(bias, k, hour, 0)
        head["known_ns"] = bar["known_ns"]
        head["bars"] = 0
    if head["bars"] == 0:
        hour["open_ns"] = start
        hour["volume"] = 0
        hour["open"] = hour["high"] = hour["low"] = bar["open"]
        head["covered_ns"] = 0
    head["bars"] += 1
    hour["high"] = max(hour["high"], bar["high"])
    hour["low"] = min(hour["low"], bar["low"])
    hour["close"] = bar["close"]
    hour["volume"] += bar["volume"]
    if bar["quality"] <= INFERRED:
        head["covered_ns"] += bar["close_ns"] - bar["open_ns"]
    if bar["close_ns"] >= start + HOUR_NS:
        on_hour(bias, k, hour, np.int64(head["covered_ns"] == HOUR_NS))
        head["known_ns"] = bar["known_ns"]
        head["bars"] = 0


@kernel
def on_hour(bias: BiasState, k: Int, hour: Any, whole: Int) -> None:
    """Use one closed hour of lane `k`; one already used is counted and ignored."""
    head = bias.head[k]
    open_ns = hour["open_ns"]
    if head["last_ns"] != NO_TIME and open_ns <= head["last_ns"]:
        head["repeated"] += 1
        return
    if head["last_ns"] == NO_TIME or open_ns != head["last_ns"] + HOUR_NS:
        if whole == 0:
            return  # nothing may start with an hour that was not seen from its beginning
        head["missing"] += np.int64(head["last_ns"] != NO_TIME)
        head["anchored"] = head["slow_hours"] = 0
        for h in range(2):
            bias.horizons[k, h] = bias.blank[0]
    head["last_ns"] = open_ns
    head["hours"] += 1
    head["patched"] += 1 - whole
    if (open_ns - _MONDAY_NS) % WEEK_NS == 0:
        head["anchored"] = 1
        head["week_volume"] = head["vwap"] = 0.0
    head["week_volume"] += hour["volume"]
    if hour["volume"] > 0:
        typical = (np.int64(hour["high"]) + np.int64(hour["low"]) + np.int64(hour["close"])) / 3.0
        head["vwap"] += (typical - head["vwap"]) * (hour["volume"] / head["week_volume"])
    _close(bias, k, FAST, hour, whole)
    _add_to_slow(bias, k, hour, whole)
    slow, fast = bias.horizons[k, SLOW]["bias"], bias.horizons[k, FAST]["bias"]
    head["bias"] = slow
    settled = slow in (BULLISH, BEARISH)
    head["strong"] = np.int64(settled and fast != UNKNOWN_BIAS and fast != -slow)


@kernel
def _add_to_slow(bias: BiasState, k: Int, hour: Any, whole: Int) -> None:
    """Put an hour into the slow bar, which closes with its fourth; one begun inside never does."""
    head, slow = bias.head[k], bias.making[k, SLOW]
    place = (hour["open_ns"] // HOUR_NS) % 4
    if place == 0:
        slow["open_ns"] = hour["open_ns"]
        slow["open"], slow["high"], slow["low"] = hour["open"], hour["high"], hour["low"]
        slow["volume"] = 0
        head["slow_hours"] = head["slow_patched"] = 0
    elif head["slow_hours"] != place:
        return
    slow["high"] = max(slow["high"], hour["high"])
    slow["low"] = min(slow["low"], hour["low"])
    slow["close"] = hour["close"]
    slow["volume"] += hour["volume"]
    head["slow_hours"] += 1
    head["slow_patched"] += 1 - whole
    if place == 3:
        _close(bias, k, SLOW, slow, np.int64(head["slow_patched"] == 0))


@kernel
def _close(bias: BiasState, k: Int, h: Int, bar: Any, whole: Int) -> None:
    """Carry one horizon over a closed bar and vote."""
    head, horizon, row = bias.head[k], bias.horizons[k, h], bias.parameters[k]
    n = horizon["bars"]
    high, low, close = np.int64(bar["high"]), np.int64(bar["low"]), np.int64(bar["close"])
    here = bias.closed[k, h, n & (_RING - 1)]
    here["high"], here["low"], here["close"] = high, low, close
    here["range"] = high - low
    ema = float(close)
    if n > 0:
        before = bias.closed[k, h, (n - 1) & (_RING - 1)]
        here["range"] = max(high, before["close"]) - min(low, before["close"])
        ema = before["ema"] + _ALPHA * (close - before["ema"])
    here["ema"] = ema
    horizon["range_sum"] += here["range"]
    if n >= _ATR_BARS:
        horizon["range_sum"] -= bias.closed[k, h, (n - _ATR_BARS) & (_RING - 1)]["range"]
    horizon["bars"] = n + 1
    if whole == 0:
        horizon["patched_bar"] = n
    patched = horizon["patched_bar"]
    horizon["provisional"] = np.int64(patched >= 0 and n - patched < _PATCH_BARS)
    atr = horizon["range_sum"] / min(n + 1, _ATR_BARS)
    horizon["ema"], horizon["atr"] = ema, atr
    _note_swings(bias, k, h, n)
    if n >= _BACK:
        rise = ema - bias.closed[k, h, (n - _BACK) & (_RING - 1)]["ema"]
        horizon["slope"] = rise / (_BACK * atr) if atr > 0.0 else 0.0
    slope_vote = _vote(horizon["slope"], row["slope"])
    high_vote = _vote_of_two(horizon["swing_high_before"], horizon["swing_high"])
    low_vote = _vote_of_two(horizon["swing_low_before"], horizon["swing_low"])
    structure_vote = high_vote if high_vote == low_vote else np.int64(0)
    vwap_vote = _vote(close - head["vwap"], row["vwap_atr"] * atr)
    votes = slope_vote + structure_vote + vwap_vote
    horizon["slope_vote"], horizon["structure_vote"] = slope_vote, structure_vote
    horizon["vwap_vote"] = vwap_vote
    horizon["bias"] = np.int64(votes >= 2) - np.int64(votes <= -2)
    horizon["why"] = KNOWN
    if n + 1 < row["warm_up"]:
        horizon["bias"], horizon["why"] = UNKNOWN_BIAS, WARMING_UP
    elif head["anchored"] == 0 or head["week_volume"] <= 0.0:
        horizon["bias"], horizon["why"] = UNKNOWN_BIAS, NO_ANCHOR


@kernel
def _note_swings(bias: BiasState, k: Int, h: Int, n: Int) -> None:
    """Note the swings that bar `n` confirms: those of the bar two before it."""
    if n < 2 * _WING:
        return
    horizon, closed = bias.horizons[k, h], bias.closed[k, h]
    middle = closed[(n - _WING) & (_RING - 1)]
    is_high = is_low = True
    for step in range(1, _WING + 1):
        left = closed[(n - _WING - step) & (_RING - 1)]
        right = closed[(n - _WING + step) & (_RING - 1)]
        is_high = is_high and middle["high"] > left["high"] and middle["high"] >= right["high"]
        is_low = is_low and middle["low"] < left["low"] and middle["low"] <= right["low"]
    if is_high:
        horizon["swing_high_before"] = horizon["swing_high"]
        horizon["swing_high"] = middle["high"]
    if is_low:
        horizon["swing_low_before"] = horizon["swing_low"]
        horizon["swing_low"] = middle["low"]


@kernel_inline
def _vote(value: float, threshold: float) -> Int:
    return np.int64(value > threshold) - np.int64(value < -threshold)


@kernel_inline
def _vote_of_two(before: Int, after: Int) -> Int:
    if before == NO_PRICE or after == NO_PRICE:
        return np.int64(0)
    return np.int64(after > before) - np.int64(after < before)


@kernel
def run_candles(candles: Candles, start: Int, stop: Int, bias: BiasState, k: Int) -> Int:
    """Use the closed hours candles[start:stop] for lane `k`; return stop."""
    for i in range(start, stop):
        on_hour(bias, k, candles[i], 1)
    return stop


@kernel
def run_bars(bars: NDArray[Any], start: Int, stop: Int, bias: BiasState, k: Int) -> Int:
    """Use the closed BAR records bars[start:stop] of lane `k`; return stop."""
    for i in range(start, stop):
        on_bar(bias, k, bars[i])
    return stop
