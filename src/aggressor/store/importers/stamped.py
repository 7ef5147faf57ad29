"""Archives of a venue's own messages, without the time at which anybody received them.

    Bybit     ob500, ob200: a zip of lines, each a message of the stream `orderbook.N` as it was
              sent, with ts (when Bybit made it) and cts (when it matched)
    Binance   T_DEPTH: CSV of level changes with update ids, and of snapshots; the lines of one
              last_update_id are a message

They become lines `<time in ns> <json>`, decoded by the code of the venue, so its ids are checked as
they would be live. The time is the venue's own time of sending: nobody can have known a message
earlier, and nothing of latency or of a clock can be said.
"""

import heapq
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from aggressor.schema.errors import MessageError
from aggressor.store.importers.archive import ArchiveText
from aggressor.store.importers.lines import CHUNK_BYTES, LINE_BYTES_MAX, Lines, ordered

BYBIT_BOOK = b'{"topic":"orderbook.'
DEPTH_HEADER = b"symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty"
NO_STAMP = "a message without the time of its sending"

_STAMP = b'"ts":'
_DIGITS = frozenset(b"0123456789")
_SIDES = {b"b": 0, b"a": 1}


class StampedFile:
    """An archive of one venue's messages; `skipped` counts, by reason, what was left out."""

    name = ""
    raw = False  # whether its lines are what the venue sent
    venue = ""  # whose it is; of Bybit the symbol tells which

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        self.skipped: Counter[str] = Counter()

    @property
    def path(self) -> Path:
        """The first of its files."""
        return self.paths[0]

    def chunks(self) -> Iterator[Lines]:
        """Yield all messages from the beginning as lines."""
        self.skipped.clear()
        return ordered(self._texts(), self.skipped)

    @abstractmethod
    def _messages(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield (time in ns, line `<time> <json>`) of one file."""

    def _texts(self) -> Iterator[bytes]:
        lines: list[bytes] = []
        size = 0
        streams = [self._messages(path) for path in self.paths]
        for _, line in heapq.merge(*streams, key=lambda entry: entry[0]):
            lines.append(line)
            size += len(line)
            if size >= CHUNK_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        if lines:
            yield b"".join(lines)

    def _lines(self, path: Path) -> Iterator[bytes]:
        rest = b""
        for piece in ArchiveText(path).pieces():
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > LINE_BYTES_MAX:
                raise MessageError(
                    f"{path} holds a line of more than {LINE_BYTES_MAX} bytes: it is not "
                    f"{self.name}."
                )
            yield from whole
        if rest.strip():
            yield rest


class BybitBookFile(StampedFile):
    """Bybit's archive of a book: messages of the stream as lines."""

    name = "bybit-ob"
    raw = True
    venue = "bybit"

    def _messages(self, path: Path) -> Iterator[tuple[int, bytes]]:
        for line in self._lines(path):
            begin = line.find(_STAMP) + len(_STAMP)
            stop = begin
            while begin >= len(_STAMP) and stop < len(line) and line[stop] in _DIGITS:
                stop += 1
            if stop == begin or begin < len(_STAMP):
                if line.strip():
                    self.skipped[NO_STAMP] += 1
                continue
            stamp_ns = int(line[begin:stop]) * 1_000_000
            yield stamp_ns, b"%d %s\n" % (stamp_ns, line.strip())


class DepthCsvFile(StampedFile):
    """Binance's archive of a book (T_DEPTH): changes or snapshots as lines of single levels."""

    name = "binance-depth"
    venue = "binance-futures"

    def _messages(self, path: Path) -> Iterator[tuple[int, bytes]]:
        key: tuple[bytes, ...] = ()
        sides: tuple[list[bytes], list[bytes]] = ([], [])
        for number, line in enumerate(self._lines(path), 1):
            if number == 1 or not line.strip():
                continue
            fields = line.strip().split(b",")
            if len(fields) != 9 or fields[4] not in _SIDES or not fields[1].isdigit():
                raise MessageError(
                    f"{path}, line {number}: {line[:60]!r} is no level of Binance's depth "
                    "archive: the file is cut or damaged; download it again."
                )
            symbol, stamp, first, last, side, what, price, size, previous = fields
            own = (symbol, stamp, first, last, what, previous)
            if own != key:
                if key:
                    yield _depth_line(key, sides)
                key, sides = own, ([], [])
            sides[_SIDES[side]].append(b'["%s","%s"]' % (price, size))
        if key:
            yield _depth_line(key, sides)


def _depth_line(
    key: tuple[bytes, ...], sides: tuple[list[bytes], list[bytes]]
) -> tuple[int, bytes]:
    """Return the time and a message of the depth stream, or an answer with a snapshot."""
    symbol, stamp, first, last, what, previous = key
    bids, asks = (b",".join(levels) for levels in sides)
    if what == b"snap":
        body = (
            b'{"stream":"%s@snapshot","data":{"lastUpdateId":%s,"E":%s,"T":%s,'
            b'"bids":[%s],"asks":[%s]}}'
        )
        content = body % (symbol, last, stamp, stamp, bids, asks)
    else:
        body = b'{"e":"depthUpdate","E":%s,"T":%s,"s":"%s","U":%s,"u":%s,"pu":%s,"b":[%s],"a":[%s]}'
        content = body % (stamp, stamp, symbol, first, last, previous, bids, asks)
    stamp_ns = int(stamp) * 1_000_000
    return stamp_ns, b"%d %s\n" % (stamp_ns, content)
