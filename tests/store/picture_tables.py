"""Tables of pictures and trades as another recorder writes them, out of plain rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

START_MS = 1_771_214_400_000
Levels = Sequence[tuple[float, float]]


def write_pictures(
    path: Path, rows: Sequence[tuple[int, int, Levels, Levels]], market: str = "fut"
) -> Path:
    """Write rows (ms since START_MS, seq, bids, asks), received 100 ms after the venue's time."""
    columns = _named(len(rows), market) | _times([row[0] for row in rows])
    columns["seq"] = [row[1] for row in rows]
    for name, place in (("bids", 2), ("asks", 3)):
        columns[f"{name}_px"] = [[float(p) for p, _ in row[place]] for row in rows]
        columns[f"{name}_qty"] = [[float(q) for _, q in row[place]] for row in rows]
    return _written(path, columns)


def write_trades(
    path: Path, rows: Sequence[tuple[int, int, float, float, str]], market: str = "fut"
) -> Path:
    """Write rows (ms since START_MS, id, price, size, side)."""
    columns = _named(len(rows), market) | _times([row[0] for row in rows])
    columns["trade_id"] = [str(row[1]) for row in rows]
    for name, place in (("price", 2), ("qty", 3), ("side", 4)):
        columns[name] = [row[place] for row in rows]
    return _written(path, columns)


def _named(count: int, market: str) -> dict[str, list[Any]]:
    told = {"venue": "Binance", "market_type": market, "symbol": "BTCUSDT"}
    return {name: [value] * count for name, value in told.items()}


def _times(milliseconds: list[int]) -> dict[str, list[Any]]:
    return {
        "ts_ms": [START_MS + ms for ms in milliseconds],
        "exch_ts_ms": [START_MS + ms - 100 for ms in milliseconds],
    }


def _written(path: Path, columns: dict[str, list[Any]]) -> Path:
    pq.write_table(pa.table(columns), path)
    return path
