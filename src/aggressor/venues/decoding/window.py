"""The books of a venue that shows only its best levels: what leaves the window is removed.

Such a venue keeps so many levels a side, and says nothing when one is pushed out by better ones: in
a book that is only told of changes it would rest for ever, and stand in the way when the price
comes back. So the window is kept here as the venue keeps it: after each message, what is worse
than the best `width` levels of its side is removed by rows of size 0.

Prices are held as keys, -side x ticks, so that the best is the smallest on either side, sorted. A
message of the venue adds at most `width` levels to `width` that stand; beyond 4 x width the worst
is removed at once.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import LEVEL, Events

_SPARE = 4


class Window(NamedTuple):
    """keys (lanes, 2, 4 x width) of bids and asks, held (lanes, 2) how many of them count."""

    keys: NDArray[np.int64]
    held: NDArray[np.int64]


def window_state(lanes: int, width: int) -> Window:
    """Return the empty windows of `lanes` instruments."""
    return Window(np.zeros((lanes, 2, _SPARE * width), np.int64), np.zeros((lanes, 2), np.int64))


@kernel_inline
def _place(window: Window, k: Int, s: Int, key: Int) -> Int:
    """Return where a key stands or belongs."""
    low, high = 0, window.held[k, s]
    while low < high:
        middle = (low + high) // 2
        if window.keys[k, s, middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel_inline
def _remove(window: Window, k: Int, s: Int, at: Int) -> None:
    window.held[k, s] -= 1
    for i in range(at, window.held[k, s]):
        window.keys[k, s, i] = window.keys[k, s, i + 1]


@kernel_inline
def _insert(window: Window, k: Int, s: Int, at: Int, key: Int) -> None:
    for i in range(window.held[k, s], at, -1):
        window.keys[k, s, i] = window.keys[k, s, i - 1]
    window.keys[k, s, at] = key
    window.held[k, s] += 1


@kernel_inline
def _drop_worst(window: Window, k: Int, s: Int, out: Events, row: Int) -> Int:
    """Write the row that removes the worst level of a side; return the next row."""
    window.held[k, s] -= 1
    key = window.keys[k, s, window.held[k, s]]
    out[row] = out[0]
    out[row]["kind"] = LEVEL
    out[row]["flags"] = 0
    out[row]["size"] = 0
    out[row]["side"] = 1 - 2 * s
    out[row]["price"] = key if s == 1 else -key
    return row + 1


@kernel
def keep_window(window: Window, k: Int, width: Int, out: Events, rows: Int) -> Int:
    """Take the levels of one applied message, out[:rows], into lane k.

    Writes rows that remove what left the window behind them, without LAST, and returns how many
    rows there are then. `out` has room for twice as many rows.
    """
    capacity = window.keys.shape[2]
    row = rows
    for i in range(rows):
        if out[i]["kind"] != LEVEL:
            continue
        s = 0 if out[i]["side"] > 0 else 1
        key = -np.int64(out[i]["price"]) if s == 0 else np.int64(out[i]["price"])
        at = _place(window, k, s, key)
        found = at < window.held[k, s] and window.keys[k, s, at] == key
        if out[i]["size"] == 0:
            if found:
                _remove(window, k, s, at)
        elif not found:
            if window.held[k, s] == capacity:
                if at == capacity:
                    out[i]["size"] = 0  # worse than all that can be kept
                    continue
                row = _drop_worst(window, k, s, out, row)
            _insert(window, k, s, at, key)
    for s in range(2):
        while window.held[k, s] > width:
            row = _drop_worst(window, k, s, out, row)
    return row
