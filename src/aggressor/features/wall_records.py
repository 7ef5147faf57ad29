"""What walls are kept as: records, parameters and the arrays of their state; see `walls`.

Sides are indexed 0 bid, 1 ask. Units: ticks, lots, ns of ts_recv.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.features.baseline import BaselineSpec, BaselineState, baseline_state
from aggressor.features.parameters import (
    MICRO,
    MILLISECOND_NS,
    MINUTE_NS,
    PERP,
    SECOND_NS,
    parameter_rows,
)
from aggressor.schema.event import NO_TIME
from aggressor.state import State

WALLS = 8  # listed per side and lane
STACKS = 4
ENDED = 64  # ended walls kept per lane; a power of two
LEVELS_MAX = 128  # near levels looked at per side: bounds the work of a timer
DISTANCES = 6  # octaves of effective ticks: 0, 1, 2-3, 4-7, 8-15, 16 and more
SIZE_SLICES = 120  # of 15 s: a baseline is known soon after the 60 s it must cover
ROUND_SIZES = 4096  # sizes kept per lane and kind of round price; a power of two

PLAIN = 0
TENS = 1  # a multiple of 10 in quote currency
HUNDREDS = 2

SIZE_FELL = 1  # why a wall ended: below half of its peak
LEVEL_GONE = 2  # its level was emptied and, if it stands again, is another one
BOOK_LOST = 3

WALL = np.dtype(
    [
        ("price", "<i8"),  # ticks
        ("lots", "<i8"),  # at the last sample
        ("peak", "<i8"),  # largest sample since it was listed
        ("distance", "<i8"),  # ticks behind its side's best at the last sample
        ("first_seen_ns", "<i8"),  # of the level, by the ledger
        ("listed_ns", "<i8"),  # when it became a wall
        ("ended_ns", "<i8"),
        ("z", "<f8"),  # when it last met all conditions
        ("ratio", "<f8"),
        ("slot", "<i8"),  # of the book's level, with `episode` its identity in the ledger
        ("episode", "<i8"),
        ("side", "i1"),
        ("kind", "u1"),  # PLAIN, TENS or HUNDREDS
        ("maturity", "u1"),  # of the baselines it was held against
        ("aged", "u1"),
        ("standing", "u1"),  # meets all conditions at the last sample
        ("live", "u1"),
        ("end", "u1"),  # SIZE_FELL, LEVEL_GONE or BOOK_LOST
    ],
    align=True,
)

STACK = np.dtype(
    [
        ("near", "<i8"),  # ticks: the end towards the best price
        ("far", "<i8"),
        ("lots", "<i8"),
        ("levels", "<i8"),
        ("ratio", "<f8"),  # lots over the median of one level
    ]
)

ROUND_SIZE = np.dtype([("ts_recv", "<i8"), ("lots", "<i8")])

ROUND_HEAD = np.dtype(
    [
        ("oldest", "<i8"),
        ("newest", "<i8"),
        ("first_ns", "<i8"),
        ("median", "<f8"),
        ("deviation", "<f8"),
        ("maturity", "<i8"),
    ]
)

USUAL = np.dtype(
    [
        ("slice", "<i8"),  # the baseline's slice when these were read
        ("bucket", "<i8"),  # of the quantile that a size is held against
        ("maturity", "<i8"),
    ]
)

WALLS_HEAD = np.dtype(
    [
        ("live", "<i8", (2,)),  # places of live walls, per side: bit i for place i
        ("roll_ns", "<i8"),  # when the baselines of sizes move next
        ("stacks", "<i8", (2,)),  # listed now, per side
        ("ended", "<i8"),  # walls ended so far
        ("unlisted", "<i8"),  # walls not listed because the list was full
        ("baseline_ns", "<i8"),  # when sizes last joined the baselines
        ("read_minute", "<i8"),  # when the round prices' medians were read
        ("looked_ns", "<i8"),  # when the near levels were last judged
        ("known", "i8"),  # 1: the last sample saw a valid book
    ]
)


class WallParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as a wall; `tens_ticks` and `hundreds_ticks` come from the instrument's tick."""

    reach: int = 20  # near levels: this many effective ticks
    z_min: float = 6.0
    ratio_min: float = 5.0
    quantile_ppm: int = 950_000
    age_ns: int = 500 * MILLISECOND_NS
    levels_min: int = 5  # fewer plain near levels have no median worth the name
    tens_ticks: int = 0  # 10 in quote currency as ticks; 0 where it is no whole number of ticks
    hundreds_ticks: int = 0
    baseline_ns: int = 30 * MINUTE_NS
    every_ns: int = SECOND_NS  # between two samples for the baselines
    look_ns: int = 500 * MILLISECOND_NS  # between two looks for new walls; listed ones: each sample


