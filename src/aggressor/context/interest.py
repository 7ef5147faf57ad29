"""Open interest: do positions open or close while the price moves (R6.1).

Over h = 5 and 30 min the price is up or down when it moved by at least 0.25 ATR_h, the open
interest when it changed by at least 0.1 % / 0.3 %; the four combinations have names, all else is
neutral. ATR_h is the mean true range of the last 14 bars of h of the mid, cut by venue time; until
three have closed it is the one-minute ATR times the root of h in minutes, and the regime is young.

Open interest is polled, so every value keeps the venue's own time stamp: a regime compares two
*stamps* at least h and at most 1.5 h apart and the mids at those stamps, and nothing is
interpolated or carried forward. A regime older than its h is unknown again. Between two stamps
open interest cannot change by more than was traded: the traded volume is bounded from above by the
samples around both stamps, and a change beyond it is counted as an error of a clock or a unit
(OI in another unit, a stamp not its own); a regime over such a span is unknown.

    samples  (lanes, 4096)   once a second: venue time, lots traded so far, mid
    stamps   (lanes, 512)    open interest with the venue's stamp; nearer than 5 s: left out

Sizes lots, prices ticks, half ticks where the name ends in 2, times ns of `ts_venue`, or of
`ts_recv` where the name says so.
"""

