"""The decoder of Binance's market side: live messages and recorded lines to EVENT rows.

The common kinds are compiled (lines.py); here stand what is rare or needs memory of Python's:
deltas that wait for a snapshot, answers that name no symbol, liquidations, mark prices, open
interest, and the words for what is wrong. A message that raises MessageError has changed nothing.

Deltas that waited are written right behind their snapshot with the snapshot's ts_recv: that is when
they became usable. Limits: a message of 4 MiB, 10,000 waiting messages per instrument (a venue
sends ten a second; a quarter of an hour without a snapshot means that none will come): beyond that
all that wait are forgotten.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import entry
from aggressor.market.align import WAITING, align_state, restart
from aggressor.market.book import BookState, book_state, read_top, run_book
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.event import (
    BAD_CLOCK,
    CLEAR,
    EVENT,
    GAP,
    INSTRUMENTS_MAX,
    LAST,
    NO_PRICE,
    NO_TIME,
    Events,
    empty_events,
)
from aggressor.schema.instrument import Instrument
from aggressor.venues.binance.holes import missing_print, write_asked
from aggressor.venues.binance.lines import Wire, carry, line_stop
from aggressor.venues.binance.mending import nameless, oversized, stream_of, symbol_of, trouble_of
from aggressor.venues.binance.rare import read_rare
from aggressor.venues.binance.tables import (
    ANCHORED,
    BROKEN,
    BUFFERED,
    CHECKS,
    HINT_SURE,
    JSON_AT,
    LANE_OF,
    LOCAL_TIME,
    NO_ROOM,
    NO_SYMBOL,
    RARE,
    UNKNOWN_SYMBOL,
    USED,
    WHERE,
    Tables,
    empty_tables,
    lane_counts,
    lane_state,
    resume_lane,
)
from aggressor.venues.venue import (
    BAD,
    DONE,
    FULL,
    NEEDS_ROOM,
    Checks,
    Progress,
    empty_checks,
    room_for,
    sum_counts,
)

MESSAGE_BYTES_MAX = 4 << 20
WAITING_MAX = 10_000

_NO_CHECKS = empty_checks(0)
_NO_BOOK = book_state(1, window=64, levels=2)
_NOTHING = (0, NEEDS_ROOM, 0, NO_ROOM, 0, NO_PRICE, 0, NO_PRICE, 0)
_PARTIAL_STREAMS = ("depth5", "depth10", "depth20")


class MarketDecoder:
    """One Binance market's messages to EVENT rows, for up to 255 instruments."""

    def __init__(
        self,
        instruments: Sequence[tuple[Instrument, int]],
        *,
        policy: int,
        chain: int,
        market: int,
    ) -> None:
        """Decode for these (instrument, EVENT.instrument); `market` is Binance's `st`, 0 spot."""
        if len(instruments) > INSTRUMENTS_MAX:
            raise ConfigError(
                f"{len(instruments)} instruments are too many for one decoder: at most "
                f"{INSTRUMENTS_MAX}; use a second one."
            )
        self.trouble: MessageError | None = None
        self.ignored: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self._instruments = [instrument for instrument, _ in instruments]
        self._numbers = [number for _, number in instruments]
        self._lanes = {instrument.symbol: k for k, instrument in enumerate(self._instruments)}
        self._market = market
        align = align_state(max(len(instruments), 1), policy, chain)
        self._tables: Tables = empty_tables(instruments, align)
        self._hint = 0 if len(instruments) == 1 else -1
        self._waiting: list[list[bytes]] = [[] for _ in instruments]
        self._waiting_rows = 0
        self._again: deque[tuple[bytes, int]] = deque()
        self._room = 1 << 16
        self._wire = self._wire_of(np.zeros(self._room, np.uint8), empty_events(1), _NO_CHECKS)
        self._view = self._wire.text.data
        self._lines = self._wire
        self._call = entry(carry, self._wire, 0, 0, 0, 0, -1, 0)
        self._messages = 0
        self._bad = 0

    def room(self, message: bytes) -> int:
        """Return how many rows `decode` may need for a message now."""
        return room_for(len(message)) + self._waiting_rows

    def decode(self, message: bytes, ts_recv: int, out: Events, symbol: str = "") -> int:
        """Write one message's rows to out[:n]; see `venues.venue.MarketDecoder`."""
        return self._take(message, ts_recv, out, self._wire.book, 0, symbol)[1]

    def follow(
        self, message: bytes, ts_recv: int, out: Events, book: BookState, symbol: str = ""
    ) -> tuple[int, int, int, int, int, int]:
        """Write one message's rows and apply them; see `venues.venue.MarketDecoder`."""
        _, rows, _, _, done, bid, bid_lots, ask, ask_lots = self._take(
            message, ts_recv, out, book, 1, symbol
        )
        return rows, done, bid, bid_lots, ask, ask_lots

    def _take(
        self, message: bytes, ts_recv: int, out: Events, book: BookState, follow: int, symbol: str
    ) -> tuple[int, int, int, int, int, int, int, int, int]:
        """Carry one message, and do what the kernel leaves; rows is NEEDS_ROOM without room."""
        length = len(message)
        if symbol and message.startswith(b"["):
            return self._take_asked(message, ts_recv, out, symbol)
        wire = self._wire
        if length > self._room or out is not wire.out or book is not wire.book:
            wire = self._take_place(length, out, book)
        if self._waiting_rows and out.size < self.room(message):
            return _NOTHING
        self._view[:length] = message
        hint = self._hint if not symbol else self._hint_of(symbol)
        result = self._call(wire, 0, length, ts_recv, 0, hint, follow)
        code = result[3]
        if code != USED:
            if code == NO_ROOM:
                return _NOTHING
            if code == BROKEN and b"\n" in message:
                plain = message.replace(b"\n", b" ")
                return self._take(plain, ts_recv, out, book, follow, symbol)
            result = self._finish_taken(message, ts_recv, result, follow)
            if result is _NOTHING:
                return result
        self._messages += 1
        return result

    def _take_asked(self, message: bytes, ts_recv: int, out: Events, symbol: str) -> Any:
        """Write prints that were asked for."""
        if len(message) > MESSAGE_BYTES_MAX:
            raise oversized(len(message), MESSAGE_BYTES_MAX)
        k = self._hint_of(symbol) - HINT_SURE
        rows = write_asked(message, ts_recv, self._tables, k, self._instruments[k], out)
        if rows == NEEDS_ROOM:
            return _NOTHING
        self._messages += 1
        return (0, rows, 1, USED, 0, *_NOTHING[5:])

    def missing_print(self, symbol: str) -> int | None:
        """Return the id of the first print that is missing, None where nothing is."""
        return missing_print(self._tables, self._lanes[symbol])

    def _finish_taken(self, message: bytes, ts_recv: int, result: Any, follow: int) -> Any:
        """Do what the kernel left of a message, and apply what that wrote."""
        at, rows, lines, code, done, *_ = result
        wire = self._wire
        k = int(self._tables.cursor[LANE_OF])
        rows, code = self._finish(message, ts_recv, wire.out, rows, code, _NO_CHECKS)
        if code == NO_ROOM:
            return _NOTHING
        rows, _ = self._offer_again(wire.out, rows, _NO_CHECKS)
        if not follow:
            return at, rows, lines, code, rows, *_NOTHING[5:]
        if done < rows:
            done = run_book(wire.out, done, rows, wire.book)
        number = self._numbers[k] if self._numbers else 0
        bid, bid_lots, ask, ask_lots = read_top(wire.book, number)
        return at, rows, lines, code, done, bid, bid_lots, ask, ask_lots

    def _take_place(self, length: int, out: Events, book: BookState) -> Wire:
        """Work on these arrays from now on, with room for a message of `length` bytes."""
        text = self._wire.text
        if length > MESSAGE_BYTES_MAX:
            raise oversized(length, MESSAGE_BYTES_MAX)
        if length > self._room:
            self._room = length * 2
            text = np.zeros(self._room, np.uint8)
        self._wire = self._wire_of(text, out, _NO_CHECKS, book)
        self._view = text.data
        return self._wire

    def _wire_of(
        self, text: NDArray[np.uint8], out: Events, checks: Checks, book: BookState = _NO_BOOK
    ) -> Wire:
        assert text.dtype == np.uint8, "text must be bytes"
        assert out.dtype == EVENT, "rows must be EVENT"
        assert checks.dtype == _NO_CHECKS.dtype, "checks must be CHECK"
        lanes = book.head.size
        assert book is _NO_BOOK or lanes > max(self._numbers, default=0), "a lane an instrument"
        return Wire(text, self._tables, out, checks, book)

    def decode_lines(
        self,
        text: NDArray[np.uint8],
        start: int,
        stop: int,
        out: Events,
        rows: int = 0,
        checks: Checks | None = None,
        check_rows: int = 0,
        symbol: str = "",
    ) -> Progress:
        """Write the rows of the lines in text[start:stop]; see `venues.venue.MarketDecoder`."""
        checks = _NO_CHECKS if checks is None else checks
        wire = self._lines
        if wire.text is not text or wire.out is not out or wire.checks is not checks:
            wire = self._lines = self._wire_of(text, out, checks)
        cursor = self._tables.cursor
        cursor[CHECKS] = check_rows
        hint = self._hint if not symbol else self._hint_of(symbol)
        at = end = start
        used, reason = 0, DONE
        while True:
            rows, code = self._offer_again(out, rows, checks)
            if code == USED:
                at, rows, lines, code, *_ = self._call(wire, at, stop, NO_TIME, rows, hint, 0)
                used += lines
                if code == USED:
                    break
            if code != NO_ROOM:
                end = at if code < NO_ROOM else line_stop(text, at, stop)
                begin = int(cursor[JSON_AT])
                message = bytes(text[begin if begin >= 0 else at : end])
                cursor[WHERE] -= begin
                try:
                    rows, code = self._finish(
                        message, int(cursor[LOCAL_TIME]), out, rows, code, checks
                    )
                except MessageError as trouble:
                    self.trouble = trouble
                    self._bad += 1
                    reason = BAD
            if code == NO_ROOM:
                reason = FULL
                break
            used += 0 if end == at else 1
            at = min(end + 1, stop) if end > at else at
            if reason == BAD:
                break
        self._messages += used
        return Progress(at, rows, int(cursor[CHECKS]), used, reason)

    def _finish(
        self, message: bytes, ts_recv: int, out: Events, rows: int, code: int, checks: Checks
    ) -> tuple[int, int]:
        """Do what the kernel left: (rows, USED or NO_ROOM); raise MessageError."""
        k = int(self._tables.cursor[LANE_OF])
        if code == BUFFERED:
            self._keep(k, message)
            return rows, USED
        if code == ANCHORED:
            self._again.extend((waiting, ts_recv) for waiting in self._waiting[k])
            self._forget(k)
            return rows, USED
        if code == UNKNOWN_SYMBOL:
            self._count_unknown(symbol_of(message))
            return rows, USED
        if code == RARE:
            return self._write_rare(message, ts_recv, out, rows)
        if code == NO_SYMBOL:
            return self._write_answer(message, ts_recv, out, rows, checks)
        instrument = self._instruments[k] if self._instruments else None
        raise trouble_of(message, code, self._tables.cursor, instrument)

    def _keep(self, k: int, message: bytes) -> None:
        """Keep a delta of lane k; it is the first that waits when the alignment counts one."""
        align = self._tables.align[k]
        full = len(self._waiting[k]) >= WAITING_MAX
        if full or align["waiting"] == 1:
            self._forget(k)
        if full:
            align["waiting"] = 0
            return
        self._waiting[k].append(message)
        self._waiting_rows += room_for(len(message))

    def _forget(self, k: int) -> None:
        self._waiting_rows -= sum(room_for(len(message)) for message in self._waiting[k])
        self._waiting[k] = []

    def _offer_again(self, out: Events, rows: int, checks: Checks) -> tuple[int, int]:
        """Decode what waited for a snapshot that has come: (rows, USED or NO_ROOM)."""
        while self._again:
            message, ts_recv = self._again[0]
            rows, code = self._decode_bytes(message, ts_recv, out, rows, checks, -1)
            if code == NO_ROOM:
                return rows, NO_ROOM
            self._again.popleft()
            if code == BUFFERED:
                self._keep(int(self._tables.cursor[LANE_OF]), message)
        return rows, USED

    def _decode_bytes(
        self, message: bytes, ts_recv: int, out: Events, rows: int, checks: Checks, hint: int
    ) -> tuple[int, int]:
        """Run the kernel over one message behind out[:rows]: (rows, code)."""
        wire = self._wire_of(np.frombuffer(bytearray(message), np.uint8), out, checks)
        _, rows, _, code, *_ = self._call(wire, 0, wire.text.size, ts_recv, rows, hint, 0)
        return rows, code

    def _write_rare(self, message: bytes, ts_recv: int, out: Events, rows: int) -> tuple[int, int]:
        """Write a message of the kinds that come seldom, or count it."""
        if out.size - rows < room_for(0):
            return rows, NO_ROOM
        if len(message) > MESSAGE_BYTES_MAX:
            raise oversized(len(message), MESSAGE_BYTES_MAX)
        rare = read_rare(message, self._market, self._instrument)
        if rare.ignored:
            self.ignored[rare.ignored] = self.ignored.get(rare.ignored, 0) + 1
            return rows, USED
        k = self._lanes.get(rare.symbol)
        if k is None:
            self._count_unknown(rare.symbol)
            return rows, USED
        for row in rare.rows:
            event = (ts_recv, row.ts_venue, row.size, row.price, row.kind, row.side, 0)
            out[rows] = (*event, self._numbers[k])
            rows += 1
        out[rows - 1]["flags"] = LAST
        return rows, USED

    def _write_answer(
        self, message: bytes, ts_recv: int, out: Events, rows: int, checks: Checks
    ) -> tuple[int, int]:
        """Write a snapshot that names no symbol but stands in the envelope of a stream."""
        name = stream_of(message)
        if name.split("@", 1)[-1].startswith(_PARTIAL_STREAMS):
            self.ignored["partial depth"] = self.ignored.get("partial depth", 0) + 1
            return rows, USED
        symbol = name.split("@", 1)[0]
        k = self._lanes.get(symbol, self._lanes.get(symbol.upper(), -1))
        if k < 0 and symbol:
            self._count_unknown(symbol)
            return rows, USED
        if k < 0:
            raise nameless(message)
        rows, code = self._decode_bytes(message, ts_recv, out, rows, checks, k + HINT_SURE)
        if code in (USED, NO_ROOM):
            return rows, code
        return self._finish(message, ts_recv, out, rows, code, checks)

    def _count_unknown(self, symbol: str) -> None:
        self.unknown[symbol] = self.unknown.get(symbol, 0) + 1

    def _hint_of(self, symbol: str) -> int:
        """Return the kernel's hint for an answer about `symbol`."""
        k = self._lanes.get(symbol)
        if k is None:
            raise MessageError(
                f"An answer about {symbol} was handed in, which this decoder does not hold - give "
                f"its instrument to market_decoder first."
            )
        return k + HINT_SURE

    def _instrument(self, symbol: str) -> Instrument | None:
        k = self._lanes.get(symbol)
        return None if k is None else self._instruments[k]

    def lane_of(self, symbol: str) -> int | None:
        """Return the EVENT.instrument of a symbol, None if it is not in the table."""
        k = self._lanes.get(symbol)
        return None if k is None else self._numbers[k]

    def wanted(self) -> list[str]:
        """Return the symbols whose book waits for a REST snapshot."""
        phases = self._tables.align["phase"]
        return [symbol for symbol, k in self._lanes.items() if phases[k] == WAITING]

    @property
    def counts(self) -> dict[str, int]:
        """What was done so far, summed over instruments."""
        lanes = (self.counts_of(symbol) for symbol in self._lanes)
        return sum_counts(self._messages, self._bad, self.ignored, self.unknown, lanes)

    def counts_of(self, symbol: str) -> dict[str, int]:
        """Return what was done so far for one symbol."""
        return lane_counts(self._tables, self._lanes[symbol])

    def interrupt(self, ts_recv: int, out: Events) -> int:
        """Say that the connection was lost: CLEAR rows of the books known, or NEEDS_ROOM."""
        align = self._tables.align
        if out.size < len(self._instruments):
            return NEEDS_ROOM
        rows = 0
        for k, number in enumerate(self._numbers):
            if align[k]["phase"] != WAITING:
                ts_venue = int(self._tables.lanes[k]["ts_venue"])
                flags = GAP | LAST | (BAD_CLOCK if ts_venue == NO_TIME else 0)
                out[rows] = (ts_recv, ts_venue, 0, 0, CLEAR, 0, flags, number)
                rows += 1
            restart(align, k)
            self._forget(k)
        return rows

    def state(self) -> dict[str, Any]:
        """Return what joins the next recording without a gap, as plain values."""
        lanes = {}
        for symbol, k in self._lanes.items():
            lanes[symbol] = lane_state(self._tables, k)
            lanes[symbol]["waiting_messages"] = [
                message.decode(errors="replace") for message in self._waiting[k]
            ]
        return {"version": 1, "lanes": lanes}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a state; symbols that are not in the table are left out."""
        for symbol, kept in state["lanes"].items():
            k = self._lanes.get(symbol)
            if k is None:
                continue
            resume_lane(self._tables, k, kept)
            self._forget(k)
            self._waiting[k] = [message.encode() for message in kept["waiting_messages"]]
            self._waiting_rows += sum(room_for(len(message)) for message in self._waiting[k])
