"""Tardis.dev's downloadable CSV files: what a line of each kind means.

Times are us: `timestamp` of the venue (of Binance futures the time of sending, not of matching),
`local_timestamp` of Tardis's own recorder, so receive times are real, of another host than ours.

    incremental_book_L2   changes of the book; lines of one local_timestamp are a message. A run of
                          is_snapshot lines begins the book anew: at the start of a day because
                          Tardis repeats it there, inside a day because the connection was lost
    book_snapshot_5, _25  pictures of the best levels whenever they changed
    trades                side is the taker's; unknown stays 0. Whether fills were merged is not
                          said
    quotes, book_ticker   best bid and ask
    derivative_ticker     mark price, open interest, funding; a blank says nothing new
    liquidations          side is the liquidation order's: buy closed a short

Documents: docs.tardis.dev, "Downloadable CSV files", data types; read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aggressor.schema.event import (
    ASK,
    BID,
    FUNDING,
    INTEREST,
    LEVEL,
    LIQUIDATION,
    MARK,
    SNAPSHOT,
    TRADE,
    Events,
    empty_events,
)
from aggressor.store.importers.blocks import (
    Block,
    BookRows,
    Format,
    Order,
    Quotes,
    above_zero,
    coded,
    present,
    rows_of,
    with_clears,
)
from aggressor.store.importers.exact import (
    NOTHING,
    Ints,
    floor_of_column,
    units_of_column,
    whole_numbers,
)

_BOTH = ("exchange", "symbol", "timestamp", "local_timestamp")
_NS_PER_MINUTE = 60_000_000_000


def _times(columns: Mapping[str, Any]) -> tuple[Ints, Ints]:
    return (
        whole_numbers(columns["local_timestamp"]) * 1000,
        whole_numbers(columns["timestamp"]) * 1000,
    )


class _Trades:
    def __call__(self, block: Block) -> Events:
        chosen = above_zero(block, "amount", present(block, "price", "amount"))
        out = rows_of(block, TRADE, chosen)
        out["price"], out["size"] = block.steps["price"][chosen], block.steps["amount"][chosen]
        sides = {"buy": 1, "sell": -1, "unknown": 0}
        out["side"] = coded(block.text["side"], sides, "a side")[chosen]
        return out


class _Liquidations:
    def __call__(self, block: Block) -> Events:
        out = _Trades()(block)
        out["kind"] = LIQUIDATION
        return out


class _Book:
    def __init__(self) -> None:
        self._rows = BookRows(gaps=True)

    def __call__(self, block: Block) -> Events:
        chosen = present(block, "price", "amount")
        levels = rows_of(block, 0, chosen)
        levels["price"], levels["size"] = (
            block.steps["price"][chosen],
            block.steps["amount"][chosen],
        )
        sides = {"bid": BID, "ask": ASK}
        levels["side"] = coded(block.text["side"], sides, "a side of the book")[chosen]
        picture = coded(block.text["is_snapshot"], {"true": 1, "false": 0}, "yes or no")[chosen]
        return self._rows.rows(levels, picture == 1, block.skipped)


class _Pictures:
    """Every line is a whole book: bids, then asks, best first."""

    def __init__(self, depth: int) -> None:
        self._depth = depth

    def __call__(self, block: Block) -> Events:
        n, depth = len(block.ts_recv), self._depth
        levels = empty_events(n * 2 * depth).reshape(n, 2 * depth)
        for s, (name, side) in enumerate((("bids", BID), ("asks", ASK))):
            for i in range(depth):
                column = levels[:, s * depth + i]
                column["price"] = _or_zero(block.steps[f"{name}[{i}].price"])
                column["size"] = _or_zero(block.steps[f"{name}[{i}].amount"])
                column["side"] = side
        levels["ts_recv"], levels["ts_venue"] = block.ts_recv[:, None], block.ts_venue[:, None]
        levels["kind"], levels["flags"] = LEVEL, SNAPSHOT
        flat = levels.reshape(-1)
        opens, ends = np.zeros((2, n, 2 * depth), bool)
        opens[:, 0] = ends[:, -1] = True
        kept = flat["size"] > 0
        return with_clears(flat, opens.ravel(), np.zeros(flat.size, bool), kept, ends.ravel())


def _or_zero(steps: Ints) -> Ints:
    """Return steps with 0 where a book has no such level; BookRows leaves it out."""
    return np.where(steps == NOTHING, 0, steps)


class _Ticker:
    """What changed of mark price, open interest and funding; one row each."""

    def __init__(self) -> None:
        self._said: dict[int, tuple[int, int]] = {}

    def __call__(self, block: Block) -> Events:
        every = np.ones(len(block.ts_recv), bool)
        tick, lot = block.instrument.tick, block.instrument.lot
        mark, mark_said = units_of_column(block.text["mark_price"], 8, "", cut=True)
        rate, rate_said = units_of_column(block.text["funding_rate"], 8, "", cut=True)
        settles = whole_numbers(block.text["funding_timestamp"])
        minute = np.where(settles == NOTHING, 0, settles * 1000 // _NS_PER_MINUTE)
        held = floor_of_column(block.text["open_interest"], lot)
        parts: list[Events] = []
        for kind, size, price, said in (
            (MARK, mark, floor_of_column(block.text["mark_price"], tick), mark_said),
            (INTEREST, held, np.zeros_like(held), held != NOTHING),
            (FUNDING, rate, minute, rate_said),
        ):
            out = rows_of(block, kind, every)
            out["size"], out["price"] = size, np.where(said, price, 0)
            parts.append(out[self._news(kind, out, said)])
        out = np.concatenate(parts)
        return out[np.argsort(out["ts_recv"], kind="stable")]

    def _news(self, kind: int, rows: Events, said: Any) -> Ints:
        """Return the rows of what was said that differ from the one said before."""
        places = np.flatnonzero(said)
        if not places.size:
            return places
        size, price = rows["size"][places], rows["price"][places]
        before = self._said.get(kind)
        fresh = np.ones(places.size, bool)
        fresh[1:] = (size[1:] != size[:-1]) | (price[1:] != price[:-1])
        fresh[0] = before != (int(size[0]), int(price[0]))
        self._said[kind] = int(size[-1]), int(price[-1])
        return places[fresh]


def _pictures(depth: int) -> Format:
    names = [f"{s}[{i}]" for i in range(depth) for s in ("asks", "bids")]
    prices, sizes = (tuple(f"{n}.{word}" for n in names) for word in ("price", "amount"))
    header = (*_BOTH, *(f"{n}.{word}" for n in names for word in ("price", "amount")))
    return _format(
        f"tardis-book-snapshot-{depth}",
        header,
        Order.BOOK,
        lambda: _Pictures(depth),
        prices=prices,
        sizes=sizes,
        book=True,
        pictures=True,
    )


def _format(name: str, header: tuple[str, ...], order: Order, maker: Any, **more: Any) -> Format:
    return Format(
        name=name,
        header=header,
        order=order,
        maker=maker,
        times=_times,
        time_column="local_timestamp",
        venue="tardis",
        symbol="symbol",
        recorded=True,
        **more,
    )


_PRICED: dict[str, Any] = {"prices": ("price",), "sizes": ("amount",)}
_QUOTED: dict[str, Any] = {
    "prices": ("bid_price", "ask_price"),
    "sizes": ("bid_amount", "ask_amount"),
}

FORMATS = (
    _pictures(25),
    _pictures(5),
    _format(
        "tardis-incremental-book-L2",
        (*_BOTH, "is_snapshot", "side", "price", "amount"),
        Order.BOOK,
        _Book,
        book=True,
        **_PRICED,
    ),
    _format(
        "tardis-derivative-ticker",
        (*_BOTH, "funding_timestamp", "funding_rate", "open_interest", "last_price", "mark_price"),
        Order.RARE,
        _Ticker,
    ),
    _format(
        "tardis-quotes",
        (*_BOTH, "ask_amount", "ask_price", "bid_price", "bid_amount"),
        Order.QUOTES,
        lambda: Quotes("bid_price", "bid_amount", "ask_price", "ask_amount"),
        **_QUOTED,
    ),
    _format(
        "tardis-trades",
        (*_BOTH, "id", "side", "price", "amount"),
        Order.TRADES,
        _Trades,
        **_PRICED,
    ),
    _format(
        "tardis-liquidations",
        (*_BOTH, "id", "side", "price", "amount"),
        Order.LIQUIDATIONS,
        _Liquidations,
        **_PRICED,
    ),
)
