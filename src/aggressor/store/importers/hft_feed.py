"""An hftbacktest npz as EVENT rows: the rows of its local side, in order of local_ts.

Prices and sizes are floats there. A float stands for the step of the grid whose nearest float it
is; one that is nearest to none is off the grid and an error. A file says neither venue nor symbol:
the user does. What it does not tell: which levels were one message (rows of one receive time count
as one), which fills were merged, and anything of a venue's ids. A depth that is cleared and shown
anew is a picture; one that is only cleared is unknown until the next picture.
"""

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import MessageError
from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    PRICE_MAX,
    Events,
    empty_events,
)
from aggressor.schema.event import TRADE as TRADE_ROW
from aggressor.schema.instrument import Instrument
from aggressor.schema.units import grid_of
from aggressor.store.importers.archive import zip_members
from aggressor.store.importers.blocks import NO_SIZE, BookRows, Bools, Order
from aggressor.store.importers.exact import Ints
from aggressor.store.importers.feed import Look, Seen, Steps, joint_step
from aggressor.store.importers.hft_format import (
    BUY,
    DATA,
    DEPTH,
    DEPTH_BBO,
    DEPTH_CLEAR,
    DEPTH_SNAPSHOT,
    FIRST_L3,
    FLAGS,
    HFT_EVENT,
    KIND,
    LAST_L3,
    LOCAL,
    MARK,
    SELL,
    TRADE,
)

ONE_SIDED = "a best quote of one side"
_ROWS = 262_144
_NS_MIN = 10**17  # ns since 1973; less is not ns
_DECIMALS_MAX = 12

_Doubles = NDArray[np.float64]


