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
import numpy as np

from aggressor._version import VERSION
from aggressor.account.reconcile import Correction, What
from aggressor.engine.asked import EVERYTHING, asked_names
from aggressor.engine.ports import Exchange, Strategy
from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.triggers import Finding, Triggers
from aggressor.run.accounts.account_look import account_document
from aggressor.run.accounts.alerts import Alerts, Kind
from aggressor.run.accounts.resume import Resumed, hear, resume, unanswered
from aggressor.run.accounts.trading import ADOPT, DISMISS, Trading
from aggressor.run.assemble import Assembly, Settings, asked_by, assemble, strategies_of
from aggressor.run.studies.signals import signals_document
from aggressor.schema import report
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports
from aggressor.store.journal import ADOPTED, Act, KeptJournal
from aggressor.store.journal_reader import JournalReader
from aggressor.strategies.gates import Mode
from aggressor.venues.margin import MarginTier
from aggressor.venues.orders.standing import NO_LEG, Left, Leg
from aggressor.wire.clock import Offset

PAPER_JOURNAL = "paper.sqlite"
LIVE_JOURNAL = "live.sqlite"
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
        tiers: Mapping[int, Sequence[MarginTier]] | None = None,
        made: Sequence[tuple[int, Strategy]] | None = None,
        watched: bool = False,
    ) -> None:
        """Open the journal at `path` and go on from it; raise StoreError, ConfigError.

        `tiers`: of margin, by lane, where they are known; `made`: these strategies, each with
        its lane, in place of those of the settings; `watched`: a screen shows every measure, so
        all are computed, whatever strategies ask for.
        """
        self.instruments = tuple(instruments)
        self.mode = mode
        self.began_ns = now_ns
        self.alerts = alerts
        settings = _same_account(path, instruments, settings)
        if made is None:
            made = strategies_of(settings, instruments, mode)
        asked = EVERYTHING if watched else asked_by([one for _, one in made])
        config = config_of(instruments, settings, rule, mode, first_id, asked) | {
            "deposit": deposit,
            "tiers": msgspec.to_builtins(dict(tiers or {}), str_keys=True),
        }
        self.journal = _Told(self, path, mode.value, config, now_ns)
        self.assembly: Assembly = assemble(
            instruments,
            settings,
            mode,
            rule=rule,
            journal=self.journal,
            first_id=first_id,
            deposit=deposit,
            made=made,
            asked=asked,
            tiers=tiers,
        )
        self.desk.witness = self.journal
        reader = JournalReader(path)
        try:
            self.resumed: Resumed = resume(
                self.desk, self.assembly.strategies, reader, self.journal.run, mode
            )
        finally:
            reader.close()
        self.trading: Trading
        self._begun = False
        self.ended = ""
        self.signals: deque[dict[str, Any]] = deque(maxlen=_SIGNALS_SHOWN)
        self.settings = settings
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
        for row in rows:
            order, lane = int(row["order"]), int(row["instrument"])
            kind = report.REPORT_NAMES[int(row["kind"])]
            self.correct(Correction(What.IN_FLIGHT, now_ns, lane, "", order, words=kind))
        self.learn(rows)
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
        """Take something that nobody expected: the kill switch is pulled, and stays so.

        The strategies are not asked any more; one of them may be what failed.
        """
        words = f"{type(trouble).__name__}: {trouble}"
        self.trading.act(DISMISS, words, now_ns)
        triggers = self.desk.triggers or Triggers()
        finding = triggers.exception(words)
        self.trading.act(finding.level, finding.reason, now_ns)
        self.tell(Kind.RISK, finding.reason)

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
        if finding is not None:
            self.pull(finding.level, finding.reason, now_ns)

    def pull(self, level: HaltLevel, reason: str, now_ns: int) -> None:
        """Pull the kill switch, as an act of the run; before it turns, at once."""
        if level <= self.halt.level:
            return
        if self._begun:
            self.trading.act(level, reason, now_ns)
        else:
            self.journal.note_act(Act(now_ns, *self._place, level, reason))
            self.halt.pull(level, reason, now_ns)

    def mismatched(self, one: Correction, now_ns: int) -> None:
        """Pull the kill switch: the venue held another position than we, and did so twice."""
        triggers = self.desk.triggers or Triggers()
        reason = f"we held {one.ours} lots, the venue {one.theirs}: corrected"
        self.pull(triggers.rule.mismatch_level, reason, now_ns)

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

    def correct(self, one: Correction, *, told: bool = True) -> None:
        """Enter a difference in the books, by its name; note it and (`told`) tell it."""
        if one.what is What.POSITION and not one.price:
            one = one._replace(price=self.desk.mark(one.instrument) or 0)
        if not self.desk.enter(one):
            return  # no price yet: it will be found again
        self.journal.note_correction(one, *self._place)
        if told:
            self.tell(Kind.RISK, self.words_of(one))

    def adopt(self, row: Any, now_ns: int) -> None:
        """Hold an order of ours that the journal does not have: it is noted, and cancelled."""
        self.journal.sent(int(row["order"]), ADOPTED)
        self.journal.note_commands(np.array([row]))
        self.journal.note_act(Act(now_ns, *self._place, ADOPT, "", row.tobytes().hex()))
        self.desk.blotter.sent(row)
        self.journal.seal(self.desk)
        self.journal.left()

    def keep_leg(self, order: int, leg: int, base: int, now_ns: int) -> None:
        """Keep, on the disk, that an order is about to be placed anew at the venue."""
        self.journal.note_leg(now_ns, order, leg, base)
        self.journal.seal(self.desk)

    def learn(self, rows: Reports) -> None:
        """Take reports of what happened while no process ran, before the first row of a market."""
        self.journal.note_reports(rows, corrected=True)
        hear(self.desk, rows)

    def left(self) -> list[Left]:
        """Return the orders that an earlier process left, with what its journal says of each."""
        reader = JournalReader(self.journal.path)
        try:
            legs = reader.legs(self.journal.run)
            return [
                Left(
                    order,
                    {k: row.copy() for k, row in reader.asked(self.journal.run, order.id).items()},
                    Leg(*legs[order.id]) if order.id in legs else NO_LEG,
                )
                for order in self.desk.blotter.open_orders()
            ]
        finally:
            reader.close()

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
                self.signals.extend(document["signals"])
                for said in document["signals"]:
                    self.tell(Kind.SIGNAL, f"{one.id}: {said['kind']}")

    def document(self) -> dict[str, Any]:
        """Return where the account stands; money as exact decimal strings."""
        return account_document(self)

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
    asked: int,
) -> dict[str, Any]:
    """Return everything a run rests on, as plain values; `asked`: what it computes."""
    return {
        "version": VERSION,
        "mode": mode.value,
        "instruments": msgspec.to_builtins(list(instruments)),
        "settings": msgspec.to_builtins(settings),
        "computed": list(asked_names(asked)),
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
