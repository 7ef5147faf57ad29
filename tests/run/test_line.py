"""A line to a venue over real sockets on loopback: alignment, losses, gaps, rotation, silence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import numpy as np
import pytest

from aggressor.market.book import book_state, run_book
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Line, Wires, chosen, definitions_of, relocated
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import ASK, BID, CLEAR, GAP, LEVEL, TIMER, TRADE, Events
from aggressor.venues.session import LinkRules, State
from aggressor.venues.venue import Request, Venue
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Limits, Rest
from tests.run.toy_server import ToyServer
from tests.venues.toy import REST, SECOND_NS, instrument, toy


class Stage:
    """A toy venue, a line to it, and everything that came over the line."""

    def __init__(self, server: ToyServer, line: Line, feed: LiveFeed, notices: list[str]) -> None:
        self.server = server
        self.line = line
        self.notices = notices
        self._feed = feed
        self._rows: list[Events] = []

    @property
    def rows(self) -> Events:
        while (rows := self._feed.poll(1000)).size:
            self._rows.append(rows)
        return np.concatenate(self._rows)

    def levels(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the book that the rows say."""
        rows = self.rows
        book = book_state(1)
        assert run_book(rows, 0, rows.size, book) == rows.size
        found: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
        for level in book.levels[book.levels["lots"] > 0]:
            found[int(level["side"])][int(level["price"])] = int(level["lots"])
        return found[BID], found[ASK]


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that in time")


@asynccontextmanager
async def staged(venue: Venue) -> AsyncIterator[Stage]:
    server, notices, clock, backlog = ToyServer(), [], Clock(), Backlog()
    await server.server.start_server()
    async with Rest() as rest:
        wires = Wires(rest, clock, notices.append, server.at)
        line = Line(venue, [(instrument(), 0)], wires, backlog)
        task = asyncio.create_task(line.run())
        try:
            yield Stage(server, line, LiveFeed(backlog, clock), notices)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await server.server.close()


def test_a_line_aligns_and_follows_the_book() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            for lots in (7, 3, 0):
                await stage.server.change(BID, 998, lots)
                await stage.server.change(ASK, 1002, lots + 1)
            await until(lambda: stage.line.decoder.counts["applied"] == 6)
            assert stage.levels() == (stage.server.bids, stage.server.asks)
            assert stage.server.snapshots == 1

    asyncio.run(play())


def test_a_gap_is_said_and_mended_by_a_new_snapshot() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            await stage.server.change(BID, 998, 7)
            await stage.server.change(BID, 997, 9, skip=True)
            await stage.server.change(BID, 996, 2)
            await until(lambda: stage.line.decoder.counts["gaps"] == 1)
            await until(lambda: stage.line.live)
            assert stage.levels() == (stage.server.bids, stage.server.asks)
            rows = stage.rows
            clears = rows[rows["kind"] == CLEAR]
            assert [bool(flags & GAP) for flags in clears["flags"]] == [False, True, False]

    asyncio.run(play())


def test_a_book_that_stays_crossed_is_given_up_though_no_id_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aggressor.run.lines.touch_watch.CROSSED_NS", SECOND_NS // 5)

    async def play() -> None:
        async with staged(msgspec.structs.replace(toy(), skips=True)) as stage:
            await until(lambda: stage.line.live)
            lost = {"e": "book", "s": "ABC", "t": 1, "b": [["100.2", "0.05"]]}
            stage.server.u += 1
            await stage.server.send(lost | {"u": stage.server.u, "first": stage.server.u})
            await until(lambda: stage.line.counts.distrusted == 1)
            await until(lambda: stage.line.live)
            await until(lambda: stage.levels() == (stage.server.bids, stage.server.asks))
            assert stage.line.decoder.counts["gaps"] == 0
            assert any("ABC stays crossed" in words for words in stage.notices)
            clears = stage.rows[stage.rows["kind"] == CLEAR]
            assert [bool(flags & GAP) for flags in clears["flags"]] == [False, True, False]
            await asyncio.sleep(0.4)
            assert stage.line.counts.distrusted == 1  # once: the new book is whole

    asyncio.run(play())


def test_after_a_loss_books_are_unknown_until_they_are_aligned_anew() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            await stage.server.trade(1)
            await stage.server.change(BID, 998, 7)
            await until(lambda: stage.line.counts.rows >= 4)
            await stage.server.drop()
            await until(lambda: stage.line.counts.losses == 1)
            await stage.server.change(BID, 990, 4)
            await until(lambda: stage.line.live, 10.0)
            await stage.server.trade(1)  # the same print again: known
            await stage.server.trade(2)
            await until(lambda: stage.line.decoder.counts["trades"] == 2)
            assert stage.levels() == (stage.server.bids, stage.server.asks)
            rows = stage.rows
            assert (rows["kind"] == TRADE).sum() == 2
            assert stage.line.decoder.counts["trades_dropped"] == 1
            assert any("connecting again" in notice for notice in stage.notices)

    asyncio.run(play())


def test_prints_that_a_venue_does_not_answer_are_asked_for_ever_slower() -> None:
    ask = Request("GET", f"{REST}/trades?symbol=ABC", 1)
    venue = msgspec.structs.replace(toy(), trades_request=lambda one: ask)

    async def play() -> None:
        async with staged(venue) as stage:
            await until(lambda: stage.line.live)
            await stage.server.trade(1)
            await until(lambda: stage.line.decoder.counts["trades"] == 1)
            await stage.server.drop()
            await until(lambda: stage.server.asked_trades > 0, 10.0)
            await asyncio.sleep(2.0)
            assert 2 <= stage.server.asked_trades <= 12  # every 50 ms it were 40

    asyncio.run(play())


