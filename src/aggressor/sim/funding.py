"""Funding at the venue: a position held at a funding stamp pays or receives (R9.5).

FUNDING rows say the rate and the minute at which it settles, MARK rows the mark price. The stamp is
a happening of its own: everything with an earlier venue time goes before it, everything at or after
it goes after. The report FUNDED leaves the kernel with position in `size`, mark price (1e-8) in
`leaves` and rate (1e-8) in `fee`; whoever hands it out turns that into money (`costs.funding_fee`).
"""

from typing import Any

import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import FUNDING, MARK
from aggressor.sim.codes import FUNDED, NONE
from aggressor.sim.state import NEVER, SimState, report

MINUTE_NS = 60_000_000_000


@kernel_inline
def on_money_row(sim: SimState, k: Int, event: Any, now: Int) -> None:
    """Note a MARK or FUNDING row of lane `k` seen at venue time `now`."""
    if event["kind"] == MARK:
        sim.head[k]["mark"] = event["size"]
        sim.head[k]["mark_ticks"] = event["price"]
        if sim.clock[0]["held"] > 0:
            sim.clock[0]["marked"] = sim.clock[0]["margin"]
    elif event["kind"] == FUNDING:
        note_funding(sim, k, np.int64(event["price"]), np.int64(event["size"]), now)


@kernel
def note_funding(sim: SimState, k: Int, minute: Int, rate: Int, now: Int) -> None:
    """Take a funding stamp that lies ahead; one that has passed or been settled is ignored."""
    head = sim.head[k]
    stamp = minute * MINUTE_NS + sim.clock[0]["offset_ns"]
    if stamp > now and stamp > head["settled_ns"]:
        head["rate"] = rate
        head["settle_ns"] = stamp
        find_stamp(sim)


@kernel
def find_stamp(sim: SimState) -> None:
    """Find the earliest funding stamp of all lanes."""
    soonest = np.int64(NEVER)
    for k in range(sim.head.size):
        soonest = min(soonest, sim.head[k]["settle_ns"])
    sim.clock[0]["settle_ns"] = soonest


@kernel
def settle(sim: SimState) -> None:
    """Pay the funding of every lane whose stamp is the earliest one."""
    clock = sim.clock[0]
    now = clock["settle_ns"]
    clock["venue_ns"] = now
    order = sim.orders[sim.orders.size - 1]
    for k in range(sim.head.size):
        head = sim.head[k]
        if head["settle_ns"] != now:
            continue
        position = head["position"]
        if position != 0 and head["mark"] > 0:
            order["order"] = 0
            order["side"] = 1 if position > 0 else -1
            order["flags"] = 0
            order["instrument"] = k
            mark = np.int64(head["mark_ticks"])
            report(sim, order, FUNDED, now, mark, abs(position), head["mark"], NONE, NONE)
            last = clock["first_report"] + clock["reports"] - 1
            sim.reports[last & (sim.reports.size - 1)]["fee"] = head["rate"]
        head["settled_ns"] = now
        head["settle_ns"] = NEVER
    find_stamp(sim)
