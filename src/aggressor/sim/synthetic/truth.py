"""What really happened, read from the L3 log: the answers that inference from L2 is scored against.

    log   (m,)   L3_ROW   in order; ADD, FILL and CANCEL of single orders, fills also of parts

The log begins with one ADD per order that rested at the start. Slow and plain: for tests and
studies.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.sim.synthetic.book import ADD, CANCEL, FILL


class LevelTruth(NamedTuple):
    """Lots that came to and left one level; what rests is added - traded - cancelled."""

    added: int
    traded: int
    cancelled: int


def level_truth(log: NDArray[Any], side: int, price: int) -> LevelTruth:
    """Return what happened at one level over the whole of `log`."""
    rows = log[(log["side"] == side) & (log["price"] == price)]
    added, traded, cancelled = (
        int(rows["lots"][rows["action"] == action].sum()) for action in (ADD, FILL, CANCEL)
    )
    return LevelTruth(added, traded, cancelled)


def book_at(log: NDArray[Any], ts_venue: int) -> dict[tuple[int, int], int]:
    """Return lots by (side, price) after everything up to and at `ts_venue`."""
    rows = log[: np.searchsorted(log["ts_venue"], ts_venue, "right")]
    signed = np.where(rows["action"] == ADD, rows["lots"], -rows["lots"])
    key = rows["price"].astype(np.int64) * 2 + (rows["side"] > 0)
    keys, places = np.unique(key, return_inverse=True)
    lots = np.bincount(places, signed, keys.size).astype(np.int64)
    return {(1 if k & 1 else -1, int(k >> 1)): int(n) for k, n in zip(keys, lots, strict=True) if n}


def queue_track(log: NDArray[Any], order: int) -> list[tuple[int, int, int]]:
    """Return (ts_venue, lots ahead, own lots) of one order at each change, ADD to end."""
    own = log[log["order"] == order]
    start = int(np.flatnonzero(log["order"] == order)[0])
    side, price = own["side"][0], own["price"][0]
    here = (log["side"] == side) & (log["price"] == price)
    ahead: dict[int, int] = {}
    for row in log[:start][here[:start]]:
        change = int(row["lots"]) if row["action"] == ADD else -int(row["lots"])
        ahead[int(row["order"])] = ahead.get(int(row["order"]), 0) + change
    left = int(own["lots"][0])
    total = sum(ahead.values())
    track = [(int(own["ts_venue"][0]), total, left)]
    for row in log[start + 1 :][here[start + 1 :]]:
        if row["order"] == order:
            left -= int(row["lots"])
        elif int(row["order"]) in ahead:
            total -= int(row["lots"])
        else:
            continue
        track.append((int(row["ts_venue"]), total, left))
        if left == 0:
            break
    return track
