"""The journal on disk: what was decided, on the disk before a command leaves (SQLite).

It has the methods of the engine's `Journal` and keeps, beside its counts, a file that outlives the
process: every command with what it is for, every report, intent (with the evidence it was decided
on), refusal, correction, pull of the kill switch, act of a person, the signals, the configuration
of each run and what the desk must remember.

    note_*      rows of one decision, in memory
    seal(desk)  all of them in one transaction, flushed to the disk: only then may commands leave
    left()      they were handed to the exchange

A command that is in the file and not marked as left was in flight when the process ended: nobody
knows whether it was sent, so it is asked for and never sent again. Rows are kept whole, as the
records they are (`row`), beside columns for SQL; `seq` orders all of them. The file is in WAL mode,
flushed at every seal (synchronous FULL); the mark `left`, whose loss only costs a question, and the
progress of a run are not waited for.

Raises StoreError from everything that writes: then nothing may be sent.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aggressor.account.reconcile import Correction
from aggressor.engine.journal import Journal
from aggressor.execution.desk import Desk, DeskMemory
from aggressor.execution.halt import HaltLevel, Pull
from aggressor.execution.intent import Intent, Refused
from aggressor.schema.command import COMMAND_NAMES, Commands
from aggressor.schema.errors import StoreError
from aggressor.schema.report import REPORT_NAMES, Reports
from aggressor.schema.signal import PHASE_NAMES, SIGNAL_NAMES, Signals

VERSION = 3
_PLACED = 2  # before this was written a report did not say its place in the run
_SIGNALS_WAITING_MAX = 500  # signals that nothing came of go to the disk together
_BUSY_S = 5.0
ADOPTED = "adopted"  # the leg of an order that was found at the venue, and not in the journal

_TABLES = """
CREATE TABLE runs (run INTEGER PRIMARY KEY, mode TEXT, began_ns INTEGER, ended_ns INTEGER,
  ended TEXT, config TEXT, config_hash TEXT, memory TEXT,
  events INTEGER DEFAULT 0, reports INTEGER DEFAULT 0, first_ns INTEGER, last_ns INTEGER);
CREATE TABLE commands (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, kind TEXT,
  client_order INTEGER, parent INTEGER, leg TEXT, instrument INTEGER, strategy INTEGER,
  side INTEGER, price INTEGER, trigger INTEGER, size INTEGER, gone INTEGER, row BLOB);
CREATE TABLE reports (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, ts_venue INTEGER,
  kind TEXT, client_order INTEGER, instrument INTEGER, price INTEGER, size INTEGER,
  leaves INTEGER, fee INTEGER, reason INTEGER, corrected INTEGER, row BLOB, events INTEGER);
CREATE TABLE signals (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, kind TEXT, phase TEXT,
  instrument INTEGER, row BLOB);
CREATE TABLE intents (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, action TEXT,
  instrument INTEGER, strategy INTEGER, parent INTEGER, intent TEXT);
CREATE TABLE refusals (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, number INTEGER,
  reason TEXT, instrument INTEGER, parent INTEGER, request TEXT);
CREATE TABLE corrections (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, what TEXT,
  instrument INTEGER, currency TEXT, client_order INTEGER, ours INTEGER, theirs INTEGER,
  price INTEGER, fee INTEGER, words TEXT, events INTEGER, reports INTEGER);
CREATE TABLE halts (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, level INTEGER,
  reason TEXT);
CREATE TABLE acts (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, events INTEGER,
  reports INTEGER, level INTEGER, reason TEXT, wanted TEXT);
CREATE TABLE legs (seq INTEGER PRIMARY KEY, run INTEGER, ts_ns INTEGER, client_order INTEGER,
  leg INTEGER, base INTEGER);
CREATE TABLE wishes (wish INTEGER PRIMARY KEY, ts_ns INTEGER, level INTEGER, reason TEXT,
  done INTEGER DEFAULT 0);
