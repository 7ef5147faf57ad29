"""Exhaustion on tapes written by hand: evidence, score, negative controls, near-misses, mirror."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aggressor.detectors.exhaustion import PERP, length_needed
from aggressor.detectors.outbox import at_least, at_most
from aggressor.engine.reading import Signal, read_signals
from aggressor.kernel import Int, kernel
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    EXHAUSTION,
    EXPIRED,
    FIRM,
    REJECTED,
    SIGNAL,
    YOUNG_BASELINE,
)
from tests.detectors.scene import (
    ASK,
    BID,
    FEED_NS,
    MS,
    START_NS,
    STEP_NS,
    Scene,
    pipeline_of,
    signals_of,
)
from tests.naive import run as naive

Found = list[Signal]


@kernel
def _score(values: Any, thresholds: Any) -> float:
    total = 0.0
    for i in range(values.size):
        total += at_least(values[i], thresholds[i])
    return total / values.size


@kernel
def _at_most(value: float, threshold: float) -> float:
    return at_most(value, threshold)


def exhaustions(scene: Scene, *, cost_ticks: float = 0.0) -> Found:
    rows = signals_of(scene.events(), pipeline_of(cost_ticks))
    return read_signals(rows[rows["kind"] == EXHAUSTION])


def warmed() -> Scene:
    scene = Scene()
    scene.warm()
    scene.tick(400)  # longer than the run window: nothing from before is in it
    return scene


def run_up(scene: Scene, *, start: int = ASK, steps: int = 12, lots: int = 40) -> int:
    """Buy one tick higher each step; return the extreme."""
    for i in range(steps):
        scene.trade(start + i, lots, 1)
        scene.tick()
    return start + steps - 1


def thin_out(scene: Scene, extreme: int) -> int:
    """Three more ticks with less and less bought, and somebody sells at the top."""
    for lots in (20, 8, 4):
        extreme += 1
        scene.trade(extreme, lots, 1)
        scene.tick()
    scene.trade(extreme, 1, -1)
    scene.tick()
    return extreme


def phases(found: Found) -> list[tuple[int, str]]:
    return [(one.phase, one.failed) for one in found]


def quiet_run() -> Scene:
    scene = warmed()
    thin_out(scene, run_up(scene))
    scene.tick(40)
    return scene


def test_a_run_that_dies_is_armed_then_confirmed() -> None:
    scene = quiet_run()
    armed, confirmed = exhaustions(scene)
    assert (armed.phase, confirmed.phase) == (ARMED, CONFIRMED)
    assert armed.episode == confirmed.episode == 1
    assert (armed.side, armed.direction) == (confirmed.side, confirmed.direction) == (1, -1)
    assert (confirmed.low, confirmed.high) == (1001, 1015)
    assert armed.high == 1011  # ten ticks: ten effective ticks are the threshold
    assert armed.params == confirmed.params != 0
    assert armed.provisional == confirmed.provisional == YOUNG_BASELINE
    assert confirmed.failed == ""


def test_its_evidence_is_what_happened() -> None:
    scene = quiet_run()
    armed, confirmed = exhaustions(scene)
    seen = confirmed.evidence
    timers = [int(row[0]) for row in scene.rows if row[4] == 10]
    top_ns = next(ts for ts, price, *_ in scene.prints if price == 1015) + MS
    samples = [s for s in naive.samples_of(scene.prints, timers[2900:]) if s.ts <= top_ns]
    run = naive.find_run(samples, 1, top_ns, PERP.run_window_ns // 8)
    assert run is not None
    assert (seen["p0"], seen["p1"], seen["run_ticks"]) == (1001, 1015, 14)
    assert (seen["p0"], seen["p1"]) == (run.start, run.extreme)
    assert seen["run_seconds"] == (run.extreme_ts - run.start_ts) / 1e9 == 1.4
    assert seen["run_threshold_ticks"] == 10
    assert (seen["run_delta"], seen["run_volume"]) == (run.delta, run.volume) == (472, 472)
    assert seen["run_delta_share"] == 1.0
    assert seen["run_delta_quantile"] == 6  # of three buys of three lots, three sells, and so on
    rows = naive.count_rows(scene.prints, 1, run.start_ts, 1015, 1)
    assert (seen["top_row_1"], seen["top_row_2"], seen["top_row_3"]) == rows.top == (4, 8, 20)
    assert seen["largest_cell"] == rows.largest == 40
    assert (seen["rows_thinning"], seen["auction_finished"]) == (1, 0)
    assert seen["prints_truncated"] == 0
    assert seen["effective_tick"] == 1
    ages = (confirmed.ts_known - run.extreme_ts) / 1e9
    assert seen["extreme_age_seconds"] == ages
    assert ages < PERP.still_ns / 1e9  # it was the thinning that confirmed it
    own = [(ts, side * lots) for ts, _, lots, side in scene.prints]

    def d(now: int) -> int:
        return sum(signed for ts, signed in own if now - 1_000_000_000 < ts <= now)

    peak = max(
        d(ts) for ts in timers if confirmed.ts_known - 10_000_000_000 < ts <= confirmed.ts_known
    )
    assert (seen["delta_peak"], seen["delta_now"]) == (peak, d(confirmed.ts_known))
    assert seen["delta_ratio"] == seen["delta_now"] / seen["delta_peak"] <= PERP.fade_ratio
    assert seen["delta_peak_quantile"] == 6
    assert armed.evidence["run_delta"] == 400


def test_times_are_venue_times_and_the_time_it_was_known() -> None:
    scene = quiet_run()
    armed, confirmed = exhaustions(scene)
    last = max(ts for ts, *_ in scene.prints if ts <= armed.ts_known)
    assert armed.ts_armed == armed.ts_confirmed == last - FEED_NS
    assert confirmed.ts_armed == armed.ts_armed
    assert confirmed.ts_confirmed == scene.prints[-1][0] - FEED_NS
    assert (armed.ts_known - START_NS) % STEP_NS == 0
    assert armed.ts_known == last + MS


def test_the_score_is_the_mean_over_the_conditions() -> None:
    _, confirmed = exhaustions(quiet_run())
    seen = confirmed.evidence
    parts = [
        min(1.0, 0.5 * seen["run_ticks"] / seen["run_threshold_ticks"]),
        min(1.0, 0.5 * seen["run_delta_share"] / PERP.delta_share),
        min(1.0, 0.5 * seen["run_delta"] / seen["run_delta_quantile"]),
        min(1.0, 0.5 * PERP.fade_ratio / seen["delta_ratio"]) if seen["delta_ratio"] > 0 else 1.0,
    ]
    assert confirmed.score == pytest.approx(sum(parts) / 4)
    assert parts[0] == 0.7


def test_t5_0() -> None:
    one = np.ones(2)
    assert _score(np.array([2.0, 5.0]), one) == 1.0
    assert _score(np.array([1.0, 1.5]), one) == 0.625
    assert (_at_most(1.0, 1.0), _at_most(0.5, 1.0), _at_most(0.0, 1.0)) == (0.5, 1.0, 1.0)


def test_stillness_confirms_where_rows_do_not_thin_out() -> None:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 1, -1)  # the auction goes on
    scene.tick(60)
    armed, confirmed = exhaustions(scene)
    assert phases([armed, confirmed]) == [(ARMED, ""), (CONFIRMED, "")]
    seen = confirmed.evidence
    assert (seen["rows_thinning"], seen["auction_finished"]) == (0, 0)
    assert seen["extreme_age_seconds"] == PERP.still_ns / 1e9


def test_a_finished_auction_confirms_with_the_fade() -> None:
    scene = warmed()
    run_up(scene)
    scene.tick(60)
    confirmed = exhaustions(scene)[1]
    assert confirmed.phase == CONFIRMED
    assert confirmed.evidence["auction_finished"] == 1
    assert confirmed.evidence["rows_thinning"] == 0
    age = confirmed.evidence["extreme_age_seconds"]
    assert PERP.auction_ns / 1e9 <= age < PERP.still_ns / 1e9


def test_nobody_has_sold_at_a_price_in_the_moment_it_is_first_bought() -> None:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 1, -1)
    scene.tick(12)  # faded, but neither still nor thin nor finished
    scene.trade(extreme + 1, 20, 1)
    scene.tick(3)
    assert phases(exhaustions(scene)) == [(ARMED, "")]
    scene.tick(5)
    confirmed = exhaustions(scene)[1]
    assert confirmed.phase == CONFIRMED
    assert confirmed.evidence["extreme_age_seconds"] == PERP.auction_ns / 1e9


def test_a_run_that_turns_two_sided_is_none() -> None:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 400, -1)
    scene.trade(extreme + 1, 40, 1)
    scene.tick(40)
    assert phases(exhaustions(scene)) == [(ARMED, ""), (EXPIRED, "fast one-sided run")]


@kernel
def _needed(least: float, chance: float, run_ns: Int) -> float:
    return length_needed(least, chance, run_ns)


def test_a_run_must_be_longer_than_chance_in_its_time() -> None:
    found = [_needed(10.0, 20.0, seconds * 1_000_000_000) for seconds in (0, 15, 60, 135)]
    assert found == [10.0, 10.0, 20.0, 30.0]


def test_delta_that_stays_strong_is_never_confirmed() -> None:
    scene = warmed()
    extreme = run_up(scene, steps=100)
    armed = exhaustions(scene)
    assert phases(armed) == [(ARMED, "")]  # every step a new extreme, nothing fades
    for _ in range(120):
        scene.trade(extreme, 40, 1)  # bought as strongly, but no higher
        scene.tick()
    found = exhaustions(scene)
    assert phases(found) == [(ARMED, ""), (EXPIRED, "delta fade")]
    seen = found[1].evidence
    assert found[1].ts_known - START_NS == (scene.step - 120) * STEP_NS + PERP.patience_ns + STEP_NS
    assert seen["extreme_age_seconds"] == PERP.patience_ns / 1e9 + 0.1
    assert (seen["p1"], seen["run_delta"]) == (extreme, 99 * 40)
    assert seen["delta_ratio"] == 1.0


def test_a_new_extreme_with_strong_delta_rejects_and_may_be_a_run_at_once() -> None:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 1, -1)
    scene.tick(12)  # faded, but neither still nor thin nor finished
    scene.trade(extreme + 1, 400, 1)
    scene.tick(40)
    found = exhaustions(scene)
    assert phases(found) == [
        (ARMED, ""), (REJECTED, "no new extreme with strong delta"), (ARMED, ""), (CONFIRMED, "")
    ]  # fmt: skip
    assert [one.episode for one in found] == [1, 1, 2, 2]
    assert found[1].evidence["delta_ratio"] >= PERP.strong_ratio
    assert found[1].evidence["p1"] == extreme


def test_drift_without_extreme_delta_is_never_armed() -> None:
    scene = warmed()
    for i in range(600):
        price = ASK + i // 10
        scene.trade(price, 3, 1)
        scene.trade(price, 3, -1)
        scene.tick()
    assert exhaustions(scene) == []


def test_a_short_run_is_no_run() -> None:
    scene = warmed()
    run_up(scene, steps=10)  # nine ticks from the first sample to the last
    scene.tick(60)
    assert exhaustions(scene) == []


def test_a_run_must_pay_for_three_round_trips() -> None:
    scene = quiet_run()
    assert phases(exhaustions(scene, cost_ticks=4.0)) == [(ARMED, ""), (CONFIRMED, "")]
    assert exhaustions(scene, cost_ticks=5.0) == []


def test_one_sided_means_a_third_of_the_volume() -> None:
    scene = warmed()
    for i in range(16):
        scene.trade(ASK + i, 40, 1)
        scene.trade(ASK + i, 30, -1)  # a seventh is left
        scene.tick()
    scene.tick(40)
    assert exhaustions(scene) == []


def test_an_unknown_baseline_is_undecided_not_no() -> None:
    scene = Scene()
    scene.warm(seconds=30)
    run_up(scene)
    scene.tick(40)
    pipe = pipeline_of()
    rows = signals_of(scene.events(), pipe)
    assert not (rows["kind"] == EXHAUSTION).any()
    assert pipe.exhaustion.head[0]["undecided"] > 0
    assert pipe.exhaustion.head[0]["episodes"] == 0


def test_old_baselines_make_a_signal_firm() -> None:
    scene = Scene()
    scene.warm(seconds=960)
    scene.tick(400)
    thin_out(scene, run_up(scene))
    scene.tick(20)
    assert [one.provisional for one in exhaustions(scene)] == [FIRM, FIRM]


def test_expiry_names_the_second_condition() -> None:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 1, -1)
    scene.tick(12)  # faded, but neither still nor thin nor finished
    for _ in range(120):
        scene.trade(extreme - 1, 40, 1)  # and bought again, below the extreme
        scene.tick()
    found = exhaustions(scene)
    failed = "thinning rows, stillness or finished auction"
    assert phases(found) == [(ARMED, ""), (EXPIRED, failed)]


def test_a_slow_run_does_not_hide_the_fast_one_that_comes_out_of_it() -> None:
    scene = warmed()
    extreme = run_up(scene)
    for _ in range(30):  # up a tick a second: longer than the run window allows
        scene.tick(9)
        extreme = run_up(scene, start=extreme + 1, steps=1)
    thin_out(scene, run_up(scene, start=extreme + 1, steps=14, lots=80))
    scene.tick(40)
    told = phases(exhaustions(scene))
    slow = [(ARMED, ""), (EXPIRED, "fast one-sided run")]
    assert told[-4:] == [*slow, (ARMED, ""), (CONFIRMED, "")]


def test_after_an_episode_there_is_rest() -> None:
    scene = warmed()
    thin_out(scene, run_up(scene))
    scene.tick(12)
    run_up(scene, start=1020)  # within the five seconds: no second signal
    scene.tick(60)
    run_up(scene, start=1040)
    scene.tick(60)
    found = exhaustions(scene)
    assert [(one.phase, one.episode) for one in found] == [
        (ARMED, 1), (CONFIRMED, 1), (ARMED, 2), (CONFIRMED, 2)
    ]  # fmt: skip
    assert found[2].evidence["p1"] >= 1040
    assert found[2].ts_known - found[1].ts_known >= PERP.refractory_ns


def test_a_lost_book_ends_the_episode() -> None:
    scene = warmed()
    run_up(scene)
    scene.lose_book()
    scene.tick(10)
    scene.snapshot()
    scene.tick(10)
    assert phases(exhaustions(scene)) == [(ARMED, ""), (REJECTED, "valid book")]


def test_without_a_book_nothing_is_armed() -> None:
    scene = warmed()
    scene.lose_book()
    thin_out(scene, run_up(scene))
    scene.tick(40)
    assert exhaustions(scene) == []


def quiet_dip() -> Scene:
    """A run down to below the bid, which sellers leave alone afterwards."""
    scene = warmed()
    for i in range(14):
        scene.trade(BID - i, 25 + i, -1)
        scene.tick()
    scene.tick(50)
    return scene


def strong() -> Scene:
    scene = warmed()
    extreme = run_up(scene)
    scene.trade(extreme, 1, -1)
    scene.tick(12)
    scene.trade(extreme + 1, 400, 1)
    scene.tick(40)
    return scene


@pytest.mark.parametrize("make", [quiet_run, quiet_dip, strong])
def test_a_mirrored_tape_gives_mirrored_signals(make: Callable[[], Scene]) -> None:
    scene = make()
    rows = signals_of(scene.events(), pipeline_of())
    other = signals_of(scene.events(mirror=True), pipeline_of())
    assert rows.size > 0
    turned = other.copy()
    turned["side"] *= -1
    turned["direction"] *= -1
    turned["low"], turned["high"] = -other["high"], -other["low"]
    for name in ("p0", "p1", "run_delta"):
        j = list(read_signals(rows[:1])[0].evidence).index(name)
        turned["evidence"][:, j] *= -1
    for field in SIGNAL.names or ():
        np.testing.assert_array_equal(turned[field], rows[field], field)
