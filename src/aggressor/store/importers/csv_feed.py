"""One CSV file as EVENT rows: read in pieces, checked, as exact integers.

`look` reads the whole file once before anything is written: what is in it, from when to when, on
which grid its numbers stand, and whether times, columns and numbers can be used at all. `events`
then gives its rows. Both hold one piece of the file at a time. Every complaint names the line.

Rows are in order of receive time. Where the file has none (archives), a row counts as known at the
latest venue's time said until then; a time that goes back further than LATE_NS is an error.
"""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

from aggressor.schema.errors import MessageError
from aggressor.schema.event import PRICE_MAX, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.importers.archive import ArchiveText
from aggressor.store.importers.blocks import Block, Format, Order, RowMaker
from aggressor.store.importers.exact import (
    NOTHING,
    CellError,
    Ints,
    arrow,
    step_of_column,
    steps_of_column,
)
from aggressor.store.importers.feed import Look, Seen, Steps, joint_step
from aggressor.store.importers.markets import binance_market, venue_of

LATE_NS = 1_000_000_000
NEXT_DAY = "a row that is known only on the next day"

_CHUNK_BYTES = 4 * 1024 * 1024
_SPAN_BYTES_MAX = 64 * 1024 * 1024  # rows of one receive time
_UNSORTED_ROWS_MAX = 1_000_000
_DAY_NS = 86_400_000_000_000


class _Piece(NamedTuple):
    """Some lines: text by column, both times, the number of the first line, of how many bytes."""

    columns: dict[str, Any]
    ts_recv: Ints
    ts_venue: Ints
    line: int


