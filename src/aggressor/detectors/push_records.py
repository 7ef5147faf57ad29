"""What push-throughs are kept as: records, parameters and the arrays of their state.

See `push_through`. Directions are indexed 0 up, 1 down. Units: ticks, lots, ns of ts_recv.
"""

from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.breaks import BREAK
from aggressor.detectors.outbox import params_hash
from aggressor.features.baseline import BaselineSpec, BaselineState, baseline_state
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.schema.event import NO_TIME
from aggressor.state import State

EVIDENCE = (
    "level",  # ticks: L
    "peak",  # lots
    "start_lots",  # displayed when TEST began
    "traded",
    "cancelled",
    "order_quantile",  # Q.99 of taker orders
    "traded_share",
    "cancelled_share",
    "refill_ratio",
    "burst_lots",  # within 250 ms of the last print at L
    "burst_quantile",  # of such bursts in the last hour
    "order_lots",  # largest taker order of that burst that printed at L
    "stroke_lots",  # taken at L in one go before it was gone
    "consume_seconds",  # from half traded to gone; 0 when it was one stroke
    "stage",  # 0 before CLEAR, 1 CLEAR, 2 HOLD, 3 FAILED
    "behind_early",  # ticks: best price behind the push, 250 ms after CLEAR; nan before
    "behind_last",  # and now
    "clear_age_seconds",
    "beyond_lots",  # executed beyond L by the pushing side
    "effective_tick",
    "maturity",
    "size_quantile",  # lots: of single levels at comparable distance; nan unknown
)
CONDITIONS = (
    "",
    "traded share",
    "cancelled share",
    "refill ratio",
    "clearing burst",
    "best price beyond the level",
    "level gone in time",
    "best price reached the level",
    "no wall put back",
    "price held",
    "valid book",
    "eaten more than levels hold",
)
(
    LITTLE_TRADED, MUCH_CANCELLED, REFILLED, SMALL_BURST, NOT_BEYOND, NOT_GONE, NOT_REACHED,
    PUT_BACK, FELL_BACK, BOOK_LOST, SMALL_WALL,
) = range(1, 12)  # fmt: skip

EPISODES = 4  # walls under attack per lane and direction
BUYS = 128  # prints of the pushing side kept for the burst, per lane and direction; a power of two

IDLE, TEST, CONSUME, HOLD, AFTER = range(5)
STAGE_CLEAR, STAGE_HELD, STAGE_FAILED = 1, 2, 3


class PushThroughParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of R5.6; the shares are those of the label table (R5.0)."""

    near_effective_ticks: int = 2
    consume_share: float = 0.5
    burst_ns: int = 250 * MILLISECOND_NS
    burst_ppm: int = 990_000  # quantile of the bursts of taker orders
    stroke_share: float = 0.2  # of the peak, that the clearing stroke takes at L
    size_ppm: int = 980_000  # quantile of single levels at comparable distance
    hold_ns: int = 2 * SECOND_NS
    fail_ns: int = 60 * SECOND_NS  # after the hold window
    patience_ns: int = 60 * SECOND_NS  # from half traded to gone
    refractory_ns: int = 5 * SECOND_NS
    put_back_share: float = 0.5


PROFILES = {
    PERP: PushThroughParameters(),
    MICRO: PushThroughParameters(
        hold_ns=20 * SECOND_NS,
        fail_ns=300 * SECOND_NS,
        patience_ns=300 * SECOND_NS,
        refractory_ns=30 * SECOND_NS,
    ),
}
_FLOATS = ("consume_share", "put_back_share", "stroke_share")
ROW = np.dtype(
    [
        (name, "<f8" if name in _FLOATS else "<i8")
        for name in PushThroughParameters.__struct_fields__
    ]
)
HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("hash", "<u8"),
        ("open", "<i8", (2,)),  # episodes not idle, per direction
        ("buys", "<i8", (2,)),  # prints put into the burst's ring
        ("first", "<i8", (2,)),  # the oldest of them in the burst
        ("burst", "<i8", (2,)),  # lots of the burst
        ("orders_read", "<i8"),
        ("flow_first", "<i8"),  # number of the oldest taker order within the burst span
        ("flow", "<i8", (2,)),  # lots of these, bought and sold
        ("second", "<i8"),  # in which the next two were read
        ("needed", "<i8"),
        ("maturity", "<i8"),
    ]
)
BUY = np.dtype([("ts_recv", "<i8"), ("lots", "<i8")])
EPISODE = np.dtype(
    [
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("slot", "<i8"),
        ("ledger_episode", "<i8"),
        ("peak", "<i8"),
        ("start", "<i8"),
        ("lots", "<i8"),  # displayed, as last read
        ("traded", "<i8"),  # since TEST began, as last read; with what no book row has shown yet
        ("cancelled", "<i8"),
        ("added", "<i8"),
        ("grown", "<i8"),  # beyond its peak, while it stood
        ("own", "<i8"),  # left of what stood when TEST began
        ("later", "<i8"),  # left of what was put up since
        ("passed", "<i8"),  # put up since, and taken away while the older lots stood
        ("before", "<i8"),  # prints of what had left before TEST began
        ("all_added", "<i8"),  # by the ledger; `added` and `cancelled` leave out what only passed
        ("all_pulled", "<i8"),
        ("open_lots", "<i8"),  # may still be re-labelled
        ("base_traded", "<i8"),
        ("base_pulled", "<i8"),
        ("base_added", "<i8"),
        ("consume_ns", "<i8"),
        ("gone_ns", "<i8"),  # NO_TIME while it stands
        ("clear_ns", "<i8"),
        ("print_ns", "<i8"),  # last print at L by the pushing side
        ("burst", "<i8"),  # largest sum of 250 ms that holds that print
        ("stroke", "<i8"),  # lots of the prints at L, each within 250 ms of the one before
        ("order", "<i8"),
        ("needed", "<i8"),  # quantile of bursts before that
        ("large", "<i8"),  # quantile of taker orders before that
        ("size", "<i8"),  # quantile of single levels when TEST began; below 0 unknown
        ("maturity", "<i8"),
        ("reached", "<i8"),
        ("put_back", "<i8"),
        ("early", "<f8"),
        ("quiet_until", "<i8"),
        ("armed_venue_ns", "<i8"),  # when TEST began
    ]
)


class PushThroughState(State, frozen=True):
    """The walls under attack of every lane and direction."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    params: NDArray[Any]  # ROW, (L,)
    episodes: NDArray[Any]  # EPISODE, (L, 2, EPISODES)
    broken: NDArray[Any]  # BREAK, (L, 2, EPISODES)
    buys: NDArray[Any]  # BUY, (L, 2, BUYS), rings
    bursts: BaselineState  # lots that one side took in the span up to each taker order, by lane


def push_through_state(lanes: int, parameters: PushThroughParameters) -> PushThroughState:
    """Return the state of `lanes` instruments without walls under attack."""
    head = np.zeros(lanes, HEAD)
    head["hash"] = params_hash(msgspec.structs.asdict(parameters))
    head["second"] = -1
    episodes = np.zeros((lanes, 2, EPISODES), EPISODE)
    episodes["quiet_until"] = NO_TIME
    return PushThroughState(
        head,
        parameter_rows(ROW, lanes, parameters),
        episodes,
        np.zeros((lanes, 2, EPISODES), BREAK),
        np.zeros((lanes, 2, BUYS), BUY),
        baseline_state([BaselineSpec(window_ns=HOUR_NS)] * lanes, slices=240),
    )
