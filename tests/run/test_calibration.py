"""`aggressor calibrate`: the search finds a planted rate; what it writes is what it measured."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from aggressor.detectors.thresholds import read_thresholds, thresholds_of, values_of
from aggressor.run.studies import calibration, rates
from aggressor.run.studies.calibration import STEPS, Search, calibrate
from aggressor.run.studies.rates import rate_interval, verdict
from aggressor.schema.errors import ConfigError
from tests.made import cached_beside, command, document, made

DAYS = 2.0
GOAL = (5.0, 50.0)
MICRO = ("--profile", "micro")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    cached_beside(monkeypatch)


def rate(a_day: float) -> dict[str, Any]:
    count = round(a_day * DAYS)
    interval = rate_interval(count, DAYS)
    return {
        "confirmed": count,
        "per_day": count / DAYS,
        "per_day_interval": interval,
        "verdict": verdict(*interval),
    }


def searched(planted: Any) -> Search:
    """Run a search where a place has the rate `planted(place)`."""
    one = Search("pull", values_of(thresholds_of("micro").pull), GOAL)
    while (place := one.following()) is not None:
        assert place not in one.tried
        one.note(place, rate(planted(place)))
    assert len(one.tried) <= 5
    return one


@pytest.mark.parametrize("at_profile", [0.5, 2.0, 200.0, 1_000.0])
def test_a_planted_rate_is_found(at_profile: float) -> None:
    """Each step of looseness multiplies the rate by 1.7: the goal is a few steps away."""
    one = searched(lambda place: at_profile * 1.7**place)
    place = one.chosen()
    assert place is not None
    assert one.tried[place]["verdict"] == "in"
    assert one.state() == "in the goal"
    assert (place > 0) == (at_profile < 16)


def test_what_is_in_the_goal_is_left_alone() -> None:
    one = searched(lambda place: 15.0)
    assert list(one.tried) == [0]
    assert (one.chosen(), one.state()) == (0, "already in the goal")
    assert one.at(0) == {name: one.values[name] for name in ("size_ppm", "cancelled_share")}


@pytest.mark.parametrize(
    ("planted", "state"),
    [
        (lambda place: 0.0, "below the goal at the widest value"),
        (lambda place: 900.0, "above the goal at the narrowest value"),
        (lambda place: 0.0 if place < 3 else 900.0, "between two values"),
    ],
)
def test_where_no_value_reaches_the_goal_the_profile_stays(planted: Any, state: str) -> None:
    one = searched(planted)
    assert one.chosen() is None
    assert one.state() == state


def test_a_jump_over_the_goal_is_looked_into_to_the_last_step() -> None:
    one = searched(lambda place: 0.0 if place < 3 else 900.0)
    assert set(one.tried) == {0, 8, 4, 2, 3}


def test_an_interval_wider_than_the_goal_is_said_to_be_one() -> None:
    one = searched(lambda place: 6.0)
    assert one.chosen() in (0, STEPS, STEPS // 2)
    assert one.state() == "estimate in the goal"


def test_the_nearest_to_the_profile_is_chosen_of_those_in_the_goal() -> None:
    one = searched(lambda place: 2.0)
    for place in (6, 3):
        one.note(place, rate(16.0))
    assert one.chosen() == 3


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the minutes of the made store be enough."""
    for module in (rates, calibration):
        monkeypatch.setattr(module, "LEAST_DAYS", 0.0)


def test_what_is_written_is_what_was_measured(
    short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.toml"
    found = document(capsys, "calibrate", *MICRO, "--goal", "150..20000", "--out", out)
    turned = {one["detector"]: one for one in found["detectors"] if one["looseness"]}
    assert turned
    tables = tomllib.loads(out.read_text())
    assert tables.pop("profile") == found["profile"] == "micro"
    assert tables == {name: one["values"] for name, one in turned.items()}
    assert read_thresholds(out, "micro") == tables == found["thresholds"]
    again = document(capsys, "rates", *MICRO, "--thresholds", out)
    measured = {one["detector"]: one for one in again["detectors"]}
    for one in found["detectors"]:
        after = measured[one["detector"]]
        for name in ("confirmed", "per_day", "per_day_interval"):
            assert one["after"][name] == after[name]
        assert one["before"]["confirmed"] == one["trials"][0]["confirmed"]
        assert one["trials"][0]["looseness"] == 0.0
        assert len({trial["params"] for trial in one["trials"]}) == len(one["trials"]) <= 5
    text = out.read_text()
    assert f"aggressor score --thresholds {out}" in text
    assert found["store"] in text
    assert all(one["state"] in text for one in found["detectors"])


def test_a_base_is_kept_under_what_is_turned(short: None, tmp_path: Path) -> None:
    one, out = made(), tmp_path / "mine.toml"
    base = {"wall": {"z_min": 4.5}, "stacking": {"rows_min": 2}}
    found = calibrate(one.store, one.id, out, goal=(4e5, 5e5), profile="micro", thresholds=base)
    assert not any(row["looseness"] for row in found["detectors"])
    assert read_thresholds(out, "micro") == base


def test_of_minutes_nothing_is_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.toml"
    one = made()
    code, printed, _ = command(
        capsys, "calibrate", one.store, "--instrument", one.id, *MICRO, "--out", out
    )
    assert code == 0
    assert printed.count("not enough data") >= 11
    assert tomllib.loads(out.read_text()) == {"profile": "micro"}


def test_what_cannot_be_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = made()
    with pytest.raises(ConfigError, match="two rates a day"):
        calibrate(one.store, one.id, tmp_path / "x.toml", goal=(50.0, 5.0))
    with pytest.raises(ConfigError, match="make it first"):
        calibrate(one.store, one.id, tmp_path / "none" / "x.toml")
    words = ("calibrate", one.store, "--instrument", one.id, "--out", tmp_path / "x.toml")
    code, _, err = command(capsys, *words, "--goal", "some")
    assert code == 2
    assert "write LOW..HIGH" in err
