"""Where decoding and the books stood at the end of a source, so that the next one joins it.

One file per source: the decoder's own state (sequence numbers, ids, what waits for a snapshot), and
for each instrument the levels of its book as EVENT rows and the ends of the two streams that quote
checks join. The bytes depend only on the content, never on when or how it was imported.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zstandard

from aggressor.schema.errors import StoreError
from aggressor.schema.event import ASK, BID, EVENT, LAST, LEVEL, SNAPSHOT, Events
from aggressor.store.files import storing, write_aside

STATE_VERSION = 1


class LaneEnd(msgspec.Struct, kw_only=True):
    """One instrument at the end: its book, and what may still find its partner."""

    levels: bytes
    quotes: bytes
    depths: bytes


class SourceEnd(msgspec.Struct, kw_only=True):
    """One source at its end; lanes by symbol."""

    version: int = STATE_VERSION
    decoder: dict[str, Any]
    lanes: dict[str, LaneEnd]


def write_end(path: Path, end: SourceEnd) -> None:
    """Write a state aside; raises StoreError if the disk refuses."""
    packed = zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(end))
    with storing(path):
        write_aside(path, packed)


def read_end(path: Path) -> SourceEnd:
    """Read a state; raise StoreError if it is absent or damaged."""
    try:
        packed = path.read_bytes()
        return msgspec.msgpack.decode(
            zstandard.ZstdDecompressor().decompress(packed), type=SourceEnd
        )
    except (OSError, zstandard.ZstdError, msgspec.MsgspecError) as trouble:
        raise StoreError(
            f"Cannot read {path} ({trouble}): import the recordings into a new store."
        ) from None


def book_rows(levels: Any, instrument: int) -> Events:
    """Return one instrument's levels as the rows of a snapshot, bids before asks, best first.

    levels (n,) records with `lots`, `price`, `side`, `instrument`: the pool of a BookState.
    """
    own = levels[(levels["lots"] > 0) & (levels["instrument"] == instrument)]
    own = own[np.lexsort((-own["side"].astype(np.int64) * own["price"], -own["side"]))]
    rows = np.zeros(len(own), EVENT)
    rows["size"] = own["lots"]
    rows["price"] = own["price"]
    rows["side"] = np.where(own["side"] > 0, BID, ASK)
    rows["kind"] = LEVEL
    rows["flags"] = SNAPSHOT
    rows["instrument"] = instrument
    rows["flags"][-1:] |= LAST
    return rows
