"""The micro-price: the worked example, the twin, mirror, split, refusals, and its use."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.microprice import (
    SPREADS,
    WEIGHT,
    MicroCounts,
    MicroTable,
    Solution,
    fit_micro_price,
    load_table,
    micro_counts,
    mirror_states,
    read_micro_price,
    run_micro_counts,
    save_table,
    solve_micro_price,
    unknown_table,
)
from aggressor.features.pressure import PressureState, pressure_state
from aggressor.market.book import book_state
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import Events
from tests.features.books import START_NS
from tests.features.test_pressure import around, events_of, mirror_of, quote, streams
from tests.naive import microprice as naive
from tests.naive.pressure import Top


def count(
    events: Events, cuts: tuple[int, ...] = (), buckets: int = 10
) -> tuple[MicroCounts, PressureState]:
    book, pressure = book_state(1, window=64, levels=1024), pressure_state(1)
    counts = micro_counts(1, buckets)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_micro_counts(events, start, stop, book, pressure, counts) == stop
    return counts, pressure


def solved(stay: Any, jumps: Any, moved: Any, values: Any) -> Solution:
    mirror = mirror_states(len(stay), 1)
    q, r1, r2, k = (np.array(one, float) for one in (stay, jumps, moved, values))
    found = solve_micro_price(q, r1, r2, k, mirror)
    assert isinstance(found, Solution)
    return found


def price_at(table: MicroTable, top: Top, ts: int) -> float:
    _, pressure = count(around(top, ts))
    return read_micro_price(table, pressure, 0)


def test_t1_2_micro_price() -> None:
    found = solved(
        [[0.4, 0.2], [0.2, 0.4]], [[0.3, 0.1], [0.1, 0.3]], [[0.1, 0.3], [0.3, 0.1]], [-1, 1]
    )
    assert found.first == pytest.approx([-0.25, 0.25])
    assert found.carry.sum(axis=1) == pytest.approx([1, 1])
    sums, term = [], found.first
    for _ in range(4):
        sums.append((sums[-1] if sums else 0) + term)
        term = found.carry @ term
    expected = [0.25, 0.1875, 0.203125, 0.19921875]
    assert [one.tolist() for one in sums] == [pytest.approx([-x, x]) for x in expected]
    assert found.adjustment == pytest.approx([-0.2, 0.2], abs=1e-15)
    assert found.radius == pytest.approx(0.25)


@settings(max_examples=60, deadline=None)
@given(streams, st.sampled_from([2, 3, 10]))
def test_twin(stream: list[Any], buckets: int) -> None:
    events = np.concatenate(events_of(stream))
    counts, _ = count(events, buckets=buckets)
    seen = [item for item in stream if item != "timer"]
    found = naive.observations(seen, buckets, SPREADS)
    states = [(i, s) for s in range(SPREADS) for i in range(buckets)]
    mirror = mirror_states(buckets, SPREADS)
    index = {-2: 0, -1: 1, 1: 2, 2: 3}
    stay, moved = (np.zeros((len(states), len(states))) for _ in range(2))
    jumps = np.zeros((len(states), 4))
    for (x, jump, y), weight in found.items():
        (moved if jump else stay)[states.index(x), states.index(y)] += float(weight)
        if jump:
            jumps[states.index(x), index[jump]] += float(weight)
    kept = counts.stay[0], counts.moved[0]
    for mine, exact in zip(kept, (stay, moved), strict=True):
        np.testing.assert_array_equal(mine + mine[mirror][:, mirror], exact * WEIGHT)
    both = counts.jumps[0] + counts.jumps[0][mirror][:, ::-1]
    np.testing.assert_array_equal(both, jumps * WEIGHT)


@settings(max_examples=40, deadline=None)
@given(streams, st.lists(st.integers(0, 500), max_size=6))
def test_split(stream: list[Any], cuts: list[int]) -> None:
    events = np.concatenate(events_of(stream))
    one, other = count(events)[0], count(events, tuple(cuts))[0]
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@settings(max_examples=40, deadline=None)
@given(streams, st.sampled_from([3, 10]))
def test_mirrored_tops_have_mirrored_counts(stream: list[Any], buckets: int) -> None:
    counts, _ = count(np.concatenate(events_of(stream)), buckets=buckets)
    other, _ = count(np.concatenate(events_of(stream, sign=-1)), buckets=buckets)
    mirror = mirror_states(buckets, SPREADS)
    np.testing.assert_array_equal(counts.stay[0], other.stay[0][mirror][:, mirror])
    np.testing.assert_array_equal(counts.moved[0], other.moved[0][mirror][:, mirror])
    np.testing.assert_array_equal(counts.jumps[0], other.jumps[0][mirror][:, ::-1])


def walk(steps: int, seed: int) -> list[Top]:
    """Queues that drift by one lot; an empty one moves the price, both are then drawn anew."""
    draw = np.random.default_rng(seed)
    tops, bid, bids, asks = [], 1000, 5, 5
    for _ in range(steps):
        tops.append(Top(bid, bids, bid + 1, asks))
        step = 1 if draw.random() < 0.5 else -1
        if draw.random() < 0.5:
            bids += step
        else:
            asks += step
        if bids == 0 or asks == 0:
            bid += 1 if asks == 0 else -1
            bids, asks = (int(one) for one in draw.integers(1, 10, 2))
    return tops


def tape(tops: list[Top], start: int = START_NS) -> Events:
    parts = [around(tops[0], start)]
    parts += [quote(top, start + 1 + i) for i, top in enumerate(tops[1:])]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def fitted() -> tuple[MicroTable, list[Top]]:
    tops = walk(20_000, seed=1)
    fit = fit_micro_price(count(tape(tops))[0], 0, changes_min=10_000)
    assert fit.table is not None, fit.reason
    return fit.table, tops


def test_a_fit_is_antisymmetric_and_monotone(
    fitted: tuple[MicroTable, list[Top]],
) -> None:
    table, _ = fitted
    row = table.adjustment[0, 0]
    assert (row == -row[::-1]).all()
    assert (np.diff(row) > 0).all()
    assert abs(row).max() < 1  # the price of this market moves by whole ticks
    assert np.isnan(table.adjustment[0, 1:]).all()  # wider spreads were never seen


def test_a_fit_is_what_the_chain_moves_in_the_long_run(
    fitted: tuple[MicroTable, list[Top]],
) -> None:
    table, tops = fitted
    found = naive.observations(list(tops), 10, SPREADS)
    expected = naive.adjustments(found, rounds=600)
    row = [expected[i, 0] for i in range(10)]
    np.testing.assert_allclose(table.adjustment[0, 0], row, atol=1e-9)


def test_out_of_sample_the_micro_price_is_nearer_the_later_mid(
    fitted: tuple[MicroTable, list[Top]],
) -> None:
    table, _ = fitted
    tops = walk(4_000, seed=2)
    late = int(table.head[0]["until_ns"]) + 1
    mids = np.array([0.5 * (top.bid + top.ask) for top in tops])
    sides = {(top.bid_lots, top.ask_lots) for top in tops}
    away = {
        pair: price_at(table, Top(1000, pair[0], 1001, pair[1]), late) - 1000.5 for pair in sides
    }
    micro = mids + [away[top.bid_lots, top.ask_lots] for top in tops]
    ahead = 40
    plain = np.mean((mids[ahead:] - mids[:-ahead]) ** 2)
    assert np.mean((mids[ahead:] - micro[:-ahead]) ** 2) < 0.95 * plain


def test_a_micro_price_is_only_told_out_of_sample(fitted: tuple[MicroTable, list[Top]]) -> None:
    table, _ = fitted
    until, top = int(table.head[0]["until_ns"]), Top(1000, 9, 1001, 1)
    assert until == START_NS + 19_999
    assert np.isnan(price_at(table, top, until))
    assert 1000.5 < price_at(table, top, until + 1) < 1001.5
    mirrored = price_at(table, mirror_of(top), until + 1)
    assert mirrored == -price_at(table, top, until + 1)
    assert price_at(table, Top(1000, 4, 1001, 4), until + 1) == 1000.5


def test_what_is_not_known_has_no_micro_price(fitted: tuple[MicroTable, list[Top]]) -> None:
    table, _ = fitted
    late = int(table.head[0]["until_ns"]) + 1
    assert np.isnan(price_at(table, Top(1000, 9, 1003, 1), late))
    assert np.isnan(price_at(unknown_table(1), Top(1000, 9, 1001, 1), late))


def test_a_fit_is_refused_with_its_reason() -> None:
    counts, _ = count(tape(walk(200, seed=3)))
    few = fit_micro_price(counts, 0)
    assert few.table is None
    assert few.reason == "199 changes of the top, 100000 needed"
    still = tape([Top(1000, 1 + i % 9, 1001, 5) for i in range(500)])
    never = fit_micro_price(count(still)[0], 0, changes_min=100)
    assert never.table is None
    assert "never moves" in never.reason
    trending = tape([Top(1000 + i, 9, 1001 + i, 1) for i in range(500)])
    endless = fit_micro_price(count(trending)[0], 0, changes_min=100)
    assert endless.table is None
    assert "does not converge" in endless.reason


def test_a_table_survives_the_disk(fitted: tuple[MicroTable, list[Top]], tmp_path: Path) -> None:
    table, _ = fitted
    save_table(tmp_path / "table.npy", table)
    again = load_table(tmp_path / "table.npy")
    np.testing.assert_array_equal(again.head, table.head)
    np.testing.assert_array_equal(again.adjustment, table.adjustment)
    with pytest.raises(StoreError, match="Cannot read"):
        load_table(tmp_path / "none.npy")
    for content in (b"", b"what"):
        (tmp_path / "bad.npy").write_bytes(content)
        with pytest.raises((ConfigError, StoreError)):
            load_table(tmp_path / "bad.npy")
    np.save(tmp_path / "other.npy", np.zeros(3))
    with pytest.raises(ConfigError, match="not a micro-price table"):
        load_table(tmp_path / "other.npy")
