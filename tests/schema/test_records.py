"""Sizes and offsets of the records: a change here is a change of every file and every kernel."""

import numpy as np
import pytest

from aggressor.schema.command import COMMAND
from aggressor.schema.event import EVENT, NO_PRICE, PRICE_MAX
from aggressor.schema.report import REPORT
from aggressor.schema.signal import EVIDENCE_MAX, SIGNAL

LAYOUTS = {
    "event": (
        EVENT,
        32,
        "ts_recv:0 ts_venue:8 size:16 price:24 kind:28 side:29 flags:30 instrument:31",
    ),
    "report": (
        REPORT,
        64,
        "ts_recv:0 ts_venue:8 order:16 size:24 leaves:32 fee:40 price:48 reason:52 kind:54 side:55"
        " flags:56 instrument:57 reserved:58",
    ),
    "command": (
        COMMAND,
        64,
        "ts_send:0 order:8 parent:16 size:24 price:32 trigger:36 kind:40 type:41 tif:42 side:43"
        " flags:44 instrument:45 strategy:46 reserved:47",
    ),
    "signal": (
        SIGNAL,
        256,
        "ts_armed:0 ts_confirmed:8 ts_known:16 params:24 episode:32 score:40 low:48 high:52 kind:56"
        " phase:57 side:58 direction:59 provisional:60 failed:61 instrument:62 reserved:63"
        " evidence:80",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_size_and_offsets(name: str) -> None:
    dtype, size, offsets = LAYOUTS[name]
    assert dtype.itemsize == size
    assert dtype.fields is not None
    found = " ".join(f"{field}:{dtype.fields[field][1]}" for field in dtype.names or ())
    assert found == offsets


def test_no_field_leaves_a_hole() -> None:
    for dtype, size, _ in LAYOUTS.values():
        assert sum(dtype[name].itemsize for name in dtype.names or ()) == size


def test_sentinels_fit_their_fields() -> None:
    events = np.zeros(1, EVENT)
    for price in (NO_PRICE, PRICE_MAX):
        events[0]["price"] = price
        assert events[0]["price"] == price
    assert SIGNAL["evidence"].shape == (EVIDENCE_MAX,)
