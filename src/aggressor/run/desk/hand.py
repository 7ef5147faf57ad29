"""The hand: what a person asks for on the desk, as intents like a strategy's.

A limit order that does not cross rests post-only at its price (`Policy.JOIN`, fixed); one that does
is taken at once up to its price. A market order is a marketable limit with a cap. Neither reaches
an order of our own on the other side: it takes what lies before that one, and is refused where
nothing does. With a bracket it becomes a trade that its stop and target protect, and nothing else
works beside it; without, an order worked by itself, of which as many may stand on an instrument as
its limits allow.

Flattening takes more than one decision: what works is given up, then what is held is closed by a
capped reduce-only order, again with a wider cap while something is left.
"""

from collections.abc import Sequence

import msgspec

from aggressor.account.lifecycle import State
from aggressor.engine.engine import Engine
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection, Target
from aggressor.execution.parent import Parent
from aggressor.execution.trade import Trade
from aggressor.schema.errors import AggressorError
from aggressor.schema.event import NO_PRICE
from aggressor.web.commands import Cancel, CancelAll, Flatten, Move, Order, Protect
from aggressor.web.money import HAND

RESTS_NS = 7 * 86_400_000_000_000
REPEG_NS = 200_000_000
FLATTENS_MAX = 8
EXIT_CAP_BP = 2
EXIT_CAP_TICKS = 10
_PARENTS = HAND << 41  # above every number that a strategy gives
_NS_MS = 1_000_000
_PROTECTS = "It protects what is held: move the stop, or flatten."
Asked = Order | Move | Protect | Cancel | CancelAll | Flatten


class HandError(AggressorError):
    """Something that cannot be asked for now."""


