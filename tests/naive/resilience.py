"""Recovery from one shock, from the list of looks at the depth."""

import math
from typing import NamedTuple

Looks = list[tuple[int, int]]  # (ts_recv, depth in lots), the first is D_0


class Recovery(NamedTuple):
    half_ns: int | None
    most_ns: int | None
    rate: float
    end: str


def held_since(looks: Looks, level: float, hold_ns: int) -> tuple[int, int] | None:
    """Return (since when, seen when) depth has first been at `level` or above for hold_ns."""
    for i, (start, _) in enumerate(looks):
        for now, depth in looks[i:]:
            if depth < level:
                break
            if now - start >= hold_ns:
                return start, now
    return None


def recovery(
    looks: Looks, shock_ns: int, usual: int, hold_ns: int, censor_ns: int, left_min: float
) -> Recovery | None:
    """Return how the depth came back; None while it is still under way."""
    after_ns, after = looks[0]
    if after >= usual:
        return Recovery(after_ns - shock_ns, after_ns - shock_ns, 0.0, "at once")
    late = [now for now, _ in looks[1:] if now - shock_ns >= censor_ns]
    stop = late[0] if late else looks[-1][0]
    end = "censored" if late else None
    seen = [look for look in looks[1:] if look[0] <= stop]
    most = held_since(seen, after + 0.9 * (usual - after), hold_ns)
    if most:
        stop, end = most[1], "recovered"
    if end is None:
        return None
    seen = [look for look in seen if look[0] <= stop]
    half = held_since(seen, after + 0.5 * (usual - after), hold_ns)
    top = bottom = 0.0
    for now, depth in seen:
        t = (now - after_ns) / 1e9
        top -= t * math.log(max((usual - depth) / (usual - after), left_min))
        bottom += t * t
    return Recovery(
        half[0] - shock_ns if half else None,
        most[0] - shock_ns if most else None,
        top / bottom if bottom else 0.0,
        end,
    )
