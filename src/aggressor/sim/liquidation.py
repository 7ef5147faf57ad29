"""Liquidation at the venue: what happens to orders and position when the margin is gone (R9.5).

The account's money is exact and stands outside (`margin`); the loop stops for it with UNSETTLED
after every report and at every MARK row while something is held. Where equity is down to the
maintenance margin it calls the two kernels here:

    cancel_lane    every order of ours on the instrument goes, with NO_MARGIN
    close_out      the position is closed against the displayed book, no worse than the bankruptcy
                   price; what the book does not take the venue takes over at that price

Each part is a report LIQUIDATED without an order: side, price and lots as of a fill, what is left
in `leaves`, and in `fee` the venue's charge. From then on nothing that opens a position is taken
(NO_MARGIN): a run that comes here has failed, and goes on only to be seen to its end.
"""

import numpy as np

from aggressor.kernel import Int, kernel
from aggressor.schema.command import STOP_MARKET
from aggressor.schema.event import NO_PRICE
from aggressor.sim.arrival import walk
from aggressor.sim.codes import CANCELED, LIQUIDATED, NO_MARGIN, NONE
from aggressor.sim.state import SimState, add_position, remove_order, report


@kernel
def cancel_lane(sim: SimState, k: Int, now: Int) -> None:
    """Cancel every order of ours on lane `k`."""
    i = np.int64(0)
    while i < sim.clock[0]["orders"]:
        order = sim.orders[i]
        if order["instrument"] != k:
            i += 1
            continue
        leaves = order["size"] - order["filled"]
        price = np.int64(order["price"])
        report(sim, order, CANCELED, now, price, leaves, NONE, NO_MARGIN, NONE)
        remove_order(sim, i)


@kernel
def close_out(sim: SimState, k: Int, bound: Int, now: Int) -> None:
    """Close the position of lane `k`, at `bound` (ticks) or better."""
    sim.clock[0]["broke"] = 1
    position = sim.head[k]["position"]
    order = sim.orders[sim.orders.size - 1]
    order["order"] = 0
    order["size"] = abs(position)
    order["filled"] = 0
    order["side"] = -1 if position > 0 else 1
    order["flags"] = 0
    order["type"] = STOP_MARKET
    order["bound"] = NO_PRICE
    order["instrument"] = k
    if sim.book.head[k]["valid"] != 0:
        walk(sim, order, bound, now, LIQUIDATED)
    left = order["size"] - order["filled"]
    if left > 0:
        order["filled"] += left
        add_position(sim, k, left * np.int64(order["side"]))
        report(sim, order, LIQUIDATED, now, bound, left, NONE, NONE, NONE)