class Hand:
    """What a person wants of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._last = 0
        self._flattening: dict[int, int] = {}  # lane -> closing orders so far
        self._asked_at = -1  # decisions when a flattening asked for something last

    def intents(self, asked: Asked) -> list[Intent]:
        """Return what an asking comes to; raise HandError where it can be nothing."""
        if isinstance(asked, CancelAll):
            lanes = range(len(self._engine.instruments))
            wanted = [one for k in lanes for one in self._cancel(k, None)]
            if not wanted:
                raise HandError("No order works that could be cancelled.")
            return wanted
        if asked.lane >= len(self._engine.instruments):
            raise HandError(f"There is no lane {asked.lane}.")
        if isinstance(asked, Order):
            return [self._enter(asked)]
        if isinstance(asked, Flatten):
            self._flattening[asked.lane] = 0
            return self.follow()
        if not self._under_way(asked.lane):
            raise HandError("Nothing is under way on this instrument.")
        if isinstance(asked, Cancel):
            wanted = self._cancel(asked.lane, asked.order)
            if not wanted:
                raise HandError(_PROTECTS)
            return wanted
        if isinstance(asked, Move):
            return [self._move(asked)]
        return [self._protect(asked)]

    def follow(self) -> list[Intent]:
        """Return what a flattening needs next: nothing before a decision has taken the last."""
        wanted: list[Intent] = []
        if self._asked_at == self._engine.decisions:
            return wanted
        for k, tries in list(self._flattening.items()):
            under_way = self._under_way(k)
            position = self._engine.desk.position(k).lots
            if isinstance(under_way[0] if under_way else None, Trade):
                del self._flattening[k]
                wanted.append(self._intent(Action.EXIT, k, under_way[0].parent, "flatten"))
            elif under_way:
                wanted += [
                    self._intent(Action.CANCEL, k, one.parent, "flatten")
                    for one in under_way
                    if not _closes(one) and not one.entry.stop_reason
                ]
            elif position == 0 or tries >= FLATTENS_MAX:
                del self._flattening[k]
            else:
                self._flattening[k] = tries + 1
                wanted.append(self._close(k, position, tries))
        if wanted:
            self._asked_at = self._engine.decisions
        return wanted

    @property
    def flattening(self) -> bool:
        """Whether something is still being flattened."""
        return bool(self._flattening)

    def _under_way(self, k: int) -> Sequence[Trade | Parent]:
        trade = self._engine.desk.trade(k)
        return self._engine.desk.parents(k) if trade is None else (trade,)

    def _owner(self, k: int, order: int | None) -> Trade | Parent:
        """Return whose an order is; without one, the only thing under way."""
        under_way = self._under_way(k)
        if order is None:
            if len(under_way) > 1:
                raise HandError("Several orders work here: say which.")
            return under_way[0]
        for one in under_way:
            if one.minds(order):
                if isinstance(one, Trade) and order not in one.entry.orders:
                    raise HandError(_PROTECTS)
                return one
        raise HandError(f"Order {order} does not work here any more.")

    def _number(self) -> int:
        """Return a number for a trade that was never used, in this process or an earlier one."""
        self._last = max(self._last + 1, _PARENTS + max(0, self._engine.now_ns // _NS_MS))
        return self._last

    def _intent(self, action: Action, k: int, parent: int, reason: str) -> Intent:
        return Intent(
            action=action,
            instrument=k,
            strategy=HAND,
            parent=parent,
            reason=reason,
            ts_decided=self._engine.now_ns,
        )

    def _enter(self, order: Order) -> Intent:
        held = order.bracket
        intent = self._intent(
            Action.ENTER if held is not None else Action.WORK,
            order.lane,
            self._number(),
            "by hand",
        )
        if held is not None and order.reduce_only:
            raise HandError("A bracket protects what is entered: it cannot be reduce-only.")
        return msgspec.structs.replace(
            intent,
            side=order.side,
            lots=order.lots,
            placement=self._placement(order.lane, order.side, order.price, order.cap_ticks),
            protection=None
            if held is None
            else Protection(stop=held.stop, targets=(Target(held.target),)),
            reduce_only=order.reduce_only,
            beside=held is None,
        )

    def _placement(self, k: int, side: int, price: int | None, cap_ticks: int | None) -> Placement:
        """Return how an order meets the book of this moment and our own orders."""
        if price is None:
            reach = self._short_of_own(k, side, NO_PRICE)
            return Placement(policy=Policy.CROSS, cap_ticks=cap_ticks or 0, limit=reach)
        beyond = self._beyond(k, side, price)
        if beyond is None:
            raise HandError("The book is not valid: nobody knows whether that price would cross.")
        if beyond >= 0:
            reach = self._short_of_own(k, side, price)
            return Placement(policy=Policy.CROSS, cap_ticks=beyond, limit=reach)
        return Placement(
            policy=Policy.JOIN,
            wait_ns=RESTS_NS,
            repeg_ns=REPEG_NS,
            chase_ticks=2**31,
            limit=price,
            fixed=True,
            places_max=1_000,
        )

    def _beyond(self, k: int, side: int, price: int) -> int | None:
        """Return the ticks a price lies behind the opposite best; None while no book is valid."""
        book = self._engine.pipeline.market.book.head[k]
        if not book["valid"]:
            return None
        return side * (price - int(book["ask"] if side > 0 else book["bid"]))

    def _short_of_own(self, k: int, side: int, limit: int) -> int:
        """Return a taker's limit, or the price before our nearest order on the other side.

        Raises HandError where that order stands at the touch: nothing can be taken before it.
        """
        across = [
            one
            for one in self._engine.desk.blotter.open_orders(k)
            if one.side == -side and one.price != NO_PRICE and one.state is not State.PENDING_CANCEL
        ]
        if not across:
            return limit
        own = min(across, key=lambda one: side * one.price)
        if limit != NO_PRICE and side * (limit - own.price) < 0:
            return limit
        beyond = self._beyond(k, side, own.price)
        if beyond is not None and beyond <= 0:
            name = "sell" if side > 0 else "buy"
            price = self._engine.instruments[k].price_text(own.price)
            raise HandError(f"Our own {name} at {price} stands at the touch: cancel or move it.")
        return own.price - side

    def _move(self, asked: Move) -> Intent:
        one = self._owner(asked.lane, asked.order)
        intent = self._intent(Action.REPLACE, asked.lane, one.parent, "moved by hand")
        placement = self._placement(asked.lane, one.intent.side, asked.price, None)
        return msgspec.structs.replace(intent, placement=placement)

    def _protect(self, asked: Protect) -> Intent:
        trade = self._engine.desk.trade(asked.lane)
        if trade is None:
            raise HandError("An order worked by itself has no stop: place it with a bracket.")
        intent = self._intent(Action.PROTECT, asked.lane, trade.parent, "moved by hand")
        held = trade.bracket.protection
        return msgspec.structs.replace(
            intent, protection=msgspec.structs.replace(held, stop=asked.stop)
        )

    def _cancel(self, k: int, order: int | None) -> list[Intent]:
        """Give up one order, or everything that may still enter."""
        owners = self._under_way(k) if order is None else [self._owner(k, order)]
        why = "cancelled by hand"
        return [
            self._intent(Action.CANCEL, k, one.parent, why) for one in owners if not one.entry.ended
        ]

    def _close(self, k: int, position: int, tries: int) -> Intent:
        """Return a capped order against a position, wider at each try."""
        book = self._engine.pipeline.market.book.head[k]
        cap = max(EXIT_CAP_TICKS, int(book["bid"]) * EXIT_CAP_BP // 10_000)
        intent = self._intent(Action.WORK, k, self._number(), "flatten")
        return msgspec.structs.replace(
            intent,
            side=-1 if position > 0 else 1,
            lots=abs(position),
            placement=Placement(policy=Policy.CROSS, cap_ticks=cap * (1 + tries)),
            reduce_only=True,
            beside=True,
        )


def _closes(one: Trade | Parent) -> bool:
    """Whether an order is a flattening's own."""
    return isinstance(one, Parent) and one.closes and one.strategy == HAND


def described(wanted: Sequence[Intent]) -> str:
    """Return in a few words what was asked for, for the journal."""
    return "person: " + ", ".join(one.action.value for one in wanted)
