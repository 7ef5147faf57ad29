"""Absorption of sells at one price that always is the best bid, from the prints alone."""

from math import sqrt
from typing import NamedTuple

TIMER_MS = 100
WINDOW_MS = 10_000
CONFIRM_MS = 5_000
RATE_MS = 1_000
QUIET_MS = 5_000


class Row(NamedTuple):
    ms: int
    phase: str
    failed: str
    hit: int
    move2: int


def absorptions(
    sells: list[tuple[int, int]],
    mids: list[tuple[int, int]],
    displayed: list[tuple[int, int]],
    usual: int,
    impact: float,
    atr: float,
    end_ms: int,
) -> list[Row]:
    """`sells`: (ms, lots); `mids` (half ticks) and `displayed` (lots): (since ms, value)."""
    found: list[Row] = []
    began, quiet, armed, start, rate = TIMER_MS, -1, None, 0, 0.0

    def sold(after: int, until: int) -> int:
        return sum(lots for ms, lots in sells if after <= ms < until)

    def value(series: list[tuple[int, int]], ms: int) -> int:
        return [one for at, one in series if at < ms][-1]

    for now in range(TIMER_MS, end_ms + 1, TIMER_MS):
        if armed is None:
            start = max(began, now - WINDOW_MS)
            hit = sold(start, now)
            if hit == 0 or hit < max(usual, 2 * value(displayed, start)) or now < quiet:
                continue
            pressed_ms = max(now - start, WINDOW_MS // 4)
            if impact * hit < atr * sqrt(pressed_ms / 60_000):
                continue
            armed, rate = now, hit / (now - start)
        hit = sold(start, now)
        move2 = max(value(mids, start) - value(mids, now), 0)
        ratio = 0.5 * move2 / (impact * hit)
        since = max(now - RATE_MS, start)
        slower = now - armed >= RATE_MS and sold(since, now) / (now - since) <= 0.5 * rate
        if ratio <= 0.25 and slower:
            found.append(Row(now, "confirmed", "", hit, move2))
        elif now - armed > CONFIRM_MS:
            failed = "impact ratio" if ratio > 0.25 else "slower flow or bounce"
            found.append(Row(now, "expired", failed, hit, move2))
        else:
            continue
        armed, began = None, now
        if found[-1].phase == "confirmed":
            quiet = now + QUIET_MS
    return found
