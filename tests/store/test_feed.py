"""Rows on their way into a store: books against dicts, streams put together, any cut the same."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import book_state, run_book
from aggressor.schema.errors import AggressorError
from aggressor.schema.event import CLEAR, GAP, LAST, LEVEL, SNAPSHOT, Events, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.store.importers.blocks import UNKNOWN_BOOK, BookRows
from aggressor.store.importers.feed import Look, Seen, grouped, joint_step, merged
from aggressor.store.importers.recognise import feed_of
from tests.run.archive_samples import (
    a_book,
    agg_trades,
    bybit_trades,
    tape,
    tardis_book,
    tardis_trades,
)

MESSAGES = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(
            st.tuples(st.sampled_from((1, -1)), st.integers(1, 12), st.integers(0, 3)),
            min_size=1,
            max_size=5,
        ),
    ),
    max_size=14,
)


def levels_of(messages: list[Any]) -> tuple[Events, Any]:
    """Return the levels of messages (is a picture, levels), one receive time each."""
    rows = empty_events(sum(len(levels) for _, levels in messages))
    pictures, at = [], 0
    for now, (picture, levels) in enumerate(messages):
        for side, away, lots in levels:
            rows[at]["ts_recv"], rows[at]["side"], rows[at]["size"] = now, side, lots
            rows[at]["price"] = 100 - side * away
            pictures.append(picture)
            at += 1
    return rows, np.array(pictures, bool)


@settings(max_examples=100)
@given(MESSAGES, st.data())
def test_a_book_of_rows_is_that_of_its_messages(messages: list[Any], data: st.DataObject) -> None:
    rows, pictures = levels_of(messages)
    skipped: Counter[str] = Counter()
    whole = BookRows(gaps=True).rows(rows.copy(), pictures, skipped)
    cut = data.draw(st.integers(0, len(messages)))
    edge = int(np.searchsorted(rows["ts_recv"], cut))
    again, count = BookRows(gaps=True), Counter[str]()
    parts = [
        again.rows(rows[some].copy(), pictures[some], count)
        for some in (slice(0, edge), slice(edge, None))
    ]
    assert (np.concatenate(parts) == whole).all()
    assert count == skipped
    book = book_state(1)
    assert run_book(whole, 0, len(whole), book) == len(whole)
    expected: dict[tuple[int, int], int] = {}
    known, before, left_out, gaps = False, False, 0, 0
    for picture, levels in messages:
        if picture and not before:
            gaps += known
            expected.clear()
            known = True
        if not known:
            left_out += len(levels)
            continue
        before = picture
        for side, away, lots in levels:
            if lots or not picture:
                expected[side, 100 - side * away] = lots
    own = book.levels[book.levels["lots"] > 0]
    found = {(int(one["side"]), int(one["price"])): int(one["lots"]) for one in own}
    assert found == {key: lots for key, lots in expected.items() if lots}
    assert skipped[UNKNOWN_BOOK] == left_out
    assert ((whole["kind"] == CLEAR) & (whole["flags"] & GAP != 0)).sum() == gaps
    assert (whole["flags"][whole["kind"] == LEVEL] & SNAPSHOT != 0).sum() <= pictures.sum()
    if len(whole):
        assert whole["flags"][-1] & LAST or whole["kind"][-1] == CLEAR
        assert set(np.unique(whole["ts_recv"][whole["flags"] & LAST != 0])) >= set(
            np.unique(whole["ts_recv"][whole["kind"] == LEVEL])
        )


@settings(max_examples=100)
@given(
    st.lists(st.lists(st.integers(0, 12), max_size=14).map(sorted), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_streams_come_together_in_order_whatever_their_pieces(
    streams: list[list[int]], random: Random
) -> None:
    def pieces(times: list[int], lane: int) -> Any:
        rows = empty_events(len(times))
        rows["ts_recv"], rows["instrument"], rows["size"] = times, lane, range(len(times))
        edges = [i for i in range(1, len(times)) if times[i] != times[i - 1]]
        cuts = [0, *sorted(random.sample(edges, random.randint(0, len(edges)))), len(times)]
        yield from (rows[a:b] for a, b in pairwise(cuts) if b > a)

    found = [
        (int(one["ts_recv"]), int(one["instrument"]), int(one["size"]))
        for rows in merged([pieces(times, lane) for lane, times in enumerate(streams)])
        for one in rows
    ]
    expected = [
        (time, lane, i) for lane, times in enumerate(streams) for i, time in enumerate(times)
    ]
    assert found == sorted(expected)


def test_files_that_overlap_are_together_whatever_their_order() -> None:
    spans = {"a": (0, 10), "b": (5, 20), "c": (20, 30), "d": (21, 22), "e": (0, 100)}

    def looks(*names: str) -> list[Any]:
        return [
            (name, Look(*spans[name], {"Y" if name == "e" else "X": Seen()}, set()))
            for name in names
        ]

    for order in ("abcde", "edcba", "cabed"):
        groups = {frozenset(name for name, _ in group) for group in grouped(looks(*order))}
        assert groups == {frozenset("ab"), frozenset("cd"), frozenset("e")}
    assert joint_step(Decimal("0.3"), Decimal("0.45")) == Decimal("0.15")
    assert joint_step(None, Decimal("0.45")) == Decimal("0.45")


SAMPLES = {
    "BTCUSDT-aggTrades-2024-01-01.csv": agg_trades(tape(12)),
    "trades.csv": tardis_trades(tape(12)),
    "book.csv": tardis_book(a_book(6)),
    "BTCUSDT2024-01-01.csv": bybit_trades(tape(12)),
}
INSTRUMENT = Instrument(
    venue="binance-usdm",
    symbol="BTCUSDT",
    kind=ContractKind.LINEAR,
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
)


@pytest.mark.parametrize("name", list(SAMPLES))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_file_it_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    text = bytearray(SAMPLES[name].encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        what = data.draw(
            st.sampled_from((b"", b",", b"\n", b"-", b"e9", b'"', b"\xff", b"\0", b"9"))
        )
        text[at : at + data.draw(st.integers(0, 3))] = what
    file: Path = tmp_path_factory.getbasetemp() / name
    file.write_bytes(bytes(text))
    said, rows = "", []
    try:
        feed = feed_of(file)
        if feed is None:
            return
        look = feed.look()
        lanes = {symbol: (lane, INSTRUMENT) for lane, symbol in enumerate(look.seen)}
        rows = list(feed.events(lanes))
    except AggressorError as trouble:
        said = str(trouble)
    assert not said or str(file) in said
    times = np.concatenate([empty_events(0), *rows])["ts_recv"]
    assert (np.diff(times) >= 0).all()
