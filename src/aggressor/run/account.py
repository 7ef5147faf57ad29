"""An account that trades: its journal, its engine, what is asked of it from outside, and its looks.

The same for paper and live. It is made from the journal (`resume`), so that a run goes on where the
last one ended; it seals every decision; what a person wishes (`halt`) and what a trigger that reads
a clock finds is done as an act of the run.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aggressor._version import VERSION
from aggressor.account.blotter import Order
from aggressor.account.books import Heading
from aggressor.account.reconcile import Correction, What
from aggressor.engine.ports import Exchange
from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.triggers import Finding, Triggers
from aggressor.reports.moments import moment_text
from aggressor.run.alerts import Alerts, Kind
from aggressor.run.assemble import Assembly, Settings, assemble
from aggressor.run.resume import Resumed, hear, resume, unanswered
from aggressor.run.signals import signals_document
from aggressor.run.trading import Trading
from aggressor.schema import command, report
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE, NO_TIME, empty_events
from aggressor.schema.instrument import Instrument, money_text
from aggressor.schema.report import Reports
from aggressor.store.journal import KeptJournal
from aggressor.store.journal_reader import JournalReader
from aggressor.strategies.gates import Mode
from aggressor.wire.clock import Offset

_MS = 1e6
_SIGNALS_SHOWN = 8


class Account:
    """See the module text."""

    def __init__(
        self,
        path: Path,
        instruments: Sequence[Instrument],
        settings: Settings,
        rule: DeskRule,
        mode: Mode,
        now_ns: int,
        alerts: Alerts | None = None,
        *,
        first_id: int = 1,
        deposit: bool = True,
    ) -> None:
        """Open the journal at `path` and go on from it; raise StoreError, ConfigError."""
        self.instruments = tuple(instruments)
        self.mode = mode
        self.began_ns = now_ns
        self.alerts = alerts
        settings = _same_account(path, instruments, settings)
        config = config_of(instruments, settings, rule, mode, first_id)
        self.journal = _Told(self, path, mode.value, config, now_ns)
        self.assembly: Assembly = assemble(
            instruments,
            settings,
            mode,
            rule=rule,
            journal=self.journal,
            first_id=first_id,
            deposit=deposit,
        )
        self.desk.witness = self.journal
        reader = JournalReader(path)
        try:
            self.resumed: Resumed = resume(
                self.desk, self.assembly.strategies, reader, self.journal.run
            )
        finally:
            reader.close()
        self.trading: Trading
        self._begun = False
        self.ended = ""
        self._signals: deque[dict[str, Any]] = deque(maxlen=_SIGNALS_SHOWN)
        self._settings = settings
        self._strange: dict[str, Any] = {}  # differences seen once, as they were

    @property
    def desk(self) -> Desk:
        """The desk of the engine."""
        return self.assembly.engine.desk

    @property
    def halt(self) -> Halt:
        """The kill switch."""
        return self.desk.halt

    @property
    def entries_open(self) -> bool:
        """Whether an order that could open or grow a position still stands or is on its way."""
        return any(not order.reduce_only for order in self.desk.blotter.open_orders())

    # -- beginning and ending --------------------------------------------------------------------

    def settle_by_default(self, now_ns: int) -> Reports:
        """Settle what was in flight as a venue that ended with the process would (paper)."""
        rows = unanswered(self.desk, now_ns)
        self.journal.note_reports(rows, corrected=True)
        for row in rows:
            order, lane = int(row["order"]), int(row["instrument"])
            kind = report.REPORT_NAMES[int(row["kind"])]
            self.correct(Correction(What.IN_FLIGHT, now_ns, lane, "", order, words=kind))
        hear(self.desk, rows)
        return rows

    def begin(self, exchange: Exchange, now: Callable[[], int]) -> None:
        """Bind the engine to its exchange; load what the loop needs."""
        engine = self.assembly.engine
        self.trading = Trading(engine, exchange, self.journal, now)
        self._begun = True
        self.journal.opened(self.desk)
        self.journal.seal(self.desk)
        engine.step(empty_events(0))
        engine.rouse()

    def greetings(self) -> list[str]:
        """Return in words what an earlier run left."""
        found, desk = self.resumed, self.desk
        if not found.commands and not desk.halt.history:
            return []
        held = [
            f"{one.id} {one.size_text(desk.position(k).lots)}"
            for k, one in enumerate(self.instruments)
            if desk.position(k).lots
        ]
        words = [
            f"goes on from {found.commands} commands and {found.reports} reports; holds "
            + (", ".join(held) or "nothing")
        ]
        if found.in_flight:
            words.append(
                f"{len(found.in_flight)} orders were in flight when it ended, {len(found.not_left)}"
                " of them perhaps never sent: settled, nothing is sent twice"
            )
        if desk.halt.level > HaltLevel.OPEN:
            words.append(f"the kill switch is at {desk.halt.level.name}: {desk.halt.reason}")
        return words

    def close(self, ended: str, now_ns: int) -> None:
        """End the run: everything to the disk, and why it ended."""
        if self.ended:
            return
        self.ended = ended
        self.assembly.engine.finish()
        self._mark_progress()
        self.journal.close(self.desk, ended, now_ns)

    def fail(self, trouble: Exception, now_ns: int) -> None:
        """End the run on something nobody expected: the kill switch is pulled and stays so."""
        words = f"{type(trouble).__name__}: {trouble}"
        triggers = self.desk.triggers or Triggers()
        finding = triggers.exception(words)
        self.trading.act(finding.level, finding.reason, now_ns)
        self.tell(Kind.RISK, finding.reason)
        self.close(f"failed: {words}", now_ns)

    # -- from outside ----------------------------------------------------------------------------

    def fulfil(self, now_ns: int) -> None:
        """Do what a person wished, and note how far the run has come."""
        for wish in self.journal.wishes():
            self.trading.act(wish.level, f"person: {wish.reason}", now_ns)
        self._mark_progress()

    def watch_clock(self, offset: Offset, now_ns: int) -> None:
        """Pull the kill switch where a clock is certainly too far off."""
        if self.desk.triggers is not None:
            certain = max(0, abs(offset.offset_ns) - offset.within_ns)
            sign = 1 if offset.offset_ns > 0 else -1
            self._pull(self.desk.triggers.clock(sign * certain), now_ns)

    def watch_latency(self, now_ns: int) -> None:
        """Pull the kill switch where decisions leave too late."""
        waiting = self.trading.unjudged
        while waiting and self.desk.triggers is not None:
            self._pull(self.desk.triggers.latency(waiting.popleft()), now_ns)

    def _pull(self, finding: Finding | None, now_ns: int) -> None:
        if finding is not None and finding.level > self.halt.level:
            self.trading.act(finding.level, finding.reason, now_ns)

    def compare(
        self, positions: Sequence[int], orders: Mapping[int, tuple[int, int]], now_ns: int
    ) -> None:
        """Hold our record against the venue's truth; what differs twice running is corrected.

        `positions`: lots by lane; `orders`: our id -> (lots left, lane).
        """
        found: dict[str, Correction] = {}
        desk = self.desk
        for k, theirs in enumerate(positions):
            ours = desk.position(k).lots
            if ours != theirs:
                found[f"position {k}"] = Correction(What.POSITION, now_ns, k, "", 0, ours, theirs)
            if desk.triggers is not None:
                self._pull(desk.triggers.position(k, ours, theirs, now_ns), now_ns)
        standing = {one.id: one for one in desk.blotter.open_orders() if not one.in_flight}
        for order, one in standing.items():
            left = orders.get(order, (0, one.instrument))[0]
            if left != one.leaves:
                found[f"order {order}"] = Correction(
                    What.ORDER, now_ns, one.instrument, "", order, one.leaves, left
                )
        for order, (left, lane) in orders.items():
            if order not in desk.blotter or desk.blotter[order].ended:
                found[f"order {order}"] = Correction(What.ORDER, now_ns, lane, "", order, 0, left)
        for name, one in found.items():
            if self._strange.get(name) == (one.ours, one.theirs):
                self.correct(one)
        self._strange = {name: (one.ours, one.theirs) for name, one in found.items()}

    def correct(self, one: Correction) -> None:
        """Enter a difference in the books, by its name; note it and tell it."""
        if one.what is What.POSITION and not one.price:
            one = one._replace(price=self.desk.mark(one.instrument) or 0)
        if not self.desk.enter(one):
            return  # no price yet: it will be found again
        self.journal.note_correction(one, *self._place)
        self.tell(Kind.RISK, self.words_of(one))

    def words_of(self, one: Correction) -> str:
        """Return a correction as a person reads it."""
        who = self.instruments[one.instrument].id if one.instrument >= 0 else one.currency
        order = f" order {one.order}" if one.order else ""
        values = f": ours {one.ours}, theirs {one.theirs}" if one.ours != one.theirs else ""
        more = f": {one.words}" if one.words else ""
        return f"{who}{order}: {one.what.value}{values}{more}"

    @property
    def _place(self) -> tuple[int, int]:
        """How many events and reports were used so far."""
        return (self.trading.events, self.trading.reports) if self._begun else (0, 0)

    def tell(self, kind: Kind, words: str) -> None:
        """Tell a person."""
        if self.alerts is not None:
            self.alerts.tell(kind, words)

    # -- looks -----------------------------------------------------------------------------------

    def heard_signals(self, rows: Any) -> None:
        """Keep the last signals for people."""
        for k, one in enumerate(self.instruments):
            own = rows[rows["instrument"] == k]
            if own.size:
                document = signals_document(one, own)
                self._signals.extend(document["signals"])
                for said in document["signals"]:
                    self.tell(Kind.SIGNAL, f"{one.id}: {said['kind']}")

    def document(self) -> dict[str, Any]:
        """Return where the account stands; money as exact decimal strings."""
        engine, journal = self.assembly.engine, self.journal
        latencies = sorted(self.trading.latencies)
        return {
            "mode": self.mode.value,
            "strategy": self._settings.strategy,
            "run": journal.run,
            "journal": str(journal.path),
            "config": journal.config_hash,
            "now_ns": None if engine.now_ns == NO_TIME else engine.now_ns,
            "events": self.trading.events,
            "decisions": engine.decisions,
            "orders": journal.placed,
            "fills": journal.fills,
            "fills_maker": journal.maker_fills,
            "refused": self.desk.refused_total,
            "digest": journal.digest,
            "halt": self.halt.level.name.lower().replace("_", " "),
            "halt_reason": self.halt.reason if self.halt.level > HaltLevel.OPEN else "",
            "ended": self.ended,
            "latency_ms": {
                name: latencies[min(len(latencies) - 1, int(share * len(latencies)))] / _MS
                for name, share in (("p50", 0.5), ("p99", 0.99))
            }
            if latencies
            else None,
            "money": [self._money(currency) for currency in self._currencies()],
            "instruments": [self._holding(k) for k in range(len(self.instruments))],
            "working": [self._order(one) for one in self.desk.blotter.open_orders()],
            "signals": list(self._signals),
        }

    def _currencies(self) -> list[str]:
        books = self.desk.books
        return sorted({books.currency(k) for k in range(len(self.instruments))})

    def _money(self, currency: str) -> dict[str, Any]:
        books = self.desk.books
        lane = next(k for k in range(len(self.instruments)) if books.currency(k) == currency)
        put_in = -books.balance(currency, Heading.CAPITAL)
        equity = self.desk.equity(lane)
        return {
            "currency": currency or "settlement currency",
            "equity": money_text(equity),
            "pnl": money_text(equity - put_in),
            "realised": money_text(-books.balance(currency, Heading.REALISED)),
            "fees": money_text(books.balance(currency, Heading.FEES)),
            "funding": money_text(books.balance(currency, Heading.FUNDING)),
        }

    def _holding(self, k: int) -> dict[str, Any]:
        one, position = self.instruments[k], self.desk.position(k)
        trade = self.desk.trade(k)
        average = None if position.average is None else round(position.average)
        return {
            "instrument": one.id,
            "position": one.size_text(position.lots),
            "entry": None if average is None else one.price_text(average),
            "trade": None if trade is None else str(trade.state.value),
            "protected": self._protected(k),
        }

    def _protected(self, k: int) -> bool | None:
        """Whether acknowledged stops cover what is held; None: nothing is held."""
        lots = self.desk.position(k).lots
        if not lots:
            return None
        stops = sum(
            one.leaves
            for one in self.desk.blotter.open_orders(k)
            if one.type == command.STOP_MARKET and one.acknowledged and one.side * lots < 0
        )
        return stops >= abs(lots)

    def _order(self, order: Order) -> dict[str, Any]:
        one = self.instruments[order.instrument]
        trade = self.desk.trade(order.instrument)
        price = order.price if order.type != command.STOP_MARKET else order.trigger
        return {
            "instrument": one.id,
            "order": order.id,
            "leg": trade.leg_of(order.id) if trade is not None else "",
            "side": "buy" if order.side > 0 else "sell",
            "price": None if price == NO_PRICE else one.price_text(price),
            "left": one.size_text(order.leaves),
            "state": order.state.name.lower().replace("_", " "),
            "sent": moment_text(order.ts_send),
        }

    def _mark_progress(self) -> None:
        trading = self.trading
        self.journal.progress(trading.events, trading.reports, trading.first_ns, trading.last_ns)


class _Told(KeptJournal):
    """A kept journal that also tells people of signals, fills and the kill switch."""

    def __init__(self, account: Account, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._account = account

    def note_signals(self, signals: Any) -> None:
        """Keep signals and show them."""
        super().note_signals(signals)
        if signals.size:
            self._account.heard_signals(signals)

    def note_reports(self, reports: Reports, *, corrected: bool = False) -> None:
        """Keep reports and tell the fills."""
        super().note_reports(reports, corrected=corrected)
        for row in reports[reports["kind"] == report.FILL]:
            one = self._account.instruments[int(row["instrument"])]
            side = "bought" if row["side"] > 0 else "sold"
            size, price = one.size_text(int(row["size"])), one.price_text(int(row["price"]))
            self._account.tell(Kind.FILL, f"{one.id}: {side} {size} at {price}")

    def pulled(self, level: HaltLevel, reason: str) -> None:
        """Tell of the kill switch."""
        self._account.tell(Kind.RISK, f"kill switch at {level.name.lower()}: {reason}")


def config_of(
    instruments: Sequence[Instrument],
    settings: Settings,
    rule: DeskRule,
    mode: Mode,
    first_id: int,
) -> dict[str, Any]:
    """Return everything a run rests on, as plain values."""
    return {
        "version": VERSION,
        "mode": mode.value,
        "instruments": msgspec.to_builtins(list(instruments)),
        "settings": msgspec.to_builtins(settings),
        "rule": msgspec.to_builtins(rule, str_keys=True),
        "first_id": first_id,
    }


def _same_account(path: Path, instruments: Sequence[Instrument], settings: Settings) -> Settings:
    """Return the settings with the equity that the account of a journal began with.

    Raises ConfigError where the journal is of other instruments.
    """
    if not path.exists():
        return settings
    reader = JournalReader(path)
    try:
        runs = reader.runs()
    finally:
        reader.close()
    if not runs:
        return settings
    before = msgspec.convert(runs[-1].config["instruments"], list[Instrument], strict=False)
    ours = [_grid(one) for one in instruments]
    if [_grid(one) for one in before] != ours:
        names = " ".join(one.id for one in before)
        raise ConfigError(
            f"The account in {path.parent} trades {names} on the grid it began with: name these in "
            "this order, or take another --store folder."
        )
    equity = runs[0].config["settings"]["equity"]
    return msgspec.structs.replace(settings, equity=equity)


def _grid(one: Instrument) -> Instrument:
    return msgspec.structs.replace(one, valid_from_ns=0)
