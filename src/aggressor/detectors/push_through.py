"""Push-through (R5.6): buyers eat an ask wall and price goes on (mirror: sellers, a bid wall).

    TEST      the best price of the wall's side is within 2 e of an aged wall L
    CONSUME   traded share f_T >= 0.5
    CLEAR     L is empty, the best price lies beyond it, the level's label is CONSUMED (f_T >= 0.7,
              f_C <= 0.3, refill < 0.5; R5.0), more was bought at L than single levels at such a
              distance hold (their quantile, `size_ppm`), the stroke that cleared it (prints at L
              less than 250 ms apart) took 20 % of the peak or more, and of the buys of at most
              250 ms that hold the last print at L one order is of Q.99 of taker orders or more,
              or their sum of Q.99 of such bursts -> CONFIRMED
    HOLD      at the end of 2 s: the best bid has reached L and no ask >= half the wall's peak was
              put at or before L again -> CONFIRMED once more, `stage` 2
    FAILED    from then on, for 60 s: the best bid is below L - e -> REJECTED "price held"

All rows of one wall carry one episode number and, in the evidence, their `stage`: 1 CLEAR, 2
HOLD, 3 FAILED. After CLEAR a wall gets exactly one row at the end of the hold window: HOLD, or
EXPIRED naming what was missing, or FAILED; FAILED may still follow the first two. Before CLEAR a
near-miss is written when the level is gone but not consumed, or was half eaten and left; a test
that came to nothing, and a wall that was simply PULLED, leave no row.

Shares are of the ledger since TEST began: f_T = traded / (start + added). What others put up since
and take away again while the wall stands is neither added nor cancelled: prints take the older lots
first, cancels the youngest; once the older are gone the later ones are the wall. What the ledger
still may re-label counts as cancelled if it shrank without a print and as traded if it printed: a
CLEAR that holds even so is told at once, `provisional` BEFORE_TOLERANCE; one that does not waits
for the tolerance before it is rejected. Should the level's record be taken over by another level
before it was read again, what was not seen to trade counts as cancelled. What bursts are usual is
read at each taker order of the last hour: what its side took in the 250 ms up to it. All quantiles
are strictly past; where one of them is not known the wall is not judged (`undecided`).

Lots traded beyond L by the pushing side are kept and handed on with the end of the break (R5.9).

Shapes: lanes L, directions 2 (0 up, 1 down), EPISODES walls each. Units: ticks, lots, ns.
"""

from typing import Any

import numpy as np

from aggressor.detectors.breaks import (
    FROM_PUSH_THROUGH,
    BreaksState,
    add_break,
    extend_break,
)
from aggressor.detectors.depletion import (
    CANCELLED_MAX,
    CONSUMED,
    PULLED,
    TRADED_MIN,
    depletion_label,
)
from aggressor.detectors.outbox import Outbox
from aggressor.detectors.push_reading import (
    read_bursts,
    read_level,
    read_needed,
    refill_ratio,
    settle,
)
from aggressor.detectors.push_records import (
    AFTER,
    BOOK_LOST,
    BUYS,
    CONDITIONS,
    CONSUME,
    EPISODES,
    EVIDENCE,
    FELL_BACK,
    HOLD,
    IDLE,
    LITTLE_TRADED,
    MUCH_CANCELLED,
    NOT_BEYOND,
    NOT_GONE,
    NOT_REACHED,
    PROFILES,
    PUT_BACK,
    REFILLED,
    SMALL_BURST,
    SMALL_WALL,
    STAGE_CLEAR,
    STAGE_FAILED,
    STAGE_HELD,
    TEST,
    PushThroughParameters,
    PushThroughState,
    push_through_state,
)
from aggressor.detectors.push_row import write_row
from aggressor.detectors.scene import Scenes
from aggressor.features.baseline import READY, UNKNOWN, bucket_of, maturity, quantile
from aggressor.features.prints import PrintsState, current_order
from aggressor.features.wall_records import DISTANCES, WALLS, WallsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.market.ledger import LedgerState
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import CONFIRMED, EXPIRED, REJECTED

__all__ = [
    "CONDITIONS",
    "EVIDENCE",
    "PROFILES",
    "STAGE_CLEAR",
    "STAGE_FAILED",
    "STAGE_HELD",
    "PushThroughParameters",
    "PushThroughState",
    "judge",
    "on_trade",
    "push_through_state",
]

SIMPLY_PULLED = -1  # what the label table leaves to another detector
UNDECIDED = -2


