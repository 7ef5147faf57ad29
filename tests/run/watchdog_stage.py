"""A live runner whose strategy hangs, dies or fails as soon as it holds a protected position.

The runner is a process of its own (`be`), with its watchdog in another; the venue is in the test.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec

from aggressor.engine.view import View
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection, Target
from aggressor.run.accounts import live as live_runs
from aggressor.run.accounts.account_look import protected
from aggressor.run.accounts.live import LivePlan, LiveRun
from aggressor.run.accounts.rules import TriggersTable
from aggressor.strategies import table
from tests.run.account_stage import BOUNDED, our_keys
from tests.run.paper_stage import BUSY, SETTINGS, Busy, KnownBusy
from tests.run.venue_stage import KEY

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.run.warm_runner"])
SILENT_S = 1.5
AWAY = 400  # ticks from the market to its stop and target


class Stuck:
    """Buys once, and comes to its end."""

    waiting = True
    end = ""  # set by the runner: hang, die, raise

    def __init__(self) -> None:
        self.asked = 0

    def count_from(self, made: int) -> None:
        self.asked = made

    def decide(self, view: View) -> Sequence[Intent]:
        if Stuck.end == "hang":
            time.sleep(3_600)
        if Stuck.end == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if Stuck.end == "raise":
            raise ValueError("a mistake of the strategy")
        if self.asked or not view.valid:
            return []
        self.asked += 1
        return [
            Intent(
                action=Action.ENTER,
                instrument=0,
                strategy=1,
                parent=self.asked,
                side=1,
                lots=60,
                placement=Placement(policy=Policy.CROSS, cap_ticks=20),
                protection=Protection(stop=view.bid - AWAY, targets=(Target(view.ask + AWAY),)),
            )
        ]


class KnownStuck(KnownBusy):
    def make(self, instrument: Any, lane: int, *_: Any) -> Any:
        return Stuck()


def be(told: Connection, store: Path, at: str, name: str, end: str, level: int) -> None:
    """Be the runner."""
    sys.stderr = (store / "runner.log").open("a", buffering=1)
    prefix = f"AGGRESSOR_{name.partition(':')[0].replace('-', '_').upper()}_"
    os.environ |= {prefix + "KEY": KEY.key, prefix + "SECRET": KEY.secret}
    os.environ[prefix + "PASSPHRASE"] = KEY.passphrase
    table.STRATEGIES[BUSY] = KnownStuck(Busy, {})
    turned = LiveRun.turned

    def looked(self: LiveRun) -> None:
        turned(self)
        if not Stuck.end and protected(self.account, 0) and not self.under_way:
            Stuck.end = end
            told.send({"at": time.monotonic(), "position": self.account.desk.position(0).lots})

    LiveRun.turned = looked  # type: ignore[method-assign]
    rules = msgspec.structs.replace(
        BOUNDED,
        triggers=msgspec.structs.replace(
            BOUNDED.triggers, heartbeat_s=SILENT_S, heartbeat_level=level
        ),
    )
    assert isinstance(rules.triggers, TriggersTable)
    plan = LivePlan([name], SETTINGS, rules, store, None, at)
    with suppress(ValueError):
        asyncio.run(
            live_runs.live(
                plan,
                show=lambda look: None,
                notice=lambda words: print(words, file=sys.stderr, flush=True),
                keys=our_keys,
            )
        )
