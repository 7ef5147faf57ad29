"""Reading a journal: its runs, what an account lived through, and what was in flight.

Opened for reading alone: a process may be writing it meanwhile. Rows come back as the records they
were, in the order in which they became known.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from aggressor.account.reconcile import Correction, What
from aggressor.execution.desk import DeskMemory
from aggressor.execution.intent import Intent
from aggressor.schema.command import COMMAND, Commands
from aggressor.schema.errors import StoreError
from aggressor.schema.report import REPORT, Reports
from aggressor.store.journal import (
    ADOPTED,
    VERSION,
    Act,
    connect,
    decode_memory,
    journaling,
)


class Run(NamedTuple):
    """One run of a process."""

    run: int
    mode: str
    began_ns: int
    ended_ns: int | None  # None: it runs, or was killed
    ended: str | None  # why
    config: dict[str, Any]
    config_hash: str
    events: int
    reports: int
    first_ns: int | None
    last_ns: int | None


class Lived(NamedTuple):
    """A COMMAND that was sent, a REPORT that was heard, or a correction that was entered."""

    seq: int
    sent: bool
    row: Any  # the record; None: a correction
    leg: str = ""  # of a command: what it is for, where that was noted
    correction: Correction | None = None


class Wanted(NamedTuple):
    """An intent as it was taken."""

    ts_ns: int
    intent: Intent


class Happening(NamedTuple):
    """What reached a run from outside its market: an act, a correction, or a REPORT record."""

    seq: int
    events: int  # used by the engine before it
    what: Any
    corrected: bool = False  # of a report: found out before the first row of the market


class Runs(NamedTuple):
    """Runs of a journal that are read as one, both ends included."""

    first: int
    last: int


class JournalReader:
    """See the module text."""

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`; raise StoreError if there is none."""
        if not path.exists():
            raise StoreError(f"There is no journal at {path}: nothing was traded there yet.")
        self.path = path
        with journaling(path):
            self._line = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0)
            (version,) = self._line.execute("PRAGMA user_version").fetchone()
        if version not in (VERSION, VERSION - 1):
            self._line.close()
            raise StoreError(f"The journal {path} is of version {version}, not {VERSION}.")

    def close(self) -> None:
        """Let go of the file."""
        self._line.close()

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        rows = self._ask(
            "SELECT run, mode, began_ns, ended_ns, ended, config, config_hash, events, reports,"
            " first_ns, last_ns FROM runs ORDER BY run"
        )
        return [Run._make((*row[:5], msgspec.json.decode(row[5]), *row[6:])) for row in rows]

    def lived(self, before: int) -> Iterator[Lived]:
        """Yield the commands, reports and corrections of all runs before this one, in order."""
        corrections = self._corrections(Runs(0, before - 1))
        rows = self._ask(
            "SELECT seq, 1, row FROM commands WHERE run < ?1 UNION ALL"
            " SELECT seq, 0, row FROM reports WHERE run < ?1 UNION ALL"
            " SELECT seq, -1, NULL FROM corrections WHERE run < ?1 ORDER BY seq",
            before,
        )
        for seq, kind, row in rows:
            if kind < 0:
                yield Lived(seq, False, None, correction=corrections[seq])
            else:
                yield Lived(seq, kind == 1, np.frombuffer(row, COMMAND if kind else REPORT)[0])

    def legs(self, before: int) -> dict[int, tuple[int, int, int]]:
        """Return (leg, base lots, ns) of the last leg of orders that have several."""
        rows = self._ask(
            "SELECT client_order, leg, base, ts_ns FROM legs WHERE run < ? ORDER BY seq", before
        )
        return {row[0]: row[1:] for row in rows}

    def asked(self, before: int, order: int) -> dict[int, Any]:
        """Return the last COMMAND of each kind that earlier runs sent about an order."""
        rows = self._ask(
            "SELECT row FROM commands WHERE run < ? AND client_order = ? ORDER BY seq",
            before,
            order,
        )
        found = [np.frombuffer(row[0], COMMAND)[0] for row in rows]
        return {int(one["kind"]): one for one in found}

    def lived_in(self, runs: Runs) -> Iterator[Lived]:
        """Yield the commands and reports of some runs, in order, commands with their leg."""
        rows = self._ask(
            "SELECT seq, 1, row, leg FROM commands WHERE run BETWEEN ?1 AND ?2 UNION ALL"
            " SELECT seq, 0, row, '' FROM reports WHERE run BETWEEN ?1 AND ?2 ORDER BY seq",
            *runs,
        )
        for seq, sent, row, leg in rows:
            yield Lived(seq, bool(sent), np.frombuffer(row, COMMAND if sent else REPORT)[0], leg)

    def intents(self, runs: Runs) -> list[Wanted]:
        """Return what strategies wanted in some runs, in order, with the evidence they gave."""
        rows = self._ask(
            "SELECT ts_ns, intent FROM intents WHERE run BETWEEN ? AND ? ORDER BY seq", *runs
        )
        return [Wanted(ts_ns, msgspec.json.decode(text, type=Intent)) for ts_ns, text in rows]

    def refusals(self, runs: Runs) -> list[tuple[int, int, int, str, int]]:
        """Return (instrument, parent, number of the check, reason, times) of what was refused."""
        return self._ask(
            "SELECT instrument, parent, number, reason, count(*) FROM refusals"
            " WHERE run BETWEEN ? AND ? GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC",
            *runs,
        )

    def halts(self, runs: Runs) -> list[tuple[int, int, str]]:
        """Return (ns, level, reason) of every pull and reset of the kill switch."""
        return self._ask(
            "SELECT ts_ns, level, reason FROM halts WHERE run BETWEEN ? AND ? ORDER BY seq", *runs
        )

    def corrections(self, runs: Runs) -> list[Correction]:
        """Return what differed from the venue and was put right."""
        return list(self._corrections(runs).values())

    def _corrections(self, runs: Runs) -> dict[int, Correction]:
        rows = self._ask(
            "SELECT seq, what, ts_ns, instrument, currency, client_order, ours, theirs, price, fee,"
            " words FROM corrections WHERE run BETWEEN ? AND ? ORDER BY seq",
            *runs,
        )
        return {row[0]: Correction(What(row[1]), *row[2:]) for row in rows}

    def signals(self, runs: Runs) -> dict[str, int]:
        """Return how often each kind of signal was confirmed."""
        rows = self._ask(
            "SELECT kind, count(*) FROM signals WHERE phase = 'confirmed' AND run BETWEEN ? AND ?"
            " GROUP BY 1 ORDER BY 2 DESC",
            *runs,
        )
        return dict(rows)

    def in_flight(self, before: int) -> list[int]:
        """Return our ids of the orders whose last command may not have left, of earlier runs."""
        rows = self._ask(
            "SELECT DISTINCT client_order FROM commands c WHERE run < ? AND gone = 0 AND NOT EXISTS"
            " (SELECT 1 FROM reports r WHERE r.client_order = c.client_order AND r.seq > c.seq)",
            before,
        )
        return [row[0] for row in rows]

    def memory(self, before: int) -> DeskMemory | None:
        """Return what the desk of the last run before this one had to remember."""
        rows = self._ask(
            "SELECT memory FROM runs WHERE run < ? AND memory IS NOT NULL"
            " ORDER BY run DESC LIMIT 1",
            before,
        )
        return decode_memory(rows[0][0]) if rows else None

    def parents(self, before: int) -> dict[tuple[int, int], int]:
        """Return the highest trade number by (instrument, strategy), of earlier runs."""
        rows = self._ask(
            "SELECT instrument, strategy, max(parent) FROM intents WHERE run < ? GROUP BY 1, 2",
            before,
        )
        return {(row[0], row[1]): row[2] for row in rows}

    def commands(self, run: int) -> Commands:
        """Return the commands that a run decided, in order."""
        rows = self._ask(
            f"SELECT row FROM commands WHERE run = ? AND leg != '{ADOPTED}' ORDER BY seq", run
        )
        return np.frombuffer(b"".join(row[0] for row in rows), COMMAND)

    def reports(self, run: int, *, corrected: bool) -> Reports:
        """Return the reports of a run in order: those told, or those found out at its start."""
        rows = self._ask(
            "SELECT row FROM reports WHERE run = ? AND corrected = ? ORDER BY seq", run, corrected
        )
        return np.frombuffer(b"".join(row[0] for row in rows), REPORT)

    def happened(self, run: int) -> list[Happening]:
        """Return what reached a run from outside its market, in order, each with its place."""
        found: list[Happening] = []
        rows = self._ask(
            "SELECT seq, events, corrected, row FROM reports WHERE run = ? ORDER BY seq", run
        )
        for seq, events, corrected, row in rows:
            if events is None:
                raise StoreError(
                    f"Run {run} of {self.path} was written by an earlier program, which did not "
                    "keep where in the run its reports came: it cannot be replayed."
                )
            found.append(Happening(seq, events, np.frombuffer(row, REPORT)[0], bool(corrected)))
        places = self._ask("SELECT seq, events FROM corrections WHERE run = ?", run)
        corrections = self._corrections(Runs(run, run))
        found += [Happening(seq, events, corrections[seq]) for seq, events in places]
        acts = self._ask("SELECT seq FROM acts WHERE run = ? ORDER BY seq", run)
        found += [
            Happening(seq, act.events, act)
            for (seq,), act in zip(acts, self.acts(run), strict=True)
        ]
        return sorted(found, key=lambda one: one.seq)

    def acts(self, run: int) -> list[Act]:
        """Return what came from outside in a run, in order."""
        rows = self._ask(
            "SELECT ts_ns, events, reports, level, reason, wanted FROM acts WHERE run = ?"
            " ORDER BY seq",
            run,
        )
        return [Act(*row) for row in rows]

    def count(self, table: str, run: int) -> int:
        """Return the rows of a table that belong to a run."""
        return int(self._ask(f"SELECT count(*) FROM {table} WHERE run = ?", run)[0][0])

    def _ask(self, words: str, *values: Any) -> list[Any]:
        with journaling(self.path):
            return self._line.execute(words, values).fetchall()


def wish(path: Path, level: int, reason: str, ts_ns: int) -> int:
    """Ask the process that trades on a journal to pull (or, level 0, reset) its kill switch.

    One that does not run does it when it next begins. Returns the number of the wish.
    """
    if not path.exists():
        raise StoreError(f"There is no journal at {path}: nothing was traded there yet.")
    line = connect(path)
    with journaling(path):
        number = line.execute(
            "INSERT INTO wishes (ts_ns, level, reason) VALUES (?, ?, ?)", (ts_ns, level, reason)
        ).lastrowid
        line.close()
    assert number is not None
    return number


def wish_done(path: Path, number: int) -> bool:
    """Return whether a process has done what was asked for."""
    line = connect(path)
    with journaling(path):
        (done,) = line.execute("SELECT done FROM wishes WHERE wish = ?", (number,)).fetchone()
        line.close()
    return bool(done)