@kernel_inline
def on_trade(
    state: PushThroughState, ledger: LedgerState, prints: PrintsState, k: Int, event: Any
) -> None:
    """Take one TRADE of chosen flow, after the ledger and the taker orders have."""
    side = np.int64(event["side"])
    if side != 0 and state.head[np.uint64(k)]["open"][np.uint64((1 - side) >> 1)] > 0:
        _count_print(state, ledger, prints, k, (1 - side) >> 1, event)


@kernel
def _count_print(
    state: PushThroughState, ledger: LedgerState, prints: PrintsState, k: Int, j: Int, event: Any
) -> None:
    """Carry a print of the pushing side into the burst and into the walls it met."""
    head, ring = state.head[k], state.buys[k, j]
    now, lots, span = event["ts_recv"], event["size"], state.params[k]["burst_ns"]
    newest = head["buys"][j]
    while head["first"][j] < newest:
        oldest = ring[head["first"][j] & (BUYS - 1)]
        if oldest["ts_recv"] > now - span and newest - head["first"][j] < BUYS:
            break
        head["burst"][j] -= oldest["lots"]
        head["first"][j] += 1
    ring[newest & (BUYS - 1)]["ts_recv"] = now
    ring[newest & (BUYS - 1)]["lots"] = lots
    head["buys"][j] = newest + 1
    head["burst"][j] += lots
    for i in range(EPISODES):
        episode, broken = state.episodes[k, j, i], state.broken[k, j, i]
        if episode["phase"] == IDLE:
            continue
        if extend_break(broken, event) > 0 and broken["start_ns"] == NO_TIME:
            broken["start_ns"], broken["ts_venue"] = now, event["ts_venue"]
        if episode["phase"] > CONSUME:
            continue
        if event["price"] == broken["level"]:
            if episode["print_ns"] == NO_TIME or now - episode["print_ns"] >= span:
                episode["order"] = episode["stroke"] = 0
            episode["print_ns"] = now
            episode["stroke"] += lots
            episode["burst"] = 0
            read_level(episode, ledger)
        if episode["print_ns"] != NO_TIME and now - episode["print_ns"] < span:
            episode["burst"] = max(episode["burst"], head["burst"][j])
            order = current_order(prints, k)
            first = broken["direction"] * (np.int64(order["first"]) - broken["level"])
            if first <= 0 and order["lots"] > episode["order"] and order["side"] != 0:
                episode["order"] = order["lots"]


@kernel
def judge(
    state: PushThroughState,
    scenes: Scenes,
    walls: WallsState,
    book: BookState,
    ledger: LedgerState,
    prints: PrintsState,
    breaks: BreaksState,
    outbox: Outbox,
    k: Int,
) -> None:
    """Judge lane `k` at a TIMER, after walls were sampled and the scene was written."""
    scene, head = scenes[k], state.head[k]
    tick = scene["effective_tick"]
    read_bursts(state, prints, k, scene["now"])
    for j in range(2):
        if head["open"][j] > 0:
            for i in range(EPISODES):
                phase = state.episodes[k, j, i]["phase"]
                if phase == IDLE:
                    continue
                if scene["valid"] == 0:
                    write_row(state, scenes, outbox, k, j, i, REJECTED, BOOK_LOST)
                    _close(state, k, j, i, NO_TIME)
                elif phase <= CONSUME:
                    _attack(state, scenes, ledger, prints, outbox, k, j, i)
                else:
                    _follow(state, scenes, book, breaks, outbox, k, j, i)
        if scene["valid"] == 1 and tick > 0:
            near = state.params[k]["near_effective_ticks"] * tick
            live = walls.head[k]["live"][1 - j]
            for n in range(WALLS):
                if (live >> n) & 1 == 0:
                    continue
                wall = walls.walls[k, 1 - j, n]
                if wall["aged"] == 1 and wall["distance"] <= near:
                    _test(state, scenes, ledger, prints, walls, k, j, wall)


