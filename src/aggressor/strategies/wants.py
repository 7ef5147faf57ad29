"""What a strategy of your own may want, in one call each.

    def decide(self, view):
        if view.trade is None and view.valid and view.bid_lots > 10 * view.ask_lots:
            return enter(view, +1, lots=1, stop=view.bid - 20, targets=[view.ask + 20])

With the view of another instrument of the run (`view.peers`) it is a want on that one: a signal on
one venue, the order on another.

Prices are whole ticks, sizes whole lots. Every want is checked by the desk before it becomes an
order; ids are given by whoever runs the strategy.
"""

from collections.abc import Sequence

from aggressor.execution.intent import (
    Action,
    Intent,
    Placement,
    Policy,
    Protection,
    Target,
)
from aggressor.execution.quotes import Market

_SECOND_NS = 1_000_000_000


def enter(
    view: Market,
    side: int,
    *,
    lots: int,
    stop: int,
    targets: Sequence[int],
    cap_ticks: int | None = None,
    wait_s: float = 3.0,
    chase_ticks: int = 0,
    reason: str = "",
) -> Intent:
    """Want a position of `lots`, + long.

    Post-only at the own best for `wait_s`, following it up to `chase_ticks`; with `cap_ticks`
    instead one marketable limit so far beyond the opposite best. `stop` is the trigger of the
    resident stop; the position is split over the `targets`, passive exits.
    """
    if cap_ticks is None:
        placement = Placement(
            policy=Policy.JOIN,
            wait_ns=round(wait_s * _SECOND_NS),
            repeg_ns=_SECOND_NS // 5,
            chase_ticks=chase_ticks,
        )
    else:
        placement = Placement(policy=Policy.CROSS, cap_ticks=cap_ticks)
    return Intent(
        action=Action.ENTER,
        instrument=view.instrument,
        strategy=0,
        parent=0,
        side=side,
        lots=lots,
        placement=placement,
        protection=Protection(stop=stop, targets=tuple(Target(one) for one in targets)),
        reason=reason,
        ts_decided=view.now_ns,
    )


def leave(view: Market, reason: str) -> Intent:
    """Want to be out of the trade under way."""
    return _about_trade(view, Action.EXIT, reason)


def cancel(view: Market, reason: str) -> Intent:
    """Want no more of an entry that has not filled whole."""
    return _about_trade(view, Action.CANCEL, reason)


def _about_trade(view: Market, action: Action, reason: str) -> Intent:
    return Intent(action=action, instrument=view.instrument, strategy=0, parent=0, reason=reason)
