"""Every variant that was tried on a store, so that the best of many is judged as such (R10.4).

`STORE/trials.jsonl` has a line for each backtest that was held against its placebo: what was run,
a key over all of it, and what came of it. Lines are only added, each flushed to the disk; of lines
of one key the last counts, so that trying the same thing again is not another trial. A line that a
crash left torn is passed over.

Invariant: what cannot be written down is said in the result and never hides it.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import msgspec

from aggressor.run.assemble import Settings
from aggressor.run.backtests.market_source import Source
from aggressor.schema.errors import StoreError
from aggressor.store.files import storing
from aggressor.store.layout import Layout
from aggressor.study.trials import Correction, Outcome, corrected


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One variant: a strategy with its parameters on a span of an instrument."""

    key: str
    strategy: str
    instrument: str
    span: list[str]  # from, to, as they were given
    rule: dict[str, Any]  # what differs from the strategy's defaults
    profile: str
    latency_ms: str
    outcome: Outcome


def store_of(source: Source) -> Path | None:
    """Return the store that a market is a span of; None for a made one."""
    store = source.where.get("store")
    return None if store is None else Path(store)


def key_of(source: Source, settings: Settings) -> str:
    """Return what is the same for the same variant on the same span, and for nothing else."""
    told = msgspec.structs.replace(settings, params="")  # a file's name changes nothing
    where = {name: source.where[name] for name in sorted(source.where) if name != "store"}
    content = msgspec.json.encode([told, where, list(map(str, source.candles))], order="sorted")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def trials(store: Path) -> list[Trial]:
    """Return the variants tried on a store, in the order in which they were tried first."""
    path = Layout(store).trials
    found: dict[str, Trial] = {}
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as trouble:
        raise StoreError(f"Cannot read {path}: {trouble.strerror or trouble}.") from None
    for line in lines:
        try:
            trial = msgspec.json.decode(line, type=Trial)
        except msgspec.DecodeError:
            continue
        found[trial.key] = trial
    return list(found.values())


def others(source: Source, settings: Settings) -> list[Outcome]:
    """Return what the other variants came to that were tried on the store of this market."""
    store = store_of(source)
    if store is None:
        return []
    key = key_of(source, settings)
    return [one.outcome for one in trials(store) if one.key != key]


def note(source: Source, settings: Settings, outcome: Outcome) -> str:
    """Write a variant down; return "", or why that could not be done."""
    store = store_of(source)
    if store is None:
        return ""
    trial = Trial(
        key=key_of(source, settings),
        strategy=settings.strategy,
        instrument=source.instrument.id,
        span=[str(source.where.get(end) or "") for end in ("from", "to")],
        rule=settings.rule,
        profile=settings.profile,
        latency_ms=settings.latency_ms,
        outcome=outcome,
    )
    path = Layout(store).trials
    try:
        with storing(path), path.open("ab") as file:
            if file.tell() and not _ends_a_line(path):
                file.write(b"\n")
            file.write(msgspec.json.encode(trial) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except StoreError as trouble:
        return str(trouble)
    return ""


def list_trials(store: Path) -> dict[str, Any]:
    """Return every variant tried on a store, each with what is left of it among all of them."""
    every = trials(store)
    rows = []
    for trial in every:
        rest = [one.outcome for one in every if one.key != trial.key]
        left: Correction = corrected(trial.outcome, rest)
        rows.append({**msgspec.to_builtins(trial), "tried": msgspec.to_builtins(left)})
    return {"store": str(store), "variants": len(every), "trials": rows}


def _ends_a_line(path: Path) -> bool:
    """Return whether the last line is whole: a crash may have torn it."""
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
