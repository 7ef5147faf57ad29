"""Segments: what is being received, on the disk within half a second, whatever happens.

A recorder appends to one raw capture (`raw`) per venue in the `live` folder of a store: a
*segment*. A thread of its own packs, writes and flushes it to the disk every FLUSH_S, so a killed
process or a power cut loses less than that plus the time of one flush. From time to time the
segment is closed and another begun; closed ones become Parquet and raw captures of the store
(`run/imports/compaction`) and are then removed. One that nobody closed is just as readable, up to
its torn end.

Beside messages and answers a segment says when a connection was lost (LOST): from there on the
books are unknown, and decoding it again must know that. The first record names the instruments.
"""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from aggressor.schema.errors import StoreError
from aggressor.schema.instrument import Instrument
from aggressor.store.raw import RESPONSE, STREAM, Message, RawReader, RawWriter, response_text

LOST = 2  # a connection was lost; the text says why
RUN_BEGAN = "a run that trades began"  # of LOST: it knew nothing of what was recorded before
INSTRUMENTS = "instruments"  # address of the record that names them

FLUSH_S = 0.5
_WAKE_S = 0.1
_NEVER = 2**63 - 1
_WAITING_BYTES_MAX = 256 << 20


def segment_path(folder: Path, venue: str, first_ns: int) -> Path:
    """Return where a segment that begins at `first_ns` stands."""
    return folder / f"{first_ns:019d}-{venue}.zst"


def venue_of(path: Path) -> str:
    """Return the venue of a segment."""
    return path.stem.partition("-")[2]


class SegmentWriter:
    """Writes the segments of one venue; `add` never waits for the disk.

    Raises StoreError from `add` when the disk refused what was handed in before: what was flushed
    until then is safe.
    """

    def __init__(self, folder: Path, venue: str, instruments: Sequence[Instrument]) -> None:
        self.bytes = 0  # of messages in the segment in hand
        self.path = Path()
        self._folder = folder
        self._venue = venue
        self._named = response_text(INSTRUMENTS, msgspec.json.encode(list(instruments)))
        self._queue: deque[tuple[int, int, bytes]] = deque()
        self._waiting_bytes = 0
        self._writer: RawWriter | None = None
        self._trouble: StoreError | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"segment {venue}", daemon=True)

    def begin(self, first_ns: int) -> None:
        """Open the first segment and start the thread; raise StoreError if the disk refuses."""
        self._open(first_ns)
        self._thread.start()

    def add(self, ts_recv: int, channel: int, text: bytes) -> None:
        """Hand in one record."""
        if self._trouble is not None:
            raise self._trouble
        self._waiting_bytes += len(text)
        if self._waiting_bytes > _WAITING_BYTES_MAX:
            raise StoreError(
                f"The disk of {self._folder} is too slow: {self._waiting_bytes >> 20} MiB wait to "
                "be written. Record fewer symbols, or to a faster disk."
            )
        self._queue.append((ts_recv, channel, text))

    def message(self, ts_recv: int, frame: bytes) -> None:
        """Hand in a frame of a stream."""
        self.add(ts_recv, STREAM, frame)

    def response(self, ts_recv: int, address: str, body: bytes) -> None:
        """Hand in an answer."""
        self.add(ts_recv, RESPONSE, response_text(address, body))

    def lost(self, ts_recv: int, why: str) -> None:
        """Say that a connection was lost."""
        self.add(ts_recv, LOST, why.encode())

    def rotate(self, now_ns: int) -> Path:
        """Close the segment in hand and begin another; return the closed one.

        What was received until `now_ns` is in the closed one, what comes meanwhile in the next: two
        segments that overlap could not both be imported.
        """
        with self._lock:
            closed = self.path
            self._drain(now_ns)
            assert self._writer is not None, "begin() first"
            self._writer.close()
            self._open(now_ns + 1)
        return closed

    def close(self) -> None:
        """Write what waits and close the segment."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._lock:
            if self._trouble is None:
                self._drain()
            if self._writer is not None:
                self._writer.close() if self._trouble is None else self._writer.abandon()

    def _open(self, first_ns: int) -> None:
        self.path = segment_path(self._folder, self._venue, first_ns)
        self.bytes = 0
        self._writer = RawWriter(self.path)
        self._writer.add(first_ns, self._named, RESPONSE)
        self._writer.flush(sync=True)

    def _run(self) -> None:
        flushed = time.monotonic()
        while not self._stop.wait(_WAKE_S):
            try:
                with self._lock:
                    self._drain()
                    if time.monotonic() - flushed >= FLUSH_S - _WAKE_S:
                        assert self._writer is not None
                        self._writer.flush(sync=True)
                        flushed = time.monotonic()
            except StoreError as trouble:
                self._trouble = trouble
                return

    def _drain(self, until_ns: int = _NEVER) -> None:
        assert self._writer is not None, "begin() first"
        while self._queue and self._queue[0][0] <= until_ns:
            ts_recv, channel, text = self._queue.popleft()
            self._waiting_bytes -= len(text)
            self.bytes += len(text)
            self._writer.add(ts_recv, text, channel)


def answer_of(message: Message) -> tuple[str, bytes]:
    """Return (address, body) of the record of an answer."""
    address, _, body = message.text.partition(b"\n")
    return json.loads(address), body


class SegmentFile:
    """A segment as a recording."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.skipped: Counter[str] = Counter()
        self.damage = ""
        self.instruments: list[Instrument] = []
        self.is_empty = True
        for number, message in enumerate(RawReader(path)):
            if number == 0 and message.channel == RESPONSE:
                _, body = answer_of(message)
                self.instruments = msgspec.json.decode(body, type=list[Instrument])
                continue
            self.is_empty = False
            break

    def messages(self) -> Iterator[Message]:
        """Yield what was received, in order; afterwards `damage` says what cannot be read."""
        reader, losses = RawReader(self.path), 0
        for message in reader:
            if len(reader.losses) > losses:
                losses = len(reader.losses)
                yield Message(message.ts_recv, LOST, b"the segment is damaged here")
            yield message
        self.damage = "; ".join(
            f"{loss.reason} at byte {loss.offset} ({loss.records} records)"
            for loss in reader.losses
        )
        if not self.damage and not reader.closed:
            self.damage = "it was not closed: the recorder was killed, or the power failed"
