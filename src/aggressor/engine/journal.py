"""Journal: what was decided, in order, and one digest that stands for all of it.

The digest is BLAKE2b over the bytes of every COMMAND in the order it was made, so two runs that
did the same have the same digest and a run that differs anywhere does not. Signals, reports,
refusals and trades are kept beside it as records. Nothing is written to a disk here: the engine is
a function; what keeps a journal through a crash is another object with the same methods.
"""

import hashlib
from collections import deque
from typing import Any

import numpy as np

from aggressor.schema.command import COMMAND, Commands
from aggressor.schema.report import REPORT, Reports
from aggressor.schema.signal import SIGNAL, Signals

KEPT_MAX = 100_000  # records of each kind kept in memory; counts go on


class Journal:
    """An in-memory journal with bounded memory."""

    def __init__(self, kept: int = KEPT_MAX) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        self._commands: deque[Commands] = deque()
        self._reports: deque[Reports] = deque()
        self._signals: deque[Signals] = deque()
        self._kept = kept
        self.command_count = 0
        self.report_count = 0
        self.signal_count = 0

    @property
    def digest(self) -> str:
        """Hexadecimal digest of every command so far."""
        return self._digest.hexdigest()

    def note_commands(self, commands: Commands) -> None:
        """Add commands in the order they are sent."""
        if commands.size:
            self._digest.update(commands.tobytes())
            self.command_count += commands.size
            _keep(self._commands, commands, self._kept)

    def note_reports(self, reports: Reports) -> None:
        """Add reports in the order they became known."""
        if reports.size:
            self.report_count += reports.size
            _keep(self._reports, reports, self._kept)

    def note_signals(self, signals: Signals) -> None:
        """Add signals in the order they became known."""
        if signals.size:
            self.signal_count += signals.size
            _keep(self._signals, signals, self._kept)

    @property
    def commands(self) -> Commands:
        """The kept commands, oldest first."""
        return _joined(self._commands, COMMAND)

    @property
    def reports(self) -> Reports:
        """The kept reports, oldest first."""
        return _joined(self._reports, REPORT)

    @property
    def signals(self) -> Signals:
        """The kept signals, oldest first."""
        return _joined(self._signals, SIGNAL)


def _keep(kept: deque[Any], rows: Any, most: int) -> None:
    kept.append(rows.copy())
    while len(kept) > most:
        kept.popleft()


def _joined(kept: deque[Any], dtype: np.dtype[Any]) -> Any:
    return np.concatenate(list(kept)) if kept else np.zeros(0, dtype)
