"""What icebergs are followed with: parameters, records and the arrays of their state.

See `iceberg` for the meaning. A lane follows LEVELS levels of each side; what is looked at often
lies in arrays of its own, the rest in FOLLOWED. Units: ticks, lots, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

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
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.state import State, zeros_by_line

LEVELS = 16  # followed per lane and side: more are rarely hit within the life of an episode
REFILLS = 8  # kept per episode
VOLUME_SLICES = 60  # of the hour of the yardstick
FAR_OFF = 2**62


class IcebergParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When a level counts as an iceberg."""

    refill_ns: int = 300 * MILLISECOND_NS  # tau_r
    patience: int = 5  # an unrefilled fall ends it after this many tau_r
    fall_share: float = 0.5  # of the peak
    refill_share: float = 0.8  # of the median peak
    traded_share: float = 0.8  # of what left: below, the fall was not caused by trades
    refills_min: int = 3
    volume_ratio: float = 3.0  # of the largest displayed size
    cancelled_share: float = 0.2
    away_ticks: int = 2  # effective ticks
    away_ns: int = 100 * MILLISECOND_NS  # that the touch is so far ahead, to have left
    alarms_an_hour: float = 0.25  # by chance: traded volume must be above what leaves so many
    volumes_min: int = 20  # refilled levels; fewer of them are no yardstick
    shown_ppm: int = 990_000  # instead: this quantile of what levels that are hit display
    refractory_ns: int = 5 * SECOND_NS


PROFILES = {
    PERP: IcebergParameters(),
    MICRO: IcebergParameters(refill_ns=SECOND_NS, away_ns=SECOND_NS, refractory_ns=30 * SECOND_NS),
}

PARAMETERS_ROW = np.dtype(
    [
        (name, "<f8" if kind is float else "<i8")
        for name, kind in IcebergParameters.__annotations__.items()
    ]
)

HEAD = np.dtype(
    [
        ("undecided", "<i8"),  # levels hit while the effective tick was not known
        ("episodes", "<i8"),
        ("crowded", "<i8"),  # levels not followed because the list was full
        ("live", "<i8"),
        ("ahead", "<i8"),  # levels that the touch is far ahead of
        ("trigger", "<i8", (2,)),  # side x ticks: a best price this high may leave a level behind
        ("quiet_price", "<i8", (2,)),  # of the last confirmed episode
        ("quiet_ticks", "<i8", (2,)),
        ("quiet_until", "<i8", (2,)),
        ("hash", "<u8"),
    ]
)

# The order is that of use: the first 128 bytes, two lines of the cache, are what a look at a level
# touches that stands as it stood.
FOLLOWED = np.dtype(
    [
        ("ledger_episode", "<i8"),
        ("lots", "<i8"),
        ("traded", "<i8"),  # since it is followed, whatever ledgers the level has had
        ("pulled", "<i8"),
        ("added", "<i8"),
        ("hidden", "<i8"),
        ("waiting", "<i8"),  # lots whose attribution may still change
        ("ghost", "<i8"),  # of these, lots that left and may still have been traded
        ("seen_traded", "<i8"),  # of the ledger, when it was last read
        ("seen_pulled", "<i8"),
        ("seen_added", "<i8"),
        ("seen_hidden", "<i8"),
        ("pending", "<i8"),  # the last refill: 0 counted, 1 waits for the tape, 2 not counted
        ("stage", "<i8"),  # 0, ARMED or CONFIRMED
        ("refills", "<i8"),
        ("shown_hit_ns", "<i8"),  # first trade since the last row; NO_TIME: none
        ("phase", "<i8"),
        ("peak", "<i8"),  # largest displayed since the last refill
        ("shown_lots", "<i8"),  # by the last row; FAR_OFF where none is known
        ("shown_traded", "<i8"),  # sum when that row came
        ("shown_hidden", "<i8"),
        ("price", "<i8"),
        ("effective_tick", "<i8"),  # frozen
        ("max_lots", "<i8"),
        ("opened_ns", "<i8"),
        ("start_lots", "<i8"),
        ("fallen_ns", "<i8"),  # when it fell first
        ("low_pulled", "<i8"),  # sums when it fell
        ("low_start", "<i8"),
        ("low_added", "<i8"),  # put up since then, by others: it was no refill
        ("base_traded", "<i8"),  # at the last refill that counts
        ("base_pulled", "<i8"),
        ("met", "<i8"),  # 1: it once met R5.3, whatever is usual
        ("ts_armed", "<i8"),
        ("episode", "<i8"),
        ("pending_ns", "<i8"),
        ("pending_traded", "<i8"),  # before it, since the refill that counts; late prints go over
        ("pending_pulled", "<i8"),
        ("pending_fall_ns", "<i8"),
        ("spare", "<i8"),
        ("refill_ns", "<i8", (REFILLS,)),
        ("refill_lots", "<i8", (REFILLS,)),
        ("refill_peak", "<i8", (REFILLS,)),
        ("latency_ns", "<i8", (REFILLS,)),
    ]
)


class IcebergState(State, frozen=True):
    """The levels followed on every lane and side."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    prices: NDArray[np.int64]  # ticks; NO_PRICE where the place is free
    slots: NDArray[np.int64]  # of the book; NO_SLOT where free, or lost for now
    low: NDArray[np.int64]  # ts_recv of the fall; NO_TIME while displayed
    hits: NDArray[np.int64]  # ts_recv of the last trade; FAR_OFF while armed or confirmed
    leaves: NDArray[np.int64]  # side x ticks: a best price this high is far ahead of it
    ahead: NDArray[np.int64]  # ts_recv since when the touch is far ahead; NO_TIME: it is not
    levels: NDArray[Any]  # FOLLOWED
    # Lots traded at levels that were no iceberg: 2 k of those refilled twice and more, 2 k + 1 of
    # those that met R5.3 all the same.
    volumes: BaselineState
    shown: BaselineState  # most that was displayed at levels that were hit and were no iceberg


def iceberg_state(
    lanes: int, parameters: IcebergParameters | Sequence[IcebergParameters]
) -> IcebergState:
    """Return the state of `lanes` instruments of which no level is followed."""
    each = [parameters] * lanes if isinstance(parameters, IcebergParameters) else list(parameters)
    head = np.zeros(lanes, HEAD)
    head["quiet_price"], head["trigger"] = NO_PRICE, FAR_OFF
    head["quiet_until"] = NO_TIME
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    shape = (lanes, 2, LEVELS)
    specs = [BaselineSpec(HOUR_NS, samples_min=0)] * (2 * lanes)
    return IcebergState(
        head,
        parameter_rows(PARAMETERS_ROW, lanes, each),
        np.full(shape, NO_PRICE, np.int64),
        np.zeros(shape, np.int64),
        np.full(shape, NO_TIME, np.int64),
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.full(shape, NO_TIME, np.int64),
        zeros_by_line(2 * lanes * LEVELS, FOLLOWED).reshape(shape),
        baseline_state(specs, slices=VOLUME_SLICES),
        baseline_state([BaselineSpec(HOUR_NS)] * lanes, slices=VOLUME_SLICES),
    )
