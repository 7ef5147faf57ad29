"""Settings that say what they are, and are read from tables where nothing is let pass by mistake.

A group of settings is a frozen struct. A field says its meaning and its unit with `about`:

    wait_ns: Annotated[int, about("post-only for so long", "ns")] = 3_000_000_000

so that a command can list them (`parameters_of`) and no second list has to be kept true. `changed`
puts the values of a table (of TOML, say) into such a struct: a key that is not known, or a value of
another type, is a ConfigError that says where it stands and what is allowed.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

import msgspec

from aggressor.schema.errors import ConfigError

S = TypeVar("S", bound=msgspec.Struct)


class Parameter(NamedTuple):
    """One setting: its path, its default, its unit and meaning."""

    name: str
    default: Any
    unit: str
    meaning: str


def about(meaning: str, unit: str = "") -> msgspec.Meta:
    """Return what is to be said of a setting: its meaning, and its unit where it has one."""
    return msgspec.Meta(description=meaning, extra={"unit": unit})


def parameters_of(group: msgspec.Struct, prefix: str = "") -> Iterator[Parameter]:
    """Yield the settings of a group in the order they stand in, those of its parts by path.

    A field of which nothing is said is not for setting and is left out.
    """
    hints = get_type_hints(type(group), include_extras=True)
    for name in group.__struct_fields__:
        value, path = getattr(group, name), f"{prefix}{name}"
        if isinstance(value, msgspec.Struct):
            yield from parameters_of(value, f"{path}.")
            continue
        for meta in getattr(hints[name], "__metadata__", ()):
            if isinstance(meta, msgspec.Meta):
                unit = str((meta.extra or {}).get("unit", ""))
                yield Parameter(path, value, unit, meta.description or "")


def changed(group: S, table: Mapping[str, Any], where: str, path: str = "") -> S:
    """Return `group` with the values of `table`; tables in it change the parts of the group.

    Raises ConfigError for a key that is not known or a value of another type, naming `where`, its
    path and what is allowed.
    """
    hints = get_type_hints(type(group), include_extras=True)
    allowed = {one.name.split(".")[0] for one in parameters_of(group)}
    changes: dict[str, Any] = {}
    for name, value in table.items():
        here = f"{path}{name}"
        if name not in allowed:
            known = ", ".join(one for one in group.__struct_fields__ if one in allowed)
            raise ConfigError(f"{where}: {here} is not known; allowed here: {known}.")
        part = getattr(group, name)
        if isinstance(part, msgspec.Struct):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{where}: {here} is a table of settings, not {value!r}.")
            changes[name] = changed(part, value, where, f"{here}.")
            continue
        try:
            changes[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as trouble:
            reason = str(trouble).removesuffix(".")
            raise ConfigError(f"{where}: {here} = {value!r}: {reason}.") from None
    return msgspec.structs.replace(group, **changes)


def read_table(file: Path | str) -> dict[str, Any]:
    """Return the table a TOML file holds. Raises ConfigError where it cannot be read."""
    try:
        return tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as trouble:
        reason = trouble.strerror or str(trouble)
        raise ConfigError(f"{file} cannot be read: {reason}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise ConfigError(f"{file} is no TOML: {trouble}.") from None
