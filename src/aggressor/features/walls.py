"""Walls and stacks: levels far larger than their neighbours, and runs of large ones (R1.6).

Sampled at timers: listed walls are followed at each, and every `look_ns` the near levels of both
sides are judged, those within `reach` effective ticks of their own best, at most LEVELS_MAX. An
empty price is not a level, so on books of small ticks the sizes
compared are those that stand. A level is a wall when all hold:

    robust z of its size among the near levels of its side >= z_min, MAD floored (R0.3)
    size / median                                          >= ratio_min
    size >= Q.95 of single levels at comparable distance over the last 30 min

and *aged* once it has stood for `age_ns` by the ledger. Prices that are multiples of 10 or of 100
in quote currency carry structurally more: they are held against the median and MAD of their own
kind over the last 30 min. Where a baseline is not known yet the wall is listed all the same with
`maturity` UNKNOWN: whoever reads it decides. Comparable distances are octaves of effective ticks,
both sides together. All baselines are strictly past: a sample joins them after it was judged.

A wall is kept until its size falls below half of its peak, its level is emptied, or the book is
lost; then it moves to the ring of ended walls. `standing` says whether it was a wall when last
judged.

A *stack* is a run of at least 3 adjacent near levels (at most one effective tick apart), each at
least twice the median of the side, with a sum of at least 3 x ratio_min medians.
Units: ticks, lots, ns of ts_recv.
"""

import numpy as np

from aggressor.bits import lowest_bit
from aggressor.features.baseline import (
    READY,
    UNKNOWN,
    YOUNG,
    add_samples,
    advance,
    bucket_of,
    maturity,
    quantile,
)
from aggressor.features.parameters import MINUTE_NS
from aggressor.features.ranks import (
    MAD_TO_SIGMA,
    median_and_deviation,
    median_and_deviation_near,
)
from aggressor.features.wall_records import (
    BOOK_LOST,
    DISTANCES,
    ENDED,
    HUNDREDS,
    LEVEL_GONE,
    LEVELS_MAX,
    PLAIN,
    ROUND_SIZES,
    SIZE_FELL,
    STACKS,
    TENS,
    WALLS,
    WallsState,
)
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, best_price, find_slot, lots_at, next_key
from aggressor.market.ladder import key_lots
from aggressor.market.ledger import LedgerState
from aggressor.market.levels import NO_KEY
from aggressor.schema.event import NO_TIME

SAMPLES_MIN = 200  # of one kind of round price: fewer are unknown (R0.3)
YOUNG_NS = 10 * MINUTE_NS


@kernel_inline
def wall_within(walls: WallsState, k: Int, s: Int, near: Int, far: Int, listed_ns: Int) -> int:
    """Return the index of a live wall `near` to `far` ticks behind the best of side index `s`,
    listed at `listed_ns` or later (age 0 counts); -1 if there is none.
    """
    for i in range(WALLS):
        wall = walls.walls[k, s, i]
        inside = near <= wall["distance"] <= far
        if wall["live"] == 1 and inside and wall["listed_ns"] >= listed_ns:
            return i
    return -1


