"""The past of the 1 h and 4 h bias out of files of candles, given to a run before its first event.

    Binance   klines of the public archive (zip, gz or plain; with a header or without; ms or us)
    ours      Parquet of `aggressor footprint --bar 1h --parquet` (or a shorter bar of time)

Bars of an hour are used as they are; shorter ones are put together, and an hour counts only where
all of it is there. Longer ones cannot be taken apart: an error. Only hours that had closed before
the run's first event are used, so nothing of the future gets in; if hours are missing between the
last of them and the run, the bias starts its warm-up anew, and the report says how many.

Prices are exact and on the instrument's grid, or an error; the volume is rounded down to lots.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aggressor.context.bias import BiasState, seed_bias
from aggressor.features.bars import INFERRED, QUALITY_NAMES
from aggressor.schema.candle import Candles, checked_candles, empty_candles
from aggressor.schema.errors import MessageError
from aggressor.schema.event import PRICE_MAX
from aggressor.schema.instrument import Instrument
from aggressor.store.importers.archive import ArchiveText
from aggressor.store.importers.binance_archive import KLINES
from aggressor.store.importers.exact import (
    NOTHING,
    CellError,
    Ints,
    floor_of_column,
    steps_of_column,
    times_of,
)
from aggressor.store.importers.tables import is_table

HOUR_NS = 3_600_000_000_000
BYTES_MAX = 256 * 1024 * 1024  # a year of minutes is 60 MB
_PRICES = ("open", "high", "low", "close")
_FIELDS = 12
_OURS = ("instrument", "open_ns", "close_ns", "quality", "volume_text", "open_text")


class Seeded(NamedTuple):
    """What of some candles was used."""

    hours: int  # closed hours before the first event
    first_open_ns: int | None
    last_open_ns: int | None
    missing_hours: int  # between the last of them and the hour of the first event
    later: int  # hours left out: not closed by then

    def document(self, files: Sequence[Path]) -> dict[str, Any]:
        """Return this for a report."""
        return {"files": [str(file) for file in files], **self._asdict()}


def seed(
    bias: BiasState, lane: int, files: Sequence[Path], instrument: Instrument, first_ns: int
) -> Seeded:
    """Give a lane the closed hours of some files before `first_ns`, the first receive time.

    Raises MessageError (a file that is none, a bar off the grid, bars that contradict each other).
    """
    hours = hours_of(files, instrument)
    closed = hours["open_ns"] + HOUR_NS <= first_ns
    used = hours[closed]
    seed_bias(bias, lane, used)
    if not used.size:
        return Seeded(0, None, None, 0, int(hours.size))
    first, last = (int(one) for one in used["open_ns"][[0, -1]])
    missing = (first_ns // HOUR_NS * HOUR_NS - last) // HOUR_NS - 1
    return Seeded(int(used.size), first, last, missing, int((~closed).sum()))


def hours_of(files: Sequence[Path], instrument: Instrument) -> Candles:
    """Return the whole hours that are in some files, oldest first."""
    parts = [_bars_of(file, instrument) for file in files]
    every = np.concatenate([empty_candles(0), *(_whole_hours(*part) for part in parts)])
    every = every[np.argsort(every["open_ns"], kind="stable")]
    again = np.zeros(every.size, bool)
    again[1:] = every["open_ns"][1:] == every["open_ns"][:-1]
    if (every[1:][again[1:]] != every[:-1][again[1:]]).any():
        raise MessageError(
            f"The candles of {', '.join(str(file) for file in files)} say different things of the "
            "same hour: give files of one instrument."
        )
    return checked_candles(every[~again], HOUR_NS)


def _bars_of(file: Path, instrument: Instrument) -> tuple[Candles, int]:
    """Return the bars of one file and their span in ns."""
    try:
        candles, spans = (_ours if is_table(file) else _klines)(file, instrument)
    except CellError as bad:
        raise MessageError(
            f"{file}, bar {bad.row + 1}: {bad}. Give candles of {instrument.id}, or import it with "
            "a grid that holds them (--tick)."
        ) from None
    if not candles.size:
        return candles, HOUR_NS
    span = int(spans[0])
    if (spans != span).any() or span <= 0 or HOUR_NS % span:
        wanted = "1h, or of a minute or more that divide an hour"
        raise MessageError(
            f"{file} holds bars of {span / 1e9:g} s: give bars of {wanted} (1m, 5m, 15m, 30m)."
        )
    return candles, span


def _klines(file: Path, instrument: Instrument) -> tuple[Candles, Ints]:
    """Read Binance's klines."""
    text = b""
    for piece in ArchiveText(file).pieces():
        text += piece
        if len(text) > BYTES_MAX:
            raise MessageError(f"{file} holds more than {BYTES_MAX >> 20} MiB: split it by month.")
    lines = [line.split(",") for line in text.decode(errors="replace").splitlines() if line.strip()]
    bare = not lines or lines[0][0][:1].isdigit()
    names = list(KLINES) if bare else [name.strip() for name in lines[0]]
    if not set(KLINES) <= set(names):
        raise MessageError(
            f"{file} holds no klines: its columns are {', '.join(names)[:120]}, and "
            f"{', '.join(KLINES)} were expected."
        )
    rows = lines if bare else lines[1:]
    short = next((i for i, row in enumerate(rows) if len(row) < len(KLINES)), None)
    if short is not None:
        raise MessageError(
            f"{file}, line {short + 2 - bare}: {len(rows[short])} fields where {_FIELDS} were "
            "expected: the file was cut or is none of klines; download it again."
        )
    columns = {name: pa.array([row[names.index(name)] for row in rows]) for name in KLINES}
    if not rows:
        return empty_candles(0), np.zeros(0, np.int64)
    opens, closes = times_of(columns["open_time"]), times_of(columns["close_time"])
    unit = 1_000_000 if opens[0] % 1_000_000_000 == 0 and closes[0] % 10**6 == 0 else 1_000
    return _candles(opens, columns, instrument), closes + unit - opens


