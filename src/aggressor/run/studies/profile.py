"""`aggressor profile`: what traded at which price in a span, with its nodes.

The profile is summed from one-minute bars that open in the span, in venue time, so it holds what
the footprint of the same span holds. Row height: as asked, else the smallest of 1, 2, 5, 10, 20 ...
ticks that gives at most ROWS_WANTED rows; point of control, value area and nodes are those of these
rows.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aggressor.features.bars import BAR
from aggressor.features.nodes import NODE_NAMES, Node, profile_nodes
from aggressor.features.profile import VolumeProfile, volume_profile
from aggressor.features.series import CELL
from aggressor.run.parquet import with_units, write_parquet
from aggressor.run.studies.bars import open_bars
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument

ROWS_WANTED = 200
_UNITS = {"price": "ticks", **dict.fromkeys(("sold", "bought", "unsided", "volume"), "lots")}


class SpanProfile(NamedTuple):
    """A profile and the bars it came from."""

    instrument: Instrument
    bars: NDArray[Any]  # BAR, of one minute
    cells: NDArray[Any]  # CELL, one a row of the profile, lowest first
    profile: VolumeProfile
    nodes: list[Node]


def span_profile(
    store: Path | str,
    instrument: str,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int | None = None,
) -> SpanProfile:
    """Return the profile of the minutes that open in [start, stop), ns of venue time.

    Memory grows with the prices and the minutes of the span. Raises ConfigError for rows that
    cannot be, StoreError for what the store does not hold.
    """
    if row_ticks is not None and row_ticks < 1:
        raise ConfigError(f"Rows of {row_ticks} ticks: choose at least 1.")
    definition, batches = open_bars(store, instrument, "1m", start_ns, stop_ns)
    bars: list[NDArray[Any]] = []
    cells = np.zeros(0, CELL)
    for closed in batches:
        bars.append(closed.bars)
        firsts = closed.bars["first_cell"]
        chosen = [
            closed.cells[a : a + n] for a, n in zip(firsts, closed.bars["cells"], strict=True)
        ]
        cells = merged_cells(np.concatenate([cells, *chosen]), 1)
    height = row_ticks or _fitting_rows(cells)
    cells = merged_cells(cells, height)
    profile = volume_profile(cells, height)
    nodes = profile_nodes(profile) if profile.total else []
    every = np.concatenate(bars) if bars else np.zeros(0, BAR)
    return SpanProfile(definition, every, cells, profile, nodes)


def merged_cells(cells: NDArray[Any], row_ticks: int) -> NDArray[Any]:
    """Return cells summed into rows of `row_ticks`, lowest first, without empty rows."""
    rows = cells["price"].astype(np.int64) // row_ticks * row_ticks
    prices, place = np.unique(rows, return_inverse=True)
    merged = np.zeros(prices.size, CELL)
    merged["price"] = prices
    for name in ("trades", "sold", "bought", "unknown"):
        np.add.at(merged[name], place, cells[name])
    return merged


def _fitting_rows(cells: NDArray[Any]) -> int:
    if cells.size == 0:
        return 1
    ticks = int(cells["price"][-1]) - int(cells["price"][0]) + 1
    return row_height(ticks, ROWS_WANTED)


def row_height(ticks: int, rows: int) -> int:
    """Return the smallest of 1, 2, 5, 10 ... that cuts `ticks` into at most `rows` rows."""
    height, step = 1, 0
    while ticks > height * rows:
        step += 1
        height = (1, 2, 5)[step % 3] * 10 ** (step // 3)
    return height


def profile(
    store: Path | str,
    instrument: str,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int | None = None,
) -> dict[str, Any]:
    """Return the document of the command; prices of a span without trades are null."""
    return profile_document(span_profile(store, instrument, start_ns, stop_ns, row_ticks))


def profile_document(found: SpanProfile) -> dict[str, Any]:
    """Return a profile as exact text, rows lowest first."""
    one, held = found.instrument, found.profile
    traded = held.total > 0
    return {
        "instrument": one.id,
        "from_ns": int(found.bars[0]["open_ns"]) if found.bars.size else None,
        "to_ns": int(found.bars[-1]["close_ns"]) if found.bars.size else None,
        "bars": found.bars.size,
        "row_ticks": held.row_ticks,
        "volume": one.size_text(held.total),
        "delta": one.size_text(int(held.delta.sum())),
        **{
            name: one.price_text(getattr(held, name)) if traded else None
            for name in ("poc", "vah", "val")
        },
        "nodes": [_node_document(one, node) for node in found.nodes],
        "rows": [
            {
                "price": one.price_text(int(cell["price"])),
                "sold": one.size_text(int(cell["sold"])),
                "bought": one.size_text(int(cell["bought"])),
                "unknown": one.size_text(int(cell["unknown"])),
                "trades": int(cell["trades"]),
            }
            for cell in found.cells
        ],
    }


def _node_document(instrument: Instrument, node: Node) -> dict[str, Any]:
    prices = {name: getattr(node, name) for name in ("low", "high", "edge_low", "edge_high")}
    return {
        "kind": NODE_NAMES[node.kind],
        **{name: instrument.price_text(ticks) for name, ticks in prices.items()},
        "smoothed_lots": node.volume,
    }


def profile_table(found: SpanProfile) -> pa.Table:
    """Return the rows of a profile as columns, integers in ticks and lots."""
    cells = found.cells
    volume = cells["sold"] + cells["bought"] + cells["unknown"]
    table = pa.table(
        {
            "price": cells["price"],
            "sold": cells["sold"],
            "bought": cells["bought"],
            "unsided": cells["unknown"],
            "volume": volume,
            "trades": cells["trades"],
        }
    )
    return table.cast(with_units(table.schema, _UNITS, found.instrument))


def profile_parquet(
    store: Path | str,
    instrument: str,
    file: Path | str,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    row_ticks: int | None = None,
) -> dict[str, Any]:
    """Write the rows of a profile to a Parquet file; return what was written where."""
    found = span_profile(store, instrument, start_ns, stop_ns, row_ticks)
    rows = write_parquet(file, [profile_table(found)])
    return {"instrument": instrument, "rows": rows, "parquet": str(file)}
