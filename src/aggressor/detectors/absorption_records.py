"""What absorption is followed with: parameters, records and the arrays of its state.

See `absorption` for the meaning. Side index 0 bid, 1 ask; heights are side x ticks, so that the
best price is the highest on both sides. Units: ticks, lots, ns of ts_recv.
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
from aggressor.schema.event import NO_TIME
from aggressor.state import State

SAMPLES = 1024  # w of 60 s at 100 ms and more; a power of two
BASELINE_SLICES = 240  # of 15 s: the baseline is known soon after the 60 s it must cover
ZONE_TICKS_MAX = 128  # bounds the work of a timer


class AbsorptionParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When flow counts as absorbed."""

    window_ns: int = 10 * SECOND_NS  # w
    confirm_ns: int = 5 * SECOND_NS  # T
    zone_ticks: int = 1  # effective ticks
    quantile_ppm: int = 990_000
    range_ratio: float = 1.0  # of the usual range of the mid, that flow should have moved it by
    range_part: int = 4  # of w: the pressure lasts this part of it at least
    displayed_ratio: float = 2.0
    hold_ns: int = 250 * MILLISECOND_NS
    leave_ns: int = SECOND_NS
    impact_ratio: float = 0.25
    rate_ratio: float = 0.5
    rate_ns: int = SECOND_NS
    bounce_ticks: int = 2  # effective ticks
    refractory_ns: int = 5 * SECOND_NS
    every_ns: int = SECOND_NS  # between two samples for the baseline
    baseline_ns: int = HOUR_NS


PROFILES = {
    PERP: AbsorptionParameters(),
    MICRO: AbsorptionParameters(
        window_ns=60 * SECOND_NS,
        confirm_ns=30 * SECOND_NS,
        zone_ticks=2,
        leave_ns=2 * SECOND_NS,
        rate_ns=6 * SECOND_NS,
        refractory_ns=30 * SECOND_NS,
    ),
}

PARAMETERS_ROW = np.dtype(
    [
        (name, "<f8" if kind is float else "<i8")
        for name, kind in AbsorptionParameters.__annotations__.items()
    ]
)

HEAD = np.dtype(
    [
        ("undecided", "<i8"),
        ("episodes", "<i8"),
        ("samples", "<i8"),
        ("baseline_ns", "<i8"),  # when zone volumes last joined the baseline
        ("quantile", "<i8"),  # lots
        ("maturity", "<i8"),
        ("armed", "<i8"),  # sides
        ("hash", "<u8"),
    ]
)

SAMPLE = np.dtype(
    [
        ("ts", "<i8"),
        ("hit", "<i8"),  # running sums: lots taken in the zone,
        ("taken", "<i8"),  # lots taken on this side at any price,
        ("refilled", "<i8"),  # the ledger's refilled and hidden lots of this side
        ("displayed", "<i8"),  # in the zone now
        ("mid2", "<i8"),
    ]
)

ZONE = np.dtype(
    [
        ("known", "<i8"),
        ("low", "<i8"),  # height of the end away from the market
        ("ticks", "<i8"),
        ("effective_tick", "<i8"),
        ("best", "<i8"),  # height, at the last look
        ("below_ns", "<i8"),  # since when the best is below the zone; NO_TIME: it is not
        ("above_ns", "<i8"),
        ("broken", "<i8"),  # 1: it was below for longer than hold_ns
        ("hit", "<i8"),
        ("taken", "<i8"),
        ("first", "<i8"),  # number of the sample at which the window starts
        ("phase", "<i8"),
        ("episode", "<i8"),
        ("armed_ns", "<i8"),
        ("ts_armed", "<i8"),
        ("quiet_until", "<i8"),
        ("start_ns", "<i8"),  # the sample at the start of the window, at arming
        ("start_hit", "<i8"),
        ("start_taken", "<i8"),
        ("start_refilled", "<i8"),
        ("start_lots", "<i8"),
        ("start_mid2", "<i8"),
        ("start_other", "<i8"),  # lots taken on the other side until then
        ("window_rate", "<f8"),  # lots per ns
        ("threshold", "<f8"),
        ("quantile", "<i8"),
        ("impact", "<f8"),
        ("start_net", "<i8"),  # lots of this side less those of the other, where that was least
        ("pressed", "<i8"),  # lots: the most that flow into the zone was one-sided
        ("range", "<f8"),  # ticks: usual range of the mid while pressed, at arming
        ("peak", "<i8"),
        ("bounce", "<i8"),  # ticks
        ("young", "<i8"),
        ("impact_seen", "<f8"),  # impact ratio and rate ratio at the last look
        ("rate_seen", "<f8"),
        ("move", "<f8"),
    ]
)


class AbsorptionState(State, frozen=True):
    """The zones of every lane, their samples, and what a zone usually takes."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    zones: NDArray[Any]  # ZONE, (L, 2)
    samples: NDArray[Any]  # SAMPLE, (L, 2, SAMPLES)
    volumes: BaselineState  # lots per w in a zone, both sides together, one per lane


def absorption_state(
    lanes: int, parameters: AbsorptionParameters | Sequence[AbsorptionParameters]
) -> AbsorptionState:
    """Return the state of `lanes` instruments without zones."""
    single = isinstance(parameters, AbsorptionParameters)
    each = [parameters] * lanes if single else list(parameters)
    head = np.zeros(lanes, HEAD)
    head["baseline_ns"] = NO_TIME
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    zones = np.zeros((lanes, 2), ZONE)
    zones["below_ns"] = zones["above_ns"] = zones["quiet_until"] = NO_TIME
    return AbsorptionState(
        head,
        parameter_rows(PARAMETERS_ROW, lanes, each),
        zones,
        np.zeros((lanes, 2, SAMPLES), SAMPLE),
        baseline_state(
            [BaselineSpec(one.baseline_ns, one.window_ns + one.confirm_ns) for one in each],
            slices=BASELINE_SLICES,
        ),
    )
