"""Spoof-like pull (R5.4): a wall that was shown, and was taken away before it could be hit.

Intent cannot be observed and is not claimed. Every wall (R1.6) is followed from the TIMER that
lists it; one that was listed 1 .. D effective ticks behind its own best price counts. It has
*fallen* when its level shows at most 20 % of its peak; that is judged when the message ends, so a
wall that moves within a message is seen to have moved. CONFIRMED when all hold:

    cancelled within tau_p, net of what was added, >= 80 % of peak      traded / peak <= 5 %
    lifetime in its bounds         price came 3 e or more nearer to it, to within 3 e, and was still
    peak above Q.99 of levels as   there in the last tau_p; or it is the second of similar size
    far off (30 min)               within 3 e of this price in ten minutes, and chance would hardly
    no re-peg: a level within 1 e  bring so many
    shows 80 % of it again within  no book-wide pull: 3 other walls gone, or half of all other
    250 ms                         near depth, within 500 ms

The row of the fall is provisional: the tape may still explain it. The last word is a second row of
the same episode: REJECTED as soon as the wall turns out to have moved or the whole book to have
withdrawn; else two seconds later CONFIRMED, or REJECTED if trades stamped before the fall came
after it. A fall that was cancelled at least by half and misses a condition is one REJECTED row.
Walls that were eaten, or fall slowly, end without a row: their WALL rows say so.

Chance: the pulls of similar size on this side elsewhere, over the last hour, and half a one (what
was not seen in an hour is not impossible), are a Poisson rate; that at least so many of ten minutes
should fall here, though all fell here, must have a probability of 1 % at most. Where a market pulls
walls every minute, two at one place say nothing. The rate is not known before ten minutes;
repetition counts for nothing until then.

Layers are walls of the same side that were pulled within tau_p, this one included; what they held
is no part of the other depth. Opposite prints are lots executed on the other side of the book. The
score is the mean over the numeric conditions; layering, and opposite prints of a tenth of the peak,
each bring it a tenth of the way nearer to 1. Left out: the comparison with a prior day's orders
(R5.4 is not sure of it). A re-peg into several levels, or onto a wall that already stood, is not
seen as one.

Records and shapes: `pull_records`. Ages on ts_recv. Units: ticks, lots, ns.
"""

from typing import Any

import numpy as np

from aggressor.detectors.outbox import Outbox
from aggressor.detectors.pull_conditions import (
    APPROACH,
    BOOK_LOST,
    FALLEN,
    FALLEN_SHARE,
    MISSED,
    STANDING,
    approach,
    cancelled_within,
    count_repeats,
    flow_before,
    is_judged,
    meet,
    missing,
    note_touch,
    usual_at,
    withdrawn,
)
from aggressor.detectors.pull_conditions import CONDITIONS as CONDITIONS
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
from aggressor.detectors.pull_records import PROFILES as PROFILES
from aggressor.detectors.pull_row import EVIDENCE as EVIDENCE
from aggressor.detectors.pull_row import write_row
from aggressor.features.baseline import UNKNOWN
from aggressor.features.near_depth import SAMPLES, NearDepthState
from aggressor.features.wall_records import WALLS, WallsState
from aggressor.features.watch import PULL_MARK, WatchState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import NO_SLOT, BookState, best_price
from aggressor.market.ledger import LedgerState
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    BEFORE_TOLERANCE,
    CONFIRMED,
    FIRM,
    REJECTED,
)


@kernel_inline
def on_trade(
    state: PullState, watch: WatchState, ledger: LedgerState, k: Int, slot: Int, event: Any
) -> None:
    """Take a TRADE of chosen flow that the ledger gave to `slot` (NO_SLOT: to no level)."""
    head = state.head[np.uint64(k)]
    if event["side"] > 0:
        head["bought"] += event["size"]
    elif event["side"] < 0:
        head["sold"] += event["size"]
    if slot != NO_SLOT and watch.marks[np.uint64(slot)] & PULL_MARK:
        _hit(state, watch, ledger, k, slot, event)


@kernel
def _hit(
    state: PullState, watch: WatchState, ledger: LedgerState, k: Int, slot: Int, event: Any
) -> None:
    """Take a trade of a followed level; after the fall only what happened before it counts."""
    for j in range(PLACES):
        track = state.tracks[k, j]
        if state.slots[k, j] != slot or track["price"] != event["price"]:
            continue
        if track["stage"] == STANDING:
            _read(state, ledger, k, j)
        elif event["ts_venue"] <= track["fallen_venue"]:
            track["traded"] += event["size"]
            track["cancelled"] -= event["size"]


