"""The heartbeat of a live run: a few numbers in a file that two processes map.

The runner beats at every turn of its loop, the watchdog at every look; each sees when the other has
gone silent. A beat is one write to memory, so it costs nothing and cannot wait. Times are of the
monotonic clock, which all processes of a machine share.
"""

import mmap
import os
import struct
import time
from enum import IntEnum
from pathlib import Path
from types import TracebackType

from aggressor.store.files import storing

NAME = "heartbeat"
_BYTES = 128
_NUMBER = struct.Struct("<q")


class Field(IntEnum):
    """The numbers, in order."""

    RUNNER = 0  # process id
    RUNNER_BORN = 1  # when the system says that it began, 0 where that is not known
    BEAT = 2  # ns
    STATE = 3
    LEVEL = 4  # of the kill switch, wanted by a run that failed
    WATCHDOG = 5  # process id
    WATCHDOG_BEAT = 6  # ns
    WATCHDOG_STATE = 7


class RunnerState(IntEnum):
    """Where a runner is."""

    NONE = 0
    STARTING = 1
    TRADING = 2
    ENDED = 3  # cleanly: nothing is to be done
    FAILED = 4


class WatchdogState(IntEnum):
    """Where a watchdog is."""

    NONE = 0
    WATCHING = 1
    ACTING = 2
    DONE = 3


class Heartbeat:
    """The mapped file; both sides open it the same way. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        with storing(path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            os.ftruncate(self._file, _BYTES)
            self._map = mmap.mmap(self._file, _BYTES)

    def __enter__(self) -> "Heartbeat":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._file)

    def __getitem__(self, field: Field) -> int:
        return int(_NUMBER.unpack_from(self._map, 8 * field)[0])

    def __setitem__(self, field: Field, value: int) -> None:
        _NUMBER.pack_into(self._map, 8 * field, value)

    # -- the runner's side -----------------------------------------------------------------------

    def begin(self) -> None:
        """Say that this process runs now, and begins."""
        self[Field.STATE] = RunnerState.STARTING
        self[Field.RUNNER_BORN] = born(os.getpid())
        self[Field.LEVEL] = 0
        self[Field.BEAT] = time.monotonic_ns()
        self[Field.RUNNER] = os.getpid()

    def beat(self, state: RunnerState = RunnerState.TRADING) -> None:
        """Say that the loop turns."""
        self[Field.BEAT] = time.monotonic_ns()
        self[Field.STATE] = state

    def end(self, state: RunnerState, level: int = 0) -> None:
        """Say how it ended, and what is to be done."""
        self[Field.LEVEL] = level
        self[Field.STATE] = state

    @property
    def watched(self) -> bool:
        """Whether a watchdog has looked within the last seconds, and is still watching."""
        age_ns = time.monotonic_ns() - self[Field.WATCHDOG_BEAT]
        watching = self[Field.WATCHDOG_STATE] == WatchdogState.WATCHING
        return watching and 0 <= age_ns < 3_000_000_000

    # -- the watchdog's side ---------------------------------------------------------------------

    def look(self, state: WatchdogState = WatchdogState.WATCHING) -> None:
        """Say that somebody watches."""
        self[Field.WATCHDOG] = os.getpid()
        self[Field.WATCHDOG_STATE] = state
        self[Field.WATCHDOG_BEAT] = time.monotonic_ns()

    @property
    def silent_ns(self) -> int:
        """How long the runner has been silent."""
        return time.monotonic_ns() - self[Field.BEAT]


def born(process: int) -> int:
    """Return when a process began, in the system's ticks; 0 where that is not told."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return 0
