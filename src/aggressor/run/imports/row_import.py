"""Importing files of rows: Tardis CSV, the public archives of venues, hftbacktest's npz.

Every file is looked at once as a whole (what is in it, its span of time, its numbers), so whatever
is wrong with one is said before anything is written, and a grid is inferred from all values. Files
of one market that overlap in time become one recording and are committed together. They hold no
messages: there is no raw capture beside their rows, and nothing is joined at their edges; each
begins with a picture of the book of its own, or has none.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from aggressor.run.imports.book_feed import BookFeed
from aggressor.run.imports.grids import Given, plain_step
from aggressor.run.imports.ingest import Ingest, ahead
from aggressor.run.progress import Step
from aggressor.schema.errors import ConfigError, MessageError, StoreError
from aggressor.schema.event import INSTRUMENTS_MAX
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.store.catalog import Catalog
from aggressor.store.importers.changes import Changes
from aggressor.store.importers.feed import Feed, Look, RowRecording, Seen, grouped, joint_step
from aggressor.store.importers.markets import multiplier_of
from aggressor.store.importers.recognise import feed_of, stamped_files
from aggressor.venues.binance.instruments import currencies
from aggressor.venues.table import VENUES
from aggressor.venues.venue import MarketDecoder, Venue, cannot_infer

TIMES_NOTE = (
    "the archive has no receive times: rows stand at the venue's own, so nothing of latency or of "
    "a clock is known"
)
PICTURES_NOTE = (
    "pictures of the best levels: what came and went between two of them, and what rests deeper, "
    "is not known"
)
NO_BOOK_NOTE = "no book in it: only what prints tell can be computed"


def market_of(name: str, kind: str | None) -> Venue:
    """Return a venue whose rows are imported, also one that is not known here (`kind` is needed).

    Its decoder knows no message: rows come without. Raises ConfigError.
    """
    known = VENUES.get(name)
    if known is None and kind is None:
        raise ConfigError(
            f"There is no venue {name!r} here. If a file is of it, say what its contracts are: "
            f"--kind linear, inverse or spot. Known venues: {', '.join(VENUES)}."
        )
    if known is not None and kind not in (None, known.kind.value):
        raise ConfigError(f"{name} is {known.kind.value}, not {kind}: leave --kind out.")
    return Venue(
        name=name,
        kind=ContractKind(kind) if known is None else known.kind,
        policy=0,
        chain=0,
        rest="",
        streams="",
        instruments=lambda _text, _ns: [],
        infer=cannot_infer,
        market_decoder=lambda _instruments: cast(MarketDecoder, NoMessages()),
        subscribe=lambda _instruments: [],
        snapshot_request=None,
        definitions_request=_nothing_to_ask,
    )


def _nothing_to_ask() -> Any:
    raise ConfigError("A market that was imported cannot be asked anything.")


def feeds_of(
    files: Sequence[Path], venue: str, form: str | None, symbol: str | None
) -> tuple[list[Feed], list[Path]]:
    """Return readers of the files that give rows, and the files that are recordings of messages."""
    stamped, rest = stamped_files(files) if form is None else ([], list(files))
    feeds: list[Feed] = []
    feeds.extend(BookFeed(one, venue) for one in stamped)
    messages: list[Path] = []
    for path in rest:
        feed = feed_of(path, form, symbol)
        if feed is None:
            messages.append(path)
        else:
            feeds.append(feed)
    return feeds, messages


class NoMessages:
    """A decoder of rows that came without messages: it is asked for its counts and its end only."""

    trouble: MessageError | None = None

    def __init__(self) -> None:
        self.ignored: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self.counts: dict[str, int] = {}

    def state(self) -> dict[str, Any]:
        """Return that nothing can be joined."""
        return {}


class RowIngest(Ingest):
    """The import of one recording of rows."""

    def run(self, step: Step, name: str) -> bool:
        """Read all rows; always True: what is off its grid raises."""
        recording = self._recording
        assert isinstance(recording, RowRecording)
        self._changes = Changes() if recording.pictures else None
        if recording.first_ns is None:
            return True
        lanes = {one.symbol: (lane, one) for lane, one in enumerate(self.definitions)}
        total = max(sum(feed.rows for feed in recording.feeds), 1)
        for feed in recording.feeds:
            feed.rows = 0 if not feed.is_quotes else feed.rows
            if isinstance(feed, BookFeed):
                feed.capture = self._captures.add
        for events in ahead(recording.chunks(lanes)):
            if self._day < 0:
                self._first_ns = int(events["ts_recv"][0])
                for one in self.definitions:
                    self._refuse_overlap(one.id, self._first_ns, self._first_ns + 1)
            self._last_ns = int(events["ts_recv"][-1])
            self._apply(events, self._checks[:0])
            step(f"import {name}", min(recording.lines / total, 1.0))
        self.lines = recording.lines
        self.skipped.update(recording.skipped)
        return True


def look_at(feeds: Sequence[Feed], step: Step) -> list[RowRecording]:
    """Return the recordings that some files make, in order of time; those without rows last."""
    looks: list[tuple[Feed, Look]] = []
    for feed in feeds:
        step(f"look at {feed.path.name}", None)
        looks.append((feed, feed.look()))
    recordings = [
        RowRecording([feed for feed, _ in group], [look for _, look in group])
        for group in grouped(looks)
    ]
    return sorted(recordings, key=lambda one: (one.first_ns is None, one.first_ns or 0))


def definitions_of(
    recording: RowRecording, venue: Venue, joint: dict[str, Seen], given: Given, catalog: Catalog
) -> list[Instrument]:
    """Return the instruments of a recording on their grids: given, known, or inferred.

    `joint` are the steps of all recordings of the command, so they share one grid. Raises
    MessageError (another venue's, too many, no grid).
    """
    first = recording.paths[0]
    if recording.venues - {venue.name}:
        found = ", ".join(sorted(recording.venues - {venue.name}))
        raise MessageError(f"{first} is of {found}, not of {venue.name}: use --venue {found}.")
    if len(recording.seen) >= INSTRUMENTS_MAX:
        raise MessageError(
            f"{first} holds {len(recording.seen)} instruments; one import takes at most "
            f"{INSTRUMENTS_MAX - 1}: split it by symbol."
        )
    return [
        _definition(recording, venue, symbol, joint[symbol], given, catalog)
        for symbol in sorted(recording.seen)
    ]


def _definition(
    recording: RowRecording,
    venue: Venue,
    symbol: str,
    seen: Seen,
    given: Given,
    catalog: Catalog,
) -> Instrument:
    name = f"{venue.name}:{symbol}"
    known = catalog.instruments.get(name, [None])[-1]
    if given == Given() and known is not None:
        return known
    tick, lot = given.tick or _plain(seen.tick, (1, 5, 25)), given.lot or _plain(seen.lot)
    if tick is None or lot is None:
        what = " and ".join(
            option for option, step in (("--tick", tick), ("--lot", lot)) if step is None
        )
        raise MessageError(
            f"{recording.paths[0].name} holds no number that tells the grid of {symbol}: import it "
            f"in one command with its prints or its book, or give {what}."
        )
    base, quote = currencies(symbol)
    return Instrument(
        venue=venue.name,
        symbol=symbol,
        kind=venue.kind,
        tick=tick,
        lot=lot,
        base=base,
        quote=quote,
        settle=base if venue.kind is ContractKind.INVERSE else quote,
        multiplier=given.multiplier or multiplier_of(venue.name, symbol),
        valid_from_ns=recording.first_ns or 0,
        inferred=given.tick is None or given.lot is None,
    )


def _plain(step: Decimal | None, heads: tuple[int, ...] = (1,)) -> Decimal | None:
    return None if step is None else plain_step(step, heads)


def joint_steps(recordings: Sequence[RowRecording]) -> dict[str, Seen]:
    """Return the steps of each symbol over all recordings."""
    joint: dict[str, Seen] = {}
    for recording in recordings:
        for symbol, own in recording.seen.items():
            known = joint.get(symbol, Seen())
            joint[symbol] = Seen(joint_step(known.tick, own.tick), joint_step(known.lot, own.lot))
    return joint


def refuse_finer(recording: RowRecording, definitions: Sequence[Instrument], given: Given) -> None:
    """Raise StoreError if the grid that the store has does not hold a recording's values."""
    if given != Given():
        return
    for one in definitions:
        seen = recording.seen[one.symbol]
        if (seen.tick is not None and seen.tick % one.tick) or (
            seen.lot is not None and seen.lot % one.lot
        ):
            raise StoreError(
                f"{recording.paths[0]} holds a value off the grid that {one.id} has in the store: "
                "import all its recordings in one command into a new store, or give --tick and "
                "--lot."
            )


def notes_of(recording: RowRecording) -> str:
    """Return what a reader of the rows must know of where they come from."""
    notes = [", ".join(dict.fromkeys(feed.name for feed in recording.feeds))]
    if not recording.recorded:
        notes.append(TIMES_NOTE)
    if recording.pictures:
        notes.append(PICTURES_NOTE)
    if not any(feed.book for feed in recording.feeds):
        notes.append(NO_BOOK_NOTE)
    return "; ".join(notes)
