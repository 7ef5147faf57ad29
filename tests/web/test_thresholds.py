"""What the evidence card says that numbers were held against, against what detectors decided."""

import math
from collections import defaultdict
from typing import Any

import pytest

from aggressor.engine.reading import CONDITION_NAMES, EVIDENCE_NAMES
from aggressor.run.desk.course import Course
from aggressor.run.desk.markets import synthetic_market, synthetic_settings
from aggressor.schema.signal import SIGNAL_NAMES
from aggressor.web.hub import Hub
from aggressor.web.protocol import Kind, read_frames, read_json
from aggressor.web.thresholds import RULES, parameters_of

SPAN_S = 900


@pytest.fixture(scope="module")
def course() -> Course:
    market = synthetic_market(1)
    one = Course(market, synthetic_settings(""), Hub(dict.fromkeys(Kind, 10_000)), dict)
    one.run_to(market.span_ns[0] + SPAN_S * 10**9, math.inf)
    return one


@pytest.fixture(scope="module")
def told(course: Course) -> list[dict[str, Any]]:
    (ring,) = [
        ring for at, ring in course.picture.hub.rings.items() if at.kind is Kind.SIGNAL
    ]  # fmt: skip
    frames = [one for made in ring.frames for one in read_frames(made)]
    return [one for head, body in frames for one in read_json(head, body)]


def _holds(rules: list[dict[str, Any]], unknown: bool) -> bool:
    """Whether one way of a condition is met, numbers that are not known counted as asked."""
    ways = defaultdict(list)
    for one in rules:
        ways[one["way"]].append(unknown if one["passed"] is None else one["passed"])
    return any(all(passed) for passed in ways.values())


def test_every_rule_reads_what_its_detector_has(course: Course):
    pipe = course.engine.pipeline
    assert set(RULES) == set(SIGNAL_NAMES)
    for kind, rules in RULES.items():
        parameters = parameters_of(pipe, kind, 0)
        for rule in rules:
            named = {one for one in (rule.measure, rule.of, rule.plus) if one}
            assert named <= set(EVIDENCE_NAMES[kind]), (SIGNAL_NAMES[kind], rule)
            assert not rule.parameter or rule.parameter in parameters.dtype.names, rule


def test_the_numbers_say_what_the_detectors_said(told: list[dict[str, Any]]):
    confirmed: set[tuple[str, int]] = set()
    kinds: dict[tuple[str, str], int] = defaultdict(int)
    for one in told:
        by = defaultdict(list)
        for rule in one["rules"]:
            by[rule["condition"]].append(rule)
        episode = one["kind"], one["episode"]
        ended = episode in confirmed  # its numbers are those of its confirmation
        if one["phase"] == "confirmed":
            confirmed.add(episode)
            for condition, rules in by.items():
                assert _holds(rules, unknown=True), (one["kind"], condition, rules)
        elif one["failed"]:
            assert any(rule["failed"] for rule in by[one["failed"]])
            if not ended and any(rule["measure"] for rule in by[one["failed"]]):
                assert not _holds(by[one["failed"]], unknown=False), (one["kind"], one["failed"])
        kinds[one["kind"], one["phase"]] += 1
    for kind in ("pull", "push_through", "iceberg", "wall"):
        assert kinds[kind, "confirmed"] > 0, kind
    assert kinds["pull", "rejected"] > 20


def test_every_condition_is_a_line_and_only_the_failed_one_is_marked(told: list[dict[str, Any]]):
    numbers = {name: number for number, name in SIGNAL_NAMES.items()}
    for one in told:
        said = {rule["condition"] for rule in one["rules"]}
        if one["kind"] != "wall":
            assert {name for name in CONDITION_NAMES[numbers[one["kind"]]] if name} <= said
        assert {rule["condition"] for rule in one["rules"] if rule["failed"]} == (
            {one["failed"]} if one["failed"] else set()
        )
        for rule in one["rules"]:
            known = rule["value"] is not None and rule["threshold"] is not None
            assert known or rule["passed"] is None or rule["measure"] is None
