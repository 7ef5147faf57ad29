"""Recordings in Parquet: whole books as pictures, and trades, of one market, as lines.

Columns of a table of pictures (a row is a book) and of one of trades; others are passed over:

    both       ts_ms, exch_ts_ms    int64 ms: received, and the venue's time
               venue, market_type, symbol    text: Binance; fut or spot; BTCUSDT
    pictures   seq                  int64: grows when the book changed
               bids_px, bids_qty, asks_px, asks_qty    lists of float64, best first
    trades     trade_id, price, qty, side    text, float64, float64, buy or sell

Each row becomes a line in the words of the venue: a picture is an answer to a request for a
snapshot, in the envelope that names its symbol; a trade is a message of the trade stream. So all
that follows is the same as for recordings of lines. The tables of one market given in one command
are one recording, in order of receive time; of the same millisecond, trades come first.

Numbers are written with eight decimals; a value that has more is refused, never rounded. What such
a table cannot tell: what came and went between two pictures, who lies beyond the deepest level
shown, and whether a trade was a forced order or not one of the market at all.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aggressor.schema.errors import MessageError, StoreError
from aggressor.store.importers.lines import CHUNK_BYTES, Lines, ordered

NOTE = (
    "whole pictures of the book, no deltas: what came and went between two of them is not known, "
    "nothing is ever called pulled, and trades do not say whether they were forced"
)
VENUES = {("Binance", "fut"): "binance-usdm", ("Binance", "spot"): "binance-spot"}

_MARK = b"PAR1"
_BOTH = ("ts_ms", "exch_ts_ms", "venue", "market_type", "symbol")
_PICTURES = (*_BOTH, "seq", "bids_px", "bids_qty", "asks_px", "asks_qty")
_TRADES = (*_BOTH, "trade_id", "price", "qty", "side")
_SIDES = {"buy": "false", "sell": "true"}  # whether the buyer was the maker
_ROWS = 64  # pictures read at a time
_TRADE_ROWS = 4096
_PLAIN = pa.decimal128(38, 8)


def is_table(path: Path) -> bool:
    """Return whether a file begins as Parquet does; raise StoreError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MARK)) == _MARK
    except OSError as trouble:
        raise StoreError(f"Cannot read the recording {path}: {trouble.strerror}.") from None


class Market(NamedTuple):
    """Which market a table is of, as it says itself."""

    venue: str
    market_type: str
    symbol: str


def market_of(path: Path) -> Market:
    """Return the market a table is of; raise MessageError if it is no recording of one."""
    table = _opened(path)
    if not table.metadata.num_rows:
        return Market("", "", "")
    first = next(table.iter_batches(1, columns=list(_BOTH))).to_pylist()[0]
    return Market(first["venue"], first["market_type"], first["symbol"])


def _opened(path: Path) -> pq.ParquetFile:
    try:
        table = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as trouble:
        raise MessageError(f"{path} is not a Parquet file that can be read: {trouble}.") from None
    names = set(table.schema_arrow.names)
    if not (names >= set(_PICTURES) or names >= set(_TRADES)):
        raise MessageError(
            f"{path} is not a recording: a table needs the columns {', '.join(_PICTURES)}, "
            f"or {', '.join(_TRADES)}."
        )
    return table


