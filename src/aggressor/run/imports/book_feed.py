"""An archive of a venue's own book messages as EVENT rows, beside rows of other archives.

The messages go through the venue's decoder, as live: its ids are checked, and a hole is a GAP. The
grid is inferred from the beginning of the archive (and from the prints imported with it); a message
off the grid is an error that says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import numpy as np

from aggressor.schema.errors import MessageError
from aggressor.schema.event import Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.store.importers.blocks import Order
from aggressor.store.importers.feed import Look, Seen, joint_step
from aggressor.store.importers.lines import Lines
from aggressor.store.importers.markets import venue_of
from aggressor.store.importers.stamped import StampedFile
from aggressor.venues.table import venue_named
from aggressor.venues.venue import BAD, MarketDecoder

_INFERRED_FROM = 8  # chunks of 1 MiB
_EVENT_ROWS = 65_536
NOT_UNDERSTOOD = "not understood"


class BookFeed:
    """One archive of book messages of a venue."""

    order: int = Order.BOOK
    recorded = False
    book = True
    pictures = False
    is_quotes = False

    def __init__(self, archive: StampedFile, venue: str) -> None:
        self.archive = archive
        self.path, self.paths = archive.path, archive.paths
        self.name = archive.name
        self.skipped: Counter[str] = Counter()
        self.rows = 0
        self.capture: Callable[[Lines], None] | None = None  # takes the lines as they were sent
        self._venue = venue

    def look(self) -> Look:
        """Read the beginning for what is in it, and all times; raise MessageError."""
        first, last = None, 0
        seen: dict[str, Seen] = {}
        chunks = self.archive.chunks()
        for lines in islice(chunks, _INFERRED_FROM):
            if first is None:
                first = int(lines.times[0])
                self._of_venue()
            last = int(lines.times[-1])
            self.rows += len(lines.times)
            for one in self._instruments(lines, seen):
                known = seen.get(one.symbol, Seen())
                seen[one.symbol] = Seen(
                    joint_step(known.tick, one.tick), joint_step(known.lot, one.lot)
                )
        for lines in chunks:
            last = int(lines.times[-1])
            self.rows += len(lines.times)
        return Look(first, last, seen, {venue_of(self.archive.venue, symbol) for symbol in seen})

    def events(self, lanes: Mapping[str, tuple[int, Instrument]]) -> Iterator[Events]:
        """Yield the rows of the archive; no two arrays share a receive time."""
        self.skipped.clear()
        venue = venue_named(self._venue)
        decoder = venue.market_decoder([(one, lane) for lane, one in lanes.values()])
        held = empty_events(0)
        for lines in self.archive.chunks():
            self.rows += len(lines.times)
            if self.capture is not None and self.archive.raw:
                self.capture(lines)
            made = np.concatenate([held, *self._decoded(decoder, lines)])
            if len(made):
                cut = int(np.searchsorted(made["ts_recv"], made["ts_recv"][-1], "left"))
                if cut:
                    yield made[:cut]
                held = made[cut:]
        if len(held):
            yield held
        self.skipped.update(self.archive.skipped)

    def _decoded(self, decoder: MarketDecoder, lines: Lines) -> Iterator[Events]:
        """Yield the rows of some lines; raise MessageError for one that is off the grid."""
        at = 0
        size = max(_EVENT_ROWS, int(np.diff(lines.lines).max()))
        while at < lines.text.size:
            out = empty_events(size)
            progress = decoder.decode_lines(lines.text, at, lines.text.size, out)
            at = progress.stop
            yield out[: progress.rows]
            if progress.reason == BAD:
                trouble = str(decoder.trouble)
                if "grid" in trouble:
                    raise MessageError(f"{self.path}: {trouble}")
                self.skipped[NOT_UNDERSTOOD] += 1

    def _of_venue(self) -> None:
        expected = "bybit" if self.archive.venue == "bybit" else "binance-usdm"
        if not self._venue.startswith(expected):
            fitting = "bybit-linear or bybit-inverse" if expected == "bybit" else expected
            raise MessageError(f"{self.path} is not of {self._venue}: use --venue {fitting}.")

    def _instruments(self, lines: Lines, known: Mapping[str, Seen]) -> list[Instrument]:
        """Return what is in some lines; an archive is of one symbol."""
        infer = venue_named(self._venue).infer
        first_ns = int(lines.times[0])
        text = lines.text.tobytes()
        mark = b'@snapshot"'
        symbol = next(iter(known), "")
        if not symbol and mark in text:
            end = text.index(mark)
            symbol = text[text.rfind(b'"', 0, end) + 1 : end].decode(errors="replace")
        return infer(lines.text, first_ns, symbol)
