"""What the venue says of a derivative besides book and tape: mark, funding, open interest, forced
orders.

Each value keeps the receive time it came with and is never carried forward as if it were fresh.
The liquidation counts are what was published, which on most venues is a lower bound (one order a
second and symbol at best).

    head   (lanes,)   CONTRACT_HEAD     money and rates in 1e-8, sizes lots, times ns
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel_inline
from aggressor.schema.event import (
    FUNDING,
    INTEREST,
    LIQUIDATION,
    MARK,
    NO_TIME,
    STATUS,
)
from aggressor.state import State

FUNDING_UNIT_NS = 60_000_000_000  # FUNDING rows state their settlement in minutes

CONTRACT_HEAD = np.dtype(
    [
        ("mark", "<i8"),  # 1e-8; 0 before the first
        ("mark_ns", "<i8"),  # ts_recv; NO_TIME before the first, as all below
        ("rate", "<i8"),  # funding rate, 1e-8
        ("settle_ns", "<i8"),  # venue time of the next settlement
        ("interest", "<i8"),  # lots
        ("interest_ns", "<i8"),
        ("status", "<i8"),  # a Status code; 0 not stated
        ("liquidations", "<i8"),
        ("liquidated_longs", "<i8"),  # lots sold by force
        ("liquidated_shorts", "<i8"),  # lots bought by force
        ("liquidation_ns", "<i8"),
    ]
)


class ContractState(State, frozen=True):
    """The newest statements about every instrument of one engine."""

    head: NDArray[Any]


def contract_state(lanes: int) -> ContractState:
    """Return the state of `lanes` instruments of which nothing was stated yet."""
    head = np.zeros(lanes, CONTRACT_HEAD)
    for name in ("mark_ns", "settle_ns", "interest_ns", "liquidation_ns"):
        head[name] = NO_TIME
    return ContractState(head)


@kernel_inline
def on_statement(contract: ContractState, k: Int, event: Any) -> None:
    """Take one MARK, FUNDING, INTEREST, STATUS or LIQUIDATION row; other kinds pass."""
    head = contract.head[k]
    kind = event["kind"]
    if kind == MARK:
        head["mark"] = event["size"]
        head["mark_ns"] = event["ts_recv"]
    elif kind == FUNDING:
        head["rate"] = event["size"]
        head["settle_ns"] = np.int64(event["price"]) * FUNDING_UNIT_NS
    elif kind == INTEREST:
        head["interest"] = event["size"]
        head["interest_ns"] = event["ts_recv"]
    elif kind == STATUS:
        head["status"] = event["size"]
    elif kind == LIQUIDATION:
        head["liquidations"] += 1
        head["liquidation_ns"] = event["ts_recv"]
        if event["side"] < 0:
            head["liquidated_longs"] += event["size"]
        else:
            head["liquidated_shorts"] += event["size"]
