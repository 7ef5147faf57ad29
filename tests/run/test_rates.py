"""`aggressor rates`: counts are those of the signals, verdicts those of the interval."""

import pytest

from aggressor.run.studies.rates import rate_interval, verdict
from aggressor.schema.signal import SIGNAL_NAMES
from tests.made import cached_beside, command, document, made

MICRO = ("--profile", "micro")


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


@pytest.mark.parametrize(
    ("count", "days", "low", "high"),
    [(0, 1.0, 0.0, 3.689), (10, 1.0, 4.795, 18.390), (10, 2.0, 2.398, 9.195)],
)
def test_the_interval_is_nearly_the_exact_one_of_garwood(count, days, low, high):
    assert rate_interval(count, days) == pytest.approx((low, high), abs=0.025)


@pytest.mark.parametrize(
    ("count", "days", "said"),
    [
        (0, 1.0, "below"),
        (0, 0.5, "not enough data"),
        (10, 1.0, "not enough data"),
        (20, 1.0, "in"),
        (60, 1.0, "not enough data"),
        (100, 1.0, "above"),
    ],
)
def test_the_verdict_is_of_the_whole_interval(count, days, said):
    assert verdict(*rate_interval(count, days)) == said


def test_episodes_and_near_misses_are_those_of_the_signals(capsys):
    rows = document(capsys, "signals", *MICRO, "--near-misses")
    found = document(capsys, "rates", *MICRO)
    assert [row["detector"] for row in found["detectors"]] == [
        name for name in SIGNAL_NAMES.values() if name != "wall"
    ]
    assert found["hours"] > 0
    for row in found["detectors"]:
        said = [one for one in rows["signals"] if one["kind"] == row["detector"]]
        near = [one for one in rows["near_misses"] if one["kind"] == row["detector"]]
        assert row["confirmed"] <= len(said)
        assert (row["confirmed"] == 0) == (not said)
        assert row["near_misses"] <= len(near)
        assert set(row["failed"]) <= {one["failed"] for one in near}
        assert row["per_day"] == pytest.approx(24 * row["confirmed"] / found["hours"])
        assert row["verdict"] == "not enough data"  # of an hour nothing is told
    assert any(row["confirmed"] for row in found["detectors"])


def test_the_table_names_detectors_and_verdicts(capsys):
    one = made()
    code, out, _ = command(capsys, "rates", one.store, "--instrument", one.id, *MICRO)
    assert code == 0
    assert "exhaustion" in out
    assert "not enough data" in out
