"""Chance inside kernels: a seeded generator whose bits are the same with the JIT on and off.

NumPy's generators cannot be called from a cached kernel with a state of our own, and `log` may
differ in its last bit from one C library to the next. So: a multiply-with-carry generator of 32
bits a draw (no product overflows 64 bits, hence no warning with the JIT off), and exponential
times by comparison of uniforms (no logarithm at all). Streams are separate states, so that
switching one part of the market off leaves the draws of the others alone.

    states   (streams,)   uint64   one generator a stream, written in place

Sources: G. Marsaglia, multiply-with-carry (D. B. Thomas's MWC64X constants); J. H. Ahrens and U.
Dieter 1972, algorithm SA.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel, kernel_inline
from aggressor.sim.synthetic.typed import Whole, typed

# Typed, so that Numba compiles what takes a stream once and not again for each constant.
FLOW = typed(0)  # background arrivals, cancels, takers
SIGNS = typed(1)  # signs of background takers
SLOW = typed(2)  # activity and drift
SCENARIO = typed(3)  # what is injected, when, and how
FEED = typed(4)  # latency of what is published
STREAMS = 5

_FACTOR = np.uint64(4294883355)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_UNIT = 2.0**-32
_LN2_POWERS = np.cumsum(np.log(2.0) ** np.arange(1, 17) / np.cumprod(np.arange(1.0, 17.0)))


def seeded(generator: np.random.Generator) -> NDArray[np.uint64]:
    """Return the states of all streams, drawn from `generator`."""
    carry = generator.integers(1, int(_FACTOR) - 1, STREAMS, dtype=np.uint64)
    word = generator.integers(1, int(_LOW), STREAMS, dtype=np.uint64)
    return (carry << _HALF) | word


@kernel_inline
def uniform(states: NDArray[Any], stream: Whole) -> float:
    """Return the next uniform number in [0, 1), a multiple of 2**-32."""
    state = states[stream]
    state = _FACTOR * (state & _LOW) + (state >> _HALF)
    states[stream] = state
    return np.float64((state & _LOW) ^ (state >> _HALF)) * _UNIT


@kernel_inline
def below(states: NDArray[Any], stream: Whole, count: Whole) -> Whole:
    """Return a uniform integer in [0, count)."""
    return np.int64(uniform(states, stream) * count)


@kernel
def between(states: NDArray[Any], stream: Whole, low: float, high: float) -> float:
    """Return a uniform number in [low, high)."""
    return low + (high - low) * uniform(states, stream)


@kernel_inline
def exponential(states: NDArray[Any], stream: Whole) -> float:
    """Return an exponential number with mean 1."""
    whole = 0.0
    u = uniform(states, stream) + 0.5 * _UNIT
    u += u
    while u <= 1.0:
        whole += _LN2_POWERS[0]
        u += u
    u -= 1.0
    if u <= _LN2_POWERS[0]:
        return whole + u
    i = 0
    least = uniform(states, stream)
    while u > _LN2_POWERS[i]:
        other = uniform(states, stream)
        if other < least:
            least = other
        i += 1
    return whole + least * _LN2_POWERS[0]


@kernel_inline
def gaussian(states: NDArray[Any], stream: Whole) -> float:
    """Return a nearly normal number (Irwin-Hall of twelve): mean 0, deviation 1, within 6."""
    total = -6.0
    for _ in range(12):
        total += uniform(states, stream)
    return total
