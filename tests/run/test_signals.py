"""`aggressor signals`: the document is exact, its parts add up, the file holds the same."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from aggressor.engine.reading import CONDITION_NAMES, EVIDENCE_NAMES
from aggressor.run.studies.signals import signals_document
from aggressor.run.studies.studying import Study
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import (
    ARMED,
    CONFIRMED,
    EXHAUSTION,
    EXPIRED,
    REJECTED,
    SIGNAL_NAMES,
    WALL,
    empty_signals,
)
from tests.made import cached_beside, command, document, made

SIGNAL_KEYS = {
    *("kind", "side", "direction", "armed_ns", "confirmed_ns", "known_ns", "low", "high"),
    *("score", "provisional", "evidence"),
}
MICRO = ("--profile", "micro")


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def test_the_document_has_exactly_these_names(capsys):
    found = document(capsys, "signals", *MICRO, "--near-misses")
    assert set(found) == {"instrument", "signals", "near_misses"}
    assert found["instrument"] == made().id
    assert found["signals"]
    assert found["near_misses"]
    for one in found["signals"]:
        assert set(one) == SIGNAL_KEYS
    for one in found["near_misses"]:
        assert set(one) == SIGNAL_KEYS | {"failed"}
        assert one["failed"]
    for one in found["signals"] + found["near_misses"]:
        kind = next(number for number, name in SIGNAL_NAMES.items() if name == one["kind"])
        assert tuple(one["evidence"]) == EVIDENCE_NAMES[kind]
        assert one["side"] in (-1, 0, 1)
        assert one["direction"] in (-1, 0, 1)
        assert isinstance(one["provisional"], bool)
        assert isinstance(one["low"], str)


def test_signals_near_misses_and_beginnings_are_all_there_is(capsys):
    one = made()
    study = Study(one.store, one.id, profile="micro")
    rows = np.concatenate([moment.signals for moment in study.moments()])
    found = document(capsys, "signals", *MICRO, "--near-misses")
    assert len(found["signals"]) == (rows["phase"] == CONFIRMED).sum()
    assert len(found["near_misses"]) == np.isin(rows["phase"], (REJECTED, EXPIRED)).sum()
    assert found["signals"] == document(capsys, "signals", *MICRO)["signals"]
    assert document(capsys, "signals", *MICRO)["near_misses"] == []


def test_one_kind_and_a_span(capsys):
    whole = document(capsys, "signals", *MICRO)["signals"]
    walls = document(capsys, "signals", *MICRO, "--kind", "wall")["signals"]
    assert walls == [one for one in whole if one["kind"] == "wall"]
    start = made().middle_ns
    later = document(capsys, "signals", *MICRO, "--from", start)["signals"]
    assert later == [one for one in whole if one["known_ns"] >= start]
    code, out, _ = command(capsys, "signals", made().store, "--instrument", made().id)
    assert code == 0
    assert "Signals of synthetic:MICRO" in out


def test_an_unknown_kind_is_named(capsys):
    words = ("signals", made().store, "--instrument", made().id, "--kind", "spoof")
    code, out, err = command(capsys, *words)
    assert (code, out) == (1, "")
    assert "push_through" in err


def test_what_a_row_does_not_have_is_null():
    rows = empty_signals(4)
    rows["kind"] = [EXHAUSTION, WALL, WALL, EXHAUSTION]
    rows["phase"] = [CONFIRMED, REJECTED, EXPIRED, ARMED]
    rows["ts_confirmed"][1], rows["low"][1] = NO_TIME, NO_PRICE
    rows["failed"][1] = 1
    rows["evidence"][0, 0] = np.nan
    found = signals_document(made().instrument, rows)
    assert len(found["signals"]) == 1
    assert [one["failed"] for one in found["near_misses"]] == [CONDITION_NAMES[WALL][1], "expired"]
    assert found["near_misses"][0]["confirmed_ns"] is None
    assert found["near_misses"][0]["low"] is None


def test_the_parquet_file_holds_the_same(capsys, tmp_path):
    file = tmp_path / "signals.parquet"
    written = document(capsys, "signals", *MICRO, "--near-misses", "--parquet", file)
    found = document(capsys, "signals", *MICRO, "--near-misses")
    table = pq.read_table(file)
    assert written["signals"] == table.num_rows
    assert table.num_rows == len(found["signals"]) + len(found["near_misses"])
    rows = [row for row in table.to_pylist() if row["phase"] == "confirmed"]
    assert [row["low_text"] for row in rows] == [one["low"] for one in found["signals"]]
    assert [dict(row["evidence"]) for row in rows] == [one["evidence"] for one in found["signals"]]
    assert table.schema.metadata[b"tick"] == b"5"
    assert table.schema.field("low").metadata[b"unit"] == b"ticks"
    nothing = tmp_path / "nothing.parquet"
    early = int(made().events["ts_recv"][0]) + 10**8
    document(capsys, "signals", "--to", early, "--parquet", nothing)
    assert pq.read_table(nothing).num_rows == 0
