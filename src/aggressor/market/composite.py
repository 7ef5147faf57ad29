"""The composite: several venues' markets in one thing, in base units, read side by side.

A *group* holds the lanes of one underlying; one of them is its reference. Sizes become base units:
linear and spot lots x lot x multiplier, inverse lots x face / price. Prices become comparable by
taking out each lane's basis, p_adj = p - EWMA(mid - mid of the reference), half-life 5 min, learned
once a second while both are live; until its first second a lane has no p_adj. Ticks differ
between venues, so the consolidated book is kept in buckets of basis points from the reference mid.

This is no tradable NBBO: fees, latency, transfers and the basis stand between the venues. Nothing
here says that a price can be had; it says how much rests and trades near, and on which side.

A lane is excluded, with every reason by name, while its book is unknown, gapped, crossed or
one-sided, stale (a trade that no book message answered, as R0.4 has it, or
silent for more than max(5 x usual silence, 500 ms / 3 s): `silence`), its stream
silent (heartbeat missed, as `health` has it), its venue not trading, or its adjusted mid
further than max(5 bp, 6 robust sigma of itself) from the median of the others for more than 500 ms,
which is what a crossed consolidated book comes from. It is admitted again after 5 s without any
fault. With two live lanes neither can be outvoted: both are excluded and the group has no book.
What an excluded lane trades is left out and counted.

Prices in quote currency as float64, sizes in base units, ages by ts_recv; records and shapes in
`composite_records`. Source: R6.4, R6.5, R3.2.
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, next_key, row_of
from aggressor.market.composite_records import (
    NO_GROUP,
    OUT_CROSSED,
    OUT_DEVIATES,
    OUT_GAP,
    OUT_NO_BOOK,
    OUT_NOT_TRADING,
    OUT_ONE_SIDED,
    OUT_RETURNING,
    OUT_SILENT,
    OUT_STALE,
    PRINTS,
    RING,
    CompositeState,
)
from aggressor.market.contract import ContractState
from aggressor.market.health import FAULT_DEPTH_SILENT, HealthState
from aggressor.market.levels import NO_KEY
from aggressor.market.near import following_key, is_dense, walk_lots
from aggressor.market.silence import is_unanswered
from aggressor.schema.event import NO_PRICE, NO_TIME, NOT_FLOW, Status

_PARTS = 10_000.0  # deviations are kept in 1e-4 bp
_MAD_TO_SIGMA = 1.4826
_DAY_NS = 86_400_000_000_000
_TRADING = int(Status.TRADING)


@kernel_inline
def to_base(row: Any, ticks: Int, lots: Int) -> float:
    """Return lots at a price in base units; `row` is the lane's COMPOSITE_LANE record."""
    if row["inverse"] == 0:
        return lots * row["lot_base"]
    if ticks == 0:
        return 0.0
    return lots * row["lot_base"] / (abs(ticks) * row["tick"])