WALL_PROFILES = {
    PERP: WallParameters(),
    MICRO: WallParameters(reach=10, z_min=5.0, ratio_min=4.0, age_ns=2 * SECOND_NS),
}

WALLS_ROW = np.dtype(
    [
        (name, "<f8" if name in ("z_min", "ratio_min") else "<i8")
        for name in WallParameters.__struct_fields__
    ]
)


class WallsState(State, frozen=True):
    """Walls and stacks of every lane and side, and the sizes they are held against."""

    fixed_rows: ClassVar[bool] = True

    head: NDArray[Any]  # WALLS_HEAD, (lanes,)
    parameters: NDArray[Any]  # WALLS_ROW, (lanes,)
    walls: NDArray[Any]  # WALL, (lanes, 2, WALLS)
    stacks: NDArray[Any]  # STACK, (lanes, 2, STACKS)
    ended: NDArray[Any]  # WALL, (lanes, ENDED), a ring
    lots: NDArray[np.int64]  # (LEVELS_MAX,): of the near levels of the side under work, best first
    away: NDArray[np.int64]  # (LEVELS_MAX,): their ticks behind the best
    kinds: NDArray[np.int64]  # (LEVELS_MAX,): PLAIN, TENS or HUNDREDS
    rounds: NDArray[Any]  # ROUND_HEAD, (lanes, 2): TENS, HUNDREDS
    round_sizes: NDArray[Any]  # ROUND_SIZE, (lanes, 2, ROUND_SIZES), rings
    scratch: NDArray[np.int64]  # (ROUND_SIZES,)
    guesses: NDArray[np.int64]  # (lanes, 2, 2): of a side, what the last medians were
    usual: NDArray[Any]  # USUAL, (lanes, DISTANCES): what was last read of `sizes`
    sizes: BaselineState  # lots of near levels, index lane * DISTANCES + octave


def walls_state(lanes: int, parameters: WallParameters | Sequence[WallParameters]) -> WallsState:
    """Return the state of `lanes` instruments without walls."""
    rows = parameter_rows(WALLS_ROW, lanes, parameters)
    head = np.zeros(lanes, WALLS_HEAD)
    head["baseline_ns"] = head["looked_ns"] = NO_TIME
    head["read_minute"] = -1
    rounds = np.zeros((lanes, 2), ROUND_HEAD)
    rounds["first_ns"] = NO_TIME
    usual = np.zeros((lanes, DISTANCES), USUAL)
    usual["slice"] = -1
    specs = [BaselineSpec(window_ns=int(row["baseline_ns"])) for row in rows]
    return WallsState(
        head=head,
        parameters=rows,
        walls=np.zeros((lanes, 2, WALLS), WALL),
        stacks=np.zeros((lanes, 2, STACKS), STACK),
        ended=np.zeros((lanes, ENDED), WALL),
        lots=np.zeros(LEVELS_MAX, np.int64),
        away=np.zeros(LEVELS_MAX, np.int64),
        kinds=np.zeros(LEVELS_MAX, np.int64),
        rounds=rounds,
        round_sizes=np.zeros((lanes, 2, ROUND_SIZES), ROUND_SIZE),
        scratch=np.zeros(ROUND_SIZES, np.int64),
        guesses=np.zeros((lanes, 2, 2), np.int64),
        usual=usual,
        sizes=baseline_state(
            [spec for spec in specs for _ in range(DISTANCES)], slices=SIZE_SLICES
        ),
    )