class Reading:
    """How far a recording of several files was read; `path` is the first of them."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.path = paths[0]
        self.size_bytes = sum(path.stat().st_size for path in paths)
        self.bytes_read = 0


class TableFile:
    """The tables of one market as one recording of lines."""

    damage = ""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Open tables of one market; raise MessageError if they are of several."""
        self.file = Reading(paths)
        self.skipped: Counter[str] = Counter()
        self.paths = sorted(paths)
        markets = {market_of(path) for path in paths} - {Market("", "", "")}
        if len(markets) > 1:
            raise MessageError(f"{paths[0]} and {paths[-1]} are of different markets.")
        self.market = next(iter(markets), Market("", "", ""))
        self.venue = VENUES.get(self.market[:2], "")
        if markets and not self.venue:
            known = ", ".join(f"{venue} {kind}" for venue, kind in VENUES)
            raise MessageError(
                f"{paths[0]} is of the market {self.market.venue} {self.market.market_type}, which "
                f"is not known here; there is {known}."
            )

    def first_ns(self) -> int | None:
        """Return the receive time of the first row, None if there is none."""
        for lines in self.chunks():
            return int(lines.times[0])
        return None

    def chunks(self) -> Iterator[Lines]:
        """Yield all rows from the beginning as lines."""
        self.skipped.clear()
        self.file.bytes_read = 0
        return ordered(self._texts(), self.skipped)

    def _texts(self) -> Iterator[bytes]:
        """Yield texts of lines in order of receive time."""
        tables = [(path, _opened(path)) for path in self.paths]
        streams: list[Iterator[tuple[int, bytes]]] = []
        for path, table in tables:
            if "trade_id" in table.schema_arrow.names:
                streams.insert(0, self._trades(path, table))
            else:
                streams.append(self._pictures(path, table))
        lines: list[bytes] = []
        size = 0
        for _, line in heapq.merge(*streams, key=lambda entry: entry[0]):
            lines.append(line)
            size += len(line)
            if size >= CHUNK_BYTES:
                yield b"".join(lines)
                lines, size = [], 0
        if lines:
            yield b"".join(lines)

    def _batches(self, path: Path, table: pq.ParquetFile, rows: int, columns: Any) -> Iterator[Any]:
        size = path.stat().st_size
        for batch in table.iter_batches(rows, columns=list(columns)):
            yield batch
            self.file.bytes_read += size * batch.num_rows // max(table.metadata.num_rows, 1)

    def _pictures(self, path: Path, table: pq.ParquetFile) -> Iterator[tuple[int, bytes]]:
        for batch in self._batches(path, table, _ROWS, _PICTURES):
            bids, asks = (_levels(batch, side, path) for side in ("bids", "asks"))
            times = (batch[name].to_pylist() for name in ("ts_ms", "exch_ts_ms", "seq"))
            for ts_ms, venue_ms, seq, bid, ask in zip(*times, bids, asks, strict=True):
                text = (
                    f'{ts_ms * 1_000_000} {{"stream":"{self.market.symbol}@snapshot","data":'
                    f'{{"lastUpdateId":{seq},"E":{venue_ms},"T":{venue_ms},'
                    f'"bids":[{bid}],"asks":[{ask}]}}}}\n'
                )
                yield ts_ms, text.encode()

    def _trades(self, path: Path, table: pq.ParquetFile) -> Iterator[tuple[int, bytes]]:
        symbol = self.market.symbol
        for batch in self._batches(path, table, _TRADE_ROWS, _TRADES):
            price, size = (_plain(batch[name], path).to_pylist() for name in ("price", "qty"))
            names = ("ts_ms", "exch_ts_ms", "trade_id", "side")
            rows = zip(*(batch[name].to_pylist() for name in names), price, size, strict=True)
            for ts_ms, venue_ms, number, side, at, lots in rows:
                if side not in _SIDES:
                    self.skipped["a trade without buy or sell"] += 1
                    continue
                text = (
                    f'{ts_ms * 1_000_000} {{"stream":"{symbol.lower()}@trade","data":{{"e":"trade",'
                    f'"E":{venue_ms},"T":{venue_ms},"s":"{symbol}","t":{number},"p":"{at}",'
                    f'"q":"{lots}","m":{_SIDES[side]}}}}}\n'
                )
                yield ts_ms, text.encode()


def _levels(batch: pa.RecordBatch, side: str, path: Path) -> list[str]:
    """Return the levels of one side of every picture as JSON pairs with commas between."""
    lists = [batch[f"{side}_px"], batch[f"{side}_qty"]]
    price, size = (_plain(_called("list_flatten", one), path) for one in lists)
    counts, others = (_called("list_value_length", one) for one in lists)
    if not counts.equals(others):
        raise MessageError(f"{path}: a picture has not as many sizes as prices on its {side}.")
    texts = (pa.scalar('["'), price, pa.scalar('","'), size, pa.scalar('"]'), pa.scalar(""))
    ends = _called("cumulative_sum", counts.cast(pa.int32()))
    starts = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    pairs = pa.ListArray.from_arrays(starts, _called("binary_join_element_wise", *texts))
    return _called("binary_join", pairs, pa.scalar(",")).to_pylist()


def _plain(values: Any, path: Path) -> Any:
    """Return floats as decimal text of eight digits; raise MessageError where that loses any."""
    text = pc.cast(pc.cast(values, _PLAIN, safe=False), pa.string())
    if not pc.cast(text, pa.float64()).equals(values):
        raise MessageError(f"{path} holds a price or size of more than eight decimals.")
    return text


def _called(name: str, *arguments: Any) -> Any:
    return pc.call_function(name, list(arguments))
