import gzip
import json
import random
import zlib
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError, StoreError
from aggressor.store.importers import lines as lines_module
from aggressor.store.importers import text as text_module
from aggressor.store.importers.lines import NO_LINE_TIME, TOO_LATE, WINDOW_LINES, LineFile
from aggressor.store.importers.sessions import NO_RECORD, SessionFile
from aggressor.store.importers.source import Recording, open_recording
from aggressor.store.importers.text import TextFile
from tests.wire_samples import START_NS, Market, session_lines

Read = list[tuple[int, bytes]]


def written(path: Path, lines: list[bytes]) -> Path:
    content = b"".join(lines)
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif path.suffix == ".zst":
        content = zstandard.ZstdCompressor().compress(content)
    path.write_bytes(content)
    return path


def read(recording: Recording) -> Read:
    out: Read = []
    for lines in recording.chunks():
        text = lines.text.tobytes()
        assert text == b"".join(
            text[lines.lines[i] : lines.lines[i + 1]] for i in range(len(lines.times))
        )
        for ts_recv, start, stop in zip(lines.times, lines.starts, lines.stops, strict=True):
            out.append((int(ts_recv), text[start:stop]))
    times = [ts_recv for ts_recv, _ in out]
    assert times == sorted(times)
    return out


def expected(lines: list[bytes]) -> Read:
    return [(int(line.split(b" ", 1)[0]), line.split(b" ", 1)[1].rstrip(b"\n")) for line in lines]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 3000)
    monkeypatch.setattr(text_module, "PIECE_BYTES", 700)


@pytest.mark.parametrize("name", ["a", "a.gz", "a.zst"])
@pytest.mark.usefixtures("small_chunks")
def test_lines_of_any_packing(tmp_path: Path, name: str) -> None:
    lines = Market().lines(100)
    recording = open_recording(written(tmp_path / name, lines))
    assert isinstance(recording, LineFile)
    assert recording.first_ns() == expected(lines)[0][0]
    assert read(recording) == expected(lines)
    assert (recording.damage, recording.skipped) == ("", {})


def test_units_of_time_are_told_by_their_size(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a",
        [b"1723161255030 {}\n", b"1723161255030315 {}\r\n", b"1723161255030316001 {}"],
    )
    assert read(LineFile(path)) == [
        (1723161255030000000, b"{}"),
        (1723161255030315000, b"{}"),
        (1723161255030316001, b"{}"),
    ]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, WINDOW_LINES))
def test_neighbours_out_of_order_are_put_in_order(
    tmp_path_factory: pytest.TempPathFactory, seed: int, reach: int
) -> None:
    chance = random.Random(seed)
    lines = [b"%d {%d}\n" % (10**18 + i, i) for i in range(600)]
    order = sorted(range(600), key=lambda i: i + chance.random() * reach)
    path = written(tmp_path_factory.mktemp("order") / "a", [lines[i] for i in order])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "CHUNK_BYTES", 1000 + seed % 1000)
        patch.setattr(text_module, "PIECE_BYTES", 100 + seed % 1000)
        recording = LineFile(path)
        assert read(recording) == expected(lines)
    assert sum(recording.skipped.values()) == 0


@pytest.mark.usefixtures("small_chunks")
def test_lines_far_too_late_are_counted(tmp_path: Path) -> None:
    lines = [b"%d {%d}\n" % (10**18 + i, i) for i in range(900)]
    recording = LineFile(written(tmp_path / "a", [*lines[10:], *lines[:10]]))
    assert read(recording) == expected(lines[10:])
    assert recording.skipped[TOO_LATE] == 10


