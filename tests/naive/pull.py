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


class Track:
    """A wall from the TIMER that lists it, also while it is listed no more but may yet fall."""

    def __init__(self, listed: int, lots: int, traded_before: int) -> None:
        self.listed = self.since = listed
        self.peak = self.shown = self.sampled = lots  # `sampled`: the most that a TIMER saw
        self.kept = [(listed, lots + traded_before)]
        self.unlisted: int | None = None

    def take(self, ms: int, lots: int, traded_before: int) -> bool:
        """Take a row of its level; return whether it has fallen."""
        self.peak = max(self.peak, lots)
        if self.shown < self.peak / 2 <= lots:
            self.since = ms
        self.shown = lots
        self.kept.append((ms, lots + traded_before))
        return lots <= 0.2 * self.peak

    def is_over(self, ms: int) -> bool:
        return self.unlisted is not None and ms - self.unlisted > PULL_MS


def pulls(changes: list[tuple[int, int]], trades: list[tuple[int, int]]) -> list[Row]:
    """`changes`: (ms, lots shown) from when the wall appears, up to its fall; each trade is in the
    next change.

    A wall is listed at the first TIMER that sees enough of it. One that a TIMER sees below half of
    its peak is listed no more, and what still stands may be another wall. Lots that it shows when
    it is listed are its own, though some have traded by then: a trade counts when it is shown.
    """
    trades = counted(changes, trades)
    timers = range(grid(changes[0][0] + 1), grid(changes[-1][0]) + 1, TIMER_MS)
    timeline = [(ms, 0, 0) for ms in timers] + [(ms, 1, lots) for ms, lots in changes]
    tracks: list[Track] = []
    wall: Track | None = None
    shown = 0
    for ms, is_row, lots in sorted(timeline):
        traded = sum(q for at, q in trades if at < ms or (is_row and at == ms))
        fallen = []
        if is_row:
            shown = lots
            fallen = [one for one in tracks if one.take(ms, lots, traded)]
        tracks = [one for one in tracks if one in fallen or not one.is_over(ms)]
        for one in fallen:  # those that left the list first: a fall is told once
            if rows := judged(one, ms, trades):
                return rows
        if is_row or fallen:
            continue
        if wall is not None and 2 * shown < wall.sampled:
            wall.unlisted, wall = ms, None
        if wall is not None:
            wall.sampled = max(wall.sampled, shown)
        elif shown >= WALL_LOTS:
            wall = Track(ms, shown, traded)
            tracks.append(wall)
    return []


def judged(wall: Track, fallen: int, trades: list[tuple[int, int]]) -> list[Row]:
    """Return the rows of a wall that falls at a time; none where less than half was cancelled."""
    inside = [one for one in wall.kept if one[0] > fallen - PULL_MS]
    earlier = [one for one in wall.kept if one[0] <= fallen - PULL_MS]
    cancelled = max(k for _, k in earlier[-1:] + inside) - wall.kept[-1][1]
    traded = sum(q for at, q in trades if wall.listed <= at <= fallen)
    failed = ""
    if cancelled < 0.8 * wall.peak:
        failed = "cancelled share"
    elif traded > 0.05 * wall.peak:
        failed = "fill ratio"
    elif fallen - wall.since < LIFE_MS:
        failed = "lifetime"
    if cancelled < 0.5 * wall.peak:
        return []
    last = grid(fallen + LAST_WORD_MS)
    if failed:
        return [Row(last, "rejected", failed, traded, cancelled)]
    return [
        Row(fallen, "confirmed", "", traded, cancelled),
        Row(last, "confirmed", "", traded, cancelled),
    ]
