"""Vacuums of one side of ten prices, with a fixed usual depth and a spread of one tick."""

from typing import NamedTuple

TIMER_MS = 100
WINDOW_MS = 1000
TOLERANCE_MS = 50
QUIET_MS = 5000


class Row(NamedTuple):
    ms: int
    phase: str
    failed: str
    loss: int
    traded: int


def gap_of(sizes: list[int]) -> int:
    standing = [i for i, lots in enumerate(sizes) if lots > 0]
    return standing[1] - standing[0]


def vacuums(
    depths: list[tuple[int, list[int]]], trades: list[tuple[int, int]], usual: int, end_ms: int
) -> list[Row]:
    """`depths`: (ms, sizes from the best price) in order; `trades`: (ms, lots), shown 10 ms on."""
    found: list[Row] = []
    state, armed, before, loss, traded = "idle", 0, (0, 0), 0, 0
    quiet, confirmed = -1, 0
    back: int | None = None

    def sizes_at(ms: int) -> list[int]:
        return [sizes for at, sizes in depths if at < ms][-1]

    def shown_trades(start: int, stop: int) -> int:
        return sum(lots for at, lots in trades if start <= at + 10 < stop)

    for ms in range(TIMER_MS, end_ms + 1, TIMER_MS):
        sizes = sizes_at(ms)
        depth = sum(sizes)
        if state == "resting" and depth >= 0.6 * usual:
            state = "idle"
        elif state == "idle" and depth <= 0.2 * usual and ms >= quiet:
            window = range(max(ms - WINDOW_MS, TIMER_MS), ms, TIMER_MS)
            there = [(sum(sizes_at(t)), t) for t in window if sum(sizes_at(t)) >= 0.6 * usual]
            if there:
                state, armed, loss, traded = "armed", ms, 0, 0
                before = min(there[-1][0], usual), there[-1][1]
        elif state in ("early", "confirmed"):
            if state == "early" and ms - confirmed > TOLERANCE_MS:
                state = "confirmed"
                found.append(Row(ms, "confirmed", "", loss, traded))
            back = None if depth < 0.6 * usual else (ms if back is None else back)
            if back is not None and ms - back >= 2000:
                found.append(Row(ms, "expired", "thin depth", loss, traded))
                state, quiet = "idle", ms + QUIET_MS
        if state == "armed":
            if before[0] - depth > loss and loss - traded < 0.7 * max(loss, 1):
                loss, traded = before[0] - depth, shown_trades(before[1], ms)
            withdrawn = loss - traded >= 0.7 * max(loss, 1)  # the best price never moves
            wide = gap_of(sizes) >= 3
            if depth <= 0.2 * usual and withdrawn and wide:
                state, confirmed, back = "early", ms, None
                found.append(Row(ms, "confirmed", "", loss, traded))
            elif depth >= 0.6 * usual or ms - armed >= WINDOW_MS:
                why = "thin depth" if depth > 0.2 * usual else "wide spread or gap"
                why = why if withdrawn else "cancelled share of the loss"
                found.append(Row(ms, "expired", why, loss, traded))
                state = "resting" if depth < 0.6 * usual else "idle"
    return found
