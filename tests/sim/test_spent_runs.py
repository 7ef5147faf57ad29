"""Spent runs of the background, on prints made by hand."""

import numpy as np
import pytest

from aggressor.schema.event import TRADE, empty_events
from aggressor.schema.signal import CONFIRMED, EXHAUSTION, empty_signals
from aggressor.sim.synthetic.labels import came_about
from aggressor.sim.synthetic.scoring import score_signals
from aggressor.sim.synthetic.spent_runs import SPENT_RUN, SpentRuns

S = 1_000_000_000
START = 1_700_000_000 // 60 * 60
QUIET_S = 1200
RUN_S = 15
RUN = [(1000 + 2 * i, 40) for i in range(1, RUN_S + 1)]  # one second each: price, lots bought
TOP = 1030


def tape(after, run=RUN, direction=1):
    """Twenty minutes of one lot a second back and forth within 4 ticks, the run, what follows."""
    quiet = [(1000 + (i // 7) % 5, 1 if i % 2 else -1) for i in range(QUIET_S)]
    steps = [*quiet, *run, *after]
    events = empty_events(len(steps))
    for second, (row, (price, lots)) in enumerate(zip(events, steps, strict=True)):
        row["kind"], row["ts_venue"] = TRADE, (START + second) * S
        row["price"] = 10_000 + direction * price
        row["size"], row["side"] = abs(lots), direction * (1 if lots > 0 else -1)
    return events


def found(after, run=RUN, direction=1, chunks=1):
    seen = SpentRuns()
    for part in np.array_split(tape(after, run, direction), chunks):
        seen.take(part)
    return seen.labels()


DOWN = [(TOP - i, -2) for i in range(1, 14)]


@pytest.mark.parametrize("direction", [1, -1])
def test_a_run_that_gave_back_before_a_new_extreme_is_one(direction):
    (label,) = found(DOWN, direction=direction)
    ends = sorted(10_000 + direction * price for price in (1000, TOP))
    assert (label.kind, label.direction, [label.low, label.high]) == (SPENT_RUN, direction, ends)
    top_ns = (START + QUIET_S + RUN_S - 1) * S
    assert label.start_ns == top_ns - 1 * S  # two ticks before it
    assert label.stop_ns == top_ns + 61 * S
    assert label.count == 30
    assert label.injected_lots == pytest.approx(40 * RUN_S, abs=2)
    assert not came_about(label)


def test_it_is_known_only_afterwards():
    assert found(DOWN[:11]) == []
    (later,) = found([*DOWN[:5], (TOP + 4, 1), *DOWN])  # it went on first: this is its extreme
    assert later.start_ns == (START + QUIET_S + RUN_S + 5) * S
    (near,) = found([*DOWN[:5], (TOP + 1, 1), *DOWN])  # it went on, by no more than zones differ
    assert (near.start_ns, near.high) == ((START + QUIET_S + RUN_S - 2) * S, 10_000 + TOP + 1)
    assert len(found([*DOWN[:5], (TOP, 1), *DOWN])) == 1  # to the extreme again, not beyond


def test_a_short_a_two_sided_and_a_thin_run_are_none():
    short = [(1000 + i // 2, 40) for i in range(RUN_S)]
    assert found([(1007 - i, -2) for i in range(1, 8)], short) == []
    both = [(price, lots if i % 2 else -lots) for i, (price, lots) in enumerate(RUN)]
    assert found(DOWN, both) == []
    loud = [(1000 + i % 3, -60 if (i // 60) % 2 else 60) for i in range(600)]
    assert found(DOWN, [*loud, *RUN]) == []  # such deltas are the rule here


def test_it_does_not_matter_where_the_tape_was_cut():
    assert found(DOWN, chunks=7) == found(DOWN)
    assert SpentRuns().labels() == []


def test_it_explains_only_who_argues_against_the_run_until_it_is_over():
    rows = empty_signals(4)
    rows["kind"], rows["phase"], rows["episode"] = EXHAUSTION, CONFIRMED, [1, 2, 3, 4]
    rows["side"], rows["direction"] = 1, [-1, 1, -1, -1]
    rows["low"] = rows["high"] = 10_000 + TOP
    top = START + QUIET_S + RUN_S - 1
    known = [(top + 2) * S, (top + 2) * S, (top - 3) * S, (top + 70) * S]
    rows["ts_confirmed"] = rows["ts_known"] = known
    one = score_signals(rows, found(DOWN))[EXHAUSTION]
    assert (one.injected, one.found, one.explained, one.false) == (0, 0, 1, 3)
