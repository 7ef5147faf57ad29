"""What the composite keeps: the records of lanes and groups, their limits, and the empty state.

    rows    (lanes,)              COMPOSITE_LANE
    groups  (groups,)             COMPOSITE_GROUP      sums by aggressor since 00:00 UTC of ts_venue
    members (groups, most lanes)  lane numbers, the reference first
    deviations (lanes, 128)       int64 ring: from the median of the others, 1e-4 bp
    buckets (groups, 2, buckets)  base units by distance from the reference mid, 0 bid, 1 ask
    tape    (groups, prints)      COMPOSITE_PRINT ring

Prices in quote currency as float64, sizes in base units, ages by ts_recv. See `composite`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.state import State

NO_GROUP = -1

OUT_NO_BOOK = 1
OUT_GAP = 2
OUT_CROSSED = 4
OUT_ONE_SIDED = 8
OUT_STALE = 16
OUT_SILENT = 32
OUT_NOT_TRADING = 64
OUT_DEVIATES = 128
OUT_RETURNING = 256  # no fault any more, but not for 5 s yet

OUT_NAMES = {
    OUT_NO_BOOK: "no book",
    OUT_GAP: "gap",
    OUT_CROSSED: "crossed",
    OUT_ONE_SIDED: "one side empty",
    OUT_STALE: "stale",
    OUT_SILENT: "heartbeat missed",
    OUT_NOT_TRADING: "not trading",
    OUT_DEVIATES: "price away from the others",
    OUT_RETURNING: "clean, but not for long enough",
}

PRINTS = 4096  # kept per group; a power of two
RING = 128  # deviations kept per lane; a power of two
GROUP_LANES_MAX = 32

COMPOSITE_LANE = np.dtype(
    [
        ("group", "<i8"),  # NO_GROUP: alone
        ("reference", "<i8"),  # lane
        ("inverse", "<i8"),
        ("tick", "<f8"),  # quote currency
        ("lot_base", "<f8"),  # base units a lot; of an inverse contract quote units a lot
        ("out", "<i8"),  # 0 live, else why not: every OUT_ bit since it was excluded
        ("faults", "<i8"),  # OUT_ bits of this moment
        ("admitted", "<i8"),  # 1: it has been live before
        ("clean_ns", "<i8"),  # ts_recv since when it has no fault; NO_TIME
        ("out_ns", "<i8"),  # ts_recv of the last exclusion; NO_TIME
        ("exclusions", "<i8"),
        ("deviations", "<i8"),  # how many were ever written
        ("stale_ns", "<i8"),  # silence allowed
        ("away_ns", "<i8"),  # since when it deviates; NO_TIME
        ("deviation_bp", "<f8"),  # of p_adj from the median of the others; nan
        ("sigma_bp", "<f8"),  # robust, of the same; nan not known
        ("mid", "<f8"),  # quote currency; nan
        ("basis", "<f8"),  # EWMA of mid - mid of the reference; nan before the first
        ("basis_ns", "<i8"),
        ("bid_base", "<f8"),  # within `reach` of its own mid, when last read; 0 while excluded
        ("ask_base", "<f8"),
        ("left_out_base", "<f8"),  # traded while excluded
    ]
)

COMPOSITE_GROUP = np.dtype(
    [
        ("reference", "<i8"),
        ("lanes", "<i8"),
        ("live", "<i8"),
        ("next_ns", "<i8"),  # of the next second's work
        ("ts_recv", "<i8"),  # of the book below; NO_TIME
        ("mid", "<f8"),  # adjusted, of the first live lane (the reference, while live); nan
        ("bid_base", "<f8"),  # within `reach` of each venue's own mid
        ("ask_base", "<f8"),
        ("truncated", "<i8"),  # 1: some ladder ended inside the reach
        ("day_end_ns", "<i8"),
        ("bought", "<f8"),
        ("sold", "<f8"),
        ("unknown", "<f8"),
        ("cvd", "<f8"),
        ("prints", "<i8"),
    ]
)

COMPOSITE_PRINT = np.dtype(
    [
        ("ts_recv", "<i8"),
        ("ts_venue", "<i8"),
        ("lane", "<i8"),
        ("side", "<i8"),
        ("base", "<f8"),
        ("price", "<f8"),  # p_adj, quote currency; nan while the basis is not known
    ]
)


class CompositeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of R6.5 and what the consolidated book covers."""

    stale_floor_ns: int = 500_000_000  # 3 s for thin contracts
    stale_silences: float = 5.0  # usual ones
    away_bp: float = 5.0
    away_sigma: float = 6.0
    away_ns: int = 500_000_000
    clean_ns: int = 5_000_000_000
    half_life_ns: int = 300_000_000_000
    second_ns: int = 1_000_000_000  # between two readings of basis and book
    median_min: int = 16  # deviations before their median is believed
    reach_bp: float = 5.0
    bucket_bp: float = 0.5
    levels_max: int = 1024  # a side and lane


