"""What a desk is told, what it must remember for another process, and whom it tells of its acts."""

from typing import Protocol

import msgspec

from aggressor.account.position import PositionMemory
from aggressor.execution.bracket import BracketRule
from aggressor.execution.halt import HaltMemory
from aggressor.execution.intent import Intent, Refused
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossesMemory, LossRule
from aggressor.execution.pace import PaceMemory, PaceRule
from aggressor.execution.parent import ParentMemory
from aggressor.execution.trade import TradeMemory
from aggressor.execution.triggers import TriggerRule


class DeskRule(msgspec.Struct, frozen=True, kw_only=True):
    """All bounds of one account; `limits` by instrument index, `default` for the others."""

    default: Limits = Limits()
    limits: dict[int, Limits] = {}
    bracket: BracketRule = BracketRule()
    losses: LossRule = LossRule()
    pace: PaceRule = PaceRule()
    triggers: TriggerRule | None = None  # None: nothing pulls the kill switch by itself
    orphan_ns: int = 600_000_000_000  # a position of an earlier process is closed when so old


class DeskMemory(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk must know to go on in another process, beside its commands and reports."""

    trades: tuple[TradeMemory, ...]
    parents: tuple[ParentMemory, ...]
    losses: LossesMemory
    pace: PaceMemory
    halt: HaltMemory
    positions: tuple[PositionMemory, ...]  # by instrument
    unclaimed_lots: int
    refused_total: int


class Witness(Protocol):
    """Who is told what the desk takes, refuses and sends, as it happens."""

    def intent(self, intent: Intent, ts_ns: int) -> None:
        """An intent was taken."""
        ...

    def refused(self, refused: Refused) -> None:
        """Something was refused."""
        ...

    def sent(self, order: int, leg: str) -> None:
        """A command of this order leaves; `leg` says what the order is for."""
        ...
