"""VPIN: worked examples, learned bucket, the month; the twin, splits, mirror, conservation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.parameters import HOUR_NS, MINUTE_NS, SECOND_NS
from aggressor.features.vpin import (
    BULK,
    FLAGGED,
    VpinParameters,
    VpinState,
    normal_net,
    run_vpin,
    vpin_state,
)
from aggressor.kernel import kernel
from aggressor.schema.event import BAD_CLOCK, LAST, NOT_FLOW, TRADE, Events, empty_events
from tests.naive import vpin as naive

DAY_NS = 24 * HOUR_NS
START_NS = 1_700_006_400_000_000_000 // DAY_NS * DAY_NS
FOUR = VpinParameters(bucket_lots=100, buckets=4)
EARLY = VpinParameters(bucket_lots=7, buckets=3, changes=5, changes_min=2, values_min=2)

Row = tuple[int, int, int, int]  # ts_venue, side, lots, price


@kernel
def _normal_net(z: float) -> float:
    return normal_net(z)


def tape(rows: list[Row]) -> Events:
    events = empty_events(len(rows))
    events["kind"], events["flags"] = TRADE, LAST
    for event, (ts, side, lots, price) in zip(events, rows, strict=True):
        event["ts_recv"], event["ts_venue"] = ts + 1_000_000, ts
        event["side"], event["size"], event["price"] = side, lots, price
    return events


def run(events: Events, parameters: VpinParameters, cuts: tuple[int, ...] = ()) -> VpinState:
    vpin = vpin_state(1, parameters)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_vpin(events, start, stop, vpin) == stop
    return vpin


def signed(*flow: int) -> Events:
    """Prints a second apart: + bought, - sold."""
    return tape(
        [
            (START_NS + i * SECOND_NS, int(np.sign(lots)), abs(lots), 100)
            for i, lots in enumerate(flow)
        ]
    )


def test_t3_6a_vpin_of_four_buckets() -> None:
    one = run(signed(60, -40, 80, -20, 50, -50, 30, -70), FOUR).series[0, FLAGGED]
    assert one["vpin"] == pytest.approx(0.30, abs=1e-15)


def test_t3_6b_a_print_across_the_boundary_is_split() -> None:
    vpin = run(signed(60, -50, 70, -40, 90, -90), FOUR)
    assert vpin.buckets[0, FLAGGED, :4]["net"].tolist() == [20.0, 40.0, 60.0, -80.0]
    assert vpin.series[0, FLAGGED]["vpin"] == 0.50
    assert vpin.series[0, FLAGGED]["lots"] == 0


@pytest.mark.parametrize(("z", "share"), [(0.5, 0.691462), (0.0, 0.5), (1.0, 0.841345)])
def test_t3_6c_bulk_classification(z: float, share: float) -> None:
    assert (1 + _normal_net(z)) / 2 == pytest.approx(share, abs=5e-7)
    assert _normal_net(-z) == -_normal_net(z)


def test_nothing_is_said_before_n_buckets_or_without_a_bucket() -> None:
    assert np.isnan(run(signed(60, -50, 70, -40), FOUR).series[0, FLAGGED]["vpin"])
    learning = run(signed(60, -50, 70, -40), VpinParameters())
    assert learning.head[0]["bucket_lots"] == 0
    assert learning.series[0, FLAGGED]["closed"] == 0


def test_volume_without_a_side_is_volume() -> None:
    events = signed(60, -40, 80, -20, 50, -50, 30, -70)
    events["side"][2] = 0
    assert run(events, FOUR).series[0, FLAGGED]["vpin"] == pytest.approx(0.2)


def test_a_huge_print_is_one_sided_and_keeps_its_volume() -> None:
    vpin = run(signed(50, -(10**9), 3), FOUR)
    one = vpin.series[0, FLAGGED]
    assert (one["vpin"], one["closed"]) == (1.0, 5)
    kept = vpin.buckets[0, FLAGGED, :5]
    assert kept["lots"].sum() + one["lots"] == 10**9 + 53
    assert kept["net"].sum() + one["net"] == 53 - 10**9


def test_the_bucket_is_learned_from_an_hour_and_then_from_whole_days() -> None:
    step = 10 * MINUTE_NS
    rows = [(START_NS + 12 * HOUR_NS + i * step, 1, 600, 100) for i in range(7)]
    vpin = run(tape(rows), VpinParameters())
    # Six prints before the hour was over: 3600 lots an hour, a fiftieth of a day.
    assert vpin.head[0]["bucket_lots"] == 3600 * 24 // 50
    rows += [(START_NS + DAY_NS + i * step, 1, 1000, 100) for i in range(144)]
    rows += [(START_NS + 2 * DAY_NS + i * step, 1, 3000, 100) for i in range(145)]
    vpin = run(tape(rows[:-145]), VpinParameters())
    assert vpin.head[0]["bucket_lots"] == 3600 * 24 // 50
    vpin = run(tape(rows[:-144]), VpinParameters())
    assert vpin.head[0]["bucket_lots"] == 144_000 // 50
    vpin = run(tape(rows), VpinParameters())
    assert vpin.head[0]["bucket_lots"] == (144_000 + 432_000) // 2 // 50
    fixed = run(tape(rows), VpinParameters(bucket_lots=123))
    assert fixed.head[0]["bucket_lots"] == 123


def test_the_share_is_the_place_among_past_values() -> None:
    parameters = VpinParameters(bucket_lots=10, buckets=1, values_min=4)
    vpin = run(signed(6, -4, 7, -3, 8, -2, 9, -1), parameters)
    assert np.isnan(vpin.series[0, FLAGGED]["share"])
    vpin = run(signed(6, -4, 7, -3, 8, -2, 9, -1, 7, -3), parameters)
    assert vpin.series[0, FLAGGED]["share"] == 0.5  # 0.2 0.4 | 0.6 0.8, now 0.4


def test_bad_clocks_start_no_bar_and_not_flow_is_left_out() -> None:
    events = signed(60, -40, 80, -20)
    events["ts_venue"][1] += 400 * DAY_NS
    events["flags"][1] |= BAD_CLOCK
    events["flags"][2] |= NOT_FLOW
    vpin = run(events, FOUR)
    assert vpin.head[0]["bars"] == 0
    assert vpin.buckets[0, FLAGGED, 0]["net"] == 20.0
    assert vpin.series[0, FLAGGED]["lots"] == 20


rows_strategy = st.lists(
    st.tuples(
        st.sampled_from([0, SECOND_NS, MINUTE_NS, 3 * MINUTE_NS, -SECOND_NS]),
        st.sampled_from([1, -1, 0]),
        st.integers(1, 30),
        st.integers(95, 105),
    ),
    max_size=60,
)


def placed(rows: list[Row], sign: int = 1) -> list[Row]:
    ts, out = START_NS, []
    for gap, side, lots, price in rows:
        ts += gap
        out.append((max(ts, START_NS), sign * side, lots, sign * price))
    return out


@settings(max_examples=60)
@given(rows_strategy)
def test_twin_and_conservation(rows: list[Row]) -> None:
    rows = placed(rows)
    vpin = run(tape(rows), EARLY)
    bars: dict[int, list[int]] = {}
    minute = START_NS // MINUTE_NS
    for ts, _, lots, price in rows:
        minute = max(minute, ts // MINUTE_NS)
        bar = bars.setdefault(minute, [0, 0])
        bar[0], bar[1] = bar[0] + lots, price
    closed_bars = [(lots, close) for lots, close in list(bars.values())[:-1]]
    flows: dict[int, list[tuple[int, float]]] = {
        FLAGGED: [(lots, float(side)) for _, side, lots, _ in rows],
        BULK: naive.bulk_flow(closed_bars, EARLY.changes, EARLY.changes_min),
    }
    for variant, flow in flows.items():
        one = vpin.series[0, variant]
        closed, opened = naive.buckets(flow, EARLY.bucket_lots)
        huge = any(lots > EARLY.bucket_lots * EARLY.buckets for lots, _ in flow)
        if not huge:
            assert one["closed"] == len(closed)
        assert one["lots"] == len(opened)
        assert one["net"] == pytest.approx(sum(opened), abs=1e-9)
        if one["closed"] >= EARLY.buckets:
            assert 0.0 <= one["vpin"] <= 1.0
            assert one["vpin"] == pytest.approx(naive.vpin(closed, EARLY.buckets), abs=1e-9)
        poured = vpin.buckets[0, variant, : one["closed"]]
        assert poured["lots"].sum() + one["lots"] == sum(lots for lots, _ in flow)
        net = sum(lots * each for lots, each in flow)
        assert poured["net"].sum() + one["net"] == pytest.approx(net, abs=1e-9)


@settings(max_examples=40)
@given(rows_strategy, st.lists(st.integers(0, 100), max_size=5))
def test_split_and_mirror(rows: list[Row], cuts: list[int]) -> None:
    whole = run(tape(placed(rows)), EARLY)
    cut = run(tape(placed(rows)), EARLY, tuple(cuts))
    other = run(tape(placed(rows, -1)), EARLY)
    for name in ("head", "series", "buckets", "changes"):
        assert getattr(whole, name).tobytes() == getattr(cut, name).tobytes()
    np.testing.assert_array_equal(whole.buckets["net"], -other.buckets["net"])
    for name in ("vpin", "share", "volume", "closed"):
        np.testing.assert_array_equal(whole.series[name], other.series[name])
