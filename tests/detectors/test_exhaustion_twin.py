"""Exhaustion against its twin: small windows, random stretches up and down, every row."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aggressor.detectors.exhaustion import (
    CONDITIONS,
    EVIDENCE,
    PERP,
    exhaustion_state,
    judge,
    on_flow,
)
from aggressor.detectors.exhaustion_records import ExhaustionState
from aggressor.detectors.outbox import Outbox, drain, new_outbox
from aggressor.features.fade import FADE_NO, FADE_PROFILES, FADE_YES, FadeState, fade_state
from aggressor.kernel import kernel
from aggressor.schema.event import EVENT
from aggressor.schema.signal import PHASE_NAMES
from tests.detectors.scene import MS, START_NS, STEP_NS
from tests.naive import exhaustion as twin
from tests.searching import examples

RULE = twin.Rule(
    lengths=tuple(n * STEP_NS for n in (4, 8, 16, 32)), quantiles=(6, 9, 13, 18), least=4.0,
    chance=0.0, share=0.3, fresh=3 * STEP_NS, still=8 * STEP_NS, auction=4 * STEP_NS, strong=0.7,
    top_row=0.4, refractory=6 * STEP_NS, patience=12 * STEP_NS, row_ticks=1,
)  # fmt: skip
PRINTS = st.lists(
    st.tuples(
        st.sampled_from((0, 0, 1, 1, 1, 2, -1)),  # ticks further along
        st.sampled_from((1, 1, 2, 5, 9)),
        st.sampled_from((1, 1, 1, 1, -1)),  # with the way it goes, or against it
    ),
    max_size=3,
)
FADES = st.tuples(st.booleans(), st.sampled_from((1, 7, 9)))
# the way a stretch goes, its steps, whether delta may fade in it, the step without a valid book
STRETCHES = st.tuples(
    st.sampled_from((1, -1)),
    st.lists(st.tuples(PRINTS, FADES, FADES), min_size=1, max_size=18),
    st.booleans(),
    st.integers(0, 40),
)


@kernel
def _drive(
    state: ExhaustionState, outbox: Outbox, fade: FadeState, events: Any, now: int, valid: bool,
    tick: int, atr_ticks: float,
) -> None:  # fmt: skip
    for i in range(events.size):
        on_flow(state, 0, events[i])
    judge(state, outbox, fade, 0, now, valid, tick, atr_ticks, False)


def small_state(rule: twin.Rule) -> ExhaustionState:
    """An exhaustion of seconds, whose usual deltas are known and stand still."""
    params = PERP._replace(
        run_window_ns=rule.lengths[-1], run_effective_ticks=4, still_ns=rule.still,
        auction_ns=rule.auction, top_row_share=rule.top_row, fresh_ns=rule.fresh,
        refractory_ns=rule.refractory, patience_ns=rule.patience,
    )  # fmt: skip
    state = exhaustion_state(1, params, 0.0, STEP_NS)
    hours = state.run.hours
    hours.head["samples_min"] = hours.head["unknown_ns"] = 0
    hours.head["samples"] = 1000
    for n, lots in enumerate(rule.quantiles):
        hours.counts[n, lots] = hours.groups[n, lots // 64] = 1000
    return state


@examples(40)
@given(
    st.lists(STRETCHES, min_size=1, max_size=4),
    st.sampled_from((-1.0, 3.0, 20.0)),
    st.sampled_from((1, 1, 2)),
)
def test_rows_are_those_of_the_twin(stretches: list[Any], atr_ticks: float, tick: int) -> None:
    rule = replace(
        RULE, least=max(4.0 * tick, atr_ticks), chance=2.0 * max(atr_ticks, 0.0), row_ticks=tick
    )
    state, outbox, fade = small_state(rule), new_outbox(), fade_state(1, FADE_PROFILES["perp"])
    price, now, steps, rows = 1000, START_NS, [], []
    for way, parts, fades, broken in stretches:
        for n, (prints, up, down) in enumerate(parts):
            taken = []
            for at, (ticks, lots, along) in enumerate(prints):
                price += way * ticks
                taken.append((now + (at + 1) * MS, price, lots, way * along))
            now += STEP_NS
            fading = fades and up[0], fades and down[0]
            step = twin.Step(now, tuple(taken), n != broken, fading, (up[1], down[1]), (10, 10))
            steps.append(step)
            for side, dying, current in zip(fade.sides[0], step.fading, step.current, strict=True):
                side["fading"], side["current"] = FADE_YES if dying else FADE_NO, current
                side["peak"] = 10
            events = np.zeros(len(taken), EVENT)
            for event, (ts, at_price, lots, side) in zip(events, taken, strict=True):
                event["ts_recv"], event["ts_venue"] = ts, ts
                event["price"], event["size"], event["side"] = at_price, lots, side
            _drive(state, outbox, fade, events, now, step.valid, tick, atr_ticks)
            rows += list(drain(outbox))
    place = [EVIDENCE.index(name) for name in ("p0", "p1", "run_delta", "run_volume")]
    found = []
    for row in rows:
        start, extreme, delta, volume = (int(row["evidence"][at]) for at in place)
        side = int(row["side"])
        what = int(row["ts_known"]), side, PHASE_NAMES[int(row["phase"])]
        failed = CONDITIONS[row["failed"]]
        found.append(twin.Row(*what, failed, start, extreme, side * delta, volume))
    assert found == twin.exhaustions(steps, rule)
