"""Unfinished auctions (R4.4): bar highs and lows where both sides still traded.

A finished high shows only lifts at its last row: nobody was left who would sell down there. Where
sells stand beside them the auction is *unfinished*, and stays open until price trades beyond it.
Lows mirrored. Highs and lows run through one path, as side x price.

`read_bar` takes every closed bar of one series, in order; `on_trade` every trade of the instrument
behind it (the trade that closed the bar too): two comparisons, unless one is resolved. Where lots
of unknown side at the extreme could change the answer, where a bar's data has holes, and while the
height of a row is not known nothing is said, and `undecided` counts it.

    head      (lanes,)               AUCTION_HEAD
    auctions  (lanes, 2, AUCTIONS)   AUCTION ring by side (0 highs, 1 lows), open and resolved

A row is the extreme tick, or `row_effective_ticks` effective ticks counted from it. Prices ticks,
sizes lots. Source: R4.4.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.bars import INFERRED
from aggressor.features.parameters import MICRO, PERP, parameter_rows
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.event import NO_PRICE, NO_TIME, PRICE_MAX
from aggressor.state import State

AUCTIONS = 64  # kept a side
FINISHED, UNFINISHED, UNDECIDED = 0, 1, 2

AUCTION = np.dtype(
    [
        ("price", "<i8"),  # the bar's high or low
        ("side", "<i8"),  # +1 high, -1 low
        ("open", "<i8"),  # 1 until price trades beyond
        ("bought", "<i8"),  # lots in its row
        ("sold", "<i8"),
        ("bar_ns", "<i8"),  # open_ns of its bar
        ("known_ns", "<i8"),
        ("resolved_ns", "<i8"),  # venue time; NO_TIME until then
    ]
)
AUCTION_HEAD = np.dtype(
    [
        ("above", "<i8"),  # lowest high that is open; PRICE_MAX + 1 when none is
        ("below", "<i8"),  # highest low that is open; NO_PRICE - 1 when none is
        ("found", "<i8", (2,)),  # by side
        ("resolved", "<i8"),
        ("undecided", "<i8"),
        ("dropped", "<i8"),  # still open when a newer one took the place
    ]
)
AUCTION_ROW = np.dtype([("row_effective_ticks", "<f8")])


class AuctionParameters(msgspec.Struct, frozen=True):
    """What counts as the last row of a bar."""

    row_effective_ticks: float = 0.0  # height of a row; 0: the rows of the bars as they are


AUCTION_PROFILES = {PERP: AuctionParameters(), MICRO: AuctionParameters()}


class AuctionState(State, frozen=True):
    """All lanes; see the module text for shapes."""

    head: NDArray[Any]
    parameters: NDArray[Any]  # AUCTION_ROW, (lanes,)
    auctions: NDArray[Any]


def auction_state(
    lanes: int, parameters: AuctionParameters | Sequence[AuctionParameters]
) -> AuctionState:
    """Return lanes without auctions."""
    head = np.zeros(lanes, AUCTION_HEAD)
    head["above"], head["below"] = PRICE_MAX + 1, NO_PRICE - 1
    rules = parameter_rows(AUCTION_ROW, lanes, parameters)
    return AuctionState(head, rules, np.zeros((lanes, 2, AUCTIONS), AUCTION))


@kernel
def last_row(
    cells: Any, first: Int, count: Int, side: Int, row_ticks: Int, height: Int
) -> tuple[Int, Int, Int]:
    """Return (bought, sold, answer) of the row at the high (+1) or low (-1) of a bar, lots.

    The answer is FINISHED, UNFINISHED or UNDECIDED. The bar's cells are `count` from `first` on
    in the ring `cells`.
    """
    bought, sold, unknown = np.int64(0), np.int64(0), np.int64(0)
    extreme = np.int64(0)
    for i in range(count):
        cell = cells[(first + (count - 1 - i if side > 0 else i)) % cells.size]
        near = np.int64(cell["price"]) + (row_ticks - 1 if side > 0 else 0)
        if i == 0:
            extreme = near
        if side * (extreme - near) >= height:
            break
        bought += cell["bought"]
        sold += cell["sold"]
        unknown += cell["unknown"]
    if bought > 0 and sold > 0:
        return bought, sold, np.int64(UNFINISHED)
    return bought, sold, np.int64(UNDECIDED if unknown > 0 else FINISHED)


@kernel
def read_bar(
    state: AuctionState, k: Int, bar: Any, cells: Any, row_ticks: Int, effective_tick: Int
) -> None:
    """Take a closed bar of lane `k`; `cells` is the ring its cells are in, 0 ticks not known."""
    head, share = state.head[k], state.parameters[k]["row_effective_ticks"]
    if bar["volume"] == 0:
        return
    height = np.int64(row_ticks)
    if share > 0.0:
        height = np.int64(np.ceil(share * effective_tick / row_ticks)) * row_ticks
    if bar["quality"] > INFERRED or height == 0:
        head["undecided"] += 2
        return
    for s in range(2):
        side = 1 - 2 * s
        bought, sold, found = last_row(
            cells, bar["first_cell"], np.int64(bar["cells"]), side, row_ticks, height
        )
        head["undecided"] += np.int64(found == UNDECIDED)
        if found != UNFINISHED:
            continue
        one = state.auctions[k, s, head["found"][s] % AUCTIONS]
        head["found"][s] += 1
        head["dropped"] += one["open"]
        one["price"] = bar["high"] if side > 0 else bar["low"]
        one["side"], one["open"], one["resolved_ns"] = side, 1, NO_TIME
        one["bought"], one["sold"] = bought, sold
        one["bar_ns"], one["known_ns"] = bar["open_ns"], bar["known_ns"]
    _find_nearest(state, k)


@kernel_inline
def on_trade(state: AuctionState, k: Int, price: Int, ts_venue: Int) -> None:
    """Take the price of one trade."""
    head = state.head[k]
    if price > head["above"] or price < head["below"]:
        _resolve(state, k, price, ts_venue)


@kernel
def _resolve(state: AuctionState, k: Int, price: Int, ts_venue: Int) -> None:
    """Close the auctions that `price` lies beyond."""
    for s in range(2):
        side = 1 - 2 * s
        for j in range(AUCTIONS):
            one = state.auctions[k, s, j]
            if one["open"] == 1 and side * (price - one["price"]) > 0:
                one["open"], one["resolved_ns"] = 0, ts_venue
                state.head[k]["resolved"] += 1
    _find_nearest(state, k)


@kernel
def _find_nearest(state: AuctionState, k: Int) -> None:
    above, below = np.int64(PRICE_MAX + 1), np.int64(NO_PRICE - 1)
    for j in range(AUCTIONS):
        if state.auctions[k, 0, j]["open"] == 1:
            above = min(above, state.auctions[k, 0, j]["price"])
        if state.auctions[k, 1, j]["open"] == 1:
            below = max(below, state.auctions[k, 1, j]["price"])
    state.head[k]["above"], state.head[k]["below"] = above, below


def unfinished(
    cells: NDArray[Any], *, row_ticks: int = 1, height: int = 0
) -> tuple[bool | None, bool | None]:
    """Return whether a bar's (high, low) is an unfinished auction; None: unknown sides decide.

    `height` 0 takes the bar's own rows. `cells` are one bar's, lowest price first, not empty.
    """
    own, tall = cells.copy(), height or row_ticks
    high, low = (int(last_row(own, 0, own.size, s, row_ticks, tall)[2]) for s in (1, -1))
    answers = {FINISHED: False, UNFINISHED: True, UNDECIDED: None}
    return answers[high], answers[low]
