"""The bias: its worked example, closed bars only, the twin, splits, mirror, and its effect."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.context.bias import (
    BEARISH,
    BIAS_PROFILES,
    BIAS_REASONS,
    BULLISH,
    FAST,
    NO_ANCHOR,
    SLOW,
    UNKNOWN_BIAS,
    WARMING_UP,
    BiasParameters,
    BiasState,
    Setup,
    bias_state,
    read_bias,
    run_bars,
    run_candles,
    seed_bias,
    size_factor,
)
from aggressor.features.bars import BAR, PARTIAL
from aggressor.schema.candle import CANDLE, Candles, empty_candles
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from tests.naive import bias as naive
from tests.naive.bias import HOUR_NS, MONDAY_NS, WEEK_NS, Hour

MONDAY = MONDAY_NS + 2800 * WEEK_NS
MINUTE_NS = HOUR_NS // 60
SHORT = BiasParameters(warm_up=6)


def candles_of(hours: Sequence[Hour]) -> Candles:
    candles = empty_candles(len(hours))
    for row, hour in zip(candles, hours, strict=True):
        for name in Hour._fields:
            row[name] = getattr(hour, name)
    return candles


def trend(closes: Sequence[int], span: int, start: int = MONDAY) -> list[Hour]:
    """Hours with these closes whose true ranges are all `span`."""
    hours, before = [], closes[0]
    for i, close in enumerate(closes):
        low = min(before, close) - (span - abs(close - before)) // 2
        hours.append(Hour(start + i * HOUR_NS, before, low + span, low, close, 10))
        before = close
    return hours


def state_of(hours: Sequence[Hour], parameters: BiasParameters = SHORT) -> BiasState:
    bias = bias_state(1, parameters)
    seed_bias(bias, 0, candles_of(hours))
    return bias


def test_a_candle_is_32_bytes() -> None:
    assert CANDLE.itemsize == 32


def test_t6_6_slope() -> None:
    prices = [*range(100, 120), 119.5, 121, 122.5, 124, 125]
    closes = [int(4 * price) for price in prices]  # ticks of a quarter: an ATR of 2 is 8 ticks
    bias = state_of(trend(closes, 8), BiasParameters(warm_up=25))
    fast = bias.horizons[0, FAST]
    assert fast["ema"] / 4 == pytest.approx(115.548573, abs=5e-7)
    earlier = bias.closed[0, FAST, (25 - 1 - 3) & 15]["ema"]
    assert earlier / 4 == pytest.approx(112.618215, abs=5e-7)
    assert fast["atr"] == 8
    assert fast["slope"] == pytest.approx(0.488393, abs=5e-7)
    assert fast["slope_vote"] == 1
    assert fast["structure_vote"] == 0  # a straight rise has no swings
    assert fast["vwap_vote"] == 1
    assert fast["bias"] == BULLISH
    assert bias.horizons[0, SLOW]["bias"] == UNKNOWN_BIAS


def test_until_the_warm_up_is_over_the_bias_is_unknown_and_says_so() -> None:
    closes = [400 + 2 * i for i in range(240)]
    full = trend(closes, 8)
    assert BIAS_PROFILES["perp"].warm_up == 60
    before = state_of(full[:239], BIAS_PROFILES["perp"])
    assert read_bias(before, 0).bias is None
    assert read_bias(before, 0).reason == BIAS_REASONS[WARMING_UP]
    assert read_bias(before, 0).fast == BULLISH
    after = read_bias(state_of(full, BIAS_PROFILES["perp"]), 0)
    assert after.bias == BULLISH
    assert after.strong
    assert after.reason == ""


def test_without_the_first_hour_of_the_week_there_is_no_vwap() -> None:
    hours = trend([400 + i for i in range(40)], 8, MONDAY + HOUR_NS)
    bias = state_of(hours)
    assert bias.horizons[0, FAST]["why"] == NO_ANCHOR
    assert read_bias(bias, 0).fast is None


def test_a_missing_hour_starts_the_warm_up_anew() -> None:
    hours = trend([400 + i for i in range(40)], 8)
    bias = state_of(hours[:30] + hours[31:])
    assert bias.head[0]["missing"] == 1
    assert bias.horizons[0, FAST]["bars"] == 9
    assert read_bias(bias, 0).bias is None


def test_an_hour_given_twice_counts_once() -> None:
    hours = candles_of(trend([400 + i for i in range(12)], 8))
    bias = bias_state(1, SHORT)
    run_candles(hours, 0, 12, bias, 0)
    once = bias.horizons.tobytes()
    run_candles(hours, 0, 12, bias, 0)
    assert bias.horizons.tobytes() == once
    assert bias.head[0]["repeated"] == 12


@pytest.mark.parametrize(
    "change",
    [{"open_ns": MONDAY + HOUR_NS + 1}, {"open_ns": MONDAY}, {"high": 1}, {"volume": -1}],
)
def test_candles_that_cannot_be_are_refused(change: dict[str, int]) -> None:
    hours = trend([400, 404, 408], 8)
    hours[1] = hours[1]._replace(**change)
    with pytest.raises(ConfigError, match="Candle 1"):
        seed_bias(bias_state(1), 0, candles_of(hours))


def minutes_of(hour: Hour, skip: Sequence[int] = ()) -> np.ndarray[Any, Any]:
    """The hour as closed minutes: open, both extremes, close."""
    path = [hour.open, hour.high, hour.low] + [hour.close] * 57
    bars = np.zeros(60, BAR)
    bars["open_ns"] = hour.open_ns + np.arange(60) * MINUTE_NS
    bars["close_ns"] = bars["open_ns"] + MINUTE_NS
    bars["known_ns"] = bars["close_ns"] + 5
    for name in ("open", "high", "low", "close"):
        bars[name] = path
    bars[0]["volume"] = hour.volume
    return np.delete(bars, list(skip))


def fed(bars: np.ndarray[Any, Any], bias: BiasState, cuts: Sequence[int] = ()) -> BiasState:
    edges = sorted({0, bars.size, *(cut % (bars.size + 1) for cut in cuts)})
    for start, stop in pairwise(edges):
        assert run_bars(bars, start, stop, bias, 0) == stop
    return bias


def test_minutes_make_the_same_hours_as_candles() -> None:
    hours = trend([400 + 3 * (i % 7) + i for i in range(30)], 20)
    seeded = state_of(hours)
    live = fed(np.concatenate([minutes_of(h) for h in hours]), bias_state(1, SHORT))
    assert live.horizons.tobytes() == seeded.horizons.tobytes()
    assert live.head[0]["known_ns"] == hours[-1].open_ns + HOUR_NS + 5
    mixed = state_of(hours[:13])
    fed(np.concatenate([minutes_of(h) for h in hours[13:]]), mixed)
    assert mixed.horizons.tobytes() == seeded.horizons.tobytes()


def test_only_closed_hours_count() -> None:
    hours = trend([400 + i for i in range(12)], 8)
    bias = state_of(hours[:-1])
    before = bias.horizons.tobytes()
    fed(minutes_of(hours[-1])[:-1], bias)
    assert bias.horizons.tobytes() == before
    fed(minutes_of(hours[-1])[-1:], bias)
    assert bias.horizons[0, FAST]["bars"] == 12


def test_an_hour_begun_inside_continues_a_seed_but_starts_nothing() -> None:
    hours = trend([400 + i for i in range(12)], 8)
    late = np.concatenate([minutes_of(hours[10], skip=range(20)), minutes_of(hours[11])])
    assert fed(late, bias_state(1, SHORT)).horizons[0, FAST]["bars"] == 1
    bias = fed(late, state_of(hours[:10]))
    assert bias.head[0]["patched"] == 1
    assert bias.horizons[0, FAST]["bars"] == 12
    assert read_bias(bias, 0).provisional


def test_a_minute_of_bad_data_makes_the_hour_provisional() -> None:
    hours = trend([400 + i for i in range(31)], 8)
    bars = [minutes_of(h) for h in hours]
    bars[14][30]["quality"] = PARTIAL
    bias = fed(np.concatenate(bars[:29]), bias_state(1, SHORT))
    assert bias.horizons[0, FAST]["provisional"] == 1
    fed(np.concatenate(bars[29:]), bias)
    assert bias.horizons[0, FAST]["provisional"] == 0
    assert bias.horizons[0, SLOW]["provisional"] == 1


def test_bars_before_the_first_trade_are_passed_over() -> None:
    bars = minutes_of(trend([400], 8)[0])
    bars["close"] = NO_PRICE
    assert fed(bars, bias_state(1)).head[0]["hours"] == 0


def test_strong_needs_the_fast_horizon_not_opposite() -> None:
    closes = [400 + 20 * i for i in range(40)] + [1180 - 6 * i for i in range(8)]
    bias = state_of(trend(closes, 40))
    read = read_bias(bias, 0)
    assert read.bias == bias.head[0]["bias"]
    assert read.fast is not None
    assert read.strong == (read.bias != 0 and read.fast != -(read.bias or 0))


@pytest.mark.parametrize(
    ("bias", "setup", "direction", "expected"),
    [
        (BULLISH, Setup.EXHAUSTION_SCALP, 1, 1.0),
        (BULLISH, Setup.EXHAUSTION_SCALP, -1, 0.0),
        (BULLISH, Setup.PUSH_THROUGH, -1, 0.0),
        (BULLISH, Setup.LIQUIDITY_TRAP, -1, 0.5),
        (BULLISH, Setup.LIQUIDITY_TRAP, 1, 1.0),
        (BEARISH, Setup.EXHAUSTION_SCALP, 1, 0.0),
        (BEARISH, Setup.PUSH_THROUGH, -1, 1.0),
        (BEARISH, Setup.LIQUIDITY_TRAP, 1, 0.5),
        (0, Setup.EXHAUSTION_SCALP, -1, 1.0),
        (None, Setup.EXHAUSTION_SCALP, -1, None),
    ],
)
def test_effect(bias: int | None, setup: Setup, direction: int, expected: float | None) -> None:
    assert size_factor(bias, setup, direction) == expected


@st.composite
def histories(draw: st.DrawFn) -> list[Hour]:
    start = MONDAY + draw(st.integers(-30, 30)) * HOUR_NS
    hours, close, at = [], draw(st.integers(-50, 5000)), start
    for _ in range(draw(st.integers(1, 60))):
        at += HOUR_NS * (2 if draw(st.integers(0, 40)) == 0 else 1)
        opened, close = close, close + draw(st.integers(-9, 9))
        high = max(opened, close) + draw(st.integers(0, 3))
        low = min(opened, close) - draw(st.integers(0, 3))
        hours.append(Hour(at, opened, high, low, close, draw(st.integers(0, 50))))
    return hours


@settings(max_examples=60)
@given(histories())
def test_twin(hours: list[Hour]) -> None:
    bias = state_of(hours)
    last = naive.chain(hours)
    slow = naive.slow_bars(last)
    assert bias.horizons[0, FAST]["bars"] == len(last)
    assert bias.horizons[0, SLOW]["bars"] == len(slow)
    assert bias.horizons[0, FAST]["ema"] == pytest.approx(naive.ema(last), rel=1e-12, abs=1e-9)
    assert bias.horizons[0, FAST]["atr"] == pytest.approx(naive.atr(last))
    expected = naive.bias_of(last, last, 6)
    assert read_bias(bias, 0).fast == expected
    # the slow bar was judged with the VWAP of its own close
    if slow:
        until = [h for h in last if h.open_ns <= slow[-1].open_ns + 3 * HOUR_NS]
        assert read_bias(bias, 0).bias == naive.bias_of(until, slow, 6)


@settings(max_examples=30)
@given(histories())
def test_mirror(hours: list[Hour]) -> None:
    mirrored = [h._replace(open=-h.open, high=-h.low, low=-h.high, close=-h.close) for h in hours]
    plain, other = state_of(hours), state_of(mirrored)
    for name in ("slope_vote", "structure_vote", "vwap_vote"):
        np.testing.assert_array_equal(other.horizons[name], -plain.horizons[name])
    known = plain.horizons["bias"] != UNKNOWN_BIAS
    np.testing.assert_array_equal(other.horizons["bias"][known], -plain.horizons["bias"][known])
    np.testing.assert_array_equal(other.horizons["why"], plain.horizons["why"])


@settings(max_examples=15)
@given(histories(), st.lists(st.integers(0, 4000), max_size=5))
def test_split_and_causality(hours: list[Hour], cuts: list[int]) -> None:
    bars = np.concatenate([minutes_of(h) for h in hours])
    whole, cut = fed(bars, bias_state(1, SHORT)), fed(bars, bias_state(1, SHORT), cuts)
    assert whole.horizons.tobytes() == cut.horizons.tobytes()
    half = len(hours) // 2
    some = fed(bars[: 60 * half], bias_state(1, SHORT))
    changed = bars.copy()
    changed["close"][60 * half :] += 7
    other = fed(changed[: 60 * half], bias_state(1, SHORT))
    assert some.horizons.tobytes() == other.horizons.tobytes()
