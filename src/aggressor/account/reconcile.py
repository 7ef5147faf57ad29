"""The venue's truth against ours: positions and money, compared, and put right by name.

Our side is a set of books of its own, fed with the REPORTs alone. The venue's comes in pictures.
Between a picture's question and its answer things move, so a difference is believed only when the
next picture shows it again and nothing was filled or paid between the two. Then it is a
`Correction`: named, kept, and entered, so that it is told once. What the account held when we came
is entered in the same way, as its opening.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

from aggressor.account.books import Books
from aggressor.schema import report
from aggressor.schema.instrument import Instrument

CORRECTIONS_KEPT = 1000  # in memory: the journal has all of them


class What(Enum):
    """What was corrected."""

    OPENING_POSITION = "opening position"
    OPENING_MONEY = "opening money"
    POSITION = "position"
    MONEY = "money"
    ORDER = "order"  # the venue holds an order of ours that we did not
    FILL = "fill"  # of an order that was over
    IN_FLIGHT = "in flight when the process ended"


class Correction(NamedTuple):
    """A difference that was put right: lots, or money in 1e-8 of `currency`."""

    what: What
    ts_ns: int
    instrument: int = -1
    currency: str = ""
    order: int = 0
    ours: int = 0
    theirs: int = 0
    price: int = 0  # ticks: entry of a position, price of a fill
    fee: int = 0  # of a fill, 1e-8
    words: str = ""  # what else is to be said


class Held(NamedTuple):
    """What the venue says of one instrument: signed lots, average entry in ticks."""

    lots: int
    entry: Fraction | None = None


class Reconciler:
    """Our books by the REPORTs alone, and their comparison with the venue's."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.books = Books(instruments)
        self.corrections: deque[Correction] = deque(maxlen=CORRECTIONS_KEPT)  # the last, in order
        self.corrected = 0  # all of them
        self.pending = False  # a difference was seen once
        self._opened: set[tuple[str, int]] = set()
        self.moves = 0  # fills and payments so far
        self._seen: dict[tuple[str, int], tuple[int, int]] = {}  # difference, moves

    def recall(self, positions: Mapping[int, Held], money: Mapping[str, int]) -> None:
        """Begin with what an earlier process knew: what differs from it is no opening."""
        for lane, held in positions.items():
            self._opened.add(("", lane))
            self._hold(lane, held)
        for currency, cash in money.items():
            self._opened.add((currency, -1))
            self.books.deposit(currency, cash)

    def take(self, row: Any) -> None:
        """Book one REPORT."""
        kind, lane = int(row["kind"]), int(row["instrument"])
        if kind == report.FILL:
            self.moves += 1
            side, price, lots = int(row["side"]), int(row["price"]), int(row["size"])
            self.books.fill(lane, side, price, lots, int(row["fee"]), int(row["ts_recv"]))
        elif kind == report.FUNDED:
            self.moves += 1
            self.books.funding(lane, int(row["fee"]))

    def note(self, correction: Correction) -> Correction:
        """Keep a correction that was found elsewhere."""
        self.corrections.append(correction)
        self.corrected += 1
        return correction

    def compare(
        self, held: Mapping[int, Held], money: Mapping[str, int], now: int
    ) -> list[Correction]:
        """Return what is put right by a picture: positions by instrument, money by currency.

        What the picture does not name is not compared. The caller sees to it that nothing moved
        (`moves`) since the picture was asked for.
        """
        self.pending = False
        found: list[Correction] = []
        for lane, theirs in held.items():
            ours = self.books.positions[lane].lots
            opening = self._opening("", lane)
            if self._believed(("", lane), theirs.lots - ours, opening):
                what = What.OPENING_POSITION if opening else What.POSITION
                self._hold(lane, theirs)
                price = round(theirs.entry) if theirs.entry is not None else 0
                found.append(Correction(what, now, lane, "", 0, ours, theirs.lots, price))
        for currency, cash in money.items():
            ours = self.books.cash(currency)
            opening = self._opening(currency, -1)
            if self._believed((currency, -1), cash - ours, opening):
                what = What.OPENING_MONEY if opening else What.MONEY
                self.books.deposit(currency, cash - ours)
                found.append(Correction(what, now, -1, currency, 0, ours, cash))
        self.corrections += found
        self.corrected += len(found)
        return found

    def _opening(self, currency: str, lane: int) -> bool:
        """Whether this is the first time that something is compared."""
        if (currency, lane) in self._opened:
            return False
        self._opened.add((currency, lane))
        return True

    def _believed(self, key: tuple[str, int], difference: int, opening: bool) -> bool:
        """Whether a difference is to be put right: seen before, and nothing moved since."""
        before = self._seen.pop(key, None)
        if difference == 0:
            return False
        if opening or before == (difference, self.moves):
            return True
        self._seen[key] = (difference, self.moves)
        self.pending = True
        return False

    def _hold(self, lane: int, theirs: Held) -> None:
        position = self.books.positions[lane]
        position.lots = theirs.lots
        if theirs.lots == 0:
            position.average = None
        elif theirs.entry is not None:
            position.average = theirs.entry
        if position.average is not None and theirs.lots:
            at = round(position.average)
            position.highest = max(position.highest, at)
            position.lowest = min(position.lowest or at, at)
