"""A span of a store as a market that a desk can begin again and again."""

from collections.abc import Sequence
from pathlib import Path

from aggressor.run.backtests.market_source import stored
from aggressor.run.desk.course import Market
from aggressor.schema.errors import StoreError
from aggressor.schema.event import NO_TIME
from aggressor.store.reader import Store

OPENS_NS = 300_000_000_000  # of a recording that begins earlier, run before it is shown


def stored_market(
    store: Path, instruments: Sequence[str], start: str | None, stop: str | None
) -> Market:
    """Return a span of a store; all its instruments where none is named.

    Raises StoreError for what it does not hold, ConfigError for a moment that is none.
    """
    names = list(instruments) or sorted(Store(store).instruments)
    source = stored(store, names, start=start, stop=stop)
    if not source.rows or source.first_ns == NO_TIME:
        raise StoreError(f"Nothing of {', '.join(names)} was recorded in that span of {store}.")
    span = (source.first_ns, source.last_ns)
    return Market(
        mode="replay",
        title=f"A recording: {', '.join(names)}",
        instruments=source.instruments,
        feed=lambda: (source.feed(), lambda: ()),
        span_ns=span,
        opens_ns=min(span[0] + OPENS_NS, (span[0] + span[1]) // 2),
    )