@kernel
def _read(state: PullState, ledger: LedgerState, k: Int, j: Int) -> None:
    track, here = state.tracks[k, j], ledger.slots[state.slots[k, j]]
    if here["episode"] == track["ledger_episode"]:
        track["lots"], track["traded"] = here["lots"], here["traded"] - track["start_traded"]
        track["kept"] = here["lots"] + here["traded"]


@kernel
def on_level(
    state: PullState, watch: WatchState, ledger: LedgerState, k: Int, slot: Int, event: Any
) -> None:
    """Take a LEVEL row of a marked slot."""
    now, found = event["ts_recv"], False
    for j in range(PLACES):
        track = state.tracks[k, j]
        if state.slots[k, j] != slot or track["price"] != event["price"]:
            continue
        found = True
        if track["stage"] != STANDING:
            continue
        shown = track["lots"]
        _read(state, ledger, k, j)
        track["peak"] = max(track["peak"], track["lots"])
        if 2 * shown < track["peak"] <= 2 * track["lots"]:  # what is a wall now was none before
            track["since_ns"], track["grown"] = now, 1
        at = track["changes"] & (CHANGES - 1)
        track["change_ns"][at], track["change_kept"][at] = now, track["kept"]
        track["changes"] += 1
        if 2 * track["lots"] < track["peak"] and track["noted"] == 0:
            cancelled = cancelled_within(state, k, j, now)[0]
            track["noted"] = 1
            note = state.notes[k, state.head[k]["notes"] & (NOTES - 1)]
            note["ts"], note["side"], note["price"] = now, track["side"], track["price"]
            note["lots"] = track["peak"]
            note["cancelled"] = np.int64(cancelled >= 0.8 * (track["peak"] - track["lots"]))
            state.head[k]["notes"] += 1
        if track["lots"] <= FALLEN_SHARE * track["peak"]:
            track["stage"] = FALLEN
            state.head[k]["dirty"] = 1
    if not found:
        watch.marks[slot] &= np.uint8(0xFF ^ PULL_MARK)


@kernel_inline
def on_message(
    state: PullState,
    watch: WatchState,
    book: BookState,
    walls: WallsState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    now: Int,
) -> None:
    """After a book message: judge what has fallen in it, and whether the fallen moved."""
    head, scene = state.head[np.uint64(k)], scenes[np.uint64(k)]
    if head["dirty"] != 0 or head["leaving"] > 0:
        _settle(state, watch, book, walls, near, scenes, outbox, k, now)
    if head["listed"] != 0 and scene["valid"] != 0:
        note_touch(head, scene, book.head[np.uint64(k)]["quote_bid"] == NO_PRICE)


@kernel
def judge(
    state: PullState,
    watch: WatchState,
    book: BookState,
    ledger: LedgerState,
    walls: WallsState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
) -> None:
    """At a TIMER, after the walls were sampled: follow them; say the last word on the fallen."""
    head, row, scene = state.head[k], state.parameters[k], scenes[k]
    now = scene["now"]
    flow = state.flows[k, head["flows"] & (FLOWS - 1)]
    flow["ts"], flow["bought"], flow["sold"] = now, head["bought"], head["sold"]
    head["flows"] += 1
    _settle(state, watch, book, walls, near, scenes, outbox, k, now)
    if scene["valid"] == 0:
        return
    if head["since_ns"] == NO_TIME:
        head["since_ns"] = now
    for s in range(2):
        busy = walls.head[k]["live"][s] | (head["listed"] >> (s * WALLS))
        for i in range(WALLS):
            if (busy >> i) & 1 == 0:
                continue
            wall, track, j = walls.walls[k, s, i], state.tracks[k, s * WALLS + i], s * WALLS + i
            known = track["listed_ns"] == wall["listed_ns"] and track["slot"] == wall["slot"]
            if track["listed_ns"] != 0 and (wall["live"] == 0 or not known):
                _leave(state, watch, k, j, now)
                known = False
            if wall["live"] == 0:
                continue
            if not known:
                if scene["effective_tick"] == 0:
                    head["undecided"] += 1
                else:
                    _start(state, watch, ledger, walls, scenes, k, j, wall)
                continue
            meet(state, k, j, wall["distance"], now)
            track["z"], track["ratio"] = wall["z"], wall["ratio"]
            track["maturity"] = wall["maturity"]
            if now - track["listed_ns"] <= row["flow_ns"]:
                track["after_delta"] = head["bought"] - head["sold"] - track["listed_delta"]
                track["after_ns"] = now - track["listed_ns"]
    if head["leaving"] > 0:
        for j in range(PLACES - LEAVING, PLACES):  # half of it may be gone, price is still met
            track = state.tracks[k, j]
            if track["listed_ns"] != 0 and track["stage"] == STANDING:
                side = track["side"]
                meet(state, k, j, side * (best_price(book, k, side) - track["price"]), now)
    head["nearest"][0], head["nearest"][1] = np.int64(FAR), np.int64(FAR)


