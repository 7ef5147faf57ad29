"""What single levels hold where walls are put, so that a wall can be made to stand out there.

Once a second, while no scenario runs, the lots of every level behind the touch are counted, of both
sides, by how far off it is: in octaves, as detectors tell distances apart (R1.6).

    market.sizes   (OCTAVES, SIZES_MAX)   int64   how often a level held so many lots, or more in
                                                  the last place
"""

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.synthetic.book import LEVEL_MASK, OCTAVES, SIZES_MAX, Market
from aggressor.sim.synthetic.typed import Whole, typed

WALL_NEAR = typed(6)  # ticks behind the touch that walls are put at
WALL_FAR = typed(9)
_NEAREST = typed(4)  # ticks: the first octave is 4 .. 7


@kernel
def count_sizes(market: Market) -> None:
    """Count the levels that stand now."""
    head = market.head[0]
    for octave in range(OCTAVES):
        for k in range(_NEAREST << octave, _NEAREST << (octave + 1)):
            for price in (head["bid"] - k, head["ask"] + k):
                lots = np.int64(market.levels[price & LEVEL_MASK]["lots"])
                if lots > 0:
                    market.sizes[octave, min(lots, SIZES_MAX - 1)] += 1


@kernel
def large_level(market: Market) -> Whole:
    """Return the lots that one in a hundred levels reached so far (Q.99), of the larger octave."""
    largest = np.int64(0)
    for octave in range(OCTAVES):
        left = np.int64(market.sizes[octave].sum()) // 100
        lots = np.int64(SIZES_MAX - 1)
        while lots > 0 and left >= market.sizes[octave, lots]:
            left -= market.sizes[octave, lots]
            lots -= 1
        largest = max(largest, lots)
    return largest
