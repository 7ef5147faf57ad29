"""Bits of words: the same answers from the processor and from plain Python."""

import os
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from aggressor.bits import bit_width, lowest_bit
from aggressor.kernel import kernel

PLAIN = """
import numpy as np
from aggressor.bits import bit_width, lowest_bit
print(lowest_bit(np.uint64(40)), lowest_bit(np.uint64(2**63)), type(lowest_bit(np.uint64(1))))
print(bit_width(0), bit_width(np.int64(5)), bit_width(2**62))
"""


@kernel
def _ask(words: NDArray[np.uint64], found: NDArray[np.int64]) -> None:
    for i in range(words.size):
        found[i, 0] = np.int64(lowest_bit(words[i]))
        found[i, 1] = bit_width(np.int64(words[i] >> np.uint64(1)))


@given(st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=40))
def test_words_are_read_bit_for_bit(words: list[int]) -> None:
    found = np.zeros((len(words), 2), np.int64)
    _ask(np.array(words, np.uint64), found)
    assert found[:, 0].tolist() == [bin(one)[::-1].index("1") for one in words]
    assert found[:, 1].tolist() == [(one >> 1).bit_length() for one in words]


def test_plain_python_answers_the_same() -> None:
    command = [sys.executable, "-c", PLAIN]
    told = subprocess.run(
        command,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split("\n")[:2] == ["3 63 <class 'numpy.uint64'>", "0 3 63"]