def test_a_connection_of_known_age_is_replaced_before_it_is_cut_and_nothing_is_lost() -> None:
    async def play() -> None:
        rules = LinkRules(messages_per_second=50, lifetime_ns=2 * SECOND_NS)
        async with staged(toy(rules)) as stage:
            await until(lambda: stage.line.live)
            for number in range(1, 301):
                await stage.server.change(BID, 900 + number % 90, number)
                await stage.server.trade(number)
                await asyncio.sleep(0.01)
            await until(lambda: stage.server.opened >= 2 and len(stage.server.sockets) == 1)
            await until(lambda: stage.line.decoder.counts["trades"] == 300)
            assert stage.line.counts.losses == 0
            assert stage.line.decoder.counts["gaps"] == 0
            rows = stage.rows
            assert not np.any(rows["flags"][rows["kind"] == CLEAR] & GAP)
            assert stage.levels() == (stage.server.bids, stage.server.asks)

    asyncio.run(play())


def test_a_stream_that_is_acknowledged_and_stays_silent_is_named_once() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: any("silent" in notice for notice in stage.notices))
            await asyncio.sleep(0.3)
            (alarm,) = [notice for notice in stage.notices if "silent" in notice]
            assert alarm.startswith("ABC: levels are subscribed but silent")
            await stage.server.change(BID, 998, 7)
            await until(lambda: not stage.line.links[0].silent)

    asyncio.run(play())


def test_a_ping_of_the_venue_is_answered_and_a_refusal_is_shown() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            for socket in stage.server.sockets:
                await socket.send_str('{"control":"ping"}')
                await socket.send_str('{"control":"no such symbol"}')
            await until(lambda: '{"control":"pong"}' in stage.server.heard)
            await until(lambda: "toy refused: no such symbol" in stage.notices)

    asyncio.run(play())


def test_what_cannot_be_read_is_counted_and_changes_nothing() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            for socket in stage.server.sockets:
                await socket.send_str("{not json")
                await socket.send_str('{"e":"book","s":"ABC","u":1,"b":[["1.23456","1"]]}')
                await socket.send_bytes(b"\xff\xfe")
            await stage.server.change(BID, 998, 7)
            await until(lambda: stage.line.counts.bad == 3)
            await until(lambda: stage.line.decoder.counts["applied"] == 1)
            assert stage.levels() == (stage.server.bids, stage.server.asks)
            assert stage.line.links[0].state is State.LIVE

    asyncio.run(play())


def test_rows_that_nobody_takes_are_dropped_whole_and_said() -> None:
    async def play() -> None:
        server, notices, clock, backlog = ToyServer(), [], Clock(), Backlog(rows_max=8)
        await server.server.start_server()
        async with Rest() as rest:
            line = Line(
                toy(), [(instrument(), 0)], Wires(rest, clock, notices.append, server.at), backlog
            )
            task = asyncio.create_task(line.run())
            await until(lambda: line.live)
            for number in range(12):
                await server.change(BID, 990, number + 1)
            await until(lambda: backlog.overflows >= 1)
            rows = backlog.take(100)
            assert rows["kind"][0] == CLEAR
            assert rows["flags"][0] & GAP
            assert backlog.dropped >= 8
            await until(lambda: line.live)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await server.server.close()

    asyncio.run(play())


def test_timers_stand_where_a_replay_would_put_them() -> None:
    async def play() -> None:
        async with staged(toy()) as stage:
            await until(lambda: stage.line.live)
            for number in range(20):
                await stage.server.change(BID, 998, number + 1)
                await asyncio.sleep(0.03)
            await until(lambda: stage.line.decoder.counts["applied"] == 20)
            rows = stage.rows
            times = rows["ts_recv"]
            assert np.all(np.diff(times) >= 0)
            timers = rows[rows["kind"] == TIMER]
            assert timers.size >= 4
            assert np.all(np.diff(timers["ts_recv"]) == 100_000_000)
            assert np.all(timers["ts_recv"] % 100_000_000 == 0)
            assert (rows["kind"] == LEVEL).sum() == 22

    asyncio.run(play())


def test_instruments_are_fetched_and_a_wrong_symbol_is_named() -> None:
    async def play() -> None:
        server = ToyServer()
        await server.server.start_server()
        async with Rest() as rest:
            wires = Wires(rest, Clock(), lambda _: None, server.at)
            found = await definitions_of(toy(), wires, Limits({}))
            assert [one.symbol for one in found] == ["ABC", "XYZ"]
            assert chosen(found, toy(), ["XYZ"])[0].symbol == "XYZ"
            with pytest.raises(ConfigError, match="does not trade abc - did you mean ABC"):
                chosen(found, toy(), ["abc"])
        await server.server.close()

    asyncio.run(play())


def test_addresses_are_moved_to_another_host_and_port() -> None:
    at = "http://127.0.0.1:8123"
    assert relocated("wss://a.b/public/stream?x=1", at) == "ws://127.0.0.1:8123/public/stream?x=1"
    assert relocated("https://a.b/depth?s=A", at) == "http://127.0.0.1:8123/depth?s=A"
    assert relocated("https://a.b/depth", "") == "https://a.b/depth"
    assert relocated("wss://a.b/x", "https://h:1") == "wss://h:1/x"
