"""Where things stand inside a store: one folder, named so that any tool finds its way.

    catalog.json                                   what is here; replaced atomically, last
    events/venue=V/symbol=S/date=D/START-SOURCE.parquet    EVENT columns, hive partitions
    raw/venue=V/date=D/SOURCE.zst                  messages as received
    state/SOURCE.state                             where decoding and books stood at the end
    live/START-V.zst                               what a recorder receives; see `segments`
    trials.jsonl                                   what was tried on it, a variant a line
    staging/                                       files being written; nothing here counts
    lock                                           held by the one process that imports

D is the UTC day of `ts_recv` as YYYY-MM-DD. A source is one imported file, named by the first 16
hex digits of the SHA-256 of its bytes; START is the part's first `ts_recv` in ns, so names sort in
time. Symbols may hold any character: everything outside `A-Z a-z 0-9 . _ -` is percent-encoded as
UTF-8, which the hive readers of DuckDB, Polars and pyarrow undo.

Invariant: every path of a store is made here and nowhere else.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import StoreError

DAY_NS = 86_400 * 1_000_000_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = "._-"


def safe_name(symbol: str) -> str:
    """Return `symbol` as a file name that is the same on every file system."""
    name = quote(symbol, safe=_PLAIN).replace("~", "%7E")
    return name.replace(".", "%2E") if name in {".", ".."} else name


def symbol_of(name: str) -> str:
    """Return the symbol that `safe_name` wrote as `name`."""
    return unquote(name)


def day_of(ts_ns: int) -> str:
    """Return the UTC date of a time in ns since the epoch as YYYY-MM-DD."""
    return (_EPOCH + timedelta(days=ts_ns // DAY_NS)).date().isoformat()


def day_ends(times_ns: NDArray[np.int64]) -> list[int]:
    """Return where each UTC day ends in times that are in order; the last is how many there are."""
    count = len(times_ns)
    if count and times_ns[0] // DAY_NS == times_ns[-1] // DAY_NS:
        return [count]
    return [*(np.flatnonzero(np.diff(times_ns // DAY_NS)) + 1).tolist(), count]


def split_id(instrument: str) -> tuple[str, str]:
    """Return (venue, symbol) of `venue:SYMBOL`; raise StoreError if it is not one."""
    venue, colon, symbol = instrument.partition(":")
    if not (venue and colon and symbol):
        raise StoreError(
            f"{instrument!r} does not name an instrument: write venue:SYMBOL, "
            "for example binance-usdm:BTCUSDT."
        )
    return venue, symbol


class Layout(NamedTuple):
    """The paths of one store."""

    root: Path

    @property
    def catalog(self) -> Path:
        """The catalog file."""
        return self.root / "catalog.json"

    @property
    def lock(self) -> Path:
        """The file that the importing process holds."""
        return self.root / "lock"

    @property
    def trials(self) -> Path:
        """The record of the variants of strategies that were tried on it."""
        return self.root / "trials.jsonl"

    @property
    def staging(self) -> Path:
        """The folder of files that do not count yet."""
        return self.root / "staging"

    @property
    def events(self) -> Path:
        """The hive-partitioned folder that DuckDB and Polars open."""
        return self.root / "events"

    @property
    def raw(self) -> Path:
        """The folder of raw captures."""
        return self.root / "raw"

    @property
    def live(self) -> Path:
        """The folder of a recorder's segments."""
        return self.root / "live"

    @property
    def states(self) -> Path:
        """The folder of decoder and book states."""
        return self.root / "state"

    def part(self, venue: str, symbol: str, first_ns: int, source: str) -> Path:
        """Return the Parquet file of one source, instrument and day."""
        folder = self.events / f"venue={safe_name(venue)}" / f"symbol={safe_name(symbol)}"
        return folder / f"date={day_of(first_ns)}" / f"{first_ns:019d}-{source}.parquet"

    def capture(self, venue: str, ts_ns: int, source: str) -> Path:
        """Return the raw capture of one source and day."""
        return self.raw / f"venue={safe_name(venue)}" / f"date={day_of(ts_ns)}" / f"{source}.zst"

    def state(self, source: str) -> Path:
        """Return where decoding and the books stood at the end of one source."""
        return self.states / f"{source}.state"

    def relative(self, path: Path) -> str:
        """Return a path inside the store as the catalog writes it."""
        return path.relative_to(self.root).as_posix()