@kernel_inline
def on_trade(composite: CompositeState, k: Int, event: Any) -> None:
    """Add one TRADE of lane `k` to its group's tape and sums, if the lane is live."""
    row = composite.rows[k]
    g = row["group"]
    if g == NO_GROUP or event["flags"] & NOT_FLOW:
        return
    ticks, side = np.int64(event["price"]), np.int64(event["side"])
    base = to_base(row, ticks, event["size"])
    if row["out"] != 0:
        row["left_out_base"] += base
        return
    group = composite.groups[g]
    if event["ts_venue"] >= group["day_end_ns"]:
        group["day_end_ns"] = (event["ts_venue"] // _DAY_NS + 1) * _DAY_NS
        group["bought"] = group["sold"] = group["unknown"] = group["cvd"] = 0.0
    if side > 0:
        group["bought"] += base
    elif side < 0:
        group["sold"] += base
    else:
        group["unknown"] += base
    group["cvd"] += side * base
    added = composite.tape[g, group["prints"] & (PRINTS - 1)]
    added["ts_recv"], added["ts_venue"] = event["ts_recv"], event["ts_venue"]
    added["lane"], added["side"], added["base"] = k, side, base
    added["price"] = ticks * row["tick"] - row["basis"]
    group["prints"] += 1


@kernel_inline
def on_timer(
    composite: CompositeState,
    book: BookState,
    health: HealthState,
    contract: ContractState,
    now: Int,
) -> None:
    """At a TIMER: judge every grouped lane; once a second learn the basis and read the books."""
    for g in range(composite.groups.size):
        judge_group(composite, book, health, contract, g, now)


@kernel
def judge_group(
    composite: CompositeState,
    book: BookState,
    health: HealthState,
    contract: ContractState,
    g: Int,
    now: Int,
) -> None:
    """Exclude and admit the lanes of one group; read the books at that, and once a second."""
    group, settings = composite.groups[g], composite.parameters[g]
    for m in range(group["lanes"]):
        k = composite.members[g, m]
        row = composite.rows[k]
        row["faults"] = _faults_of(row, book.head[k], health.head[k], contract.head[k])
        if _is_stale(row, health, k, now):
            row["faults"] |= OUT_STALE
        row["mid"] = np.nan
        if row["faults"] == 0:
            row["mid"] = 0.5 * (np.int64(book.head[k]["bid"]) + np.int64(book.head[k]["ask"]))
            row["mid"] *= row["tick"]
    for m in range(group["lanes"]):
        _compare(composite, g, composite.members[g, m], now)
    live = moved = np.int64(0)
    for m in range(group["lanes"]):
        row = composite.rows[composite.members[g, m]]
        out_before = row["out"]
        if row["away_ns"] != NO_TIME and now - row["away_ns"] > settings["away_ns"]:
            row["faults"] |= OUT_DEVIATES
        _admit(row, settings["clean_ns"], now)
        live += np.int64(row["out"] == 0)
        moved += np.int64((row["out"] == 0) != (out_before == 0))
    group["live"] = live
    due = now >= group["next_ns"]
    if due:
        group["next_ns"] = now - now % settings["second_ns"] + settings["second_ns"]
        for m in range(group["lanes"]):
            _learn(composite, health, g, composite.members[g, m], now)
    if due or moved != 0:
        _read_books(composite, book, g, now)


@kernel_inline
def _faults_of(row: Any, top: Any, health: Any, contract: Any) -> Int:
    """Return the OUT_ bits that a lane shows by itself, but for the passing of time."""
    faults = np.int64(0)
    if top["synced"] == 0:
        faults |= OUT_NO_BOOK
    if top["gap"] != 0:
        faults |= OUT_GAP
    if top["crossed"] != 0:
        faults |= OUT_CROSSED
    if top["synced"] != 0 and (top["bid"] == NO_PRICE or top["ask"] == NO_PRICE):
        faults |= OUT_ONE_SIDED
    if top["valid"] == 0 and faults == 0:
        faults |= OUT_ONE_SIDED  # a quote has two sides where the ladder has not
    if health["faults"] & FAULT_DEPTH_SILENT:
        faults |= OUT_SILENT
    if contract["status"] != 0 and contract["status"] != _TRADING:
        faults |= OUT_NOT_TRADING
    return faults


@kernel_inline
def _is_stale(row: Any, health: HealthState, k: Int, now: Int) -> bool:
    """Return whether lane `k` is behind the others by its silence, or owes an answer."""
    message_ns = health.silences[k]["message_ns"]
    silent = message_ns != NO_TIME and now - message_ns > row["stale_ns"]
    return silent or is_unanswered(health.silences, k, health.head[k]["stale_limit_ns"], now)


@kernel
def _compare(composite: CompositeState, g: Int, k: Int, now: Int) -> None:
    """Measure how far a lane's adjusted mid is from the median of the other lanes' mids.

    Of an even number the median is everything between the middle two: with three lanes a single
    wrong one would otherwise pull the mean of two, and put the other two away from each other.
    """
    row, settings, values = composite.rows[k], composite.parameters[g], composite.scratch
    row["deviation_bp"] = np.nan
    adjusted = row["mid"] - row["basis"]
    count = np.int64(0)
    for m in range(composite.groups[g]["lanes"]):
        other = composite.rows[composite.members[g, m]]
        theirs = other["mid"] - other["basis"]
        if composite.members[g, m] == k or np.isnan(theirs):
            continue
        place = count
        while place > 0 and values[place - 1] > theirs:
            values[place] = values[place - 1]
            place -= 1
        values[place] = theirs
        count += 1
    if count == 0 or np.isnan(adjusted):
        row["away_ns"] = NO_TIME
        return
    low, high = values[(count - 1) // 2], values[count // 2]
    away = max(adjusted - high, 0.0) - max(low - adjusted, 0.0)
    middle = abs(low + high)
    row["deviation_bp"] = 2e4 * away / middle if middle > 0.0 else 0.0
    limit = settings["away_bp"]
    if not np.isnan(row["sigma_bp"]):
        limit = max(limit, settings["away_sigma"] * row["sigma_bp"])
    if abs(row["deviation_bp"]) <= limit:
        row["away_ns"] = NO_TIME
    elif row["away_ns"] == NO_TIME:
        row["away_ns"] = now


@kernel_inline
def _admit(row: Any, clean_ns: Int, now: Int) -> None:
    """Exclude a lane with a fault; admit one that had none for long enough, at first at once."""
    if row["faults"] != 0:
        row["exclusions"] += np.int64(row["out"] == 0)
        if row["out"] == 0:
            row["out_ns"] = now
        row["out"] = (row["out"] & ~OUT_RETURNING) | row["faults"]
        row["clean_ns"] = NO_TIME
        return
    if row["out"] == 0:
        return
    if row["clean_ns"] == NO_TIME:
        row["clean_ns"] = now
    row["out"] |= OUT_RETURNING
    if row["admitted"] == 0 or now - row["clean_ns"] >= clean_ns:
        row["out"], row["admitted"] = 0, 1


@kernel
def _learn(composite: CompositeState, health: HealthState, g: Int, k: Int, now: Int) -> None:
    """Bring one live lane's basis, deviation and limits up to this second."""
    row, settings = composite.rows[k], composite.parameters[g]
    reference = composite.rows[row["reference"]]
    if row["out"] == 0 and reference["out"] == 0:
        difference = row["mid"] - reference["mid"]
        if np.isnan(row["basis"]):
            row["basis"] = difference
        else:
            past = 2.0 ** (-(now - row["basis_ns"]) / settings["half_life_ns"])
            row["basis"] = past * row["basis"] + (1.0 - past) * difference
        row["basis_ns"] = now
    if row["out"] == 0 and not np.isnan(row["deviation_bp"]):
        n = row["deviations"]
        parts = np.int64(np.rint(_PARTS * abs(row["deviation_bp"])))
        composite.deviations[k, n & (RING - 1)] = parts
        row["deviations"] = n + 1
    if (now // settings["second_ns"]) % 8 == 0:  # the median every eighth second
        if row["deviations"] >= settings["median_min"]:
            row["sigma_bp"] = _MAD_TO_SIGMA * _median_deviation(composite, k) / _PARTS
    usual_ns = health.silences[k]["usual_ns"]
    row["stale_ns"] = max(
        np.int64(settings["stale_silences"] * usual_ns), settings["stale_floor_ns"]
    )


@kernel
def _median_deviation(composite: CompositeState, k: Int) -> Int:
    """Return the nearest-rank median of a lane's kept deviations, by halving the range."""
    count = min(composite.rows[k]["deviations"], RING)
    low, high = np.int64(0), np.int64(0)
    for i in range(count):
        high = max(high, composite.deviations[k, i])
    while low < high:
        middle = (low + high) >> 1
        below = np.int64(0)
        for i in range(count):
            below += np.int64(composite.deviations[k, i] <= middle)
        if 2 * below >= count:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _read_books(composite: CompositeState, book: BookState, g: Int, now: Int) -> None:
    """Sum what rests near every live lane's own mid, and fill the buckets around the reference."""
    group, reach_bp = composite.groups[g], composite.parameters[g]["reach_bp"]
    group["mid"], group["ts_recv"], group["truncated"] = np.nan, now, 0
    group["bid_base"] = group["ask_base"] = 0.0
    for s in range(2):
        for bucket in range(composite.buckets.shape[2]):
            composite.buckets[g, s, bucket] = 0.0
    for m in range(group["lanes"]):
        k = composite.members[g, m]
        row = composite.rows[k]
        row["bid_base"] = row["ask_base"] = 0.0
        if row["out"] != 0:
            continue
        if np.isnan(group["mid"]):
            group["mid"] = row["mid"] - row["basis"]
        row["bid_base"], bids_end = _walk(composite, book, k, 1, reach_bp, 1)
        row["ask_base"], asks_end = _walk(composite, book, k, -1, reach_bp, 1)
        group["bid_base"] += row["bid_base"]
        group["ask_base"] += row["ask_base"]
        group["truncated"] |= bids_end | asks_end


@kernel
def _walk(
    composite: CompositeState, book: BookState, k: Int, side: Int, reach_bp: float, fill: Int
) -> tuple[float, Int]:
    """Return (base units within the reach of the lane's own mid, 1 if the ladder ended inside).

    With `fill` the levels also go into the group's buckets, those beyond the reference mid into the
    first.
    """
    row = composite.rows[k]
    g = row["group"]
    settings, mid, line = composite.parameters[g], composite.groups[g]["mid"], row_of(k, side)
    best = book.sides[line]["best"]
    mid2 = best - book.sides[line ^ 1]["best"]  # of this ladder, in its mirrored keys
    near = (mid2 + np.int64(abs(mid2) * reach_bp / 1e4)) >> 1
    last, count, tick = near, composite.buckets.shape[2], row["tick"]
    filling = fill != 0 and not np.isnan(row["basis"])
    start = width = 0.0
    if filling:  # key x tick - start: how far from the reference mid, in quote currency
        start = -side * (mid + row["basis"])
        width = 1e-4 * settings["bucket_bp"] * abs(mid)
        last = max(last, np.int64((start + count * width) / tick))
    dense = is_dense(book, line, last)
    inverse, lot = row["inverse"] != 0, row["lot_base"]  # `to_base`, read once
    total = 0.0
    levels, s = np.int64(0), np.int64(side < 0)
    bucket, edge = np.int64(count), best  # the bucket of the level in hand, and where it ends
    key = best
    while key <= last:
        if not dense and levels == settings["levels_max"]:
            return total, 1
        lots = walk_lots(book, line, key, dense)
        if lots > 0:
            base = lots * lot
            if inverse and key != 0:
                base /= abs(key) * tick
            if key <= near:
                total += base
            if key >= edge and filling:
                bucket = np.int64(max(key * tick - start, 0.0) / width)
                edge = np.int64(np.ceil((start + (bucket + 1) * width) / tick))
            if bucket < count:
                composite.buckets[g, s, bucket] += base
        levels += 1
        key = following_key(book, line, key, dense)
    return total, 1 if next_key(book, line, near - 1) == NO_KEY else 0


@kernel
def consolidated_depth(
    composite: CompositeState, book: BookState, g: Int, reach_bp: float
) -> tuple[float, float, Int]:
    """Return (bid, ask, truncated) of group `g`: base units within a reach of each own mid.

    Only live lanes count. For callers outside kernels; nothing is changed.
    """
    bids = asks = 0.0
    truncated = np.int64(0)
    for m in range(composite.groups[g]["lanes"]):
        k = composite.members[g, m]
        if composite.rows[k]["out"] == 0:
            bid, bids_end = _walk(composite, book, k, 1, reach_bp, 0)
            ask, asks_end = _walk(composite, book, k, -1, reach_bp, 0)
            bids, asks = bids + bid, asks + ask
            truncated |= bids_end | asks_end
    return bids, asks, truncated
