"""The synthetic market obeys a matching engine's law, and publishes exactly what it holds."""

import hashlib
import itertools
import os
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from aggressor.schema.errors import ConfigError
from aggressor.schema.event import (
    CLEAR,
    FUNDING,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    QUOTE,
    SNAPSHOT,
    TRADE,
)
from aggressor.sim.synthetic.book import ADD, FILL
from aggressor.sim.synthetic.config import SCENARIO_KINDS, MarketConfig, lively
from aggressor.sim.synthetic.market import SyntheticFeed, generate, record
from aggressor.sim.synthetic.truth import book_at, level_truth, queue_track
from tests.naive.synthetic_book import FifoBook

BUSY = lively(
    MarketConfig(
        seed=5,
        rate=2.0,
        quotes=True,
        log=True,
        mark_interval_ms=1000,
        interest_interval_ms=5000,
        funding_interval_ms=10_000,
        scenarios=SCENARIO_KINDS,
        warmup_s=5.0,
        gap_s=1.0,
        gap_min_s=1.0,
    )
)


@pytest.fixture(scope="module", params=[100, 0])
def tape(request):
    config = msgspec.structs.replace(BUSY, depth_interval_ms=request.param)
    return record(config, 90)


def digest(chunks):
    total = hashlib.sha256()
    for chunk in chunks:
        total.update(chunk.tobytes())
    return total.hexdigest()


def test_fills_follow_price_time_priority(tape):
    book = FifoBook()
    for row in tape.log:
        book.apply(row)
    last = int(tape.log["ts_venue"][-1])
    assert book.depth() == book_at(tape.log, last)


def test_every_trade_row_is_a_fill(tape):
    trades = tape.events[tape.events["kind"] == TRADE]
    fills = tape.log[tape.log["action"] == FILL]
    assert trades.size > 100
    assert np.array_equal(trades["size"], fills["lots"])
    assert np.array_equal(trades["price"], fills["price"])
    assert np.array_equal(trades["ts_venue"], fills["ts_venue"])
    assert np.array_equal(trades["side"], -fills["side"])


def test_each_sweep_has_a_venue_time_of_its_own(tape):
    trades = tape.events[tape.events["kind"] == TRADE]
    same = np.diff(trades["ts_venue"]) == 0
    assert same.any()
    assert np.all(trades["side"][1:][same] == trades["side"][:-1][same])
    step = np.diff(trades["price"].astype(int))[same] * trades["side"][1:][same]
    assert np.all(step >= 0)


def test_depth_messages_rebuild_the_book_exactly(tape):
    truth = FifoBook()
    rows = iter(tape.log)
    row = next(rows)
    shown = {}
    messages = 0
    for event in tape.events[np.isin(tape.events["kind"], [LEVEL, CLEAR])]:
        key = (int(event["side"]), int(event["price"]))
        if event["kind"] == CLEAR:
            shown.clear()
        elif event["size"]:
            shown[key] = int(event["size"])
        else:
            del shown[key]
        if event["flags"] & LAST:
            while row is not None and row["ts_venue"] <= event["ts_venue"]:
                truth.apply(row)
                row = next(rows, None)
            assert shown == truth.depth()
            messages += 1
    assert messages > 500


def test_quotes_are_the_touch(tape):
    quotes = tape.events[tape.events["kind"] == QUOTE]
    bids, asks = quotes[0::2], quotes[1::2]
    assert np.all(bids["side"] == 1)
    assert np.all(asks["side"] == -1)
    assert np.all(asks["price"] > bids["price"])
    assert np.all(bids["flags"] == 0)
    assert np.all(asks["flags"] == LAST)
    for bid, ask in list(zip(bids, asks, strict=True))[::997]:
        book = book_at(tape.log, bid["ts_venue"])
        best_bid = max(price for side, price in book if side == 1)
        best_ask = min(price for side, price in book if side == -1)
        assert (bid["price"], ask["price"]) == (best_bid, best_ask)
        assert (bid["size"], ask["size"]) == (book[1, best_bid], book[-1, best_ask])


