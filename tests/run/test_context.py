"""`aggressor context`: every line has a value or a reason."""

from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from aggressor.context.bias import bias_state
from aggressor.context.interest import interest_state
from aggressor.context.liquidity import liquidity_state
from aggressor.engine.facts import NOT_COMPUTED, facts_of
from aggressor.run.studies.studying import Study
from aggressor.schema.event import INTEREST
from tests.made import cached_beside, command, document, made


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def test_every_blank_says_why(capsys):
    found = document(capsys, "context")
    assert found["instrument"] == made().id
    topics = {one["topic"] for one in found["context"]}
    assert {"market", "volatility", "open interest", "funding", "liquidity", "bias"} <= topics
    for one in found["context"]:
        assert (one["value"] is None) == bool(one["why"]), one
    by_name = {one["name"]: one for one in found["context"]}
    rows = made().events
    lots = int(rows["size"][rows["kind"] == INTEREST][-1])
    assert by_name["open interest"]["value"] == made().instrument.size_text(lots)
    assert by_name["open interest"]["age_seconds"] >= 0
    assert by_name["mark price"]["value"] > 0
    assert by_name["one-second deviation"]["young"]


def test_the_same_lines_are_rows(capsys, tmp_path):
    lines = document(capsys, "context")["context"]
    told = document(capsys, "context", "--parquet", tmp_path / "context.parquet")
    rows = pq.read_table(tmp_path / "context.parquet").to_pylist()
    assert told["rows"] == len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        shown = row["text"] if row["value"] is None else row["value"]
        assert (row["topic"], row["name"], shown, row["why"]) == (
            *(line["topic"], line["name"], line["value"], line["why"]),
        )


def test_at_the_first_second_almost_nothing_is_known(capsys):
    start = int(made().events["ts_recv"][0])
    found = document(capsys, "context", "--to", start + 10**9)
    by_name = {one["name"]: one for one in found["context"]}
    for name in ("effective tick", "range of a minute", "crowded", "4 h bars"):
        assert by_name[name]["value"] is None
        assert by_name[name]["why"]
    code, _, err = command(
        capsys, "context", made().store, "--instrument", made().id, "--to", start
    )
    assert code == 1
    assert "Nothing of synthetic:MICRO" in err


def test_parts_that_the_pipeline_does_not_hold_are_a_reason_and_grow_in_by_themselves():
    pipe = Study(made().store, made().id).pipeline()
    now = int(made().events["ts_recv"][0])
    names = ("head", "market", "contract", "volatility", "pressure", "window", "footprint")
    bare = SimpleNamespace(**{name: getattr(pipe, name) for name in (*names, "prints")})
    held = SimpleNamespace(
        **vars(bare), interest=interest_state(1), liquidity=liquidity_state(1), bias=bias_state(1)
    )

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("aggressor.engine.facts.read_columns", lambda *_: None)
        without, with_them = (
            {one.name: one.why for one in facts_of(state, 0, made().instrument, now)}
            for state in (bare, held)
        )
    for name in ("regime of 5 min", "regime", "4 h bars", "1 h bars"):
        assert without[name] == NOT_COMPUTED
        assert with_them[name]
        assert with_them[name] != NOT_COMPUTED


def test_people_see_a_table(capsys):
    code, out, _ = command(capsys, "context", made().store, "--instrument", made().id)
    assert code == 0
    assert "not known" in out
    assert "young baseline" in out
