"""One parent order alone on a recorded tape: the real desk, the simulated venue, no pipeline.

What a study of execution does thousands of times: stand at a moment of the tape with the book of
then, hand one order to a desk, let venue and desk run to its end, take the account. Desk, checks,
policies and venue are those of a backtest; only the market the desk looks at comes from rows made
once (`tops`) instead of from the pipeline. Decisions fall where a backtest has them while something
works: at TIMERs and at reports.

Every run stands alone: none sees what another took from the book. No money is put into the books,
so checks of margin and losses, which know of no equity, ask nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.intent import Action, Intent, Placement
from aggressor.execution.parent import Account
from aggressor.market.book import BookState, book_state, grow_book, run_book
from aggressor.schema.event import NO_PRICE, TIMER, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import Reports, empty_reports
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.queue import Queue
from aggressor.study.tops import STALE_NS, Tops

MINUTE_NS = 60_000_000_000


class TopMarket:
    """What a desk looks at (`execution.quotes.Market`), from rows."""

    instrument = 0
    funding_in_ns: int | None = None  # it has no rows of funding

    def __init__(self, tops: Tops) -> None:
        self.now_ns = 0
        self._tops = tops
        self._row: Any = None

    def move(self, ts_ns: int, *, timer: bool) -> None:
        """Stand at a decision: a TIMER comes before the rows of its time, a report behind them."""
        self.now_ns = ts_ns
        self._row = self._tops.at(ts_ns, before=timer)

    @property
    def book_age_ns(self) -> int:
        """Time since the last change of the book."""
        return self.now_ns - int(self._row["book_ns"]) if self._row is not None else 2**62

    @property
    def valid(self) -> bool:
        """True while the book may be believed."""
        row = self._row
        return row is not None and bool(row["valid"]) and self.book_age_ns <= STALE_NS

    @property
    def bid(self) -> int:
        """Best bid, ticks."""
        return int(self._row["bid"])

    @property
    def ask(self) -> int:
        """Best ask, ticks."""
        return int(self._row["ask"])

    @property
    def bid_lots(self) -> int:
        """Lots at the best bid."""
        return int(self._row["bid_lots"])

    @property
    def ask_lots(self) -> int:
        """Lots at the best ask."""
        return int(self._row["ask_lots"])

    @property
    def last_price(self) -> int | None:
        """Price of the last print."""
        price = int(self._row["last"])
        return price if price != NO_PRICE else None

    @property
    def traded_lots(self) -> tuple[int, int]:
        """Lots (bought, sold) by aggressors so far."""
        row = self._row
        return (int(row["bought"]), int(row["sold"])) if row is not None else (0, 0)

    @property
    def taker_rates(self) -> tuple[float, float]:
        """Lots per second (bought, sold) over the last minute, or what was seen."""
        row, first = self._row, self._tops.at(self.now_ns - MINUTE_NS)
        start = self._tops.rows[0] if first is None else first
        seconds = min(self.now_ns - int(self._tops.times[0]), MINUTE_NS) / 1e9
        if row is None or seconds <= 0:
            return 0.0, 0.0
        bought, sold = int(row["bought"] - start["bought"]), int(row["sold"] - start["sold"])
        return bought / seconds, sold / seconds

    @property
    def mean_print(self) -> float:
        """Mean lots of a print so far."""
        row = self._row
        return int(row["traded"]) / int(row["trades"]) if int(row["trades"]) else 1.0


class SliceFeed:
    """Rows of an array as a feed."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._at = 0

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next rows."""
        out = self._events[self._at : self._at + limit]
        self._at += out.size
        return out if out.size else empty_events(0)


class Tape:
    """A recording in memory, with TIMERs, of one instrument."""

    def __init__(self, events: Events, instrument: Instrument) -> None:
        self.events = events
        self.instrument = instrument
        self.tops = Tops(events)
        self.timers = np.flatnonzero(events["kind"] == TIMER)

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last receive time."""
        return int(self.events["ts_recv"][0]), int(self.events["ts_recv"][-1])

    def books(self, rows: Sequence[int]) -> Iterator[BookState]:
        """Yield the book before each of `rows`, which ascend; each is the caller's own."""
        book, done = book_state(1), 0
        for row in rows:
            while (done := int(run_book(self.events, done, row, book))) < row:
                book = grow_book(book)
            yield book


def copied(book: BookState) -> BookState:
    """Return a book of its own."""
    return book.replace(**{n: getattr(book, n).copy() for n in book.__struct_fields__})


def run_alone(
    tape: Tape,
    row: int,
    book: BookState,
    *,
    side: int,
    lots: int,
    placement: Placement,
    latency: Latency,
    queue: Queue,
    costs: Costs,
    until_ns: int,
    rule: DeskRule | None = None,
) -> Account:
    """Work one order decided at the TIMER in `row`; `book` is that before it and is used up.

    What still works at `until_ns` is given up and counted as not filled.
    """
    stop = int(np.searchsorted(tape.events["ts_recv"], until_ns, side="right"))
    feed = SliceFeed(tape.events[row:stop])
    exchange = SimExchange(
        feed,
        [tape.instrument],
        latency=latency,
        queue=queue,
        costs=costs,
        orders=16,
        book=book,
        chunk=max(1, stop - row),
    )
    desk = Desk([tape.instrument], rule)
    market = TopMarket(tape.tops)
    intent = Intent(
        action=Action.WORK,
        instrument=0,
        strategy=1,
        parent=1,
        side=side,
        lots=lots,
        placement=placement,
    )
    _run(tape, row, stop, exchange, desk, market, intent)
    working = desk.parent(0)
    if working is not None:
        working.close("the tape is over")
        return working.account()
    return desk.worked(0)[0].account()


def _run(
    tape: Tape,
    row: int,
    stop: int,
    exchange: SimExchange,
    desk: Desk,
    market: TopMarket,
    intent: Intent,
) -> None:
    times = tape.events["ts_recv"]
    cursor, asked = row, False
    carried: Reports = empty_reports(0)
    while not (asked and desk.parent(0) is None):
        events, fresh = exchange.poll(stop - row)
        if not events.size and not fresh.size and not carried.size:
            return
        reports = np.concatenate((carried, fresh)) if carried.size else fresh
        last, used = cursor + events.size, 0
        nth = int(np.searchsorted(tape.timers, cursor))
        carried = empty_reports(0)
        while True:
            timer = int(tape.timers[nth]) if nth < tape.timers.size else stop
            timer_ns = int(times[timer]) if timer < last else 2**62
            report_ns = int(reports[used]["ts_recv"]) if used < reports.size else 2**62
            if min(timer_ns, report_ns) == 2**62:
                cursor = last
                break
            if timer_ns <= report_ns:
                market.move(timer_ns, timer=True)
                nth += 1
                position = timer + 1
                if not asked:
                    desk.decide([intent], market)
                    asked = True
            else:
                market.move(report_ns, timer=False)
                while used < reports.size and int(reports[used]["ts_recv"]) == report_ns:
                    desk.report(reports[used], market)
                    used += 1
                position = int(np.searchsorted(times, report_ns, side="right"))
            desk.work(market)
            commands = desk.drain()
            if desk.parent(0) is None:
                return
            if commands.size:
                position = min(max(position, cursor), last)
                exchange.unread(last - position)
                cursor, carried = position, reports[used:]
                exchange.take(commands)
                break
