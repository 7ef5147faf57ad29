"""`aggressor tape`: the taker orders of a span, prints merged back into what was sent.

The same merging and the same size classes as in the pipeline, without the rest of it: sizes are
judged by the orders before each one, those before the span included. An order that the venue had
merged already (BATCHED) may be several: its size is an upper bound.
"""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aggressor.engine.parts import prints_parameters
from aggressor.features.prints import (
    ORDERS,
    SIZE_NAMES,
    TAKER_ORDER,
    PrintsState,
    prints_state,
    run_prints,
)
from aggressor.run.parquet import with_units, write_parquet
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import CHUNK_ROWS, Study
from aggressor.schema.event import BATCHED, RPI, TIMER, TRADE, Events
from aggressor.schema.instrument import Instrument

_PIECE = ORDERS // 2  # rows between two readings of the ring: each ends one order at most
_UNITS = {
    **dict.fromkeys(("venue_ns", "recv_ns", "last_ns"), "ns"),
    **dict.fromkeys(("first", "last", "vwap"), "ticks"),
    **{"lots": "lots", "levels": "ticks"},
}
_SCHEMA = pa.schema(
    [
        ("venue_ns", pa.int64()),
        ("recv_ns", pa.int64()),
        ("last_ns", pa.int64()),
        ("side", pa.int8()),
        ("lots", pa.int64()),
        ("first", pa.int32()),
        ("last", pa.int32()),
        ("vwap", pa.float64()),
        ("levels", pa.int64()),
        ("prints", pa.int32()),
        ("sweep", pa.bool_()),
        ("size_class", pa.string()),
        ("batched", pa.bool_()),
        ("rpi", pa.bool_()),
    ]
)


def taker_orders(study: Study, progress: Step = silent) -> Iterator[NDArray[Any]]:
    """Yield TAKER_ORDER rows whose first print was received in the span, closed ones in order.

    An order still open when the rows end comes last.
    """
    prints = prints_state(1, prints_parameters(study.definition, study.profile))
    feed = study.replay()
    read = 0
    while (events := feed.poll(CHUNK_ROWS)).size:
        rows: Events = events[(events["kind"] == TRADE) | (events["kind"] == TIMER)]
        for first in range(0, rows.size, _PIECE):
            run_prints(rows, first, min(first + _PIECE, rows.size), prints)
            closed = int(prints.head[0]["orders"])
            taken = prints.orders[0, np.arange(read, closed) & (ORDERS - 1)]
            read = closed
            if (inside := taken[taken["ts_recv"] >= study.start_ns]).size:
                yield inside
        progress("reading", None)
    open_order = _open_order(prints)
    if (inside := open_order[open_order["ts_recv"] >= study.start_ns]).size:
        yield inside


def _open_order(prints: PrintsState) -> NDArray[Any]:
    row = prints.orders[0, [int(prints.head[0]["orders"]) & (ORDERS - 1)]]
    return row[row["open"] == 1]


def tape(
    store: Path | str,
    instrument: str,
    *,
    min_size: str | None = None,
    count: int = 100,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    progress: Step = silent,
) -> dict[str, Any]:
    """Return the last `count` taker orders of at least `min_size`, oldest first.

    Raises UnitError for a size off the grid, StoreError for what the store does not hold.
    """
    study = Study(store, instrument, start_ns=start_ns, stop_ns=stop_ns, profile=profile)
    least = study.definition.lots(min_size) if min_size else 0
    kept: deque[Any] = deque(maxlen=count)
    every = large = 0
    for rows in taker_orders(study, progress):
        rows = rows[rows["lots"] >= least]
        every += rows.size
        large += int((rows["size_class"] >= 2).sum())
        kept.extend(rows[-count:] if count else ())
    orders = np.array(list(kept), TAKER_ORDER)
    return {
        "instrument": instrument,
        "orders": [order_document(study.definition, one) for one in orders],
        "matching": every,
        "large": large,
    }


def order_document(instrument: Instrument, one: Any) -> dict[str, Any]:
    """Return one taker order with exact prices and sizes."""
    levels = abs(int(one["last"]) - int(one["first"])) + 1
    return {
        "venue_ns": int(one["ts_venue"]),
        "recv_ns": int(one["ts_recv"]),
        "last_ns": int(one["ts_last"]),
        "side": int(one["side"]),
        "size": instrument.size_text(int(one["lots"])),
        "first": instrument.price_text(int(one["first"])),
        "last": instrument.price_text(int(one["last"])),
        "prints": int(one["prints"]),
        "levels": levels,
        "sweep": levels > 1,
        "class": SIZE_NAMES[int(one["size_class"])],
        "batched": bool(one["flags"] & BATCHED),
        "rpi": bool(one["flags"] & RPI),
    }


def tape_table(orders: NDArray[Any], instrument: Instrument) -> pa.Table:
    """Return taker orders as columns, integers in ticks, lots and ns."""
    first, last = orders["first"].astype(np.int64), orders["last"].astype(np.int64)
    levels = abs(last - first) + 1
    vwap = first + orders["side"] * orders["away_tick_lots"] / np.maximum(orders["lots"], 1)
    columns = {
        "venue_ns": orders["ts_venue"],
        "recv_ns": orders["ts_recv"],
        "last_ns": orders["ts_last"],
        **{name: orders[name] for name in ("side", "lots", "first", "last", "prints")},
        "vwap": vwap,
        "levels": levels,
        "sweep": levels > 1,
        "size_class": [SIZE_NAMES[int(one)] for one in orders["size_class"]],
        "batched": (orders["flags"] & BATCHED) != 0,
        "rpi": (orders["flags"] & RPI) != 0,
    }
    arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
    return pa.Table.from_arrays(arrays, schema=with_units(_SCHEMA, _UNITS, instrument))


def tape_parquet(
    store: Path | str,
    instrument: str,
    file: Path | str,
    *,
    min_size: str | None = None,
    start_ns: int | None = None,
    stop_ns: int | None = None,
    profile: str = "perp",
    progress: Step = silent,
) -> dict[str, Any]:
    """Write every taker order of the span to a Parquet file; return what was written where."""
    study = Study(store, instrument, start_ns=start_ns, stop_ns=stop_ns, profile=profile)
    least = study.definition.lots(min_size) if min_size else 0
    first = [np.zeros(0, TAKER_ORDER)]  # a span without trades is a file without rows
    tables = (
        tape_table(rows[rows["lots"] >= least], study.definition)
        for part in (first, taker_orders(study, progress))
        for rows in part
    )
    return {
        "instrument": instrument,
        "orders": write_parquet(file, tables),
        "parquet": str(file),
    }