class CsvFeed:
    """One CSV file of a known format; `symbol` where the file does not name it."""

    def __init__(
        self, path: Path, form: Format, names: tuple[str, ...], has_header: bool, symbol: str
    ) -> None:
        self.path, self.paths = path, (path,)
        self.form = form
        self.name, self.recorded = form.name, form.recorded
        self.order: int = form.order
        self.book, self.pictures = form.book, form.pictures
        self.is_quotes = form.order is Order.QUOTES
        self.skipped: Counter[str] = Counter()
        self.text = ArchiveText(path)
        self.rows = 0
        self._names = names
        self._has_header = has_header
        self._symbol = symbol

    def look(self) -> Look:
        """Read the whole file; raise MessageError where it cannot be used."""
        first, last = None, 0
        exchange = ""
        steps: dict[str, Seen] = {}
        self.rows = 0
        for piece in self._pieces():
            first = int(piece.ts_recv[0]) if first is None else first
            last = int(piece.ts_recv[-1])
            self.rows += len(piece.ts_recv)
            for symbol, rows in self._by_symbol(piece):
                known = steps.get(symbol, Seen())
                steps[symbol] = self._seen(known, piece, rows)
            if "exchange" in piece.columns and not exchange:
                exchange = piece.columns["exchange"][0].as_py()
        return Look(first, last, steps, {self._venue_of(exchange, symbol) for symbol in steps})

    def _venue_of(self, exchange: str, symbol: str) -> str:
        """Return whose market this is, as far as the file tells."""
        if self.form.venue == "binance":
            return binance_market(symbol, self._names)
        return venue_of(exchange or self.form.venue, symbol)

    def events(self, lanes: Mapping[str, tuple[int, Instrument]]) -> Iterator[Events]:
        """Yield the rows of the named instruments; no two arrays share a receive time."""
        makers: dict[str, RowMaker] = {}
        self.skipped.clear()
        self.rows = 0
        for piece in self._pieces():
            parts: list[Events] = []
            self.rows += len(piece.ts_recv)
            for symbol, rows in self._by_symbol(piece):
                lane, instrument = lanes[symbol]
                maker = makers.setdefault(symbol, self.form.maker())
                block = self._block(piece, rows, instrument)
                made = self._called(maker, block, piece, rows)
                made["instrument"] = lane
                parts.append(made)
            out = parts[0] if len(parts) == 1 else np.concatenate(parts)
            if len(parts) > 1:
                out = out[np.argsort(out["ts_recv"], kind="stable")]
            if len(out):
                yield out

    def _seen(self, known: Seen, piece: _Piece, rows: Ints | None) -> Seen:
        """Return the steps known of an instrument with those of some more lines."""
        found: list[Steps] = []
        for names, step in ((self.form.prices, known.tick), (self.form.sizes, known.lot)):
            for name in names:
                values = _taken(piece.columns[name], rows)
                try:
                    own = step_of_column(values)
                except CellError as bad:
                    raise self._complaint(bad, piece, rows, name) from None
                step = joint_step(step, own)
            found.append(step)
        return Seen(*found)

    def _block(self, piece: _Piece, rows: Ints | None, instrument: Instrument) -> Block:
        """Return the lines of one instrument with prices and sizes on its grid."""
        steps: dict[str, Ints] = {}
        for names, step in ((self.form.prices, instrument.tick), (self.form.sizes, instrument.lot)):
            for name in names:
                try:
                    steps[name] = steps_of_column(_taken(piece.columns[name], rows), step)
                except CellError as bad:
                    raise self._complaint(bad, piece, rows, name) from None
                if step is instrument.tick:
                    self._fitting(steps[name], piece, rows, name)
        numbers = {*self.form.prices, *self.form.sizes}
        return Block(
            piece.ts_recv if rows is None else piece.ts_recv[rows],
            piece.ts_venue if rows is None else piece.ts_venue[rows],
            steps,
            {
                name: _taken(values, rows)
                for name, values in piece.columns.items()
                if name not in numbers
            },
            instrument,
            self.skipped,
        )

    def _fitting(self, ticks: Ints, piece: _Piece, rows: Ints | None, name: str) -> None:
        wrong = (np.abs(ticks) > PRICE_MAX) & (ticks != NOTHING)
        if wrong.any():
            row = int(np.argmax(wrong))
            text = _taken(piece.columns[name], rows)[row].as_py()
            bad = CellError(row, text, "is too many ticks: give a coarser --tick")
            raise self._complaint(bad, piece, rows, name)

    def _called(self, maker: RowMaker, block: Block, piece: _Piece, rows: Ints | None) -> Events:
        try:
            return maker(block)
        except CellError as bad:
            raise self._complaint(bad, piece, rows, "") from None

    def _by_symbol(self, piece: _Piece) -> Iterator[tuple[str, Ints | None]]:
        """Yield each symbol of a piece with its lines; None: all of them."""
        if not self.form.symbol:
            yield self._symbol, None
            return
        words = arrow("dictionary_encode", piece.columns[self.form.symbol])
        names = words.dictionary.to_pylist()
        if len(names) == 1:
            yield names[0], None
            return
        codes = np.asarray(words.indices)
        for code, name in enumerate(names):
            yield name, np.flatnonzero(codes == code)

    def _pieces(self) -> Iterator[_Piece]:
        """Yield whole spans of receive time, in order; raise MessageError where there is none."""
        held: _Piece | None = None
        latest = 0
        day = None
        for columns, line in self._in_one() if self.form.unsorted else self._tables():
            piece, latest = self._timed(columns, line, latest)
            if self.form.day_only:
                day = int(piece.ts_venue[0]) // _DAY_NS if day is None else day
                piece = self._of_day(piece, day)
            if held is not None:
                piece = _joined(held, piece)
            cut = int(np.searchsorted(piece.ts_recv, piece.ts_recv[-1], "left"))
            held = _sliced(piece, cut, len(piece.ts_recv))
            if cut:
                yield _sliced(piece, 0, cut)
            elif sum(values.nbytes for values in held.columns.values()) > _SPAN_BYTES_MAX:
                raise MessageError(
                    f"{self.path} holds more than {_SPAN_BYTES_MAX >> 20} MiB of lines of the same "
                    f"{self.form.time_column}, from line {held.line} on: it is not {self.name}."
                )
        if held is not None:
            yield held

    def _timed(self, columns: dict[str, Any], line: int, latest: int) -> tuple[_Piece, int]:
        """Return lines with their times in order, and the latest until then."""
        try:
            ts_recv, ts_venue = self.form.times(columns)
        except CellError as bad:
            piece = _Piece(columns, np.zeros(0, np.int64), np.zeros(0, np.int64), line)
            raise self._complaint(bad, piece, None, self.form.time_column) from None
        if self.form.unsorted:
            order = np.argsort(ts_recv, kind="stable")
            columns = {name: values.take(pa.array(order)) for name, values in columns.items()}
            return _Piece(columns, ts_recv[order], ts_venue[order], line), latest
        before = np.maximum.accumulate(np.concatenate(([latest], ts_recv)))
        late = before[:-1] - ts_recv
        allowed = 0 if self.form.recorded else LATE_NS
        if (late > allowed).any():
            row = int(np.argmax(late > allowed))
            raise MessageError(
                f"{self.path}, line {line + row}: its {self.form.time_column} is {late[row]} ns "
                "before that of a line above it. The rows of a recording are in order of time: "
                f"sort them by {self.form.time_column} first, and import the sorted file."
            )
        return _Piece(columns, before[1:], ts_venue, line), int(before[-1])

    def _of_day(self, piece: _Piece, day: int) -> _Piece:
        stop = int(np.searchsorted(piece.ts_recv, (day + 1) * _DAY_NS, "left"))
        if left := len(piece.ts_recv) - stop:
            self.skipped[NEXT_DAY] += left
        return _sliced(piece, 0, max(stop, 1))

    def _in_one(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield the whole of a small file whose lines are not in order."""
        tables, line = [], 0
        for columns, number in self._tables():
            tables.append(columns)
            line = line or number
            if sum(len(one[self._names[0]]) for one in tables) > _UNSORTED_ROWS_MAX:
                raise MessageError(
                    f"{self.path} holds more than {_UNSORTED_ROWS_MAX} lines of {self.name}, which "
                    "is published by the day: split it by day."
                )
        if tables:
            yield {n: pa.concat_arrays([one[n] for one in tables]) for n in tables[0]}, line

    def _tables(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Yield text by column, and the number of the first line."""
        line, skip = 1, self._has_header
        for text in self._texts():
            count = text.count(b"\n")
            body = text
            if skip:
                body = text[text.find(b"\n") + 1 :]
                line, count, skip = line + 1, count - 1, False
            if body and not body.isspace():
                yield self._parsed(body, line), line
            line += count

    def _texts(self) -> Iterator[bytes]:
        """Yield whole lines, about _CHUNK_BYTES at a time."""
        waiting: list[bytes] = []
        size = 0
        for piece in self.text.pieces():
            waiting.append(piece)
            size += len(piece)
            if size < _CHUNK_BYTES:
                continue
            text = b"".join(waiting)
            whole = text.rfind(b"\n") + 1
            if not whole:
                raise MessageError(
                    f"{self.path} holds a line of more than {_CHUNK_BYTES} bytes: it is no CSV."
                )
            waiting, size = [text[whole:]], len(text) - whole
            yield text[:whole]
        if rest := b"".join(waiting):
            yield rest if rest.endswith(b"\n") else rest + b"\n"

    def _parsed(self, text: bytes, line: int) -> dict[str, Any]:
        """Return text by column; raise MessageError for a line of another number of fields."""
        try:
            table = pcsv.read_csv(
                io.BytesIO(text),
                read_options=pcsv.ReadOptions(
                    column_names=list(self._names), use_threads=False, block_size=len(text) + 1
                ),
                parse_options=pcsv.ParseOptions(quote_char=False),
                convert_options=pcsv.ConvertOptions(
                    column_types=dict.fromkeys(self._names, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowException as trouble:
            raise self._misshapen(text, line, str(trouble)) from None
        return {name: table[name].combine_chunks() for name in self._names}

    def _misshapen(self, text: bytes, line: int, trouble: str) -> MessageError:
        for number, one in enumerate(text.split(b"\n"), line):
            if one.strip() and one.count(b",") + 1 != len(self._names):
                return MessageError(
                    f"{self.path}, line {number}: {one.count(b',') + 1} fields where "
                    f"{len(self._names)} were expected ({one[:60]!r}): the file was cut or is not "
                    f"{self.name}; download it again."
                )
        return MessageError(f"{self.path}, from line {line} on: {trouble}; download it again.")

    def _complaint(
        self, bad: CellError, piece: _Piece, rows: Ints | None, column: str
    ) -> MessageError:
        row = bad.row if rows is None else int(rows[bad.row])
        what = f"{column} {bad}" if column else str(bad)
        mend = (
            "give the grid it was traded on (--tick, --lot), or none, to have one inferred"
            if "steps of" in bad.why
            else f"the file is damaged or is not {self.name}"
        )
        place = "" if self.form.unsorted else f", line {piece.line + row}"
        return MessageError(f"{self.path}{place}: {what}; {mend}.")


def _taken(values: Any, rows: Ints | None) -> Any:
    return values if rows is None else values.take(pa.array(rows))


def _sliced(piece: _Piece, start: int, stop: int) -> _Piece:
    columns = {name: one.slice(start, stop - start) for name, one in piece.columns.items()}
    return _Piece(
        columns, piece.ts_recv[start:stop], piece.ts_venue[start:stop], piece.line + start
    )


def _joined(held: _Piece, piece: _Piece) -> _Piece:
    columns = {
        name: pa.concat_arrays([held.columns[name], one]) for name, one in piece.columns.items()
    }
    return _Piece(
        columns,
        np.concatenate((held.ts_recv, piece.ts_recv)),
        np.concatenate((held.ts_venue, piece.ts_venue)),
        held.line,
    )
