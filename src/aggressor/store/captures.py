"""The raw captures of one source: messages as they came, one file per UTC day.

A thread of their own packs them. Files grow in the staging folder; `finish` flushes them to the
disk, `publish` renames them into place, `abandon` removes them.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from aggressor.store.files import put_in_place, storing
from aggressor.store.importers.lines import Lines
from aggressor.store.layout import Layout, day_ends, day_of
from aggressor.store.raw import RESPONSE, STREAM, Message, RawWriter, response_text

_WAITING_MAX = 2  # chunks on their way to the disk at one time


class Captures:
    """Writes the captures of one source; raises StoreError if the disk refuses."""

    def __init__(self, layout: Layout, venue: str, source: str) -> None:
        self.finals: list[Path] = []
        self._layout = layout
        self._venue = venue
        self._source = source
        self._writer: RawWriter | None = None
        self._asides: list[Path] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="capture")
        self._waiting: deque[Future[None]] = deque()

    def add(self, lines: Lines) -> None:
        """Append lines; they must not be changed afterwards."""
        self._waiting.append(self._thread.submit(self._write, lines))
        while len(self._waiting) > _WAITING_MAX:
            self._waiting.popleft().result()

    def add_response(self, ts_recv: int, body: bytes) -> None:
        """Append an answer that is no market message (exchangeInfo)."""
        self._thread.submit(
            lambda: self._writer_of(ts_recv).add(
                ts_recv, response_text("exchangeInfo", body), RESPONSE
            )
        ).result()

    def add_record(self, message: Message) -> None:
        """Append one record as another capture held it, in this thread."""
        writer = self._writer_of(message.ts_recv)
        writer.add(message.ts_recv, message.text, message.channel)

    def finish(self) -> None:
        """Wait until everything is on the disk, still in staging."""
        while self._waiting:
            self._waiting.popleft().result()
        if self._writer is not None:
            self._writer.close()
        self._thread.shutdown()

    def publish(self) -> None:
        """Rename the captures into place."""
        for aside, final in zip(self._asides, self.finals, strict=True):
            with storing(final):
                put_in_place(aside, final)

    def abandon(self) -> None:
        """Stop and remove what was written aside."""
        self._thread.shutdown(cancel_futures=True)
        if self._writer is not None:
            self._writer.abandon()
        for aside in self._asides:
            aside.unlink(missing_ok=True)

    def _write(self, lines: Lines) -> None:
        start = 0
        for end in day_ends(lines.times):
            rows = slice(start, end)
            channels = np.full(end - start, STREAM, np.uint16)
            writer = self._writer_of(int(lines.times[start]))
            writer.add_many(
                lines.text, lines.starts[rows], lines.stops[rows], lines.times[rows], channels
            )
            start = end

    def _writer_of(self, ts_ns: int) -> RawWriter:
        final = self._layout.capture(self._venue, ts_ns, self._source)
        if not self.finals or self.finals[-1] != final:
            if self._writer is not None:
                self._writer.close()
            aside = self._layout.staging / f"{day_of(ts_ns)}-{self._source}.zst"
            self.finals.append(final)
            self._asides.append(aside)
            self._writer = RawWriter(aside)
        assert self._writer is not None
        return self._writer
