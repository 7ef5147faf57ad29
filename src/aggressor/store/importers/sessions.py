"""Session recordings: one JSON record a line, with streams, requests and what was sent.

    {"t":"header", ...}
    {"t":"http","ts":1626992740.175661,"url":"https://...","data":"..."}     an answer to a request
    {"t":"recv","ts":1626992741.06217,"data":"..."}                          a message of a stream
    {"t":"send" | "connect", ...}                                            passed over

`ts` is the receive time in seconds, read exactly as decimal text. Records become lines `<ns>
<json>` in order of receive time (answers are often written in front of everything else), so that
all that follows is the same as for recordings of lines. A depth answer is put into the envelope
that names its symbol, `{"stream":"SYMBOL@snapshot","data":...}`; an exchangeInfo answer is kept
aside for the grids.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from aggressor.store.importers.lines import CHUNK_BYTES, Lines, ordered
from aggressor.store.importers.text import TextFile

NO_RECORD = "not a session record"
NO_SYMBOL = "an answer whose request names no symbol"

_NS = Decimal(1_000_000_000)
_DEFINITIONS = ("/exchangeInfo", "/instruments-info")
_SNAPSHOT = "/depth"
_INTEREST = "/openInterest"


class _Record(msgspec.Struct):
    t: str
    ts: msgspec.Raw = msgspec.Raw(b"")
    url: str = ""
    data: str = ""


class SessionFile:
    """A session recording; `definitions` holds its exchangeInfo answers once `chunks` has run.

    `skipped` counts, by reason, records that were left out; `damage` says what is wrong with the
    file itself.
    """

    def __init__(self, path: Path) -> None:
        self.file = TextFile(path)
        self.skipped: Counter[str] = Counter()
        self.definitions: list[tuple[int, bytes]] = []  # (receive time in ns, body)
        self._decoder = msgspec.json.Decoder(_Record)

    @property
    def damage(self) -> str:
        """What is wrong with the file itself, or an empty text."""
        return self.file.damage

    def first_ns(self) -> int | None:
        """Return the receive time of the first message or answer, None if there is none."""
        for lines in self.chunks():
            return int(lines.times[0])
        return None

    def chunks(self) -> Iterator[Lines]:
        """Yield all messages and answers from the beginning as lines."""
        self.skipped.clear()
        self.definitions.clear()
        return ordered(self._texts(), self.skipped)

    def _texts(self) -> Iterator[bytes]:
        """Yield texts of lines, each answer in its place by receive time."""
        answers: list[tuple[int, bytes]] = []
        lines: list[bytes] = []
        size = 0
        for ts_recv, message, answer in self._messages():
            if answer:
                answers.append((ts_recv, message))
                continue
            if answers:
                answers.sort(key=lambda entry: entry[0])
                while answers and answers[0][0] <= ts_recv:
                    lines.append(b"%d %s\n" % answers.pop(0))
            lines.append(b"%d %s\n" % (ts_recv, message))
            size += len(message)
            if size >= CHUNK_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        lines += [b"%d %s\n" % entry for entry in sorted(answers, key=lambda entry: entry[0])]
        if lines:
            yield b"".join(lines)

    def _messages(self) -> Iterator[tuple[int, bytes, bool]]:
        """Yield (receive time in ns, message, whether it is an answer) in the order of the file."""
        for text in self._records():
            try:
                record = self._decoder.decode(text)
                if record.t not in ("recv", "http"):
                    continue
                ts_recv = int(Decimal(bytes(record.ts).decode()) * _NS)
            except (msgspec.MsgspecError, ArithmeticError):
                self.skipped[NO_RECORD] += 1
                continue
            message = record.data.encode()
            if record.t == "http":
                message = self._answer(ts_recv, record.url, message)
                if not message:
                    continue
            yield ts_recv, message.replace(b"\n", b" "), record.t == "http"

    def _answer(self, ts_recv: int, url: str, body: bytes) -> bytes:
        """Return an answer as a message that names its symbol, or nothing to pass it over."""
        address = urlsplit(url)
        if address.path.endswith(_DEFINITIONS):
            self.definitions.append((ts_recv, body))
            return b""
        streams = {_SNAPSHOT: "snapshot", _INTEREST: "interest"}
        stream = next((name for end, name in streams.items() if address.path.endswith(end)), None)
        if stream is None:
            return b""
        symbol = parse_qs(address.query).get("symbol", [""])[0]
        if not symbol:
            self.skipped[NO_SYMBOL] += 1
            return b""
        envelope = msgspec.json.encode(f"{symbol}@{stream}")
        return b'{"stream":' + envelope + b',"data":' + body + b"}"

    def _records(self) -> Iterator[bytes]:
        rest = b""
        for piece in self.file.pieces():
            *records, rest = (rest + piece).split(b"\n")
            yield from (record for record in records if record.strip())
        if rest.strip():
            yield rest
