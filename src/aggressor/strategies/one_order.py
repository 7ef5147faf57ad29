"""One parent order by itself, as a strategy: ask for it once, watch it, tell what it cost.

It wants nothing of features or signals: as soon as the book may be believed it asks the desk for
its order (`Action.WORK`), with the limit that `max_slippage_bp` puts around the mid of that moment,
and from then on only looks. After the end it stays `watch_ns` to learn the mids that markouts need.
`abort` gives the rest up. All that could go wrong on the way is the order's own business.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import msgspec

from aggressor.engine.view import View
from aggressor.execution.intent import Action, Choice, Intent, Placement, Policy
from aggressor.execution.parent import Account

PARENT = 1
WATCH_NS = 60_000_000_000


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be bought or sold, and how."""

    side: int
    lots: int
    policy: Policy = Policy.PEG
    max_slippage_bp: float | None = None  # no order beyond, against the mid of the beginning
    wait_ns: int = 60_000_000_000
    cross_at_end: bool = True
    cap_bp: float = 1.0  # of what crosses, beyond the opposite best
    chase_bp: float | None = None  # of what rests, from its first price; None: the limit alone
    repeg_ns: int = 200_000_000
    reduce_only: bool = False
    choice: Choice | None = None
    seed: int = 1
    own_on_tape: bool = False


def limit_of(mid2: int, side: int, bp: float) -> int:
    """Return the worst price in whole ticks that is not more than `bp` worse than the mid."""
    exact = Fraction(mid2, 2) * (1 + side * Fraction(str(bp)) / 10_000)
    return exact.__floor__() if side > 0 else exact.__ceil__()


def placement_of(order: Order, mid2: int) -> Placement:
    """Return how an order is placed when it begins at a mid."""
    ticks = mid2 // 2
    change: dict[str, Any] = {}
    if order.max_slippage_bp is not None:
        change["limit"] = limit_of(mid2, order.side, order.max_slippage_bp)
    base = Placement(policy=order.policy)
    return msgspec.structs.replace(
        base,
        cap_ticks=max(1, int(abs(ticks) * order.cap_bp / 10_000)),
        wait_ns=order.wait_ns,
        repeg_ns=order.repeg_ns,
        chase_ticks=(
            2**31 if order.chase_bp is None else int(abs(ticks) * order.chase_bp / 10_000)
        ),
        cross_at_end=order.cross_at_end,
        places_max=10_000,
        answer_ns=5_000_000_000,
        stale_ns=3_000_000_000,
        seed=order.seed,
        slicing=msgspec.structs.replace(base.slicing, own_on_tape=order.own_on_tape),
        choice=order.choice,
        **change,
    )


class OneOrder:
    """See the module text; one instrument."""

    code = 0  # of no strategy: a person asks

    def __init__(self, order: Order, instrument: int = 0, *, watch_ns: int = WATCH_NS) -> None:
        self.order = order
        self.instrument = instrument
        self.account: Account | None = None  # as of the last decision
        self.placement: Placement | None = None
        self.why = ""  # it was refused before it began
        self.parent = PARENT
        self.mids: list[tuple[int, int]] = []  # (ns, bid + ask) from its beginning on
        self._watch_ns = watch_ns
        self._abort = ""

    @property
    def waiting(self) -> bool:
        """Whether it still has something to do or to learn."""
        return not self.over

    @property
    def done(self) -> bool:
        """Whether the order has ended."""
        return bool(self.why) or (self.account is not None and self.account.ended_ns is not None)

    @property
    def over(self) -> bool:
        """Whether it has ended and the mids behind it are known."""
        if self.why:
            return True
        ended = self.account.ended_ns if self.account is not None else None
        return ended is not None and bool(self.mids) and self.mids[-1][0] >= ended + self._watch_ns

    def count_from(self, made: int) -> None:
        """Number the order behind those of an earlier process."""
        self.parent = made + 1

    def abort(self, reason: str) -> None:
        """Give up what is left at the next decision."""
        self._abort = reason

    def decide(self, view: View) -> Sequence[Intent]:
        """Ask for the order once; see `Strategy`."""
        if self.placement is None:
            return self._begin(view)
        working = view.parent
        if working is not None and working.parent != self.parent:
            working = None
        if working is not None:
            self.account = working.account()
        elif self.account is None or self.account.ended_ns is None:
            self._end(view)
        if view.valid:
            self.mids.append((view.now_ns, view.mid2))
        if self._abort and working is not None:
            reason, self._abort = self._abort, ""
            return (self._intent(Action.CANCEL, view, reason),)
        return ()

    def _begin(self, view: View) -> Sequence[Intent]:
        if not view.valid or view.now_ns <= 0:
            return ()
        self.placement = placement_of(self.order, view.mid2)
        self.mids.append((view.now_ns, view.mid2))
        return (self._intent(Action.WORK, view, "asked for by a person"),)

    def _end(self, view: View) -> None:
        ended = view.worked_orders
        if ended:
            self.account = ended[-1].account()
        else:
            self.why = "the desk did not take it"

    def _intent(self, action: Action, view: View, reason: str) -> Intent:
        return Intent(
            action=action,
            instrument=self.instrument,
            strategy=0,
            parent=self.parent,
            side=self.order.side,
            lots=self.order.lots,
            placement=self.placement,
            reduce_only=self.order.reduce_only,
            reason=reason,
            ts_decided=view.now_ns,
        )

    def mid2_at(self, ts_ns: int) -> int | None:
        """Return bid + ask as last seen at a time; None outside what was watched."""
        if not self.mids or ts_ns < self.mids[0][0] or ts_ns > self.mids[-1][0]:
            return None
        low, high = 0, len(self.mids)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.mids[middle][0] <= ts_ns else (low, middle)
        return self.mids[low][1]
