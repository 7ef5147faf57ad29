"""Tables that say their units, and tables into one Parquet file, whole or not at all."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from aggressor.schema.errors import StoreError
from aggressor.schema.instrument import Instrument


def write_parquet(file: Path | str, tables: Iterable[pa.Table]) -> int:
    """Write tables of one schema behind each other; return the rows written.

    The file appears when it is complete. Raises StoreError where it cannot be written, or where
    there is no table at all.
    """
    part = Path(file).with_name(Path(file).name + ".part")
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for table in tables:
            writer = writer or pq.ParquetWriter(part, table.schema, compression="zstd")
            writer.write_table(table)
            rows += table.num_rows
        if writer is None:
            raise StoreError(f"That span has no trades and no rows: nothing was written to {file}.")
        writer.close()
        part.replace(file)
    except OSError as trouble:
        if isinstance(trouble, StoreError):
            raise
        raise StoreError(f"Cannot write {file}: {trouble}. Choose another place.") from None
    finally:
        part.unlink(missing_ok=True)
    return rows


def with_units(schema: pa.Schema, units: Mapping[str, str], instrument: Instrument) -> pa.Schema:
    """Return a schema whose fields say their unit, and which says what a tick and a lot are."""
    fields = [
        field.with_metadata({"unit": units[field.name]}) if field.name in units else field
        for field in schema
    ]
    return pa.schema(
        fields,
        metadata={
            "instrument": instrument.id,
            "tick": str(instrument.tick),
            "lot": str(instrument.lot),
            "multiplier": str(instrument.multiplier),
        },
    )
