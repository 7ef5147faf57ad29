"""Binance's public archive (data.binance.vision): what a line of each kind of CSV means.

Times are the venue's, ms (spot: us from 2025 on); nobody's receive time is in it. A row is taken as
known at the latest time said so far in the file, which is in order of ids; a time that goes back by
more than LATE_NS is an error.

    aggTrades             fills of one taker order at one price, merged: BATCHED. Insurance-fund and
                          deleveraging fills are not in it. A hole in agg_trade_id is a GAP
    trades                every fill; a hole in id is a GAP
    bookTicker            best quotes; transaction_time is the venue's, event_time its sending
    liquidationSnapshot   forced orders, at most one a second and symbol. The archive repeats lines,
                          and an order is told again as it fills: it counts once
    metrics               open interest every 5 minutes. What a stamp means moved in March 2024: it
                          may describe the moment 5 minutes after it. So it is taken as known 5
                          minutes after its stamp, whichever it is; nothing leaks from the future
    bookDepth             sums of size within so many percent of the mid: no book, refused

Older files have no header; what a column is is then told by how many there are and which say true
or false. Documents: github.com/binance/binance-public-data; column names as public readers of these
files state them; read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aggressor.schema.event import BATCHED, GAP, INTEREST, LIQUIDATION, TRADE, Events
from aggressor.store.importers.blocks import (
    Block,
    Format,
    Order,
    Quotes,
    above_zero,
    coded,
    present,
    rows_of,
)
from aggressor.store.importers.exact import (
    NOTHING,
    Ints,
    floor_of_column,
    moments_of,
    times_of,
    whole_numbers,
)

PUBLISHED_NS = 300_000_000_000  # the period of the metrics
_SAME_ORDER_NS = 1_000_000_000  # a forced order fills within this

REPEATED = "a forced order told again"
NO_INTEREST = "an open interest of 0 or blank"

_MAKER = {"true": -1, "false": 1}  # is_buyer_maker: the seller was the aggressor

AGG_TRADES = (
    *("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id"),
    *("transact_time", "is_buyer_maker"),
)
TRADES = ("id", "price", "qty", "time", "is_buyer_maker")
BOOK_TICKER = (
    *("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty"),
    *("transaction_time", "event_time"),
)
BOOK_DEPTH = ("timestamp", "percentage", "depth", "notional")
KLINES = ("open_time", "open", "high", "low", "close", "volume", "close_time")
LIQUIDATIONS = ("time", "side", "order_type", "time_in_force", "original_quantity", "price")
METRICS = ("create_time", "symbol", "sum_open_interest")

BOOK_DEPTH_REFUSED = (
    "holds bookDepth: sums of size within so many percent of the mid price, twice a minute. That "
    "is no book (it has no levels), and one made of it would be invented, so it is not imported. "
    "Read it as a table (polars.read_csv); for a book take Binance's or Tardis's depth recordings, "
    "or record it: `aggressor record`."
)
KLINES_REFUSED = (
    "holds klines: candles have no prints and no sides, so no footprint can be made of them. Give "
    "them as the past of the 1 h and 4 h bias: `aggressor context ... --candles FILE`, also of "
    "`backtest`."
)


class _Trades:
    """TRADE rows; a hole in the ids before one is a GAP."""

    def __init__(self, number: str, size: str, flags: int) -> None:
        self._number = number
        self._size = size
        self._flags = flags
        self._last = NOTHING

    def __call__(self, block: Block) -> Events:
        numbers = whole_numbers(block.text[self._number])
        before = np.concatenate(([self._last], numbers[:-1]))
        missing = (before != NOTHING) & (numbers > before + 1)
        self._last = int(numbers[-1])
        chosen = above_zero(block, self._size, present(block, "price", self._size))
        out = rows_of(block, TRADE, chosen)
        out["price"], out["size"] = block.steps["price"][chosen], block.steps[self._size][chosen]
        out["side"] = coded(block.text["is_buyer_maker"], _MAKER, "yes or no")[chosen]
        out["flags"] |= np.where(missing[chosen], GAP | self._flags, self._flags).astype(np.uint8)
        return out


class _Liquidations:
    """LIQUIDATION rows: the size of the whole order, once."""

    def __init__(self) -> None:
        self._order = (0, 0, 0)
        self._told_ns = NOTHING

    def __call__(self, block: Block) -> Events:
        chosen = present(block, "price", "original_quantity")
        price, size = block.steps["price"], block.steps["original_quantity"]
        side = coded(block.text["side"], {"buy": 1, "sell": -1}, "a side")
        for i in np.flatnonzero(chosen).tolist():
            order, now = (int(side[i]), int(price[i]), int(size[i])), int(block.ts_venue[i])
            if order == self._order and now - self._told_ns <= _SAME_ORDER_NS:
                chosen[i] = False
                block.skipped[REPEATED] += 1
            self._order, self._told_ns = order, now
        out = rows_of(block, LIQUIDATION, chosen)
        out["price"], out["size"], out["side"] = price[chosen], size[chosen], side[chosen]
        return out


class _Interest:
    """INTEREST rows in lots, rounded down."""

    def __call__(self, block: Block) -> Events:
        held = floor_of_column(block.text["sum_open_interest"], block.instrument.lot)
        chosen = (held != NOTHING) & (held > 0)
        if wrong := int((~chosen).sum()):
            block.skipped[NO_INTEREST] += wrong
        out = rows_of(block, INTEREST, chosen)
        out["size"] = held[chosen]
        return out


def _one_time(column: str) -> Any:
    def times(columns: Mapping[str, Any]) -> tuple[Ints, Ints]:
        stamps = times_of(columns[column])
        return stamps, stamps

    return times


def _quote_times(columns: Mapping[str, Any]) -> tuple[Ints, Ints]:
    return times_of(columns["event_time"]), times_of(columns["transaction_time"])


def _metric_times(columns: Mapping[str, Any]) -> tuple[Ints, Ints]:
    stamps = moments_of(columns["create_time"])
    return stamps + PUBLISHED_NS, stamps


def _words(fields: list[str]) -> tuple[int, ...]:
    """Return which fields say true or false."""
    return tuple(i for i, one in enumerate(fields) if one.lower() in ("true", "false"))


def _bare_agg_trades(fields: list[str]) -> tuple[str, ...] | None:
    if (len(fields), _words(fields)) == (7, (6,)):
        return AGG_TRADES
    return (*AGG_TRADES, "is_best_match") if (len(fields), _words(fields)) == (8, (6, 7)) else None


def _bare_trades(fields: list[str]) -> tuple[str, ...] | None:
    names = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
    if (len(fields), _words(fields)) == (6, (5,)):
        return names
    return (*names, "is_best_match") if (len(fields), _words(fields)) == (7, (5, 6)) else None


def _bare_book_ticker(fields: list[str]) -> tuple[str, ...] | None:
    return BOOK_TICKER if len(fields) == 7 and not _words(fields) else None


FORMATS = (
    Format(
        name="binance-aggTrades",
        header=AGG_TRADES,
        order=Order.TRADES,
        maker=lambda: _Trades("agg_trade_id", "quantity", BATCHED),
        times=_one_time("transact_time"),
        time_column="transact_time",
        venue="binance",
        prices=("price",),
        sizes=("quantity",),
        bare=_bare_agg_trades,
    ),
    Format(
        name="binance-trades",
        header=TRADES,
        order=Order.TRADES,
        maker=lambda: _Trades("id", "qty", 0),
        times=_one_time("time"),
        time_column="time",
        venue="binance",
        prices=("price",),
        sizes=("qty",),
        bare=_bare_trades,
    ),
    Format(
        name="binance-bookTicker",
        header=BOOK_TICKER,
        order=Order.QUOTES,
        maker=lambda: Quotes("best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty"),
        times=_quote_times,
        time_column="event_time",
        venue="binance",
        prices=("best_bid_price", "best_ask_price"),
        sizes=("best_bid_qty", "best_ask_qty"),
        bare=_bare_book_ticker,
    ),
    Format(
        name="binance-liquidationSnapshot",
        header=LIQUIDATIONS,
        order=Order.LIQUIDATIONS,
        maker=_Liquidations,
        times=_one_time("time"),
        time_column="time",
        venue="binance",
        prices=("price",),
        sizes=("original_quantity",),
    ),
    Format(
        name="binance-metrics",
        header=METRICS,
        order=Order.RARE,
        maker=_Interest,
        times=_metric_times,
        time_column="create_time",
        venue="binance",
        symbol="symbol",
        unsorted=True,
        day_only=True,
    ),
)
