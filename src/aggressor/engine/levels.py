"""Levels: what rests nearest to the touch, with what the ledger saw happen at each of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.parts import Pipeline
from aggressor.kernel import Int, kernel
from aggressor.market.book import best_price, find_slot, next_price
from aggressor.market.levels import NO_SLOT
from aggressor.schema.event import ASK, BID, NO_PRICE

LEVEL = np.dtype(
    [
        ("side", "<i8"),
        ("price", "<i8"),  # ticks
        *(
            (name, "<i8")  # lots
            for name in ("lots", "added", "pulled", "provisional", "traded", "hidden", "refilled")
        ),
        ("peak", "<i8"),  # lots: the most displayed
        ("since_ns", "<i8"),  # ts_recv at which the level's ledger began
    ]
)


@kernel
def read_levels(pipe: Pipeline, k: Int, levels: NDArray[Any]) -> Int:
    """Write the best levels of lane `k`, half of `levels` a side, bids first; return how many."""
    book, written = pipe.market.book, np.int64(0)
    for side in (BID, ASK):
        price = np.int64(best_price(book, k, side))
        for _ in range(levels.size // 2):
            if price == NO_PRICE:
                break
            slot = find_slot(book, k, side, price)
            if slot != NO_SLOT:
                kept, row = pipe.market.ledger.slots[slot], levels[written]
                row["side"], row["price"] = side, price
                row["lots"] = book.levels[slot]["lots"]
                row["added"], row["pulled"] = kept["added"], kept["pulled"]
                row["provisional"], row["traded"] = kept["ghost"], kept["traded"]
                row["hidden"], row["refilled"] = kept["hidden"], kept["refilled"]
                row["peak"], row["since_ns"] = kept["peak"], kept["first_seen_ns"]
                written += 1
            price = np.int64(next_price(book, k, side, price))
    return written


def book_levels(pipe: Pipeline, k: int, count: int) -> NDArray[Any]:
    """Return up to `count` LEVEL rows a side, bids first, each side from its best."""
    levels = np.zeros(2 * count, LEVEL)
    return levels[: int(read_levels(pipe, k, levels))]
