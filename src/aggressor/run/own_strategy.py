"""Loading a strategy of one's own: `path/to/file.py:ClassName`.

The class needs a method `decide(view)`; its constructor's parameters are what `--params` may set.
Whatever is wrong with the file, the class or a parameter is said in one sentence.
"""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec

from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.own import CODE, OwnStrategy


def is_own(name: str) -> bool:
    """Return whether a strategy's name speaks of a file."""
    return ".py" in name or "/" in name or ":" in name


def own_strategy(
    name: str,
    table: Mapping[str, Any],
    where: str,
    instrument: Instrument,
    lane: int,
    code: int = CODE,
) -> OwnStrategy:
    """Return the strategy of a file, made with the parameters of `table`, for one instrument.

    `code` marks its orders: no other strategy of the run may have it.

    Raises ConfigError for a file, class, method or parameter that cannot be.
    """
    kind = strategy_class(name)
    try:
        made = kind(**_parameters(kind, table, where))
    except ConfigError:
        raise
    except Exception as trouble:
        raise ConfigError(
            f"{name} cannot be made: {type(trouble).__name__}: {trouble}."
        ) from trouble
    return OwnStrategy(instrument, lane, made, code)


def strategy_class(name: str) -> type[Any]:
    """Return the class that `path/to/file.py:ClassName` names, else raise ConfigError."""
    file, _, wanted = name.rpartition(":")
    if not file or not wanted.isidentifier():
        raise ConfigError(f"{name!r} names no class: write path/to/file.py:ClassName.")
    path = Path(file)
    if not path.is_file():
        raise ConfigError(f"{file} is not there: name the file of your strategy.")
    module = _module(path)
    kind = getattr(module, wanted, None)
    classes = [
        one
        for one, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__
    ]
    if not inspect.isclass(kind):
        raise ConfigError(f"{file} has no class {wanted}; it has {', '.join(classes) or 'none'}.")
    decide = getattr(kind, "decide", None)
    if not callable(decide):
        raise ConfigError(f"{wanted} of {file} has no method decide(view).")
    try:
        inspect.signature(decide).bind(None, None)
    except TypeError:
        raise ConfigError(
            f"decide of {wanted} of {file} must take one view: decide(self, view)."
        ) from None
    return kind


def _module(path: Path) -> ModuleType:
    """Run a file as a module of its own."""
    digest = hashlib.blake2b(str(path.resolve()).encode(), digest_size=6).hexdigest()
    name = f"aggressor_own_{path.stem}_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as trouble:
        del sys.modules[name]
        raise ConfigError(
            f"{path} cannot be loaded: {type(trouble).__name__}: {trouble}."
        ) from trouble
    return module


def _parameters(kind: type[Any], table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the constructor's arguments out of a table, each of its annotated type."""
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = {
        name: one for name, one in inspect.signature(kind).parameters.items() if one.kind in plain
    }
    hints = get_type_hints(kind.__init__) if known else {}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            allowed = ", ".join(known) or "nothing"
            raise ConfigError(f"{where}: {name} is not known; allowed here: {allowed}.")
        try:
            values[name] = msgspec.convert(value, hints.get(name, Any))
        except msgspec.ValidationError as trouble:
            raise ConfigError(f"{where}: {name} = {value!r}: {trouble}.") from None
    missing = [
        name
        for name, one in known.items()
        if one.default is inspect.Parameter.empty and name not in values
    ]
    if missing:
        raise ConfigError(f"{kind.__name__} needs {', '.join(missing)}: give it with --params.")
    return values
