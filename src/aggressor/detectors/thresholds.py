"""Thresholds: the parameter records of all detectors together, a profile's with what was changed.

A file of thresholds (TOML) has a table a detector with any of the fields of its record, and may say
which profile it was made for:

    profile = "micro"
    [absorption]
    quantile_ppm = 968_377
    [push_through]
    size_ppm = 950_000

What it does not name keeps the profile's value. `changes_in` reads such tables strictly: a
detector or field there is not, a value of another type or out of its range (`ranges`) is an error
that says where and what is allowed. `thresholds_of` puts them on a profile. The hash of a record is
in every signal, so a changed threshold is another hash.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import msgspec

from aggressor.detectors import (
    absorption,
    cascade_records,
    divergence,
    exhaustion,
    iceberg,
    pull,
    push_records,
    stop_records,
    trapped,
    vacuum,
)
from aggressor.detectors.absorption_records import AbsorptionParameters
from aggressor.detectors.cascade_records import CascadeParameters
from aggressor.detectors.divergence import DivergenceParameters
from aggressor.detectors.exhaustion import ExhaustionParams
from aggressor.detectors.iceberg_records import IcebergParameters
from aggressor.detectors.pull_records import PullParameters
from aggressor.detectors.push_records import PushThroughParameters
from aggressor.detectors.ranges import FIXED, ORDERED, Number, limits_of
from aggressor.detectors.stop_records import StopRunParameters
from aggressor.detectors.trapped import TrappedParameters
from aggressor.detectors.vacuum import VacuumParameters
from aggressor.features.diagonal import DIAGONAL_PROFILES, DiagonalParameters
from aggressor.features.parameters import PERP, PROFILES
from aggressor.features.wall_records import WALL_PROFILES, WallParameters
from aggressor.schema.errors import ConfigError
from aggressor.schema.settings import about, changed, read_table

Changes = Mapping[str, Mapping[str, Any]]
"""Detector -> field -> value: what differs from the profile."""

UNCHANGED: Changes = {}


class Thresholds(NamedTuple):
    """One parameter record a detector."""

    exhaustion: ExhaustionParams
    absorption: AbsorptionParameters
    iceberg: IcebergParameters
    pull: PullParameters
    vacuum: VacuumParameters
    push_through: PushThroughParameters
    stop_run: StopRunParameters
    cascade: CascadeParameters
    trapped: TrappedParameters
    divergence: DivergenceParameters
    stacking: DiagonalParameters
    wall: WallParameters


_PROFILES: dict[str, Mapping[str, Any]] = {
    "exhaustion": exhaustion.PROFILES,
    "absorption": absorption.PROFILES,
    "iceberg": iceberg.PROFILES,
    "pull": pull.PROFILES,
    "vacuum": vacuum.PROFILES,
    "push_through": push_records.PROFILES,
    "stop_run": stop_records.PROFILES,
    "cascade": cascade_records.PROFILES,
    "trapped": trapped.PROFILES,
    "divergence": divergence.PROFILES,
    "stacking": DIAGONAL_PROFILES,
    "wall": WALL_PROFILES,
}


def thresholds_of(profile: str, changes: Changes = UNCHANGED, where: str = "") -> Thresholds:
    """Return the records of a profile with `changes`; raise ConfigError (`where` names a file)."""
    if profile not in PROFILES:
        raise ConfigError(f"There is no profile {profile!r}; there is {', '.join(PROFILES)}.")
    read = changes_in(changes, where)
    found = {
        name: _with(profiles[profile], read.get(name, {})) for name, profiles in _PROFILES.items()
    }
    for name, low, high in ORDERED:
        least, most = getattr(found[name], low), getattr(found[name], high)
        if least > most:
            raise ConfigError(
                f"{_place(where)}: {name}.{low} = {least} is above {name}.{high} = {most}: lower "
                "the one or raise the other."
            )
    return Thresholds(**found)


def changes_in(tables: Mapping[str, Any], where: str = "") -> dict[str, dict[str, Any]]:
    """Return what tables change, each value of its field's type; raise ConfigError."""
    read = cast(msgspec.Struct, changed(_GROUP, tables, _place(where)))
    return {
        name: {field: getattr(getattr(read, name), field) for field in table}
        for name, table in tables.items()
    }


def read_thresholds(file: Path | str | None, profile: str) -> dict[str, dict[str, Any]]:
    """Return what a file changes of a profile; nothing where there is no file.

    Raises ConfigError for a file that cannot be, and for one made for another profile.
    """
    if file is None:
        return {}
    tables = read_table(file)
    made_for = tables.pop("profile", profile)
    if made_for != profile:
        raise ConfigError(
            f"{file}: profile = {made_for!r}, but the profile asked for is {profile!r}: say "
            f"--profile {made_for}, or take another file."
        )
    thresholds_of(profile, tables, str(file))
    return changes_in(tables, str(file))


def values_of(record: Any) -> dict[str, Number]:
    """Return the fields of a parameter record."""
    found = record._asdict() if hasattr(record, "_asdict") else msgspec.structs.asdict(record)
    return cast(dict[str, Number], found)


def _with(record: Any, changes: Mapping[str, Any]) -> Any:
    return type(record)(**{**values_of(record), **changes})


def _place(where: str) -> str:
    return where or "The thresholds"


def _settable(detector: str, record: Any) -> msgspec.Struct:
    """Return a group of settings with the fields of a record, each with its range."""
    fields: list[tuple[str, Any, Any]] = []
    for name, value in values_of(record).items():
        if name in FIXED.get(detector, ()):
            continue
        kind: Any = Annotated[type(value), about("")]
        if not isinstance(value, bool):
            low, high = limits_of(detector, name, value)
            kind = Annotated[kind, msgspec.Meta(ge=low, le=high)]
        fields.append((name, kind, value))
    return msgspec.defstruct(detector, fields, frozen=True, kw_only=True)()


def _group() -> msgspec.Struct:
    parts = {name: _settable(name, one[PERP]) for name, one in _PROFILES.items()}
    fields = [(name, type(part), part) for name, part in parts.items()]
    return msgspec.defstruct("thresholds", fields, frozen=True, kw_only=True)()


_GROUP = _group()
