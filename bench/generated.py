"""The generated market of the peers' bench as our events, and its C floors.

`AGGRESSOR_PEERS` names a folder that holds gen.py and peers/ (common.py, floor.c, floorext.c);
`PEERS_DIR` a scratch folder for what is built, `PEERS_DATA` one for what is generated. Columns:
level updates by message and the trades between them; prices in ticks of 0.1, sizes in lots of
0.001.
"""

import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from market_maker import MS, tape

from aggressor.schema.event import LAST, TRADE, Events, empty_events
from aggressor.schema.instrument import ContractKind, Instrument

INSTRUMENT = Instrument(
    venue="binance-usdm",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)


def peers() -> Any:
    """Return the peers' `common` module: data loaders and the C floors."""
    folder = str(Path(os.environ["AGGRESSOR_PEERS"]) / "peers")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import common  # pyright: ignore[reportMissingImports]

    return common


def market_events(columns: dict[str, Any]) -> Events:
    """Return book and trades in order of ts_recv, 1 ms after the venue."""
    return tape(columns, MS)


def book_events(columns: dict[str, Any]) -> Events:
    """Return the book alone: CLEAR, then every level row."""
    events = market_events(columns)
    return events[events["kind"] != TRADE]


def trade_events(columns: dict[str, Any]) -> Events:
    """Return a stream of trades alone."""
    events = empty_events(len(columns["ts"]))
    events["kind"] = TRADE
    events["ts_venue"] = columns["ts"]
    events["ts_recv"] = columns["ts"] + MS
    events["price"] = columns["tick"]
    events["size"] = np.rint(columns["qty"] * 1000)
    events["side"] = 2 * columns["side"].astype(np.int8) - 1
    events["flags"] = LAST
    return events