@kernel
def sample(
    walls: WallsState, book: BookState, ledger: LedgerState, k: Int, now: Int, effective_tick: Int
) -> None:
    """Look at lane `k` at a timer: follow its walls, list new ones and this moment's stacks."""
    head, row = walls.head[k], walls.parameters[k]
    if book.head[k]["valid"] == 0:
        _lose_book(walls, k, now)
        return
    head["known"] = 1
    minute = now // MINUTE_NS
    if minute != head["read_minute"]:
        head["read_minute"] = minute
        _read_round(walls, k, 0, now)
        _read_round(walls, k, 1, now)
    if now >= head["roll_ns"]:  # all octaves have the same slices
        slice_ns = walls.sizes.head[k * DISTANCES]["slice_ns"]
        head["roll_ns"] = (now // slice_ns + 1) * slice_ns
        for octave in range(DISTANCES):
            advance(walls.sizes, k * DISTANCES + octave, now)
    if head["looked_ns"] != NO_TIME and now - head["looked_ns"] < row["look_ns"]:
        _follow(walls, book, ledger, k, 0, now)
        _follow(walls, book, ledger, k, 1, now)
        return
    head["looked_ns"] = now
    due = head["baseline_ns"] == NO_TIME or now - head["baseline_ns"] >= row["every_ns"]
    sample_side(walls, book, ledger, k, 0, now, effective_tick, due)
    sample_side(walls, book, ledger, k, 1, now, effective_tick, due)
    if due:
        head["baseline_ns"] = now


@kernel
def sample_side(
    walls: WallsState,
    book: BookState,
    ledger: LedgerState,
    k: Int,
    s: Int,
    now: Int,
    effective_tick: Int,
    due: bool,
) -> None:
    """Judge one side of lane `k` (index 0 bid, 1 ask); where `due` its sizes join the baselines."""
    count, plain = _read_near(walls, book, k, s, effective_tick)
    _follow(walls, book, ledger, k, s, now)
    for i in range(WALLS):
        walls.walls[k, s, i]["standing"] = 0
    walls.head[k]["stacks"][s] = 0
    if plain >= walls.parameters[k]["levels_min"]:
        guesses = walls.guesses[k, s]
        median, deviation = median_and_deviation_near(walls.scratch, plain, guesses)
        _list_large(walls, book, ledger, k, s, now, effective_tick, count, median, deviation)
        _read_stacks(walls, book, k, s, count, median, effective_tick)
    if due:
        _join_baselines(walls, k, now, count, effective_tick)


@kernel
def _read_near(
    walls: WallsState, book: BookState, k: Int, s: Int, effective_tick: Int
) -> tuple[Int, Int]:
    """Read the near levels of a side, best first; return how many, and how many plain ones."""
    row, line = walls.parameters[k], 2 * np.int64(k) + s
    best = book.sides[line]["best"]
    if best == NO_KEY:
        return np.int64(0), np.int64(0)
    last = best + row["reach"] * effective_tick - 1
    count, key = _read_window(walls, book, line, best, last)
    while key <= last and count < LEVELS_MAX:
        lots = key_lots(book, line, key)
        walls.lots[count], walls.away[count] = lots, key - best
        count += np.int64(lots > 0)
        key = next_key(book, line, key)
    return count, _sort_near(walls, k, count, best)


@kernel_inline
def _read_window(
    walls: WallsState, book: BookState, line: Int, best: Int, last: Int
) -> tuple[Int, Int]:
    """Read the levels of a ladder from its best on, as far as its window reaches.

    Returns (how many, a key that none before is missing). Where lots stand is a bit each, so that
    prices without a level cost nothing.
    """
    mask = np.int64(book.shown.shape[1] - 1)
    end = min(last + 1, book.sides[np.uint64(line)]["low"] + book.shown.shape[1])
    count, key = np.int64(0), np.int64(best)
    while key < end and count < LEVELS_MAX:
        place = key & mask
        word = book.bits[np.uint64(line), np.uint64(place >> 6)] >> np.uint64(place & 63)
        while word != 0 and count < LEVELS_MAX:
            at = key + np.int64(lowest_bit(word))
            if at >= end:
                break
            word &= word - np.uint64(1)
            walls.lots[count] = book.shown[np.uint64(line), np.uint64(at & mask)]
            walls.away[count] = at - best
            count += 1
        key += 64 - (place & 63)
    return count, min(key, end)


@kernel
def _sort_near(walls: WallsState, k: Int, count: Int, best: Int) -> Int:
    """Write the kinds of the near levels and the sizes of the plain ones; return how many.

    They lie in order, so nothing is divided.
    """
    row = walls.parameters[k]
    tens, hundreds = row["tens_ticks"], row["hundreds_ticks"]
    ten = (-best) % tens if tens > 0 else np.int64(NO_KEY)  # ticks to the next multiple
    hundred = (-best) % hundreds if hundreds > 0 else np.int64(NO_KEY)
    plain = np.int64(0)
    for i in range(count):
        away = walls.away[i]
        while ten < away:
            ten += tens
        while hundred < away:
            hundred += hundreds
        kind = HUNDREDS if away == hundred else (TENS if away == ten else PLAIN)
        walls.kinds[i] = kind
        walls.scratch[plain] = walls.lots[i]
        plain += np.int64(kind == PLAIN)
    return plain


@kernel
def _follow(
    walls: WallsState, book: BookState, ledger: LedgerState, k: Int, s: Int, now: Int
) -> None:
    live = walls.head[k]["live"][s]
    if live == 0:
        return
    side = 1 - 2 * s
    best = best_price(book, k, side)
    for i in range(WALLS):
        if (live >> i) & 1 == 0:
            continue
        wall = walls.walls[k, s, i]
        slot = find_slot(book, k, side, wall["price"])
        lots = np.int64(lots_at(book, k, side, wall["price"]))
        same = slot == wall["slot"] and ledger.slots[slot]["episode"] == wall["episode"]
        wall["lots"] = lots if same else 0
        if lots == 0 or not same:
            _end(walls, k, s, i, now, LEVEL_GONE)
        elif 2 * lots < wall["peak"]:
            _end(walls, k, s, i, now, SIZE_FELL)
        else:
            wall["peak"] = max(wall["peak"], lots)
            wall["distance"] = side * (best - wall["price"])
            wall["aged"] = now - wall["first_seen_ns"] >= walls.parameters[k]["age_ns"]


@kernel_inline
def _end(walls: WallsState, k: Int, s: Int, i: Int, now: Int, why: Int) -> None:
    wall = walls.walls[k, s, i]
    walls.head[k]["live"][s] &= ~(np.int64(1) << i)
    wall["live"], wall["standing"], wall["ended_ns"], wall["end"] = 0, 0, now, why
    head = walls.head[k]
    walls.ended[k, head["ended"] & (ENDED - 1)] = wall
    head["ended"] += 1


@kernel
def _lose_book(walls: WallsState, k: Int, now: Int) -> None:
    for s in range(2):
        for i in range(WALLS):
            wall = walls.walls[k, s, i]
            if wall["live"] == 1:
                _end(walls, k, s, i, now, BOOK_LOST)
        walls.head[k]["stacks"][s] = 0
    walls.head[k]["known"] = 0


@kernel
def _list_large(
    walls: WallsState,
    book: BookState,
    ledger: LedgerState,
    k: Int,
    s: Int,
    now: Int,
    effective_tick: Int,
    count: Int,
    median: float,
    deviation: float,
) -> None:
    """List the near levels that are walls."""
    row = walls.parameters[k]
    least = np.int64(np.ceil(0.99 * row["ratio_min"] * median))
    for i in range(count):
        kind, lots = walls.kinds[i], walls.lots[i]
        if kind == PLAIN and lots < least:
            continue  # far from it: most levels, without a division
        usual, around = median, deviation
        if kind != PLAIN:
            own = walls.rounds[k, kind - 1]
            if own["maturity"] != UNKNOWN:
                usual, around = own["median"], own["deviation"]
        spread = MAD_TO_SIGMA * max(around, 1.0, 0.05 * usual)
        z, ratio = (lots - usual) / spread, lots / usual
        if z >= row["z_min"] and ratio >= row["ratio_min"]:
            _list_wall(walls, book, ledger, k, s, now, i, effective_tick, z, ratio)


@kernel
def _list_wall(
    walls: WallsState,
    book: BookState,
    ledger: LedgerState,
    k: Int,
    s: Int,
    now: Int,
    i: Int,
    effective_tick: Int,
    z: float,
    ratio: float,
) -> None:
    """List near level `i` unless its size is usual at its distance."""
    row, kind, octave, ends = walls.parameters[k], walls.kinds[i], 0, np.int64(effective_tick)
    while octave < DISTANCES - 1 and walls.away[i] >= ends:
        octave += 1
        ends <<= 1
    n = k * DISTANCES + octave
    usual = walls.usual[k, octave]
    if usual["slice"] != walls.sizes.head[n]["stop_slice"]:  # else the window holds what it held
        usual["slice"], usual["maturity"] = (
            walls.sizes.head[n]["stop_slice"],
            maturity(walls.sizes, n),
        )
        if usual["maturity"] != UNKNOWN:
            usual["bucket"] = bucket_of(quantile(walls.sizes, n, row["quantile_ppm"]))
    ripe = usual["maturity"]
    if ripe != UNKNOWN and bucket_of(walls.lots[i]) < usual["bucket"]:
        return  # a baseline tells sizes apart to 1/64
    if kind != PLAIN:
        ripe = min(ripe, walls.rounds[k, kind - 1]["maturity"])
    j = _place(walls, book, ledger, k, s, now, i)
    if j >= 0:
        wall = walls.walls[k, s, j]
        wall["z"], wall["ratio"] = z, ratio
        wall["maturity"], wall["standing"] = ripe, 1


@kernel
def _place(
    walls: WallsState, book: BookState, ledger: LedgerState, k: Int, s: Int, now: Int, i: Int
) -> int:
    """Return the place of near level `i` in the list, a new one if need be; -1 where it is full."""
    side, free = 1 - 2 * s, -1
    price = -side * (book.sides[2 * np.int64(k) + s]["best"] + walls.away[i])
    for j in range(WALLS):
        wall = walls.walls[k, s, j]
        if wall["live"] == 1 and wall["price"] == price:
            return j
        if wall["live"] == 0 and free < 0:
            free = j
    if free < 0:
        walls.head[k]["unlisted"] += 1
        return -1
    slot = find_slot(book, k, side, price)
    wall, seen = walls.walls[k, s, free], ledger.slots[slot]
    wall["price"], wall["distance"] = price, walls.away[i]
    wall["lots"] = wall["peak"] = walls.lots[i]
    wall["slot"], wall["episode"] = slot, seen["episode"]
    wall["first_seen_ns"], wall["listed_ns"] = seen["first_seen_ns"], now
    wall["ended_ns"], wall["end"] = NO_TIME, 0
    wall["side"], wall["kind"], wall["live"] = side, walls.kinds[i], 1
    walls.head[k]["live"][s] |= np.int64(1) << free
    wall["aged"] = now - seen["first_seen_ns"] >= walls.parameters[k]["age_ns"]
    return free


@kernel
def _read_stacks(
    walls: WallsState, book: BookState, k: Int, s: Int, count: Int, median: float, apart: Int
) -> None:
    """List the runs of large levels that are at most `apart` ticks from one another."""
    head, row, near, away = walls.head[k], walls.parameters[k], walls.lots, walls.away
    side, best = 1 - 2 * s, book.sides[2 * np.int64(k) + s]["best"]
    least = np.int64(2.0 * median)  # a median lies on the half
    i = 2
    while i < count:  # large ones are rare, and no three that hold a small one are a stack
        if near[i] < least:
            i += 3
            continue
        if near[i - 1] < least or away[i] - away[i - 1] > apart:
            i += 2
            continue
        if near[i - 2] < least or away[i - 1] - away[i - 2] > apart:
            i += 1
            continue
        start, lots = i - 2, near[i - 2] + near[i - 1] + near[i]
        i += 1
        while i < count and near[i] >= least and away[i] - away[i - 1] <= apart:
            lots += near[i]
            i += 1
        if lots >= 3.0 * row["ratio_min"] * median and head["stacks"][s] < STACKS:
            stack = walls.stacks[k, s, head["stacks"][s]]
            stack["near"], stack["far"] = -side * (best + away[start]), -side * (best + away[i - 1])
            stack["lots"], stack["levels"], stack["ratio"] = lots, i - start, lots / median
            head["stacks"][s] += 1
        i += 2  # the next three begin at what ended these, or behind it


@kernel
def _join_baselines(walls: WallsState, k: Int, now: Int, count: Int, effective_tick: Int) -> None:
    """Let the near levels join what is usual at their distance, or at round prices."""
    octave, first, ends = 0, 0, np.int64(effective_tick)
    while first < count:
        stop = first
        while stop < count and (octave == DISTANCES - 1 or walls.away[stop] < ends):
            stop += 1
        add_samples(walls.sizes, k * DISTANCES + octave, now, walls.lots, first, stop)
        first, octave, ends = stop, octave + 1, ends << 1
    for i in range(count):
        if walls.kinds[i] == PLAIN:
            continue
        own = walls.rounds[k, walls.kinds[i] - 1]
        size = walls.round_sizes[k, walls.kinds[i] - 1, own["newest"] & (ROUND_SIZES - 1)]
        size["ts_recv"], size["lots"] = now, walls.lots[i]
        own["newest"] += 1
        if own["first_ns"] == NO_TIME:
            own["first_ns"] = now


@kernel
def _read_round(walls: WallsState, k: Int, kind: Int, now: Int) -> None:
    own, sizes = walls.rounds[k, kind], walls.round_sizes
    oldest = max(own["oldest"], own["newest"] - ROUND_SIZES)
    start_ns = now - walls.parameters[k]["baseline_ns"]
    while oldest < own["newest"]:
        if sizes[k, kind, oldest & (ROUND_SIZES - 1)]["ts_recv"] > start_ns:
            break
        oldest += 1
    own["oldest"] = oldest
    count = own["newest"] - oldest
    own["maturity"] = UNKNOWN
    if count < SAMPLES_MIN or now - own["first_ns"] < MINUTE_NS:
        return
    own["maturity"] = READY if now - own["first_ns"] >= YOUNG_NS else YOUNG
    for i in range(count):
        walls.scratch[i] = sizes[k, kind, (oldest + i) & (ROUND_SIZES - 1)]["lots"]
    own["median"], own["deviation"] = median_and_deviation(walls.scratch, count)
