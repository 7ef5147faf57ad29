"""Trading at MEXC: signatures, requests, what answers mean, the private stream."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema import report
from aggressor.schema.command import (
    CANCEL,
    FOK,
    GTC,
    IOC,
    MARKET,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
)
from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.venues.mexc.answers import REASONS
from aggressor.venues.mexc.signing import login, sign, signature
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    Credentials,
    FillUpdate,
    PositionUpdate,
    Terms,
    TradingVenue,
    Verdict,
)
from tests.venues.binance_samples import command
from tests.venues.mexc_samples import (
    BTC,
    FILL,
    ORDER,
    PLAN,
    POSITION,
    T_MS,
    T_NS,
    answer,
    personal,
)

KEY = Credentials("testKey", "testSecret")
TIME = 1_700_000_000_000
REFUSED, UNKNOWN = Verdict.REFUSED, Verdict.UNKNOWN
THROTTLED, ACCEPTED = Verdict.THROTTLED, Verdict.ACCEPTED


def trading() -> TradingVenue:
    found = venue_named("mexc").trading
    assert found is not None
    return found


def body(call: Call | None) -> Any:
    assert call is not None
    return msgspec.json.decode(call.body)


def data(value: object) -> bytes:
    return answer(msgspec.json.encode(value).decode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "page_num=1&page_size=20&symbol=BTC_USDT",
            "059b55357e360bc5fa6ad9a8ef5d7839b471ff21fd02f024267cf7f2225ee0b2",
        ),
        (
            '{"symbol":"BTC_USDT","price":30000,"vol":1,"side":1,"type":2,"openType":2}',
            "bb35b3f1da4b6a1b0bcaaf7a5aa1f41c97f0e0937a9d71a8c8353f8598db073e",
        ),
        ("", "a896f028b429ff01a8b37a5d60f94bd72a97e0a3fae1f49a3870a8f8ae945904"),
    ],
)
def test_the_worked_signatures(text: str, expected: str) -> None:
    assert signature(KEY, TIME, text) == expected


def test_what_is_signed_is_what_is_sent() -> None:
    query = (("symbol", "BTC_USDT"), ("page_size", "20"), ("page_num", "1"))
    asked = sign(Call("GET", "/api/v1/private/x", query), KEY, TIME, "https://h")
    assert asked.url == "https://h/api/v1/private/x?page_num=1&page_size=20&symbol=BTC_USDT"
    assert asked.headers["Signature"].startswith("059b5535")
    assert (asked.headers["ApiKey"], asked.headers["Request-Time"]) == ("testKey", str(TIME))
    posted = sign(Call("POST", "/p", body=b'["5"]'), KEY, TIME, "https://h")
    assert (posted.url, posted.body) == ("https://h/p", b'["5"]')
    assert posted.headers["Signature"] == signature(KEY, TIME, '["5"]')


def test_the_private_stream_logs_in_and_takes_everything() -> None:
    link = trading().private(KEY, TIME, "")
    assert link.address == "wss://contract.mexc.com/edge"
    assert msgspec.json.decode(link.login) == {
        "method": "login",
        "param": {
            "apiKey": "testKey",
            "reqTime": str(TIME),
            "signature": "a896f028b429ff01a8b37a5d60f94bd72a97e0a3fae1f49a3870a8f8ae945904",
        },
    }
    assert link.login == login(KEY, TIME)
    assert link.messages == ()


@pytest.mark.parametrize(
    ("side", "hedge", "reduces", "number", "flag"),
    [
        (BUY, False, False, 1, None),
        (SELL, False, False, 3, None),
        (BUY, False, True, 1, True),
        (SELL, False, True, 3, True),
        (BUY, True, False, 1, None),
        (SELL, True, False, 3, None),
        (BUY, True, True, 2, None),
        (SELL, True, True, 4, None),
    ],
)
def test_a_side_names_a_leg(
    side: int, hedge: bool, reduces: bool, number: int, flag: bool | None
) -> None:
    row = command(side=side, price=500_001, size=3, reduce_only=reduces)
    sent = body(trading().place(row, BTC, Terms(hedge=hedge)))
    assert (sent["side"], sent.get("reduceOnly")) == (number, flag)
    assert sent["positionMode"] == (1 if hedge else 2)


@pytest.mark.parametrize(("tif", "number"), [(GTC, 1), (POST_ONLY, 2), (IOC, 3), (FOK, 4)])
def test_a_limit_order_with_numbers_digit_for_digit(tif: int, number: int) -> None:
    call = trading().place(command(price=500_001, size=3, tif=tif), BTC, Terms())
    assert call.path == "/api/v1/private/order/create"
    assert b'"price":50000.1,' in call.body
    assert body(call) == {
        "symbol": "BTC_USDT",
        "vol": 3,
        "side": 1,
        "openType": 2,
        "positionMode": 2,
        "type": number,
        "price": 50000.1,
        "externalOid": "ag7",
    }


def test_a_market_order_and_an_isolated_one() -> None:
    sent = body(trading().place(command(type=MARKET, size=3), BTC, Terms()))
    assert (sent["type"], "price" in sent, "leverage" in sent) == (5, False, False)
    alone = body(trading().place(command(price=5), BTC, Terms(isolated=True, leverage=7)))
    assert (alone["openType"], alone["leverage"]) == (1, 7)


@pytest.mark.parametrize(
    ("kind", "side", "direction"),
    [
        (STOP_MARKET, BUY, 1),
        (STOP_MARKET, SELL, 2),
        (TAKE_PROFIT_MARKET, BUY, 2),
        (TAKE_PROFIT_MARKET, SELL, 1),
    ],
)
def test_an_order_that_waits_for_a_trigger(kind: int, side: int, direction: int) -> None:
    row = command(type=kind, side=side, size=5, trigger=460_000, reduce_only=True)
    call = trading().place(row, BTC, Terms(leverage=20))
    assert call.path == "/api/v1/private/planorder/place"
    assert body(call) == {
        "symbol": "BTC_USDT",
        "vol": 5,
        "side": 1 if side == BUY else 3,
        "openType": 2,
        "positionMode": 2,
        "reduceOnly": True,
        "leverage": 20,
        "triggerPrice": 46000.0,
        "triggerType": direction,
        "executeCycle": 2,
        "orderType": 5,
        "trend": 1,
    }


def test_cancels_by_our_id_where_the_order_carries_it() -> None:
    ours = trading()
    assert ours.amend is None
    assert ours.cancel_theirs is not None
    plain = ours.cancel(command(kind=CANCEL), BTC, Terms())
    assert plain is not None
    assert plain.path.endswith("order/cancel_with_external")
    assert body(plain) == {"symbol": "BTC_USDT", "externalOid": "ag7"}
    stop = command(kind=CANCEL, type=STOP_MARKET)
    assert ours.cancel(stop, BTC, Terms()) is None
    by_id = ours.cancel_theirs(stop, BTC, "55")
    assert by_id.path.endswith("planorder/cancel")
    assert body(by_id) == [{"symbol": "BTC_USDT", "orderId": "55"}]
    assert body(ours.cancel_theirs(command(kind=CANCEL), BTC, "55")) == ["55"]
    assert [call.path.split("private/")[1] for call in ours.cancel_all(BTC)] == [
        "order/cancel_all",
        "planorder/cancel_all",
    ]


def test_settings() -> None:
    ours = trading()
    long, short = ours.set_leverage(BTC, Terms(leverage=9))
    assert body(long) == {
        "leverage": 9,
        "openType": 2,
        "symbol": "BTC_USDT",
        "positionType": 1,
    }
    assert body(short)["positionType"] == 2
    assert ours.set_margin is None
    assert ours.set_mode is not None
    assert body(ours.set_mode(Terms())) == {"positionMode": 2}
    assert ours.dead_man is None
    assert ours.rights is None


def code(number: int, words: str = "no") -> bytes:
    return msgspec.json.encode({"success": False, "code": number, "message": words})


@pytest.mark.parametrize(
    ("status", "text", "verdict", "reason"),
    [
        (200, code(2005), REFUSED, report.NO_MARGIN),
        (200, code(2003), REFUSED, report.PRICE_BAND),
        (200, code(2009), REFUSED, report.REDUCE_ONLY_EMPTY),
        (200, code(2040), REFUSED, report.UNKNOWN_ORDER),
        (200, code(2036), REFUSED, report.TOO_MANY_ORDERS),
        (200, code(1002), REFUSED, report.FORBIDDEN),
        (200, code(602), REFUSED, report.FORBIDDEN),
        (200, code(2015), REFUSED, report.BAD_FIELD),
        (200, code(4242), REFUSED, report.NO_REASON),
        (200, code(510), THROTTLED, report.NO_REASON),
        (200, code(2037), THROTTLED, report.NO_REASON),
        (429, b"", THROTTLED, report.NO_REASON),
        (403, b"<html>", THROTTLED, report.NO_REASON),
        (200, code(513), Verdict.BAD_CLOCK, report.NO_REASON),
        (200, code(500), UNKNOWN, report.NO_REASON),
        (200, code(501), UNKNOWN, report.NO_REASON),
        (200, code(603), UNKNOWN, report.NO_REASON),
        (200, code(9999), UNKNOWN, report.NO_REASON),
        (200, b'{"success":false,"code":0}', UNKNOWN, report.NO_REASON),
        (200, b'{"success":false,"code":"odd"}', UNKNOWN, report.NO_REASON),
        (200, b"<html>", UNKNOWN, report.NO_REASON),
        (500, b"", UNKNOWN, report.NO_REASON),
        (408, b"", UNKNOWN, report.NO_REASON),
        (404, b"", REFUSED, report.NO_REASON),
        (401, code(401), REFUSED, report.FORBIDDEN),
        (200, answer("null"), ACCEPTED, report.NO_REASON),
        (200, b'{"success":true,"code":0}', ACCEPTED, report.NO_REASON),
    ],
)
def test_what_an_answer_means(status: int, text: bytes, verdict: Verdict, reason: int) -> None:
    found = trading().answer(status, {}, text)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.wait_ns > 0 or verdict is not THROTTLED


def test_the_ids_in_answers() -> None:
    ask = trading().answer
    created = answer('{"orderId":"739113577038255616","ts":1761888808839}')
    assert ask(200, {}, created).venue_id == "739113577038255616"
    assert ask(200, {}, answer("259208506303929856")).venue_id == "259208506303929856"
    assert ask(200, {}, answer('"739206374277809664"')).venue_id == "739206374277809664"
    gone = answer('[{"orderId":5,"errorCode":2041,"errorMsg":"order state cannot be cancelled"}]')
    refused = ask(200, {}, gone)
    assert (refused.verdict, refused.reason) == (REFUSED, report.UNKNOWN_ORDER)
    good = answer('[{"orderId":5,"errorCode":0,"errorMsg":"success"}]')
    assert (ask(200, {}, good).verdict, ask(200, {}, good).venue_id) == (ACCEPTED, "5")


def test_every_order_of_a_batch_has_its_own_answer() -> None:
    ours = trading()
    assert ours.place_many is not None
    assert ours.answers is not None
    call = ours.place_many([command(7, price=5), command(8, price=6)], BTC, Terms())
    assert [one["externalOid"] for one in body(call)] == ["ag7", "ag8"]
    text = data(
        [
            {"externalOid": "ag7", "orderId": 1, "errorCode": 0},
            {"externalOid": "ag8", "orderId": 0, "errorCode": 2005, "errorMsg": "no"},
        ]
    )
    first, second = ours.answers(200, {}, text, 2)
    assert (first.verdict, first.venue_id) == (ACCEPTED, "1")
    assert (second.verdict, second.reason) == (REFUSED, report.NO_MARGIN)
    for odd in (data([]), data({}), b""):
        assert {one.verdict for one in ours.answers(200, {}, odd, 2)} == {UNKNOWN}
    assert [one.verdict for one in ours.answers(200, {}, code(510), 2)] == [THROTTLED] * 2
    assert set(REASONS.values()) <= set(report.REASON_NAMES)


@pytest.mark.parametrize(
    ("state", "type", "error", "kind", "reason"),
    [
        (1, 1, 0, report.ACK, report.NO_REASON),
        (2, 1, 0, report.ACK, report.NO_REASON),
        (3, 1, 0, report.FILL, report.NO_REASON),
        (4, 1, 0, report.CANCELED, report.NO_REASON),
        (4, 2, 0, report.CANCELED, report.NO_REASON),
        (5, 2, 0, report.REJECTED, report.WOULD_CROSS),
        (4, 3, 0, report.EXPIRED, report.NO_LIQUIDITY),
        (4, 5, 2, report.EXPIRED, report.NO_MARGIN),
        (5, 1, 3, report.REJECTED, report.REDUCE_ONLY_EMPTY),
    ],
)
def test_the_states_of_an_order(state: int, type: int, error: int, kind: int, reason: int) -> None:
    one = ORDER | {"state": state, "orderType": type, "errorCode": error}
    (update,) = trading().read_orders(data(one))
    assert (update.kind, update.reason) == (kind, reason)
    assert (update.client_id, update.venue_id) == ("ag7", "102067003631907840")
    assert (update.price, update.size, update.filled) == ("50000.1", "3", "0")
    pushed = trading().decode_private(personal("order", one | {"remainVol": 0, "version": 2}))
    assert list(pushed) == ([] if state == 1 else [update])


def test_orders_in_lists_and_pages() -> None:
    read = trading().read_orders
    assert len(read(data([ORDER, ORDER]))) == 2
    paged = {"pageSize": 2, "totalCount": 1, "currentPage": 1, "resultList": [ORDER]}
    assert len(read(data(paged))) == 1
    assert read(data([])) == []
    assert read(answer("null")) == []
    for odd in (code(2040), data([ORDER | {"side": 9}]), data([ORDER | {"state": 9}]), b"x"):
        with pytest.raises(MessageError):
            read(odd)


@pytest.mark.parametrize(
    ("state", "order", "kind", "theirs"),
    [
        (1, 0, report.ACK, "987654321"),
        (2, 0, report.CANCELED, "987654321"),
        (3, 123, report.TRIGGERED, "123"),
        (4, 0, report.EXPIRED, "987654321"),
        (5, 0, report.REJECTED, "987654321"),
    ],
)
def test_an_order_with_a_trigger_names_what_it_became(
    state: int, order: int, kind: int, theirs: str
) -> None:
    one = PLAN | {"state": state, "orderId": order}
    (update,) = trading().read_orders(data([one]))
    assert (update.kind, update.venue_id, update.client_id) == (kind, theirs, "")
    assert (update.trigger, update.price, update.size) == ("46000.0", "", "5")
    assert update.reduce_only
    assert list(trading().decode_private(personal("plan.order", one))) == [update]


def test_fills_by_question_and_by_stream() -> None:
    ours = trading()
    expected = FillUpdate(
        "BTC_USDT",
        "ag7",
        "123456789",
        "987654321",
        BUY,
        "45000.5",
        "10",
        "0.225",
        "USDT",
        False,
        T_NS,
    )
    assert ours.decode_private(personal("order.deal", FILL)) == (expected,)
    older = FILL | {"timestamp": T_MS - 5, "side": 4}
    first, second = ours.read_fills(data([FILL, older]))
    assert (first.side, second) == (SELL, expected)
    rest = {key: value for key, value in FILL.items() if key not in ("isTaker", "externalOid")}
    (told,) = ours.read_fills(data([rest | {"taker": False, "timestamp": ""}]))
    assert (told.maker, told.client_id, told.ts_venue) == (True, "", NO_TIME)
    assert ours.next_page is not None
    call = ours.fills(BTC, 5)
    assert ours.next_page(call, data([FILL])) is None
    after = ours.next_page(call, data([FILL] * 100))
    assert after is not None
    assert dict(after.query)["page_num"] == "2"
    assert ours.next_page(ours.balances(), data([FILL] * 100)) is None


def test_positions_and_balances() -> None:
    ours = trading()
    (short,) = ours.read_positions(data([POSITION]))
    assert short == PositionUpdate("BTC_USDT", "-4", "1217.3", "1211.2", "100", True, T_NS, -1)
    closed = {key: value for key, value in POSITION.items() if key != "updateTime"}
    pushed = personal("position", closed | {"holdVol": 0, "positionType": 1}, T_MS + 9)
    (none,) = ours.decode_private(pushed)
    assert isinstance(none, PositionUpdate)
    assert (none.size, none.leg, none.ts_venue) == ("0", 1, T_NS + 9_000_000)
    held = {
        "currency": "USDT",
        "positionMargin": 1,
        "availableBalance": 2.5,
        "cashBalance": 2,
        "frozenBalance": 0,
        "equity": 3.75,
        "unrealized": -0.25,
        "bonus": 0,
    }
    assert ours.read_balances(data([held])) == [BalanceUpdate("USDT", "4.00", "2.5")]
    told = {"currency": "USDT", "availableBalance": 0.7514236, "frozenBalance": 0}
    assert ours.decode_private(personal("asset", told)) == (
        BalanceUpdate("USDT", "", "0.7514236", T_NS),
    )


def test_what_the_private_stream_says_besides() -> None:
    for channel in ("risk.limit", "adl.level", "liquidate.risk", "position.mode", "stop.order"):
        assert trading().decode_private(personal(channel, {"symbol": "BTC_USDT"})) == ()
    assert trading().decode_private(b'{"channel":"rs.login","data":"success","ts":1}') == ()


READERS = [
    "read_orders",
    "read_fills",
    "read_positions",
    "read_balances",
    "read_fees",
    "decode_private",
]
SEEDS = [
    data(ORDER),
    data([PLAN]),
    data([FILL]),
    data([POSITION]),
    personal("order", ORDER),
    personal("plan.order", PLAN),
    personal("position", POSITION),
]


@given(
    reader=st.sampled_from(READERS),
    seed=st.sampled_from(SEEDS),
    at=st.integers(0, 800),
    put=st.binary(max_size=4) | st.sampled_from([b"null", b"[" * 3000, b'"', b"-1e999"]),
    cut=st.integers(0, 5),
)
def test_whatever_comes_is_read_or_refused(
    reader: str, seed: bytes, at: int, put: bytes, cut: int
) -> None:
    at %= len(seed) + 1
    for text in (seed[:at] + put + seed[at + cut :], seed[:at] + put, put):
        with suppress(MessageError):
            getattr(trading(), reader)(text)
        trading().answer(200, {}, text)


@pytest.mark.parametrize("reader", READERS)
def test_nesting_without_end_is_refused(reader: str) -> None:
    for deep in (b'{"x":' + b"[" * 100_000, b'{"success":true,"data":' + b"[" * 100_000):
        with pytest.raises(MessageError):
            getattr(trading(), reader)(deep)
