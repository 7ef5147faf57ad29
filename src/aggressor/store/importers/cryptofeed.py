"""cryptofeed's raw files: what its `raw_data_collection` wrote, one file a connection.

    configuration: {...}                                  what was subscribed to
    1626992741.06217: {...}                               received
    https://host/path?query -> 1626992740.17: {...}       an answer to a request
    wss://host/path <- 1626992740.5: {...}                sent
    wss://host/path <-> 1626992740.3                      connected

Times are seconds of the recorder, read exactly. They become the lines that a session file becomes
(`sessions`). Messages that cryptofeed kept as Python bytes (compressed ones) are left out, counted.
Source: cryptofeed, `cryptofeed/raw_data_collection.py`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from aggressor.store.importers.sessions import NO_RECORD, SessionFile

_RECEIVED = re.compile(rb"(\d+(?:\.\d+)?): (.*)", re.DOTALL)
_ANSWER = re.compile(rb"(https?://\S+) -> (\d+(?:\.\d+)?): (.*)", re.DOTALL)
_OTHER = re.compile(rb"configuration: |\S+://\S* <-> |\S+://\S* <- ")
_NS = Decimal(1_000_000_000)


def is_cryptofeed(head: bytes) -> bool:
    """Return whether a text begins as a raw file of cryptofeed does."""
    first = head.split(b"\n", 1)[0]
    return any(form.match(first) for form in (_RECEIVED, _ANSWER, _OTHER))


class CryptofeedFile(SessionFile):
    """A raw file of cryptofeed as a session."""

    def _messages(self) -> Iterator[tuple[int, bytes, bool]]:
        for line in self._records():
            if answer := _ANSWER.match(line):
                ts_recv = _ns(answer[2])
                message = self._answer(ts_recv, answer[1].decode(errors="replace"), answer[3])
                if message:
                    yield ts_recv, message, True
            elif received := _RECEIVED.match(line):
                if received[2].startswith((b"{", b"[")):
                    yield _ns(received[1]), received[2], False
                else:
                    self.skipped[NO_RECORD] += 1
            elif not _OTHER.match(line):
                self.skipped[NO_RECORD] += 1


def _ns(seconds: bytes) -> int:
    return int(Decimal(seconds.decode()) * _NS)
