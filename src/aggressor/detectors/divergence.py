"""Delta divergence (R3.3b, R5.10): price and cumulative delta disagree between two swings, at a
location, by more than chance would lead them apart.

    ARMED      at the close of a swing bar j (`ts_armed`); that it is one is known k bars later
    CONFIRMED  at the close of bar j + k: against the swing before it of the same kind, i, with
               5 to 60 bars between them, one of

                   regular   price_j >= price_i + m e   and  CVD_j <= CVD_i - c
                   hidden    price_j <= price_i - m e   and  CVD_j >= CVD_i + c

               (for lows on negated prices and CVD), c = 5 % of the sum of |delta| over (i, j] or,
               where that is more, what chance does: Q.9 of |delta| / sqrt(volume) of the 60 bars
               up to i times the root of the volume between (orders of independent sides lead CVD
               apart by the root of what is traded, and minutes differ in that by far); and the
               swing's price lies within 3 e of a location:
               value-area edge, naked POC, edge of an HVN, extreme of a closed session, or a wall
    REJECTED   near-miss: what remains is within chance, the location does not hold, or the book
               is not valid

Regular divergence argues for a turn, hidden for the trend going on; in both, one of highs argues
for down and one of lows for up. The swing compared with is the one just before, whatever its
distance: with fewer than 5 bars between them nothing is said. A swing that is later exceeded is not
taken back. A naked POC counts that was naked when the swing bar opened, a wall that stood at some
time since the swing bar closed; other locations are at most a minute old.

An unknown effective tick, fewer than 10 bars up to i, or no location of any kind, is a third
answer, counted in `undecided`; fewer than 20 are young.
A divergence over bars with missing data is provisional. Both kinds of swing run through one code
path. Judged at closed bars, after `swings.on_bar` and `read_bar`. Shapes: lanes L, kinds 2 (0
highs, 1 lows).
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import Outbox, at_least, at_most, params_hash, post
from aggressor.detectors.scene import Scenes
from aggressor.features.locations import (
    HVN_EDGE,
    NAKED_POC,
    PRIOR_EXTREME,
    PRIOR_VALUE_EDGE,
    VALUE_EDGE,
    WALL_LOCATION,
    LocationsState,
    nearest_location,
)
from aggressor.features.parameters import MICRO, PERP, SECOND_NS, parameter_rows
from aggressor.features.recent import (
    NO_LIMIT_NS,
    RecentState,
    add_recent,
    recent_count,
    recent_quantile,
    recent_state,
)
from aggressor.features.swings import SWINGS, SwingsState, on_bar
from aggressor.features.wall_records import ENDED, WALLS, WallsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    CONFIRMED,
    DATA_GAP,
    DIVERGENCE,
    FIRM,
    REJECTED,
    YOUNG_BASELINE,
)
from aggressor.state import State

EVIDENCE = (
    "price_before",  # ticks: the swing before, i
    "price",  # ticks: the swing, j
    "cvd_before",  # lots, at the close of its bar
    "cvd",
    "price_change",  # ticks, j - i
    "cvd_change",  # lots, j - i
    "cvd_needed",  # lots: c
    "turnover",  # lots: sum of |delta| over (i, j]
    "bars_apart",
    "seconds_apart",
    "order",  # k: bars waited for the swing to be known
    "hidden",  # 1: hidden, 0: regular
    "location_kind",  # index into LOCATION_NAMES; 0: none
    "location_low",  # ticks
    "location_high",
    "location_ticks",  # from the swing's price
    "location_ticks_max",
    "effective_tick",
    "bar_form",  # of bar j alone (R3.3a): -1 bearish, 1 bullish, 0 none, 2 unknown
    "doubtful_bars",  # with partial or stale data in (i, j]
    "delta_usual",  # lots: what chance leads apart over (i, j]; 0 where it is not asked for
)
CONDITIONS = ("", "location", "valid book", "delta beyond chance")
NO_LOCATION = 1
BOOK_LOST = 2
BY_CHANCE = 3

LOCATION_BITS = (
    (1 << VALUE_EDGE)
    | (1 << PRIOR_VALUE_EDGE)
    | (1 << NAKED_POC)
    | (1 << HVN_EDGE)
    | (1 << PRIOR_EXTREME)
)
USUAL_BARS = 60
USUAL_BARS_MIN = 10
USUAL_BARS_RIPE = 20
BARS_KEPT = 128  # readings of what is usual, by bar; a power of two above `bars_max`
_FAR = 2**62


class DivergenceParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a divergence; distances in effective ticks."""

    beyond: float = 1.0  # m
    delta_share: float = 0.05  # c over the sum of |delta|
    chance_ppm: int = 900_000  # quantile of the |delta| of a bar; 0: chance is not asked
    near: float = 3.0  # of a location
    bars_min: int = 5
    bars_max: int = 60
    refractory_ns: int = 5 * SECOND_NS


PROFILES = {
    PERP: DivergenceParameters(),
    MICRO: DivergenceParameters(refractory_ns=30 * SECOND_NS),
}

