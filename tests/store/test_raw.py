from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError, StoreError
from aggressor.store import raw
from aggressor.store.raw import (
    CHECK_BYTES,
    FRAME_BYTES,
    RawReader,
    RawWriter,
    pack_records,
    response_text,
)
from tests.naive.raw import packed

Messages = list[tuple[int, int, bytes]]


def some_messages(count: int, size: int, seed: int = 1) -> Messages:
    random = np.random.default_rng(seed)
    return [
        (10**18 + 7 * i, i % 3, random.bytes(int(random.integers(0, 2 * size))))
        for i in range(count)
    ]


def write(path: Path, messages: Messages) -> bytes:
    writer = RawWriter(path)
    for ts_recv, channel, text in messages:
        writer.add(ts_recv, text, channel)
    writer.close()
    return path.read_bytes()


def arrays(messages: Messages) -> tuple[np.ndarray, ...]:
    text = np.frombuffer(bytearray(b"".join(m[2] for m in messages) or b"\0"), np.uint8)
    stops = np.cumsum([len(m[2]) for m in messages]).astype(np.int64)
    starts = np.concatenate([[0], stops[:-1]]).astype(np.int64)
    times = np.array([m[0] for m in messages], np.int64)
    return text, starts, stops, times, np.array([m[1] for m in messages], np.uint16)


def read(path: Path) -> tuple[Messages, RawReader]:
    reader = RawReader(path)
    return [(m.ts_recv, m.channel, m.text) for m in reader], reader


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Messages, bytes, list[range]]:
    """Messages over four frames, the bytes of the file, and which records each frame holds."""
    messages = some_messages(1200, 700)
    content = write(tmp_path_factory.mktemp("raw") / "a.zst", messages)
    frames = []
    at = 0
    while (header := raw.read_header(memoryview(content), at)) is not None:
        frames.append(range(header.first_record, header.first_record + header.records))
        at += header.size + header.packed_bytes
    assert [len(f) > 0 for f in frames] == [True] * 4 + [False]
    return messages, content, frames[:-1]


def test_what_was_written_comes_back(tmp_path: Path) -> None:
    messages = some_messages(500, 900)
    write(tmp_path / "a", messages)
    back, reader = read(tmp_path / "a")
    assert back == messages
    assert reader.closed
    assert reader.losses == []


def test_an_empty_capture_is_closed_and_holds_nothing(tmp_path: Path) -> None:
    write(tmp_path / "a", [])
    back, reader = read(tmp_path / "a")
    assert (back, reader.closed, reader.losses) == ([], True, [])


def test_a_message_larger_than_a_frame_has_a_frame_of_its_own(tmp_path: Path) -> None:
    large = bytes(np.random.default_rng(3).bytes(3 * FRAME_BYTES + 5))
    messages = [(1, 0, b"before"), (2, 1, large), (3, 0, b"after")]
    write(tmp_path / "a", messages)
    assert read(tmp_path / "a")[0] == messages
    text, *rest = arrays(messages)
    writer = RawWriter(tmp_path / "b")
    writer.add_many(text, *rest)
    writer.close()
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_message_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw, "MESSAGE_MAX", 10)
    writer = RawWriter(tmp_path / "a")
    with pytest.raises(MessageError, match="11 bytes"):
        writer.add(1, b"x" * 11)
    writer.close()


def test_any_zstd_tool_reads_the_records(tmp_path: Path) -> None:
    messages = some_messages(40, 50)
    content = write(tmp_path / "a", messages)
    stream = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    assert stream.read() == packed(messages)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**16 - 1), st.binary(max_size=40))
    ),
    st.integers(20, 400),
)
def test_packing_equals_the_twin_however_it_is_cut(messages: Messages, room: int) -> None:
    if not messages:
        return
    columns = arrays(messages)
    out = np.zeros(room, np.uint8)
    done, parts = 0, []
    while done < len(messages):
        upto, used = pack_records(*columns, done, out, 0)
        if upto == done:
            assert 14 + len(messages[done][2]) > room
            parts.append(packed([messages[done]]))
            upto += 1
        else:
            parts.append(out[:used].tobytes())
        done = upto
    assert b"".join(parts) == packed(messages)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=6))
