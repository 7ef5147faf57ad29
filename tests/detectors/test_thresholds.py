"""Thresholds: read strictly, put on a profile, named by their hash in every signal; their knobs."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.detectors.knobs import KNOBS
from aggressor.detectors.outbox import params_hash
from aggressor.detectors.ranges import FIXED, limits_of
from aggressor.detectors.thresholds import (
    Thresholds,
    changes_in,
    read_thresholds,
    thresholds_of,
    values_of,
)
from aggressor.engine.parts import new_parts
from aggressor.features.bars import bar_spec
from aggressor.features.parameters import PROFILES
from aggressor.features.series import BarSeries
from aggressor.schema.errors import ConfigError
from aggressor.sim.synthetic.presets import demo_instrument


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("detector", Thresholds._fields)
def test_a_profile_lies_within_the_ranges(profile: str, detector: str) -> None:
    for name, value in values_of(getattr(thresholds_of(profile), detector)).items():
        if name not in FIXED.get(detector, ()) and not isinstance(value, bool):
            low, high = limits_of(detector, name, value)
            assert low <= value <= high


def test_what_is_named_is_changed_and_nothing_else() -> None:
    plain = thresholds_of("micro")
    found = thresholds_of("micro", {"pull": {"size_ppm": 950_000}, "wall": {"z_min": 4}})
    assert found.pull.size_ppm == 950_000
    assert found.wall.z_min == 4.0
    assert values_of(found.pull) | {"size_ppm": plain.pull.size_ppm} == values_of(plain.pull)
    assert found._replace(pull=plain.pull, wall=plain.wall) == plain


def test_values_get_their_type_so_that_equal_thresholds_have_one_hash() -> None:
    (read,) = changes_in({"absorption": {"range_ratio": 1}}).values()
    assert isinstance(read["range_ratio"], float)
    assert thresholds_of("perp", {"absorption": {"range_ratio": 1}}) == thresholds_of("perp")


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"absorbtion": {}}, "absorbtion is not known; allowed here: exhaustion, absorption"),
        ({"pull": {"size": 3}}, "pull.size is not known; allowed here: far_ticks"),
        ({"pull": {"size_ppm": "much"}}, "pull.size_ppm = 'much': Expected `int`, got `str`"),
        ({"pull": {"size_ppm": True}}, "pull.size_ppm = True: Expected `int`, got `bool`"),
        ({"pull": {"size_ppm": 1_000_000}}, "pull.size_ppm = 1000000: Expected `int` <= 999999"),
        ({"pull": {"cancelled_share": math.nan}}, "pull.cancelled_share = nan"),
        ({"pull": 5}, "pull is a table of settings, not 5"),
        ({"absorption": {"window_ns": 10**12}}, "absorption.window_ns = 1000000000000: Expected"),
        ({"cascade": {"window_ns": 10**9}}, "cascade.window_ns is not known"),
        ({"wall": {"tens_ticks": 10}}, "wall.tens_ticks is not known"),
        ({"pull": {"life_min_ns": 10**12}}, "pull.life_min_ns = 1000000000000 is above pull.life"),
    ],
)
def test_what_cannot_be_says_where_and_what_is_allowed(tables: Any, words: str) -> None:
    with pytest.raises(ConfigError) as trouble:
        thresholds_of("micro", tables, "mine.toml")
    assert str(trouble.value).startswith(f"mine.toml: {words}")


def test_there_are_two_profiles() -> None:
    with pytest.raises(ConfigError, match="no profile 'mini'; there is perp, micro"):
        thresholds_of("mini")


def test_a_file_is_read_for_the_profile_it_was_made_for(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('profile = "micro"\n[stacking]\nratio = 2.5\nzero_as_one = false\n')
    assert read_thresholds(None, "perp") == {}
    assert read_thresholds(file, "micro") == {"stacking": {"ratio": 2.5, "zero_as_one": False}}
    with pytest.raises(ConfigError, match="say --profile micro"):
        read_thresholds(file, "perp")
    file.write_text("[stacking\n")
    with pytest.raises(ConfigError, match=r"mine\.toml is no TOML: .*line 1"):
        read_thresholds(file, "micro")
    with pytest.raises(ConfigError, match=r"gone\.toml cannot be read"):
        read_thresholds(tmp_path / "gone.toml", "micro")


@pytest.mark.parametrize(
    ("detector", "field", "value"),
    [
        ("exhaustion", "run_range", 1.5),
        ("absorption", "quantile_ppm", 950_000),
        ("iceberg", "volume_ratio", 2.0),
        ("pull", "size_ppm", 950_000),
        ("vacuum", "low_ppm", 9_000),
        ("push_through", "size_ppm", 950_000),
        ("stop_run", "volume_ratio", 2.0),
        ("cascade", "fall", 0.003),
        ("trapped", "volume_ppm", 800_000),
        ("divergence", "near", 4.0),
        ("stacking", "ratio", 2.5),
        ("wall", "z_min", 4.0),
    ],
)
def test_the_pipeline_carries_the_threshold_and_its_hash(
    detector: str, field: str, value: Any
) -> None:
    one = demo_instrument()
    bars = [BarSeries(0, bar_spec("1m", one))]
    plain = new_parts([one], bars, profile="micro")
    pipe = new_parts([one], bars, profile="micro", thresholds={detector: {field: value}})
    for name in Thresholds._fields:
        part = "wall_signals" if name == "wall" else name
        before, after = (_hash_of(getattr(each, part)) for each in (plain, pipe))
        assert (before != after) == (name == detector)
    carried = {
        "stacking": lambda: pipe.zones.parameters,
        "wall": lambda: pipe.walls.parameters,
    }.get(detector, lambda: _rows_of(getattr(pipe, detector)))()
    assert carried[0][field] == value


def _rows_of(state: Any) -> Any:
    return state.parameters if hasattr(state, "parameters") else state.params


def _hash_of(state: Any) -> int:
    head: np.ndarray[Any, Any] = state.head if "hash" in state.head.dtype.names else state.params
    return int(head[0]["hash"])


def test_the_hash_is_that_of_the_record() -> None:
    one = demo_instrument()
    bars = [BarSeries(0, bar_spec("1m", one))]
    changes = {"vacuum": {"low_ppm": 9_000}}
    pipe = new_parts([one], bars, profile="micro", thresholds=changes)
    record = thresholds_of("micro", changes).vacuum
    assert _hash_of(pipe.vacuum) == params_hash(values_of(record))


KNOB_LIST = [(detector, knob) for detector, knobs in KNOBS.items() for knob in knobs]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("detector", "knob"), KNOB_LIST)
def test_a_knob_turns_from_its_strict_end_over_the_profile_to_its_loose_end(
    profile: str, detector: str, knob: Any
) -> None:
    value = values_of(getattr(thresholds_of(profile), detector))[knob.name]
    assert knob.at(0.0, value) == value
    assert knob.at(1.0, value) == knob.loose
    assert knob.at(-1.0, value) == knob.strict
    way = [knob.at(step / 8, value) for step in range(-8, 9)]
    sign = 1 if knob.loose > knob.strict else -1
    assert all(sign * (after - before) >= 0 for before, after in pairwise(way))
    assert min(knob.strict, knob.loose) < value < max(knob.strict, knob.loose)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("looseness", [-1.0, -0.5, 0.5, 1.0])
def test_every_place_of_the_knobs_is_a_set_of_thresholds(profile: str, looseness: float) -> None:
    plain = thresholds_of(profile)
    changes = {
        detector: {
            knob.name: knob.at(looseness, values_of(getattr(plain, detector))[knob.name])
            for knob in knobs
        }
        for detector, knobs in KNOBS.items()
    }
    found = thresholds_of(profile, changes)
    assert all(getattr(found, name) != getattr(plain, name) for name in KNOBS)


def test_half_way_is_the_geometric_mean_and_of_a_quantile_that_of_its_tail() -> None:
    size, share = KNOBS["pull"]
    assert size.at(1.0, 990_000) == 900_000
    assert size.at(0.5, 990_000) == 1_000_000 - round(math.sqrt(10_000 * 100_000))
    assert share.at(0.5, 0.8) == pytest.approx(math.sqrt(0.8 * 0.6), rel=1e-5)


def test_a_value_beyond_an_end_is_not_turned_back() -> None:
    size, _ = KNOBS["pull"]
    assert size.at(0.5, 850_000) == 850_000
    assert 850_000 < size.at(-0.5, 850_000) < 999_000
