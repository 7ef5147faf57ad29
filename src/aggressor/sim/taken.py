"""What our own taking has used up of the displayed book, so that the same lots are not taken twice
(R9.3).

History does not know that we took 20 of the 50 lots at a price: the next row may still show 50.
Until that level's next displayed *increase* the lots we took are gone. The memory is an
open-addressing table keyed by lane, side and price; it survives a resync of the book. When it is
full nothing more can be taken (pessimistic). Only LEVEL rows count as a displayed increase: a QUOTE
repeats what another message may already have said.
"""

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.sim.state import SimState

_MIX = 0x9E3779B1


@kernel_inline
def taken_key(k: Int, side: Int, price: Int) -> Int:
    """Return the key of a level, never 0."""
    place = ((np.int64(k) << 33) | (np.int64(side > 0) << 32)) + (np.int64(price) + 2**31)
    return place + 1


@kernel_inline
def home_of(sim: SimState, key: Int) -> Int:
    """Return where a key is sought first."""
    return (((key & 0x7FFFFFFF) * _MIX) >> 13) & (sim.taken.size - 1)


@kernel
def find_taken(sim: SimState, key: Int) -> Int:
    """Return the row that holds `key`, or the empty row where it would stand."""
    mask = sim.taken.size - 1
    i = home_of(sim, key)
    while sim.taken[i]["key"] != 0 and sim.taken[i]["key"] != key:
        i = (i + 1) & mask
    return i


@kernel
def left_at(sim: SimState, k: Int, side: Int, price: Int, shown: Int) -> Int:
    """Return how many of `shown` displayed lots at a level of the book are still to be had."""
    if sim.clock[0]["taken"] == 0:
        return np.int64(shown)
    line = sim.taken[find_taken(sim, taken_key(k, side, price))]
    return max(np.int64(shown) - (line["lots"] if line["key"] != 0 else np.int64(0)), np.int64(0))


@kernel
def take_at(sim: SimState, k: Int, side: Int, price: Int, shown: Int, lots: Int) -> bool:
    """Remember that we took `lots` of the displayed `shown`; return False when the memory is
    full."""
    key = taken_key(k, side, price)
    i = find_taken(sim, key)
    line = sim.taken[i]
    if line["key"] == 0:
        if 2 * (sim.clock[0]["taken"] + 1) > sim.taken.size:
            return False
        line["key"] = key
        line["lots"] = 0
        sim.clock[0]["taken"] += 1
    line["lots"] += lots
    line["shown"] = shown
    return True


@kernel
def show_level(sim: SimState, k: Int, side: Int, price: Int, shown: Int) -> None:
    """Hear of a level's new displayed size: an increase gives back what we took."""
    i = find_taken(sim, taken_key(k, side, price))
    line = sim.taken[i]
    if line["key"] == 0:
        return
    if shown > line["shown"] or shown == 0:
        forget(sim, i)
    else:
        line["shown"] = shown


@kernel
def forget(sim: SimState, i: Int) -> None:
    """Empty row `i` and close the gap it leaves in its probe chain."""
    mask = sim.taken.size - 1
    sim.clock[0]["taken"] -= 1
    hole = i
    j = (i + 1) & mask
    while sim.taken[j]["key"] != 0:
        home = home_of(sim, sim.taken[j]["key"])
        if ((j - home) & mask) >= ((j - hole) & mask):
            sim.taken[hole] = sim.taken[j]
            hole = j
        j = (j + 1) & mask
    sim.taken[hole]["key"] = 0