from math import sqrt
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.parameters import (
    MICRO,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState
from aggressor.market.tape import TapeState
from aggressor.schema.event import BAD_CLOCK, GAP, NO_TIME, NOT_FLOW
from aggressor.state import State

UNKNOWN_REGIME = -1
NEUTRAL = 0
LONG_BUILD_UP = 1  # price up, interest up
SHORT_COVERING = 2  # price up, interest down
SHORT_BUILD_UP = 3  # price down, interest up
LONG_UNWINDING = 4  # price down, interest down

REGIME_NAMES = {
    UNKNOWN_REGIME: "unknown",
    NEUTRAL: "neutral",
    LONG_BUILD_UP: "long build-up",
    SHORT_COVERING: "short covering",
    SHORT_BUILD_UP: "short build-up",
    LONG_UNWINDING: "long unwinding",
}

KNOWN, NO_STAMP, TOO_SHORT, TOO_FAR, NO_MID, NO_ATR, IMPOSSIBLE, TOO_OLD = range(8)
INTEREST_REASONS = {
    KNOWN: "",
    NO_STAMP: "no open interest was published",
    TOO_SHORT: "the stamps do not reach back far enough",
    TOO_FAR: "the stamps are too far apart",
    NO_MID: "no valid book at one of the stamps",
    NO_ATR: "no range of the price is known",
    IMPOSSIBLE: "open interest changed by more than was traded: clock or unit error",
    TOO_OLD: "the last stamp is older than the horizon",
}

HORIZONS = 2
SAMPLES = 4096  # an hour of seconds; a power of two
STAMPS = 512
RANGES = 14
NO_MID2 = NO_TIME

INTEREST_HEAD = np.dtype(
    [
        ("samples", "<i8"),
        ("next_ns", "<i8"),  # ts_recv of the next sample
        ("odd_lots", "<i8"),  # traded without being flow: it moves open interest too
        ("holes", "<i8"),  # times that trades were missing
        ("stamps", "<i8"),  # taken
        ("settled", "<i8"),  # of them, those whose surroundings are known
        ("left_out", "<i8"),  # too near to the one before, or not later
        ("bad_clocks", "<i8"),
        ("checks", "<i8"),  # of |dOI| <= volume
        ("violations", "<i8"),
        ("violated_ns", "<i8"),  # stamp of the last one; NO_TIME
    ]
)

SAMPLE = np.dtype([("venue_ns", "<i8"), ("traded", "<i8"), ("mid2", "<i8"), ("holes", "<i8")])
STAMP = np.dtype(
    [
        ("venue_ns", "<i8"),
        ("recv_ns", "<i8"),
        ("lots", "<i8"),
        ("mid2", "<i8"),  # NO_MID2 not known
        ("traded_before", "<i8"),  # surely traded before the stamp; below 0 not known
        ("traded_after", "<i8"),  # all that can have been traded before it; below 0 not known
        ("holes_before", "<i8"),
        ("holes_after", "<i8"),
    ]
)
REGIME = np.dtype(
    [
        ("regime", "<i8"),
        ("why", "<i8"),  # an INTEREST_REASONS key
        ("young", "<i8"),  # 1: fewer than 14 ranges
        ("from_ns", "<i8"),  # the stamps compared; NO_TIME
        ("to_ns", "<i8"),
        ("recv_ns", "<i8"),  # ts_recv of the later one
        ("known_ns", "<i8"),  # ts_recv at which this was decided
        ("price_ticks", "<f8"),  # change of the mid
        ("atr_ticks", "<f8"),
        ("lots", "<i8"),  # change of open interest
        ("share", "<f8"),  # of the earlier value
        ("traded", "<i8"),  # at most, between the stamps; below 0 not known
        ("bar", "<i8"),  # number of the bar of h under way; NO_TIME
        ("whole", "<i8"),
        ("high2", "<i8"),
        ("low2", "<i8"),
        ("close2", "<i8"),
        ("before2", "<i8"),  # close of the bar before; NO_MID2
        ("ranges", "<i8"),
    ]
)


class InterestParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Horizons and thresholds; the fast horizon first."""

    fast_ns: int = 5 * MINUTE_NS
    slow_ns: int = 30 * MINUTE_NS
    fast_share: float = 0.001  # of the open interest
    slow_share: float = 0.003
    price_atr: float = 0.25
    ranges_min: int = 3
    sample_ns: int = SECOND_NS
    stamp_ns: int = 5 * SECOND_NS  # between two stamps
    slack_ns: int = SECOND_NS  # by which the streams' venue times may disagree
    wait_ns: int = 5 * SECOND_NS  # for trades up to a stamp


INTEREST_PROFILES = {PERP: InterestParameters(), MICRO: InterestParameters()}

_FLOATS = ("fast_share", "slow_share", "price_atr")
_PARAMETERS = np.dtype(
    [(name, "<f8" if name in _FLOATS else "<i8") for name in InterestParameters.__struct_fields__]
)


class InterestState(State, frozen=True):
    """Samples, stamps and regimes of every lane."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # INTEREST_HEAD, (lanes,)
    regimes: NDArray[Any]  # REGIME, (lanes, 2): fast, slow
    samples: NDArray[Any]  # SAMPLE, (lanes, SAMPLES), a ring
    stamps: NDArray[Any]  # STAMP, (lanes, STAMPS), a ring
    ranges: NDArray[np.int64]  # (lanes, 2, 16) half ticks, a ring
    parameters: NDArray[Any]  # (lanes,)


class Interest(NamedTuple):
    """One regime in words."""

    regime: int
    reason: str
    young: bool
    price_ticks: float
    atr_ticks: float
    lots: int
    share: float
    from_ns: int
    to_ns: int
    proxy: int  # the lane whose open interest this is, where it is not one's own; -1


def interest_state(
    lanes: int, parameters: InterestParameters = INTEREST_PROFILES[PERP]
) -> InterestState:
    """Return the state of `lanes` instruments whose open interest is not known."""
    head = np.zeros(lanes, INTEREST_HEAD)
    head["next_ns"] = head["violated_ns"] = NO_TIME
    regimes = np.zeros((lanes, HORIZONS), REGIME)
    regimes["regime"], regimes["why"], regimes["traded"] = UNKNOWN_REGIME, NO_STAMP, -1
    for name in ("from_ns", "to_ns", "recv_ns", "known_ns", "bar", "before2"):
        regimes[name] = NO_TIME
    for name in ("price_ticks", "atr_ticks", "share"):
        regimes[name] = np.nan
    return InterestState(
        head=head,
        regimes=regimes,
        samples=np.zeros((lanes, SAMPLES), SAMPLE),
        stamps=np.zeros((lanes, STAMPS), STAMP),
        ranges=np.zeros((lanes, HORIZONS, 16), np.int64),
        parameters=parameter_rows(_PARAMETERS, lanes, parameters),
    )


def read_interest(interest: InterestState, k: int, horizon: int, proxy: int = -1) -> Interest:
    """Return a regime of lane `k`, or of lane `proxy` for a contract that has no intraday OI."""
    row = interest.regimes[proxy if proxy >= 0 else k, horizon]
    return Interest(
        int(row["regime"]),
        INTEREST_REASONS[int(row["why"])],
        bool(row["young"]),
        float(row["price_ticks"]),
        float(row["atr_ticks"]),
        int(row["lots"]),
        float(row["share"]),
        int(row["from_ns"]),
        int(row["to_ns"]),
        proxy,
    )


@kernel_inline
def regime_of(price: float, price_step: float, share: float, share_step: float) -> Int:
    """Name the regime of two changes; a threshold is reached, not passed."""
    price_side = np.int64(price >= price_step) - np.int64(price <= -price_step)
    share_side = np.int64(share >= share_step) - np.int64(share <= -share_step)
    if price_side == 0 or share_side == 0:
        return np.int64(NEUTRAL)
    if price_side > 0:
        return np.int64(LONG_BUILD_UP if share_side > 0 else SHORT_COVERING)
    return np.int64(SHORT_BUILD_UP if share_side > 0 else LONG_UNWINDING)


@kernel
def on_interest(interest: InterestState, k: Int, event: Any) -> None:
    """Take one INTEREST row as a stamp; it is judged with a later sample."""
    head = interest.head[k]
    venue_ns = event["ts_venue"]
    if event["flags"] & BAD_CLOCK:
        head["bad_clocks"] += 1
        return
    n = head["stamps"]
    if n - head["settled"] >= STAMPS // 2:
        head["left_out"] += 1  # a whole history came at once
        return
    if n > 0:
        before = interest.stamps[k, (n - 1) & (STAMPS - 1)]
        if venue_ns < before["venue_ns"] + interest.parameters[k]["stamp_ns"]:
            head["left_out"] += 1
            return
    stamp = interest.stamps[k, n & (STAMPS - 1)]
    stamp["venue_ns"], stamp["recv_ns"], stamp["lots"] = venue_ns, event["ts_recv"], event["size"]
    head["stamps"] = n + 1


@kernel_inline
def on_odd_trade(interest: InterestState, k: Int, event: Any) -> None:
    """Note a TRADE flagged NOT_FLOW (in no other total) or GAP (the volume is no bound)."""
    if event["flags"] & NOT_FLOW:
        interest.head[k]["odd_lots"] += event["size"]
    if event["flags"] & GAP:
        interest.head[k]["holes"] += 1


@kernel_inline
def sample(
    interest: InterestState,
    book: BookState,
    tape: TapeState,
    k: Int,
    now: Int,
    atr_ticks: float,
) -> None:
    """At a TIMER: once a second sample lane `k`; `atr_ticks` of one minute, below 0 not known."""
    if now >= interest.head[k]["next_ns"]:
        take_sample(interest, book, tape, k, now, atr_ticks)


@kernel
def take_sample(
    interest: InterestState,
    book: BookState,
    tape: TapeState,
    k: Int,
    now: Int,
    atr_ticks: float,
) -> None:
    """Sample venue time, volume and mid; settle the stamps whose surroundings are now known."""
    head, top, prints = interest.head[k], book.head[k], tape.head[k]
    row = interest.parameters[k]
    head["next_ns"] = now - now % row["sample_ns"] + row["sample_ns"]
    venue_ns = max(np.int64(top["ts_venue"]), prints["ts_venue"])
    n = head["samples"]
    if n > 0:
        venue_ns = max(venue_ns, interest.samples[k, (n - 1) & (SAMPLES - 1)]["venue_ns"])
    if venue_ns == NO_TIME:
        return
    here = interest.samples[k, n & (SAMPLES - 1)]
    here["venue_ns"] = venue_ns
    here["traded"] = prints["bought"] + prints["sold"] + prints["unknown"] + head["odd_lots"]
    here["holes"] = head["holes"]
    here["mid2"] = NO_MID2
    if top["valid"] != 0:
        here["mid2"] = np.int64(top["bid"]) + np.int64(top["ask"])
    head["samples"] = n + 1
    for horizon in range(HORIZONS):
        span_ns = row["fast_ns"] if horizon == 0 else row["slow_ns"]
        regime = interest.regimes[k, horizon]
        if here["mid2"] != NO_MID2:
            _extend_bar(interest, k, horizon, venue_ns // span_ns, here["mid2"])
        if regime["regime"] != UNKNOWN_REGIME and now - regime["recv_ns"] > span_ns:
            regime["regime"], regime["why"] = UNKNOWN_REGIME, TOO_OLD
    while head["settled"] < head["stamps"]:
        stamp = interest.stamps[k, head["settled"] & (STAMPS - 1)]
        reached = venue_ns >= stamp["venue_ns"] + row["slack_ns"]
        if not reached and now - stamp["recv_ns"] < row["wait_ns"]:
            break
        _settle(interest, k, stamp)
        head["settled"] += 1
        for horizon in range(HORIZONS):
            _judge(interest, k, horizon, now, atr_ticks)


@kernel
def _extend_bar(interest: InterestState, k: Int, horizon: Int, bar: Int, mid2: Int) -> None:
    """Carry a mid into the bar of h it falls in; a bar that began before we saw it is no range."""
    regime = interest.regimes[k, horizon]
    if bar != regime["bar"]:
        followed = bar == regime["bar"] + 1
        if regime["whole"] == 1:
            high2, low2 = regime["high2"], regime["low2"]
            if regime["before2"] != NO_MID2:
                high2, low2 = max(high2, regime["before2"]), min(low2, regime["before2"])
            interest.ranges[k, horizon, regime["ranges"] & 15] = high2 - low2
            regime["ranges"] += 1
        regime["before2"] = regime["close2"] if followed else np.int64(NO_MID2)
        regime["whole"] = np.int64(followed)
        regime["bar"] = bar
        regime["high2"] = regime["low2"] = mid2
    regime["high2"] = max(regime["high2"], mid2)
    regime["low2"] = min(regime["low2"], mid2)
    regime["close2"] = mid2


@kernel
def _sample_before(interest: InterestState, k: Int, venue_ns: Int) -> Int:
    """Return the number of the last sample at or before a venue time; -1 none is kept."""
    newest = interest.head[k]["samples"]
    oldest = max(newest - SAMPLES, 0)
    low, high = oldest, newest
    while low < high:
        middle = (low + high) >> 1
        if interest.samples[k, middle & (SAMPLES - 1)]["venue_ns"] <= venue_ns:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low > oldest else np.int64(-1)


@kernel
def _settle(interest: InterestState, k: Int, stamp: Any) -> None:
    """Put a stamp between its samples, and check it against the stamp before."""
    head, slack_ns = interest.head[k], interest.parameters[k]["slack_ns"]
    stamp["mid2"], stamp["traded_before"], stamp["traded_after"] = NO_MID2, -1, -1
    at = _sample_before(interest, k, stamp["venue_ns"])
    if at >= 0:
        stamp["mid2"] = interest.samples[k, at & (SAMPLES - 1)]["mid2"]
    at = _sample_before(interest, k, stamp["venue_ns"] - slack_ns)
    if at >= 0:
        before = interest.samples[k, at & (SAMPLES - 1)]
        stamp["traded_before"], stamp["holes_before"] = before["traded"], before["holes"]
    at = _sample_before(interest, k, stamp["venue_ns"] + slack_ns - 1) + 1
    if at > 0 and at < head["samples"]:
        after = interest.samples[k, at & (SAMPLES - 1)]
        stamp["traded_after"], stamp["holes_after"] = after["traded"], after["holes"]
    if head["settled"] == 0:
        return
    earlier = interest.stamps[k, (head["settled"] - 1) & (STAMPS - 1)]
    traded = _traded_between(earlier, stamp)
    if traded >= 0:
        head["checks"] += 1
        if abs(stamp["lots"] - earlier["lots"]) > traded:
            head["violations"] += 1
            head["violated_ns"] = stamp["venue_ns"]


@kernel_inline
def _traded_between(earlier: Any, later: Any) -> Int:
    """Return the most lots that can have been traded between two stamps; below 0 not known."""
    if earlier["traded_before"] < 0 or later["traded_after"] < 0:
        return np.int64(-1)
    if earlier["holes_before"] != later["holes_after"]:
        return np.int64(-1)
    return later["traded_after"] - earlier["traded_before"]


@kernel
def _judge(interest: InterestState, k: Int, horizon: Int, now: Int, atr_minute: float) -> None:
    """Name the regime over one horizon that ends with the stamp just settled."""
    row, regime = interest.parameters[k], interest.regimes[k, horizon]
    span_ns = row["fast_ns"] if horizon == 0 else row["slow_ns"]
    n = interest.head[k]["settled"] - 1
    later = interest.stamps[k, n & (STAMPS - 1)]
    regime["regime"], regime["known_ns"] = UNKNOWN_REGIME, now
    regime["to_ns"], regime["recv_ns"] = later["venue_ns"], later["recv_ns"]
    regime["from_ns"], regime["lots"], regime["traded"] = NO_TIME, 0, -1
    regime["price_ticks"] = regime["share"] = regime["atr_ticks"] = np.nan
    start_ns = later["venue_ns"] - span_ns
    back = n - 1
    oldest = max(interest.head[k]["stamps"] - STAMPS, 0)
    while back >= oldest and interest.stamps[k, back & (STAMPS - 1)]["venue_ns"] > start_ns:
        back -= 1
    regime["why"] = TOO_SHORT
    if back < oldest:
        return
    earlier = interest.stamps[k, back & (STAMPS - 1)]
    regime["from_ns"] = earlier["venue_ns"]
    regime["why"] = TOO_FAR
    if 2 * (start_ns - earlier["venue_ns"]) > span_ns:
        return
    regime["lots"] = later["lots"] - earlier["lots"]
    regime["traded"] = _traded_between(earlier, later)
    regime["why"] = IMPOSSIBLE
    if regime["traded"] >= 0 and abs(regime["lots"]) > regime["traded"]:
        return
    regime["why"] = NO_MID
    if later["mid2"] == NO_MID2 or earlier["mid2"] == NO_MID2 or earlier["lots"] <= 0:
        return
    regime["price_ticks"] = 0.5 * (later["mid2"] - earlier["mid2"])
    regime["share"] = regime["lots"] / earlier["lots"]
    used = min(regime["ranges"], RANGES)
    total = np.int64(0)
    for i in range(1, used + 1):
        total += interest.ranges[k, horizon, (regime["ranges"] - i) & 15]
    atr = 0.5 * total / used if used > 0 else 0.0
    if used < row["ranges_min"]:
        atr = atr_minute * sqrt(span_ns / MINUTE_NS)
    regime["atr_ticks"] = atr
    regime["young"] = np.int64(used < RANGES)
    regime["why"] = NO_ATR
    if atr <= 0.0:
        return
    regime["why"] = KNOWN
    share_step = row["fast_share"] if horizon == 0 else row["slow_share"]
    regime["regime"] = regime_of(
        regime["price_ticks"], row["price_atr"] * atr, regime["share"], share_step
    )