def _ours(file: Path, instrument: Instrument) -> tuple[Candles, Ints]:
    """Read bars of a footprint file; bars that are partial or of doubtful data are left out."""
    try:
        table = pq.ParquetFile(file)
        names = set(table.schema_arrow.names)
        if not set(_OURS) <= names:
            raise MessageError(
                f"{file} holds no bars: make it with `aggressor footprint STORE --instrument "
                f"{instrument.id} --bar 1h --parquet FILE`."
            )
        texts = [f"{name}_text" for name in (*_PRICES, "volume")]
        rows = table.read(["instrument", "open_ns", "close_ns", "quality", *texts])
    except (OSError, pa.ArrowException) as trouble:
        raise MessageError(f"{file} is not a Parquet file that can be read: {trouble}.") from None
    others = set(rows["instrument"].unique().to_pylist()) - {instrument.id}
    if others:
        raise MessageError(f"{file} holds bars of {', '.join(others)}, not of {instrument.id}.")
    good = [name for number, name in QUALITY_NAMES.items() if number <= INFERRED]
    rows = rows.filter(pa.array([one in good for one in rows["quality"].to_pylist()], pa.bool_()))
    columns = {n: rows[f"{n}_text"].combine_chunks() for n in (*_PRICES, "volume")}
    opens, closes = (np.asarray(rows[name]) for name in ("open_ns", "close_ns"))
    return _candles(opens, columns, instrument), closes - opens


def _candles(opens: Ints, columns: dict[str, Any], instrument: Instrument) -> Candles:
    candles = empty_candles(len(opens))
    candles["open_ns"] = opens
    volume = floor_of_column(columns["volume"], instrument.lot)
    candles["volume"] = np.where(volume == NOTHING, 0, volume)
    for name in _PRICES:
        ticks = steps_of_column(columns[name], instrument.tick)
        wrong = np.abs(ticks) > PRICE_MAX
        if wrong.any():
            row = int(np.argmax(wrong))
            raise CellError(row, columns[name][row].as_py(), "is no price that fits")
        candles[name] = ticks
    order = np.argsort(opens, kind="stable")
    return candles[order]


def _whole_hours(bars: Candles, span_ns: int) -> Candles:
    """Return bars put together into hours; an hour that lacks a bar is left out."""
    if span_ns == HOUR_NS or not bars.size:
        return bars
    hours = bars["open_ns"] // HOUR_NS
    starts = np.flatnonzero(np.append(True, hours[1:] != hours[:-1]))
    out = empty_candles(starts.size)
    out["open_ns"] = hours[starts] * HOUR_NS
    out["open"] = bars["open"][starts]
    out["close"] = bars["close"][np.append(starts[1:], bars.size) - 1]
    out["high"] = np.maximum.reduceat(bars["high"], starts)
    out["low"] = np.minimum.reduceat(bars["low"], starts)
    out["volume"] = np.add.reduceat(bars["volume"], starts)
    counts = np.diff(np.append(starts, bars.size))
    return out[counts == HOUR_NS // span_ns]
