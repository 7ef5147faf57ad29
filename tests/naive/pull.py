"""One wall near the touch, followed from its TIMER on until it has fallen, by hand."""

from typing import NamedTuple

TIMER_MS = 100
PULL_MS = 500
TOLERANCE_MS = 50
LIFE_MS = 500
LAST_WORD_MS = 2000
WALL_LOTS = 50  # five times the median of the side


class Row(NamedTuple):
    ms: int
    phase: str
    failed: str
    traded: int
    cancelled: int


def grid(ms: int) -> int:
    """Return the first TIMER at or after a time."""
    return -(-ms // TIMER_MS) * TIMER_MS


def counted(changes: list[tuple[int, int]], trades: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return (ms, lots) of when trades join the ledger (R1.11).

    What left within the tolerance before a trade and was not explained takes it at once; the rest
    waits for the next row.
    """
    joined: list[tuple[int, int]] = []
    ghosts: list[list[int]] = []
    waiting, shown = 0, changes[0][1]
    timeline = [(ms, 1, lots) for ms, lots in changes[1:]] + [(ms, 0, lots) for ms, lots in trades]
    for ms, is_row, lots in sorted(timeline):
        if is_row:
            if waiting:
                joined.append((ms, waiting))
            if shown - lots > waiting:
                ghosts.append([ms, shown - lots - waiting])
            waiting, shown = 0, lots
            continue
        for ghost in ghosts:
            used = min(lots, ghost[1]) if ms - ghost[0] <= TOLERANCE_MS else 0
            ghost[1] -= used
            lots -= used
            if used:
                joined.append((ms, used))
        waiting += lots
    return joined


def pulls(changes: list[tuple[int, int]], trades: list[tuple[int, int]]) -> list[Row]:
    """`changes`: (ms, lots shown) from when the wall appears; each trade is in the next change.

    It is listed at the TIMER after it appeared, and stays above half of its peak until it falls.
    Lots that it shows when it is listed are its own, though some have traded by then: a trade
    counts when it is shown.
    """
    trades = counted(changes, trades)
    listed = grid(changes[0][0] + 1)
    peak = [lots for ms, lots in changes if ms < listed][-1]
    if peak < WALL_LOTS:
        return []
    kept = [(listed, peak + sum(q for at, q in trades if at < listed))]
    since, before = listed, peak
    for ms, lots in changes:
        if ms >= listed:
            peak = max(peak, lots)
            if before < peak / 2 <= lots:
                since = ms
            before = lots
            kept.append((ms, lots + sum(q for at, q in trades if at <= ms)))
            if lots <= 0.2 * peak:
                return judged(kept, ms, (listed, since), peak, trades)
    return []


def judged(
    kept: list[tuple[int, int]],
    fallen: int,
    begun: tuple[int, int],
    peak: int,
    trades: list[tuple[int, int]],
) -> list[Row]:
    """`begun`: when it was listed, and since when it shows half of its peak or more."""
    listed, since = begun
    inside = [one for one in kept if one[0] > fallen - PULL_MS]
    earlier = [one for one in kept if one[0] <= fallen - PULL_MS]
    cancelled = max(k for _, k in earlier[-1:] + inside) - kept[-1][1]
    traded = sum(q for at, q in trades if listed <= at <= fallen)
    failed = ""
    if cancelled < 0.8 * peak:
        failed = "cancelled share"
    elif traded > 0.05 * peak:
        failed = "fill ratio"
    elif fallen - since < LIFE_MS:
        failed = "lifetime"
    if cancelled < 0.5 * peak:
        return []
    last = grid(fallen + LAST_WORD_MS)
    if failed:
        return [Row(last, "rejected", failed, traded, cancelled)]
    return [
        Row(fallen, "confirmed", "", traded, cancelled),
        Row(last, "confirmed", "", traded, cancelled),
    ]
