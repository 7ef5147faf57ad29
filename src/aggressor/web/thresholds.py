"""What each number of a signal was held against: value, threshold, and whether it passed.

One table for all kinds names, for each condition of a detector, the evidence that it reads and the
bound: a parameter of the detector's own record, another piece of evidence (a quantile that was
frozen into it), or both multiplied. Nothing is decided again: whether a signal was confirmed, and
which condition failed, is the detector's word. A bound that is a quantile of a baseline is told
apart to 1/64, as the baseline does.

A condition without a number (a valid book, a level that is gone) is a line without one. Units are
those of the evidence it is held against: ticks, lots, seconds, shares.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from aggressor.detectors.depletion import CANCELLED_MAX, REFILL_BELOW, TRADED_MIN
from aggressor.engine.parts import Pipeline
from aggressor.engine.reading import CONDITION_NAMES, Signal
from aggressor.schema import signal as kinds

NS = 1e-9
TOLD_APART = 1 / 64  # how finely a baseline knows sizes
Relation = Literal["at least", "at most", "below", "above"]


class Rule(NamedTuple):
    """One comparison: `measure` against parameter x `of` x `scale` + `plus`, where they are named.

    `way`: one of several that a condition may be met in; the rules of one way hold together.
    `signed`: the value counts in the direction of the signal's side. Without a measure it is said
    in words alone.
    """

    condition: str
    measure: str
    relation: Relation
    parameter: str = ""
    of: str = ""
    scale: float = 1.0
    plus: str = ""
    way: str = ""
    signed: bool = False


_TAKEN, _FADE, _REST = "enough taken", "delta fade", "thinning rows, stillness or finished auction"
_RUN, _SLOWER, _NEAR = "fast one-sided run", "slower flow or bounce", "approach or repetition"
_THIN, _FLOW, _BURST = "wide spread or gap", "forced flow", "clearing burst"
_CAME = "it came near, and was there"
_PRESSED = "aggression against them, or price well inside"

RULES: Mapping[int, tuple[Rule, ...]] = {
    kinds.EXHAUSTION: (
        Rule(_RUN, "run_ticks", "at least", of="run_threshold_ticks"),
        Rule(_RUN, "run_delta_share", "at least", "delta_share"),
        Rule(_RUN, "run_delta", "at least", of="run_delta_quantile", signed=True),
        Rule(_FADE, "delta_peak", "at least", of="delta_peak_quantile"),
        Rule(_FADE, "delta_ratio", "at most", "fade_ratio"),
        Rule(_REST, "rows_thinning", "at least", way="thinning"),
        Rule(_REST, "extreme_age_seconds", "at least", "still_ns", scale=NS, way="stillness"),
        Rule(_REST, "auction_finished", "at least", way="finished auction"),
    ),
    kinds.WALL: (
        Rule("much larger than its neighbours", "z", "at least", "z_min"),
        Rule("much larger than its neighbours", "ratio", "at least", "ratio_min"),
        Rule("stands long enough", "age_seconds", "at least", "age_ns", scale=NS),
    ),
    kinds.DIVERGENCE: (
        Rule("delta beyond chance", "cvd_change", "at least", of="cvd_needed"),
        Rule("location", "location_ticks", "at most", of="location_ticks_max"),
    ),
    kinds.STACKING: (
        Rule("enough adjacent rows", "rows", "at least", "rows_min"),
        Rule("enough adjacent rows", "ratio_min", "at least", "ratio"),
        Rule("difference at least the minimum", "difference_min", "at least", of="minimum_lots"),
    ),
    kinds.ABSORPTION: (
        Rule(_TAKEN, "hit", "at least", of="threshold_lots"),
        Rule(_TAKEN, "expected_ticks", "at least", "range_ratio", "range_ticks"),
        Rule("impact ratio", "impact_ratio", "at most", "impact_ratio"),
        Rule(_SLOWER, "rate_ratio", "at most", "rate_ratio", way="slower flow"),
        Rule(_SLOWER, "bounce_ticks", "at least", "bounce_ticks", "effective_tick", way="bounce"),
    ),
    kinds.ICEBERG: (
        Rule("refills", "refills", "at least", "refills_min"),
        Rule("traded over displayed", "traded_per_max", "at least", "volume_ratio"),
        Rule("cancelled share", "cancelled_share", "at most", "cancelled_share"),
    ),
    kinds.PULL: (
        Rule("cancelled share", "cancelled_share", "at least", "cancelled_share"),
        Rule("fill ratio", "fill_ratio", "at most", "fill_ratio"),
        Rule("larger than usual", "peak", "above", of="usual_size"),
        Rule("lifetime", "lifetime_seconds", "at least", "life_min_ns", scale=NS),
        Rule("lifetime", "lifetime_seconds", "at most", "life_max_ns", scale=NS),
        Rule(_NEAR, "min_distance_ticks", "at most", "near_ticks", "effective_tick", way=_CAME),
        Rule(
            _NEAR,
            "start_distance_ticks",
            "at least",
            "approach_ticks",
            "effective_tick",
            plus="min_distance_ticks",
            way=_CAME,
        ),
        Rule(_NEAR, "", "at most", way=_CAME),
        Rule(_NEAR, "repeats", "at least", "repeats_min", way="repetition"),
        Rule(_NEAR, "repeats_by_chance", "at most", "chance", way="repetition"),
        Rule("no book-wide pull", "others_gone", "below", "wide_walls"),
        Rule("no book-wide pull", "depth_loss_share", "below", "wide_depth"),
    ),
    kinds.VACUUM: (
        Rule("thin depth", "depth_ratio", "at most", "thin_ratio"),
        Rule("cancelled share of the loss", "cancelled_share", "at least", "cancelled_share"),
        Rule(
            _THIN, "spread_ticks", "at least", "spread_ratio", "spread_median_ticks", way="spread"
        ),
        Rule(_THIN, "gap_ticks", "at least", "gap_ticks", "effective_tick", way="gap"),
        Rule(_THIN, "gap_ticks", "above", of="gap_usual_ticks", way="gap"),
        Rule("thinner than usual", "depth", "below", of="depth_usual"),
    ),
    kinds.PUSH_THROUGH: (
        Rule("traded share", "traded_share", "at least", scale=TRADED_MIN),
        Rule("cancelled share", "cancelled_share", "at most", scale=CANCELLED_MAX),
        Rule("refill ratio", "refill_ratio", "below", scale=REFILL_BELOW),
        Rule(_BURST, "burst_lots", "at least", of="burst_quantile", way="burst"),
        Rule(_BURST, "order_lots", "at least", of="order_quantile", way="order"),
        Rule("eaten more than levels hold", "traded", "at least", of="size_quantile"),
    ),
    kinds.STOP_RUN: (
        Rule("overshoot within reach", "overshoot_ticks", "at most", of="overshoot_limit_ticks"),
        Rule("burst volume", "burst_ratio", "at least", "volume_ratio"),
        Rule("delta in break direction", "burst_delta", "above", scale=0.0, signed=True),
        Rule("small-order share", "small_share", "at least", "small_ratio", "small_share_usual"),
        Rule("back inside in time", "return_seconds", "at most", "return_ns", scale=NS),
    ),
    kinds.TRAPPED: (
        Rule("large volume beyond", "trapped_lots", "at least", of="trapped_quantile"),
        Rule(_PRESSED, "delta_against", "at least", of="delta_quantile", way="aggression"),
        Rule(_PRESSED, "inside_ticks", "above", of="inside_threshold_ticks", way="well inside"),
    ),
    kinds.CASCADE: (
        Rule("velocity", "velocity", "at least", "velocity"),
        Rule("depth ratio", "depth_ratio", "at most", "depth"),
        Rule(_FLOW, "forced_share", "at least", "share", way="stream"),
        Rule(_FLOW, "one_sided", "at least", "one_sided", way="stream"),
        Rule(_FLOW, "interest_change", "at most", "fall", scale=-1.0, way="interest"),
        Rule(_FLOW, "interest_fall_per_volume", "at least", "fall_per_volume", way="inferred"),
        Rule(_FLOW, "sweeps_in_a_row", "at least", "sweeps_min", way="inferred"),
        Rule(_FLOW, "beyond_mark_ticks", "above", scale=0.0, way="inferred"),
        Rule(_FLOW, "censored", "at least", way="stream at its limit"),
        Rule(_FLOW, "one_sided", "at least", "one_sided", way="stream at its limit"),
    ),
}


def parameters_of(pipe: Pipeline, kind: int, lane: int) -> Any:
    """Return the parameter record that a detector runs with on a lane."""
    states = {
        kinds.EXHAUSTION: pipe.exhaustion.params,
        kinds.WALL: pipe.walls.parameters,
        kinds.DIVERGENCE: pipe.divergence.params,
        kinds.STACKING: pipe.zones.parameters,
        kinds.ABSORPTION: pipe.absorption.parameters,
        kinds.ICEBERG: pipe.iceberg.parameters,
        kinds.PULL: pipe.pull.parameters,
        kinds.VACUUM: pipe.vacuum.parameters,
        kinds.PUSH_THROUGH: pipe.push_through.params,
        kinds.STOP_RUN: pipe.stop_run.params,
        kinds.TRAPPED: pipe.trapped.params,
        kinds.CASCADE: pipe.cascade.params,
    }
    return states[kind][lane]


def held_against(one: Signal, parameters: Any) -> list[dict[str, Any]]:
    """Return every condition of a signal as SIGNAL's `rules` has it.

    `passed` is None where a number is not known, or where none belongs to the condition and the
    detector did not say; `failed` marks the condition that the detector named.
    """
    found = [_line(rule, one, parameters) for rule in RULES[one.kind]]
    with_number = {rule.condition for rule in RULES[one.kind]}
    for condition in CONDITION_NAMES[one.kind]:
        failed = condition == one.failed
        ends = one.kind == kinds.WALL and not failed  # a wall's conditions are how it may end
        if condition and condition not in with_number and not ends:
            confirmed = one.phase == kinds.CONFIRMED
            found.append(
                _said(condition, passed=False if failed else True if confirmed else None)
                | {"failed": failed}
            )
    return found


def _said(condition: str, *, passed: bool | None) -> dict[str, Any]:
    return {
        "condition": condition,
        "measure": None,
        "value": None,
        "relation": None,
        "threshold": None,
        "way": "",
        "passed": passed,
    }


def _line(rule: Rule, one: Signal, parameters: Any) -> dict[str, Any]:
    if not rule.measure:
        return _said(rule.condition, passed=None) | {
            "way": rule.way,
            "failed": rule.condition == one.failed,
        }
    value, bound = _value(rule, one), _bound(rule, one, parameters)
    known = value == value and bound == bound
    loose = TOLD_APART if rule.of and not rule.parameter else 0.0
    return _said(rule.condition, passed=_passes(rule.relation, value, bound, loose)) | {
        "measure": rule.measure,
        "value": value if value == value else None,
        "relation": rule.relation,
        "threshold": bound if bound == bound else None,
        "way": rule.way,
        "failed": rule.condition == one.failed,
        **({} if known else {"passed": None}),
    }


def _value(rule: Rule, one: Signal) -> float:
    value = float(one.evidence[rule.measure])
    if one.kind == kinds.DIVERGENCE and rule.measure == "cvd_change":
        leans = 1 if one.evidence["hidden"] else -1  # what counts against the price's new extreme
        return value * leans * one.side
    return value * one.side if rule.signed else value


def _bound(rule: Rule, one: Signal, parameters: Any) -> float:
    bound = rule.scale
    if rule.parameter:
        bound *= float(parameters[rule.parameter])
    if rule.of:
        bound *= float(one.evidence[rule.of])
    return bound + float(one.evidence[rule.plus]) if rule.plus else bound


def _passes(relation: Relation, value: float, bound: float, loose: float) -> bool:
    if relation == "at least":
        return value >= bound - abs(bound) * loose
    if relation == "at most":
        return value <= bound + abs(bound) * loose
    return value < bound if relation == "below" else value > bound
