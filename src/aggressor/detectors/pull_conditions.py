"""The conditions of a spoof-like pull, one by one; see `pull` for how they are put together.

A wall's `kept` is what it shows and what was traded of it: it falls by what is cancelled, net of
what is added. Units: ticks, lots, ns of ts_recv.
"""

from math import exp
from typing import Any

import numpy as np

from aggressor.detectors.pull_records import (
    CHANGES,
    FAR,
    FLOWS,
    LEAVING,
    NOTES,
    PAST,
    PLACES,
    PullState,
)
from aggressor.features.baseline import UNKNOWN, bucket_of, maturity, quantile
from aggressor.features.near_depth import SAMPLES, NearDepthState
from aggressor.features.wall_records import DISTANCES, WALLS, WallsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, lots_at

CONDITIONS = (
    "",
    "cancelled share",
    "fill ratio",
    "lifetime",
    "approach or repetition",
    "no re-peg",
    "no book-wide pull",
    "valid book",
    "larger than usual",
)
CANCELLED = 1
FILLED = 2
LIFETIME = 3
APPROACH = 4
MOVED = 5
BOOK_WIDE = 6
BOOK_LOST = 7
USUAL = 8

STANDING = 1
FALLEN = 5  # during the message in hand
MISSED = 6  # fallen without meeting a condition
FALLEN_SHARE = 0.2  # of the peak (R5.0)


@kernel
def cancelled_within(state: PullState, k: Int, j: Int, now: Int) -> tuple[Int, Int]:
    """Return (lots cancelled within tau_p net of what was added, ns since it began)."""
    track, start_ns = state.tracks[k, j], now - state.parameters[k]["pull_ns"]
    most, began = np.int64(0), now
    for back in range(min(track["changes"], CHANGES)):
        at = (track["changes"] - 1 - back) & (CHANGES - 1)
        if track["change_kept"][at] - track["kept"] > most:
            most = track["change_kept"][at] - track["kept"]
            after = (track["changes"] - back) & (CHANGES - 1)
            began = track["change_ns"][after]
        if track["change_ns"][at] <= start_ns:
            break
    return most, now - began


@kernel
def flow_before(state: PullState, k: Int, ts: Int) -> int:
    """Return the place of the newest reading of the tape at or before `ts`, or of the oldest."""
    flows = state.head[k]["flows"]
    low, high = max(flows - FLOWS, 0), flows - 1
    while low < high:
        middle = (low + high + 1) >> 1
        if state.flows[k, middle & (FLOWS - 1)]["ts"] <= ts:
            low = middle
        else:
            high = middle - 1
    return low & (FLOWS - 1)


@kernel
def usual_at(walls: WallsState, k: Int, ticks: Int, ppm: Int) -> Int:
    """Return a quantile of the levels this many effective ticks off, 0 while it is unknown."""
    octave = 0
    while ticks > 0 and octave < DISTANCES - 1:
        octave += 1
        ticks >>= 1
    n = k * DISTANCES + octave
    return np.int64(0) if maturity(walls.sizes, n) == UNKNOWN else quantile(walls.sizes, n, ppm)


@kernel
def is_judged(state: PullState, k: Int, j: Int, now: Int) -> bool:
    """Return whether this fall was judged already: the level was listed anew while it fell."""
    for other in range(PLACES - LEAVING, PLACES):
        track = state.tracks[k, other]
        same = (
            other != j and track["listed_ns"] != 0 and track["slot"] == state.tracks[k, j]["slot"]
        )
        if same and track["stage"] != STANDING and track["fallen_ns"] == now:
            return True
    return False


@kernel_inline
def note_touch(head: Any, scene: Any, is_depth: bool) -> None:
    """Note the touch after a book message; which walls met it is known at the next depth."""
    nearing, nearest = head["nearing"], head["nearest"]
    nearing[0] = min(nearing[0], np.int64(scene["bid"]))
    nearing[1] = min(nearing[1], -np.int64(scene["ask"]))
    if is_depth:
        for s in range(2):
            nearest[s] = min(nearest[s], nearing[s])
            nearing[s] = FAR


@kernel
def approach(state: PullState, k: Int, j: Int, now: Int) -> None:
    """Note how near price came to a wall since the last TIMER, while it was known to stand."""
    track = state.tracks[k, j]
    nearest = state.head[k]["nearest"][np.int64(track["side"] < 0)]
    if track["grown"] == 0:
        come_near(state, k, j, nearest - track["side"] * track["price"], now)


@kernel
def come_near(state: PullState, k: Int, j: Int, distance: Int, now: Int) -> None:
    """Note a touch so many ticks from a wall; one beyond it was not met by it."""
    row, track = state.parameters[k], state.tracks[k, j]
    if distance >= 0:
        track["min_distance"] = min(track["min_distance"], distance)
        if distance <= row["near_ticks"] * track["effective_tick"]:
            track["near_ns"] = now


