"""`--thresholds`: what is said changes with them, and a run that is kept replays with its own."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import aggressor as ag
from aggressor.detectors.outbox import params_hash
from aggressor.detectors.thresholds import thresholds_of, values_of
from aggressor.engine.parts import Pipeline
from aggressor.run.accounts.paper import JOURNAL
from aggressor.run.accounts.parity import assembly_of, parity
from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import backtest_of
from aggressor.run.backtests.kept_run import BACKTEST
from aggressor.run.backtests.market_source import stored
from aggressor.run.studies.score import signals_over
from aggressor.run.studies.studying import Study
from aggressor.schema.errors import ConfigError
from aggressor.schema.signal import ABSORPTION, PULL, WALL
from aggressor.store.journal_reader import JournalReader
from aggressor.store.replay import replay_of
from tests.made import cached_beside, command, document, made
from tests.run.paper_stage import SETTINGS, make_busy, papered

MICRO = ("--profile", "micro")
CHANGES = {
    "absorption": {"quantile_ppm": 900_000, "range_ratio": 0.25},
    "wall": {"z_min": 3.0},
}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    cached_beside(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "mine.toml"
    found.write_text(
        'profile = "micro"\n[absorption]\nquantile_ppm = 900_000\nrange_ratio = 0.25\n'
        "[wall]\nz_min = 3\n"
    )
    return found


def signals_with(thresholds: Any) -> Any:
    one = made()
    study = Study(one.store, one.id, profile="micro", thresholds=thresholds)
    return np.concatenate([moment.signals for moment in study.moments()])


def hashes(rows: Any, kind: int) -> set[int]:
    return set(rows["params"][rows["kind"] == kind].tolist())


def test_the_hash_in_the_signals_is_that_of_the_thresholds() -> None:
    before, after = signals_with({}), signals_with(CHANGES)
    plain, changed = thresholds_of("micro"), thresholds_of("micro", CHANGES)
    assert hashes(after, ABSORPTION) == {params_hash(values_of(changed.absorption))}
    assert changed.absorption != plain.absorption
    assert hashes(before, PULL) == hashes(after, PULL) == {params_hash(values_of(plain.pull))}
    walls = [hashes(rows, WALL) for rows in (before, after)]
    assert all(walls)
    assert not walls[0] & walls[1]


def test_commands_and_python_read_the_same_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made()
    options = (*MICRO, "--thresholds", file)
    rows = document(capsys, "signals", *options, "--kind", "absorption")["signals"]
    plain = document(capsys, "signals", *MICRO, "--kind", "absorption")["signals"]
    assert len(rows) > len(plain)
    for given in (file, str(file), CHANGES):
        day = ag.open(one.store, one.id, profile="micro", thresholds=given)
        table = day.signals("absorption").to_pydict()
        assert table["known_ns"] == [row["known_ns"] for row in rows]
    found = document(capsys, "rates", *options)
    assert document(capsys, "context", *options)["context"]
    counted = {row["detector"]: row["confirmed"] for row in found["detectors"]}
    assert counted["absorption"] == len(rows)


def test_a_file_that_cannot_be_ends_a_command_in_one_sentence(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = made()
    words = ("rates", one.store, "--instrument", one.id, "--thresholds", file)
    code, _, err = command(capsys, *words)
    assert code == 1
    assert "say --profile micro" in err
    file.write_text("[stacking]\nrows_mim = 2\n")
    code, _, err = command(capsys, *words, *MICRO)
    assert code == 1
    assert f"{file}: stacking.rows_mim is not known; allowed here: ratio" in err
    with pytest.raises(ConfigError, match="rows_mim"):
        ag.open(one.store, one.id, profile="micro", thresholds={"stacking": {"rows_mim": 2}})


def carried(pipe: Pipeline) -> tuple[int, float, float]:
    rule = pipe.absorption.parameters[0]
    walls = pipe.walls.parameters[0]
    return int(rule["quantile_ppm"]), float(rule["range_ratio"]), float(walls["z_min"])


def test_a_kept_backtest_is_made_again_with_its_thresholds(tmp_path: Path) -> None:
    one = made()
    settings = Settings(profile="micro", thresholds=CHANGES)
    found = backtest_of(stored(one.store, [one.id]), settings, {}, journal=tmp_path)
    assert found
    reader = JournalReader(tmp_path / BACKTEST)
    (run,) = reader.runs()
    assert run.config["settings"]["thresholds"] == CHANGES
    assert carried(assembly_of(run, reader).engine.pipeline) == (900_000, 0.25, 3.0)
    reader.close()


def test_a_paper_run_replays_with_its_thresholds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_busy(monkeypatch)
    settings = msgspec.structs.replace(SETTINGS, thresholds=CHANGES)
    papered(tmp_path, 4.0, settings=settings)
    reader = JournalReader(tmp_path / JOURNAL)
    (run,) = reader.runs()
    assert carried(assembly_of(run, reader).engine.pipeline) == (900_000, 0.25, 3.0)
    reader.close()
    assert parity(tmp_path)["same"]


def test_the_score_runs_with_them() -> None:
    one = made()
    events = replay_of([one.events]).poll(2 * one.events.size)
    rows = signals_over(one.instrument, [events], "micro", CHANGES)
    expected = {params_hash(values_of(thresholds_of("micro", CHANGES).absorption))}
    assert hashes(rows, ABSORPTION) == expected
