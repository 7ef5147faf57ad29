"""`aggressor book`: the book at a moment, with what the ledger saw happen at each level.

The book is that of everything received up to the moment. Added, pulled and traded lots count since
the level appeared or since the last snapshot; a decrease may still turn from pulled into traded
within the ledger's tolerance, and that part is shown as provisional.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from aggressor.engine.levels import LEVEL, book_levels
from aggressor.market.health import FAULT_NAMES
from aggressor.run.parquet import with_units, write_parquet
from aggressor.run.progress import Step, silent
from aggressor.run.studies.studying import Moment, Study
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import ASK, BID, NO_PRICE, NO_TIME
from aggressor.schema.instrument import Instrument

_SIZES = ("lots", "added", "pulled", "provisional", "traded", "hidden", "refilled", "peak")
_UNITS = {"price": "ticks", "since_ns": "ns", **dict.fromkeys(_SIZES, "lots")}


def book_moment(
    store: Path | str,
    instrument: str,
    at_ns: int,
    profile: str = "perp",
    progress: Step = silent,
) -> tuple[Instrument, Moment]:
    """Return the pipeline after everything that was received up to `at_ns`.

    Raises StoreError where the recording had not begun.
    """
    study = Study(store, instrument, start_ns=at_ns, stop_ns=at_ns + 1, profile=profile)
    *_, moment = study.moments(progress=progress)
    if moment.now_ns == NO_TIME:
        raise StoreError(f"Nothing of {instrument} was received by then: choose a later --at.")
    return study.definition, moment


def book(
    store: Path | str,
    instrument: str,
    at_ns: int,
    levels: int = 20,
    progress: Step = silent,
) -> dict[str, Any]:
    """Return the document of the command."""
    if levels < 1:
        raise ConfigError(f"A book of {levels} levels cannot be shown: choose at least 1.")
    one, moment = book_moment(store, instrument, at_ns, progress=progress)
    pipe = moment.pipe
    head, faults = pipe.market.book.head[0], int(pipe.market.health.head[0]["faults"])
    rows = book_levels(pipe, 0, levels)
    tops = {name: int(head[name]) for name in ("bid", "ask")}
    return {
        "instrument": one.id,
        "at_ns": at_ns,
        "received_ns": moment.now_ns,
        "book_ns": _known(int(head["ts_recv"])),
        "valid": bool(head["valid"]),
        "faults": [name for bit, name in FAULT_NAMES.items() if faults & bit],
        **{
            name: None if ticks == NO_PRICE else one.price_text(ticks)
            for name, ticks in tops.items()
        },
        "quoted": bool(head["quoted"]),
        "levels": {"bid": int(head["bid_levels"]), "ask": int(head["ask_levels"])},
        "bids": [_level(one, row, moment.now_ns) for row in rows if row["side"] == BID],
        "asks": [_level(one, row, moment.now_ns) for row in rows if row["side"] == ASK],
    }


def _known(ns: int) -> int | None:
    return None if ns == NO_TIME else ns


def _level(one: Instrument, row: Any, now_ns: int) -> dict[str, Any]:
    sizes = {name: one.size_text(int(row[name])) for name in _SIZES}
    sizes["size"] = sizes.pop("lots")
    return {
        "price": one.price_text(int(row["price"])),
        "size": sizes.pop("size"),
        **sizes,
        "age_seconds": (now_ns - int(row["since_ns"])) / 1e9,
    }


def book_table(levels: NDArray[Any], instrument: Instrument) -> pa.Table:
    """Return LEVEL rows as columns, integers in ticks, lots and ns."""
    table = pa.table({name: levels[name] for name in LEVEL.names or ()})
    return table.cast(with_units(table.schema, _UNITS, instrument))


def book_parquet(
    store: Path | str,
    instrument: str,
    file: Path | str,
    at_ns: int,
    levels: int = 20,
    progress: Step = silent,
) -> dict[str, Any]:
    """Write the levels to a Parquet file; return what was written where."""
    one, moment = book_moment(store, instrument, at_ns, progress=progress)
    rows = write_parquet(file, [book_table(book_levels(moment.pipe, 0, levels), one)])
    return {"instrument": instrument, "levels": rows, "parquet": str(file)}
