"""Nodes of a volume profile, and profiles summed over sessions (composites).

A node is found in rows smoothed with a Gaussian (sigma 2 rows). A *high volume node* (HVN) is a row
that towers over the lowest row on either side, up to the next higher row or the end of the profile,
by at least 20 % of the profile's maximum; beyond the ends volume is 0. Between two neighbouring
HVNs the lowest row is a *low volume node* (LVN) when its volume is at most half of the smaller of
them. Equal rows are one node with a span, so that a mirrored profile has the mirrored nodes. The
*edge* of an HVN is the last row outwards above half of its volume, short of the valley.

Everything works on a plain int64 array of row volumes, row 0 the lowest price. Source: R4.6.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import DAY_NS
from aggressor.features.profile import (
    ROWS_MAX,
    ValueRule,
    VolumeProfile,
    profile_rows,
    volume_profile,
)
from aggressor.features.series import ClosedBars
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE

SIGMA_ROWS = 2.0
RADIUS = 8  # rows: four sigmas
PROMINENCE = 0.20  # of the profile's maximum
LOW_SHARE = 0.50  # of the smaller HVN
EDGE_SHARE = 0.50  # of an HVN

HVN = 1
LVN = 2
NODE_NAMES = {HVN: "HVN", LVN: "LVN"}

NODE = np.dtype(
    [
        ("kind", "<i8"),  # HVN or LVN
        ("low", "<i8"),  # rows
        ("high", "<i8"),
        ("edge_low", "<i8"),  # rows, of an HVN; of an LVN as low and high
        ("edge_high", "<i8"),
        ("volume", "<f8"),  # lots, smoothed
    ]
)


class Node(NamedTuple):
    """One node of a profile; prices are ticks, both ends included."""

    kind: int  # HVN or LVN
    low: int
    high: int
    edge_low: int
    edge_high: int
    volume: float  # lots, smoothed


def gaussian_weights(sigma_rows: float = SIGMA_ROWS, radius: int = RADIUS) -> NDArray[np.float64]:
    """Return the weight of a row at 0 .. radius rows, summing to 1 over both sides."""
    weights = np.exp(-0.5 * (np.arange(radius + 1) / sigma_rows) ** 2)
    return weights / (weights[0] + 2.0 * weights[1:].sum())


@kernel
def find_nodes(
    volume: NDArray[np.int64],
    rows: Int,
    weights: NDArray[np.float64],
    smooth: NDArray[np.float64],
    found: NDArray[Any],
) -> Int:
    """Write the nodes of volume[:rows] to `found`, lowest row first, and the smoothed volumes.

    Returns how many there are, which may be more than `found` holds.
    """
    needed = PROMINENCE * _smooth_rows(volume, rows, weights, smooth)
    count, at = np.int64(0), np.int64(-1)  # `at`: where the last HVN was written
    if needed <= 0.0:
        return count
    climbing = False
    extreme = 0.0  # the highest since the last valley, or the lowest since the last peak
    first, last = np.int64(-1), np.int64(-1)
    valley, valley_first, valley_last = 0.0, np.int64(-1), np.int64(-1)
    peak, peak_last = 0.0, np.int64(-1)
    for row in range(rows + 1):
        here = smooth[row] if row < rows else 0.0
        if here == extreme:
            last = np.int64(row)
        elif (here > extreme) == climbing:
            extreme, first, last = here, np.int64(row), np.int64(row)
        elif abs(extreme - here) >= needed:
            if climbing:
                if peak > 0.0 and valley <= LOW_SHARE * min(peak, extreme):
                    _write_node(found, count, LVN, valley_first, valley_last, valley)
                    count += 1
                _write_node(found, count, HVN, first, last, extreme)
                peak, peak_last, at = extreme, last, count
                if at < found.size:
                    found[at]["edge_low"] = _edge(smooth, first, -1, valley_last, extreme)
                count += 1
            else:
                valley, valley_first, valley_last = extreme, first, last
                if 0 <= at < found.size:
                    found[at]["edge_high"] = _edge(smooth, peak_last, 1, first, peak)
            climbing = not climbing
            extreme, first, last = here, np.int64(row), np.int64(row)
    if 0 <= at < found.size:
        found[at]["edge_high"] = _edge(smooth, peak_last, 1, first, peak)
    return count


@kernel_inline
def _smooth_rows(
    volume: NDArray[np.int64],
    rows: Int,
    weights: NDArray[np.float64],
    smooth: NDArray[np.float64],
) -> float:
    """Write the smoothed volumes, the same from both ends, and return the largest."""
    largest = 0.0
    for row in range(rows):
        total = weights[0] * float(volume[row])
        for away in range(1, weights.size):
            pair = np.int64(0)
            if row >= away:
                pair += volume[row - away]
            if row + away < rows:
                pair += volume[row + away]
            total += weights[away] * float(pair)
        smooth[row] = total
        largest = max(largest, total)
    return largest


@kernel_inline
def _write_node(
    found: NDArray[Any], count: Int, kind: Int, low: Int, high: Int, volume: float
) -> None:
    if count < found.size:
        node = found[count]
        node["kind"] = kind
        node["low"] = low
        node["high"] = high
        node["edge_low"] = low
        node["edge_high"] = high
        node["volume"] = volume


@kernel_inline
def _edge(smooth: NDArray[np.float64], row: Int, step: Int, valley: Int, peak: float) -> Int:
    """Return the last row from `row` outwards above half of the peak, short of the valley."""
    at = np.int64(row)
    while at + step != valley and 0 <= at + step < smooth.size:
        if smooth[at + step] <= EDGE_SHARE * peak:
            break
        at += step
    return at


def profile_nodes(profile: VolumeProfile) -> list[Node]:
    """Return the nodes of a profile, lowest first, found in its own rows."""
    rows = profile.volume.size
    found = np.zeros(rows, NODE)
    volume = np.ascontiguousarray(profile.volume)
    count = int(find_nodes(volume, rows, gaussian_weights(), np.zeros(rows), found))
    first, step = profile.first_price, profile.row_ticks
    return [
        Node(
            int(node["kind"]),
            first + int(node["low"]) * step,
            first + (int(node["high"]) + 1) * step - 1,
            first + int(node["edge_low"]) * step,
            first + (int(node["edge_high"]) + 1) * step - 1,
            float(node["volume"]),
        )
        for node in found[:count]
    ]


_CLASSICAL = ValueRule()


def composite_profile(
    profiles: Sequence[VolumeProfile], rule: ValueRule = _CLASSICAL
) -> VolumeProfile:
    """Return the sum of profiles of one row height: of n sessions, or of all since an anchor.

    Raises ConfigError when row heights differ or the range has too many rows.
    """
    parts = [one for one in profiles if one.total > 0]
    heights = {one.row_ticks for one in profiles}
    if len(heights) != 1:
        raise ConfigError("A composite needs profiles of one row height: cut them anew.")
    step = heights.pop()
    if not parts:
        none = np.zeros(0, np.int64)
        return VolumeProfile(NO_PRICE, step, none, none, 0, NO_PRICE, NO_PRICE, NO_PRICE)
    lowest = min(one.first_price for one in parts)
    rows = max((one.first_price - lowest) // step + one.volume.size for one in parts)
    if rows > ROWS_MAX:
        raise ConfigError(f"A profile of {rows} rows is too fine: make its rows taller.")
    volume, delta = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    for one in parts:
        at = (one.first_price - lowest) // step
        volume[at : at + one.volume.size] += one.volume
        delta[at : at + one.delta.size] += one.delta
    total = int(volume.sum())
    found = profile_rows(volume, total, rule.share_ppm, rule.step, int(rule.both_on_tie))
    poc, val, vah = (lowest + int(row) * step for row in found)
    return VolumeProfile(lowest, step, volume, delta, total, poc, val, vah)


def session_profiles(
    closed: ClosedBars, row_ticks: int, span_ns: int = DAY_NS, rule: ValueRule = _CLASSICAL
) -> list[tuple[int, VolumeProfile]]:
    """Return (start in ns, profile) of every session in which one of these bars opened.

    `closed` holds bars of one series in order, of rows of `row_ticks` ticks. Raises ConfigError
    when a session has too many rows.
    """
    bars, cells = closed
    starts = bars["open_ns"] // span_ns * span_ns
    found = []
    for start in np.unique(starts):
        first, last = bars[starts == start][[0, -1]]
        stop = int(last["first_cell"]) + int(last["cells"])
        span = cells[int(first["first_cell"]) : stop]
        found.append((int(start), volume_profile(span, row_ticks, rule)))
    return found
