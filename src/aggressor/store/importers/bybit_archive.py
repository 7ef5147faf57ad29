"""Bybit's public archive of prints (public.bybit.com/trading): what a line of its CSV means.

    timestamp   seconds with a fraction, of the match; nobody's receive time is in it
    symbol, side, size, price   side is the taker's; sizes are coins on linear, USD on inverse
    RPI         from 2025 on: the fill was against hidden retail quotes, so it took nothing from the
                book

Ids are random, so a hole cannot be seen. The book of the archive (ob500, ob200) is Bybit's own
stream as lines: `venue_lines`. Documents: public.bybit.com; column names as public readers of these
files state them; read 2026-11-22.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from aggressor.schema.event import RPI, TRADE, Events
from aggressor.store.importers.blocks import (
    Block,
    Format,
    Order,
    above_zero,
    coded,
    present,
    rows_of,
)
from aggressor.store.importers.exact import Ints, seconds_of

_YES = {"true": 1, "1": 1, "false": 0, "0": 0, "": 0}


class _Trades:
    def __call__(self, block: Block) -> Events:
        chosen = above_zero(block, "size", present(block, "price", "size"))
        out = rows_of(block, TRADE, chosen)
        out["price"], out["size"] = block.steps["price"][chosen], block.steps["size"][chosen]
        out["side"] = coded(block.text["side"], {"buy": 1, "sell": -1}, "a side")[chosen]
        if "RPI" in block.text:
            hidden = coded(block.text["RPI"], _YES, "yes or no")[chosen]
            out["flags"] |= np.where(hidden == 1, RPI, 0).astype(np.uint8)
        return out


def _times(columns: Mapping[str, Any]) -> tuple[Ints, Ints]:
    stamps = seconds_of(columns["timestamp"])
    return stamps, stamps


FORMATS = (
    Format(
        name="bybit-trades",
        header=("timestamp", "symbol", "side", "size", "price", "trdMatchID"),
        order=Order.TRADES,
        maker=_Trades,
        times=_times,
        time_column="timestamp",
        venue="bybit",
        prices=("price",),
        sizes=("size",),
        symbol="symbol",
    ),
)
