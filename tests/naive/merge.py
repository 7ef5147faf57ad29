"""Merging by receive time and TIMER rows, with sorted() and a loop."""

import numpy as np

from aggressor.schema.event import EVENT, LAST, NO_INSTRUMENT, NO_PRICE, TIMER, Events


def merged(lanes: list[Events]) -> Events:
    """Return all rows in order of (ts_recv, lane, place within the lane), lanes rewritten."""
    order = sorted(
        (int(row["ts_recv"]), k, i) for k, rows in enumerate(lanes) for i, row in enumerate(rows)
    )
    out = np.zeros(len(order), EVENT)
    for n, (_, k, i) in enumerate(order):
        out[n] = lanes[k][i]
        out[n]["instrument"] = k
    return out


def with_timers(events: Events, timer_ns: int) -> Events:
    """Return the rows with a TIMER at each multiple of `timer_ns` between first and last."""
    times = [int(row["ts_recv"]) for row in events]
    out: list[np.void] = []
    point = -(-times[0] // timer_ns) * timer_ns if times else 0
    for ts_recv, row in zip(times, events, strict=True):
        while point <= ts_recv:
            timer = np.zeros((), EVENT)
            timer["ts_recv"] = timer["ts_venue"] = point
            timer["size"] = timer_ns
            timer["price"] = NO_PRICE
            timer["kind"] = TIMER
            timer["flags"] = LAST
            timer["instrument"] = NO_INSTRUMENT
            out.append(timer[()])
            point += timer_ns
        out.append(row)
    return np.array(out, EVENT)
