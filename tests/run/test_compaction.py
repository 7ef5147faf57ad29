"""What was received live, decoded again from the disk: the same rows, whatever broke in between."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.run.imports.compaction import compact_segments
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Line, Wires
from aggressor.schema.errors import StoreError
from aggressor.schema.event import BID, CLEAR, GAP, TRADE, Events
from aggressor.store.layout import Layout
from aggressor.store.reader import Store
from aggressor.store.segments import RUN_BEGAN, SegmentFile, SegmentWriter
from aggressor.venues import table
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest
from tests.run.test_line import until
from tests.run.toy_server import ToyServer
from tests.venues.toy import instrument, toy


@pytest.fixture(autouse=True)
def _toy_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "VENUES", {**table.VENUES, "toy": toy()})


class Session:
    """One life of a recorder of the toy venue, with the rows that it saw live."""

    def __init__(self, store: Path, began: str = "the recorder started") -> None:
        self.began = began
        self.writer = SegmentWriter(Layout(store).live, "toy", [instrument()])
        self.seen: list[Events] = []

    async def play(self, server: ToyServer, act: Any, *, kill: bool = False) -> None:
        clock, backlog = Clock(), Backlog()
        self.writer.begin(clock.now())
        self.writer.lost(clock.now(), self.began)
        async with Rest() as rest:
            wires = Wires(rest, clock, lambda _: None, server.at)
            line = Line(toy(), [(instrument(), 0)], wires, backlog, self.writer)
            task = asyncio.create_task(line.run())
            await until(lambda: line.live)
            await act(line)
            if kill:  # what was flushed is all that is left
                await asyncio.sleep(0.8)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if not kill:
            self.writer.close()
        self.seen.append(backlog.take(backlog.rows))


def stored(store: Path) -> Events:
    feed = Store(store).replay(["toy:ABC"], timer_ns=0)
    rows = []
    while (chunk := feed.poll(1000)).size:
        rows.append(chunk)
    return np.concatenate(rows)


async def some_changes(server: ToyServer, line: Line, count: int = 20) -> None:
    before = line.decoder.counts["applied"]
    for number in range(count):
        await server.change(BID, 980 + number % 9, number + 1)
        await server.trade(1000 * server.u + number)
    await until(lambda: line.decoder.counts["applied"] - before == count)
    await until(lambda: line.counts.messages >= 2 * count)


def test_rows_from_a_segment_are_the_rows_seen_live(tmp_path: Path) -> None:
    async def play() -> Events:
        server = ToyServer()
        await server.server.start_server()
        session = Session(tmp_path)

        async def act(line: Line) -> None:
            await some_changes(server, line)
            await server.change(BID, 975, 3, skip=True)  # a gap, and its mending
            await server.change(BID, 974, 3)
            await until(lambda: line.decoder.counts["gaps"] == 1 and line.live)
            await server.drop()  # a loss, and a new connection
            await until(lambda: line.counts.losses == 1)
            await until(lambda: line.live, 10.0)
            for socket in server.sockets:
                await socket.send_str("{broken")
            await some_changes(server, line)

        await session.play(server, act)
        await server.server.close()
        return np.concatenate(session.seen)

    seen = asyncio.run(play())
    (entry,) = compact_segments(tmp_path)["segments"]
    assert entry["rows"] == seen.size
    assert entry["skipped"] == {"not understood": 1}
    assert entry["damage"] == ""
    np.testing.assert_array_equal(stored(tmp_path), seen)
    assert not list(Layout(tmp_path).live.glob("*.zst"))


def test_a_killed_recorder_leaves_all_but_its_last_moment_and_the_next_goes_on(
    tmp_path: Path,
) -> None:
    async def play() -> tuple[Events, Events]:
        server = ToyServer()
        await server.server.start_server()
        first, second = Session(tmp_path), Session(tmp_path)
        await first.play(server, lambda line: some_changes(server, line), kill=True)
        await second.play(server, lambda line: some_changes(server, line))
        await server.server.close()
        return first.seen[0], second.seen[0]

    before, after = asyncio.run(play())
    entries = compact_segments(tmp_path)["segments"]
    assert "was not closed" in entries[0]["damage"]
    assert entries[1]["damage"] == ""
    rows = stored(tmp_path)
    said = rows[before.size]
    assert (said["kind"], bool(said["flags"] & GAP)) == (CLEAR, True)
    np.testing.assert_array_equal(rows[: before.size], before)
    np.testing.assert_array_equal(rows[before.size + 1 :], after)


def test_a_run_that_trades_finds_what_it_saw_though_it_was_known_before(tmp_path: Path) -> None:
    async def again(server: ToyServer, line: Line) -> None:
        for key in (1, 2, 3):  # known by their ids from the run before
            await server.trade(key)
        await until(lambda: line.counts.rows >= 4)

    async def play() -> tuple[Events, Events]:
        server = ToyServer()
        await server.server.start_server()
        first, second = Session(tmp_path, RUN_BEGAN), Session(tmp_path, RUN_BEGAN)
        await first.play(server, lambda line: again(server, line))
        await second.play(server, lambda line: again(server, line))
        await server.server.close()
        return first.seen[0], second.seen[0]

    before, after = asyncio.run(play())
    assert (after["kind"] == TRADE).sum() == 3
    compact_segments(tmp_path)
    rows = stored(tmp_path)
    said = rows[before.size]
    assert (said["kind"], bool(said["flags"] & GAP)) == (CLEAR, True)
    np.testing.assert_array_equal(rows[: before.size], before)
    np.testing.assert_array_equal(rows[before.size + 1 :], after)


def test_a_torn_segment_gives_what_stands_before_the_tear(tmp_path: Path) -> None:
    async def play() -> Events:
        server = ToyServer()
        await server.server.start_server()
        session = Session(tmp_path)

        async def act(line: Line) -> None:
            for _ in range(3):
                await some_changes(server, line)
                await asyncio.sleep(0.6)  # so that it is flushed

        await session.play(server, act)
        await server.server.close()
        return session.seen[0]

    seen = asyncio.run(play())
    (path,) = Layout(tmp_path).live.glob("*.zst")
    path.write_bytes(path.read_bytes()[:-200])
    (entry,) = compact_segments(tmp_path)["segments"]
    assert 0 < entry["rows"] < seen.size
    assert entry["damage"]
    np.testing.assert_array_equal(stored(tmp_path), seen[: entry["rows"]])


def test_compaction_that_was_killed_is_done_again_and_changes_nothing(tmp_path: Path) -> None:
    async def play() -> Events:
        server = ToyServer()
        await server.server.start_server()
        session = Session(tmp_path)
        await session.play(server, lambda line: some_changes(server, line))
        await server.server.close()
        return session.seen[0]

    seen = asyncio.run(play())
    (path,) = Layout(tmp_path).live.glob("*.zst")
    content = path.read_bytes()
    compact_segments(tmp_path)
    path.write_bytes(content)  # killed between the commit and the removal
    (entry,) = compact_segments(tmp_path)["segments"]
    assert entry["rows"] == 0
    assert not path.exists()
    np.testing.assert_array_equal(stored(tmp_path), seen)


def test_a_disk_that_refuses_is_said_and_what_was_flushed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path / "live", "toy", [instrument()])
    writer.begin(1)
    writer.message(2, b"first")
    assert writer._writer is not None

    def full(*_: object, **__: object) -> None:
        raise StoreError("Cannot write: the disk is full; free some space and run it again.")

    writer.rotate(10)
    (first,) = [path for path in (tmp_path / "live").glob("*.zst") if path != writer.path]
    monkeypatch.setattr(writer._writer, "flush", full)
    writer.message(11, b"second")

    async def wait() -> None:
        await until(lambda: writer._trouble is not None)

    asyncio.run(wait())
    with pytest.raises(StoreError, match="the disk is full"):
        writer.message(12, b"third")
    writer.close()
    assert [one.text for one in SegmentFile(first).messages()][1:] == [b"first"]


def test_what_comes_while_a_segment_is_closed_begins_the_next_one(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path / "live", "toy", [instrument()])
    writer.begin(1)
    for at, text in ((10, b"before"), (11, b"meanwhile")):
        writer.message(at, text)
    writer._stop.set()  # the thread would write what waits, whatever its time
    writer._thread.join()
    first = writer.rotate(10)
    writer.close()
    times = [[one.ts_recv for one in SegmentFile(path).messages()] for path in (first, writer.path)]
    assert times == [[1, 10], [11, 11]]  # of the instruments, then of the message
