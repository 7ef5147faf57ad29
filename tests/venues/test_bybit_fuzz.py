"""Whatever bytes come, Bybit's readers read them or say what is wrong with a MessageError."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema.errors import AggressorError, MessageError
from aggressor.schema.event import empty_events
from aggressor.venues.trading import TradingVenue, Verdict
from aggressor.venues.venue import BAD, DONE
from tests.venues import bybit_samples as samples
from tests.venues.bybit_samples import LINEAR, RECV, answer, book, decode, decoder, instrument

MARKET = (
    samples.snapshot(),
    book(11, bids=[("100.0", "5"), ("99.0", "0")], asks=[("100.1", "7")]),
    samples.quote(5, 20_000),
    samples.trades("a", "b"),
    samples.ticker(markPrice="100.05", fundingRate="0.0001", nextFundingTime="1786320000000"),
    samples.ticker("snapshot", openInterest="5.5", curPreListingPhase="CallAuction"),
    *samples.MARKET_SAMPLES,
    samples.SUBSCRIBED,
    samples.PONG,
    samples.LOGIN_BAD_KEY,
)
KLINES = {"list": [["7200000", "1", "2", "1", "2", "3", "4"], ["3600000", "1", "2", "1", "2", "3"]]}
TIER = {
    "symbol": "BTCUSDT",
    "riskLimitValue": "2",
    "maintenanceMargin": "0.005",
    "initialMargin": "0.01",
    "maxLeverage": "100.00",
    "mmDeduction": "",
}
ACCOUNT = (
    samples.private("order", samples.ORDER_ROW),
    samples.private("execution", samples.FILL_ROW, samples.FILL_ROW | {"execType": "Funding"}),
    samples.private("position", samples.POSITION_ROW | {"category": "linear"}),
    samples.private("wallet", samples.WALLET_ROW),
    samples.LOGGED_IN,
)
ANSWERS = (
    answer({"list": [samples.ORDER_ROW], "nextPageCursor": "x"}),
    answer({"list": [samples.FILL_ROW]}),
    answer({"list": [samples.POSITION_ROW]}),
    answer({"list": [samples.WALLET_ROW]}),
    answer({"list": [{"symbol": "X", "takerFeeRate": "0.1", "makerFeeRate": "0.1"}]}),
    answer({"readOnly": 0, "permissions": {"Wallet": ["Withdraw"]}, "ips": ["*"]}),
    answer({"list": [samples.INSTRUMENT_ROW], "nextPageCursor": ""}),
    answer(KLINES, ms=99_999_999),
    answer({"list": [TIER]}),
    answer({"timeNano": "1688639403423213947"}),
    answer({"orderId": "1", "orderLinkId": "ag1"}),
    answer({"list": [{"orderId": "1"}]}, retExtInfo={"list": [{"code": 0, "msg": "OK"}]}),
    answer({}, 10006, "Too many visits!"),
)
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**63,
    10**30,
    1.5,
    "",
    "NaN",
    "Infinity",
    "-1",
    "1e999",
    "1e-999",
    "1e99999999",
    "9" * 400,
    "٣",
    "\u0000",
    [],
    [[]],
    [["1"]],
    [["1e2", "2"]],
    [["NaN", "x"]],
    {},
    [None],
)
PIECES = (b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"9" * 30, b"\n", b"\x00", b"\xff", b"e")


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, (*path, index))


@st.composite
def _bent(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Return a message with one or two values replaced, or one taken away."""
    value = json.loads(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 2))):
        paths = [path for path in _places(value) if path]
        if not paths:
            break
        path = draw(st.sampled_from(paths))
        holder = value
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return json.dumps(value, separators=(",", ":")).encode()


@st.composite
def _torn(draw: st.DrawFn, seeds: tuple[bytes, ...]) -> bytes:
    """Return a message with bytes inserted or overwritten, perhaps cut."""
    message = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(message)))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
        message = message[:at] + piece + message[at + (len(piece) if draw(st.booleans()) else 0) :]
    return message[: draw(st.integers(0, len(message)))] if draw(st.booleans()) else message


def _messages(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    return _bent(seeds) | _torn(seeds) | st.binary(max_size=200)


@settings(max_examples=600, deadline=None)
@given(message=_messages(MARKET))
def test_a_market_message_gives_rows_or_a_message_error_that_changed_nothing(
    message: bytes,
) -> None:
    one = decoder()
    decode(one, samples.snapshot())
    before = one.state()
    out = empty_events(one.room(message))
    out["kind"] = 77
    count, said = 0, ""
    try:
        count = one.decode(message, RECV, out, "BTCUSDT")
    except MessageError as trouble:
        said = str(trouble)
    if said:
        assert " - " in said
        assert one.state() == before
    assert 0 <= count <= out.size
    assert 77 not in out[:count]["kind"]
    LINEAR.control(message)


@settings(max_examples=60, deadline=None)
@given(picks=st.lists(_messages(MARKET), min_size=1, max_size=8), room=st.integers(60, 400))
def test_damaged_lines_end_and_the_rest_is_decoded(picks: list[bytes], room: int) -> None:
    good = samples.trades("last")
    clean = [pick.replace(b"\n", b" ") for pick in picks]
    lines = [b"%d %s\n" % (RECV + i, pick) for i, pick in enumerate([*clean, good])]
    text = np.frombuffer(b"".join(lines), np.uint8)
    one, out, at, last = decoder(), empty_events(room), 0, None
    for _ in range(100):
        got = one.decode_lines(text, at, text.size, out)
        assert at <= got.stop <= text.size
        if got.rows:
            last = out[got.rows - 1].copy()
        at = got.stop
        if got.reason == DONE:
            break
        if got.reason == BAD:
            assert one.trouble is not None
        elif got.rows == 0:
            out = empty_events(out.size * 2)
    assert at == text.size
    assert last is not None


def _trading() -> TradingVenue:
    assert LINEAR.trading is not None
    return LINEAR.trading


def _reads() -> list[Callable[[bytes], Any]]:
    trading = _trading()
    optional = [trading.read_rights, trading.read_fees, LINEAR.read_margin, LINEAR.read_clock]
    candles, pages, more = LINEAR.read_candles, trading.next_page, LINEAR.definitions_next
    assert candles is not None
    assert pages is not None
    assert more is not None
    return [
        trading.read_orders,
        trading.read_fills,
        trading.read_positions,
        trading.read_balances,
        *[reader for reader in optional if reader is not None],
        lambda body: LINEAR.instruments(body, 0),
        lambda body: candles(body, instrument()),
        lambda body: pages(trading.positions(None), body),
        more,
    ]


@settings(max_examples=500, deadline=None)
@given(body=_messages(ANSWERS), status=st.sampled_from([200, 400, 403, 429, 500, 503]))
def test_an_answer_is_read_or_refused_in_words(body: bytes, status: int) -> None:
    trading = _trading()
    headers = {"X-Bapi-Limit-Reset-Timestamp": "1672211918999"}
    assert trading.answer(status, headers, body).verdict in Verdict
    assert trading.answers is not None
    assert len(trading.answers(status, headers, body, 1)) == 1
    for read in _reads():
        with suppress(AggressorError):
            read(body)


@settings(max_examples=400, deadline=None)
@given(message=_messages(ACCOUNT))
def test_a_private_message_gives_updates_or_a_message_error(message: bytes) -> None:
    said = ""
    try:
        assert isinstance(_trading().decode_private(message), list | tuple)
    except MessageError as trouble:
        said = str(trouble)
    assert not said or " - " in said