@kernel
def _start(
    state: PullState,
    watch: WatchState,
    ledger: LedgerState,
    walls: WallsState,
    scenes: Any,
    k: Int,
    j: Int,
    wall: Any,
) -> None:
    """Follow a wall that has just been listed."""
    head, row, scene, track = state.head[k], state.parameters[k], scenes[k], state.tracks[k, j]
    here, e = ledger.slots[wall["slot"]], scene["effective_tick"]
    track["listed_ns"], track["slot"] = wall["listed_ns"], wall["slot"]
    track["ledger_episode"] = wall["episode"]
    track["side"], track["price"], track["stage"] = wall["side"], wall["price"], STANDING
    track["effective_tick"], track["maturity"] = e, wall["maturity"]
    track["counts"] = np.int64(e <= wall["distance"] <= row["far_ticks"] * e)
    track["young"] = scene["young"]
    track["first_seen_ns"], track["ts_armed"] = wall["first_seen_ns"], scene["venue_now"]
    track["since_ns"] = wall["listed_ns"] - walls.parameters[k]["look_ns"] // 2
    track["usual"] = usual_at(walls, k, wall["distance"] // e, row["size_ppm"])
    track["z"], track["ratio"] = wall["z"], wall["ratio"]
    track["start_distance"] = track["min_distance"] = wall["distance"]
    near = wall["distance"] <= row["near_ticks"] * e
    track["near_ns"] = scene["now"] if near else np.int64(0)
    track["peak"], track["start_traded"] = wall["peak"], here["traded"]
    state.slots[k, j] = wall["slot"]
    head["listed"] |= np.int64(1) << j
    watch.marks[wall["slot"]] |= np.uint8(PULL_MARK)
    _read(state, ledger, k, j)
    track["change_ns"][0], track["change_kept"][0] = scene["now"], track["kept"]
    track["changes"], track["noted"], track["grown"] = 1, 0, 0
    track["listed_delta"] = head["bought"] - head["sold"]
    old = state.flows[k, flow_before(state, k, scene["now"] - row["flow_ns"])]
    track["before_delta"] = track["listed_delta"] - (old["bought"] - old["sold"])
    track["after_delta"], track["after_ns"] = 0, 0


@kernel
def _leave(state: PullState, watch: WatchState, k: Int, j: Int, now: Int) -> int:
    """Move a wall that is no longer listed, or has fallen, behind the list; return its new place.

    -1 where there is no room, and it is forgotten.
    """
    head, place = state.head[k], -1
    for free in range(PLACES - LEAVING, PLACES):
        if state.tracks[k, free]["listed_ns"] == 0:
            place = free
            break
    if place >= 0:
        state.tracks[k, place] = state.tracks[k, j]
        state.slots[k, place] = state.slots[k, j]
        head["leaving"] += 1
        if state.tracks[k, place]["stage"] == STANDING:
            state.tracks[k, place]["fallen_ns"] = now  # until it falls: since when it is unlisted
    else:
        head["crowded"] += 1
        watch.marks[state.slots[k, j]] &= np.uint8(0xFF ^ PULL_MARK)
    state.tracks[k, j]["listed_ns"] = 0
    state.slots[k, j] = NO_SLOT
    head["listed"] &= ~(np.int64(1) << j)
    return place


@kernel
def _free(state: PullState, k: Int, j: Int) -> None:
    """Forget a wall; its mark goes with the next row of the level."""
    state.tracks[k, j]["listed_ns"] = 0
    state.slots[k, j] = NO_SLOT
    state.head[k]["listed"] &= ~(np.int64(1) << j)
    if j >= PLACES - LEAVING:
        state.head[k]["leaving"] -= 1


@kernel
def _settle(
    state: PullState,
    watch: WatchState,
    book: BookState,
    walls: WallsState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    now: Int,
) -> None:
    """Judge fresh falls, then carry on with all that are not settled."""
    head, row, scene = state.head[k], state.parameters[k], scenes[k]
    if scene["valid"] == 0:
        for j in range(PLACES):
            if state.tracks[k, j]["listed_ns"] != 0:
                if state.tracks[k, j]["stage"] == CONFIRMED:
                    write_row(state, scenes, outbox, k, j, now, REJECTED, BOOK_LOST, FIRM)
                _free(state, k, j)
        head["dirty"] = 0
        return
    if head["dirty"] != 0:
        head["dirty"] = 0
        for back in range(PLACES):  # those that left the list first: a fall is judged once
            j = PLACES - 1 - back
            if state.tracks[k, j]["listed_ns"] == 0 or state.tracks[k, j]["stage"] != FALLEN:
                continue
            if is_judged(state, k, j, now):
                _free(state, k, j)
                continue
            place = j if j >= PLACES - LEAVING else _leave(state, watch, k, j, now)
            if place >= 0:
                _judge_fall(state, book, walls, near, scenes, outbox, k, place, now)
    if head["leaving"] == 0:
        return
    for j in range(PLACES - LEAVING, PLACES):
        track = state.tracks[k, j]
        if track["listed_ns"] == 0:
            continue
        age = now - track["fallen_ns"]
        if track["stage"] == STANDING:
            if age > row["pull_ns"]:
                _free(state, k, j)
            continue
        if track["stage"] == CONFIRMED and age <= max(row["wide_ns"], row["move_ns"]):
            failed = withdrawn(state, book, walls, near, k, j, now)
            if failed != 0:
                write_row(state, scenes, outbox, k, j, now, REJECTED, failed, FIRM)
                _free(state, k, j)
                continue
        if age >= row["around_ns"]:
            _last_word(state, scenes, outbox, k, j, now)
            _free(state, k, j)


@kernel
def _judge_fall(
    state: PullState,
    book: BookState,
    walls: WallsState,
    near: NearDepthState,
    scenes: Any,
    outbox: Outbox,
    k: Int,
    j: Int,
    now: Int,
) -> None:
    """Measure a wall that has fallen in the message that ends now; confirm it or not."""
    head, row, scene, track = state.head[k], state.parameters[k], scenes[k], state.tracks[k, j]
    if track["counts"] == 0 or track["maturity"] == UNKNOWN:
        head["undecided"] += np.int64(track["counts"] == 1)
        _free(state, k, j)
        return
    s = np.int64(track["side"] < 0)
    track["fallen_ns"], track["fallen_venue"] = now, scene["venue_now"]
    track["cancelled"], track["pull_ns"] = cancelled_within(state, k, j, now)
    approach(state, k, j, now)
    best = scene["bid"] if s == 0 else scene["ask"]
    behind = track["side"] * (best - track["price"])
    if now - track["listed_ns"] <= row["flow_ns"]:
        track["after_delta"] = head["bought"] - head["sold"] - track["listed_delta"]
        track["after_ns"] = now - track["listed_ns"]
    old = state.flows[k, flow_before(state, k, now - row["around_ns"])]
    opposite = head["bought"] if s == 0 else head["sold"]
    track["opposite_start"] = opposite
    track["opposite_before"] = opposite - (old["bought"] if s == 0 else old["sold"])
    count_repeats(state, k, j, now)
    last = near.samples[k, (near.head[k]["samples"] - 1) & (SAMPLES - 1)]
    track["depth_before"], track["depth_loss"], track["behind"] = 0, 0.0, behind
    if near.head[k]["known"] == 1:
        own = track["cancelled"] + track["lots"]
        within = 0 <= behind < near.head[k]["reach_ticks"]
        whole = last["lots"][0] + last["lots"][1]
        track["depth_before"] = max(whole - own * np.int64(within), 0)
    track["failed"] = missing(state, k, j)
    moved = withdrawn(state, book, walls, near, k, j, now)
    if track["failed"] == 0:
        track["failed"] = moved
    if track["cancelled"] < row["near_miss"] * track["peak"]:
        _free(state, k, j)
        return
    head["episodes"] += 1
    track["episode"] = head["episodes"]
    track["stage"] = MISSED if track["failed"] != 0 else CONFIRMED
    if track["failed"] == 0:
        write_row(state, scenes, outbox, k, j, now, CONFIRMED, 0, BEFORE_TOLERANCE)


@kernel
def _last_word(state: PullState, scenes: Any, outbox: Outbox, k: Int, j: Int, now: Int) -> None:
    """Write the final row of a fall: late trades have been taken off what was cancelled."""
    row, track = state.parameters[k], state.tracks[k, j]
    failed = missing(state, k, j)
    alone = track["failed"] == APPROACH and failed == APPROACH
    if alone or (track["stage"] == CONFIRMED and failed == 0):
        s = np.int64(track["side"] < 0)
        past = state.past[k, s, state.head[k]["past"][s] & (PAST - 1)]
        past["ts"], past["peak"], past["price"] = track["fallen_ns"], track["peak"], track["price"]
        state.head[k]["past"][s] += 1
    if track["stage"] == CONFIRMED and failed == 0:
        write_row(state, scenes, outbox, k, j, now, CONFIRMED, 0, FIRM)
        return
    failed = failed if track["stage"] == CONFIRMED else track["failed"]
    if track["stage"] == CONFIRMED or track["cancelled"] >= row["near_miss"] * track["peak"]:
        write_row(state, scenes, outbox, k, j, now, REJECTED, failed, FIRM)
