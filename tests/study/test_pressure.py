"""Readings and pressure studies: the stylised book of R11.B, levels with known truth, refusals."""

import numpy as np
import pytest

from aggressor.schema.event import (
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NOT_FLOW,
    SNAPSHOT,
    TIMER,
    TRADE,
    empty_events,
)
from aggressor.study.pressure import (
    HORIZONS_S,
    SPAN_WINDOWS,
    WINDOWS_MIN,
    study_levels,
    study_pressure,
    windows_of,
)
from aggressor.study.readings import READING, read_all
from tests.study.stylised import SECOND, START, Stylised

RANKS = 10


@pytest.mark.parametrize(
    ("depth", "slope", "r2", "r2_trades"),
    [(20, 0.02497, 0.980, 0.326), (50, 0.00997, 0.884, 0.292)],
)
def test_11_b_the_stylised_book(depth: int, slope: float, r2: float, r2_trades: float) -> None:
    # The mean number of events makes the variance of the flow that of the reference, 6500 lots^2.
    book = Stylised(depth, windows=400, mean=1089, seed=depth)
    rows = read_all(book.batches()).rows
    seen = windows_of(rows, 1)
    assert (seen.ofi == book.net).all()
    assert (seen.trades == book.net_trades).all()
    found = study_pressure(rows, 1)
    assert (found.windows, found.left_out) == (400, 0)
    assert found.slope.low is not None
    assert found.slope.high is not None
    error = (found.slope.high - found.slope.low) / (2 * 1.96)
    assert found.slope.value == pytest.approx(slope, abs=3 * error)
    assert found.slope.value == pytest.approx(1 / (2 * depth), abs=3 * error)
    assert error < 0.02 * slope
    assert found.r2_ofi.value == pytest.approx(r2, abs=0.02)
    assert found.r2_trades.value == pytest.approx(r2_trades, abs=0.08)
    assert found.better == "ofi"


def test_the_slope_falls_as_one_over_depth() -> None:
    parts, end = [], 0
    for i, depth in enumerate((6, 9, 14, 20, 30, 45, 60, 90)):
        rows = read_all(Stylised(depth, SPAN_WINDOWS, 200, i).batches()).rows
        rows["ts_recv"] += end
        for name in ("ofi", "queues", "changes", "bought", "sold", "depth", "depth_changes"):
            rows[name] += parts[-1][name][-1] if parts else 0
        rows["flow"] += parts[-1]["flow"][-1] if parts else 0
        end += SPAN_WINDOWS * SECOND
        parts.append(rows[:-1] if depth < 90 else rows)
    moved = np.concatenate(parts)
    jumps = np.concatenate([[0], np.cumsum([one["mid2"][-1] for one in parts])])
    for i in range(1, len(parts)):  # no jump of the mid where one book follows another
        first = sum(one.size for one in parts[:i])
        moved["mid2"][first:] += moved["mid2"][first - 1] - moved["mid2"][first]
    assert jumps.size == len(parts) + 1
    found = study_pressure(moved, 1).depth_exponent
    assert found.value == pytest.approx(-1.0, abs=0.25)
    assert found.n == 8


def test_batches_cut_anywhere_give_the_same_readings() -> None:
    events = np.concatenate(list(Stylised(8, 12, 30, 3).batches()))
    whole = read_all([events]).rows
    cuts = np.sort(np.random.default_rng(1).integers(0, events.size, 40))
    assert (read_all(np.split(events, cuts)).rows == whole).all()
    assert whole.size == 13


def test_windows_without_the_book_are_left_out_and_prints_that_are_no_flow_not_counted() -> None:
    book = Stylised(8, 40, 30, 4)
    batches = list(book.batches())
    lost = empty_events(1)
    lost["kind"], lost["flags"] = CLEAR, GAP | LAST
    lost["ts_recv"] = lost["ts_venue"] = START + 5 * SECOND + SECOND // 2
    again = batches[0].copy()
    again["ts_recv"] = START + 6 * SECOND - 1
    batches.insert(13, np.concatenate([lost, again]))
    forced = empty_events(1)
    forced["kind"], forced["size"], forced["side"] = TRADE, 1000, 1
    forced["flags"] = LAST | NOT_FLOW
    forced["ts_recv"] = forced["ts_venue"] = START + 20 * SECOND
    batches.insert(43, forced)
    readings = read_all(batches)
    found = windows_of(readings.rows, 1)
    assert (found.left_out, found.moves.size) == (1, 39)
    assert (found.ofi[:5] == book.net[:5]).all()
    assert (found.trades == np.delete(book.net_trades, 5)).all()
    assert readings.picture_share < 0.001