@kernel
def meet(state: PullState, k: Int, j: Int, distance: Int, now: Int) -> None:
    """Follow price to a wall that stands at a TIMER, now so many ticks from the touch."""
    track = state.tracks[k, j]
    approach(state, k, j, now)
    if track["grown"] != 0:  # what came near before was not met by this wall
        track["start_distance"] = track["min_distance"] = distance
        track["near_ns"], track["grown"] = 0, 0
    come_near(state, k, j, distance, now)


@kernel
def missing(state: PullState, k: Int, j: Int) -> int:
    """Return the first condition of the wall itself that does not hold, 0 if all do."""
    row, track = state.parameters[k], state.tracks[k, j]
    if track["cancelled"] < row["cancelled_share"] * track["peak"]:
        return CANCELLED
    if track["traded"] > row["fill_ratio"] * track["peak"]:
        return FILLED
    if bucket_of(track["peak"]) <= bucket_of(track["usual"]):
        return USUAL
    life = track["fallen_ns"] - track["since_ns"]
    if life < row["life_min_ns"] or life > row["life_max_ns"]:
        return LIFETIME
    came = track["start_distance"] - track["min_distance"]
    near = came >= row["approach_ticks"] * track["effective_tick"]
    near = near and track["min_distance"] <= row["near_ticks"] * track["effective_tick"]
    near = near and track["fallen_ns"] - track["near_ns"] <= row["pull_ns"]
    again = track["repeats"] >= row["repeats_min"] and track["by_chance"] <= row["chance"]
    return 0 if near or again else APPROACH


@kernel
def count_repeats(state: PullState, k: Int, j: Int, now: Int) -> None:
    """Count pulls like this one, here in the last minutes, and how likely so many are by chance."""
    head, row, track = state.head[k], state.parameters[k], state.tracks[k, j]
    s, reach = np.int64(track["side"] < 0), row["near_ticks"] * track["effective_tick"]
    track["repeats"], elsewhere = 1, 0
    for n in range(PAST):
        past = state.past[k, s, n]
        if past["ts"] <= now - row["learn_ns"]:
            continue
        if abs(past["peak"] - track["peak"]) > row["similar"] * track["peak"]:
            continue
        if abs(past["price"] - track["price"]) > reach:
            elsewhere += 1
        elif past["ts"] > now - row["repeat_ns"]:
            track["repeats"] += 1
    known_ns = min(now - head["since_ns"], row["learn_ns"])
    track["by_chance"] = 1.0
    if known_ns >= row["learn_min_ns"]:
        expected = (elsewhere + 0.5) * row["repeat_ns"] / max(known_ns, row["repeat_ns"])
        share, below = exp(-expected), 0.0
        for n in range(track["repeats"] - 1):
            below += share
            share *= expected / (n + 1)
        track["by_chance"] = 1.0 - below


@kernel
def withdrawn(
    state: PullState,
    book: BookState,
    walls: WallsState,
    near: NearDepthState,
    k: Int,
    j: Int,
    now: Int,
) -> int:
    """Return MOVED or BOOK_WIDE if the wall stands again nearby or the whole book withdrew."""
    row, track = state.parameters[k], state.tracks[k, j]
    age, side = now - track["fallen_ns"], track["side"]
    if age <= row["move_ns"]:
        reach = row["move_ticks"] * track["effective_tick"]
        for price in range(track["price"] - reach, track["price"] + reach + 1):
            if lots_at(book, k, side, price) >= row["move_share"] * track["peak"]:
                if not stood(walls, k, np.int64(side < 0), price, track["fallen_ns"]):
                    return MOVED
    track["others"], track["layers"], layered = 0, 1, np.int64(0)
    reach = near.head[k]["reach_ticks"]
    for n in range(min(state.head[k]["notes"], NOTES)):
        note = state.notes[k, n]
        apart = abs(note["ts"] - track["fallen_ns"])
        if note["side"] == side and note["price"] == track["price"]:
            continue
        track["others"] += np.int64(apart <= row["wide_ns"])
        if note["side"] == side and note["cancelled"] == 1 and apart <= row["pull_ns"]:
            track["layers"] += 1
            behind = track["behind"] + side * (track["price"] - note["price"])
            layered += note["lots"] * np.int64(0 <= behind < reach)
    before = track["depth_before"] - layered  # layers belong to the pull, not to the book
    if age <= row["wide_ns"] and near.head[k]["known"] == 1 and before > 0:
        last = near.samples[k, (near.head[k]["samples"] - 1) & (SAMPLES - 1)]
        if last["ts"] > track["fallen_ns"]:
            lost = (before - last["lots"][0] - last["lots"][1]) / before
            track["depth_loss"] = max(track["depth_loss"], lost)
    wide = track["others"] >= row["wide_walls"] or track["depth_loss"] >= row["wide_depth"]
    return BOOK_WIDE if wide else 0


@kernel
def stood(walls: WallsState, k: Int, s: Int, price: Int, before_ns: Int) -> bool:
    """Return whether another wall at this price was listed before."""
    for i in range(WALLS):
        wall = walls.walls[k, s, i]
        if wall["live"] == 1 and wall["price"] == price and wall["listed_ns"] < before_ns:
            return True
    return False
