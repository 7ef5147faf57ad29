"""A strategy that trades much and always the same: draws of a small integer generator decide.

It posts, crosses, re-places, cancels and exits, wherever the market stands. Everything is read as
side x price, so with `mirror=-1` on a mirrored tape it asks for the mirrored orders.
"""

from collections.abc import Sequence
from typing import Any

from aggressor.engine.view import View
from aggressor.execution.desk import DeskRule
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection, Target
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossRule
from aggressor.execution.pace import PaceRule
from aggressor.schema.event import PRICE_MAX

MS = 1_000_000
SECOND = 1_000 * MS

FREE = DeskRule(
    default=Limits(price_min=-PRICE_MAX, collar_bp=500, cross_bp_max=500, exit_cross_bp_max=2000),
    losses=LossRule(day_bp=10_000, drawdown_bp=10_000, consecutive_max=10**6, stops_max=10**6),
    pace=PaceRule(messages_max=10**6, entries_max=10**6),
)
"""Bounds that let a careless strategy go on, so that a test has something to see."""


class Trader:
    """See the module text. `ticks`: how far its stops and targets stand at most."""

    def __init__(self, seed: int, lane: int = 0, mirror: int = 1, ticks: int = 6) -> None:
        self.lane, self.mirror, self.ticks = lane, mirror, ticks
        self.parent = 1000 * lane
        self.asked = 0
        self._state = 2 * seed + 1

    @property
    def waiting(self) -> bool:
        """Ask for TIMERs now and then although nothing is at stake."""
        return self.asked % 16 != 15

    def decide(self, view: View) -> Sequence[Intent]:
        self.asked += 1
        draw = self._draw()
        if not view.valid:
            return []
        trade = view.trade
        if trade is None:
            return [self._enter(view, draw)] if draw % 6 == 0 else []
        parent = trade.parent
        match draw % 40:
            case 0:
                return [self._intent(Action.EXIT, parent, reason="drawn")]
            case 1 | 2:
                return [self._intent(Action.CANCEL, parent, reason="drawn")]
            case 3 | 4:
                cross = Placement(policy=Policy.CROSS, cap_ticks=1)
                return [self._intent(Action.REPLACE, parent, placement=cross)]
            case 5:
                return [self._enter(view, draw)]  # refused: a trade is under way
        return []

    def _enter(self, view: View, draw: int) -> Intent:
        self.parent += 1
        side = self.mirror * (1 if draw & 64 else -1)
        touch = view.bid if side > 0 else view.ask
        loss, gain = 1 + (draw >> 7) % self.ticks, 1 + (draw >> 11) % self.ticks
        placement = Placement(
            policy=Policy.JOIN, wait_ns=2 * SECOND, repeg_ns=200 * MS, chase_ticks=self.ticks
        )
        if draw & (1 << 15):
            placement = Placement(policy=Policy.CROSS, cap_ticks=2)
        targets = (Target(touch + side * gain), Target(touch + side * (gain + 2)))
        return self._intent(
            Action.ENTER,
            self.parent,
            side=side,
            lots=1 + (draw >> 16) % 20,
            placement=placement,
            protection=Protection(stop=touch - side * loss, targets=targets),
        )

    def _intent(self, action: Action, parent: int, **fields: Any) -> Intent:
        return Intent(
            action=action, instrument=self.lane, strategy=self.lane, parent=parent, **fields
        )

    def _draw(self) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self._state >> 33
