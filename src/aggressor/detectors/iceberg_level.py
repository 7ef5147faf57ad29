"""One followed level of an iceberg (R5.3): what it showed, when it fell, when it stood again.

A level is FULL until it shows half of its peak or less, then LOW until it is back at 80 % of the
median peak after refills (before the first: of its own peak). Each time it is eaten while LOW it
has fallen again. Where it stands again without a first refill, the episode begins there, with what
it shows; so it does when it rises after it was LOW for longer than a refill takes and is not armed:
what stood there first was others'. Of a refill in time, what left since the refill before that
counts must have been traded by 80 %, but for what others put up and took away while it was LOW. The
tape may come after the book: until the ledger's tolerance has passed a refill that lacks prints
waits for those of its own fall; what trades after it belongs to the next one. Sums run on whatever
ledgers the level has had.

Units: ticks, lots, ns of ts_recv. Records: `iceberg_records`.
"""

from typing import Any

from aggressor.detectors.iceberg_records import REFILLS, IcebergState
from aggressor.detectors.iceberg_row import median_of
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.ledger import LedgerState
from aggressor.schema.event import NO_TIME

FULL = 1  # `phase` of a followed level; 0 free
LOW = 2  # fallen, not yet refilled
COUNTED = 0  # `pending`: what became of the last refill
WAITING = 1
NOT_COUNTED = 2


@kernel
def read_level(state: IcebergState, ledger: LedgerState, k: Int, s: Int, i: Int) -> None:
    """Bring the sums of a followed level up to its ledger."""
    level, here = state.levels[k, s, i], ledger.slots[state.slots[k, s, i]]
    if here["episode"] != level["ledger_episode"]:
        level["ledger_episode"] = here["episode"]
        level["seen_traded"], level["seen_pulled"] = 0, 0
        level["seen_added"], level["seen_hidden"] = 0, 0
    traded = here["traded"] + here["pend"]
    level["traded"] += traded - level["seen_traded"]
    level["pulled"] += here["pulled"] - level["seen_pulled"]
    level["added"] += here["added"] - level["seen_added"]
    level["hidden"] += here["hidden"] - level["seen_hidden"]
    level["seen_traded"], level["seen_pulled"] = traded, here["pulled"]
    level["seen_added"], level["seen_hidden"] = here["added"], here["hidden"]
    level["waiting"], level["ghost"] = here["ghost"] + here["pend"], here["ghost"]
    level["lots"] = here["lots"]


@kernel
def see_unseen(state: IcebergState, ledger: LedgerState, k: Int, s: Int, i: Int, now: Int) -> None:
    """Count a refill that no row showed: trades since the last one took what this one shows, or
    what none showed.
    """
    row, level = state.parameters[k], state.levels[k, s, i]
    read_level(state, ledger, k, s, i)
    if level["shown_hit_ns"] == NO_TIME or now - level["shown_hit_ns"] > row["refill_ns"]:
        return
    usual = level["peak"]
    if level["refills"] > 0:
        usual = median_of(level["refill_peak"], min(level["refills"], REFILLS))
    hidden = level["hidden"] - level["shown_hidden"]
    if hidden >= row["refill_share"] * usual and level["lots"] < hidden:
        level["phase"], level["peak"] = FULL, hidden  # it stood again and was eaten again
        state.low[k, s, i] = NO_TIME
        _count_refill(state, k, s, i, now, level["shown_hit_ns"])
        if level["pending"] == COUNTED:
            level["base_traded"] -= hidden  # that belongs to the fall after it
        return
    if level["phase"] != FULL:
        return
    left = max(level["shown_lots"] - (level["traded"] - level["shown_traded"]), 0)
    fell = left <= row["fall_share"] * level["peak"] and left < level["lots"]
    if fell and level["lots"] >= row["refill_share"] * usual:
        level["peak"] = level["lots"]
        _count_refill(state, k, s, i, now, level["shown_hit_ns"])


