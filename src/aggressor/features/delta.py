"""Windowed delta: signed and total volume of the prints of the last w, exact, as time moves on.

Each series is one (lane, window) pair with its own ring of prints. The window at time t is (t - w,
t] of ts_recv: what expires does so by the clock of the event in hand. A print of unknown side
counts in the volume and not in the delta. When a ring is full of prints that have not expired,
`window_has_room` says no and Python doubles the rings with `grow_window`.

    head     (series,)      WINDOW_HEAD
    prints   (series, C)    PRINT, C a power of two

CVD is kept by the bars (`series`), whose `cvd` is anchored at 00:00 UTC. Source: R0.3, R3.1, R3.4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NOT_FLOW, TRADE, Events
from aggressor.state import State

PRINT = np.dtype([("ts_recv", "<i8"), ("size", "<i8"), ("signed", "<i8")])

WINDOW_HEAD = np.dtype(
    [
        ("window_ns", "<i8"),
        ("delta", "<i8"),  # lots
        ("volume", "<i8"),  # lots
        ("first", "<i8"),  # prints expired so far
        ("next", "<i8"),  # prints ever added
    ]
)


class WindowState(State, frozen=True):
    """The windows of all series."""

    head: NDArray[Any]
    prints: NDArray[Any]


def window_state(windows_ns: Sequence[int], capacity: int = 16384) -> WindowState:
    """Return empty windows, one series each; `capacity` prints per ring, a power of two."""
    assert capacity & (capacity - 1) == 0, "a power of two"
    head = np.zeros(len(windows_ns), WINDOW_HEAD)
    head["window_ns"] = windows_ns
    return WindowState(head, np.zeros((len(windows_ns), capacity), PRINT))


def grow_window(window: WindowState) -> WindowState:
    """Return the same windows with rings of twice the size."""
    count, size = window.prints.shape
    prints = np.zeros((count, 2 * size), PRINT)
    for k, head in enumerate(window.head):
        at = np.arange(int(head["first"]), int(head["next"]))
        prints[k, at & (2 * size - 1)] = window.prints[k, at & (size - 1)]
    return WindowState(window.head, prints)


@kernel_inline
def expire_window(window: WindowState, series: Int, now: Int) -> None:
    """Forget the prints at or before now - w."""
    head = window.head[series]
    mask = window.prints.shape[1] - 1
    oldest = now - head["window_ns"]
    while head["first"] < head["next"]:
        gone = window.prints[series, head["first"] & mask]
        if gone["ts_recv"] > oldest:
            break
        head["delta"] -= gone["signed"]
        head["volume"] -= gone["size"]
        head["first"] += 1


@kernel_inline
def window_has_room(window: WindowState, series: Int, now: Int) -> bool:
    """Whether one more print fits at `now`; if not, Python must `grow_window` first."""
    expire_window(window, series, now)
    head = window.head[series]
    return head["next"] - head["first"] < window.prints.shape[1]


@kernel_inline
def add_print(window: WindowState, series: Int, ts_recv: Int, side: Int, size: Int) -> None:
    """Add one print; `window_has_room` must have said yes."""
    head = window.head[series]
    added = window.prints[series, head["next"] & (window.prints.shape[1] - 1)]
    added["ts_recv"] = ts_recv
    added["size"] = size
    added["signed"] = side * size
    head["delta"] += side * size
    head["volume"] += size
    head["next"] += 1


@kernel_inline
def window_delta(window: WindowState, series: Int, now: Int) -> Int:
    """Return the signed volume of (now - w, now], lots."""
    expire_window(window, series, now)
    return window.head[series]["delta"]


@kernel_inline
def window_volume(window: WindowState, series: Int, now: Int) -> Int:
    """Return the volume of (now - w, now], lots, unknown sides included."""
    expire_window(window, series, now)
    return window.head[series]["volume"]


@kernel
def run_window(
    events: Events, start: Int, stop: Int, window: WindowState, series: Int, lane: Int
) -> Int:
    """Use the trades of one lane; return the first event not used: stop, or where room lacks."""
    for i in range(start, stop):
        event = events[i]
        if event["instrument"] == lane and event["kind"] == TRADE:
            if event["flags"] & NOT_FLOW == 0:
                if not window_has_room(window, series, event["ts_recv"]):
                    return i
                side = np.int64(event["side"])
                add_print(window, series, event["ts_recv"], side, event["size"])
    return stop


@kernel
def read_window(window: WindowState, series: Int, now: Int) -> tuple[Int, Int]:
    """Return (delta, volume) of (now - w, now], lots, to a caller outside kernels."""
    return window_delta(window, series, now), window_volume(window, series, now)
