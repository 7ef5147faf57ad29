"""A compiled market maker with queue places and latency, CPU ns per event, beside the C floor.

    PEERS_DIR=<scratch> PEERS_DATA=<generated> python market_maker.py BENCH [UPDATES] [REPEATS]

BENCH is a folder that holds gen.py and peers/ (floor.c, common.py). The strategy is that of
peers/p_bt.py: every 100 ms one post-only order a side, 40 ticks off the local touch, at most 10
orders of position; 10 ms to the venue, 10 ms back, 1 ms feed latency. Two books: the venue's, with
our queue place, and the local one. Floor and kernel run in turn; one JSON line per queue model.
"""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from aggressor.kernel import kernel
from aggressor.market.book import BookState, book_state, run_book
from aggressor.schema.command import POST_ONLY
from aggressor.schema.event import (
    CLEAR,
    LAST,
    LEVEL,
    NO_PRICE,
    SNAPSHOT,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.report import CANCELED, FILL, REJECTED
from aggressor.sim.latency import Latency
from aggressor.sim.loop import (
    END,
    REACHED,
    advance_venue,
    drop_report,
    next_due,
    row_after,
    send_cancel,
    send_place,
)
from aggressor.sim.queue import queue_of
from aggressor.sim.state import SimState, sim_state

MS = 1_000_000
SPREAD_TICKS = 40
ORDER_LOTS = 1  # as the floor: an order fills whole or not at all
POSITION_MAX = 10 * ORDER_LOTS


@kernel
def make_market(
    events: Events, step_ns: int, sim: SimState, book: BookState, quotes: Any, money: Any
) -> int:
    """Run the maker over the whole tape; return the orders filled. `quotes` (2,) holds id and price
    a side; `money` (3,) comes back with cash in ticks x lots, the position, and bid + ask."""
    now = events[0]["ts_venue"] + step_ns  # the steps of the C floor, to the nanosecond
    last = events[events.size - 1]["ts_recv"]
    local, position, filled, made = 0, 0, 0, 0
    while now <= last:
        drained = True
        while drained:
            if advance_venue(events, events.size, sim, now, END) != REACHED:
                return -1
            drained = False
            while next_due(sim) <= now:
                line = sim.reports[sim.clock[0]["first_report"] & (sim.reports.size - 1)]
                if line["kind"] == FILL:
                    position += line["side"] * line["size"]
                    money[0] -= line["side"] * line["size"] * line["price"]
                    filled += line["leaves"] == 0
                gone = line["leaves"] == 0 and line["kind"] in (FILL, CANCELED, REJECTED)
                if gone:
                    for s in range(2):
                        if quotes[s]["order"] == line["order"]:
                            quotes[s]["order"] = 0
                drop_report(sim)
                drained = True
        stop = int(row_after(events, local, events.size, now))
        local = run_book(events, local, stop, book)
        if local < stop:
            return -2
        top = book.head[0]
        if top["bid"] != NO_PRICE and top["ask"] != NO_PRICE:
            for s in range(2):
                side = 1 - 2 * s
                quote = quotes[s]
                want = top["bid"] - SPREAD_TICKS if side > 0 else top["ask"] + SPREAD_TICKS
                if quote["order"] != 0 and quote["price"] == want:
                    continue
                if quote["order"] != 0:
                    send_cancel(sim, now, quote["order"], 0)
                    quote["order"] = 0
                if position * side < POSITION_MAX:
                    made += 1
                    send_place(sim, now, made, 0, side, want, ORDER_LOTS, POST_ONLY)
                    quote["order"] = made
                    quote["price"] = want
        now += step_ns
    money[1] = position
    money[2] = book.head[0]["bid"] + book.head[0]["ask"]
    return filled


def tape(columns: dict[str, Any], feed_ns: int) -> Events:
    """Return the generated columns as events, trades before the book at equal times."""
    offsets, rows = columns["off"], len(columns["side"])
    message = np.zeros(rows, np.int64)
    message[offsets[1:-1]] = 1
    message = np.cumsum(message)
    events = empty_events(1 + rows + len(columns["tts"]))
    events[0]["kind"] = CLEAR
    events[0]["ts_venue"] = columns["ts"][0]
    levels = events[1 : 1 + rows]
    levels["kind"] = LEVEL
    levels["ts_venue"] = columns["ts"][message]
    levels["price"] = columns["tick"]
    levels["size"] = np.rint(columns["qty"] * 1000)
    levels["side"] = 1 - 2 * columns["side"].astype(np.int8)
    levels["flags"][offsets[1:] - 1] = LAST
    levels["flags"][: offsets[1]] |= SNAPSHOT
    trades = events[1 + rows :]
    trades["kind"] = TRADE
    trades["ts_venue"] = columns["tts"]
    trades["price"] = columns["ttick"]
    trades["size"] = np.rint(columns["tqty"] * 1000)
    trades["side"] = 2 * columns["tside"].astype(np.int8) - 1
    trades["flags"] = LAST
    events["ts_recv"] = events["ts_venue"] + feed_ns
    return events[np.lexsort((events["kind"] == LEVEL, events["ts_recv"]))]


def run(events: Events, queue: str) -> tuple[int, float, Any]:
    """Return the orders filled, the CPU seconds of one run on fresh state, and its money."""
    latency = Latency(feed_ns=MS, order_ns=10 * MS, response_ns=10 * MS)
    sim = sim_state(1, latency, queue_of(queue), book=book_state(1))
    book = book_state(1)
    quotes = np.zeros(2, [("order", "<i8"), ("price", "<i8")])
    money = np.zeros(3, np.int64)
    begin = time.process_time()
    filled = make_market(events, 100 * MS, sim, book, quotes, money)
    return filled, time.process_time() - begin, money


def main() -> None:
    folder = Path(sys.argv[1])
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    sys.path.insert(0, str(folder / "peers"))
    import common  # pyright: ignore[reportMissingImports]

    columns = common.book(updates)
    events = tape(columns, MS)
    floor = common.Floor(columns)
    count = len(events) - 1
    for queue in ("power:2", "risk-averse"):
        run(events, queue)
        ours, floors, ratios = [], [], []
        filled, floor_filled, money = 0, 0, np.zeros(3, np.int64)
        for _ in range(repeats):
            begin = time.process_time()
            floor_filled = floor.backtest(spread=SPREAD_TICKS)[0]
            floors.append((time.process_time() - begin) / count * 1e9)
            filled, seconds, money = run(events, queue)
            ours.append(seconds / count * 1e9)
            ratios.append(ours[-1] / floors[-1])
        line = {
            "what": "market maker",
            "queue": queue,
            "events": count,
            "ns_per_event": round(statistics.median(ours), 1),
            "floor_ns": round(statistics.median(floors), 1),
            "x_floor": round(statistics.median(ratios), 2),
            "filled": int(filled),
            "floor_filled": int(floor_filled),
            "position_orders": int(money[1]),
            "pnl_ticks": float(money[0] + money[1] * money[2] / 2),  # of one order, no fees
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
