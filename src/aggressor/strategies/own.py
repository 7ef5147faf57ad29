"""A strategy of one's own, run like those of the house: ids, evidence and errors are taken care of.

A strategy of one's own is any object with `decide(view)`, which returns nothing, an Intent, or
several (`wants`). It may have `waiting`, true while it wants TIMERs (every 100 ms) as decision
points; otherwise it is asked at signals, closed bars and reports, and at TIMERs while something of
it is in the market.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from aggressor.engine.view import View
from aggressor.execution.intent import Action, Intent
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.evidence import Decision, EvidenceBook
from aggressor.strategies.gates import Verdict

CODE = 64  # of orders; those of the house are below
_ADMITTED = Verdict(admitted=True, refused=(), would_refuse=())


class OwnStrategy:
    """One object with `decide(view)` on one instrument."""

    def __init__(self, instrument: Instrument, index: int, own: Any, code: int = CODE) -> None:
        self.evidence = EvidenceBook()
        self.name = type(own).__name__
        self._own = own
        self._instrument = instrument
        self._index = index
        self._code = code
        self._made = 0

    def count_from(self, made: int) -> None:
        """Number the next trade `made` + 1: no number of an earlier process is used again."""
        self._made = made

    @property
    def waiting(self) -> bool:
        """Whether it, or its record, wants TIMERs."""
        return bool(getattr(self._own, "waiting", False)) or self.evidence.watching

    def decide(self, view: View) -> Sequence[Intent]:
        """Ask it, and give its wants their ids; nothing on an instrument that is not ours."""
        if view.instrument != self._index:
            return ()
        for trade in view.closed_trades:
            if trade.strategy == self._code:
                self.evidence.closed(trade)
        if view.valid:
            self.evidence.see(view.now_ns, view.mid2, view.trade)
        return [one for wanted in self._wants(view) if (one := self._stamped(wanted, view))]

    def _wants(self, view: View) -> list[Intent]:
        answer = self._own.decide(view)
        if answer is None:
            return []
        wants = [answer] if isinstance(answer, Intent) else answer
        if isinstance(wants, Iterable):
            wants = list(wants)
            if all(isinstance(one, Intent) for one in wants):
                return wants
        raise ConfigError(
            f"{self.name}.decide returned {answer!r}: return nothing, an Intent, or several "
            "(aggressor.strategies.wants makes them)."
        )

    def _stamped(self, wanted: Intent, view: View) -> Intent | None:
        trade = view.trade
        if wanted.action is not Action.ENTER:
            if trade is None or trade.strategy != self._code:
                return None
            return replace(wanted, instrument=self._index, strategy=self._code, parent=trade.parent)
        self._made += 1
        parent = (self._code << 40) + self._made
        self.evidence.decided(self._decision(wanted, view, parent))
        return replace(wanted, instrument=self._index, strategy=self._code, parent=parent)

    def _decision(self, wanted: Intent, view: View, parent: int) -> Decision:
        touch = view.ask if wanted.side > 0 else view.bid
        return Decision(
            setup=f"{self.name}/{self._instrument.id}/{self._made}",
            params=0,
            parent=parent,
            side=wanted.side,
            ts_signal=view.now_ns,
            ts_decided=view.now_ns,
            intended_price=touch,
            lots=wanted.lots,
            gates=(),
            verdict=_ADMITTED,
            snapshot={"bid": view.bid, "ask": view.ask, **wanted.evidence},
            regime={"liquidity": view.liquidity_regime, "cascade": view.cascade, "bias": None},
        )
