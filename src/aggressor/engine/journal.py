"""Journal: what was decided, in order, and one digest that stands for all of it.

The digest is BLAKE2b over the bytes of every COMMAND in the order it was made, so two runs that
did the same have the same digest and a run that differs anywhere does not. Signals, reports,
refusals and trades are kept beside it as records. Nothing is written to a disk here: the engine is
a function; what keeps a journal through a crash is another object with the same methods.
"""

import hashlib
from collections import Counter, deque
from copy import deepcopy
from typing import Any

import numpy as np

from aggressor.schema.command import COMMAND, PLACE, Commands
from aggressor.schema.report import FILL, LIQUIDATED, MAKER, REPORT, Reports
from aggressor.schema.signal import SIGNAL, Signals

_SAID = ["kind", "phase", "failed", "provisional"]
_HEARD = ["kind", "instrument", "flags"]
_SENT = ["kind", "instrument"]
KEPT_MAX = 100_000  # records of each kind kept in memory; counts go on


class Journal:
    """An in-memory journal with bounded memory."""

    def __init__(self, kept: int = KEPT_MAX) -> None:
        self._digest = hashlib.blake2b(digest_size=16)
        self._commands = _Newest(COMMAND, kept)
        self._reports = _Newest(REPORT, kept)
        self._signals = _Newest(SIGNAL, kept)
        self.command_count = 0
        self.report_count = 0
        self.signal_count = 0
        self.said: Counter[tuple[int, int, int, int]] = Counter()  # of all signals, by _SAID
        self.placed_by: Counter[int] = Counter()  # orders sent, by lane
        self.fills_by: Counter[int] = Counter()
        self.maker_fills_by: Counter[int] = Counter()
        self.liquidations_by: Counter[int] = Counter()  # reports of it: one for each price

    def __deepcopy__(self, memo: dict[int, Any]) -> "Journal":
        """Return a journal that goes on from here by itself; a digest copies in its own way."""
        one = type(self).__new__(type(self))
        memo[id(self)] = one
        digest = self._digest.copy()
        one.__dict__ = {
            name: digest if name == "_digest" else deepcopy(value, memo)
            for name, value in self.__dict__.items()
        }
        return one

    @property
    def placed(self) -> int:
        """Orders sent."""
        return self.placed_by.total()

    @property
    def fills(self) -> int:
        """Fills heard of."""
        return self.fills_by.total()

    @property
    def maker_fills(self) -> int:
        """Of them as maker."""
        return self.maker_fills_by.total()

    @property
    def digest(self) -> str:
        """Hexadecimal digest of every command so far."""
        return self._digest.hexdigest()

    def note_commands(self, commands: Commands) -> None:
        """Add commands in the order they are sent."""
        if commands.size:
            self._digest.update(commands.tobytes())
            self.command_count += commands.size
            for kind, lane in commands[_SENT].tolist():
                if kind == PLACE:
                    self.placed_by[lane] += 1
            self._commands.add(commands)

    def note_reports(self, reports: Reports) -> None:
        """Add reports in the order they became known."""
        if reports.size:
            self.report_count += reports.size
            for kind, lane, flags in reports[_HEARD].tolist():
                if kind == FILL:
                    self.fills_by[lane] += 1
                    if flags & MAKER:
                        self.maker_fills_by[lane] += 1
                elif kind == LIQUIDATED:
                    self.liquidations_by[lane] += 1
            self._reports.add(reports)

    def note_signals(self, signals: Signals) -> None:
        """Add signals in the order they became known."""
        if signals.size:
            self.signal_count += signals.size
            self.said.update(signals[_SAID].tolist())
            self._signals.add(signals)

    @property
    def commands(self) -> Commands:
        """The kept commands, oldest first."""
        return self._commands.joined()

    @property
    def reports(self) -> Reports:
        """The kept reports, oldest first."""
        return self._reports.joined()

    @property
    def signals(self) -> Signals:
        """The kept signals, oldest first."""
        return self._signals.joined()


class _Newest:
    """The newest records of one kind, in the batches they came in."""

    def __init__(self, dtype: np.dtype[Any], most: int) -> None:
        self._dtype = dtype
        self._most = most
        self._batches: deque[Any] = deque()
        self._count = 0

    def add(self, rows: Any) -> None:
        """Keep a copy of some rows, and forget the oldest beyond the bound."""
        self._batches.append(np.frombuffer(rows.tobytes(), self._dtype))  # `copy` goes by field
        self._count += rows.size
        while self._count > self._most:
            oldest = self._batches.popleft()
            rest = oldest[self._count - self._most :]
            self._count -= oldest.size - rest.size
            if rest.size:
                self._batches.appendleft(rest)

    def joined(self) -> Any:
        """Return what is kept, oldest first."""
        return np.concatenate(self._batches) if self._batches else np.zeros(0, self._dtype)
