"""What a market state says, wherever in its arrays it says it: to compare kernels and twins."""

from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.market.book import BookState, best_price, lots_at, next_price
from aggressor.market.ledger import LedgerState
from aggressor.market.levels import FREE
from aggressor.schema.event import NO_PRICE
from tests.naive.book import NaiveBook
from tests.naive.ledger import GHOST, PEND, NaiveLedger

TOPS = [
    f"{of}{side}{what}"
    for of in ("", "depth_")
    for what in ("", "_lots")
    for side in ("bid", "ask")
]
HEAD = [*TOPS, "ts_recv", "top_ts_recv", "messages", "crossings", "clears"]
HEAD += ["valid", "synced", "crossed", "gap"]
LEDGER = ["start_lots", "lots", "added", "pulled", "traded", "hidden", "refilled", "peak"]
LEDGER += ["first_seen_ns", "ghost", "pend"]


@kernel
def walk(book: BookState, k: int, side: int, out: Any) -> int:
    """Write (price, lots) from the touch outwards; return how many."""
    count = 0
    price = best_price(book, k, side)
    while price != NO_PRICE:
        out[count, 0] = price
        out[count, 1] = lots_at(book, k, side, price)
        count += 1
        price = next_price(book, k, side, price)
    return count


def ladder(book: BookState, k: int, side: int) -> list[tuple[int, int]]:
    out = np.zeros((book.levels.size, 2), np.int64)
    count = walk(book, k, side, out)
    return [(int(price), int(lots)) for price, lots in out[:count]]


def book_look(book: BookState, k: int = 0) -> dict[str, Any]:
    """Return tops, flags and both ladders of a lane."""
    head = {name: int(book.head[k][name]) for name in HEAD}
    counts = (int(book.sides[2 * k]["levels"]), int(book.sides[2 * k + 1]["levels"]))
    return head | {"bids": ladder(book, k, 1), "asks": ladder(book, k, -1), "counts": counts}


def naive_look(book: NaiveBook) -> dict[str, Any]:
    """Return the same of the twin."""
    values = [side[i] for i in (0, 1) for side in (book.fused[1], book.fused[-1])]
    values += [side[i] for i in (0, 1) for side in (book.tops[1], book.tops[-1])]
    values += [book.ts_recv, book.top_ts_recv, book.messages, book.crossings, book.clears]
    values += [book.valid, book.synced, book.crossed, book.gap]
    counts = (len(book.depth[1]), len(book.depth[-1]))
    head = {name: int(value) for name, value in zip(HEAD, values, strict=True)}
    return head | {"bids": book.ladder(1), "asks": book.ladder(-1), "counts": counts}


def ledger_look(book: BookState, ledger: LedgerState, k: int = 0) -> dict[Any, Any]:
    """Return every open ledger of a lane by (side, price), and the lane's own totals."""
    look: dict[Any, Any] = {}
    for slot in np.flatnonzero(book.levels["place"] != FREE):
        level = book.levels[slot]
        if level["instrument"] == k:
            here = ledger.slots[slot]
            assert here["open"] == 1
            assert level["lots"] == here["lots"]
            look[int(level["side"]), int(level["price"])] = {n: int(here[n]) for n in LEDGER}
    look["unattributed"] = int(ledger.head[k]["unattributed"])
    look["unresolved"] = tuple(int(x) for x in ledger.sides["unresolved"][2 * k : 2 * k + 2])
    return look


def naive_ledger_look(ledger: NaiveLedger) -> dict[Any, Any]:
    """Return the same of the twin."""
    look: dict[Any, Any] = {}
    for at, level in ledger.levels.items():
        values = (level.start, level.lots, level.added, level.pulled, level.traded, level.hidden)
        values += (level.refilled, level.peak, level.first_seen)
        values += (level.waiting(GHOST), level.waiting(PEND))
        look[at] = dict(zip(LEDGER, values, strict=True))
    look["unattributed"] = ledger.unattributed
    look["unresolved"] = (ledger.unresolved[1], ledger.unresolved[-1])
    return look


def mirrored_look(look: dict[str, Any]) -> dict[str, Any]:
    """Return the look of the mirrored book: sides swapped, prices negated."""
    mirror = dict(look)
    for bid, ask in (("bid", "ask"), ("depth_bid", "depth_ask")):
        for name, other in ((bid, ask), (ask, bid)):
            mirror[name] = look[other] if look[other] == NO_PRICE else -look[other]
            mirror[f"{name}_lots"] = look[f"{other}_lots"]
    mirror["bids"] = [(-price, lots) for price, lots in look["asks"]]
    mirror["asks"] = [(-price, lots) for price, lots in look["bids"]]
    mirror["counts"] = look["counts"][::-1]
    return mirror
