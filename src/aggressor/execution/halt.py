"""The halt: a latch that only ever reduces risk (R8.7).

Levels rise and never fall by themselves; only a person resets, with a reason. The latch is a plain
value read by the first check of `limits`, so it takes effect with the next order whatever the
network or the strategy does. Each level includes those below it. What was latched when a process
ended is latched when the next one begins (`memory`).
"""

from enum import IntEnum
from typing import NamedTuple

import msgspec


class HaltLevel(IntEnum):
    """What is still done."""

    OPEN = 0
    NO_ENTRIES = 1  # no new risk; open trades go on to their exits
    CANCEL = 2  # and unfilled entries are cancelled; what protects a position stays
    FLATTEN = 3  # and positions are closed by capped reduce-only orders
    DISCONNECT = 4  # nothing more is sent at all: the venue's own timer cancels what rests


class Pull(NamedTuple):
    """One pull or reset of the latch."""

    ts_ns: int
    level: HaltLevel
    reason: str


class HaltMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Where the latch stands, and how it came there."""

    level: HaltLevel
    history: tuple[Pull, ...]


class Halt:
    """The latch of one account."""

    def __init__(self) -> None:
        self.level = HaltLevel.OPEN
        self.history: list[Pull] = []

    @property
    def reason(self) -> str:
        """Why it stands where it stands; empty while open and never pulled."""
        return self.history[-1].reason if self.history else ""

    def pull(self, level: HaltLevel, reason: str, ts_ns: int) -> bool:
        """Raise the latch to `level`; return whether that changed anything. Never lowers it."""
        assert reason, "a halt says why"
        if level <= self.level:
            return False
        self.level = level
        self.history.append(Pull(ts_ns, level, reason))
        return True

    def reset(self, reason: str, ts_ns: int) -> None:
        """Open again: the decision of a person, who says why."""
        assert reason, "a reset says why"
        self.level = HaltLevel.OPEN
        self.history.append(Pull(ts_ns, HaltLevel.OPEN, reason))

    def memory(self) -> HaltMemory:
        """Return what another process must know to go on."""
        return HaltMemory(level=self.level, history=tuple(self.history))

    def recall(self, memory: HaltMemory) -> None:
        """Stand where another process left it."""
        self.level = memory.level
        self.history = list(memory.history)
