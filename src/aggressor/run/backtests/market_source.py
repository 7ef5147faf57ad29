"""A market that can be played again and again: a span of a store, or a made one.

`Source` is what a backtest, its sweep, its placebo and its report read: the same rows each time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from aggressor.engine.ports import Feed
from aggressor.reports.moments import moment_ns
from aggressor.run.assemble import Assembly
from aggressor.run.studies.candles import seed
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_INSTRUMENT, NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.store.reader import Store

NEVER_NS = 2**63 - 1
_ROWS = 1 << 18


class Source(NamedTuple):
    """A market of one or more instruments, in the order of the events' lanes."""

    instruments: tuple[Instrument, ...]
    feed: Callable[[], Feed]
    rows: int
    first_ns: int  # of receive time
    last_ns: int
    candles: Sequence[Path] = ()  # files of closed hours before it: the past of the bias
    where: Mapping[str, Any] = MappingProxyType({})  # how a report finds the same rows again

    @property
    def instrument(self) -> Instrument:
        """The first instrument."""
        return self.instruments[0]

    def begin(self, assembly: Assembly) -> dict[str, Any]:
        """Give an engine that has seen nothing the past; return what a report says of it."""
        if not self.candles:
            return {}
        if len(self.instruments) > 1:
            raise ConfigError("Candles of the past are of one instrument: name only one.")
        bias = assembly.engine.pipeline.bias
        used = seed(bias, 0, self.candles, self.instrument, self.first_ns)
        return {"candles": used.document(self.candles)}

    def batches(self, lane: int) -> Iterator[Events]:
        """Yield the rows of one instrument, TIMERs with them, from the beginning."""
        feed = self.feed()
        while (events := feed.poll(_ROWS)).size:
            if len(self.instruments) > 1:
                lanes = events["instrument"]
                events = events[(lanes == lane) | (lanes == NO_INSTRUMENT)]
            yield events


def stored(
    store: Path,
    instruments: str | Sequence[str],
    *,
    start: str | None = None,
    stop: str | None = None,
    candles: Sequence[Path] = (),
) -> Source:
    """Return a span of a store. Raises StoreError for what it does not hold."""
    names = [instruments] if isinstance(instruments, str) else list(instruments)
    if len(set(names)) < len(names):
        raise ConfigError("An instrument is named twice.")
    opened = Store(store)
    start_ns, stop_ns = moment_ns(start), moment_ns(stop)
    span = (
        NO_TIME if start_ns is None else start_ns,
        NEVER_NS if stop_ns is None else stop_ns,
    )
    definitions = tuple(opened.definition(name, *span) for name in names)
    parts = [part for name in names for part in opened.parts(name, *span)]
    return Source(
        definitions,
        lambda: opened.replay(names, *span),
        sum(part.quality.events for part in parts),
        max(span[0], min((part.first_ns for part in parts), default=span[0])),
        min(span[1], max((part.last_ns for part in parts), default=span[1])),
        candles if parts else (),
        {"store": str(store.resolve()), "instruments": names, "from": start, "to": stop},
    )