COMPOSITE_PROFILES = {
    "perp": CompositeParameters(),
    "micro": CompositeParameters(stale_floor_ns=3_000_000_000, reach_bp=25.0, bucket_bp=2.5),
}

_FLOATS = ("stale_silences", "away_bp", "away_sigma", "reach_bp", "bucket_bp")
_PARAMETERS = np.dtype(
    [(name, "<f8" if name in _FLOATS else "<i8") for name in CompositeParameters.__struct_fields__]
)


class CompositeState(State, frozen=True):
    """All groups of one engine; see the module text."""

    rows: NDArray[Any]
    groups: NDArray[Any]
    members: NDArray[np.int64]  # (groups, lanes of the largest), NO_GROUP where there is none
    parameters: NDArray[Any]  # (groups,)
    deviations: NDArray[np.int64]
    scratch: NDArray[np.float64]  # (lanes + 1,)
    buckets: NDArray[np.float64]
    tape: NDArray[Any]


def composite_state(
    instruments: Sequence[Instrument],
    groups: Sequence[Sequence[int]] | None = None,
    parameters: CompositeParameters = COMPOSITE_PROFILES["perp"],
) -> CompositeState:
    """Return the composite of these lanes.

    `groups` lists the lanes of each underlying, the reference first; by default
    `groups_of(instruments)`. Lanes in no group cost nothing.
    """
    chosen = groups_of(instruments) if groups is None else groups
    rows = np.zeros(len(instruments), COMPOSITE_LANE)
    rows["group"] = rows["reference"] = NO_GROUP
    for name in ("clean_ns", "out_ns", "away_ns", "basis_ns"):
        rows[name] = NO_TIME
    for name in ("deviation_bp", "sigma_bp", "mid", "basis"):
        rows[name] = np.nan
    rows["out"] = rows["faults"] = OUT_NO_BOOK
    rows["stale_ns"] = parameters.stale_floor_ns
    heads = np.zeros(len(chosen), COMPOSITE_GROUP)
    heads["next_ns"] = heads["ts_recv"] = heads["day_end_ns"] = NO_TIME
    heads["mid"] = np.nan
    members = np.full((len(chosen), max(map(len, chosen), default=0)), NO_GROUP, np.int64)
    for g, lanes in enumerate(chosen):
        assert len(lanes) <= GROUP_LANES_MAX, "too many lanes in one group"
        heads[g]["reference"], heads[g]["lanes"] = lanes[0], len(lanes)
        members[g, : len(lanes)] = lanes
        rows["group"][list(lanes)], rows["reference"][list(lanes)] = g, lanes[0]
    for row, instrument in zip(rows, instruments, strict=True):
        row["inverse"] = instrument.kind is ContractKind.INVERSE
        row["tick"] = float(instrument.tick)
        row["lot_base"] = float(instrument.lot * instrument.multiplier)
    settings = np.zeros(len(chosen), _PARAMETERS)
    for name in _PARAMETERS.names or ():
        settings[name] = getattr(parameters, name)
    count = int(np.ceil(parameters.reach_bp / parameters.bucket_bp))
    return CompositeState(
        rows=rows,
        groups=heads,
        members=members,
        parameters=settings,
        deviations=np.zeros((len(instruments), RING), np.int64),
        scratch=np.zeros(len(instruments) + 1, np.float64),
        buckets=np.zeros((len(chosen), 2, count), np.float64),
        tape=np.zeros((len(chosen), PRINTS), COMPOSITE_PRINT),
    )


def groups_of(instruments: Sequence[Instrument]) -> list[list[int]]:
    """Return the lanes that share an underlying, by `base`, where there are at least two.

    The reference is the first linear lane, else the first.
    """
    by_base: dict[str, list[int]] = {}
    for k, one in enumerate(instruments):
        if one.base:
            by_base.setdefault(one.base, []).append(k)

    def linear_first(lanes: list[int]) -> list[int]:
        return sorted(lanes, key=lambda k: instruments[k].kind is not ContractKind.LINEAR)

    return [linear_first(lanes) for lanes in by_base.values() if len(lanes) > 1]


def out_names(bits: int) -> tuple[str, ...]:
    """Return the names of the reasons set in `bits`."""
    return tuple(name for bit, name in OUT_NAMES.items() if bits & bit)