PARAMS = np.dtype(
    [
        ("beyond", "<f8"),
        ("delta_share", "<f8"),
        ("chance_ppm", "<i8"),
        ("near", "<f8"),
        ("bars_min", "<i8"),
        ("bars_max", "<i8"),
        ("refractory_ns", "<i8"),
    ]
)
HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("hash", "<u8"),
        ("quiet_until", "<i8", (2,)),  # ts_recv, by kind of swing
        ("bars", "<i8"),  # read so far
        ("volume", "<i8"),  # lots traded in them
    ]
)


USUAL = np.dtype(
    [
        ("ratio", "<i8"),  # millionths: Q of |delta| / sqrt(volume) of a bar
        ("bars", "<i8"),
        ("volume", "<i8"),  # lots traded in all bars so far
    ]
)


class DivergenceState(State, frozen=True):
    """Counts, rests and thresholds of each lane, and the deltas of its bars."""

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # PARAMS, (L,)
    deltas: RecentState  # |delta| / sqrt(volume) of the last bars, millionths, one series a lane
    usual: NDArray[Any]  # USUAL, (L, BARS_KEPT): as of the close of bar n, at n & (BARS_KEPT - 1)


def divergence_state(
    lanes: int, parameters: DivergenceParameters | Sequence[DivergenceParameters]
) -> DivergenceState:
    """Return the state of lanes of which nothing has been said."""
    each = [parameters] * lanes if isinstance(parameters, DivergenceParameters) else parameters
    head = np.zeros(lanes, HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    head["quiet_until"] = NO_TIME
    return DivergenceState(
        head,
        parameter_rows(PARAMS, lanes, each),
        recent_state([NO_LIMIT_NS] * lanes, USUAL_BARS),
        np.zeros((lanes, BARS_KEPT), USUAL),
    )


@kernel
def read_bar(state: DivergenceState, k: Int, bar: Any) -> None:
    """Take a closed BAR of lane `k`: how large its delta usually is, as of its close."""
    head, ppm = state.head[k], state.params[k]["chance_ppm"]
    volume = max(np.int64(bar["volume"]), np.int64(1))
    ratio = np.int64(1e6 * abs(np.int64(bar["delta"])) / np.sqrt(float(volume)))
    add_recent(state.deltas, k, head["bars"], ratio)
    usual = state.usual[k, head["bars"] & (BARS_KEPT - 1)]
    usual["bars"] = recent_count(state.deltas, k)
    usual["ratio"] = recent_quantile(state.deltas, k, ppm) if ppm > 0 else 0
    head["volume"] += volume
    usual["volume"] = head["volume"]
    head["bars"] += 1


@kernel
def judge(
    state: DivergenceState,
    outbox: Outbox,
    swings: SwingsState,
    locations: LocationsState,
    walls: WallsState,
    scenes: Scenes,
    k: Int,
    n: Int,
    found: Int,
    now: Int,
) -> None:
    """Judge the swings of track `n` that the bar just closed has confirmed (bits `found`)."""
    for s in range(2):
        count = swings.head[n]["counts"][s]
        if (found >> s) & 1 == 0 or count < 2 or now < state.head[k]["quiet_until"][s]:
            continue
        before = swings.swings[n, s, (count - 2) & (SWINGS - 1)]
        after = swings.swings[n, s, (count - 1) & (SWINGS - 1)]
        params = state.params[k]
        apart = after["bar"] - before["bar"]
        turnover = after["turnover"] - before["turnover"]
        if apart < params["bars_min"] or apart > params["bars_max"] or turnover <= 0:
            continue
        tick = scenes[k]["effective_tick"]
        if tick == 0:
            state.head[k]["undecided"] += 1
            continue
        sign = 1 - 2 * s
        rise = sign * (after["price"] - before["price"])
        change = sign * (after["cvd"] - before["cvd"])
        hidden = np.int64(rise < 0)
        rise, change = abs(rise), (change if hidden else -change)
        needed = params["delta_share"] * turnover
        if rise >= params["beyond"] * tick and change >= needed:
            _decide(
                state,
                outbox,
                swings,
                locations,
                walls,
                scenes,
                k,
                n,
                s,
                now,
                hidden,
                change,
                needed,
            )


@kernel
def _decide(
    state: DivergenceState,
    outbox: Outbox,
    swings: SwingsState,
    locations: LocationsState,
    walls: WallsState,
    scenes: Scenes,
    k: Int,
    n: Int,
    s: Int,
    now: Int,
    hidden: Int,
    change: Int,
    needed: float,
) -> None:
    """Hold a divergence of price and CVD against location and book, and write its record."""
    head, params, scene = state.head[k], state.params[k], scenes[k]
    count = swings.head[n]["counts"][s]
    before = swings.swings[n, s, (count - 2) & (SWINGS - 1)]
    after = swings.swings[n, s, (count - 1) & (SWINGS - 1)]
    sign, price, tick = np.int64(1 - 2 * s), after["price"], scene["effective_tick"]
    kind, low, high, away = _locate(locations, walls, k, sign, after)
    if kind == 0:
        head["undecided"] += 1
        return
    asked, by_chance = params["chance_ppm"] > 0, 0.0
    usual = state.usual[k, before["bar"] & (BARS_KEPT - 1)]
    if asked:
        if usual["bars"] < USUAL_BARS_MIN:
            head["undecided"] += 1
            return
        volume = state.usual[k, after["bar"] & (BARS_KEPT - 1)]["volume"] - usual["volume"]
        by_chance = 1e-6 * usual["ratio"] * np.sqrt(float(volume))
        needed = max(needed, by_chance)
    reach = params["near"] * tick
    failed = np.int64(0)
    if scene["valid"] == 0:
        failed = np.int64(BOOK_LOST)
    elif change < needed:
        failed = np.int64(BY_CHANCE)
    elif away > reach:
        failed = np.int64(NO_LOCATION)
    else:
        head["quiet_until"][s] = now + params["refractory_ns"]
    head["episodes"] += 1
    doubts = after["doubts"] - before["doubts"]
    young = np.int64(scene["young"] != 0 or (asked and usual["bars"] < USUAL_BARS_RIPE))
    score = at_least(float(abs(price - before["price"])), params["beyond"] * tick)
    score += at_least(float(change), needed) + at_most(float(away), reach)
    row = post(
        outbox,
        k,
        DIVERGENCE,
        CONFIRMED if failed == 0 else REJECTED,
        failed,
        sign,
        -sign,
        min(price, before["price"]),
        max(price, before["price"]),
        head["episodes"],
        after["close_ns"],
        after["confirmed_ns"],
        now,
        head["hash"],
        DATA_GAP if doubts > 0 else (YOUNG_BASELINE if young == 1 else FIRM),
        score / 3.0,
    )
    evidence = outbox.ring[row]["evidence"]
    _fill_swings(evidence, before, after)
    evidence[6] = needed
    evidence[10] = swings.head[n]["order"]
    evidence[11] = hidden
    evidence[12] = kind
    evidence[13] = low
    evidence[14] = high
    evidence[15] = away
    evidence[16] = reach
    evidence[17] = tick
    evidence[20] = by_chance


@kernel_inline
def _fill_swings(evidence: Any, before: Any, after: Any) -> None:
    """Write what the two swings themselves say."""
    evidence[0] = before["price"]
    evidence[1] = after["price"]
    evidence[2] = before["cvd"]
    evidence[3] = after["cvd"]
    evidence[4] = after["price"] - before["price"]
    evidence[5] = after["cvd"] - before["cvd"]
    evidence[7] = after["turnover"] - before["turnover"]
    evidence[8] = after["bar"] - before["bar"]
    evidence[9] = (after["close_ns"] - before["close_ns"]) / 1e9
    evidence[18] = after["bar_form"]
    evidence[19] = after["doubts"] - before["doubts"]


@kernel_inline
def _locate(
    locations: LocationsState, walls: WallsState, k: Int, sign: Int, swing: Any
) -> tuple[Int, Int, Int, Int]:
    """Return (kind, low, high, ticks away) of what stands nearest to the swing's price."""
    price = swing["price"]
    kind, low, high, away = nearest_location(
        locations, k, price, sign, LOCATION_BITS, swing["open_ns"]
    )
    wall = _nearest_wall(walls, k, price, sign, swing["known_ns"])
    if wall != NO_PRICE and abs(wall - price) < away:
        return np.int64(WALL_LOCATION), wall, wall, abs(wall - price)
    return kind, low, high, away


@kernel_inline
def _nearest_wall(walls: WallsState, k: Int, price: Int, sign: Int, since_ns: Int) -> Int:
    """Return the price of the nearest wall that stood since `since_ns` (ts_recv), or NO_PRICE.

    Of two equally near the one further in the direction of `sign` counts.
    """
    best, least = np.int64(NO_PRICE), np.int64(_FAR)
    ended = min(walls.head[k]["ended"], ENDED)
    for i in range(2 * WALLS + ended):
        if i < 2 * WALLS:
            wall = walls.walls[k, i // WALLS, i % WALLS]
            stood = wall["live"] == 1
        else:
            wall = walls.ended[k, i - 2 * WALLS]
            stood = wall["ended_ns"] >= since_ns
        if stood:
            away = abs(wall["price"] - price)
            if away < least or (away == least and sign * (wall["price"] - best) > 0):
                best, least = wall["price"], away
    return best


@kernel
def run_divergence(
    bars: NDArray[Any],
    start: Int,
    stop: Int,
    state: DivergenceState,
    outbox: Outbox,
    swings: SwingsState,
    locations: LocationsState,
    walls: WallsState,
    scenes: Scenes,
    k: Int,
    n: Int,
) -> Int:
    """Take bars[start:stop] of lane `k` into track `n` and judge after each; return stop."""
    for i in range(start, stop):
        bar = bars[i]
        read_bar(state, k, bar)
        found = on_bar(swings, n, bar, scenes[k]["effective_tick"])
        if found != 0:
            judge(state, outbox, swings, locations, walls, scenes, k, n, found, bar["known_ns"])
    return stop
