"""Event streams for the tests of the market layer: by hand, at random, or from a recording."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    GAP,
    LAST,
    LEVEL,
    NOT_FLOW,
    PRICE_MAX,
    QUOTE,
    RPI,
    SNAPSHOT,
    STALE,
    TIMER,
    TRADE,
    Events,
    empty_events,
)

MS = 1_000_000
Row = tuple[int, int, int, int, int, int]  # ms, kind, side, price, lots, flags


def events_of(rows: list[Row], instrument: int = 0) -> Events:
    """Return EVENT records; the venue's time is 1 ms before ours."""
    events = empty_events(len(rows))
    for event, (ms, kind, side, price, lots, flags) in zip(events, rows, strict=True):
        event["ts_recv"] = ms * MS
        event["ts_venue"] = (ms - 1) * MS
        event["kind"], event["side"], event["flags"] = kind, side, flags
        event["price"], event["size"], event["instrument"] = price, lots, instrument
    return events


def snapshot(ms: int, bids: dict[int, int], asks: dict[int, int]) -> list[Row]:
    """Return the rows of a snapshot: CLEAR, levels, LAST on the last."""
    rows: list[Row] = [(ms, CLEAR, 0, 0, 0, SNAPSHOT)]
    for side, levels in ((BID, bids), (ASK, asks)):
        rows += [(ms, LEVEL, side, price, lots, SNAPSHOT) for price, lots in levels.items()]
    return [*rows[:-1], (*rows[-1][:5], rows[-1][5] | LAST)]


def mirrored(events: Events) -> Events:
    """Return the same story with negated prices and swapped sides."""
    mirror = events.copy()
    mirror["price"] = -mirror["price"]
    mirror["side"] = -mirror["side"]
    return mirror


near = st.integers(990, 1010)
prices = st.one_of(
    near,
    near,
    near,
    st.sampled_from([1000 - 300, 1000 + 300, 40_000, -40_000, -PRICE_MAX, PRICE_MAX]),
)
sides = st.sampled_from([BID, ASK])
steps = st.sampled_from([0, 0, 0, 1, 7, 40, 60])
lots = st.integers(0, 9)


@st.composite
def streams(draw: Any, length: int = 60, synced: bool = True) -> Events:
    """Draw a stream of one instrument; it opens with a snapshot when `synced`."""
    ms = 1000
    rows = snapshot(ms, {1000: 30, 999: 20, 700: 4}, {1001: 10, 1003: 40}) if synced else []
    for _ in range(draw(st.integers(1, length))):
        ms += draw(steps)
        choice = draw(st.integers(0, 19))
        if choice <= 10:
            flags = draw(st.sampled_from([LAST, LAST, 0, 0, LAST | STALE]))
            rows.append((ms, LEVEL, draw(sides), draw(prices), draw(lots), flags))
        elif choice <= 15:
            flags = LAST | draw(st.sampled_from([0, 0, 0, 0, RPI, NOT_FLOW]))
            side = draw(st.sampled_from([1, 1, -1, -1, 0]))
            rows.append((ms, TRADE, side, draw(prices), draw(st.integers(1, 9)), flags))
        elif choice == 16:
            stale = draw(st.sampled_from([0, 0, STALE]))
            rows.append((ms, QUOTE, BID, draw(near), draw(lots), stale))
            rows.append((ms, QUOTE, ASK, draw(near), draw(lots), stale | LAST))
        elif choice == 17:
            rows.append((ms, TIMER, 0, 0, 100, 0))
        elif choice == 18:
            rows.append((ms, CLEAR, 0, 0, 0, GAP | LAST))
        else:
            rows += snapshot(ms, {draw(near): 5, 900: 1}, {draw(near) + 5: 6})
    return events_of(rows)


def random_events(seed: int, count: int, lanes: int = 2) -> Events:
    """Return a long seeded walk of `lanes` instruments with far levels, sweeps and gaps."""
    rng = np.random.default_rng(seed)
    rows = [snapshot(0, {100: 5}, {101: 5}) for _ in range(lanes)]
    parts = [events_of(part, k) for k, part in enumerate(rows)]
    middle = [100] * lanes
    for i in range(count):
        k = int(rng.integers(lanes))
        middle[k] += int(rng.integers(-3, 4)) + (
            int(rng.integers(-400, 400)) if rng.random() < 0.01 else 0
        )
        side = int(rng.choice((BID, ASK)))
        away = int(rng.geometric(0.2)) if rng.random() < 0.9 else int(rng.integers(1, 100_000))
        price = middle[k] - side * away
        kind = TRADE if rng.random() < 0.2 else LEVEL
        size = int(rng.integers(1, 9)) if kind == TRADE or rng.random() < 0.6 else 0
        parts.append(events_of([(i // 3, kind, side, price, size, LAST)], k))
        if rng.random() < 0.002:
            fresh = snapshot(i // 3, {middle[k] - 1: 4}, {middle[k] + 1: 4})
            parts.append(events_of([(i // 3, CLEAR, 0, 0, 0, GAP | LAST), *fresh], k))
    return np.concatenate(parts)


def recorded_events(path: Path) -> tuple[Events, list[tuple[int, int, int]]]:
    """Read a raw USD-M capture: its events, and (row, bid, ask) where a quote is of that update."""
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    quotes: dict[int, tuple[int, int]] = {}
    ended: dict[int, int] = {}
    last, synced = 0, False

    def put(recv: int, venue: int, message: Any, flags: int) -> None:
        for side, field in ((BID, "bids" if flags else "b"), (ASK, "asks" if flags else "a")):
            for price, size in message[field]:
                rows.append((recv, venue, LEVEL, side, tick(price), lot(size), flags))
        *_, flags = rows[-1]
        rows[-1] = (*rows[-1][:6], flags | LAST)

    with gzip.open(path, "rt") as capture:
        lines = capture.readlines()
    for line in lines:
        recv_text, text = line.split(" ", 1)
        recv, message = int(recv_text), json.loads(text)
        if "lastUpdateId" in message:
            rows.append((recv, recv, CLEAR, 0, 0, 0, SNAPSHOT))
            put(recv, message["T"] * MS, message, SNAPSHOT)
            last, synced = message["lastUpdateId"], True
            continue
        body = message["data"]
        kind = body["e"]
        if kind == "depthUpdate" and synced and body["u"] >= last and (body["b"] or body["a"]):
            put(recv, body["T"] * MS, body, 0)
            last = body["u"]
            ended[last] = len(rows)
        elif kind == "trade" and body["X"] == "MARKET":
            side = -1 if body["m"] else 1
            rows.append((recv, body["T"] * MS, TRADE, side, tick(body["p"]), lot(body["q"]), LAST))
        elif kind == "bookTicker":
            quotes[body["u"]] = (tick(body["b"]), tick(body["a"]))
    checks = [(row, *quotes[update]) for update, row in ended.items() if update in quotes]
    columns = np.array(rows, np.int64).T
    events = empty_events(len(rows))
    names = ("ts_recv", "ts_venue", "kind", "side", "price", "size", "flags")
    for name, column in zip(names, columns, strict=True):
        events[name] = column
    return events, checks


def tick(price: str) -> int:
    return round(float(price) * 10)


def lot(size: str) -> int:
    return round(float(size) * 1000)
