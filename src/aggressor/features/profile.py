"""Volume profile: the point of control and the value area of a row of volumes, and profiles over
any span.

One implementation serves the footprint of a bar, the profile of a session and a TPO count:
everything here works on a plain int64 array of row volumes, `volume[first..last]`, both ends
included, row 0 the lowest price.

* Point of control: the row of maximum volume; ties go to the row nearest the middle of the range,
  then to the lower one (R4.5).
* Value area: from the point of control, repeatedly compare the sum of the next `step` rows above
  with that of the next `step` below (fewer at the edge), add the larger, and stop as soon as the
  share is reached. The whole last group is kept. `step` is 2 for the classical rule and 1 for the
  single-row variant; a tie adds the upper group, or both with `both_on_tie`.

The share is in parts per million, so that "at least 70 %" is decided in integers.

Source: R4.5, R4.6; Steidlmayer, CBOT Market Profile.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE

SHARE_PPM = 700_000
WHOLE_PPM = 1_000_000
ROWS_MAX = 1 << 22  # rows of one profile: 32 MB of volumes; more means rows far too thin


class ValueRule(NamedTuple):
    """How a value area is grown."""

    share_ppm: int = SHARE_PPM
    step: int = 2  # rows compared at a time: 2 classical, 1 single-row
    both_on_tie: bool = False  # a tie adds the group above and the group below


class VolumeProfile(NamedTuple):
    """Volume by price row over a span; prices are the lowest tick of their row."""

    first_price: int  # ticks, of row 0
    row_ticks: int
    volume: NDArray[np.int64]  # (rows,) lots
    delta: NDArray[np.int64]  # (rows,) lots bought minus lots sold
    total: int  # lots
    poc: int  # ticks; NO_PRICE when nothing traded, as the next two
    val: int
    vah: int


@kernel_inline
def share_of(total: Int, share_ppm: Int) -> Int:
    """Return the least volume that is at least `share_ppm` of `total`, without overflow."""
    whole = total // WHOLE_PPM
    rest = total - whole * WHOLE_PPM
    return whole * share_ppm + (rest * share_ppm + WHOLE_PPM - 1) // WHOLE_PPM


@kernel_inline
def control_row(volume: NDArray[np.int64], first: Int, last: Int) -> Int:
    """Return the point of control of volume[first..last]."""
    most = volume[first]
    for row in range(first + 1, last + 1):
        most = max(most, volume[row])
    below = np.int64(first + last) >> 1  # from the middle outwards, the lower of a pair first
    above = np.int64(first + last) - below
    while volume[below] != most:
        if volume[above] == most:
            return above
        below -= 1
        above += 1
    return below


@kernel_inline
def _sum_of(volume: NDArray[np.int64], first: Int, last: Int) -> Int:
    lots = np.int64(0)
    for row in range(first, last + 1):
        lots += volume[row]
    return lots


@kernel_inline
def value_rows(
    volume: NDArray[np.int64], first: Int, last: Int, control: Int, need: Int, step: Int, both: Int
) -> tuple[Int, Int]:
    """Return (lowest, highest) row of the value area that holds at least `need` lots."""
    low = np.int64(control)
    high = np.int64(control)
    held = volume[control]
    up, down = np.int64(min(high + step, last)), np.int64(max(low - step, first))
    above, below = _sum_of(volume, high + 1, up), _sum_of(volume, down, low - 1)
    while held < need and (low > first or high < last):
        # Which way it goes is a coin toss: both are computed, and one of them stays where it was.
        may_rise, may_fall = up > high, down < low
        tied = (above == below) & may_rise & may_fall & (both != 0)
        rises = np.int64(tied | (may_rise & ((above >= below) | (down == low))))
        falls = np.int64(tied) | (1 - rises)
        high += rises * (up - high)
        low -= falls * (low - down)
        held += rises * above + falls * below
        up, down = np.int64(min(high + step, last)), np.int64(max(low - step, first))
        above, below = _sum_of(volume, high + 1, up), _sum_of(volume, down, low - 1)
    return low, high


@kernel
def profile_rows(
    volume: NDArray[np.int64], total: Int, share_ppm: Int, step: Int, both: Int
) -> tuple[Int, Int, Int]:
    """Return (control, lowest, highest) row of a whole array of row volumes."""
    control = control_row(volume, 0, volume.size - 1)
    need = share_of(total, share_ppm)
    low, high = value_rows(volume, 0, volume.size - 1, control, need, step, both)
    return control, low, high


_CLASSICAL = ValueRule()


def volume_profile(
    cells: NDArray[Any], row_ticks: int, rule: ValueRule = _CLASSICAL
) -> VolumeProfile:
    """Sum the CELLs of any number of bars into one profile.

    `cells` are CELL records of one row height, in any order. Raises ConfigError when the span has
    too many rows.
    """
    if cells.size == 0:
        none = np.zeros(0, np.int64)
        return VolumeProfile(NO_PRICE, row_ticks, none, none, 0, NO_PRICE, NO_PRICE, NO_PRICE)
    lowest = int(cells["price"].min())
    rows = (int(cells["price"].max()) - lowest) // row_ticks + 1
    if rows > ROWS_MAX:
        raise ConfigError(f"A profile of {rows} rows is too fine: make its rows taller.")
    index = (cells["price"].astype(np.int64) - lowest) // row_ticks
    volume = np.zeros(rows, np.int64)
    delta = np.zeros(rows, np.int64)
    np.add.at(volume, index, cells["sold"] + cells["bought"] + cells["unknown"])
    np.add.at(delta, index, cells["bought"] - cells["sold"])
    total = int(volume.sum())
    found = profile_rows(volume, total, rule.share_ppm, rule.step, int(rule.both_on_tie))
    poc, val, vah = (lowest + int(row) * row_ticks for row in found)
    return VolumeProfile(lowest, row_ticks, volume, delta, total, poc, val, vah)
