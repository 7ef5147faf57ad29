"""Impact: worked examples, toys, gaps, the rolling span; the twin, splits and mirror."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.features.baseline import READY, UNKNOWN, YOUNG
from aggressor.features.impact import (
    IMPACT_PROFILES,
    LONG,
    NOT_KNOWN,
    SHORT,
    ImpactParameters,
    ImpactState,
    impact_parameters,
    impact_state,
    run_impact,
    trade_response,
)
from aggressor.features.parameters import MINUTE_NS, SECOND_NS
from aggressor.market.book import book_state, grow_book
from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    QUOTE,
    TIMER,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.instrument import ContractKind, Instrument
from tests.features.books import snapshot_events
from tests.naive import impact as naive
from tests.naive.impact import Window

START_NS = 1_700_000_000_000_000_000
FIVE = ImpactParameters(rows_min=5)
SHORT_SPAN = ImpactParameters(rows_min=3, span_ns=30 * SECOND_NS, t_min=0.0)
MID2 = 200_000


def quote(mid2: int, ts: int) -> Events:
    """A top around a mid: spread 1 or 2 ticks."""
    events = empty_events(2)
    events["kind"], events["flags"], events["size"] = QUOTE, (0, LAST), 5
    events["ts_recv"] = events["ts_venue"] = ts
    events["side"] = 1, -1
    if mid2 % 2:
        events["price"] = (mid2 - 1) // 2, (mid2 + 1) // 2
    else:
        events["price"] = mid2 // 2 - 1, mid2 // 2 + 1
    return events


def trade(side: int, lots: int, price: int, ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["flags"], events["size"] = TRADE, LAST, lots
    events["price"], events["side"] = price, side
    events["ts_recv"] = events["ts_venue"] = ts
    return events


def timer(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["ts_recv"], events["ts_venue"] = TIMER, ts, ts
    return events


def lost(ts: int) -> Events:
    events = empty_events(1)
    events["kind"], events["flags"] = CLEAR, GAP | LAST
    events["ts_recv"] = events["ts_venue"] = ts
    return events


def start(mid2: int = MID2) -> Events:
    picture = snapshot_events({mid2 // 2 - 9: 5}, {mid2 // 2 + 9: 5}, START_NS - 10)
    return np.concatenate([picture, quote(mid2, START_NS - 5), timer(START_NS)])


def run(
    events: Events, parameters: ImpactParameters = FIVE, cuts: tuple[int, ...] = ()
) -> ImpactState:
    book, impact = book_state(1, window=64, levels=256), impact_state(1, parameters)
    edges = sorted({0, events.size, *(cut % (events.size + 1) for cut in cuts)})
    for at, stop in pairwise(edges):
        while at < stop:
            at = run_impact(events, at, stop, book, impact)
            if at < stop:
                book = grow_book(book)
    return impact


def seconds_of(flows: list[int], changes2: list[int], price: int = 100_000) -> Events:
    """A second each: one print of the flow, then the mid moves by half ticks."""
    parts, mid2 = [start()], MID2
    for i, (flow, change2) in enumerate(zip(flows, changes2, strict=True)):
        ts = START_NS + i * SECOND_NS
        if flow:
            parts.append(trade(int(np.sign(flow)), abs(flow), price, ts + 100))
        mid2 += change2
        parts += [quote(mid2, ts + 200), timer(ts + SECOND_NS)]
    return np.concatenate(parts)


def test_t3_7a_kyle_lambda() -> None:
    one = run(seconds_of([10, -5, 20, -15, 0], [2, -2, 4, -2, 0])).series[0, SHORT]
    assert one["lambda"] == pytest.approx(0.0933333, abs=5e-8)
    assert one["lambda_r2"] == pytest.approx(70**2 / 750 / 7)
    assert one["lambda_t"] == pytest.approx(naive.fit([10, -5, 20, -15, 0], [1, -1, 2, -1, 0])[2])


def test_t3_7b_amihud() -> None:
    # Notional 1e6, 2e6 and 0.5e6 at a price of 100 000 ticks; mids moved by .001, -.002, .0005.
    parameters = ImpactParameters(rows_min=3, tick_lot_value=0.01)
    mids = [MID2]
    for moved in (0.001, -0.002, 0.0005):
        mids.append(round(mids[-1] * np.exp(moved)))
    changes2 = np.diff(mids).tolist()
    one = run(seconds_of([1000, -2000, 500], changes2), parameters).series[0, SHORT]
    assert one["amihud"] == pytest.approx(1.0e-9, rel=0.01)  # mids lie on half ticks
    logs = np.abs(np.diff(np.log(mids)))
    assert one["amihud"] == pytest.approx(np.mean(logs / [1e6, 2e6, 0.5e6]), rel=1e-9)


def test_t3_7_roll_toy_gives_the_spread() -> None:
    rng = np.random.default_rng(5)
    parts = [start()]
    for i in range(60):
        ts = START_NS + i * SECOND_NS
        for j, side in enumerate(rng.choice([-1, 1], 50)):
            price = 100_000 + int(side > 0)  # half-spread 0.5 around 100 000.5
            parts.append(trade(int(side), 1, price, ts + 1000 * j))
        parts.append(timer(ts + SECOND_NS))
    one = run(np.concatenate(parts)).series[0, SHORT]
    assert one["roll_ticks"] == pytest.approx(1.0, rel=0.05)
    assert one["maturity"] == YOUNG


def test_roll_is_undefined_where_prices_trend() -> None:
    parts = [start()]
    for i in range(10):
        ts = START_NS + i * SECOND_NS
        parts += [trade(1, 1, 100_000 + i * i, ts + 5), timer(ts + SECOND_NS)]
    one = run(np.concatenate(parts)).series[0, SHORT]
    assert np.isnan(one["roll_ticks"])


def test_11_d_kyle_one_shot() -> None:
    rng = np.random.default_rng(11)
    value = rng.normal(0, 2, 1800)
    flow = 5 * value + rng.normal(0, 10, 1800)  # beta = sigma_u / sigma_v; lambda = 0.1
    lots = np.round(100 * flow).astype(int)  # a lot is a hundredth
    changes2 = np.round(200 * value).astype(int)  # half ticks of a hundredth
    one = run(seconds_of(lots.tolist(), changes2.tolist())).series[0, SHORT]
    assert one["lambda"] == pytest.approx(0.1, rel=0.05)
    assert one["lambda_r2"] == pytest.approx(0.5, abs=0.05)  # residual variance is half
    insider = (5 * value) * (value - one["lambda"] * flow)
    assert insider.mean() == pytest.approx(10, abs=3.5 * insider.std() / 1800**0.5)
    assert (value - one["lambda"] * flow).var() == pytest.approx(2.0, rel=0.1)
    assert one["maturity"] == READY


def test_hasbrouck_structural_toy() -> None:
    rng = np.random.default_rng(7)
    signs = rng.choice([-1.0, 1.0], 40_000)
    changes = 0.4 * signs + rng.normal(0, 0.3, signs.size)
    response = trade_response(changes, signs, lags=5)
    np.testing.assert_allclose(response.effects[:3], [0.4, 0.0, 0.0], atol=0.01)
    assert response.permanent == pytest.approx(0.4, abs=0.03)
    assert response.cumulative.size == 101


def test_hasbrouck_sees_a_reversal_and_persistent_signs() -> None:
    rng = np.random.default_rng(9)
    signs = rng.choice([-1.0, 1.0], 60_000)
    changes = 0.4 * signs + rng.normal(0, 0.1, signs.size)
    changes[1:] -= 0.1 * signs[:-1]  # a quarter comes back with the next trade
    assert trade_response(changes, signs).permanent == pytest.approx(0.3, abs=0.02)
    kept = rng.random(signs.size) < 0.5  # with 1/2 the sign before: d_1 = 0.5
    for i in range(1, signs.size):
        signs[i] = signs[i - 1] if kept[i] else signs[i]
    changes = 0.4 * signs + rng.normal(0, 0.1, signs.size)
    assert trade_response(changes, signs).permanent == pytest.approx(0.8, abs=0.05)


def test_third_answer_then_the_scene_gets_an_impact() -> None:
    flows = [5, -5, 8, -7] * 60
    changes2 = [2, -2, 4, -2] * 60
    early = run(seconds_of(flows[:199], changes2[:199]), IMPACT_PROFILES["perp"])
    assert early.series[0, SHORT]["maturity"] == UNKNOWN
    assert np.isnan(early.series[0, SHORT]["lambda"])
    assert early.head[0]["impact"] == NOT_KNOWN
    later = run(seconds_of(flows, changes2), IMPACT_PROFILES["perp"])
    assert later.head[0]["impact"] == later.series[0, SHORT]["lambda"] > 0.0
    assert later.head[0]["impact_maturity"] == YOUNG
    against = run(seconds_of([-flow for flow in flows], changes2), IMPACT_PROFILES["perp"])
    assert against.series[0, SHORT]["lambda"] < 0.0
    assert against.head[0]["impact"] == NOT_KNOWN


def test_a_window_with_a_gap_in_it_does_not_count() -> None:
    events = seconds_of([10, -5, 20, -15, 0], [2, -2, 4, -2, 0])
    at = START_NS + 2 * SECOND_NS + 300
    broken = np.concatenate([events, lost(at), timer(at + 5), quote(MID2, at + 6)])
    broken = broken[np.argsort(broken["ts_recv"], kind="stable")]
    rows = run(broken, ImpactParameters(rows_min=2)).rows[0, SHORT]
    assert rows[:5, 0].tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]  # no snapshot, no top


def test_a_silence_of_timers_pushes_out_the_span() -> None:
    events = seconds_of([10, -5, 20, -15, 0], [2, -2, 4, -2, 0])
    impact = run(np.concatenate([events, timer(START_NS + 60 * MINUTE_NS)]))
    assert impact.sums[0, SHORT, 0] == 0.0
    assert impact.series[0, SHORT]["maturity"] == UNKNOWN


def test_parameters_of_linear_and_inverse_contracts() -> None:
    def value(kind: ContractKind) -> tuple[float, float]:
        one = Instrument(
            venue="v",
            symbol="S",
            kind=kind,
            tick=Decimal("0.1"),
            lot=Decimal("1"),
            multiplier=Decimal(100),
        )
        chosen = impact_parameters(one, FIVE)
        return chosen.tick_lot_value, chosen.lot_value

    assert value(ContractKind.LINEAR) == (10.0, 0.0)
    assert value(ContractKind.INVERSE) == (0.0, 100.0)


seconds = st.lists(
    st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from([1, -1, 0]), st.integers(1, 50), st.integers(99_990, 100_010)
            ),
            max_size=4,
        ),
        st.integers(-6, 6),
    ),
    min_size=1,
    max_size=45,
)


def build(rows: list[Any], sign: int = 1) -> tuple[Events, list[Window]]:
    """Return the tape and its windows of a second; `sign` -1 mirrors."""
    parts, mid2, windows = [start(sign * MID2)], MID2, []
    last: list[int] = []
    for i, (prints, change2) in enumerate(rows):
        ts = START_NS + i * SECOND_NS
        one = Window(mid2, mid2 + change2)
        for j, (side, lots, price) in enumerate(prints):
            parts.append(trade(sign * side, lots, sign * price, ts + 10 * j + 1))
            one.prints.append((ts, side, lots, price))
            last.append(price)
            if len(last) >= 3:
                one.pairs.append((last[-2] - last[-3], last[-1] - last[-2]))
        mid2 += change2
        windows.append(one)
        parts += [quote(sign * mid2, ts + 500), timer(ts + SECOND_NS)]
    return np.concatenate(parts), windows


@settings(max_examples=30)
@given(seconds)
def test_twin(rows: list[Any]) -> None:
    events, windows = build(rows)
    one = run(events, SHORT_SPAN).series[0, SHORT]
    kept = windows[-30:]
    if len(kept) < 3:
        assert one["maturity"] == UNKNOWN
        return
    if any(window.flow for window in kept) and any(w.mid2_after != w.mid2_before for w in kept):
        slope, r2, t = naive.kyle(kept)
        assert (one["lambda"], one["lambda_r2"]) == pytest.approx((slope, r2), abs=1e-9)
        if r2 < 1 - 1e-9:
            assert one["lambda_t"] == pytest.approx(t, abs=1e-6)
    if any(window.prints for window in kept):
        assert one["amihud"] == pytest.approx(naive.amihud(kept, 1.0), rel=1e-9)
    pairs = [pair for window in kept for pair in window.pairs]
    expected = naive.roll(pairs) if pairs else None
    if expected is None or expected < 1e-3:
        assert np.isnan(one["roll_ticks"]) or one["roll_ticks"] < 1e-2
    else:
        assert one["roll_ticks"] == pytest.approx(expected, rel=1e-6)
    if any(side for window in kept for _, side, _, _ in window.prints):
        if any(window.mid2_after != window.mid2_before for window in kept):
            assert one["hasbrouck"] == pytest.approx(naive.hasbrouck(kept, 1.0)[0], rel=1e-6)


@settings(max_examples=20)
@given(seconds, st.lists(st.integers(0, 300), max_size=5))
def test_split_and_mirror(rows: list[Any], cuts: list[int]) -> None:
    events, _ = build(rows)
    whole, cut = run(events, SHORT_SPAN), run(events, SHORT_SPAN, tuple(cuts))
    for name in ("head", "series", "rows", "sums"):
        assert getattr(whole, name).tobytes() == getattr(cut, name).tobytes()
    other = run(build(rows, -1)[0], SHORT_SPAN)
    for window in (SHORT, LONG):
        for name in ("lambda", "lambda_r2", "lambda_t", "roll_ticks", "maturity"):
            np.testing.assert_array_equal(
                whole.series[0, window][name], other.series[0, window][name]
            )
