"""The account as a whole, asked of a venue: orders, fills, positions and money side by side.

Fills are asked for behind the open orders: what filled meanwhile stands in one of the two.
Positions and money are asked for at the same time as these, so that as little as possible moves in
between, and what is held is known, and protected, one answer after a reconnect and not four.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aggressor.run.lines.venue_calls import Caller
from aggressor.schema.instrument import Instrument
from aggressor.venues.orders.picture import Picture
from aggressor.venues.session import SECOND_NS
from aggressor.venues.trading import TradingVenue

_FILLS_MARGIN_NS = 10 * SECOND_NS


async def account_picture(
    caller: Caller,
    side: TradingVenue,
    instruments: Sequence[Instrument],
    now_ns: int,
    level_ns: int,
) -> Picture:
    """Ask for everything; raise OSError, TimeoutError or MessageError.

    `level_ns`: when the last picture was asked for that we are level with; 0: there is none yet,
    and no fill is asked for.
    """
    (orders, fills), positions, balances = await asyncio.gather(
        _orders_and_fills(caller, side, instruments, level_ns),
        _positions(caller, side, instruments),
        caller.question(side.balances(), side.read_balances),
    )
    return Picture(now_ns, orders, fills, positions, balances)


async def _orders_and_fills(
    caller: Caller, side: TradingVenue, instruments: Sequence[Instrument], level_ns: int
) -> tuple[list[Any], list[Any]]:
    orders: list[Any] = []
    fills: list[Any] = []
    for one in instruments:
        for call in side.open_orders(one):
            orders += await caller.pages(call, side.read_orders)
        if level_ns:
            since_ms = caller.venue_ms_at(level_ns - _FILLS_MARGIN_NS)
            fills += await caller.pages(side.fills(one, since_ms), side.read_fills)
    return orders, fills


async def _positions(
    caller: Caller, side: TradingVenue, instruments: Sequence[Instrument]
) -> list[Any]:
    found: list[Any] = []
    for one in instruments:
        found += await caller.pages(side.positions(one), side.read_positions)
    return found
