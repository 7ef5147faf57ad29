"""What is read without a look at bounds is what careful reading gives."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggressor.schema.event import EVENT, empty_events
from aggressor.venues.text.levels import GRID, levels_stop, read_levels
from aggressor.venues.text.quick import QUICK_BYTES, WORD, brackets_of, first_of, word_at

BEHIND = b'],"x":["1"]]9.5"]]' * 8  # more than may be looked at, and misleading

DIGITS = st.text("0123456789", max_size=12)
NUMBERS = st.builds(
    lambda whole, point, part: whole + point + part, DIGITS, st.sampled_from([".", ""]), DIGITS
)
PLAIN = st.decimals(0, 10**7, places=3).map(str)
LEVELS = st.lists(st.tuples(PLAIN | NUMBERS, PLAIN | NUMBERS), max_size=4)
GRIDS = [(1, 1, 2, 3), (5, 10, 1, 4), (1, 1, 0, 0), (1, 1, 8, 9), (1, 3, 8, 8)]


def bytes_of(text: bytes) -> np.ndarray:
    return np.frombuffer(bytearray(text), np.uint8)


def read(text: bytes, behind: bytes, grid: tuple[int, ...]) -> tuple[bytes, int, int]:
    data, out = bytes_of(text + behind), empty_events(len(text) // 8 + 4)
    grids = np.array([grid], GRID)
    row, code, where = read_levels(data, 0, len(text), grids, 0, np.zeros(1, EVENT), out, 0)
    return out[:row].tobytes(), int(code), int(where)


@settings(max_examples=60, deadline=None)
@given(levels=LEVELS, grid=st.sampled_from(GRIDS), cut=st.integers(0, 12))
@example(levels=[("12345678.12345678", "0.00000000")], grid=GRIDS[3], cut=0)
@example(levels=[("1.5000", "99999999"), ("7", "1.0010")], grid=GRIDS[0], cut=0)
@example(levels=[("1.", "."), ("", "1")], grid=GRIDS[0], cut=0)
def test_levels_do_not_depend_on_how_much_text_is_behind_them(
    levels: list[tuple[str, str]], grid: tuple[int, ...], cut: int
) -> None:
    text = "[" + ",".join(f'["{price}","{size}"]' for price, size in levels) + "]"
    whole = text.encode()[: max(len(text) - cut, 0)]
    careful = read(whole, b"", grid)  # so near its end nothing is read quickly
    assert read(whole, BEHIND, grid) == careful
    if len(whole) < QUICK_BYTES:
        assert read(whole, BEHIND[: QUICK_BYTES - len(whole)], grid) == careful


@settings(max_examples=60, deadline=None)
@given(
    inside=st.lists(
        st.sampled_from(['["1","2"]', '["10.50","0.001"]', '["3","4",""]']), max_size=9
    ),
    blank=st.sampled_from(["", " "]),
    cut=st.integers(0, 3),
)
def test_a_list_of_levels_ends_at_its_two_brackets(inside: list[str], blank: str, cut: int) -> None:
    text = ("[" + ",".join(inside) + blank + "]").encode()
    found = levels_stop(bytes_of(text + b",1"), 0, len(text) - cut)
    assert found == (len(text) if cut == 0 else ~(len(text) - cut))


@settings(max_examples=60, deadline=None)
@given(text=st.binary(min_size=WORD, max_size=WORD))
@example(text=b"\xdd]\x5c\x5e]\x80\x00\xff")
def test_brackets_of_a_word(text: bytes) -> None:
    word = word_at(bytes_of(text + b"]"), 0)
    assert int(word) == int.from_bytes(text, "little")
    bits = brackets_of(np.uint64(word))
    assert (bits != 0) == (b"]" in text)
    if b"]" in text:
        assert first_of(np.uint64(bits)) == text.index(b"]")
