"""Size buckets: edges, windows, session, divergence; the twin, splits, mirror and conservation."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.features.prints import ORDERS, PRINTS_PROFILES, PrintsState, prints_state
from aggressor.features.sizes import (
    BY_LOTS,
    BY_NOTIONAL,
    BY_QUANTILES,
    LONG,
    NO_DIVERGENCE,
    SHORT,
    SIZES_PROFILES,
    UNDECIDED,
    UNSORTED,
    SizesParameters,
    SizesState,
    read_divergence,
    run_sizes,
    sizes_parameters,
    sizes_state,
    steps_of_notional,
)
from aggressor.schema.event import LAST, TIMER, TRADE, Events, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from tests.naive import sizes as naive
from tests.naive.sizes import Closed

START_NS = 1_700_000_000_000_000_000
EDGES = (10, 100, 1_000, 10_000)
PLAIN = SizesParameters(cut=BY_LOTS, edges=EDGES)

Row = tuple[int, int, int]  # ts_recv, side, lots


def tape(rows: list[Row], price: int = 100, venue_lag: int = 5_000_000) -> Events:
    """Trades far enough apart to be orders of their own, and a timer at every second."""
    events = empty_events(len(rows))
    for event, (ts, side, lots) in zip(events, rows, strict=True):
        event["ts_recv"], event["ts_venue"] = ts, ts - venue_lag
        event["side"], event["size"], event["price"] = side, lots, price
    events["kind"], events["flags"] = TRADE, LAST
    return events


def timers(ts: list[int]) -> Events:
    events = empty_events(len(ts))
    events["kind"], events["ts_recv"], events["ts_venue"] = TIMER, ts, ts
    return events


def merged(*parts: Events) -> Events:
    events = np.concatenate(parts)
    order = np.lexsort((events["kind"] != TIMER, events["ts_recv"]))
    return events[order]


def run(
    events: Events, parameters: SizesParameters = PLAIN, cuts: tuple[int, ...] = ()
) -> tuple[PrintsState, SizesState]:
    prints, sizes = prints_state(1, PRINTS_PROFILES["micro"]), sizes_state(1, parameters)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_sizes(events, start, stop, prints, sizes) == stop
    return prints, sizes


def instrument(kind: ContractKind = ContractKind.LINEAR) -> Instrument:
    return Instrument(
        venue="v",
        symbol="S",
        kind=kind,
        tick=Decimal("0.1"),
        lot=Decimal("0.001") if kind is ContractKind.LINEAR else Decimal(1),
        multiplier=Decimal(1) if kind is ContractKind.LINEAR else Decimal(100),
    )


def test_t2_5_buckets_by_notional_in_quote_currency() -> None:
    parameters = sizes_parameters(instrument(), "perp")
    assert parameters.edges == (10**7, 10**8, 10**9, 10**10)  # one tick lot is 0.0001 USDT
    lots = [16, 17, 166, 167, 1666, 1667, 16_666, 16_667]  # at 60 000.0: 1 000 USDT is 16.67 lots
    rows = [(START_NS + i * SECOND_NS, 1, size) for i, size in enumerate(lots)]
    _, sizes = run(merged(tape(rows, 600_000), timers([rows[-1][0] + SECOND_NS])), parameters)
    assert sizes.session[0]["orders"].tolist() == [1, 2, 2, 2, 1, 0]
    assert sizes.session[0]["volume"].tolist() == [16, 183, 1833, 18_333, 16_667, 0]


def test_inverse_contracts_are_cut_by_lots_and_micro_by_quantiles() -> None:
    inverse = sizes_parameters(instrument(ContractKind.INVERSE), "perp")
    assert (inverse.cut, inverse.edges) == (BY_LOTS, (10, 100, 1_000, 10_000))
    assert sizes_parameters(instrument(), "micro").cut == BY_QUANTILES
    assert sizes_parameters(instrument(), "perp").cut == BY_NOTIONAL
    assert steps_of_notional(instrument(), Fraction(1, 3)) == (3334, 0)  # rounded up


def test_r3_5_delta_volume_and_count_per_bucket() -> None:
    rows = [(1, 5), (-1, 50), (1, 50), (0, 500), (-1, 5000), (-1, 50_000), (1, 9)]
    at = [(START_NS + i * SECOND_NS, side, lots) for i, (side, lots) in enumerate(rows)]
    _, sizes = run(merged(tape(at), timers([at[-1][0] + SECOND_NS])))
    assert sizes.session[0].tolist()[:5] == [
        (14, 14, 2),
        (0, 100, 2),
        (0, 500, 1),
        (-5000, 5000, 1),
        (-50_000, 50_000, 1),
    ]
    np.testing.assert_array_equal(sizes.session[0], sizes.windows[0, SHORT])


def test_windows_forget_and_the_session_starts_anew_at_midnight() -> None:
    midnight = (START_NS // naive.DAY + 1) * naive.DAY
    rows = [(midnight - 30 * SECOND_NS, 1, 5), (midnight + 10 * SECOND_NS, -1, 5)]
    lag = SECOND_NS
    _, sizes = run(merged(tape(rows, venue_lag=lag), timers([midnight + 20 * SECOND_NS])))
    assert sizes.session[0, 0].tolist() == (-5, 5, 1)
    assert sizes.windows[0, SHORT, 0].tolist() == (0, 10, 2)
    later = timers([midnight + 20 * SECOND_NS, midnight + 85 * SECOND_NS])
    _, sizes = run(merged(tape(rows, venue_lag=lag), later))
    assert sizes.windows[0, SHORT]["orders"].sum() == 0
    assert sizes.windows[0, LONG, 0].tolist() == (0, 10, 2)


def test_micro_orders_are_unsorted_until_their_quantiles_are_known() -> None:
    rows = [(START_NS + i * SECOND_NS // 2, 1, 1 + i % 100) for i in range(1_000)]
    _, sizes = run(tape(rows), SIZES_PROFILES["micro"])
    orders = sizes.session[0]["orders"]
    assert orders[UNSORTED] > 200
    known = orders[:UNSORTED]
    assert known.sum() + orders[UNSORTED] == 999  # the last is open
    assert known[4] == 0
    assert known[0] / known.sum() == pytest.approx(0.5, abs=0.06)
    assert known[3] / known.sum() == pytest.approx(0.01, abs=0.01)
    assert sizes.edges[0, :3].tolist() == pytest.approx([51, 91, 100], abs=2)
    assert read_divergence(sizes, 0, SHORT) == NO_DIVERGENCE


def pushing(small: int, large: int, seconds: int = 61) -> SizesState:
    """A minute of small orders with net `small` of 10 lots each second, large with net `large`."""
    rows = []
    for i in range(seconds):
        ts = START_NS + i * SECOND_NS
        for offset, lots, net in ((1, 10, small), (4, 10_000, large)):
            bought = lots * (10 + net) // 20
            rows.append((ts + offset * SECOND_NS // 10, 1, bought))
            rows.append((ts + (offset + 1) * SECOND_NS // 10, -1, lots - bought))
    parameters = SizesParameters(cut=BY_LOTS, edges=(20, 50, 100, 10**6))
    return run(merged(tape(rows), timers([START_NS + seconds * SECOND_NS])), parameters)[1]


@pytest.mark.parametrize(
    ("small", "large", "expected"),
    [
        (4, -4, -1),
        (-4, 4, 1),
        (2, -2, -1),  # exactly a fifth of the volume
        (4, 4, NO_DIVERGENCE),
        (4, -1, NO_DIVERGENCE),
        (0, -4, NO_DIVERGENCE),
    ],
)
def test_small_against_large(small: int, large: int, expected: int) -> None:
    assert read_divergence(pushing(small, large), 0, SHORT) == expected


def test_no_verdict_before_the_window_has_been_seen() -> None:
    assert read_divergence(pushing(4, -4, 40), 0, SHORT) == UNDECIDED
    assert read_divergence(pushing(4, -4), 0, LONG) == UNDECIDED


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from([1, 10**6, SECOND_NS // 3, SECOND_NS, 20 * SECOND_NS, 700 * SECOND_NS]),
        st.sampled_from([1, -1, 0]),
        st.sampled_from([1, 9, 10, 99, 100, 5_000, 10_000, 10**6]),
    ),
    min_size=1,
    max_size=60,
)


def placed(rows: list[Row]) -> list[Row]:
    ts, out = (START_NS // naive.DAY + 1) * naive.DAY - 300 * SECOND_NS, []
    for gap, side, lots in rows:
        ts += gap
        out.append((ts, side, lots))
    return out


@settings(max_examples=50)
@given(rows_strategy)
def test_twin_and_conservation(rows: list[Row]) -> None:
    placed_rows = placed(rows)
    events = tape(placed_rows)
    prints, sizes = run(events)
    closed, at = [], 0
    # Orders close with the first print that is not theirs: known at that print's ts_recv.
    for i in range(int(prints.head[0]["orders"])):
        order = prints.orders[0, i & (ORDERS - 1)]
        at += int(order["prints"])
        known = int(events[at]["ts_recv"])
        closed.append(
            Closed(
                known,
                int(order["ts_venue"]),
                int(order["lots"]),
                int(order["lots"]),
                int(order["side"]),
            )
        )
    now = placed_rows[-1][0]
    for window, span in ((SHORT, MINUTE_NS), (LONG, 5 * MINUTE_NS)):
        expected = naive.flows(naive.window(closed, now, span), EDGES)
        if closed:
            assert sizes.windows[0, window].tolist()[:5] == expected
    assert sizes.session[0].tolist()[:5] == naive.flows(naive.session(closed), EDGES)


def arrays(sizes: SizesState) -> list[np.ndarray]:
    return [sizes.head, sizes.edges, sizes.slices, sizes.windows, sizes.session]


@settings(max_examples=40)
@given(rows_strategy, st.lists(st.integers(0, 100), max_size=5))
def test_split_and_mirror(rows: list[Row], cuts: list[int]) -> None:
    placed_rows = placed(rows)
    clock = timers([placed_rows[-1][0] + SECOND_NS])
    events = merged(tape(placed_rows), clock)
    _, whole = run(events)
    _, cut = run(events, cuts=tuple(cuts))
    mirrored = [(ts, -side, lots) for ts, side, lots in placed_rows]
    _, other = run(merged(tape(mirrored, -100), clock))
    for one, same, opposite in zip(*map(arrays, (whole, cut, other)), strict=True):
        np.testing.assert_array_equal(one, same)
        if one.dtype.names and "delta" in one.dtype.names:
            np.testing.assert_array_equal(one["delta"], -opposite["delta"])
            np.testing.assert_array_equal(one["volume"], opposite["volume"])
