"""Scoring end to end on very short markets: the shape of the document, and where signals come
from."""

import msgspec
import numpy as np
import pytest

from aggressor.run.studies import score as scoring_runs
from aggressor.run.studies.score import FAMILIES, SINGLE, score, signals_over
from aggressor.schema.errors import ConfigError
from aggressor.schema.signal import CONFIRMED, EXHAUSTION, WALL
from aggressor.sim.synthetic import presets
from aggressor.sim.synthetic.config import DIFFICULTIES, SCENARIO_KINDS
from aggressor.store.replay import replay_of
from tests.properties.tapes import instruments, market

KEYS = {
    "detector",
    "difficulty",
    "injected",
    "found",
    "false",
    "precision",
    "recall",
    "delay_ms_p50",
}


@pytest.fixture(scope="module")
def document():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring_runs, "SCORED_WARMUP_S", 45.0)
        patch.setattr(presets, "SCORED_WARMUP_S", 45.0)
        steps = []
        made = score(3, 0.02, lambda doing, share: steps.append((doing, share)))
    assert steps[-1] == ("scoring", 1.0)
    shares = [share for _, share in steps]
    assert shares == sorted(shares)
    return made


def test_every_kind_is_in_one_family():
    kinds = [kind for family in FAMILIES.values() for kind in family] + list(SINGLE)
    assert sorted(kinds) == sorted(SCENARIO_KINDS)


def test_the_document_lists_every_detector_and_difficulty(document):
    assert (document["seed"], document["hours"]) == (3, 0.02)
    rows = document["detectors"]
    assert len(rows) == len(SCENARIO_KINDS) * len(DIFFICULTIES)
    assert len({(row["detector"], row["difficulty"]) for row in rows}) == len(rows)
    for row in rows + document["martingale"]:
        assert row.keys() >= KEYS
        assert 0 <= row["found"] <= row["injected"]
        assert (row["recall"] is None) == (row["injected"] == 0)
    for row in document["null"]:
        assert row["market"] in ("poisson", "martingale", "lively")
        assert row["alarms_per_hour"] >= 0
    assert len(document["null"]) == 3 * len(SCENARIO_KINDS)
    assert sum(row["injected"] for row in rows) >= 6


def test_a_detector_that_writes_nothing_is_not_built(document):
    for row in document["detectors"] + document["null"]:
        if row.get("status") == "not built":
            assert row.get("found", 0) == 0
            assert row.get("false", 0) == 0
    assert scoring_runs._status(EXHAUSTION, {EXHAUSTION}) == {}
    assert scoring_runs._status(EXHAUSTION, {WALL}) == {"status": "not built"}


def test_a_single_market_counts_from_its_scenario_and_ends_behind_it():
    plan = [tape for _, _, tape in scoring_runs._plan(5, 1.0)]
    tape = next(one for one in plan if one.name == "easy absorption")
    (quick,) = [
        msgspec.structs.replace(tape.config, warmup_s=20.0, burn_in_s=5.0) for _ in range(1)
    ]
    judged = scoring_runs._judge(tape._replace(config=quick))
    (label,) = [one for one in judged.labels if one.kind == "absorption"]
    assert judged.since_ns == label.start_ns == quick.start_ns + 20 * 10**9
    last = judged.signals["ts_known"].max()
    assert label.stop_ns < last < label.stop_ns + 60 * 10**9


def test_hours_must_be_above_zero():
    with pytest.raises(ConfigError, match="hours"):
        score(1, 0.0)


def test_signals_do_not_depend_on_how_the_events_are_cut():
    (instrument,) = instruments()
    events = replay_of([market(1, 8.0)]).poll(1 << 22)
    whole = signals_over(instrument, [events])
    cuts = np.random.default_rng(2).integers(0, events.size, 40)
    parts = signals_over(instrument, np.split(events, np.sort(cuts)))
    assert whole.tobytes() == parts.tobytes()  # evidence may hold nan
    assert np.count_nonzero(whole["phase"] == CONFIRMED) > 0
    assert np.all(np.diff(whole["ts_known"]) >= 0)


def test_seeds_of_tapes_are_their_own():
    plans = [list(scoring_runs._plan(seed, 0.5)) for seed in (1, 2)]
    seeds = [tape.config.seed for plan in plans for _, _, tape in plan]
    assert len(set(seeds)) == len(seeds)
    assert [tape for _, _, tape in plans[0]] == [tape for _, _, tape in scoring_runs._plan(1, 0.5)]
