"""Whatever is told to stop, or cancelled, ends: at any moment, with a venue that stays away too."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.live import live
from aggressor.run.accounts.rules import VenueTable
from aggressor.run.stopping import end_tasks, told_to_stop, wait_within
from aggressor.store.journal_reader import JournalReader
from tests.run.account_stage import BOUNDED, JOURNAL, VENUE, Unwatched, caught, live_plan, our_keys
from tests.run.paper_stage import make_busy
from tests.run.venue_stage import away, serving, until

ENDS_S = 30.0  # a busy machine; what it may take by its own bounds is less


@pytest.fixture
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)
    monkeypatch.setattr(live_runs, "Guard", Unwatched)


# -- a cancellation is never forgotten ---------------------------------------------------------


@pytest.mark.parametrize("turns", range(6))
def test_what_is_cancelled_as_it_is_woken_ends(turns: int) -> None:
    async def play() -> bool:
        event = asyncio.Event()

        async def turning() -> None:
            while True:
                await wait_within(event, 0.02)
                event.clear()

        task = asyncio.ensure_future(turning())
        await asyncio.sleep(0.005)
        event.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        ended, _ = await asyncio.wait([task], timeout=2.0)
        return bool(ended)

    assert asyncio.run(play())


def test_a_wait_ends_in_time_and_by_its_event() -> None:
    async def play() -> tuple[float, float]:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        began = loop.time()
        await wait_within(event, 0.05)
        waited = loop.time() - began
        event.set()
        await wait_within(event, 60.0)
        return waited, loop.time() - began

    waited, both = asyncio.run(play())
    assert 0.04 < waited <= both < 5.0


def test_tasks_that_do_not_want_to_end_are_asked_again_and_then_named() -> None:
    async def play() -> tuple[int, list[str]]:
        refused, said = 0, []

        async def stubborn() -> None:
            nonlocal refused
            while True:
                try:
                    await asyncio.sleep(60.0)
                except asyncio.CancelledError:
                    refused += 1
                    if refused == 2:
                        raise

        async def deaf() -> None:
            while not over:
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue

        over: list[bool] = []
        tasks = [asyncio.ensure_future(stubborn()), asyncio.ensure_future(deaf())]
        await asyncio.sleep(0.01)
        await end_tasks(tasks, 1.2, said.append)
        over.append(True)
        await tasks[1]
        return refused, said

    refused, said = asyncio.run(play())
    assert refused == 2
    (words,) = said
    assert "deaf" in words
    assert "did not end within" in words


def told(work: Callable[[Any], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def play() -> None:
        async with told_to_stop(**more) as stop:
            await work(stop)

    asyncio.run(play())


def test_the_first_signal_asks_and_the_second_insists() -> None:
    seen: list[bool] = []

    async def work(stop: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(stop.wait(), 5.0)
        seen.append(stop.is_set())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(30.0)
        seen.append(False)

    with pytest.raises(KeyboardInterrupt):
        told(work)
    assert seen == [True]


def test_before_anything_stands_the_first_signal_insists() -> None:
    async def work(_: asyncio.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30.0)

    with pytest.raises(KeyboardInterrupt):
        told(work, patient=False)


# -- a live run whose venue never comes back -----------------------------------------------------


def gone(
    store: Path, end: Callable[["asyncio.Task[Any]"], object], **venue: Any
) -> tuple[float, list[str], str | None]:
    """Trade until something is held, take the venue away for ever, and end the run.

    Return how long that took, the notices, and why it ended by its journal.
    """
    notices: list[str] = []
    rules = msgspec.structs.replace(BOUNDED, venue=VenueTable(leverage=5, request_s=1.5, **venue))

    async def play() -> float:
        loop = asyncio.get_running_loop()
        async with serving(VENUE, speed=6.0) as server:
            plan = live_plan(server, store, None, rules=rules)
            task = asyncio.ensure_future(
                live(plan, show=lambda _: None, notice=notices.append, keys=our_keys)
            )
            await until(
                lambda: task.done() or bool(runs and runs[0].account.desk.position(0).lots), 60.0
            )
            away(server)
            await until(lambda: not runs[0].accounts.exchanges[0].private.live)
            began = loop.time()
            end(task)
            ended, _ = await asyncio.wait([task], timeout=ENDS_S)
            assert ended, "it goes on"
            if not task.cancelled():
                task.result()
            return loop.time() - began

    with pytest.MonkeyPatch.context() as patch:
        runs = caught(patch)
        took = asyncio.run(play())
    reader = JournalReader(store / JOURNAL)
    (run,) = reader.runs()
    reader.close()
    return took, notices, run.ended


def asked(_: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("_stage")
def test_told_to_stop_it_ends_and_says_what_is_left(tmp_path: Path) -> None:
    took, notices, why = gone(tmp_path, asked, dead_man_s=30.0)
    assert took < ENDS_S
    assert why == "stopped"
    assert any("is left, covered by a stop" in one or "NOT COVERED" in one for one in notices)
    assert any("its stream is away" in one for one in notices)
    assert any("the venue's timer goes on" in one for one in notices)


@pytest.mark.usefixtures("_stage")
def test_cancelled_it_ends_at_once_and_says_what_is_left(tmp_path: Path) -> None:
    took, notices, why = gone(tmp_path, lambda task: task.cancel())
    assert took < ENDS_S / 2
    assert why == "ended at once"
    assert any("its stream is away" in one for one in notices)
