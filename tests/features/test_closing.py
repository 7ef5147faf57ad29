"""Range, renko, delta, imbalance and run bars: spelling, worked examples, clamps, holes.

Twin, mirror, conservation and split invariance of every kind: `test_footprint`.
"""

import pytest

from aggressor.features.bars import (
    DELTA,
    IMBALANCE_TICKS,
    IMBALANCE_VOLUME,
    RANGE,
    RENKO,
    RUN_TICKS,
    BarSpec,
    bar_spec,
)
from aggressor.features.footprint_batch import feed
from aggressor.features.series import BarSeries, footprint_state
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import GAP
from tests.features.test_footprint import INVERSE, LINEAR, run, trades


def test_bar_spec_reads_bars_by_name():
    assert bar_spec("range:12", LINEAR)[:2] == (RANGE, 12)
    assert bar_spec("renko:10", LINEAR)[:2] == (RENKO, 10)
    assert bar_spec("delta:1.5", LINEAR)[:2] == (DELTA, 1500)
    assert bar_spec("delta:500v", INVERSE)[:2] == (DELTA, 500)
    assert bar_spec("imbalance:100", LINEAR)[:2] == (IMBALANCE_TICKS, 100)
    assert bar_spec("imbalance:100t", LINEAR)[3:] == (0.4, 0.2)
    assert bar_spec("imbalance:50v", LINEAR)[:2] == (IMBALANCE_VOLUME, 50_000)
    assert bar_spec("run:80:0.25:0.1", LINEAR)[:2] == (RUN_TICKS, 80)
    assert bar_spec("run:80:0.25:0.1", LINEAR)[3:] == (0.25, 0.1)
    assert bar_spec("run:5v:1", LINEAR)[3:] == (1.0, 0.2)
    wrong = (
        "range",
        "range:",
        "range:1.5",
        "range:0",
        "range:3:4",
        "range:12t",
        "renko:9999999999",
    )
    wrong += ("delta:0.0001", "delta:-1", "delta:5:1", "imbalance:5:0", "imbalance:5:2", "run:1.5")
    wrong += ("run:5:0.1:0.1:0.1", "run:5:0.1:nan", "run:v", "box:5", "1m:5", ":5", "range:12 ")
    for text in wrong:
        with pytest.raises(ConfigError, match="cannot be used"):
            bar_spec(text, LINEAR)


def shown(bars):
    return [tuple(int(bar[name]) for name in ("open", "high", "low", "close")) for bar in bars]


def test_t4_1a_a_range_bar_closes_before_the_print_that_would_leave_it():
    prices = (100, 101, 102, 104, 105, 103, 102, 106, 109)
    bars, _ = run(trades([(p, 1, 1) for p in prices]), BarSpec(RANGE, 4, "range:4"))
    assert shown(bars) == [(100, 104, 100, 104), (105, 106, 102, 106), (109, 109, 109, 109)]
    assert [int(bar["volume"]) for bar in bars] == [4, 4, 1]


def test_t4_1b_a_renko_brick_turns_at_twice_its_size():
    prices = (100, 103, 104, 108, 105, 104, 103, 100, 99, 96)
    bars, cells = run(trades([(p, 1, -1) for p in prices]), BarSpec(RENKO, 4, "renko:4"))
    assert [(int(bar["open"]), int(bar["close"])) for bar in bars] == [
        (100, 104),
        (104, 108),
        (104, 100),
        (100, 96),
    ]
    assert [[int(cell["price"]) for cell in own] for own in cells] == [
        [100, 103, 104],
        [108],
        [100, 103, 104, 105],
        [96, 99],
    ]
    assert bars[2]["high"] == 105
    assert bars[2]["vwap"] == pytest.approx((105 + 104 + 103 + 100) / 4)


def test_a_print_through_several_bricks_is_counted_once():
    bars, _ = run(trades([(100, 1, 1), (113, 5, 1), (114, 2, 1)]), BarSpec(RENKO, 4, "renko:4"))
    assert shown(bars) == [
        (100, 113, 100, 104),
        (104, 108, 104, 108),
        (108, 112, 108, 112),
        (112, 114, 112, 114),
    ]
    assert [int(bar["volume"]) for bar in bars] == [6, 0, 0, 2]
    assert [int(bar["quality"]) for bar in bars] == [0, 0, 0, 2]


