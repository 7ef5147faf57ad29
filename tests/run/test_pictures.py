"""Pictures: they are drawn whole, in the size asked for, and show what they say they show."""

import importlib
import struct
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from aggressor.detectors.divergence import EVIDENCE
from aggressor.engine.reading import Signal
from aggressor.reports import flow_picture, pictures
from aggressor.reports.flow_picture import Flow, draw_flow
from aggressor.reports.pictures import BLUE, ORANGE, short_size
from aggressor.run.studies.pictures import gather_flow
from aggressor.run.studies.studying import Study
from aggressor.schema.signal import CONFIRMED, DIVERGENCE, REJECTED
from tests.made import cached_beside, command, document, made


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def size_of(file):
    head = file.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


@pytest.mark.parametrize(
    "words",
    [("footprint", "--bar", "30s"), ("profile",), ("signals", "--profile", "micro")],
)
def test_a_picture_is_1600_by_900_and_vectors_read_as_xml(capsys, tmp_path, words):
    png, svg = tmp_path / "one.png", tmp_path / "one.svg"
    written = document(capsys, *words, "--png", png, "--svg", svg)
    assert written["picture"] == f"{png}, {svg}"
    assert size_of(png) == (1600, 900)
    root = ElementTree.parse(svg).getroot()
    assert root.tag.endswith("svg")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["one.png", "one.svg"]


def test_picture_and_columns_come_in_one_document(capsys, tmp_path):
    files = ("--png", tmp_path / "f.png", "--parquet", tmp_path / "f.parquet")
    written = document(capsys, "footprint", *files)
    assert set(written) == {"instrument", "bars", "picture", "parquet"}


def test_without_matplotlib_the_command_to_install_it_is_said(capsys, tmp_path, monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(pictures, "import_module", absent)
    file = tmp_path / "x.png"
    words = ("footprint", made().store, "--instrument", made().id, "--png", file)
    code, out, err = command(capsys, *words)
    assert (code, out) == (1, "")
    assert 'pip install "aggressor[plots]"' in err
    assert not file.exists()


def test_a_picture_of_nothing_and_a_place_that_is_none_are_answered(capsys, tmp_path):
    late = int(made().events["ts_recv"][-1]) + 10**12
    for name in ("footprint", "profile", "signals"):
        words = (name, made().store, "--instrument", made().id)
        code, _, err = command(capsys, *words, "--from", late, "--png", tmp_path / "x.png")
        assert code == 1, name
        assert "in that span" in err
        absent = tmp_path / "absent" / "x.png"
        code, _, err = command(capsys, *words, "--png", absent)
        assert code == 1, name
        assert "another place" in err


def test_the_flow_is_the_book_sampled(monkeypatch):
    study = Study(made().store, made().id, profile="micro")
    flow = gather_flow(study)
    assert flow.times.size <= 1300
    assert flow.depth.shape[1] == flow.times.size == flow.bid.size == flow.cvd.size
    middle = flow.times.size // 2
    rows = flow.low + np.arange(flow.depth.shape[0]) * flow.row_ticks
    standing = flow.depth[:, middle] > 0
    between = (rows > flow.bid[middle]) & (rows + flow.row_ticks <= flow.ask[middle])
    assert standing.any()
    assert not (standing & between).any()
    assert len(flow.signals) == sum(flow.counted.values())
    assert (np.diff(flow.orders["lots"]) <= 0).all()


def a_flow(signals):
    count = 120
    times = 1_700_000_000_000_000_000 + np.arange(count) * 10**9
    mid = 1000 + 8 * np.sin(np.arange(count) / 15)
    depth = np.random.default_rng(1).gamma(1.0, 40.0, (40, count)).astype(np.float32)
    return Flow(
        instrument=made().instrument,
        times=times,
        bid=np.floor(mid),
        ask=np.floor(mid) + 1,
        cvd=np.cumsum(np.cos(np.arange(count) / 15)),
        depth=depth,
        low=980,
        row_ticks=1,
        orders=np.zeros(0, [("lots", "i8"), ("side", "i1"), ("ts_recv", "i8"), ("last", "i4")]),
        signals=signals,
        counted={DIVERGENCE: len(signals)},
    )


def a_divergence(direction, phase=CONFIRMED):
    now = 1_700_000_000_000_000_000
    told = dict.fromkeys(EVIDENCE, 0.0)
    told |= {"price_before": 1007.0, "price": 1009.0, "cvd_before": 13.0, "cvd": 4.0}
    return Signal(
        kind=DIVERGENCE,
        phase=phase,
        direction=direction,
        side=-direction,
        episode=1,
        ts_armed=now + 100 * 10**9,
        ts_confirmed=now + 103 * 10**9,
        ts_known=now + 105 * 10**9,
        provisional=0,
        score=0.8,
        low=1007,
        high=1009,
        failed="",
        params=0,
        instrument=0,
        evidence=told | {"seconds_apart": 80.0},
    )


def test_a_divergence_joins_its_swings_in_price_and_in_cvd(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(flow_picture, "save_figure", lambda figure, *_: drawn.append(figure))
    near_miss = a_divergence(-1, REJECTED)
    draw_flow(a_flow([a_divergence(-1), a_divergence(1), near_miss]), tmp_path / "x.png", "png")
    upper, lower = drawn[0].axes[:2]
    tick, lot = float(made().instrument.tick), float(made().instrument.lot)
    for axes, ends, unit in ((upper, (1007.0, 1009.0), tick), (lower, (13.0, 4.0), lot)):
        joined = [line for line in axes.get_lines() if line.get_linewidth() == 2.2]
        assert [line.get_color() for line in joined] == [ORANGE, BLUE]
        for line in joined:
            assert tuple(line.get_ydata()) == tuple(end * unit for end in ends)
            first, last = line.get_xdata()
            assert (last - first) * 86_400 == pytest.approx(80.0, abs=1e-3)
    assert "divergence: 3" in [text.get_text() for text in upper.get_legend().get_texts()]


def test_sizes_are_short():
    sizes = (0.0004567, 1.25, 99.94, 512.4, 9999.0, 12_345.0, 3.2e6, 7e9)
    assert [short_size(one) for one in sizes] == [
        *("0.000457", "1.25", "99.9", "512", "9999", "12.3k", "3.2M", "7G")
    ]


def test_pictures_are_not_loaded_before_they_are_drawn():
    assert importlib.import_module("aggressor.run.studies.pictures").__name__
    source = importlib.import_module("inspect").getsource(pictures)
    assert "\nimport matplotlib" not in source
    assert "\nfrom matplotlib" not in source
