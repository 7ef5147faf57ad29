"""Closing what belongs to no trade while the account is halted to flatten.

Marketable, reduce-only, capped; the cap is wider at each attempt, and it is never a market order.
"""

from aggressor.execution.bracket import BracketRule
from aggressor.execution.intent import Action, Intent, Placement, Policy
from aggressor.execution.quotes import Market


class Flattening:
    """How often it was tried by instrument, and what to try next."""

    def __init__(self, rule: BracketRule) -> None:
        self._rule = rule
        self._tries: dict[int, int] = {}

    def next(self, market: Market, held: int, reason: str) -> Intent:
        """Return the order that closes `held` lots (+ long) at the book of this moment."""
        k, rule = market.instrument, self._rule
        tries = self._tries.get(k, 0)
        self._tries[k] = tries + 1
        cap = max(rule.exit_cap_ticks, rule.exit_cap_bp * abs(market.bid) // 10_000)
        return Intent(
            action=Action.WORK,
            instrument=k,
            strategy=0,
            parent=-1 - tries,  # no strategy's: those are above zero
            side=-1 if held > 0 else 1,
            lots=abs(held),
            placement=Placement(
                policy=Policy.CROSS, cap_ticks=cap * (1 + min(tries, rule.exit_widenings_max))
            ),
            reduce_only=True,
            reason=reason,
        )
