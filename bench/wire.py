"""Wire bytes -> book -> best bid and ask, one message at a time, beside the C parser with a ladder.

    python wire.py [CAPTURE.gz]

Messages are those of a real USD-M capture (lines `<local time> <json>`), and generated ones of 50
levels. Before the timed messages the decoder is given the snapshot they follow. Ours parses exact
decimals, checks the sequence chain and keeps every level; the C parser reads a fixed key order,
keeps no chain and leaves out levels beyond its array.
"""

import gzip
import os
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from generated import INSTRUMENT, peers
from measuring import cpu_of, emit, figure, in_turn

from aggressor.market.book import book_state, grow_book, read_top, run_book
from aggressor.schema.event import empty_events
from aggressor.schema.instrument import Instrument
from aggressor.venues.binance.market import MarketDecoder
from aggressor.venues.table import venue_named
from aggressor.venues.venue import NEEDS_ROOM

_ROWS = 1 << 16
_PASSES = 5


class Stream:
    """Depth messages in order, and what a decoder must have seen before the first."""

    def __init__(self, name: str, before: list[bytes], messages: list[bytes]) -> None:
        self.name = name
        self.before = before
        self.messages = messages
        self.levels = sum(message.count(b'["') for message in messages) / len(messages)


def captured(path: Path) -> tuple[Stream, Instrument]:
    """Return the depth messages of a capture behind its snapshot, and its instrument."""
    with gzip.open(path) as file:
        raw = file.read()
    grid = venue_named("binance-usdm").infer(np.frombuffer(raw, np.uint8), 0, "BTCUSDT")[0]
    messages = [line.split(b" ", 1)[1] for line in raw.split(b"\n") if line]
    first = next(i for i, message in enumerate(messages) if b'"lastUpdateId"' in message) + 1
    depth = [message for message in messages if b'"depthUpdate"' in message]
    before = [one for one in messages[:first] if b'"depthUpdate"' in one or b"lastUpdateId" in one]
    return Stream(f"real capture {path.name}", before, depth[len(before) - 1 :]), grid


def generated(common: Any, levels: int) -> Stream:
    """Return generated messages of `levels` levels behind the generated snapshot."""
    columns = common.book(1_000_000)
    rows = int(columns["off"][1])
    sides = ([], [])
    for side, tick, lots in zip(
        columns["side"][:rows], columns["tick"][:rows], columns["qty"][:rows], strict=True
    ):
        sides[side].append(f'["{tick // 10}.{tick % 10}0","{lots:.3f}"]')
    snapshot = (
        f'{{"lastUpdateId":1000000,"E":1,"T":1,"bids":[{",".join(sides[0])}],'
        f'"asks":[{",".join(sides[1])}]}}'
    )
    messages = common.gen.messages(
        columns["side"],
        columns["tick"],
        columns["qty"],
        levels,
        100_000 // levels,
        start_row=rows,
    )
    return Stream(f"generated, {levels} levels", [snapshot.encode()], messages)


class Chain:
    """A decoder and a book, ready for the first message of a stream."""

    def __init__(self, stream: Stream, instrument: Instrument) -> None:
        self.decoder = venue_named("binance-usdm").market_decoder([(instrument, 0)])
        assert isinstance(self.decoder, MarketDecoder)
        self.book = book_state(1, levels=1 << 15)
        self.out = empty_events(_ROWS)
        self.follow = self.decoder.follow
        for message in stream.before:
            self.take(message)

    def take(self, message: bytes) -> tuple[Any, Any]:
        """Carry one message into the book; return the best bid and ask."""
        rows, done, bid, _, ask, _ = self.follow(message, 1, self.out, self.book)
        if done < rows:
            return self._grow(done, rows)
        assert rows != NEEDS_ROOM
        return bid, ask

    def _grow(self, done: Any, rows: int) -> tuple[Any, Any]:
        while done < rows:
            self.book = grow_book(self.book)
            done = run_book(self.out, done, rows, self.book)
        bid, _, ask, _ = read_top(self.book, 0)
        return bid, ask


def ladder_start(messages: list[bytes], span: int) -> int:
    """Return the tick at which the C ladder begins: half a span below the first bids."""
    bids = [float(m.split(b'"b":[["')[1].split(b'"')[0]) for m in messages[:200] if b'"b":[["' in m]
    return round(max(bids) * 10) - span // 2


def percentiles(fresh: Callable[[], Callable[[bytes], Any]], messages: list[bytes]) -> list[float]:
    """Return p50, p99, p99.9 over messages, in us of wall time, of each message's best pass.

    The best pass is what a message costs; what a busy machine adds by taking the processor away is
    left out, for ours and for the reference alike.
    """
    clock = time.perf_counter_ns
    best = np.full(len(messages), np.inf)
    for _ in range(_PASSES):
        run = fresh()
        for i, message in enumerate(messages):
            begin = clock()
            run(message)
            best[i] = min(best[i], clock() - begin)
    return [float(one) for one in np.percentile(best, [50, 99, 99.9]) / 1e3]


def measure(stream: Stream, instrument: Instrument, parser: Any, span: int) -> None:
    """Time one stream: CPU per message in turn with the parser, then percentiles of both."""
    start = ladder_start(stream.messages, span)
    messages = stream.messages

    def ours() -> float:
        chain = Chain(stream, instrument)
        return cpu_of(lambda: [chain.take(message) for message in messages])

    def floor() -> None:
        parser.reset(start)
        for message in messages:
            parser.depth(message)

    count = len(messages)
    pair = in_turn(ours, floor)
    name = f"wire to best, {stream.name}"
    target = 6 if "real" in stream.name else 5
    levels = round(stream.levels, 1)
    figure(name, pair, count, "us/message", "C parser + ladder", target, 1e6, levels=levels)
    mine = percentiles(lambda: Chain(stream, instrument).take, messages)
    parser.reset(start)
    theirs = percentiles(lambda: parser.depth, messages)
    for i, label in enumerate(("p50", "p99", "p99.9")):
        emit(
            what=f"{name}, {label}",
            unit=f"us wall, best of {_PASSES}",
            ours=round(mine[i], 2),
            reference="C parser + ladder",
            reference_value=round(theirs[i], 2),
            ratio=round(mine[i] / theirs[i], 2),
            target=30 if label == "p99" else None,
            count=count,
        )


def main() -> None:
    common = peers()
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        print("bench: wire is left out: the C parser needs the Python headers", file=sys.stderr)
        return
    os.makedirs(common.WORK, exist_ok=True)
    parser = common.ext()
    measure(generated(common, 50), INSTRUMENT, parser, common.gen.LADDER)
    if len(sys.argv) > 1:
        measure(*captured(Path(sys.argv[1])), parser, common.gen.LADDER)


if __name__ == "__main__":
    main()
