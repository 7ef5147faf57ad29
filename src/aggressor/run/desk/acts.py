"""What browsers may ask of a desk, whatever its market: to see, and, armed, to act.

Orders pass `Trading.want`, the same door as a strategy's, and the same checks behind it; they are
taken from a browser that was armed in this epoch of the desk, and from nobody on a desk that is
read-only. The kill switch may always be pulled, also by a browser that is not armed: it only
reduces risk.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Intent
from aggressor.run.accounts.trading import Trading
from aggressor.run.desk.hand import Hand, HandError, described
from aggressor.web import commands
from aggressor.web.hub import Hub
from aggressor.web.server import Visitor

Answer = dict[str, Any]
DONE: Answer = {"ok": True, "reason": ""}
_HALTS: Mapping[str, HaltLevel] = {
    "no_entries": HaltLevel.NO_ENTRIES,
    "cancel": HaltLevel.CANCEL,
    "flatten": HaltLevel.FLATTEN,
}


def refused(why: str) -> Answer:
    """Return the answer that something is not done."""
    return {"ok": False, "reason": why}


class Acts(ABC):
    """See the module text."""

    def __init__(self, hub: Hub, lanes: int, *, read_only: bool) -> None:
        self.hub = hub
        self.hand: Hand
        self._lanes = lanes
        self._read_only = read_only

    @property
    @abstractmethod
    def trading(self) -> Trading:
        """The loop that acts go to."""

    @property
    @abstractmethod
    def now_ns(self) -> int | None:
        """The time of an act; None while there is none."""

    @property
    def begun(self) -> bool:
        """Whether there is something to act on."""
        return True

    @abstractmethod
    def use(self, hub: Hub) -> None:
        """Tell what is new to another hub, that has adopted the one before."""

    @abstractmethod
    async def run(self) -> None:
        """Go on until it is over or the task is cancelled."""

    @property
    def busy(self) -> str:
        """Why no order is taken now; empty where one is."""
        return ""

    @property
    def note(self) -> str:
        """What one who orders should know."""
        return ""

    def navigate(self, command: commands.Navigation) -> Answer:
        """Move the time of the market."""
        return refused("This market is live: its time cannot be moved.")

    def do(self, visitor: Visitor, command: commands.Command) -> Answer:
        """Do what a browser asks for, or say why not."""
        if isinstance(command, commands.Ping):
            now = self.now_ns
            return DONE | {"ms": command.ms, "now_ms": None if now is None else now / 1e6}
        if not self.begun:
            return refused("The desk is being made ready.")
        if isinstance(command, commands.Watch):
            return self._watch(visitor, command)
        if isinstance(command, commands.Navigation):
            return self.navigate(command)
        if self._read_only:
            return refused("This desk is read-only.")
        if isinstance(command, commands.Arm):
            visitor.armed = self.hub.epoch if command.on else None
            return DONE | {"armed": command.on}
        if isinstance(command, commands.Kill):
            self._halt(_HALTS[command.level], command.reason)
            return DONE
        if visitor.armed != self.hub.epoch:
            return refused("This browser is not armed.")
        return self._act(command)

    def follow(self) -> None:
        """Go on with what takes more than one decision."""
        if self.hand.flattening:
            wanted = self.hand.follow()
            if wanted:
                self._want(wanted)

    def _watch(self, visitor: Visitor, command: commands.Watch) -> Answer:
        unknown = [k for k in command.lanes if k >= self._lanes]
        if unknown:
            return refused(f"There is no lane {unknown[0]}.")
        visitor.reader.watch(command.lanes)
        return DONE

    def _act(self, command: commands.Acting) -> Answer:
        """Give the engine what a person wants."""
        if self.now_ns is None or self.busy:
            return refused(self.busy or "Nothing has been heard of the market yet.")
        if isinstance(command, commands.Resume):
            self._halt(HaltLevel.OPEN, command.reason)
            return DONE
        try:
            wanted = self.hand.intents(command)
        except HandError as trouble:
            return refused(str(trouble))
        if not wanted and not self.hand.flattening:
            return refused("Nothing is under way or held.")
        if wanted:
            self._want(wanted)
        return DONE | ({"note": self.note} if self.note else {})

    def _want(self, wanted: Sequence[Intent]) -> None:
        self.trading.want(wanted, described(wanted), self.now_ns or 0)

    def _halt(self, level: HaltLevel, reason: str) -> None:
        self.trading.act(level, f"person: {reason}", self.now_ns or 0)