def test_a_delta_bar_closes_behind_the_print_that_reaches_its_limit():
    rows = [(100, 6, 1), (100, 4, -1), (100, 9, 0), (100, 30, -1), (100, 1, 1)]
    bars, _ = run(trades(rows), BarSpec(DELTA, 10, "delta:10"))
    assert [int(bar["delta"]) for bar in bars] == [-28, 1]
    assert [int(bar["volume"]) for bar in bars] == [49, 1]


def head_after(rows, spec):
    state, _ = feed(footprint_state([BarSeries(0, spec)]), 0, trades(rows))
    return state.head[0]


@pytest.mark.parametrize("mirror", [1, -1])
def test_t4_1c_an_imbalance_bar_learns_what_to_expect(mirror):
    spec = BarSpec(IMBALANCE_TICKS, 5, "imbalance:5", 0.4, 0.2)
    rows = [(100, 7, mirror * side) for side in (1, 1, -1, 1, 1, 1, 1)]
    assert head_after(rows[:1], spec)["threshold"] == 2.0
    assert head_after(rows[:2], spec)["threshold"] == pytest.approx(2.288)
    bars, _ = run(trades(rows), spec)
    assert [int(bar["trades"]) for bar in bars] == [2, 5]
    head = head_after(rows, spec)
    assert head["items"] == pytest.approx(4.52)
    assert head["sign"] == pytest.approx(mirror * 0.536)
    assert head["threshold"] == pytest.approx(2.42272)
    assert head["clamps"] == 0


def test_the_volume_form_counts_every_lot():
    spec = BarSpec(IMBALANCE_VOLUME, 50, "imbalance:50v", 0.4, 0.2)
    rows = [(100, 19, 1), (100, 10, -1), (100, 12, 1), (100, 1, 1)]
    bars, _ = run(trades(rows), spec)
    assert [int(bar["volume"]) for bar in bars] == [41, 1]
    head = head_after(rows, spec)
    assert head["items"] == pytest.approx(0.8 * 50 + 0.2 * 41)
    assert head["sign"] == pytest.approx(0.8 * 0.4 + 0.2 * 21 / 41)


def test_a_run_bar_waits_for_one_side():
    spec = BarSpec(RUN_TICKS, 5, "run:5", 0.4, 0.2)  # 5 x 0.7 = 3.5: four of one side
    rows = [(100, 1, side) for side in (1, -1, 1, -1, 1, 0, -1, -1, 1)]
    bars, _ = run(trades(rows), spec)
    assert [int(bar["trades"]) for bar in bars] == [8, 1]
    head = head_after(rows, spec)
    assert head["items"] == pytest.approx(0.8 * 5 + 0.2 * 8)
    assert head["sign"] == pytest.approx(-0.8 * 0.4 - 0.2 / 8)


def test_clamps_hold_the_expectations_and_are_counted():
    spec = BarSpec(IMBALANCE_TICKS, 10, "imbalance:10", 0.1, 1.0)
    head = head_after([(100, 1, 1)], spec)  # one print suffices at first
    assert (head["items"], head["clamps"], head["limit"]) == (2.0, 1, 2)
    calm = [(100, 1, side) for side in [1, -1] * 300 + [1, 1]]
    head = head_after(calm, BarSpec(IMBALANCE_TICKS, 10, "imbalance:10", 0.2, 1.0))
    assert (head["items"], head["clamps"]) == (50.0, 2)
    assert head["threshold"] == pytest.approx(50 * 0.05)
    assert abs(head["sign"]) < 0.05


def test_a_hole_before_the_print_that_leaves_a_range_marks_both_bars():
    rows = [(100, 1, 1), (101, 1, 1), (108, 1, 1, 0, GAP), (120, 1, 1), (121, 1, 1, 0, GAP)]
    bars, _ = run(trades(rows), BarSpec(RANGE, 4, "range:4"))
    assert [int(bar["reasons"]) for bar in bars] == [8, 8, 4 | 2]
