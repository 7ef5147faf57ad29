"""A strategy of one's own, run like those of the house: ids, evidence and errors are taken care of.

A strategy of one's own is any object with `decide(view)`, which returns nothing, an Intent, or
several (`wants`). It may have `waiting`, true while it wants TIMERs (every 100 ms) as decision
points; otherwise it is asked at signals, closed bars and reports, and at TIMERs while something of
it is in the market. It may have `needs`, the groups of measures that it reads (`engine.asked`; `()`
for book, trades and bars alone): what nobody in a run needs is not computed. Without `needs` it is
everything. It sees one instrument and, in `view.peers`, all others of the run: a want made with the
view of another one is for that one's market.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from aggressor.engine.asked import SIGNALS
from aggressor.engine.view import View
from aggressor.execution.intent import Action, Intent
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.evidence import Decision, EvidenceBook, noted
from aggressor.strategies.gates import Verdict

CODE = 64  # of orders; those of the house are below
_ADMITTED = Verdict(admitted=True, refused=(), would_refuse=())


class OwnStrategy:
    """One object with `decide(view)` that is asked on one instrument.

    `evidence` is what it did there, `evidence_by` what it did on each instrument it traded.
    """

    def __init__(self, instrument: Instrument, index: int, own: Any, code: int = CODE) -> None:
        self.evidence = EvidenceBook()
        self.evidence_by = {index: self.evidence}
        self.name = type(own).__name__
        self.code = code
        self._own = own
        self._instrument = instrument
        self._index = index
        self._made = 0

    def count_from(self, made: int) -> None:
        """Number the next trade `made` + 1: no number of an earlier process is used again."""
        self._made = made

    @property
    def waiting(self) -> bool:
        """Whether it, or its record, wants TIMERs."""
        if getattr(self._own, "waiting", False):
            return True
        return any(one.watching for one in self.evidence_by.values())

    @property
    def needs(self) -> Sequence[str] | None:
        """The groups of measures it asks for (`engine.asked`); None: it does not say."""
        return getattr(self._own, "needs", None)

    def decide(self, view: View) -> Sequence[Intent]:
        """Ask it at the decisions of its instrument, and give its wants their ids."""
        if view.instrument != self._index:
            return ()
        for lane, book in self.evidence_by.items():
            other = view if lane == self._index else view.peers[lane]
            for trade in other.closed_trades:
                if trade.strategy == self.code:
                    book.closed(trade)
            trade = other.trade
            if book.wants(other.now_ns, trade) and other.valid:
                book.see(other.now_ns, other.mid2, trade)
        wants = self._wants(view)
        return [one for wanted in wants if (one := self._stamped(wanted, view))] if wants else ()

    def _wants(self, view: View) -> Sequence[Intent]:
        answer = self._own.decide(view)
        if answer is None:
            return ()
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
        lane = wanted.instrument
        market = view if lane == self._index else view.peers[lane]
        if wanted.action is not Action.ENTER:
            trade = market.trade
            if trade is None or trade.strategy != self.code:
                return None
            return replace(wanted, strategy=self.code, parent=trade.parent)
        self._made += 1
        parent = (self.code << 40) + self._made
        decision = self._decision(wanted, market, parent)
        self.evidence_by.setdefault(lane, EvidenceBook()).decided(decision)
        return replace(wanted, strategy=self.code, parent=parent, evidence=noted(decision))

    def _decision(self, wanted: Intent, market: View, parent: int) -> Decision:
        touch = market.ask if wanted.side > 0 else market.bid
        known = market.computes(SIGNALS)
        return Decision(
            setup=f"{self.name}/{self._instrument.id}/{self._made}",
            params=0,
            parent=parent,
            side=wanted.side,
            ts_signal=market.now_ns,
            ts_decided=market.now_ns,
            intended_price=touch,
            lots=wanted.lots,
            gates=(),
            verdict=_ADMITTED,
            snapshot={"bid": market.bid, "ask": market.ask, **wanted.evidence},
            regime={
                "liquidity": market.liquidity_regime if known else None,
                "cascade": market.cascade if known else None,
                "bias": None,
            },
        )
