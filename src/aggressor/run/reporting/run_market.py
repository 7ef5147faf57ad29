"""The market that a run was made on: where a report finds the mids and the depth.

Beside a journal of paper or live lies its recording; the journal of a backtest says what it was
played on, a span of a store or a made market with its seed. What is not there (a store that was
moved, rows that were never written) is not known, and the report says so.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from aggressor.run.backtests.judging import null_market
from aggressor.run.backtests.market_source import NEVER_NS, Source, stored
from aggressor.run.imports.compaction import compact_segments
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import AggressorError, ConfigError, StoreError
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.files import locked
from aggressor.store.journal_reader import Run
from aggressor.store.layout import Layout
from aggressor.store.reader import Store

_ROWS = 1 << 18


def journal_of(path: Path) -> Path:
    """Return the journal that a person means: a file, or the one of a folder.

    Raises StoreError where there is none, ConfigError where a folder has several.
    """
    if path.is_file():
        return path
    found = sorted(path.glob("*.sqlite"))
    if not found:
        raise StoreError(f"There is no journal in {path}: nothing was traded or kept there yet.")
    if len(found) > 1:
        names = ", ".join(str(one) for one in found)
        raise ConfigError(f"{path} has several journals, name one: {names}.")
    return found[0]


class RunMarket:
    """The rows of every instrument of some runs; `why` says what is missing, empty: nothing."""

    def __init__(
        self,
        journal: Path,
        runs: Sequence[Run],
        step: Step = silent,
        source: Source | None = None,
    ) -> None:
        """`source`: the market, where the caller has it at hand."""
        config = runs[-1].config
        self.instruments = instruments_of(runs[-1])
        self.why = ""
        self._source = source
        self._store: Store | None = None
        self._span = min(one.began_ns for one in runs), NEVER_NS
        where = config.get("market")
        if source is not None:
            return
        try:
            if where is None:
                self._open_recording(journal.parent, step)
            else:
                self._source = _source_of(where)
        except AggressorError as trouble:
            self.why = str(trouble)

    def _open_recording(self, folder: Path, step: Step) -> None:
        try:
            with locked(Layout(folder).live / "lock"):
                compact_segments(folder, step=step)
        except StoreError:
            self.why = "It is still being recorded: what is not compacted yet is not seen."
        self._store = Store(folder)
        held = self._store.instruments
        missing = [one.id for one in self.instruments if one.id not in held]
        if missing:
            self.why = f"Nothing of {', '.join(missing)} was recorded in {folder}."

    @property
    def end_ns(self) -> int:
        """Until when the market was listened to; NO_TIME where nothing is known."""
        if self._source is not None:
            return self._source.last_ns
        if self._store is None:
            return NO_TIME
        held = [one.id for one in self.instruments if one.id in self._store.instruments]
        return max((p.last_ns for name in held for p in self._store.parts(name)), default=NO_TIME)

    def batches(self, lane: int) -> Iterator[Events]:
        """Yield the rows of one instrument in order; nothing where nothing is known."""
        if self._source is not None:
            yield from self._source.batches(lane)
        name = self.instruments[lane].id
        if self._store is None or name not in self._store.instruments:
            return
        feed = self._store.replay([name], *self._span)
        while (events := feed.poll(_ROWS)).size:
            yield events


def instruments_of(run: Run) -> tuple[Instrument, ...]:
    """Return what a run traded, by lane."""
    return tuple(msgspec.convert(run.config["instruments"], list[Instrument], strict=False))


def _source_of(where: dict[str, Any]) -> Source:
    if "null" in where:
        return null_market(where["null"], where["seed"], where["hours"])
    if "store" not in where:
        raise StoreError("The journal does not say which market the run was played on.")
    span = {"start": where["from"], "stop": where["to"]}
    return stored(Path(where["store"]), where["instruments"], **span)
