"""What a spoof-like pull is followed with: parameters, records and the arrays of its state.

See `pull` for the meaning. Places 0 .. 2 WALLS - 1 of a lane stand beside the list of walls
(`side index x WALLS + place in the list`), the LEAVING places behind them hold walls that have
gone and are not yet judged. Units: ticks, lots, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.outbox import params_hash
from aggressor.features.parameters import (
    HOUR_NS,
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.features.wall_records import WALLS
from aggressor.schema.event import NO_TIME
from aggressor.state import State

LEAVING = 16  # walls that have gone and are not yet judged, per lane
PLACES = 2 * WALLS + LEAVING
CHANGES = 16  # of a level's size kept per wall; a power of two
FLOWS = 512  # readings of the tape per lane, one a TIMER: 51 s at 100 ms; a power of two
NOTES = 32  # walls gone, kept per lane; a power of two
FAR = 2**62  # ticks: no touch was seen
PAST = 64  # pulls of unusual walls kept per lane and side; a power of two


class PullParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When a wall that goes away counts as a spoof-like pull."""

    far_ticks: int = 20  # D, effective ticks: a wall listed further off is not followed
    pull_ns: int = 500 * MILLISECOND_NS  # tau_p
    cancelled_share: float = 0.8  # of the peak, within tau_p
    fill_ratio: float = 0.05  # traded over peak
    life_min_ns: int = 500 * MILLISECOND_NS
    life_max_ns: int = 120 * SECOND_NS
    near_ticks: int = 3  # effective ticks
    approach_ticks: int = 3  # effective ticks that price came nearer, to call it an approach
    size_ppm: int = 990_000  # its peak is above this quantile of levels as far off
    repeats_min: int = 2
    repeat_ns: int = 10 * MINUTE_NS
    learn_ns: int = HOUR_NS  # how often such walls are pulled anyway is read over so long
    learn_min_ns: int = 10 * MINUTE_NS  # and not known before
    chance: float = 0.01  # that so many repeats are no more than that, at most
    similar: float = 0.25  # sizes this far apart are similar
    move_ticks: int = 1  # effective ticks: a re-peg
    move_ns: int = 250 * MILLISECOND_NS
    move_share: float = 0.8
    wide_ns: int = 500 * MILLISECOND_NS  # a book-wide pull: within this time
    wide_walls: int = 3  # so many other walls gone,
    wide_depth: float = 0.5  # or so much of all other depth
    around_ns: int = 2 * SECOND_NS  # prints before and after; then the last word
    flow_ns: int = 5 * SECOND_NS  # flow before and after the wall appeared
    layers_min: int = 3
    near_miss: float = 0.5  # cancelled share of a removal worth a row


PROFILES = {
    PERP: PullParameters(),
    MICRO: PullParameters(
        far_ticks=10,
        pull_ns=SECOND_NS,
        life_min_ns=2 * SECOND_NS,
        life_max_ns=600 * SECOND_NS,
        flow_ns=30 * SECOND_NS,
    ),
}

PARAMETERS_ROW = np.dtype(
    [
        (name, "<f8" if kind is float else "<i8")
        for name, kind in PullParameters.__annotations__.items()
    ]
)

PULL_HEAD = np.dtype(
    [
        ("undecided", "<i8"),  # walls gone that stood on an unknown baseline
        ("episodes", "<i8"),
        ("crowded", "<i8"),  # walls gone for which there was no place
        ("dirty", "<i8"),  # 1: a followed wall has fallen during this message
        ("leaving", "<i8"),
        ("listed", "<i8"),  # places beside the list of walls that are taken: bit j for place j
        ("notes", "<i8"),
        ("flows", "<i8"),
        ("past", "<i8", (2,)),
        ("since_ns", "<i8"),  # when walls were first followed; NO_TIME before
        ("nearest", "<i8", (2,)),  # ticks: least side x best price since the last TIMER, by side,
        ("nearing", "<i8", (2,)),  # and since the last depth message: who stood then is not known
        ("bought", "<i8"),  # lots, running sums
        ("sold", "<i8"),
        ("hash", "<u8"),
    ]
)

