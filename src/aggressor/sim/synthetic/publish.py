"""What the venue tells of its book: depth messages, quotes, mark price, open interest, funding.

Depth is conflated: a message holds the levels that differ from what was published last, as
absolute lots, and its `ts_venue` is the moment of the picture. A price that changed sides takes
two rows, the removal first. Depth and quotes share one stream (a quote is never older than the
depth before it); trades and everything else share another, so either may arrive first, as on a
real venue.

Invariant: applying every message up to one gives exactly the book as it was then.
"""

import numpy as np

from aggressor.kernel import kernel, kernel_inline
from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    FUNDING,
    INTEREST,
    LAST,
    LEVEL,
    MARK,
    QUOTE,
    SNAPSHOT,
)
from aggressor.sim.synthetic.book import (
    ADD,
    DEPTH_STREAM,
    DIRTY,
    END,
    LEVEL_MASK,
    NONE,
    TRADE_STREAM,
    Market,
    Output,
    received_at,
    write_event,
    write_log,
)
from aggressor.sim.synthetic.typed import Whole, typed

_LEVEL = typed(LEVEL)
_CLEAR = typed(CLEAR)
_QUOTE = typed(QUOTE)
_MARK = typed(MARK)
_INTEREST = typed(INTEREST)
_FUNDING = typed(FUNDING)
_BID = typed(BID)
_ASK = typed(ASK)
_PICTURE = typed(SNAPSHOT)

FUNDING_RATE = typed(10_000)  # 1e-8: one basis point
FUNDING_MINUTES = 480
_MINUTE_NS = 60_000_000_000


@kernel_inline
def signed_lots(market: Market, price: Whole) -> Whole:
    """Return the lots at a price, negative for asks."""
    level = market.levels[price & LEVEL_MASK]
    return level["lots"] * level["side"]


@kernel
def publish_depth(market: Market, out: Output) -> None:
    """Send the levels that changed since the last message, if any did."""
    head = market.head[0]
    first = out.head[0]
    changed = head["dirty"]
    head["dirty"] = 0
    ts_recv = np.int64(0)
    for i in range(changed):
        price = market.lists[DIRTY, i]
        level = market.levels[price & LEVEL_MASK]
        level["dirty"] = 0
        now = signed_lots(market, price)
        before = np.int64(level["published"])
        if now == before:
            continue
        if out.head[0] == first:
            ts_recv = received_at(market, DEPTH_STREAM)
        level["published"] = now
        if before > 0 and now <= 0:
            write_event(market, out, ts_recv, _LEVEL, _BID, price, NONE, NONE)
        elif before < 0 and now >= 0:
            write_event(market, out, ts_recv, _LEVEL, _ASK, price, NONE, NONE)
        if now > 0:
            write_event(market, out, ts_recv, _LEVEL, _BID, price, now, NONE)
        elif now < 0:
            write_event(market, out, ts_recv, _LEVEL, _ASK, price, -now, NONE)
    if out.head[0] > first:
        out.events[out.head[0] - 1]["flags"] = LAST
        head["published"] += 1


@kernel
def publish_quote(market: Market, out: Output) -> None:
    """Send both best levels when either differs from the last quote."""
    head = market.head[0]
    bid = head["bid"]
    ask = head["ask"]
    bid_lots = np.int64(market.levels[bid & LEVEL_MASK]["lots"])
    ask_lots = np.int64(market.levels[ask & LEVEL_MASK]["lots"])
    if (
        bid == head["bid_quoted"]
        and ask == head["ask_quoted"]
        and bid_lots == head["bid_quoted_lots"]
        and ask_lots == head["ask_quoted_lots"]
    ):
        return
    head["bid_quoted"] = bid
    head["ask_quoted"] = ask
    head["bid_quoted_lots"] = bid_lots
    head["ask_quoted_lots"] = ask_lots
    ts_recv = received_at(market, DEPTH_STREAM)
    write_event(market, out, ts_recv, _QUOTE, _BID, bid, bid_lots, NONE)
    write_event(market, out, ts_recv, _QUOTE, _ASK, ask, ask_lots, END)


@kernel
def publish_snapshot(market: Market, out: Output) -> None:
    """Send CLEAR and the whole book, best levels first; log every resting order as added now."""
    head = market.head[0]
    ts_recv = received_at(market, DEPTH_STREAM)
    write_event(market, out, ts_recv, _CLEAR, NONE, NONE, NONE, NONE)
    for i in range(head["dirty"]):
        market.levels[market.lists[DIRTY, i] & LEVEL_MASK]["dirty"] = 0
    head["dirty"] = 0
    for side in (_BID, _ASK):
        price = head["bid"] if side == _BID else head["ask"]
        left = head["bid_orders"] if side == _BID else head["ask_orders"]
        while left > 0:
            level = market.levels[price & LEVEL_MASK]
            if level["orders"] > 0:
                left -= level["orders"]
                lots = np.int64(level["lots"])
                level["published"] = lots * side
                write_event(market, out, ts_recv, _LEVEL, side, price, lots, _PICTURE)
                slot = np.int64(level["first"])
                while slot >= 0:
                    write_log(market, out, slot, ADD, market.orders[slot]["lots"])
                    slot = np.int64(market.orders[slot]["next"])
            price -= side
    out.events[out.head[0] - 1]["flags"] = SNAPSHOT | LAST


@kernel_inline
def is_due(now: Whole, start: Whole, interval: Whole, pulse: Whole) -> bool:
    """Tell whether a pulse of the grid falls on a multiple of `interval` (0: never)."""
    return bool(interval > 0 and (now - start) % interval < pulse)


@kernel
def publish_clockwork(market: Market, out: Output) -> None:
    """Send what is due on this pulse: depth, mark, open interest, funding."""
    head = market.head[0]
    params = market.params[0]
    pulse = params["pulse_ns"]
    at = head["pulse_at"]
    start = params["start_ns"]
    if is_due(at, start, params["depth_ns"], pulse):
        publish_depth(market, out)
    if is_due(at, start, params["mark_ns"], pulse):
        ts_recv = received_at(market, TRADE_STREAM)
        ticks = np.int64(head["mark"])
        money = np.int64(head["mark"] * params["tick_money"])
        write_event(market, out, ts_recv, _MARK, NONE, ticks, money, END)
    if is_due(at, start, params["interest_ns"], pulse):
        ts_recv = received_at(market, TRADE_STREAM)
        write_event(market, out, ts_recv, _INTEREST, NONE, NONE, head["interest"], END)
    if is_due(at, start, params["funding_ns"], pulse):
        ts_recv = received_at(market, TRADE_STREAM)
        settles = (at // _MINUTE_NS // FUNDING_MINUTES + 1) * FUNDING_MINUTES
        write_event(market, out, ts_recv, _FUNDING, NONE, settles, FUNDING_RATE, END)
