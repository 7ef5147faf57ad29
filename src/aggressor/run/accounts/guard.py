"""The runner's side of its watchdog: it beats, and sees that somebody listens.

The watchdog is a process of its own, begun here or by a person (`aggressor watchdog DIR`). What it
must know stands in a file beside the heartbeat; keys are not in it, it finds them as we do. Where
it is gone while we trade, the kill switch goes to its first level: no new risk without a guard.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from aggressor.run.accounts.heartbeat import Field, Heartbeat, RunnerState
from aggressor.schema.errors import ConfigError
from aggressor.store.files import replace_content, storing
from aggressor.store.layout import Layout

if TYPE_CHECKING:
    from aggressor.run.accounts.live import LivePlan

ORDERS = "watchdog.json"
LOG = "watchdog.log"
_READY_S = 60.0
_BOW_OUT_S = 2.0


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What a watchdog is to know; times in ns."""

    names: tuple[str, ...]
    at: str
    silent_ns: int  # longer without a beat: it acts
    level: int  # of the kill switch
    leverage: int
    isolated: bool
    cap_ticks: int
    cap_bp: int
    widenings_max: int
    retry_ns: int
    request_s: float


class Guard:
    """See the module text; a context around a live run."""

    def __init__(self, folder: Path, plan: "LivePlan", notice: Callable[[str], None]) -> None:
        self._live = Layout(folder).live
        self._folder = folder
        self._plan = plan
        self._notice = notice
        self._heart = Heartbeat(self._live)
        self._process: subprocess.Popen[bytes] | None = None
        self._trading = False
        self._ended = False
        self._told = False

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        failed = trouble is not None and self._trading and not self._ended
        if failed:
            self.end(RunnerState.FAILED, self._plan.rules.triggers.exception_level)
        elif not self._ended:
            self.end(RunnerState.ENDED)
        if self._process is not None and not failed:
            self._see_off(self._process)
        self._heart.close()

    def _see_off(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a watchdog that bows out; one that is at work is left to it."""
        for ask in (None, process.terminate):
            if ask is not None:
                ask()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_BOW_OUT_S)
                return
        self._notice(f"the watchdog, process {process.pid}, is still at work: {self._live / LOG}")

    def begin(self) -> None:
        """Say that a run begins, and begin its watchdog; raise StoreError."""
        rules = self._plan.rules
        orders = Watch(
            names=tuple(self._plan.names),
            at=self._plan.at,
            silent_ns=round(rules.triggers.heartbeat_s * 1e9),
            level=rules.triggers.heartbeat_level,
            leverage=rules.venue.leverage,
            isolated=rules.venue.isolated,
            cap_ticks=rules.protection.exit_cap_ticks,
            cap_bp=rules.protection.exit_cap_bp,
            widenings_max=rules.protection.exit_widenings_max,
            retry_ns=round(rules.protection.retry_ms * 1e6),
            request_s=rules.venue.request_s,
        )
        with storing(self._live / ORDERS):
            replace_content(self._live / ORDERS, msgspec.json.encode(orders))
        self._heart.begin()
        if not self._plan.watchdog:
            return
        with storing(self._live / LOG), (self._live / LOG).open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aggressor", "watchdog", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # what ends our terminal does not end it
            )
        self._notice(
            f"a watchdog begins, process {self._process.pid}; its words: {self._live / LOG}"
        )

    async def watched(self) -> None:
        """Wait until somebody watches; raise ConfigError where nobody comes."""
        until = time.monotonic() + _READY_S
        while not self._heart.watched:
            gone = self._process is not None and self._process.poll() is not None
            if gone or time.monotonic() > until:
                raise ConfigError(
                    f"No watchdog watches this run: see {self._live / LOG}, or begin one with "
                    f"`aggressor watchdog {self._folder}`."
                )
            await asyncio.sleep(0.02)
        self._trading = True
        self._heart.beat()

    def beat(self) -> None:
        """Say that the loop turns."""
        self._heart.beat(RunnerState.TRADING if self._trading else RunnerState.STARTING)

    def end(self, state: RunnerState, level: int = 0) -> None:
        """Say how the run ended."""
        self._ended = True
        self._heart.end(state, level)

    def missing(self) -> str:
        """Return words where the watchdog has gone; each time once."""
        away = not self._heart.watched
        fresh, self._told = away and not self._told, away
        return "the watchdog is gone: no new risk is taken" if fresh else ""

    @property
    def words(self) -> dict[str, Any]:
        """How the watchdog does, for people."""
        return {"watches": self._heart.watched, "process": self._heart[Field.WATCHDOG]}
