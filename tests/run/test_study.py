"""`aggressor study`: claims on a made market, on metaorders with known memory, on recordings."""

import json

import msgspec
import numpy as np
import pytest

from aggressor.run.imports.importing import import_files
from aggressor.run.studies.study import study
from aggressor.schema.event import SNAPSHOT
from aggressor.sim.synthetic.config import MarketConfig
from aggressor.sim.synthetic.market import record
from aggressor.store.making import make_store
from tests.made import cached_beside, command, document, made
from tests.recordings import recording


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def test_every_figure_has_an_interval_or_a_reason(capsys):
    found = document(capsys, "study")
    assert found["instrument"] == made().id
    assert [one["horizon_s"] for one in found["pressure"]] == [1, 10]
    assert found["pressure"][0]["windows"] > 400
    figures = [
        value
        for one in (*found["pressure"], *found["levels"], found["signs"])
        for value in one.values()
        if isinstance(value, dict)
    ]
    assert len(figures) > 15
    for one in figures:
        assert (one["value"] is None) == bool(one["why"])
        if one["value"] is not None:
            assert one["low"] <= one["value"] <= one["high"]
    assert "One recording of 8.0 minutes" in found["notes"][0]


def test_a_part_is_that_part_of_the_whole(capsys):
    whole, flow, signs = (
        document(capsys, "study", "--what", one) for one in ("all", "ofi", "signs")
    )
    assert "signs" not in flow
    assert "pressure" not in signs
    assert whole == {**flow, **signs}


def test_a_span_is_judged_by_its_own_windows(capsys):
    one = made()
    found = document(capsys, "study", "--from", one.middle_ns)
    seconds = (int(one.events["ts_recv"][-1]) - one.middle_ns) / 1e9
    assert found["pressure"][0]["windows"] == pytest.approx(seconds, abs=2)
    assert found["from_ns"] >= one.middle_ns
    code, _, err = command(
        capsys, "study", one.store, "--instrument", one.id, "--to", int(one.events["ts_recv"][0])
    )
    assert code == 1
    assert "Nothing of synthetic:MICRO" in err


def test_people_see_tables(capsys):
    code, out, _ = command(capsys, "study", made().store, "--instrument", made().id)
    assert code == 0
    for text in (
        "R2 of order-flow imbalance",
        "R2 of levels 1 to 10",
        "Hurst exponent",
        "not shown",
    ):
        assert text in out


def test_11_c_metaorders_are_found_in_a_store(tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    config = MarketConfig(seed=4, rate=20, pulse_ms=100, metaorder_share=1, metaorder_length=10)
    store = make_store(tmp_path / "store", {made().instrument: record(config, 400.0)[0]})
    found = study(store, made().id, "signs", profile="micro")["signs"]
    assert found["orders"] > 10_000
    memory = {one["lag"]: one["acf"]["value"] for one in found["lags"]}
    assert memory[1] == pytest.approx(0.9, abs=0.03)
    assert memory[5] == pytest.approx(0.5, abs=0.06)
    assert memory[10] == pytest.approx(0.0, abs=0.06)
    assert found["long_memory"] == "not shown"


def test_a_book_of_pictures_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    events = made().events[:60_000].copy()
    events["flags"][events["kind"] == 2] |= SNAPSHOT
    store = make_store(tmp_path / "store", {made().instrument: events})
    assert any("whole pictures only" in note for note in study(store, made().id, "ofi")["notes"])


@pytest.mark.recording
@pytest.mark.parametrize("symbol", ["btcusdt", "ethusdt"])
def test_perpetuals_of_2024(tmp_path, monkeypatch, symbol):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    import_files(
        [recording(f"binance-usdm/{symbol}_20240808.gz")], "binance-usdm", tmp_path / "store"
    )
    found = study(tmp_path / "store", f"binance-usdm:{symbol.upper()}")
    second, ten = found["pressure"]
    assert (second["windows"], second["left_out"]) == (343, 0)
    assert ten["windows"] == 33
    for one in (second, ten):
        assert 0.2 < one["r2_ofi"]["value"] < 0.8
        assert one["slope"]["low"] > 0
    assert found["levels"][0]["judged"] == 172
    assert found["levels"][1]["gain_levels"]["value"] is None
    assert 0.5 < found["signs"]["hurst"]["value"] < 0.9
    assert 0.0 < found["signs"]["gamma"]["value"] < 0.8
    assert found == msgspec.json.decode(json.dumps(found))
    assert np.isfinite([one["acf"]["value"] for one in found["signs"]["lags"]]).all()