def test_stream_begins_with_a_snapshot_and_is_in_order(tape):
    events = tape.events
    assert events["kind"][0] == CLEAR
    assert not events["flags"][0] & LAST
    stop = int(np.flatnonzero(events["flags"] & LAST)[0]) + 1
    assert np.all(events["kind"][1:stop] == LEVEL)
    assert np.all(events["flags"][1:stop] & SNAPSHOT)
    assert np.all(np.diff(events["ts_recv"]) >= 0)
    assert np.all(events["ts_recv"] - events["ts_venue"] >= BUSY.latency_ms * 1e6)
    assert np.all(np.isin([MARK, INTEREST, FUNDING], events["kind"]))
    depth = events[np.isin(events["kind"], [LEVEL, QUOTE])]
    assert np.all(np.diff(depth["ts_venue"]) >= 0)


def test_level_truth_adds_up(tape):
    book = book_at(tape.log, int(tape.log["ts_venue"][-1]))
    for side, price in {(int(r["side"]), int(r["price"])) for r in tape.log[::50]}:
        truth = level_truth(tape.log, side, price)
        rests = book.get((side, price), 0)
        assert truth.added - truth.traded - truth.cancelled == rests


def test_queue_place_only_falls(tape):
    filled = tape.log[tape.log["action"] == FILL]["order"]
    checked = 0
    for order in np.unique(filled)[5:400:40]:
        track = queue_track(tape.log, int(order))
        ahead = [entry[1] for entry in track]
        left = [entry[2] for entry in track]
        assert all(later <= earlier for earlier, later in itertools.pairwise(ahead))
        assert all(lots == left[0] or place == 0 for _, place, lots in track if lots)
        checked += 1
    assert checked >= 5


def test_orders_present_at_the_start_are_in_the_log(tape):
    start = tape.log[tape.log["ts_venue"] == BUSY.start_ns]
    assert np.all(start["action"] == ADD)
    first = tape.events[: int(np.flatnonzero(tape.events["flags"] & LAST)[0]) + 1]
    assert first["size"].sum() == start["lots"].sum()


def test_same_seed_same_bytes_another_seed_others():
    first = digest(generate(BUSY, 40))
    assert digest(generate(BUSY, 40)) == first
    assert digest(generate(msgspec.structs.replace(BUSY, seed=6), 40)) != first


@pytest.mark.parametrize("limit", [1, 7, 1000, 10**6])
def test_poll_limit_changes_nothing(limit):
    feed = SyntheticFeed(BUSY, 12)
    chunks = []
    while (events := feed.poll(limit)).size:
        assert events.size <= limit
        chunks.append(events)
    assert digest(chunks) == digest(generate(BUSY, 12))


def test_an_endless_feed_goes_on_as_a_longer_one():
    endless = SyntheticFeed(BUSY)
    head = np.concatenate([endless.poll(1000) for _ in range(6)])
    longer = record(BUSY, 60).events
    assert np.array_equal(head, longer[: head.size])


_SHORT = """
import hashlib, msgspec
from aggressor.sim.synthetic.config import MarketConfig, SCENARIO_KINDS, lively
from aggressor.sim.synthetic.market import record
config = lively(MarketConfig(seed=3, quotes=True, log=True, burn_in_s=2.0, scenarios=SCENARIO_KINDS,
    drift=0.5, warmup_s=1.0, gap_s=0.1, gap_min_s=0.1, mark_interval_ms=1000, run_ticks=8.0))
tape = record(config, 45)
print(hashlib.sha256(tape.events.tobytes() + tape.log.tobytes()
    + msgspec.json.encode(tape.labels)).hexdigest(), len(tape.labels))
"""


def test_jit_off_gives_the_same_bytes():
    def run(**extra):
        result = subprocess.run(
            [sys.executable, "-c", _SHORT],
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.split()

    compiled = run()
    assert int(compiled[1]) >= 2
    assert run(NUMBA_DISABLE_JIT="1") == compiled


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0.0},
        {"burst_branching": 1.0},
        {"depth_interval_ms": 15},
        {"scenarios": ("ghost",)},
        {"difficulties": ()},
        {"reach": 4},
        {"start_price": 100},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError):
        MarketConfig(**wrong)


def test_cascades_tell_of_liquidations():
    config = msgspec.structs.replace(BUSY, scenarios=("cascade",), liquidation_interval_ms=1000)
    tape = record(config, 60)
    forced = tape.events[tape.events["kind"] == LIQUIDATION]
    assert forced.size >= 3
    assert np.all(np.diff(forced["ts_venue"]) >= 1_000_000_000 - 1)