def test_lines_without_a_time_are_counted(tmp_path: Path) -> None:
    rubbish = [b"{}\n", b"\n", b"12345\n", b" 5 {}\n", b"\xff\xfe 1 {}\n"]
    good = [b"1723161255030 {1}\n", b"1723161255031 {2}\n"]
    recording = LineFile(written(tmp_path / "a", [good[0], *rubbish, good[1]]))
    assert [text for _, text in read(recording)] == [b"{1}", b"{2}"]
    assert recording.skipped[NO_LINE_TIME] == 4


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    for name, content in (("a", b""), ("b", gzip.compress(b"")), ("c", b"\n\n")):
        (tmp_path / name).write_bytes(content)
        recording = open_recording(tmp_path / name)
        assert recording.first_ns() is None
        assert read(recording) == []
        assert recording.damage == ""


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 1))
def test_a_cut_gzip_gives_what_stands_before_the_cut(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    lines = Market().lines(150)
    packed = gzip.compress(b"".join(lines), mtime=0)
    cut = 10 + int(share * (len(packed) - 11))
    path = tmp_path_factory.mktemp("cut") / "a.gz"
    path.write_bytes(packed[:cut])
    recording = LineFile(path)
    back = read(recording)
    there = zlib.decompressobj(wbits=31).decompress(packed[:cut]).count(b"\n")
    assert back[:there] == expected(lines)[:there]
    assert len(back) <= there + 1
    assert "cut" in recording.damage


def test_a_damaged_gzip_gives_what_stands_before_the_damage(tmp_path: Path) -> None:
    lines = Market().lines(3000)
    packed = bytearray(gzip.compress(b"".join(lines), mtime=0))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(packed)
    recording = LineFile(tmp_path / "a.gz")
    back = read(recording)
    right = sum(1 for one, other in zip(back, expected(lines), strict=False) if one == other)
    assert right > 0.4 * len(lines)
    assert "damaged" in recording.damage


def test_several_gzip_members_and_padding(tmp_path: Path) -> None:
    lines = Market().lines(40)
    half = len(lines) // 2
    members = [gzip.compress(b"".join(part)) for part in (lines[:half], lines[half:])]
    (tmp_path / "a.gz").write_bytes(b"".join(members) + b"\0" * 100)
    recording = LineFile(tmp_path / "a.gz")
    assert read(recording) == expected(lines)
    assert recording.damage == ""
    (tmp_path / "b.gz").write_bytes(b"".join(members) + b"tail")
    recording = LineFile(tmp_path / "b.gz")
    assert read(recording) == expected(lines)
    assert "behind the end" in recording.damage


def test_a_cut_zstd_is_noticed(tmp_path: Path) -> None:
    lines = Market().lines(2000)
    packed = zstandard.ZstdCompressor().compress(b"".join(lines))
    (tmp_path / "a.zst").write_bytes(packed[: len(packed) * 3 // 4])
    recording = LineFile(tmp_path / "a.zst")
    back = read(recording)
    assert back[:-1] == expected(lines)[: len(back) - 1]
    assert len(back) > len(lines) // 4
    assert "cut" in recording.damage


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "CHUNK_BYTES", 100)
    monkeypatch.setattr(lines_module, "LINE_BYTES_MAX", 10_000)
    path = written(tmp_path / "a", [b"1723161255030 " + b"x" * 400_000])
    with pytest.raises(MessageError, match="line of more than 10000 bytes"):
        read(LineFile(path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'[{"e":"depthUpdate","E":1}]', "without the local time"),
        (b'{"stream":"x","data":{}}\n', "without the local time"),
        (b"PK\x03\x04 something else\nentirely\n", "is not a recording"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(MessageError, match=reason):
        open_recording(tmp_path / "a")


def test_an_absent_file_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        TextFile(tmp_path / "nothing")


def test_a_session_becomes_lines_with_answers_in_their_place(tmp_path: Path) -> None:
    market = Market()
    lines = market.lines(60)
    definitions = {"symbols": [{"symbol": "BTCUSDT"}]}
    records = session_lines(lines, definitions, "https://fapi.binance.com/fapi/v1")
    recording = open_recording(written(tmp_path / "a.jsonl.zst", records))
    assert isinstance(recording, SessionFile)
    back = read(recording)
    enveloped = [
        (ts, b'{"stream":"BTCUSDT@snapshot","data":' + json.dumps(json.loads(text)).encode() + b"}")
        if b'"lastUpdateId"' in text
        else (ts, text)
        for ts, text in expected(lines)
    ]
    assert [(ts, json.loads(text)) for ts, text in back] == [
        (ts, json.loads(text)) for ts, text in enveloped
    ]
    assert recording.definitions == [(START_NS - 10**9, json.dumps(definitions).encode())]
    assert recording.first_ns() == back[0][0]


def test_session_times_are_read_exactly(tmp_path: Path) -> None:
    record = b'{"t":"recv","ts":1626992741.081672,"data":"{\\"a\\":1}"}\n'
    half = b'{"t":"recv","ts":1626992741.0816'
    path = written(tmp_path / "a", [record, b'{"t":"send","data":"x"}\n', half])
    recording = SessionFile(path)
    assert read(recording) == [(1626992741081672000, b'{"a":1}')]
    assert recording.skipped[NO_RECORD] == 1


def test_chunks_are_read_only_views(tmp_path: Path) -> None:
    lines = next(iter(LineFile(written(tmp_path / "a", Market().lines(5))).chunks()))
    assert isinstance(lines.text, np.ndarray)
    assert lines.text.dtype == np.uint8
