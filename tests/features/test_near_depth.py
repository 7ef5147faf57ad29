"""Near depth: sums against the book, the delayed median against a sorted list, resyncs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features import near_depth as module
from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.near_depth import (
    NearDepthParameters,
    NearDepthState,
    lots_within,
    near_depth_state,
    sample,
)
from aggressor.market.ledger import ledger_state
from tests.features.books import b0, book_of

MS = 1_000_000


def test_t1_3_sums_from_the_best_price() -> None:
    book = b0()
    assert [lots_within(book, row, 3) for row in (0, 1)] == [75, 65]
    assert [lots_within(book, row, 1) for row in (0, 1)] == [30, 10]
    assert [lots_within(book, row, 100) for row in (0, 1)] == [100, 100]


def run(lots: list[int], parameters: NearDepthParameters, lost: int = -1) -> NearDepthState:
    near, ledger = near_depth_state(1, parameters), ledger_state(1, 256)
    books = {size: book_of({1000: size, 998: 1}, {1001: 2 * size}) for size in set(lots)}
    for i, size in enumerate(lots):
        sample(near, books[size], ledger, 0, (i + 1) * 100 * MS, i != lost, 1)
    return near


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_the_median_is_of_what_is_older_than_the_excluded_span(lots: list[int]) -> None:
    parameters = NearDepthParameters(
        window_ns=2000 * MS, exclude_ns=500 * MS, every_ns=300 * MS, samples_min=3, young_ns=10**18
    )
    head = run(lots, parameters).head[0]
    now = len(lots) * 100
    stamps = [100 * (i + 1) for i in range(len(lots)) if i % 3 == 0]
    joined = [at for at in stamps if at <= now - 500]
    window = [at for at in joined if at > joined[-1] - 2000]
    sizes = sorted(lots[at // 100 - 1] + 1 for at in window)
    if len(sizes) < 3:
        assert (head["maturity"], head["usual"].tolist()) == (UNKNOWN, [0, 0])
    else:
        middle = sizes[(len(sizes) + 1) // 2 - 1]
        assert head["usual"].tolist() == [middle, 2 * (middle - 1)]
        assert head["maturity"] == YOUNG


def test_a_lost_book_is_not_known_and_starts_anew() -> None:
    near = run([5] * 10, NearDepthParameters(), lost=9)
    assert (near.head[0]["known"], near.head[0]["since"]) == (0, 9)
    near = run([5] * 10, NearDepthParameters(), lost=4)
    assert (near.head[0]["known"], near.head[0]["since"]) == (1, 4)


def test_it_ripens() -> None:
    parameters = NearDepthParameters(exclude_ns=0, every_ns=0, samples_min=2, young_ns=400 * MS)
    assert run([5] * 4, parameters).head[0]["maturity"] == YOUNG
    assert run([5] * 5, parameters).head[0]["maturity"] == READY


def test_one_tick_of_reach_follows_the_effective_tick() -> None:
    near, ledger = near_depth_state(1, NearDepthParameters(reach=2)), ledger_state(1, 256)
    book = b0()
    for e, expected in ((1, [50, 25]), (2, [90, 85])):
        sample(near, book, ledger, 0, e * 100 * MS, True, e)
        row = near.samples[0, (near.head[0]["samples"] - 1) & (module.SAMPLES - 1)]
        assert row["lots"].tolist() == expected
    sample(near, book, ledger, 0, 300 * MS, True, 0)
    assert near.head[0]["known"] == 0
    assert near.samples["ts"].dtype == np.int64
    with pytest.raises(AssertionError):
        near_depth_state(2, [NearDepthParameters()])