CREATE INDEX commands_by_order ON commands (client_order);
CREATE INDEX reports_by_order ON reports (client_order);
"""


class Act(NamedTuple):
    """What came from outside the engine, and where in the run.

    A level of the kill switch (0 opens it), or what `run.trading` makes of negative ones.
    """

    ts_ns: int
    events: int  # used by the engine before it
    reports: int
    level: int
    reason: str
    wanted: str = ""  # intents, as JSON


class Wish(NamedTuple):
    """What a person asked of a running process: a level of the kill switch, 0 opens it again."""

    wish: int
    ts_ns: int
    level: int
    reason: str


@contextmanager
def journaling(path: Path) -> Iterator[None]:
    """Turn what SQLite says of `path` into a StoreError that says how to mend it."""
    try:
        yield
    except sqlite3.Error as trouble:
        raise StoreError(
            f"The journal {path} cannot be used ({trouble}): free its disk, see who else holds it, "
            "or take another --store folder. Nothing was sent that is not in it."
        ) from None


def connect(path: Path) -> sqlite3.Connection:
    """Open a journal, make it where it is absent; raise StoreError."""
    with journaling(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        line = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        line.execute("PRAGMA journal_mode=WAL")
        line.execute("PRAGMA synchronous=FULL")
        (version,) = line.execute("PRAGMA user_version").fetchone()
        if version == 0:
            line.executescript(f"BEGIN;{_TABLES}PRAGMA user_version={VERSION};COMMIT;")
        elif version == _PLACED:
            line.executescript(
                "BEGIN;ALTER TABLE reports ADD COLUMN events INTEGER;"
                f"PRAGMA user_version={VERSION};COMMIT;"
            )
        elif version != VERSION:
            line.close()
            raise StoreError(
                f"The journal {path} is of version {version}, this program writes {VERSION}: use "
                "the program that wrote it, or another --store folder."
            )
    return line


class KeptJournal(Journal):
    """The journal of one run, on disk. It is also the desk's witness."""

    def __init__(self, path: Path, mode: str, config: dict[str, Any], began_ns: int) -> None:
        """Begin a run in the file at `path`; raise StoreError."""
        super().__init__()
        self.path = path
        self.config_hash = config_hash(config)
        self.syncs = 0
        self.sync_ns = 0  # spent in them
        self._line = connect(path)
        self._waiting: list[tuple[str, tuple[Any, ...]]] = []
        self._legs: dict[int, str] = {}
        self._urgent = False
        self._unmarked: tuple[int, int] | None = None
        self._halts = 0
        self._memory = b""
        text = msgspec.json.encode(config, order="deterministic").decode()
        with journaling(path):
            self._seq = _newest(self._line)
            self.run = int(
                self._line.execute(
                    "INSERT INTO runs (mode, began_ns, config, config_hash) VALUES (?, ?, ?, ?)",
                    (mode, began_ns, text, self.config_hash),
                ).lastrowid
                or 0
            )

    # -- the engine's journal --------------------------------------------------------------------

    def note_commands(self, commands: Commands) -> None:
        """Add commands in the order they are sent."""
        super().note_commands(commands)
        for row in commands:
            order = int(row["order"])
            values = (
                int(row["ts_send"]), COMMAND_NAMES[int(row["kind"])], order, int(row["parent"]),
                self._legs.get(order, ""), int(row["instrument"]), int(row["strategy"]),
                int(row["side"]), int(row["price"]), int(row["trigger"]), int(row["size"]), 0,
                row.tobytes(),
            )  # fmt: skip
            seq = self._add("commands", *values)
            self._unmarked = (self._unmarked[0] if self._unmarked else seq, seq)
            self._urgent = True
        self._legs.clear()

    def note_reports(self, reports: Reports, *, corrected: bool = False) -> None:
        """Add reports in the order they became known; `corrected`: found out, not told."""
        super().note_reports(reports)
        for row in reports:
            values = (
                int(row["ts_recv"]), int(row["ts_venue"]), REPORT_NAMES[int(row["kind"])],
                int(row["order"]), int(row["instrument"]), int(row["price"]), int(row["size"]),
                int(row["leaves"]), int(row["fee"]), int(row["reason"]), int(corrected),
                row.tobytes(),
            )  # fmt: skip
            self._add("reports", *values)
            self._urgent = True

    def note_signals(self, signals: Signals) -> None:
        """Add signals in the order they became known."""
        super().note_signals(signals)
        for row in signals:
            kind, phase = SIGNAL_NAMES[int(row["kind"])], PHASE_NAMES[int(row["phase"])]
            known, lane = int(row["ts_known"]), int(row["instrument"])
            self._add("signals", known, kind, phase, lane, row.tobytes())

    # -- the desk's witness ----------------------------------------------------------------------

    def intent(self, intent: Intent, ts_ns: int) -> None:
        """Note what a strategy wants, with the evidence it was decided on."""
        text = msgspec.json.encode(intent).decode()
        who = (intent.instrument, intent.strategy, intent.parent)
        self._add("intents", ts_ns, intent.action.value, *who, text)
        self._urgent = True

    def refused(self, refused: Refused) -> None:
        """Note what was not done, and why."""
        request = msgspec.json.encode(refused.request).decode() if refused.request else None
        where = (refused.instrument, refused.parent)
        self._add("refusals", refused.ts_ns, refused.check, refused.reason, *where, request)

    def sent(self, order: int, leg: str) -> None:
        """Note what an order is for, of the commands that follow."""
        self._legs[order] = leg

    # -- what comes from outside -----------------------------------------------------------------

    def note_correction(self, one: Correction, events: int = 0, reports: int = 0) -> None:
        """Note a difference that was put right, when so many events and reports had been used."""
        self._add("corrections", one.ts_ns, one.what.value, *one[2:], events, reports)
        self._urgent = True

    def note_leg(self, ts_ns: int, order: int, leg: int, base: int) -> None:
        """Note that an order goes on as another leg, `base` lots filled; seal before it leaves."""
        self._add("legs", ts_ns, order, leg, base)
        self._urgent = True

    def note_act(self, act: Act) -> None:
        """Note a pull or a reset that the engine did not come to by itself."""
        self._add("acts", *act)
        self._urgent = True

    @property
    def waiting(self) -> int:
        """Rows in memory that no seal has written yet."""
        return len(self._waiting)

    # -- writing ---------------------------------------------------------------------------------

    def seal(self, desk: Desk, events: int = 0) -> None:
        """Write what was noted since, with what the desk must remember, and flush it to the disk.

        `events`: used by the engine before the reports that were noted. Signals and refusals that
        nothing came of wait for company.
        """
        for pull in desk.halt.history[self._halts :]:
            self._note_pull(pull)
        self._halts = len(desk.halt.history)
        if self._urgent or len(self._waiting) > _SIGNALS_WAITING_MAX:
            self._write(desk, events)

    def left(self) -> None:
        """Mark the sealed commands as handed to the exchange."""
        if self._unmarked is None:
            return
        assert not self._urgent, "seal first"
        self._note_lightly(
            "UPDATE commands SET gone = 1 WHERE seq BETWEEN ? AND ?", *self._unmarked
        )
        self._unmarked = None

    def opened(self, desk: Desk) -> None:
        """Begin behind what the desk has recalled of earlier runs."""
        self._halts = len(desk.halt.history)
        self._urgent = True

    def progress(self, events: int, reports: int, first_ns: int, last_ns: int) -> None:
        """Note how far the run has come: events and reports used, times of the first and last."""
        self._note_lightly(
            "UPDATE runs SET events = ?, reports = ?, first_ns = ?, last_ns = ? WHERE run = ?",
            events, reports, first_ns, last_ns, self.run,
        )  # fmt: skip

    def close(self, desk: Desk, ended: str, ts_ns: int) -> None:
        """Write everything and say why the run ended."""
        self._urgent = True
        self.seal(desk)
        with journaling(self.path):
            self._line.execute(
                "UPDATE runs SET ended = ?, ended_ns = ? WHERE run = ?", (ended, ts_ns, self.run)
            )
            self._line.close()

    def wishes(self) -> Sequence[Wish]:
        """Return what a person asked for and was not done yet; they are done from now on."""
        with journaling(self.path):
            rows = self._line.execute(
                "SELECT wish, ts_ns, level, reason FROM wishes WHERE done = 0 ORDER BY wish"
            ).fetchall()
            if rows:
                self._line.execute("UPDATE wishes SET done = ? WHERE done = 0", (self.run,))
        return [Wish(*row) for row in rows]

    def pulled(self, level: HaltLevel, reason: str) -> None:
        """Hear that the kill switch was pulled or (OPEN) reset; a subclass may tell it."""

    def _note_lightly(self, words: str, *values: Any) -> None:
        """Write what may be lost in a power cut: nothing waits for the disk."""
        with journaling(self.path):
            self._line.execute("PRAGMA synchronous=NORMAL")
            self._line.execute(words, values)
            self._line.execute("PRAGMA synchronous=FULL")

    def _note_pull(self, pull: Pull) -> None:
        self.pulled(pull.level, pull.reason)
        self._add("halts", pull.ts_ns, int(pull.level), pull.reason)
        self._urgent = True

    def _add(self, table: str, *values: Any) -> int:
        self._seq += 1
        self._waiting.append((table, (self._seq, self.run, *values)))
        return self._seq

    def _write(self, desk: Desk, events: int) -> None:
        began = time.perf_counter_ns()
        memory = msgspec.json.encode(desk.memory())
        with journaling(self.path):
            self._line.execute("BEGIN IMMEDIATE")
            for table, values in self._waiting:
                if table == "reports":
                    values = (*values, events)
                places = ",".join("?" * len(values))
                self._line.execute(f"INSERT INTO {table} VALUES ({places})", values)
            if memory != self._memory:
                self._line.execute(
                    "UPDATE runs SET memory = ? WHERE run = ?", (memory.decode(), self.run)
                )
            self._line.execute("COMMIT")
        self._memory = memory
        self._waiting.clear()
        self._urgent = False
        self.syncs += 1
        self.sync_ns += time.perf_counter_ns() - began


def config_hash(config: dict[str, Any]) -> str:
    """Return a hash of a configuration: the same settings, the same text, anywhere."""
    import hashlib

    text = msgspec.json.encode(config, order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _newest(line: sqlite3.Connection) -> int:
    tables = (
        "commands",
        "reports",
        "signals",
        "intents",
        "refusals",
        "corrections",
        "legs",
        "halts",
    )
    return max(
        line.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0]
        for table in (*tables, "acts")
    )


def decode_memory(text: str | None) -> DeskMemory | None:
    """Return what a desk must remember, None where nothing was kept."""
    return msgspec.json.decode(text, type=DeskMemory) if text else None