@kernel
def follow(state: IcebergState, ledger: LedgerState, k: Int, s: Int, i: Int, now: Int) -> None:
    """Read a followed level and note peaks, falls and refills."""
    row, level = state.parameters[k], state.levels[k, s, i]
    read_level(state, ledger, k, s, i)
    lots = level["lots"]
    level["max_lots"] = max(level["max_lots"], lots)
    newest = (level["refills"] - 1) & (REFILLS - 1)
    if level["phase"] == FULL:
        level["peak"] = max(level["peak"], lots)
        if level["refills"] > 0 and level["pending"] == COUNTED:
            level["refill_peak"][newest] = max(level["refill_peak"][newest], lots)
        if lots <= row["fall_share"] * level["peak"]:
            level["phase"], level["pending"] = LOW, NOT_COUNTED
            level["low_pulled"], level["low_start"] = level["pulled"], level["added"]
            level["low_added"] = 0
            state.low[k, s, i] = level["fallen_ns"] = now
        return
    usual = level["peak"]
    if level["refills"] > 0:
        usual = median_of(level["refill_peak"], min(level["refills"], REFILLS))
    if lots >= row["refill_share"] * usual:
        fallen = state.low[k, s, i]
        level["phase"], level["peak"] = FULL, lots
        passing = min(level["pulled"] - level["low_pulled"], level["low_added"])
        level["base_pulled"] += max(passing, 0)
        state.low[k, s, i] = NO_TIME
        if now - fallen <= row["refill_ns"]:
            _count_refill(state, k, s, i, now, fallen)
        else:
            level["pending"] = NOT_COUNTED
            _begin_anew(level, now)
    elif level["refills"] == 0 and lots > row["fall_share"] * usual:
        level["phase"] = FULL  # others stood here too
        state.low[k, s, i] = NO_TIME
        _begin_anew(level, now)
    elif (
        level["stage"] == 0
        and now - level["fallen_ns"] > row["refill_ns"]
        and lots > level["shown_lots"]
    ):
        level["phase"], level["refills"] = FULL, 0  # who stood here first does not come back
        state.low[k, s, i] = NO_TIME
        _begin_anew(level, now)
    else:
        level["low_added"] = level["added"] - level["low_start"]
        if level["traded"] > level["shown_traded"]:
            state.low[k, s, i] = now


@kernel_inline
def _begin_anew(level: Any, now: Int) -> None:
    """Hold the next refill against what leaves from now on; the first begins the episode here."""
    level["peak"] = level["lots"]
    if level["refills"] == 0:
        level["opened_ns"] = now
        level["start_lots"] = level["max_lots"] = level["lots"]
        level["shown_traded"] -= level["traded"]
        level["traded"] = level["pulled"] = level["added"] = level["hidden"] = 0
    level["base_traded"], level["base_pulled"] = level["traded"], level["pulled"]


@kernel
def _count_refill(state: IcebergState, k: Int, s: Int, i: Int, now: Int, fallen: Int) -> None:
    """Count a refill made at `now` if the fall before it was traded; else let it wait."""
    row, level = state.parameters[k], state.levels[k, s, i]
    traded = level["traded"] - level["base_traded"]
    pulled = level["pulled"] - level["base_pulled"]
    if traded <= 0 or traded < row["traded_share"] * (traded + pulled):
        level["pending"], level["pending_ns"], level["pending_fall_ns"] = WAITING, now, fallen
        level["pending_traded"], level["pending_pulled"] = traded, pulled
        return
    _note_refill(level, now, fallen, traded, pulled)


@kernel_inline
def _note_refill(level: Any, now: Int, fallen: Int, traded: Int, pulled: Int) -> None:
    """Note a refill made at `now`; the next one is held against what leaves after it."""
    at = level["refills"] & (REFILLS - 1)
    level["refill_ns"][at], level["refill_lots"][at] = now, level["peak"]
    level["refill_peak"][at], level["latency_ns"][at] = level["peak"], now - fallen
    level["refills"] += 1
    level["pending"] = COUNTED
    level["base_traded"] += traded
    level["base_pulled"] += pulled


@kernel
def take_late(state: IcebergState, ledger: LedgerState, k: Int, s: Int, i: Int, now: Int) -> None:
    """Read a level that was hit, and count a refill that waits for the prints of its fall.

    Only what left before the refill and was still open then is its own: the ledger gives a late
    print to the oldest. What trades from now on belongs to the next fall.
    """
    row, level = state.parameters[k], state.levels[k, s, i]
    before = level["pulled"]
    read_level(state, ledger, k, s, i)
    if level["pending"] != WAITING:
        return
    if now - level["pending_ns"] > ledger.head[k]["tolerance_ns"]:
        level["pending"] = NOT_COUNTED
        return
    found = before - level["pulled"]
    newer = before - level["base_pulled"] - level["pending_pulled"]  # left since the refill
    own = min(found, max(level["ghost"] + found - newer, 0))
    level["pending_traded"] += own
    level["pending_pulled"] -= own
    traded, pulled = level["pending_traded"], level["pending_pulled"]
    if traded > 0 and traded >= row["traded_share"] * (traded + pulled):
        _note_refill(level, level["pending_ns"], level["pending_fall_ns"], traded, pulled)