def test_batches_do_not_change_the_file(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("raw")
    messages = some_messages(300, 2000)
    text, *rest = arrays(messages)
    writer = RawWriter(folder / "b")
    edges = sorted({0, 300, *cuts})
    for start, stop in pairwise(edges):
        writer.add_many(text, *(column[start:stop] for column in rest))
    writer.close()
    assert (folder / "b").read_bytes() == write(folder / "a", messages)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_cut_costs_only_the_tail_of_one_frame(
    tmp_path_factory: pytest.TempPathFactory,
    capture: tuple[Messages, bytes, list[range]],
    data: st.DataObject,
) -> None:
    messages, content, frames = capture
    cut = data.draw(st.integers(0, len(content) - 1))
    path = tmp_path_factory.mktemp("raw") / "cut"
    path.write_bytes(content[:cut])
    back, reader = read(path)
    assert back == messages[: len(back)]
    assert not reader.closed
    whole = [f for f in frames if f.stop <= len(back)]
    lost = sum(max(loss.records, 0) for loss in reader.losses)
    assert len(back) + lost in {0, *(f.stop for f in frames)}
    assert len(back) >= (whole[-1].stop if whole else 0)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_costs_only_the_tail_of_one_frame(
    tmp_path_factory: pytest.TempPathFactory,
    capture: tuple[Messages, bytes, list[range]],
    data: st.DataObject,
) -> None:
    messages, content, frames = capture
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    path = tmp_path_factory.mktemp("raw") / "flip"
    path.write_bytes(damaged)
    back, reader = read(path)
    kept = set(back)
    missing = [i for i, message in enumerate(messages) if message not in kept]
    assert back == [m for m in messages if m in kept]
    assert sum(loss.records for loss in reader.losses if loss.records > 0) == len(missing)
    if missing:
        frame = next(f for f in frames if missing[0] in f)
        assert missing == list(range(missing[0], frame.stop))


def test_blocks_before_the_damage_are_kept(
    capture: tuple[Messages, bytes, list[range]], tmp_path: Path
) -> None:
    messages, content, frames = capture
    header = raw.read_header(memoryview(content), 0)
    assert header is not None
    damaged = bytearray(content)
    damaged[header.size + header.packed_bytes - 40] ^= 16
    (tmp_path / "a").write_bytes(damaged)
    back, reader = read(tmp_path / "a")
    kept = [m for m in messages[: frames[0].stop] if m in set(back)]
    assert sum(14 + len(m[2]) for m in kept) > header.plain_bytes - 2 * CHECK_BYTES
    assert back[len(kept) :] == messages[frames[0].stop :]
    assert [loss.reason for loss in reader.losses] == ["this frame is damaged"]


def test_a_hole_cut_into_the_middle_is_counted(
    capture: tuple[Messages, bytes, list[range]], tmp_path: Path
) -> None:
    messages, content, frames = capture
    header = raw.read_header(memoryview(content), 0)
    assert header is not None
    at = header.size + header.packed_bytes
    second = raw.read_header(memoryview(content), at)
    assert second is not None
    (tmp_path / "a").write_bytes(content[:at] + content[at + second.size + second.packed_bytes :])
    back, reader = read(tmp_path / "a")
    assert back == messages[: frames[1].start] + messages[frames[2].start :]
    assert [(loss.records, loss.reason) for loss in reader.losses] == [
        (len(frames[1]), "records are missing before this frame")
    ]


def test_a_process_that_died_leaves_every_flushed_frame(tmp_path: Path) -> None:
    writer = RawWriter(tmp_path / "a")
    writer.add(1, b"one")
    writer.flush(sync=True)
    writer.add(2, b"two")
    writer.abandon()
    back, reader = read(tmp_path / "a")
    assert back == [(1, 0, b"one")]
    assert not reader.closed


def test_rubbish_is_said_to_be_rubbish(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"not a capture at all" * 1000)
    back, reader = read(tmp_path / "a")
    assert back == []
    assert [loss.reason for loss in reader.losses] == ["nothing readable stands here"]


def test_an_absent_capture_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read the capture"):
        read(tmp_path / "absent")


def test_a_response_carries_its_address() -> None:
    assert response_text("https://x/é", b"{}") == '"https://x/é"\n{}'.encode()
