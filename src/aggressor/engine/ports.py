"""The three protocols the engine speaks: where events come from, where commands go, who decides.

All are synchronous and never block; sockets are waited for only in `run/`. A strategy is a
plug-in: the engine declares what it must answer and never knows its name.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aggressor.schema.command import Commands
from aggressor.schema.event import Events
from aggressor.schema.report import Reports

if TYPE_CHECKING:
    from aggressor.engine.view import View
    from aggressor.execution.intent import Intent


class Feed(Protocol):
    """A source of market events in order of `ts_recv`."""

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next events; an empty array when there are none now."""
        ...


class Exchange(Protocol):
    """A feed that also takes commands and reports on our orders."""

    def poll(self, limit: int) -> tuple[Events, Reports]:
        """Return next events and reports, each in order of `ts_recv`."""
        ...

    def take(self, commands: Commands) -> None:
        """Accept commands; what becomes of them comes back as reports."""
        ...


class Strategy(Protocol):
    """A function from what is known to what is wanted, for one instrument."""

    @property
    def waiting(self) -> bool:
        """Whether it wants TIMERs as decision points although nothing of ours is at stake."""
        ...

    def decide(self, view: "View") -> Sequence["Intent"]:
        """Return intents for this moment; each is checked before it becomes a command."""
        ...


@runtime_checkable
class Numbered(Protocol):
    """A strategy that numbers its trades, and can go on behind those of an earlier process."""

    @property
    def code(self) -> int:
        """What its orders are marked with."""
        ...

    def count_from(self, made: int) -> None:
        """Number the next trade `made` + 1; `made` trades carry the numbers up to there."""
        ...
