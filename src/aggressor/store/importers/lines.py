"""Recordings of lines `<local time> <json>`: chunks of whole lines in order of receive time.

The local time is a whole number of ms, us or ns since the epoch, told by its magnitude. Where lines
stand slightly out of order (a recorder with several threads), they are put in order of their
receive time within a window of at least WINDOW_LINES; a line that comes later still is left out and
counted, because rows of the store are in order of `ts_recv` and times are never altered. A line
without a time is left out and counted too.

What is yielded is a `Lines`: a text of whole lines, and where time and message of each stand. The
same form serves session files (`sessions.py`), so everything behind it exists once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel
from aggressor.schema.errors import MessageError
from aggressor.store.importers.text import TextFile

CHUNK_BYTES = 1024 * 1024
WINDOW_LINES = 64  # held back from each chunk, so that order is kept across chunks too
LINE_BYTES_MAX = 64 * 1024 * 1024

NO_LINE_TIME = "no receive time"
TOO_LATE = "receive time earlier than that of lines long before"

_MS_MAX = 9_000_000_000_000  # ms up to the year 2255; us from April 1970 on
_US_MAX = 9_000_000_000_000_000
_NEW_LINE = 10


class Lines(NamedTuple):
    """Whole lines in order of receive time.

    text (n,) uint8, every line ended by a line feed; times (m,) int64 ns; starts, stops (m,) int64:
    line i's message is text[starts[i]:stops[i]]; lines (m + 1,) int64: line i is
    text[lines[i]:lines[i + 1]].
    """

    text: NDArray[np.uint8]
    times: NDArray[np.int64]
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    lines: NDArray[np.int64]


@kernel
def index_lines(
    text: NDArray[np.uint8],
    line_stops: NDArray[np.int64],
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> bool:
    """Read the receive time of every line and find its message.

    text (n,) uint8; line_stops (m,) int64 offsets of the line feeds; out: times (m,) int64 ns, -1
    for a line that has none; starts, stops (m,) int64 of the messages.
    """
    begin = np.int64(0)
    before = np.int64(-1)
    good = True
    for i in range(line_stops.size):
        stop = line_stops[i]
        value = np.int64(0)
        j = begin
        while j < stop and 48 <= text[j] <= 57 and j - begin < 19:
            value = value * 10 + np.int64(text[j] - 48)
            j += 1
        readable = j > begin and j < stop and text[j] == 32
        if readable and value < _MS_MAX:
            value *= 1_000_000
        elif readable and value < _US_MAX:
            value *= 1_000
        times[i] = value if readable else np.int64(-1)
        starts[i] = j + 1 if readable else begin
        stops[i] = stop - 1 if stop > begin and text[stop - 1] == 13 else stop
        if not readable or value < before:
            good = False
        before = value
        begin = stop + 1
    return good


class LineFile:
    """A recording of lines; `skipped` counts, by reason, what was left out."""

    def __init__(self, path: Path) -> None:
        self.file = TextFile(path)
        self.skipped: Counter[str] = Counter()

    @property
    def damage(self) -> str:
        """What is wrong with the file itself, or an empty text."""
        return self.file.damage

    def first_ns(self) -> int | None:
        """Return the receive time of the first readable line, None if there is none."""
        text = self.file.head(CHUNK_BYTES)
        for line in text.splitlines()[:1000]:
            number, blank, _ = line.partition(b" ")
            if blank and number.isdigit():
                return as_ns(int(number))
        return None

    def chunks(self) -> Iterator[Lines]:
        """Yield all lines from the beginning."""
        self.skipped.clear()
        return ordered(self._texts(), self.skipped)

    def _texts(self) -> Iterator[memoryview]:
        """Yield texts of whole lines; the last line is completed if it lacks its line feed."""
        waiting: list[bytes] = []
        size = 0
        for piece in self.file.pieces():
            waiting.append(piece)
            size += len(piece)
            if size < CHUNK_BYTES:
                continue
            text = b"".join(waiting)
            whole = text.rfind(b"\n") + 1
            if whole == 0 and size > LINE_BYTES_MAX:
                raise MessageError(
                    f"{self.file.path} holds a line of more than {LINE_BYTES_MAX} bytes: it is not "
                    "a recording of lines `<local time> <json>`."
                )
            waiting, size = [text[whole:]], len(text) - whole
            if whole:
                yield memoryview(text)[:whole]
        if rest := b"".join(waiting):
            yield memoryview(rest if rest.endswith(b"\n") else rest + b"\n")


def as_ns(value: int) -> int:
    """Return a local time in ms, us or ns as ns."""
    if value < _MS_MAX:
        return value * 1_000_000
    return value * 1_000 if value < _US_MAX else value


def ordered(texts: Iterable[bytes | memoryview], skipped: Counter[str]) -> Iterator[Lines]:
    """Yield the lines of `texts` (whole lines) in order of receive time; count what is left out."""
    carried = np.zeros(0, np.uint8)
    last_ns = -1
    for text in texts:
        fresh = np.frombuffer(text, np.uint8)
        lines = _in_order(np.concatenate((carried, fresh)), skipped, last_ns)
        keep = max(len(lines.times) - WINDOW_LINES, 0)
        carried = lines.text[lines.lines[keep] :].copy()
        if keep:
            last_ns = int(lines.times[keep - 1])
            yield _first(lines, keep)
    lines = _in_order(carried, skipped, last_ns)
    if len(lines.times):
        yield lines


def _first(lines: Lines, count: int) -> Lines:
    upto = int(lines.lines[count])
    return Lines(
        lines.text[:upto],
        lines.times[:count],
        lines.starts[:count],
        lines.stops[:count],
        lines.lines[: count + 1],
    )


def _indexed(text: NDArray[np.uint8]) -> tuple[Lines, bool]:
    line_stops = np.flatnonzero(text == _NEW_LINE).astype(np.int64, copy=False)
    times, starts, stops = (np.empty(line_stops.size, np.int64) for _ in range(3))
    good = index_lines(text, line_stops, times, starts, stops)
    edges = np.zeros(line_stops.size + 1, np.int64)
    edges[1:] = line_stops + 1
    return Lines(text, times, starts, stops, edges), good


def _in_order(text: NDArray[np.uint8], skipped: Counter[str], last_ns: int) -> Lines:
    """Return the lines of `text` in order, without those that have no time or come too late."""
    lines, good = _indexed(text)
    if good and (lines.times.size == 0 or lines.times[0] >= last_ns):
        return lines
    empty = lines.stops == lines.lines[:-1]
    skipped[NO_LINE_TIME] += int(((lines.times < 0) & ~empty).sum())
    late = (lines.times >= 0) & (lines.times < last_ns)
    skipped[TOO_LATE] += int(late.sum())
    chosen = np.flatnonzero((lines.times >= 0) & ~late)
    chosen = chosen[np.argsort(lines.times[chosen], kind="stable")]
    edges = lines.lines
    rebuilt = b"".join(text[edges[i] : edges[i + 1]].data for i in chosen)
    return _indexed(np.frombuffer(bytearray(rebuilt), np.uint8))[0]