@kernel
def _test(
    state: PushThroughState,
    scenes: Scenes,
    ledger: LedgerState,
    prints: PrintsState,
    walls: WallsState,
    k: Int,
    j: Int,
    wall: Any,
) -> None:
    """Begin to watch a wall unless it is watched already or its zone rests."""
    scene, free = scenes[k], -1
    now, tick = scene["now"], scene["effective_tick"]
    for i in range(EPISODES):
        episode, broken = state.episodes[k, j, i], state.broken[k, j, i]
        if episode["phase"] != IDLE:
            if episode["slot"] == wall["slot"] and episode["ledger_episode"] == wall["episode"]:
                return
        elif now < episode["quiet_until"]:
            if abs(broken["level"] - wall["price"]) <= tick:
                return
        else:
            free = i
    if free < 0:
        return
    head, here = state.head[k], ledger.slots[wall["slot"]]
    episode, broken = state.episodes[k, j, free], state.broken[k, j, free]
    head["episodes"] += 1
    head["open"][j] += 1
    if head["open"][j] == 1:  # prints were not counted until now
        head["first"][j], head["burst"][j] = head["buys"][j], 0
    episode["phase"], episode["episode"] = TEST, head["episodes"]
    episode["slot"], episode["ledger_episode"] = wall["slot"], wall["episode"]
    episode["peak"], episode["start"] = wall["peak"], here["lots"]
    episode["own"], episode["later"] = here["lots"], 0
    episode["all_added"] = episode["all_pulled"] = episode["added"] = episode["cancelled"] = 0
    episode["traded"] = episode["passed"] = episode["before"] = episode["grown"] = 0
    episode["base_traded"] = here["traded"] + here["pend"]
    episode["base_pulled"], episode["base_added"] = here["pulled"], here["added"]
    episode["consume_ns"] = episode["gone_ns"] = episode["clear_ns"] = NO_TIME
    episode["print_ns"] = NO_TIME
    episode["burst"] = episode["order"] = episode["stroke"] = 0
    read_needed(state, prints, k, episode)
    octave, away = 0, wall["distance"] // tick
    while away > 0 and octave < DISTANCES - 1:
        octave += 1
        away >>= 1
    n = k * DISTANCES + octave
    known = maturity(walls.sizes, n) != UNKNOWN
    episode["size"] = quantile(walls.sizes, n, state.params[k]["size_ppm"]) if known else -1
    episode["reached"] = episode["put_back"] = 0
    episode["early"] = np.nan
    broken["direction"], broken["level"], broken["extreme"] = (
        1 - 2 * j,
        wall["price"],
        wall["price"],
    )
    broken["lots"] = broken["away_tick_lots"] = broken["usual_lots"] = 0
    broken["effective_tick"] = tick
    broken["young"] = 1 if scene["young"] == 1 or wall["maturity"] != READY else 0
    episode["armed_venue_ns"] = scene["venue_now"]
    broken["start_ns"] = broken["ts_venue"] = NO_TIME
    read_level(episode, ledger)


@kernel
def _attack(
    state: PushThroughState,
    scenes: Scenes,
    ledger: LedgerState,
    prints: PrintsState,
    outbox: Outbox,
    k: Int,
    j: Int,
    i: Int,
) -> None:
    """Follow a wall that stands, or has gone and waits for its ledger."""
    scene, row = scenes[k], state.params[k]
    episode, broken, now = state.episodes[k, j, i], state.broken[k, j, i], scenes[k]["now"]
    read_level(episode, ledger)
    settle(episode)
    if episode["print_ns"] == NO_TIME or now - episode["print_ns"] > row["burst_ns"]:
        if episode["gone_ns"] == NO_TIME:
            read_needed(state, prints, k, episode)
    stood = max(episode["start"] + episode["added"], 1)
    if episode["phase"] == TEST and episode["traded"] >= row["consume_share"] * stood:
        episode["phase"], episode["consume_ns"] = CONSUME, now
    if episode["lots"] > 0:
        episode["gone_ns"] = NO_TIME
        direction = broken["direction"]
        ahead = scene["ask"] if direction > 0 else scene["bid"]
        away = direction * (broken["level"] - ahead)
        left = away > 2 * row["near_effective_ticks"] * broken["effective_tick"]
        if episode["phase"] == TEST:
            if left:
                _close(state, k, j, i, NO_TIME)
        elif left or now - episode["consume_ns"] > row["patience_ns"]:
            write_row(state, scenes, outbox, k, j, i, EXPIRED, NOT_GONE)
            _close(state, k, j, i, NO_TIME)
        return
    if episode["gone_ns"] == NO_TIME:
        episode["gone_ns"] = now
    failed = _missing(state, scenes, k, j, i)
    if failed == 0:
        episode["phase"], episode["clear_ns"] = HOLD, now
        if broken["start_ns"] == NO_TIME:
            broken["start_ns"], broken["ts_venue"] = now, scene["venue_now"]
        write_row(state, scenes, outbox, k, j, i, CONFIRMED, 0)
    elif now - episode["gone_ns"] > ledger.head[k]["tolerance_ns"]:
        if failed == UNDECIDED:
            state.head[k]["undecided"] += 1
        elif failed != SIMPLY_PULLED:
            write_row(state, scenes, outbox, k, j, i, REJECTED, failed)
        _close(state, k, j, i, NO_TIME)