TRACK = np.dtype(
    [
        ("listed_ns", "<i8"),  # of the wall, with its slot its name; 0: the place is free
        ("slot", "<i8"),
        ("ledger_episode", "<i8"),
        ("side", "<i8"),
        ("price", "<i8"),
        ("stage", "<i8"),  # STANDING, FALLEN, CONFIRMED or MISSED
        ("counts", "<i8"),  # 1: it was listed 1 .. D effective ticks from the touch
        ("effective_tick", "<i8"),  # frozen
        ("maturity", "<i8"),  # of the wall's baselines
        ("young", "<i8"),
        ("first_seen_ns", "<i8"),
        ("since_ns", "<i8"),  # midway between the look that listed it and the one before, or
        ("grown", "<i8"),  # 1: since its level grew to twice what it showed, during this TIMER
        ("ts_armed", "<i8"),
        ("episode", "<i8"),
        ("z", "<f8"),
        ("ratio", "<f8"),
        ("start_distance", "<i8"),
        ("min_distance", "<i8"),
        ("near_ns", "<i8"),  # when price was last near; 0 never
        ("peak", "<i8"),
        ("usual", "<i8"),  # lots: the quantile its peak must exceed; 0 while unknown
        ("lots", "<i8"),
        ("start_traded", "<i8"),  # by the ledger, when it was listed
        ("traded", "<i8"),
        ("kept", "<i8"),  # lots + traded: falls by what is cancelled, net of what is added
        ("changes", "<i8"),
        ("change_ns", "<i8", (CHANGES,)),
        ("change_kept", "<i8", (CHANGES,)),
        ("listed_delta", "<i8"),  # running bought less sold when it was listed
        ("before_delta", "<i8"),  # over flow_ns before
        ("after_delta", "<i8"),  # over at most flow_ns after
        ("after_ns", "<i8"),
        ("noted", "<i8"),
        ("fallen_ns", "<i8"),
        ("fallen_venue", "<i8"),
        ("cancelled", "<i8"),
        ("pull_ns", "<i8"),
        ("failed", "<i8"),
        ("repeats", "<i8"),
        ("by_chance", "<f8"),  # chance of so many; 1 while not known
        ("layers", "<i8"),
        ("others", "<i8"),
        ("depth_before", "<i8"),  # near depth of both sides but for this wall
        ("behind", "<i8"),  # ticks behind the touch when it fell
        ("depth_loss", "<f8"),
        ("opposite_before", "<i8"),
        ("opposite_start", "<i8"),
    ]
)

NOTE = np.dtype(  # a wall that fell below half of its peak
    [
        ("ts", "<i8"),
        ("side", "<i8"),
        ("price", "<i8"),
        ("lots", "<i8"),  # its peak
        ("cancelled", "<i8"),  # 1: not traded
    ]
)
FLOW = np.dtype([("ts", "<i8"), ("bought", "<i8"), ("sold", "<i8")])
PAST_PULL = np.dtype([("ts", "<i8"), ("peak", "<i8"), ("price", "<i8")])


class PullState(State, frozen=True):
    """The walls followed on every lane."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # PULL_HEAD, (L,)
    parameters: NDArray[Any]  # PARAMETERS_ROW, (L,)
    slots: NDArray[np.int64]  # (L, PLACES): of the book; NO_SLOT where none is followed
    tracks: NDArray[Any]  # TRACK, (L, PLACES)
    notes: NDArray[Any]  # NOTE, (L, NOTES), a ring
    flows: NDArray[Any]  # FLOW, (L, FLOWS), a ring
    past: NDArray[Any]  # PAST_PULL, (L, 2, PAST), rings


def pull_state(lanes: int, parameters: PullParameters | Sequence[PullParameters]) -> PullState:
    """Return the state of `lanes` instruments of which no wall is followed."""
    each = [parameters] * lanes if isinstance(parameters, PullParameters) else list(parameters)
    head = np.zeros(lanes, PULL_HEAD)
    head["hash"] = [params_hash(msgspec.structs.asdict(one)) for one in each]
    head["since_ns"] = NO_TIME
    head["nearest"] = head["nearing"] = FAR
    past = np.zeros((lanes, 2, PAST), PAST_PULL)
    past["ts"] = NO_TIME
    return PullState(
        head,
        parameter_rows(PARAMETERS_ROW, lanes, each),
        np.zeros((lanes, PLACES), np.int64),
        np.zeros((lanes, PLACES), TRACK),
        np.zeros((lanes, NOTES), NOTE),
        np.zeros((lanes, FLOWS), FLOW),
        past,
    )
