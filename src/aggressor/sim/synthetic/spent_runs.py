"""Runs that were spent, as hindsight proves: the exhaustion that nobody injected (R5.2, R7.1).

The background's metaorders run price up and down, and some of these runs end at their extreme. Who
says so at the extreme is right, so they are written down as labels that ask for nothing (no key
time) but explain. For each of the lengths window / 8, / 4, / 2 and the whole, a second whose price
is the extreme of a run, when all hold:

    run      from the other extreme of the span before it (P0, at an earlier second) price went
             >= max(LEAST_TICKS, one minute's range, 2 x that x sqrt(minutes it took))
    flow     its takers' delta is >= SHARE of its volume, and no smaller than Q.99 of the absolute
             delta of as many seconds in the hour before
    spent    GIVEN_BACK of the run was given back before price went beyond its extreme

The last is known only afterwards, which no detector can use. One minute's range is the mean of the
last RANGE_MINUTES closed minutes. All is read from the prints, by second of venue time.

    label   direction of the run; low, high: P0 and P1; start the second in which price first was
            within NEAR_TICKS of P1, no more than SAID_S before it (zones are told apart no finer);
            stop SAID_S after P1, earlier when price went beyond, later where only then enough was
            given back; injected: delta; count: ticks
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import TRADE, Events
from aggressor.sim.synthetic.labels import Label

SPENT_RUN = "spent_run"
WINDOW_S = 180
LEAST_TICKS = 10
SHARE = 0.3
GIVEN_BACK = 0.382  # R7.1's first target
RANGE_MINUTES = 14
SAID_S = 60  # after its extreme: who calls a run spent later speaks of something else
NEAR_TICKS = 3
_QUANTILE = 0.99
_HOUR_S = 3600
_NS = 1_000_000_000
_NOWHERE = np.int64(1 << 60)  # ticks of a second without a print


class SpentRuns:
    """Gathers prints by second, chunk by chunk; `labels` at the end."""

    def __init__(self) -> None:
        self._prints: list[NDArray[Any]] = []

    def take(self, events: Events) -> None:
        """Take what was published since the last call, in order."""
        rows = events[events["kind"] == TRADE]
        fields = [rows[name].astype(np.int64) for name in ("ts_venue", "price", "size", "side")]
        self._prints.append(np.stack(fields))

    def labels(self) -> list[Label]:
        """Return the spent runs in order of their extremes."""
        prints = np.concatenate([np.zeros((4, 0), np.int64), *self._prints], axis=1)
        if prints.shape[1] == 0:
            return []
        order = np.argsort(prints[0], kind="stable")
        ts, price, size, side = prints[:, order]
        start = int(ts[0] // _NS)
        second = ts // _NS - start
        seconds = int(second[-1]) + 1
        high = np.full(seconds, -_NOWHERE)
        low = np.full(seconds, _NOWHERE)
        np.maximum.at(high, second, price)
        np.minimum.at(low, second, price)
        delta = np.bincount(second, side * size, seconds)
        volume = np.bincount(second, size, seconds)
        ranges = _ranges(high, low, start % 60)
        flow = np.stack([np.cumsum(delta), np.cumsum(volume)])
        found = [
            *_runs(1, start, high, low, flow, ranges),
            *_runs(-1, start, -low, -high, flow * [[-1], [1]], ranges),
        ]
        return sorted(found, key=lambda label: label.start_ns)


def _ranges(high: NDArray[np.int64], low: NDArray[np.int64], offset: int) -> NDArray[np.float64]:
    """Return the mean range of the last closed minutes at each second; NaN before the first."""
    minute = (np.arange(high.size) + offset) // 60
    top = np.full(minute[-1] + 1, -_NOWHERE)
    bottom = np.full(minute[-1] + 1, _NOWHERE)
    np.maximum.at(top, minute, high)
    np.minimum.at(bottom, minute, low)
    span = np.where(top >= bottom, top - bottom, 0).astype(np.float64)
    total = np.append(0.0, np.cumsum(span))
    first = np.maximum(minute - RANGE_MINUTES, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total[minute] - total[first]) / (minute - first)


def _runs(
    direction: int,
    start: int,
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    flow: NDArray[Any],
    ranges: NDArray[np.float64],
) -> list[Label]:
    """Return the spent up-runs of prices times `direction`; `flow`: delta and volume so far."""
    found: list[Label] = []
    for at in range(1, high.size):
        after = high[at + 1 : at + 2]
        if np.isnan(ranges[at]) or (after.size and after[0] > high[at]):
            continue
        for window in (WINDOW_S // 8, WINDOW_S // 4, WINDOW_S // 2, WINDOW_S):
            begin = max(at - window, 0)
            if high[at] <= high[begin:at].max():
                continue
            back = begin + int(np.argmin(low[begin:at]))
            length, took = int(high[at] - low[back]), at - back
            needed = max(ranges[at], 2 * ranges[at] * np.sqrt(took / 60))
            if length < max(LEAST_TICKS, needed):
                continue
            if not _one_sided(flow, back, at):
                continue
            stop = _given_back(high, low, at, length)
            if stop is not None:
                found.append(_label(direction, start, (back, at, stop), high, low, flow))
                break
    return found


def _one_sided(flow: NDArray[Any], back: int, at: int) -> bool:
    """Tell whether the run from `back` to `at` was of extreme one-sided flow."""
    delta, volume = flow[:, at] - flow[:, back]
    if delta < SHARE * volume:
        return False
    took = at - back
    usual = flow[0, max(back - _HOUR_S, 0) : back + 1]
    if usual.size <= took:
        return False
    return bool(delta >= np.quantile(np.abs(usual[took:] - usual[:-took]), _QUANTILE))


def _given_back(
    high: NDArray[np.int64], low: NDArray[np.int64], at: int, length: int
) -> int | None:
    """Return the second until which it was right to call the run spent; None if it never was.

    That is SAID_S after its extreme, or when price went beyond, but not before enough was given
    back; None where price went beyond first.
    """
    ahead = slice(at + 1, at + 1 + _HOUR_S)
    beyond = np.flatnonzero(high[ahead] > high[at])
    back = np.flatnonzero(low[ahead] <= high[at] - GIVEN_BACK * length)
    if back.size == 0 or (beyond.size and beyond[0] <= back[0]):
        return None
    over = int(beyond[0]) if beyond.size else SAID_S
    return at + 1 + max(int(back[0]), min(over - 1, SAID_S))


def _label(
    direction: int,
    start: int,
    places: tuple[int, int, int],
    high: NDArray[np.int64],
    low: NDArray[np.int64],
    flow: NDArray[Any],
) -> Label:
    back, at, stop = places
    ends = sorted((direction * int(low[back]), direction * int(high[at])))
    first = max(back + 1, at - SAID_S)
    near = first + int(np.argmax(high[first : at + 1] >= high[at] - NEAR_TICKS))
    delta, volume = (int(one) for one in flow[:, at] - flow[:, back])
    return Label(
        kind=SPENT_RUN,
        side=0,
        direction=direction,
        difficulty="",
        start_ns=(start + near) * _NS,
        stop_ns=(start + stop + 1) * _NS,
        key_ns=0,
        low=ends[0],
        high=ends[1],
        peak_lots=volume,
        traded_lots=volume,
        cancelled_lots=0,
        injected_lots=delta,
        count=ends[1] - ends[0],
    )