@kernel
def _missing(state: PushThroughState, scenes: Scenes, k: Int, j: Int, i: Int) -> int:
    """Return the first condition of CLEAR that a wall that is gone does not meet; 0 for none."""
    scene, episode, broken = scenes[k], state.episodes[k, j, i], state.broken[k, j, i]
    direction = broken["direction"]
    stood = max(episode["start"] + episode["added"], 1)
    traded, cancelled = episode["traded"] / stood, episode["cancelled"] / stood
    refill = refill_ratio(episode)
    label = depletion_label(traded, cancelled, refill, True)
    if label == PULLED:
        return SIMPLY_PULLED
    if traded < TRADED_MIN:
        return LITTLE_TRADED
    if cancelled > CANCELLED_MAX:
        return MUCH_CANCELLED
    if label != CONSUMED:
        return REFILLED
    ahead = scene["ask"] if direction > 0 else scene["bid"]
    if direction * (ahead - broken["level"]) < 1:
        return NOT_BEYOND
    if episode["maturity"] == UNKNOWN or episode["size"] < 0:
        return UNDECIDED
    if bucket_of(episode["traded"]) < bucket_of(episode["size"]):  # known to 1/64
        return SMALL_WALL
    if episode["stroke"] < state.params[k]["stroke_share"] * episode["peak"]:
        return SMALL_BURST
    one_stroke = episode["order"] >= episode["large"]
    return 0 if one_stroke or episode["burst"] >= episode["needed"] else SMALL_BURST


@kernel
def _follow(
    state: PushThroughState,
    scenes: Scenes,
    book: BookState,
    breaks: BreaksState,
    outbox: Outbox,
    k: Int,
    j: Int,
    i: Int,
) -> None:
    """Watch a cleared wall: does price hold beyond it?"""
    scene, row = scenes[k], state.params[k]
    episode, broken, now = state.episodes[k, j, i], state.broken[k, j, i], scenes[k]["now"]
    direction, level = broken["direction"], broken["level"]
    behind = scene["bid"] if direction > 0 else scene["ask"]
    age = now - episode["clear_ns"]
    if age >= row["burst_ns"] and episode["early"] != episode["early"]:
        episode["early"] = behind
    if direction * (behind - level) >= 0:
        episode["reached"] = 1
    if episode["phase"] == HOLD:
        price = best_price(book, k, -direction)
        for _ in range(8):  # what stands at or before L is at the top of its side
            if price == NO_PRICE or direction * (level - price) < 0:
                break
            if lots_at(book, k, -direction, price) >= row["put_back_share"] * episode["peak"]:
                episode["put_back"] = 1
            price = next_price(book, k, -direction, price)
    if age < row["hold_ns"]:
        return
    if direction * (behind - level) < -broken["effective_tick"]:
        write_row(state, scenes, outbox, k, j, i, REJECTED, FELL_BACK)
        add_break(breaks, k, FROM_PUSH_THROUGH, 1, now, broken)
        _close(state, k, j, i, episode["clear_ns"] + row["refractory_ns"])
    elif episode["phase"] == HOLD:
        episode["phase"] = AFTER
        if episode["put_back"] == 1:
            write_row(state, scenes, outbox, k, j, i, EXPIRED, PUT_BACK)
        elif episode["reached"] == 0:
            write_row(state, scenes, outbox, k, j, i, EXPIRED, NOT_REACHED)
        else:
            write_row(state, scenes, outbox, k, j, i, CONFIRMED, 0)
    elif age >= row["hold_ns"] + row["fail_ns"]:
        add_break(breaks, k, FROM_PUSH_THROUGH, 0, now, broken)
        _close(state, k, j, i, episode["clear_ns"] + row["refractory_ns"])


@kernel_inline
def _close(state: PushThroughState, k: Int, j: Int, i: Int, quiet_until: Int) -> None:
    """End an episode; its zone rests until `quiet_until`."""
    state.episodes[k, j, i]["phase"] = IDLE
    state.episodes[k, j, i]["quiet_until"] = quiet_until
    state.head[k]["open"][j] -= 1