class HftFeed:
    """One npz of hftbacktest; `symbol` is what it is of."""

    name = "hftbacktest"
    order: int = Order.BOOK
    recorded = True
    book = True
    pictures = False
    is_quotes = False

    def __init__(self, path: Path, symbol: str) -> None:
        self.path, self.paths = path, (path,)
        self.skipped: Counter[str] = Counter()
        self.rows = 0
        self._symbol = symbol

    def look(self) -> Look:
        """Read the whole file; raise MessageError where it cannot be used."""
        first, last = None, 0
        tick: Steps = None
        lot: Steps = None
        for rows in self._spans():
            first = int(rows["local_ts"][0]) if first is None else first
            last = int(rows["local_ts"][-1])
            used = rows[~_is(rows, DEPTH_CLEAR) & ~_is(rows, DEPTH_BBO)]
            tick = joint_step(tick, self._step(used["px"], "px"))
            lot = joint_step(lot, self._step(used["qty"], "qty"))
        return Look(first, last, {self._symbol: Seen(tick, lot)}, set())

    def events(self, lanes: Mapping[str, tuple[int, Instrument]]) -> Iterator[Events]:
        """Yield the rows of the file on the grid of its instrument."""
        lane, instrument = lanes[self._symbol]
        self.skipped.clear()
        book = BookRows(gaps=False)
        for rows in self._spans():
            out = self._own(rows, instrument) if _ours(rows) else self._made(rows, instrument, book)
            out["instrument"] = lane
            if len(out):
                yield out

    def _own(self, rows: Any, instrument: Instrument) -> Events:
        """Return rows that our export wrote."""
        out = self._priced(rows, instrument)
        out["flags"] = rows["ival"] & FLAGS
        kinds = ((DEPTH, LEVEL), (DEPTH_SNAPSHOT, LEVEL), (TRADE, TRADE_ROW), (DEPTH_CLEAR, CLEAR))
        for theirs, ours in kinds:
            out["kind"][_is(rows, theirs)] = ours
        return out

    def _made(self, rows: Any, instrument: Instrument, book: BookRows) -> Events:
        """Return rows as the file's own meaning gives them."""
        if one_sided := int(_is(rows, DEPTH_BBO).sum()):
            self.skipped[ONE_SIDED] += one_sided
        priced = self._priced(rows, instrument)
        trades = _is(rows, TRADE) & (priced["size"] > 0)
        if empty := int((_is(rows, TRADE) & ~trades).sum()):
            self.skipped[NO_SIZE] += empty
        prints = priced[trades]
        prints["kind"], prints["flags"] = TRADE_ROW, LAST
        picture = _is(rows, DEPTH_SNAPSHOT)
        levels = picture | _is(rows, DEPTH)
        self._sided(rows, levels & (priced["side"] == 0))
        parts = [prints, *self._depth(rows, priced, levels, picture, book)]
        out = np.concatenate(parts)
        return out[np.argsort(out["ts_recv"], kind="stable")]

    def _depth(
        self, rows: Any, priced: Events, levels: Bools, picture: Bools, book: BookRows
    ) -> Iterator[Events]:
        """Yield the rows of the book, taken apart where it is cleared and not shown anew."""
        clears = _is(rows, DEPTH_CLEAR)
        shown = np.isin(rows["local_ts"], rows["local_ts"][picture])
        fresh = _first_of_time(rows["local_ts"], picture)
        start = 0
        for lost in [*np.flatnonzero(clears & ~shown).tolist(), len(rows)]:
            own = levels.copy()
            own[:start], own[lost:] = False, False
            yield book.rows(priced[own], picture[own], self.skipped, fresh[own])
            if lost < len(rows):
                book.lost()
                gap = priced[lost : lost + 1].copy()
                gap["kind"], gap["flags"] = CLEAR, GAP | LAST
                gap["side"] = gap["price"] = gap["size"] = 0
                yield gap
            start = lost

    def _priced(self, rows: Any, instrument: Instrument) -> Events:
        """Return rows with times, sides, ticks and lots."""
        out = empty_events(len(rows))
        out["ts_recv"], out["ts_venue"] = rows["local_ts"], rows["exch_ts"]
        used = ~_is(rows, DEPTH_CLEAR) & ~_is(rows, DEPTH_BBO)
        out["price"] = self._steps(np.where(used, rows["px"], 0.0), instrument.tick, "px")
        out["size"] = self._steps(np.where(used, rows["qty"], 0.0), instrument.lot, "qty")
        sided = np.where(rows["ev"] & BUY, BID, 0) + np.where(rows["ev"] & SELL, ASK, 0)
        out["side"] = np.where(used, sided, 0)
        return out

    def _steps(self, values: _Doubles, step: Decimal, column: str) -> Ints:
        """Return floats as steps; raise MessageError for one that is nearest to none."""
        grid = grid_of(step)
        with np.errstate(invalid="ignore"):
            steps = np.rint(values * 10.0**grid.digits / grid.step)
            good = steps * grid.step / 10.0**grid.digits == values
            good &= np.abs(steps) <= (PRICE_MAX if column == "px" else 2**53)
        if not good.all():
            value = float(values[int(np.argmin(good))])
            raise MessageError(
                f"{self.path}: {column} {value!r} is not a whole number of steps of {step}: give "
                "the grid it was traded on (--tick, --lot), or none, to have one inferred."
            )
        return steps.astype(np.int64)

    def _step(self, values: _Doubles, column: str) -> Steps:
        """Return the greatest step of which all values are multiples."""
        values = np.unique(values)
        good = np.ones(values.size, bool)
        for digits in range(_DECIMALS_MAX + 1):
            with np.errstate(invalid="ignore"):
                units = np.rint(values * 10.0**digits)
                good = (units / 10.0**digits == values) & (np.abs(units) <= 2**53)
            if good.all():
                divisor = int(np.gcd.reduce(units.astype(np.int64))) if values.size else 0
                return Decimal(divisor).scaleb(-digits) if divisor else None
        value = float(values[int(np.argmin(good))])
        raise MessageError(
            f"{self.path}: {column} {value!r} has more than {_DECIMALS_MAX} decimals, or was made "
            "by adding floats: it is on no grid."
        )

    def _sided(self, rows: Any, wrong: Bools) -> None:
        if wrong.any():
            at = int(rows["local_ts"][int(np.argmax(wrong))])
            raise MessageError(
                f"{self.path}: a level at local_ts {at} is neither of the bid nor of the ask side "
                "(some converters forget it in snapshots): convert the recording anew."
            )

    def _spans(self) -> Iterator[Any]:
        """Yield the rows of the local side, whole receive times at once."""
        held = np.zeros(0, HFT_EVENT)
        self.rows, latest = 0, 0
        for rows in self._arrays():
            self.rows += len(rows)
            self._known_kinds(rows)
            own = rows[(rows["ev"] & LOCAL) != 0]
            times = np.concatenate(([latest], own["local_ts"]))
            if (np.diff(times) < 0).any():
                at = int(times[1:][np.diff(times) < 0][0])
                raise MessageError(
                    f"{self.path}: local_ts {at} is earlier than that of a row above it: put the "
                    "rows in order (hftbacktest.data.correct_event_order) first."
                )
            if len(own) and own["local_ts"][0] < _NS_MIN:
                raise MessageError(
                    f"{self.path}: local_ts {int(own['local_ts'][0])} is not a time in ns since "
                    "the epoch."
                )
            latest = int(times[-1])
            held = np.concatenate((held, own))
            if len(held):
                cut = int(np.searchsorted(held["local_ts"], held["local_ts"][-1], "left"))
                if cut:
                    yield held[:cut]
                held = held[cut:]
        if len(held):
            yield held
        elif self.rows and not latest:
            raise MessageError(
                f"{self.path}: no row is of the local side (bit 30 of ev): put the rows in order "
                "with hftbacktest.data.correct_event_order first."
            )

    def _known_kinds(self, rows: Any) -> None:
        kinds = rows["ev"] & KIND
        if ((kinds >= FIRST_L3) & (kinds <= LAST_L3)).any():
            raise MessageError(
                f"{self.path} holds single orders (L3): a store holds levels. Convert the "
                "recording to levels first."
            )
        wrong = (kinds < DEPTH) | (kinds > DEPTH_BBO)
        if wrong.any():
            raise MessageError(
                f"{self.path}: ev {int(rows['ev'][int(np.argmax(wrong))])} is of no kind that "
                "hftbacktest 2.4.4 knows."
            )

    def _arrays(self) -> Iterator[Any]:
        """Yield the rows of the file, some at a time."""
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{DATA}.npy") as file:
                count, kind = self._form(file)
                while count:
                    rows = min(count, _ROWS)
                    text = file.read(rows * kind.itemsize)
                    if len(text) < rows * kind.itemsize:
                        raise EOFError("the array ends too early")
                    count -= rows
                    yield np.frombuffer(text, kind).astype(HFT_EVENT)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as trouble:
            if isinstance(trouble, MessageError):
                raise
            raise MessageError(
                f"{self.path} is cut or damaged ({trouble}): make it again; nothing of it was "
                "imported."
            ) from None

    def _form(self, file: IO[bytes]) -> tuple[int, Any]:
        """Return how many rows of which type follow."""
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, kind = read(file)
        if (
            len(shape) != 1
            or kind.hasobject
            or not set(HFT_EVENT.names or ()) <= set(kind.names or ())
        ):
            raise MessageError(
                f"{self.path} is not of hftbacktest 2: its array has the shape {shape} and the "
                f"type {kind}. Files of version 1 are converted by "
                "hftbacktest.data.utils.migration2."
            )
        return shape[0], kind


def is_hft(path: Path) -> bool:
    """Return whether a zip is a file of NumPy arrays; raise MessageError if it is another's."""
    names = zip_members(path)
    if not names or not all(name.endswith(".npy") for name in names):
        return False
    if f"{DATA}.npy" not in names:
        raise MessageError(
            f"{path} holds the arrays {', '.join(names)}, and hftbacktest's is called {DATA}."
        )
    return True


def _is(rows: Any, kind: int) -> Bools:
    return (rows["ev"] & KIND) == kind


def _ours(rows: Any) -> bool:
    return bool(((rows["ival"] & ~FLAGS) == MARK).all())


def _first_of_time(times: Ints, picture: Bools) -> Bools:
    """Return the first row of a picture at each time that has one."""
    fresh = np.zeros(len(times), bool)
    places = np.flatnonzero(picture)
    if places.size:
        _, first = np.unique(times[places], return_index=True)
        fresh[places[first]] = True
    return fresh
