"""What each trade leaves behind so that it can be judged later (R7.4).

A `Decision` is taken down when a setup is decided on, admitted or not: the gates with their values
and a snapshot of what was seen. An admitted one becomes a `TradeRecord` when the trade is over,
completed by markouts as time passes: D x (mid at t + h - average entry), ticks, t = when we learned
of the first fill, read at the first decision point at or after t + h. An unfilled entry keeps its
record too; it has no markouts.

Times ns, prices ticks, money 1e-8. Latencies are differences of receive times of one clock.
"""

import hashlib
from collections import deque
from collections.abc import Mapping

import msgspec

from aggressor.execution.trade import Trade
from aggressor.strategies.gates import Gate, Verdict

HORIZONS_S = (1, 5, 30, 60)
DECISIONS_KEPT = 10_000
_SECOND_NS = 1_000_000_000
_NEVER = 2**62


def parameter_hash(settings: msgspec.Struct) -> int:
    """Return a 64-bit hash of a configuration: the same settings, the same number, anywhere."""
    text = msgspec.json.encode(settings, order="deterministic")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One setup at the moment it was decided on."""

    setup: str  # strategy, instrument, episode
    params: int
    parent: int  # 0 when refused
    side: int
    ts_signal: int
    ts_decided: int
    intended_price: float  # ticks: the average expected of an entry that crosses
    lots: int
    gates: tuple[Gate, ...]
    verdict: Verdict
    snapshot: Mapping[str, float | str | None]
    regime: Mapping[str, str | None]


def noted(decision: Decision) -> dict[str, float | str | None]:
    """Return what goes with an intent into the journal: what was seen, the setup, the regimes."""
    regime = {f"regime_{name}": value for name, value in decision.regime.items()}
    return {**decision.snapshot, "setup": decision.setup, **regime}


class TradeRecord(msgspec.Struct, kw_only=True):
    """One trade, from decision to markout."""

    decision: Decision
    exit_reason: str
    entry_price: float | None
    exit_price: float | None
    entered_lots: int
    entry_slippage_ticks: float | None  # + is worse than intended
    decided_to_ack_ns: int | None
    ack_to_fill_ns: int | None
    signal_to_decided_ns: int
    began_ns: int
    ended_ns: int
    mae_ticks: float
    mfe_ticks: float
    realised: int
    fees: int
    reprices: int
    markouts: dict[int, float]  # seconds -> ticks


class EvidenceBook:
    """Decisions and trades of one strategy on one instrument."""

    def __init__(self) -> None:
        self.decisions: deque[Decision] = deque(maxlen=DECISIONS_KEPT)
        self.trades: list[TradeRecord] = []
        self._by_parent: dict[int, Decision] = {}
        self._watched: dict[int, _Watch] = {}
        self._due_ns = _NEVER  # before it no markout is to be read
        self._entered = 0  # the trade whose entry was last taken note of

    @property
    def watching(self) -> bool:
        """True while a markout is still to be read."""
        return bool(self._watched)

    def decided(self, decision: Decision) -> None:
        """Keep a decision."""
        self.decisions.append(decision)
        if decision.parent:
            self._by_parent[decision.parent] = decision

    def closed(self, trade: Trade) -> TradeRecord:
        """Make the record of a finished trade; its markouts are filled in by `see`."""
        decision = self._by_parent.pop(trade.parent)
        entry, leave = trade.entry_price, trade.exit_price
        mae, mfe = trade.excursions()
        sent, acked = trade.entry_stamps()
        first = trade.entered_ns
        slip = None if entry is None else float(trade.side * (entry - decision.intended_price))
        record = TradeRecord(
            decision=decision,
            exit_reason=trade.exit_reason,
            entry_price=None if entry is None else float(entry),
            exit_price=None if leave is None else float(leave),
            entered_lots=trade.bracket.entered,
            entry_slippage_ticks=slip,
            decided_to_ack_ns=_between(sent, acked),
            ack_to_fill_ns=_between(acked, first),
            signal_to_decided_ns=decision.ts_decided - decision.ts_signal,
            began_ns=trade.began_ns,
            ended_ns=trade.ended_ns or trade.began_ns,
            mae_ticks=float(mae),
            mfe_ticks=float(mfe),
            realised=trade.realised,
            fees=trade.fees,
            reprices=trade.entry.reprices,
            markouts={},
        )
        self.trades.append(record)
        if first is not None:
            watch = self._watched.setdefault(trade.parent, _Watch(first))
            watch.record, watch.told = record, False
            self._due_ns = 0
            _complete(record, watch.mids2)
        return record

    def wants(self, now_ns: int, open_trade: Trade | None) -> bool:
        """Return whether `see` has anything to do now."""
        if now_ns >= self._due_ns:
            return True
        return (
            open_trade is not None and open_trade.parent != self._entered and bool(open_trade.fills)
        )

    def see(self, now_ns: int, mid2: int, open_trade: Trade | None) -> None:
        """Read the mid for every markout that has come due; call only while the book is valid."""
        if open_trade is not None and open_trade.entered_ns is not None:
            parent = self._entered = open_trade.parent
            if parent in self._by_parent and parent not in self._watched:
                self._watched[parent] = _Watch(open_trade.entered_ns)
                self._due_ns = 0
        if not self._watched or now_ns < self._due_ns:
            return
        for parent, watch in list(self._watched.items()):
            while watch.left and now_ns >= watch.since_ns + watch.left[0] * _SECOND_NS:
                watch.mids2[watch.left.pop(0)] = mid2
                watch.told = False
            if watch.record is not None and not watch.told:
                watch.told = True
                _complete(watch.record, watch.mids2)
                if len(watch.mids2) == len(HORIZONS_S):
                    del self._watched[parent]
        due = (
            one.since_ns + one.left[0] * _SECOND_NS for one in self._watched.values() if one.left
        )
        self._due_ns = min(due, default=_NEVER)


class _Watch:
    """The mids after one entry, and the record they belong to once the trade is over."""

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.left = list(HORIZONS_S)  # not read yet, the nearest first
        self.told = False  # the record has all that was read
        self.mids2: dict[int, int] = {}
        self.record: TradeRecord | None = None


def _complete(record: TradeRecord, mids2: Mapping[int, int]) -> None:
    assert record.entry_price is not None
    for horizon, mid2 in mids2.items():
        record.markouts[horizon] = record.decision.side * (mid2 / 2 - record.entry_price)


def _between(start: int | None, end: int | None) -> int | None:
    return None if start is None or end is None else end - start
