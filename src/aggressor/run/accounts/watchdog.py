"""The watchdog of a live account: a process of its own, with its own connections and no strategy.

It hears the heartbeat of the runner (`run.heartbeat`). When that is silent for longer than the
limits say, or the run says that it failed, it ends what is left of the runner, leaves the kill
switch pulled in the journal, and does what the level asks for, by plain requests:

    2   cancel unfilled entries; what protects a position stays
    3   and close positions: reduce-only limit orders, immediate or cancel, capped, the cap wider
        at each attempt; what protected them is cancelled when they are flat
    4   nothing: the venue's own timer cancels, where it was set

It uses neither engine, desk nor journal of the runner, so what broke these does not break it; the
next run finds what it did at the venue, by its reports where they were ours and by name where not.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from aggressor.execution.halt import HaltLevel
from aggressor.run.accounts.account import LIVE_JOURNAL
from aggressor.run.accounts.flatten import Closer
from aggressor.run.accounts.guard import ORDERS, Watch
from aggressor.run.accounts.heartbeat import Field, Heartbeat, RunnerState, WatchdogState, born
from aggressor.run.lines.keys import Found, find_keys
from aggressor.run.lines.line import Wires
from aggressor.run.stopping import told_to_stop
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.store.journal_reader import wish
from aggressor.store.layout import Layout
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest

_LOOK_S = 0.05
_STARTING_NS = 120_000_000_000  # a run that begins may compile: longer silence is trouble
_LATE_NS = 1_000_000_000  # we ourselves were held up: listen anew before judging

Say = Callable[[str], None]


def orders_of(folder: Path) -> Watch:
    """Return what a watchdog is to know; raise ConfigError where no live run was begun."""
    path = Layout(folder).live / ORDERS
    try:
        return msgspec.json.decode(path.read_bytes(), type=Watch)
    except FileNotFoundError:
        raise ConfigError(
            f"There is nothing to watch in {folder}: begin `aggressor live ... --store {folder}`."
        ) from None
    except (OSError, msgspec.DecodeError) as trouble:
        raise ConfigError(f"Cannot read {path} ({trouble}): begin the live run again.") from None


async def watchdog(
    folder: Path, *, say: Say, keys: Callable[[str], Found | None] = find_keys
) -> dict[str, Any]:
    """Watch until the run ends; return what was done. Raises ConfigError, MessageError."""
    orders = orders_of(folder)
    with Heartbeat(Layout(folder).live) as heart:
        runner = heart[Field.RUNNER]
        async with told_to_stop() as stop, Rest() as rest:
            closer = await Closer.opened(orders, Wires(rest, Clock(), say, orders.at), keys)
            async with closer:
                say(f"watches process {runner} for {', '.join(orders.names)}")
                why, level = await _listen(heart, orders, runner, stop, closer)
                result: dict[str, Any] = {"runner": runner, "why": why, "level": level}
                if level:
                    heart.look(WatchdogState.ACTING)
                    result |= await _act(heart, folder, runner, why, HaltLevel(level), closer, say)
                heart.look(WatchdogState.DONE)
                return result


async def _listen(
    heart: Heartbeat, orders: Watch, runner: int, stop: asyncio.Event, closer: Closer
) -> tuple[str, int]:
    """Listen until there is a reason to end; return it, and the level to act on (0: none)."""
    looked = time.monotonic_ns()
    while not stop.is_set():
        heart.look()
        closer.follow()
        await asyncio.sleep(_LOOK_S)
        now, before = time.monotonic_ns(), looked
        looked = now
        state = heart[Field.STATE]
        if heart[Field.RUNNER] != runner:
            return "another run has begun", 0
        if state == RunnerState.ENDED:
            return "the run has ended", 0
        if state == RunnerState.FAILED:
            return "the run has failed", heart[Field.LEVEL]
        bound = orders.silent_ns if state == RunnerState.TRADING else _STARTING_NS
        if heart.silent_ns > bound and now - before < _LATE_NS:
            return f"no heartbeat for {heart.silent_ns / 1e9:.1f} s", orders.level
    return "told to stop", 0


async def _act(
    heart: Heartbeat,
    folder: Path,
    runner: int,
    why: str,
    level: HaltLevel,
    closer: Closer,
    say: Say,
) -> dict[str, Any]:
    """End the runner, latch the kill switch, and do what its level asks for."""
    began = time.monotonic()
    say(f"{why}: acts at level {int(level)}")
    if heart[Field.STATE] != RunnerState.FAILED:
        _end(runner, heart[Field.RUNNER_BORN], say)
    try:
        wish(folder / LIVE_JOURNAL, level, f"watchdog: {why}", Clock().now())
    except StoreError as trouble:
        say(f"the kill switch is not in the journal: {trouble}")
    done: dict[str, Any] = {}
    if HaltLevel.CANCEL <= level < HaltLevel.DISCONNECT:
        done["cancelled"] = await closer.cancel_entries()
    if level is HaltLevel.FLATTEN:
        done["flat"] = await closer.flatten()
    done["seconds"] = round(time.monotonic() - began, 3)
    say(f"done: {done}")
    return done


def _end(process: int, began: int, say: Say) -> None:
    """End a runner that hangs: two must not trade one account."""
    if process <= 0 or process == os.getpid():
        return
    known = born(process)
    if known != began:
        say(f"process {process} is another one by now: it is left alone")
        return
    with suppress(ProcessLookupError, PermissionError):
        os.kill(process, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        say(f"process {process} was ended")


def main_say(words: str) -> None:
    """Say words with the time, for a log."""
    print(
        f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} {words}", file=sys.stderr, flush=True
    )