def test_pictures_are_told_from_deltas() -> None:
    batches = list(Stylised(8, 5, 30, 5).batches())
    for one in batches[1:]:
        one["flags"][one["kind"] == LEVEL] |= SNAPSHOT
    assert read_all(batches).picture_share > 0.99


def made_readings(windows: int, weights: np.ndarray, noise: float, seed: int) -> np.ndarray:
    """Readings every second: ten flows with a common part, mid moves by `weights` of them."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(windows + 1, READING)
    rows["ts_recv"] = START + np.arange(windows + 1) * SECOND
    rows["known"] = 1
    steps = np.arange(windows + 1)
    rows["changes"] = rows["depth_changes"] = 10 * steps
    rows["queues"], rows["depth"] = 2 * 10 * 50 * steps, 2 * RANKS * 10 * 50 * steps
    common = chance.normal(size=(windows, 1))
    flows = np.rint(500 * (common + chance.normal(size=(windows, RANKS)))).astype(np.int64)
    rows["flow"][1:] = np.cumsum(flows, axis=0)
    rows["ofi"][1:] = np.cumsum(flows[:, 0])
    rows["bought"][1:] = np.cumsum(np.abs(chance.integers(-9, 9, windows)))
    moves = flows @ weights / 50 + noise * chance.normal(size=windows)
    rows["mid2"][1:] = np.cumsum(np.rint(20 * moves).astype(np.int64))
    return rows


def test_more_levels_and_integrated_flow_help_where_all_levels_move_the_price() -> None:
    found = study_levels(made_readings(600, np.full(RANKS, 0.1), 1.0, 1), 1)
    assert (found.fitted, found.judged) == (300, 300)
    assert (found.levels_help, found.integrated_helps) == ("yes", "yes")
    r2 = [one for one in found.r2_levels if one is not None]
    assert len(r2) == RANKS
    assert min(np.diff(r2)) > -0.01
    assert found.gain_levels.value == pytest.approx(r2[-1] - r2[0])
    assert found.r2_integrated.value == pytest.approx(r2[-1], abs=0.02)


def test_more_levels_do_not_help_where_only_the_best_moves_the_price() -> None:
    only = np.zeros(RANKS)
    only[0] = 0.5
    found = study_levels(made_readings(600, only, 2.0, 2), 1)
    assert found.levels_help != "yes"
    assert found.integrated_helps == "no"


def test_noise_explains_nothing_out_of_sample() -> None:
    found = study_levels(made_readings(600, np.zeros(RANKS), 5.0, 3), 1)
    assert all(one is not None and one < 0.03 for one in found.r2_levels)
    assert found.levels_help != "yes"


def test_later_windows_never_reach_into_a_fit_before_them() -> None:
    rows = made_readings(400, np.full(RANKS, 0.1), 1.0, 4)
    changed = rows.copy()
    changed["mid2"][-40:] = 7
    one, other = study_levels(rows, 1), study_levels(changed, 1)
    assert one.fitted == other.fitted == 200
    assert one.r2_levels != other.r2_levels
    # Judged alone, what lies before the change is the same.
    assert study_levels(rows[:-40], 1) == study_levels(changed[:-40], 1)


def test_too_little_is_said_to_be_too_little() -> None:
    few = made_readings(WINDOWS_MIN - 1, np.full(RANKS, 0.1), 1.0, 5)
    found = study_pressure(few, 1)
    assert (found.better, found.r2_ofi.value) == ("not shown", None)
    assert "19 whole windows, at least 20 are needed" in found.r2_ofi.why
    assert study_levels(few, 1).levels_help == "not shown"
    still = made_readings(200, np.zeros(RANKS), 0.0, 6)
    assert study_pressure(still, 1).r2_ofi.why == "the mid never moved"
    assert study_levels(still, 1).gain_levels.why == "the book or the mid never moved"
    none = np.zeros(0, READING)
    for horizon in HORIZONS_S:
        assert study_pressure(none, horizon).windows == 0
        assert study_levels(none, horizon).judged == 0


def test_windows_of_ten_seconds_are_sums_of_ten_of_one() -> None:
    rows = made_readings(200, np.full(RANKS, 0.1), 1.0, 7)
    start = int(-(START // SECOND) % 10)
    short, long = windows_of(rows, 1), windows_of(rows, 10)
    whole = slice(start, start + 10 * long.ofi.size)
    assert long.ofi.size >= 19
    for name in ("moves", "ofi", "trades"):
        sums = getattr(short, name)[whole].reshape(-1, 10).sum(axis=1)
        assert getattr(long, name) == pytest.approx(sums)
    timer = empty_events(1)
    timer["kind"] = TIMER
    assert read_all([timer]).rows["known"].tolist() == [0]
