"""One run read out of its journal and laid beside its market: what a report is written from.

`Look` reads the journal; `settle` asks the market once, for all runs of a report together, at every
moment that any figure of them needs (fills and what came behind them, decisions, the grid of the
equity); then accounts, costs, results and the course of the account can be had.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.execution.parent import Account, PartFill
from aggressor.run.reporting.run_market import RunMarket, instruments_of
from aggressor.store.journal_reader import JournalReader, Lived, Run, Runs, Wanted
from aggressor.strategies.gates import Mode
from aggressor.study.equity import Course, course_of
from aggressor.study.lived import Worked, account_of, moments_of, worked_orders
from aggressor.study.results import Result, result_of
from aggressor.study.tca import HORIZONS_S, FillCost, OrderCost, fill_cost, order_cost
from aggressor.study.tops import interval_of, mid2_of, rows_at

CURVE_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
GRID_MAX = 1200
GRID_NS = 100_000_000  # the grid of the equity is no finer
ZOOM_NS = 300_000_000_000  # the busiest stretch of a long run is drawn by itself
_SECOND = 1_000_000_000


class Look:
    """One or more runs of a journal read as one: the account from the first to the last of them."""

    def __init__(self, reader: JournalReader, runs: Sequence[Run]) -> None:
        span = Runs(runs[0].run, runs[-1].run)
        self.runs = runs
        self.config: dict[str, Any] = runs[-1].config
        self.instruments = instruments_of(runs[-1])
        alone = self.config["mode"] == Mode.BACKTEST  # every backtest is an account of its own
        self.before = [] if alone else list(reader.lived(runs[0].run))
        self.lived: list[Lived] = list(reader.lived_in(span))
        self.intents: list[Wanted] = reader.intents(span)
        self.refusals = reader.refusals(span)
        self.corrections = reader.corrections(span)
        self.halts = reader.halts(span)
        self.signals = reader.signals(span)
        refused: dict[tuple[int, int], int] = {}
        for lane, parent, _, _, count in self.refusals:
            refused[lane, parent] = refused.get((lane, parent), 0) + count
        self.worked: list[Worked] = worked_orders(self.lived, self.intents, refused)
        self.grid = _grid(*self.span())
        self.zooms = [self._zoom(k) for k in range(len(self.instruments))]
        self._rows: list[Mapping[int, Any]] = []

    def span(self) -> tuple[int, int]:
        """Return the times of the first and the last that is known of it, ns."""
        stamps = [int(one.row["ts_send" if one.sent else "ts_recv"]) for one in self.lived]
        firsts = [one.first_ns for one in self.runs if one.first_ns and one.first_ns > 0]
        lasts = [one.last_ns for one in self.runs if one.last_ns and one.last_ns > 0]
        began = self.runs[0].began_ns
        first_ns = min(firsts or stamps, default=began)
        return first_ns, max(max(lasts or stamps, default=began), first_ns)

    def times(self, lane: int) -> set[int]:
        """Return every moment at which the market of a lane must be known."""
        own = [one for one in self.worked if one.key[0] == lane]
        wanted = moments_of(own) | set(self.grid.tolist())
        zoom = self.zooms[lane]
        if zoom is not None:
            wanted.update(zoom.tolist())
        horizons = [round(s * _SECOND) for s in (0.0, *HORIZONS_S, *CURVE_S)]
        for one in own:
            for fill in (*one.fills, *one.exits):
                wanted.update(fill.ts_recv + ns for ns in horizons)
        return wanted

    def _zoom(self, lane: int) -> NDArray[np.int64] | None:
        """Return the grid of the busiest stretch of a lane; None: the whole can be read."""
        fills = np.array([fill.ts_recv for k, _, fill, _ in self.fills() if k == lane], np.int64)
        first_ns, last_ns = int(self.grid[0]), int(self.grid[-1])
        if not fills.size or last_ns - first_ns < 2 * ZOOM_NS:
            return None
        inside = np.searchsorted(fills, fills + ZOOM_NS) - np.arange(fills.size)
        start = max(first_ns, int(fills[int(inside.argmax())]) - ZOOM_NS // 20)
        return _grid(start, min(last_ns, start + ZOOM_NS * 11 // 10))

    def settle(self, rows: list[Mapping[int, Any]]) -> None:
        """Take what was known of the market, by lane and moment."""
        self._rows = rows

    def row(self, lane: int, ts_ns: int) -> Any:
        """Return the row of the market at a moment that was asked for, None: not known."""
        return self._rows[lane].get(ts_ns)

    def mid2(self, lane: int, ts_ns: int) -> int | None:
        """Return bid + ask at such a moment."""
        return mid2_of(self.row(lane, ts_ns), ts_ns)

    def accounts(self) -> list[tuple[Worked, Account]]:
        """Return the account of every order, in order of decision."""
        return [(one, account_of(one, self.row)) for one in self.worked]

    def costs(self) -> tuple[list[OrderCost], list[FillCost]]:
        """Return the costs of every order, and of the fills that closed it again."""
        costs, exits = list[OrderCost](), list[FillCost]()
        for one, done in self.accounts():
            lane = done.instrument
            instrument, mids = self.instruments[lane], self._mids(lane)
            last = self.row(lane, done.ended_ns) if done.ended_ns is not None else None
            costs.append(
                order_cost(
                    done,
                    instrument,
                    mids,
                    strategy=_setup(one),
                    regime=_regime(one),
                    meanwhile=interval_of(self.row(lane, done.decided_ns), last),
                )
            )
            exits += [fill_cost(fill, -done.side, instrument, mids) for fill in done.exits]
        return costs, exits

    def results(self) -> list[Result]:
        """Return every trade that is over."""
        books = self.course().books
        found = (
            result_of(
                done,
                self.instruments[done.instrument],
                books.currency(done.instrument) or "settlement currency",
                _setup(one).partition("/")[0],
                _regime(one),
            )
            for one, done in self.accounts()
        )
        return [one for one in found if one is not None]

    def course(self) -> Course:
        """Return profit, drawdown and exposure on the grid."""
        return course_of(
            self.instruments, self.before, self.lived, self.corrections, self.grid, self.mid2
        )

    def fills(self) -> list[tuple[int, int, PartFill, bool]]:
        """Return (lane, side, fill, whether it opened) of every fill of an order, in order."""
        found = [
            (lane, side if opens else -side, fill, opens)
            for one in self.worked
            for lane, side in [(one.key[0], one.wanted.intent.side)]
            for opens, fills in ((True, one.fills), (False, one.exits))
            for fill in fills
        ]
        return sorted(found, key=lambda one: one[2].ts_recv)

    def _mids(self, lane: int) -> Any:
        return lambda ts_ns: self.mid2(lane, ts_ns)


def settle(looks: Sequence[Look], market: RunMarket) -> None:
    """Ask a market once for every moment that these runs need."""
    rows: list[Mapping[int, Any]] = [
        rows_at(market.batches(k), _union(look.times(k) for look in looks), market.end_ns)
        for k in range(len(market.instruments))
    ]
    for look in looks:
        look.settle(rows)


def _union(sets: Iterable[set[int]]) -> set[int]:
    return set().union(*sets)


def _grid(first_ns: int, last_ns: int) -> NDArray[np.int64]:
    """Return at most GRID_MAX + 1 moments over a span, both ends included."""
    count = int(min(GRID_MAX, max(1, (last_ns - first_ns) // GRID_NS)))
    return first_ns + np.arange(count + 1) * (last_ns - first_ns) // count


def _setup(one: Worked) -> str:
    evidence = one.wanted.intent.evidence
    return str(evidence.get("setup") or "") or f"strategy {one.wanted.intent.strategy}"


def _regime(one: Worked) -> str:
    return str(one.wanted.intent.evidence.get("regime_liquidity") or "")
