"""Whatever bytes come, the decoder decodes, says what is wrong, or asks for room."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError
from aggressor.schema.event import empty_events
from aggressor.venues.venue import BAD, DONE, NEEDS_ROOM
from tests.venues.wire import (
    RECV,
    agg_trade,
    combined,
    decode,
    decoder,
    depth,
    raw,
    rows,
    snapshot,
    ticker,
    trade,
)

LEVELS = [("99.9", "5"), ("99.8", "0.000"), ("12.3", "4000")]
SEEDS = [
    raw(snapshot(20, bids=LEVELS)),
    combined(depth(19, 22, 18, bids=LEVELS, asks=LEVELS)),
    combined(depth(23, 25, 22)),
    combined(trade(5)),
    combined(agg_trade(6, nq="0.100", st=1)),
    combined(ticker(30, ps="BTCUSDT", st=1)),
    raw({"e": "forceOrder", "E": 1, "o": {"s": "BTCUSDT", "S": "BUY", "q": "1", "p": "1.0"}}),
    raw({"openInterest": "10.5", "symbol": "BTCUSDT", "time": 1}),
    raw({"result": None, "id": 1}),
]
PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"9" * 30,
    b"\n",
    b"\x00",
    b"\xff",
    b"null",
]


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, len(SEEDS) - 1),
    edits=st.lists(
        st.tuples(
            st.integers(0, 10_000), st.sampled_from(PIECES) | st.binary(max_size=3), st.booleans()
        ),
        min_size=1,
        max_size=4,
    ),
    cut=st.integers(0, 300),
)
def test_damaged_messages_never_do_harm(
    seed: int, edits: list[tuple[int, bytes, bool]], cut: int
) -> None:
    message = SEEDS[seed]
    for at, piece, replace in edits:
        at %= len(message) + 1
        message = message[:at] + piece + message[at + (len(piece) if replace else 0) :]
    message = message[: max(len(message) - cut, 0)] if cut < 50 else message
    one = decoder()
    decode(one, SEEDS[0])
    before = one.state()
    out = empty_events(len(message) // 8 + 64)
    out["kind"] = 77
    count, said = 0, ""
    try:
        count = one.decode(message, RECV, out)
    except MessageError as trouble:
        said = str(trouble)
    if said:
        assert one.state() == before
        assert " - " in said
    assert 0 <= count <= out.size or count == NEEDS_ROOM
    assert 77 not in out[: max(count, 0)]["kind"]


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=200))
def test_junk_is_refused_or_ignored(junk: bytes) -> None:
    one = decoder()
    try:
        assert len(decode(one, junk)) == 0
    except MessageError:
        assert one.counts["messages"] == 0


def shuffled(value: object, order: random.Random) -> object:
    """Return a JSON value with the keys of every object in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        order.shuffle(items)
        return {key: shuffled(inner, order) for key, inner in items}
    return value


@settings(max_examples=40, deadline=None)
@given(order=st.randoms(use_true_random=False), blank=st.sampled_from(["", " ", "\n\t"]))
def test_key_order_and_blanks_change_nothing(order: random.Random, blank: str) -> None:
    plain, other = decoder(), decoder()
    for message in SEEDS[:6]:
        value = shuffled(json.loads(message), order)
        again = json.dumps(value, separators=("," + blank, ":" + blank)).encode()
        assert rows(decode(other, again)) == rows(decode(plain, message))


@settings(max_examples=60, deadline=None)
@given(
    picks=st.lists(st.integers(0, len(SEEDS) - 1), min_size=1, max_size=12),
    breaks=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3),
    room=st.integers(24, 200),
)
def test_damaged_lines_end_and_the_rest_is_decoded(
    picks: list[int], breaks: list[tuple[int, int]], room: int
) -> None:
    lines = [b"%d %s" % (RECV + i, SEEDS[pick]) for i, pick in enumerate(picks)]
    text = bytearray(b"\n".join(lines) + b"\n" + b"%d %s\n" % (RECV + 99, combined(trade(900))))
    damaged = text.rindex(b"\n", 0, len(text) - 1)
    for at, byte in breaks:
        text[at % max(damaged, 1)] = byte
    data = np.frombuffer(text, np.uint8)
    one, out, at, last = decoder(), empty_events(room), 0, None
    for _ in range(100):
        got = one.decode_lines(data, at, data.size, out)
        assert at <= got.stop <= data.size
        if got.rows:
            last = out[got.rows - 1].copy()
        at = got.stop
        if got.reason == DONE:
            break
        if got.reason == BAD:
            assert one.trouble is not None
        elif got.rows == 0:
            out = empty_events(out.size * 2)
    assert at == data.size
    assert last is not None


@pytest.mark.parametrize("stop", range(0, 260, 7))
def test_nothing_behind_the_message_is_read(stop: int) -> None:
    """A message cut anywhere is broken, even where the bytes behind it would complete it."""
    message = SEEDS[1]
    line = b"%d %s\n" % (RECV, message)
    data = np.frombuffer(bytearray(line), np.uint8)
    one = decoder()
    got = one.decode_lines(data, 0, min(stop, data.size - 2), empty_events(99))
    assert (got.reason, got.rows, got.stop) == (DONE, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"openInterest": "NaN", "symbol": "BTCUSDT", "time": 1},
        {"openInterest": "1e999999", "symbol": "BTCUSDT", "time": 1},
        {"openInterest": "1", "symbol": "BTCUSDT", "time": 2**70},
        {"openInterest": "1", "symbol": "BTCUSDT", "time": -5},
        {"e": "markPriceUpdate", "E": 2**65, "s": "BTCUSDT", "p": "1", "r": "0", "T": 1},
        {"e": "markPriceUpdate", "E": 1, "s": "BTCUSDT", "p": "Infinity", "r": "0", "T": 1},
        {"e": "contractInfo", "E": 2**65, "s": "BTCUSDT", "cs": "TRADING"},
    ],
)
def test_numbers_and_times_that_are_none_are_refused(body: dict) -> None:
    one = decoder()
    with pytest.raises(MessageError, match="check that"):
        decode(one, raw(body))
    assert rows(decode(one, SEEDS[0])), "and the next message is decoded"
