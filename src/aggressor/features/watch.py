"""Which levels somebody follows: one byte for each slot of the book, a bit for each follower.

A LEVEL row of a level that nobody follows then costs one load and a branch, however many
detectors follow levels. Slots are given to other levels in time: a mark only says that it is
worth asking the follower, who knows the level by slot, price and side.

    marks   (slots,)   uint8, indexed by the book's level slot
"""

import numpy as np
from numpy.typing import NDArray

from aggressor.state import State

ICEBERG_MARK = 1
PULL_MARK = 2


class WatchState(State, frozen=True):
    """The marks of all slots of a book."""

    marks: NDArray[np.uint8]


def watch_state(levels: int = 8192) -> WatchState:
    """Return no marks for a book of `levels` slots."""
    return WatchState(np.zeros(levels, np.uint8))


def grow_watch(watch: WatchState, levels: int) -> WatchState:
    """Return the same marks for a book that now has `levels` slots."""
    marks = np.zeros(levels, np.uint8)
    marks[: watch.marks.size] = watch.marks
    return WatchState(marks)
