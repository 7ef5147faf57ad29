"""The byte scanner: JSON of any shape agrees with a real parser."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.event import EVENT, empty_events
from aggressor.schema.units import NOT_PLAIN, OFF_GRID, PARSED, TOO_LARGE
from aggressor.venues.text.levels import GRID, MALFORMED, read_levels
from aggressor.venues.text.scan import read_int, value_stop

GRIDS = np.array([(5, 1, 2, 3)], GRID)  # ticks of 0.05, lots of 0.001


def bytes_of(text: str) -> np.ndarray:
    return np.frombuffer(bytearray(text.encode()), np.uint8)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(value=VALUES, blank=st.sampled_from(["", " ", " \t"]))
def test_a_value_ends_where_a_parser_says(value: object, blank: str) -> None:
    separators = ("," + blank, ":" + blank)
    text = json.dumps(value, separators=separators)
    whole = bytes_of(text + ",")
    assert value_stop(whole, 0, whole.size) == len(text.encode())


@settings(max_examples=60, deadline=None)
@given(value=VALUES, cut=st.integers(0, 200))
def test_a_cut_value_is_malformed(value: object, cut: int) -> None:
    text = bytes_of(json.dumps([value]))
    stop = min(cut, text.size - 1)
    assert value_stop(text, 0, stop) < 0


@pytest.mark.parametrize(
    "text", ["[}", '{"a":[1,2}', '"a\n"', "nul ", "[" * 61 + "]" * 61, "@ ", ""]
)
def test_what_is_no_value(text: str) -> None:
    assert value_stop(bytes_of(text), 0, len(text)) < 0


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-12", -12), ('"77"', 77), ("9223372036854775799", 9223372036854775799)],
)
def test_whole_numbers(text: str, value: int) -> None:
    assert read_int(bytes_of(text), 0, len(text)) == (value, True)


@pytest.mark.parametrize("text", ["", "-", "1.0", "1e3", "x", '""', "99999999999999999999"])
def test_what_is_no_whole_number(text: str) -> None:
    assert not read_int(bytes_of(text), 0, len(text))[1]


def levels(text: str) -> tuple[list[tuple[int, int]], int, int]:
    out = empty_events(len(text) // 8 + 4)
    stamp = np.zeros(1, EVENT)
    stamp["side"] = -1
    data = bytes_of(text)
    row, code, where = read_levels(data, 0, data.size, GRIDS, 0, stamp, out, 0)
    assert set(out[:row]["side"]) <= {-1}
    return [(int(one["price"]), int(one["size"])) for one in out[:row]], int(code), int(where)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[]", []),
        ("[ ]", []),
        ('[["0.05","0.001"]]', [(1, 1)]),
        ('[ [ "10.00" , "2" ] , ["0.10","0.000", "4", {"n":[1]}] ]', [(200, 2000), (2, 0)]),
        ('[["0.00","5"],["1.0500","5"]]', [(21, 5000)]),
        ("[[0.05,1],[10, 0.0020 ,3] ]", [(1, 1000), (200, 2)]),
        ("[[1,2,3]]", [(20, 2000)]),
        ("[[10.5,25329.000000000000000000000000000000,58]]", [(210, 25_329_000)]),
        ('[["10.5",7,1],[10.5,"7",1]]', [(210, 7000), (210, 7000)]),
    ],
)
def test_levels(text: str, rows: list[tuple[int, int]]) -> None:
    assert levels(text) == (rows, PARSED, len(text))


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ('[["0.07","1"]]', OFF_GRID, 2),
        ('[["0.05","1.0001"]]', OFF_GRID, 9),
        ('[["200000000.00","1"]]', TOO_LARGE, None),
        ('[["0.05"]]', MALFORMED, 8),
        ('[["0.05","1"]', MALFORMED, None),
        ('[["0.05","1"],]', MALFORMED, None),
        ("[[0.07,1,1]]", OFF_GRID, 2),
        ("[[0.05,1.0001]]", OFF_GRID, 7),
        ("[[200000000.05,1]]", TOO_LARGE, None),
        ("[[9.75E+4,1,1]]", NOT_PLAIN, 2),
        ("[[9.7512345e+4,1,1]]", NOT_PLAIN, 2),
        ('[["9.7512345E+4","1"]]', NOT_PLAIN, 2),
        ("[[-5.05,1,1]]", NOT_PLAIN, 2),
        ("[[null,1,1]]", NOT_PLAIN, 2),
        ("[[5,1]]", NOT_PLAIN, 1),
        ("[[0.05,1", MALFORMED, None),
        ("[[0.05.5,1]]", NOT_PLAIN, 2),
        ("[[.05,1,1]]", MALFORMED, 2),
        ("[[0.05,10,]]", MALFORMED, None),
        ('[["0.05","1"]["0.10","1"]]', MALFORMED, None),
        ('{"a":1}', MALFORMED, 0),
        ('[["0.05","1', MALFORMED, None),
    ],
)
def test_levels_that_are_wrong_say_where(text: str, code: int, where: int | None) -> None:
    _, got, at = levels(text)
    assert got == code
    assert 0 <= at <= len(text)
    assert where is None or at == where


NUMBER = st.tuples(st.integers(0, 10**6), st.integers(0, 5), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(NUMBER, min_size=2, max_size=4), max_size=30))
def test_levels_in_quote_marks_or_not_agree_and_keep_within_their_rows(
    book: list[list[tuple[int, int, bool]]],
) -> None:
    def number(steps: int, zeros: int, quoted: bool, decimals: int) -> str:
        text = f"{steps // 10**decimals}.{steps % 10**decimals:0{decimals}}" + "0" * zeros
        text = text if zeros else text.rstrip("0").rstrip(".")
        return f'"{text}"' if quoted else text

    rows, texts = [], []
    for level in book:
        (price, *one), (size, *other), *more = level
        texts.append(
            ",".join(
                [
                    number(price * 5, *one, 2),
                    number(size, *other, 3),
                    *(number(count, zeros, quoted, 0) for count, zeros, quoted in more),
                ]
            )
        )
        if price > 0:
            rows.append((price, size))
    text = "[" + ",".join(f"[{one}]" for one in texts) + "]"
    got, code, where = levels(text)
    if any(len(one) < 5 for one in texts):
        assert code == NOT_PLAIN
    else:
        assert (got, code, where) == (rows, PARSED, len(text))
