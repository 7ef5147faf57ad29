"""Profit, drawdown and exposure of an account over time, from its journal and the mids beside it.

Books of their own live through the commands and reports of the journal, in order, and are looked at
on a grid of times: by settlement currency the profit since the beginning (realised, open, fees and
funding), and what is held, gross and net, valued at the mid. Money is what the books say, exactly;
it becomes a float only to be drawn. Where a position is held and the mid is not known (a process
was down, a book was stale), profit and exposure are not known either: nan, never the last value.

Drawdown is from the highest profit on the grid so far; what lies between two points of it is not
seen, so it is a lower bound. Corrections by the venue's word move positions as they did the desk's.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.account.blotter import Blotter
from aggressor.account.books import Books, Heading
from aggressor.schema import report
from aggressor.schema.instrument import Instrument
from aggressor.store.journal import Correction
from aggressor.store.journal_reader import Lived
from aggressor.study.estimates import Floats

Mids = Callable[[int, int], int | None]  # (lane, ns) -> bid + ask in ticks
EARNED = (Heading.REALISED, Heading.ROUNDING, Heading.FEES, Heading.FUNDING)


class Holding(NamedTuple):
    """Lots held on a lane from a moment on."""

    ts_ns: int
    lots: int


class Course(NamedTuple):
    """See the module text. Money in units of the currency, times ns."""

    times: NDArray[np.int64]  # (n,)
    profit: dict[str, Floats]  # currency -> (n,), nan where not known
    gross: dict[str, Floats]
    net: dict[str, Floats]
    lots: NDArray[np.int64]  # (lanes, n)
    held: list[list[Holding]]  # by lane, every change
    books: Books

    def drawdown(self, currency: str) -> Floats:
        """Return how far profit lies below its highest so far, >= 0; nan where not known."""
        profit = self.profit[currency]
        highest = np.fmax.accumulate(np.where(np.isnan(profit), -np.inf, profit))
        return np.where(np.isnan(profit), np.nan, np.maximum(highest, 0.0) - profit)


def course_of(
    instruments: Sequence[Instrument],
    before: Iterable[Lived],
    lived: Iterable[Lived],
    corrections: Sequence[Correction],
    times: NDArray[np.int64],
    mids: Mids,
) -> Course:
    """Return the course of an account at `times` (n,) ns, ascending.

    `before`: what earlier runs lived through; their profit is not counted. `lived`: the run's.
    """
    books, blotter = Books(instruments), Blotter()
    for one in before:
        _use(one, books, blotter)
    currencies = sorted({books.currency(k) for k in range(len(instruments))})
    start = {name: _earned(books, name) for name in currencies}
    rows = list(lived)
    done = 0
    fixes = sorted(corrections, key=lambda one: one.ts_ns)
    shape = len(times)
    profit, gross, net = ({name: np.full(shape, np.nan) for name in currencies} for _ in range(3))
    lots = np.zeros((len(instruments), shape), np.int64)
    held = [[Holding(int(times[0]), p.lots)] if shape else [] for p in books.positions]
    opening: dict[str, int | None] = {}
    for i, now in enumerate(times.tolist()):
        while done < len(rows) and _when(rows[done]) <= now:
            _use(rows[done], books, blotter)
            _note(books, held, _when(rows[done]))
            done += 1
        while fixes and fixes[0].ts_ns <= now:
            _correct(fixes.pop(0), books, mids)
            _note(books, held, now)
        lots[:, i] = [p.lots for p in books.positions]
        for name in currencies:
            worth = _open(books, name, now, mids)
            if i == 0:
                opening[name] = None if worth is None else worth[0]
            if worth is None or (first := opening[name]) is None:
                continue
            profit[name][i] = (_earned(books, name) - start[name] + worth[0] - first) / 1e8
            gross[name][i], net[name][i] = worth[1] / 1e8, worth[2] / 1e8
    return Course(times, profit, gross, net, lots, held, books)


def _when(one: Lived) -> int:
    return int(one.row["ts_send"] if one.sent else one.row["ts_recv"])


def _use(one: Lived, books: Books, blotter: Blotter) -> None:
    row = one.row
    if one.sent:
        blotter.sent(row)
        return
    if int(row["kind"]) == report.FUNDED:
        books.funding(int(row["instrument"]), int(row["fee"]))
        return
    if int(row["kind"]) == report.LIQUIDATED:
        lane, side, price = int(row["instrument"]), int(row["side"]), int(row["price"])
        books.fill(lane, side, price, int(row["size"]), int(row["fee"]), int(row["ts_recv"]))
        return
    applied = blotter.apply(row)
    if applied.order is not None and applied.lots:
        lane, side = applied.order.instrument, applied.order.side
        price, fee, ts = int(row["price"]), int(row["fee"]), int(row["ts_recv"])
        books.fill(lane, side, price, applied.lots, fee, ts)


def _note(books: Books, held: list[list[Holding]], now: int) -> None:
    for position, changes in zip(books.positions, held, strict=True):
        if changes[-1].lots != position.lots:
            changes.append(Holding(now, position.lots))


def _correct(one: Correction, books: Books, mids: Mids) -> None:
    mid2 = mids(one.instrument, one.ts_ns) if one.what == "position" else None
    if mid2 is not None:
        books.positions[one.instrument].correct(one.theirs, Fraction(mid2, 2), one.ts_ns)


def _earned(books: Books, currency: str) -> int:
    return -sum(books.balance(currency, heading) for heading in EARNED)


def _open(books: Books, currency: str, now: int, mids: Mids) -> tuple[int, float, float] | None:
    """Return (open profit, gross, net value) in 1e-8; None while a mid of what is held is not."""
    profit, gross, net = 0, 0.0, 0.0
    for k, position in enumerate(books.positions):
        if not position.lots or books.currency(k) != currency:
            continue
        mid2 = mids(k, now)
        if mid2 is None:
            return None
        mark = Fraction(mid2, 2)
        profit += books.open_profit(k, mark)
        value = float(abs(books.instruments[k].notional(mark, position.lots)))
        gross += value
        net += value if position.lots > 0 else -value
    return profit, gross, net


def held_share(changes: Sequence[Holding], stop_ns: int) -> float | None:
    """Return the share of time in which anything was held, from the first change to `stop_ns`."""
    if not changes or stop_ns <= changes[0].ts_ns:
        return None
    ends = [one.ts_ns for one in changes[1:]] + [stop_ns]
    held: Any = sum(
        max(0, end - one.ts_ns) for one, end in zip(changes, ends, strict=True) if one.lots
    )
    return held / (stop_ns - changes[0].ts_ns)
