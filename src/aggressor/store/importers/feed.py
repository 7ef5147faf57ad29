"""One file that gives EVENT rows, whatever it is made of; what a look at it tells; many as one.

A `Feed` is a file with rows of one or more instruments in order of receive time. Files of one
market whose spans of time overlap are one recording (`RowRecording`): their rows are put together
by receive time, prints before the book where times are equal. Files that do not overlap stay apart,
so a further day can be imported later, and each is known again by its content.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from math import gcd
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np

from aggressor.schema.errors import MessageError
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument

Steps: TypeAlias = Decimal | None

QUOTES_LEFT_OUT = "quotes beside a book: without update ids nobody can say which is newer"


class Seen(NamedTuple):
    """The greatest steps of which all prices and sizes of an instrument are multiples, if any."""

    tick: Steps = None
    lot: Steps = None


class Look(NamedTuple):
    """What is in a file: its span of receive time, instruments, and whose market it says it is."""

    first_ns: int | None
    last_ns: int
    seen: dict[str, Seen]
    venues: set[str]


class Feed(Protocol):
    """One file of EVENT rows."""

    path: Path
    paths: tuple[Path, ...]
    name: str
    order: int
    recorded: bool
    book: bool
    pictures: bool
    is_quotes: bool
    skipped: Counter[str]
    rows: int

    def look(self) -> Look:
        """Read the whole of it; raise MessageError where it cannot be used."""
        ...

    def events(self, lanes: Mapping[str, tuple[int, Instrument]]) -> Iterator[Events]:
        """Yield its rows by receive time; no two arrays share one."""
        ...


def joint_step(one: Steps, other: Steps) -> Steps:
    """Return the greatest step of which both are whole multiples, exactly."""
    if one is None or other is None:
        return other if one is None else one
    scale = min(int(one.as_tuple().exponent), int(other.as_tuple().exponent))
    return Decimal(gcd(int(one.scaleb(-scale)), int(other.scaleb(-scale)))).scaleb(scale)


class RowRecording:
    """The files of one market and span of time as one recording of rows."""

    damage = ""

    def __init__(self, feeds: Sequence[Feed], looks: Sequence[Look]) -> None:
        """Raise MessageError where the files contradict each other."""
        pairs = sorted(zip(feeds, looks, strict=True), key=lambda pair: pair[0].path)
        self.feeds = [feed for feed, _ in pairs]
        self.paths = [path for feed in self.feeds for path in feed.paths]
        self.venues = set[str]().union(*(look.venues for _, look in pairs))
        self.skipped: Counter[str] = Counter()
        spans = [look for _, look in pairs if look.first_ns is not None]
        self.first_ns = min((look.first_ns or 0 for look in spans), default=None)
        self.recorded = all(feed.recorded for feed in self.feeds)
        self.pictures = any(feed.pictures for feed in self.feeds)
        self.seen: dict[str, Seen] = {}
        for look in spans:
            for symbol, own in look.seen.items():
                known = self.seen.get(symbol, Seen())
                self.seen[symbol] = Seen(
                    joint_step(known.tick, own.tick), joint_step(known.lot, own.lot)
                )
        _refuse_twice(pairs)
        if len({feed.recorded for feed in self.feeds}) > 1:
            names = ", ".join(str(path) for path in self.paths)
            raise MessageError(
                f"Of {names} some have receive times and some have not: they have no common order. "
                "Import them into stores of their own."
            )

    @property
    def lines(self) -> int:
        """Lines read so far."""
        return sum(feed.rows for feed in self.feeds)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self.paths)

    def chunks(self, lanes: Mapping[str, tuple[int, Instrument]]) -> Iterator[Events]:
        """Yield the rows of all files in order of receive time."""
        has_book = any(feed.book for feed in self.feeds)
        used = [feed for feed in self.feeds if not (has_book and feed.is_quotes)]
        used.sort(key=lambda feed: feed.order)
        yield from merged([feed.events(lanes) for feed in used])
        self.skipped.clear()
        for feed in self.feeds:
            self.skipped.update(feed.skipped)
        if left := [feed for feed in self.feeds if feed not in used]:
            self.skipped[QUOTES_LEFT_OUT] = sum(feed.rows for feed in left)  # of the last look


def merged(streams: Sequence[Iterator[Events]]) -> Iterator[Events]:
    """Yield the rows of streams in order of receive time; of equal times the first stream's first.

    In every stream times ascend, and no two of its arrays share one.
    """
    waiting = [next(stream, None) for stream in streams]
    while any(rows is not None for rows in waiting):
        horizon = min(int(rows["ts_recv"][-1]) for rows in waiting if rows is not None)
        taken: list[Events] = []
        for i, rows in enumerate(waiting):
            if rows is None:
                continue
            stop = int(np.searchsorted(rows["ts_recv"], horizon, "right"))
            taken.append(rows[:stop])
            waiting[i] = rows[stop:] if stop < len(rows) else next(streams[i], None)
        out = taken[0] if len(taken) == 1 else np.concatenate(taken)
        if len(taken) > 1:
            out = out[np.argsort(out["ts_recv"], kind="stable")]
        yield out


def grouped(looks: Sequence[tuple[Feed, Look]]) -> list[list[tuple[Feed, Look]]]:
    """Return which files are one recording: those that share an instrument and a span of time."""
    groups: list[list[tuple[Feed, Look]]] = []
    for own in looks:
        near = [group for group in groups if any(_touch(own[1], look) for _, look in group)]
        rest = [group for group in groups if group not in near]
        groups = [*rest, [*(one for group in near for one in group), own]]
    return groups


def _refuse_twice(pairs: Sequence[tuple[Feed, Look]]) -> None:
    """Raise MessageError where two files tell the same: every print would count twice."""
    for i, (feed, look) in enumerate(pairs):
        for other, others_look in pairs[:i]:
            alone = "hftbacktest" in (feed.name, other.name)  # it holds prints and book
            if (alone or feed.order == other.order) and _touch(look, others_look):
                raise MessageError(
                    f"{other.path} ({other.name}) and {feed.path} ({feed.name}) tell the same of "
                    "one market in one span of time: import one of them."
                )


def _touch(one: Look, other: Look) -> bool:
    if one.first_ns is None or other.first_ns is None:
        return False
    apart = one.last_ns <= other.first_ns or other.last_ns <= one.first_ns
    same = (one.first_ns, one.last_ns) == (other.first_ns, other.last_ns)
    return (same or not apart) and bool(one.seen.keys() & other.seen.keys())
