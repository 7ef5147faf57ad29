"""CURVE: one row of numbers each second of the market, so that lines have a past to be drawn from.

Every value stands in the pipeline: columns by name, session sums of forced and organic flow, and of
taker orders by size. NaN is what is not known.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.engine.columns import COLUMNS, empty_row, read_columns
from aggressor.engine.parts import Pipeline
from aggressor.features.forced import FORCED_DELTA, ORGANIC_DELTA, SESSION, UNKNOWN
from aggressor.features.sizes import EDGES, NEVER, UNSORTED
from aggressor.schema.event import NO_TIME
from aggressor.web.protocol import Kind, frame

SECOND_NS = 1_000_000_000
_NS_MS = 1e6


class Line(NamedTuple):
    """What one place of a row holds."""

    name: str
    unit: str
    label: str
    group: str


_NAMED = (
    ("mid", "Mid", "price"),
    ("last_price", "Last", "price"),
    ("vwap_1m", "VWAP of the minute", "price"),
    ("cvd", "CVD", "cvd"),
    ("delta_1m", "Delta of a minute", "delta"),
    ("volume_1m", "Volume of a minute", "volume"),
    ("ofi_10s", "Order-flow imbalance, 10 s", "pressure"),
    ("queue_imbalance", "Queue imbalance", "imbalance"),
    ("imbalance_5", "Imbalance of five prices", "imbalance"),
    ("spread", "Spread", "spread"),
    ("bid_lots_10bp", "Bids within 10 bp", "depth"),
    ("ask_lots_10bp", "Asks within 10 bp", "depth"),
    ("order_rate", "Taker orders a second", "speed"),
    ("order_rate_z", "Their rate against the usual", "speed against the usual"),
    ("vpin", "VPIN", "toxicity"),
    ("open_interest", "Open interest", "open interest"),
    ("funding_rate", "Funding rate", "funding"),
    ("mark_price", "Mark price", "mark"),
    ("liquidated_longs_total", "Longs liquidated, at least", "forced"),
    ("liquidated_shorts_total", "Shorts liquidated, at least", "forced"),
)
_UNITS = {one.name: one.unit for one in COLUMNS}
_PLACES = [[one.name for one in COLUMNS].index(name) for name, _, _ in _NAMED]
BUCKETS = UNSORTED  # below it are the buckets, smallest orders first
LINES: Sequence[Line] = (
    Line("ms", "ms", "Time", "time"),
    *(Line(name, _UNITS[name], label, group) for name, label, group in _NAMED),
    Line("cvd_organic", "lots", "without forced orders", "cvd"),
    Line("cvd_forced", "lots", "of forced orders", "cvd"),
    *(
        Line(f"cvd_size_{n}", "lots", f"orders of size {n + 1} of {BUCKETS}", "cvd by size")
        for n in range(BUCKETS)
    ),
)


class Curves:
    """The rows of one lane."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self._second = -1
        self._row = empty_row()

    def row(self, pipe: Pipeline, now_ns: int) -> bytearray | None:
        """Return the row of a TIMER that begins a second; None at the others."""
        second = now_ns // SECOND_NS
        if second == self._second:
            return None
        self._second = second
        values = self.values(pipe, now_ns)
        return frame(Kind.CURVE, self.lane, now_ns, [values], count=1, aux=values.size)

    def values(self, pipe: Pipeline, now_ns: int) -> NDArray[np.float64]:
        """Return the values in the order of LINES."""
        k = self.lane
        read_columns(pipe, k, now_ns, self._row)
        split = pipe.forced.split[k, SESSION]
        forced = [
            np.nan if split[j] == UNKNOWN else float(split[j])
            for j in (ORGANIC_DELTA, FORCED_DELTA)
        ]
        return np.concatenate([[now_ns / _NS_MS], self._row[_PLACES], forced, self._by_size(pipe)])

    def _by_size(self, pipe: Pipeline) -> NDArray[np.float64]:
        """Return the session's delta by size of order; NaN where a bucket is not cut yet."""
        sizes, k = pipe.sizes, self.lane
        found = sizes.session[k]["delta"][:BUCKETS].astype(np.float64)
        if sizes.head[k]["slice"] == NO_TIME or sizes.edges[k, 0] == NEVER:
            return np.full(BUCKETS, np.nan)
        for n in range(1, BUCKETS):
            if n <= EDGES and sizes.edges[k, n - 1] == NEVER:
                found[n] = np.nan
        return found


def by_name(row: NDArray[np.float64]) -> dict[str, Any]:
    """Return a row of columns by name, None where not known."""
    return {
        one.name: None if value != value else value
        for one, value in zip(COLUMNS, row.tolist(), strict=True)
    }
