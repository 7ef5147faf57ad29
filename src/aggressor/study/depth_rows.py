"""What rests in rows of prices: the depth of a book as a picture has it.

A row is `row_ticks` prices high; row 0 begins at `low`. `depth_at` reads a tape with nothing but a
book, so a picture of a day costs a second or two, and its memory is that of the picture.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.schema.event import ASK, BID, NO_PRICE, Events
from aggressor.study.tops import TopReader

DEAD_NS = 30_000_000_000  # nobody listened: a thin market is silent for seconds, not for this
_WALK_MAX = 20_000


@kernel
def depth_rows(
    book: BookState, k: Int, low: Int, row_ticks: Int, rows: NDArray[np.float64]
) -> None:
    """Sum the lots resting in each row of prices from `low` on, both sides."""
    rows[:] = 0.0
    high = low + row_ticks * rows.size
    for side in (BID, ASK):
        price = np.int64(best_price(book, k, side))
        for _ in range(_WALK_MAX):
            if (
                price == NO_PRICE
                or (side == BID and price < low)
                or (side == ASK and price >= high)
            ):
                break
            if low <= price < high:
                rows[(price - low) // row_ticks] += lots_at(book, k, side, price)
            price = np.int64(next_price(book, k, side, price))


def depth_at(
    batches: Iterable[Events], times: NDArray[np.int64], low: int, row_ticks: int, rows: int
) -> NDArray[Any]:
    """Return what rests in `rows` rows at each of `times` (n,), ascending: (rows, n) float32 lots.

    nan where the book is not known or older than DEAD_NS, and behind the end of the tape.
    """
    found = np.full((times.size, rows), np.nan, np.float32)
    reader, ladder, done = TopReader(), np.zeros(rows), 0
    for events in batches:
        known = np.ascontiguousarray(events["ts_recv"])
        start = 0
        while done < times.size and times[done] < known[-1]:
            stop = int(np.searchsorted(known, times[done], side="right"))
            reader.add(events[start:stop])
            start = stop
            if reader.book.head[0]["valid"] and times[done] - reader.book_ns <= DEAD_NS:
                depth_rows(reader.book, 0, low, row_ticks, ladder)
                found[done] = ladder
            done += 1
        if done == times.size:
            break
        reader.add(events[start:])
    return found.T
