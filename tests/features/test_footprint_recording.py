"""Footprint of a recorded session against a plain dictionary count, to the lot."""

import gzip
import json
from collections import defaultdict
from decimal import Decimal

import pytest

from aggressor.features.bars import DAY_NS, bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import footprint_bars
from aggressor.schema.event import LAST, NOT_FLOW, TRADE, empty_events
from tests.features.test_footprint import LINEAR
from tests.recordings import recording

MILLISECOND = 10**6


def recorded_trades():
    """Return (EVENT trades, [(ts, ticks, lots, side)]) of the recording, read line by line."""
    rows, received, flags = [], [], []
    with gzip.open(recording("binance-usdm/btcusdt_20240808.gz"), "rt") as lines:
        for line in lines:
            if '"e":"trade"' not in line:
                continue
            local, text = line.split(" ", 1)
            told = json.loads(text)["data"]
            ticks, lots = LINEAR.ticks(Decimal(told["p"])), LINEAR.lots(Decimal(told["q"]))
            rows.append((told["T"] * MILLISECOND, ticks, lots, -1 if told["m"] else 1))
            received.append(int(local))
            flags.append(LAST if told["X"] == "MARKET" else LAST | NOT_FLOW)
    events = empty_events(len(rows))
    events["ts_venue"], events["price"], events["size"], events["side"] = zip(*rows, strict=True)
    events["ts_recv"], events["flags"], events["kind"] = received, flags, TRADE
    flow = [row for row, flag in zip(rows, flags, strict=True) if not flag & NOT_FLOW]
    return events, flow


@pytest.fixture(scope="module")
def tape():
    return recorded_trades()


def split(tape, text):
    """Return the prints of each bar, volume bars cut at exactly 50 units."""
    if text == "1m":
        bars = defaultdict(list)
        for row in tape:
            bars[row[0] // (60_000 * MILLISECOND)].append(row)
        return [bars[key] for key in sorted(bars)]
    if text == "500t":
        return [tape[i : i + 500] for i in range(0, len(tape), 500)]
    bars, left = [[]], 50_000
    for ts, ticks, lots, side in tape:
        while lots:
            piece = min(lots, left)
            bars[-1].append((ts, ticks, piece, side))
            lots, left = lots - piece, left - piece
            if left == 0:
                bars.append([])
                left = 50_000
    return [bar for bar in bars if bar]


@pytest.mark.recording
@pytest.mark.parametrize("text", ["1m", "500t", "50v"])
def test_footprint_of_a_recording_equals_a_plain_count(tape, text):
    events, flow = tape
    series = BarSeries(0, bar_spec(text, LINEAR))
    chunks = (events[i : i + 1000] for i in range(0, events.size, 1000))
    found = list(footprint_bars(chunks, series))
    expected = split(flow, text)
    assert len(found) == len(expected)
    cvd, day = 0, flow[0][0] // DAY_NS
    for (bar, cells), prints in zip(found, expected, strict=True):
        count = defaultdict(lambda: [0, 0])
        running, path = 0, [0]
        for ts, ticks, lots, side in prints:
            if ts // DAY_NS != day:
                cvd, day = 0, ts // DAY_NS
            count[ticks][side > 0] += lots
            running += side * lots
            cvd += side * lots
            path.append(running)
        assert bar["volume"] == sum(lots for _, _, lots, _ in prints)
        assert (bar["delta"], bar["delta_min"], bar["delta_max"]) == (
            running,
            min(path),
            max(path),
        )
        assert bar["cvd"] == cvd
        assert bar["trades"] == len(prints)
        assert (bar["open"], bar["close"]) == (prints[0][1], prints[-1][1])
        assert (bar["low"], bar["high"]) == (min(count), max(count))
        assert [(int(c["price"]), [int(c["sold"]), int(c["bought"])]) for c in cells] == sorted(
            count.items()
        )
    assert sum(int(bar["volume"]) for bar, _ in found) == sum(row[2] for row in flow)
    qualities = [int(bar["quality"]) for bar, _ in found]
    assert qualities[-1] == 2
    assert qualities[1:-1] == [0] * (len(qualities) - 2)
