"""Book, ledger, tape and footprint: CPU ns per update, event and trade, beside the C floors.

    python market.py [UPDATES ...]        level updates of the generated sets, default 1000000

Every result is compared with the floor's before it is timed: the best bid and ask after every
message, delta and point of control of every bar.
"""

import sys
from typing import Any

import numpy as np
from generated import INSTRUMENT, book_events, market_events, peers, trade_events
from measuring import cpu_of, figure, in_turn

from aggressor.features.bars import bar_spec
from aggressor.features.footprint import make_room_for
from aggressor.features.footprint_batch import run_footprint
from aggressor.features.series import BarSeries, FootprintState, drain, footprint_state
from aggressor.market.book import book_state, run_book
from aggressor.market.state import grow_market, market_state, run_market
from aggressor.schema.event import LAST, Events

_LEVELS = 1 << 15
_CHUNK = 1 << 16


def best_agrees(events: Events, floor: Any, start_tick: int) -> bool:
    """Say whether the best prices after every message are the floor's."""
    floor.book()
    ends = np.flatnonzero(events["flags"] & LAST) + 1
    best = floor.best.reshape(-1, 2) + start_tick
    book, done = book_state(1, levels=_LEVELS), 0
    for message, stop in enumerate(ends):
        done = run_book(events, done, int(stop), book)
        top = book.head[0]
        if (top["bid"], top["ask"]) != tuple(best[message]):
            return False
    return len(ends) == len(best)


def measure_book(columns: dict[str, Any], floor: Any, common: Any, check: bool) -> None:
    """One book, every level row, best bid and ask kept after every message."""
    events = book_events(columns)
    agrees = best_agrees(events, floor, common.gen.BASE) if check else None

    def ours() -> float:
        book = book_state(1, levels=_LEVELS)
        return cpu_of(lambda: run_book(events, 0, events.size, book))

    count = len(columns["side"])
    pair = in_turn(ours, floor.book)
    figure(
        f"book, {count:,} updates", pair, count, "ns/update", "C array ladder", 15, agrees=agrees
    )


def measure_layers(columns: dict[str, Any], floor: Any) -> None:
    """Book, ledger, tape, health and one-minute footprint over the same events, in batches."""
    events = market_events(columns)

    def ours() -> float:
        return cpu_of(lambda: run_layers(events))

    figure(
        f"book + ledger + tape + footprint, {events.size:,} events",
        in_turn(ours, floor.book),
        events.size,
        "ns/event",
        "C book alone",
        30,
    )


def run_layers(events: Events) -> None:
    """Carry events through the market layer and a one-minute footprint, one batch after another."""
    market = market_state(1, levels=_LEVELS)
    state = minute_bars(1)
    for start in range(0, events.size, _CHUNK):
        stop = min(start + _CHUNK, events.size)
        done = start
        while (done := run_market(events, done, stop, market)) < stop:
            market = grow_market(market)
        state = run_bars(events, start, stop, state)


def minute_bars(row_ticks: int) -> FootprintState:
    """Return one-minute bars of the generated instrument."""
    return footprint_state([BarSeries(0, bar_spec("1m", INSTRUMENT), row_ticks=row_ticks)])


def run_bars(
    events: Events, start: int, stop: int, state: FootprintState, closed: list[Any] | None = None
) -> FootprintState:
    """Use events[start:stop]; what closed is drained, and kept in `closed` where asked."""
    while start < stop:
        start = int(run_footprint(events, start, stop, state, 0))
        bars = drain(state, 0)
        if closed is not None:
            closed.append(bars)
        if start < stop:
            state = make_room_for(state, 0, events[start])
    return state


def bars_agree(events: Events, floor: Any, row_ticks: int) -> bool:
    """Say whether delta and point of control of the closed bars are the floor's."""
    number, _ = floor.run()
    closed: list[Any] = []
    run_bars(events, 0, events.size, minute_bars(row_ticks), closed)
    bars = np.concatenate([one.bars for one in closed])
    theirs = floor.bars[: len(bars)]
    delta = np.rint(theirs["delta"] * 1000).astype(np.int64)
    same_poc = (bars["poc"] // row_ticks == theirs["poc"]).mean()
    same_delta = len(bars) == number - 1 and (bars["delta"] == delta).all()
    return bool(same_delta and same_poc > 0.999)


def measure_footprint(columns: dict[str, Any], common: Any, row_ticks: int) -> None:
    """Trades into one-minute bars: cells, delta and its extremes, POC, value area, moments."""
    events = trade_events(columns)
    floor = common.FootFloor(columns, row_ticks)

    def ours() -> float:
        state = minute_bars(row_ticks)
        return cpu_of(lambda: run_bars(events, 0, events.size, state))

    figure(
        f"footprint, rows of {row_ticks / 10:g} USD, {events.size:,} trades",
        in_turn(ours, floor.run),
        events.size,
        "ns/trade",
        "C single pass",
        10 if row_ticks > 1 else 15,
        agrees=bars_agree(events, floor, row_ticks),
    )


def main() -> None:
    common = peers()
    for updates in [int(one) for one in sys.argv[1:]] or [1_000_000]:
        columns = common.book(updates)
        floor = common.Floor(columns)
        measure_book(columns, floor, common, check=updates <= 1_000_000)
        measure_layers(columns, floor)
    columns = common.trades(1_000_000)
    for row_ticks in (10, 1):
        measure_footprint(columns, common, row_ticks)


if __name__ == "__main__":
    main()
