"""WEEX's trading side: requests, the worked signatures, codes, answers, the private stream."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema import command as commands
from aggressor.schema import report
from aggressor.schema.errors import MessageError
from aggressor.schema.event import NO_TIME
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    Credentials,
    FillUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
    Terms,
    TradingVenue,
    Verdict,
)
from aggressor.venues.weex.signing import sign, signature_of
from aggressor.venues.weex.stream import price_by_value
from tests.venues.weex_samples import BTC, raw

SHARED, ISOLATED = Terms(hedge=True, leverage=20), Terms(hedge=True, isolated=True, leverage=7)
KEY = Credentials("key", "testSecret", "phrase")
MS = 1_000_000


def side() -> TradingVenue:
    made = venue_named("weex").trading
    assert made is not None
    return made


WEEX = side()


def order(**fields: Any) -> Any:
    """Return a COMMAND: a bid for 0.0010 at 30,000.0 unless said otherwise."""
    one = commands.empty_commands(1)[0]
    one["order"], one["side"], one["size"], one["price"] = 123_456, 1, 10, 300_000
    one["kind"], one["type"], one["tif"] = commands.PLACE, commands.LIMIT, commands.GTC
    for name, value in fields.items():
        one[name] = value
    return one


def body(call: Call) -> dict[str, Any]:
    return msgspec.json.decode(call.body)


def test_the_worked_signatures() -> None:
    text = (
        b'{"symbol":"BTCUSDT","side":"BUY","positionSide":"LONG","type":"LIMIT",'
        b'"timeInForce":"POST_ONLY","quantity":"0.01","price":"30000","newClientOrderId":"t-1"}'
    )
    calls = [
        (
            Call("POST", "/capi/v3/order", body=text),
            "rZs3LQDpf3y056WCP7YRC2pjDFpYBnbazy+mE5TMBzM=",
        ),
        (
            Call("GET", "/capi/v3/openOrders", (("symbol", "BTCUSDT"),)),
            "c59zx4QBv8nRGEWz8fqg+/D55mBqhKFw0IHwzX4efE4=",
        ),
    ]
    for call, wanted in calls:
        signed = sign(call, KEY, 1700000000000, "https://h")
        assert signed.headers["ACCESS-SIGN"] == wanted
        assert signed.headers["ACCESS-KEY"] == "key"
        assert signed.headers["ACCESS-PASSPHRASE"] == "phrase"
        assert signed.headers["ACCESS-TIMESTAMP"] == "1700000000000"
        assert signed.body == call.body
    assert sign(calls[1][0], KEY, 5, "https://h").url == (
        "https://h/capi/v3/openOrders?symbol=BTCUSDT"
    )
    assert signature_of("1700000000000/v3/ws/private", "testSecret") == (
        "NHK4JoRZWVjptZViwXvwnymCaslgQ+saoMxMhyG7gB0="
    )


def test_an_order_is_written_as_in_the_worked_signature() -> None:
    call = WEEX.place(order(tif=commands.POST_ONLY), BTC, SHARED)
    assert call.body == (
        b'{"symbol":"BTCUSDT","side":"BUY","positionSide":"LONG","type":"LIMIT",'
        b'"timeInForce":"POST_ONLY","quantity":"0.0010","price":"30000.0",'
        b'"newClientOrderId":"ag2n9c"}'
    )


ORDERS = [
    (order(), {"side": "BUY", "positionSide": "LONG", "timeInForce": "GTC"}),
    (order(side=-1, tif=commands.IOC), {"side": "SELL", "positionSide": "SHORT"}),
    (order(side=-1, flags=report.REDUCE_ONLY), {"side": "SELL", "positionSide": "LONG"}),
    (order(flags=report.REDUCE_ONLY, tif=commands.FOK), {"side": "BUY", "positionSide": "SHORT"}),
    (
        order(type=commands.MARKET, flags=report.REDUCE_ONLY),
        {"type": "MARKET", "positionSide": "SHORT", "newClientOrderId": "ag2n9c"},
    ),
    (
        order(type=commands.STOP_MARKET, trigger=295_005, flags=report.REDUCE_ONLY, side=-1),
        {"type": "STOP_MARKET", "triggerPrice": "29500.5", "clientAlgoId": "ag2n9c"},
    ),
    (
        order(type=commands.TAKE_PROFIT_MARKET, trigger=305_000, flags=report.REDUCE_ONLY, side=-1),
        {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "30500.0", "positionSide": "LONG"},
    ),
]


@pytest.mark.parametrize(("command", "wanted"), ORDERS)
def test_orders(command: Any, wanted: dict[str, str]) -> None:
    call = WEEX.place(command, BTC, SHARED)
    plain = command["type"] in (commands.LIMIT, commands.MARKET)
    assert (call.method, call.path) == (
        "POST",
        "/capi/v3/order" if plain else "/capi/v3/algoOrder",
    )
    fields = body(call)
    assert (wanted | {"symbol": "BTCUSDT", "quantity": "0.0010"}).items() <= fields.items()
    limit = command["type"] == commands.LIMIT
    assert ("price" in fields, "timeInForce" in fields) == (limit, limit)
    assert ("newClientOrderId" in fields, "clientAlgoId" in fields) == (plain, not plain)


def test_client_ids_fit_the_venue() -> None:
    for one in (1, 36, 2**63 - 1):
        text = WEEX.client_id(one)
        assert len(text) <= 36
        assert text.isalnum()
        assert WEEX.order_id(text) == one
    assert WEEX.order_id("b-WEEX111125-x") is None


def test_what_the_venue_does_not_have() -> None:
    assert WEEX.amend is WEEX.resize is WEEX.replace is WEEX.place_many is None
    assert WEEX.dead_man is WEEX.set_mode is WEEX.listen_key is None


def test_cancels_know_stops_from_plain_orders() -> None:
    plain = WEEX.cancel(order(), BTC, SHARED)
    stop = WEEX.cancel(order(type=commands.STOP_MARKET), BTC, SHARED)
    assert (plain.path, stop.path) == ("/capi/v3/order", "/capi/v3/algoOrder")
    assert plain.query == stop.query == (("origClientOrderId", "ag2n9c"),)
    assert [(one.method, one.path) for one in WEEX.cancel_all(BTC)] == [
        ("DELETE", "/capi/v3/allOpenOrders"),
        ("DELETE", "/capi/v3/algoOpenOrders"),
    ]


def test_questions_and_settings() -> None:
    known = [(call.path, call.query) for call in WEEX.order(BTC, "ag1", "17", 0)]
    assert known[0] == ("/capi/v3/order", (("orderId", "17"),))
    assert [path for path, _ in known] == [
        "/capi/v3/order",
        "/capi/v3/openAlgoOrders",
        "/capi/v3/allAlgoOrders",
    ]
    assert [call.path for call in WEEX.order(BTC, "ag1", "", 0)] == [
        "/capi/v3/openOrders",
        "/capi/v3/openAlgoOrders",
        "/capi/v3/order/history",
        "/capi/v3/allAlgoOrders",
    ]
    assert [call.path for call in WEEX.open_orders(BTC)] == [
        "/capi/v3/openOrders",
        "/capi/v3/openAlgoOrders",
    ]
    assert dict(WEEX.fills(BTC, 5).query) == {
        "symbol": "BTCUSDT",
        "startTime": "5",
        "limit": "100",
    }
    assert WEEX.positions(None).path.endswith("/allPosition")
    assert WEEX.positions(BTC).query == (("symbol", "BTCUSDT"),)
    (shared,) = WEEX.set_leverage(BTC, SHARED)
    (isolated,) = WEEX.set_leverage(BTC, ISOLATED)
    assert body(shared) == {"symbol": "BTCUSDT", "marginType": "CROSSED", "crossLeverage": 20}
    assert body(isolated) == {
        "symbol": "BTCUSDT",
        "marginType": "ISOLATED",
        "isolatedLongLeverage": 7,
        "isolatedShortLeverage": 7,
    }
    assert WEEX.set_margin is not None
    assert body(WEEX.set_margin(BTC, ISOLATED)) == {"symbol": "BTCUSDT", "marginType": "ISOLATED"}
    calls = [
        *WEEX.order(BTC, "a", "", 0),
        WEEX.balances(),
        WEEX.place(order(), BTC, SHARED),
        shared,
    ]
    assert {call.group for call in calls} <= WEEX.limits.keys()


def said(text: bytes, status: int = 200) -> Any:
    return WEEX.answer(status, {}, text)


DONE = {
    "orderId": "702345678901234567",
    "clientOrderId": "ag1",
    "success": True,
    "errorCode": "",
    "errorMessage": "",
}


def test_accepted_answers() -> None:
    assert said(raw(DONE)) == (Verdict.ACCEPTED, 0, "", "", "702345678901234567", 0)
    assert said(raw(DONE | {"orderId": 702345678901234567})).venue_id == "702345678901234567"
    assert said(raw([DONE, DONE])).verdict is Verdict.ACCEPTED
    assert said(raw([DONE])).venue_id == "702345678901234567"
    for text in (
        b"[]",
        raw({"code": "200", "msg": "success", "requestTime": 1764505777345}),
        raw({"symbol": "BTCUSDT", "marginType": "CROSSED", "crossLeverage": "20"}),
        raw({"orders": [], "hasMore": False}),
    ):
        assert said(text).verdict is Verdict.ACCEPTED
    assert said(b"{}").verdict is Verdict.UNKNOWN


CODES = [
    ({"code": -2200, "msg": "x"}, Verdict.REFUSED, report.UNKNOWN_ORDER),
    ({"code": -3200, "msg": "x"}, Verdict.REFUSED, report.UNKNOWN_ORDER),
    ({"code": -1121, "msg": "x"}, Verdict.REFUSED, report.BAD_FIELD),
    ({"code": "-1160", "msg": "x"}, Verdict.REFUSED, report.BAD_FIELD),
    ({"code": -1049, "msg": "x"}, Verdict.REFUSED, report.FORBIDDEN),
    ({"code": -1058, "msg": "x"}, Verdict.REFUSED, report.FORBIDDEN),
    ({"code": -1046, "msg": "x"}, Verdict.BAD_CLOCK, report.NO_REASON),
    ({"code": -1054, "msg": "System error"}, Verdict.UNKNOWN, report.NO_REASON),
    (
        {"code": -1054, "msg": "FAILED_PRECONDITION: available amount not enough"},
        Verdict.REFUSED,
        report.NO_MARGIN,
    ),
    ({"code": -9999, "msg": "x"}, Verdict.UNKNOWN, report.NO_REASON),
    (
        DONE | {"success": False, "errorCode": "FAILED_ORDER_NOT_FOUND"},
        Verdict.REFUSED,
        report.UNKNOWN_ORDER,
    ),
    (DONE | {"success": False, "errorCode": "-9999"}, Verdict.REFUSED, report.NO_REASON),
    (
        DONE | {"success": False, "errorMessage": "margin not enough"},
        Verdict.REFUSED,
        report.NO_MARGIN,
    ),
    (DONE | {"success": None, "errorCode": "-9999"}, Verdict.UNKNOWN, report.NO_REASON),
]


@pytest.mark.parametrize(("text", "verdict", "reason"), CODES)
def test_codes(text: dict[str, Any], verdict: Verdict, reason: int) -> None:
    got = said(raw(text), 400 if "code" in text else 200)
    assert (got.verdict, got.reason) == (verdict, reason)
    assert said(raw([DONE, text])).verdict is verdict


@pytest.mark.parametrize(
    ("status", "text", "verdict"),
    [
        (429, b"", Verdict.THROTTLED),
        (500, raw(DONE), Verdict.UNKNOWN),
        (503, b"", Verdict.UNKNOWN),
        (404, b"<html>", Verdict.UNKNOWN),
        (200, b"", Verdict.UNKNOWN),
    ],
)
def test_answers_without_a_code(status: int, text: bytes, verdict: Verdict) -> None:
    assert said(text, status).verdict is verdict


ORDER = {
    "avgPrice": "68990.5",
    "clientOrderId": "ag1",
    "executedQty": "0.004",
    "orderId": 702345678901234567,
    "origQty": "0.01",
    "price": "69000",
    "reduceOnly": False,
    "side": "BUY",
    "positionSide": "LONG",
    "status": "NEW",
    "stopPrice": "0",
    "symbol": "BTCUSDT",
    "type": "LIMIT",
    "updateTime": 1764505701456,
}
ALGO = {
    "algoId": 812345678901234567,
    "clientAlgoId": "ag2",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "LONG",
    "quantity": "0.01",
    "algoStatus": "UNTRIGGERED",
    "actualOrderId": None,
    "triggerPrice": "68900",
    "price": "0",
    "updateTime": 1764505800123,
}


def test_orders_of_answers() -> None:
    wanted = OrderUpdate(
        "BTCUSDT",
        "ag1",
        "702345678901234567",
        report.ACK,
        1,
        "69000",
        "0.01",
        "0.004",
        1764505701456 * MS,
    )
    assert WEEX.read_orders(raw(ORDER)) == [wanted]
    assert WEEX.read_orders(raw([ORDER])) == [wanted]
    algo = OrderUpdate(
        "BTCUSDT",
        "ag2",
        "812345678901234567",
        report.ACK,
        -1,
        "",
        "0.01",
        "0",
        1764505800123 * MS,
        trigger="68900",
        reduce_only=True,
    )
    assert WEEX.read_orders(raw([ALGO])) == [algo]
    assert WEEX.read_orders(raw({"orders": [ALGO], "hasMore": False})) == [algo]
    for status, kind in (
        ("FILLED", report.FILL),
        ("CANCELED", report.CANCELED),
        ("CANCELING", report.ACK),
        ("EXPIRED", report.EXPIRED),
        ("PARTIALLY_FILLED", report.ACK),
        ("partial_fill", report.ACK),
    ):
        assert WEEX.read_orders(raw(ORDER | {"status": status}))[0].kind == kind
    (triggered,) = WEEX.read_orders(raw([ALGO | {"algoStatus": "TRIGGERED"}]))
    assert triggered.kind == report.TRIGGERED
    assert triggered.became == ""
    actual = {"actualOrderId": 737074043320009064}
    (became,) = WEEX.read_orders(raw([ALGO | actual | {"algoStatus": "TRIGGERED"}]))
    assert became.became == "737074043320009064"
    (waits,) = WEEX.read_orders(raw([ALGO | actual]))  # the venue names one before it is triggered
    assert waits.became == ""
    with pytest.raises(MessageError, match="ODD"):
        WEEX.read_orders(raw(ORDER | {"status": "ODD"}))
    with pytest.raises(MessageError, match="-2200"):
        WEEX.read_orders(raw({"code": -2200, "msg": "x"}))


def test_fills_positions_balances_fees_and_rights() -> None:
    fill = {
        "id": 801234567890123456,
        "orderId": 702345678901234567,
        "symbol": "BTCUSDT",
        "buyer": True,
        "commission": "0.138",
        "commissionAsset": "USDT",
        "maker": False,
        "price": "69000",
        "qty": "0.01",
        "side": "BUY",
        "positionSide": "LONG",
        "time": 1764506000456,
    }
    later = fill | {"id": 801234567890123457, "time": 1764506000457, "maker": True}
    one, two = WEEX.read_fills(raw([later, fill]))
    assert one == FillUpdate(
        "BTCUSDT",
        "",
        "702345678901234567",
        "801234567890123456",
        1,
        "69000",
        "0.01",
        "0.138",
        "USDT",
        False,
        1764506000456 * MS,
    )
    assert two.maker is True
    position = {
        "id": 689987235755328154,
        "symbol": "BTCUSDT",
        "side": "SHORT",
        "marginType": "ISOLATED",
        "leverage": "100",
        "size": "0.020000",
        "openValue": "1801.0670000",
        "updatedTime": 1764588886461,
        "liquidatePrice": "0",
    }
    closed = position | {"size": "0", "openValue": "0", "side": "LONG"}
    short, none = WEEX.read_positions(raw([position, closed]))
    assert short == PositionUpdate(
        "BTCUSDT", "-0.020000", "90053.35", "", "100", True, 1764588886461 * MS, -1
    )
    assert (none.size, none.entry, none.leg) == ("0", "", 1)
    balance = {"asset": "USDT", "balance": "5696.49", "availableBalance": "5413.06"}
    assert WEEX.read_balances(raw([balance])) == [BalanceUpdate("USDT", "5696.49", "5413.06")]
    assert WEEX.read_fees is not None
    rates = {
        "symbol": "BTCUSDT",
        "makerCommissionRate": "0.0002",
        "takerCommissionRate": "0.0004",
    }
    assert WEEX.read_fees(raw(rates)) == [("BTCUSDT", Decimal("0.0002"), Decimal("0.0004"))]
    assert WEEX.read_rights is not None
    may = {"canTrade": True, "canWithdraw": True}
    assert WEEX.read_rights(raw(may)) == KeyRights(None, None, None)
    assert WEEX.read_rights(raw({"canTrade": False, "canWithdraw": False})) == (False, False, None)


def test_the_private_stream_is_signed_in_its_handshake() -> None:
    link = WEEX.private(KEY, 1700000000000, "")
    assert link.address == "wss://ws-contract.weex.com/v3/ws/private"
    assert link.headers["ACCESS-SIGN"] == "NHK4JoRZWVjptZViwXvwnymCaslgQ+saoMxMhyG7gB0="
    assert link.headers["User-Agent"]
    assert link.login == b""
    assert [msgspec.json.decode(one) for one in link.messages] == [
        {"method": "SUBSCRIBE", "params": ["orders", "fill", "positions"], "id": 1}
    ]
    assert link.rules is not None
    assert link.rules.silence_ns > 120_000_000_000


def push(event: str, **fields: object) -> bytes:
    head = {"e": event, "E": 1773295738939, "v": 46654, "msgEvent": "OrderUpdate"}
    return raw(head | {"d": [fields]})


PUSHED_ORDER = {
    "id": "617414920861909658",
    "coin": "USDT",
    "symbol": "BTCUSDT",
    "marginMode": "CROSSED",
    "separatedMode": "COMBINED",
    "positionSide": "LONG",
    "orderSide": "BUY",
    "price": "0.0",
    "size": "0.10000",
    "clientOrderId": "ag1",
    "type": "MARKET",
    "timeInForce": "IOC",
    "reduceOnly": False,
    "triggerPrice": "0",
    "status": "PENDING",
    "cancelReason": "UNKNOWN_ORDER_CANCEL_REASON",
    "latestFillPrice": "0",
    "cumFillSize": "0",
    "createdTime": "1747203188148",
    "updatedTime": "1747203188148",
}
PUSHED_FILL = {
    "id": "617414920887075482",
    "coin": "USDT",
    "symbol": "BTCUSDT",
    "orderId": "617414920861909658",
    "marginMode": "CROSSED",
    "positionSide": "LONG",
    "orderSide": "BUY",
    "fillSize": "0.10000",
    "fillValue": "10381.270000",
    "fillFee": "6.228762",
    "liquidateFee": "0",
    "realizePnl": "0",
    "direction": "TAKER",
    "createdTime": "1747203188154",
    "updatedTime": "1747203188154",
}
PUSHED_POSITION = {
    "id": "615193369903104410",
    "coin": "USDT",
    "symbol": "BTCUSDT",
    "side": "LONG",
    "marginMode": "ISOLATED",
    "leverage": "20",
    "size": "0.01000",
    "openValue": "992.405443",
    "fundingFee": "157.475456",
}


def test_orders_on_the_stream() -> None:
    assert list(WEEX.decode_private(push("orders", **PUSHED_ORDER))) == [
        OrderUpdate(
            "BTCUSDT",
            "ag1",
            "617414920861909658",
            report.ACK,
            1,
            "",
            "0.10000",
            "0",
            1747203188148 * MS,
        )
    ]
    gone = PUSHED_ORDER | {
        "status": "CANCELED",
        "cancelReason": "USER_CANCELED",
        "positionSide": "SHORT",
        "cumFillSize": "0.05",
    }
    (one,) = WEEX.decode_private(push("orders", **gone))
    assert isinstance(one, OrderUpdate)
    assert (one.kind, one.text, one.reduce_only, one.filled) == (
        report.CANCELED,
        "USER_CANCELED",
        True,
        "0.05",
    )


def test_fills_on_the_stream() -> None:
    assert list(WEEX.decode_private(push("fill", **PUSHED_FILL))) == [
        FillUpdate(
            "BTCUSDT",
            "",
            "617414920861909658",
            "617414920887075482",
            1,
            "103812.7",
            "0.10000",
            "6.228762",
            "USDT",
            False,
            1747203188154 * MS,
        )
    ]
    odd = PUSHED_FILL | {"fillSize": "3", "fillValue": "10", "direction": "", "createdTime": "0"}
    (one,) = WEEX.decode_private(push("fill", **odd))
    assert isinstance(one, FillUpdate)
    assert (one.price, one.maker, one.ts_venue) == ("", None, 1773295738939 * MS)


@settings(max_examples=300, deadline=None)
@given(
    ticks=st.integers(1, 10**7),
    lots=st.integers(1, 10**6),
    tick=st.integers(0, 3),
    lot=st.integers(0, 3),
)
def test_a_price_comes_back_from_value_and_size(ticks: int, lots: int, tick: int, lot: int) -> None:
    price, size = Decimal(ticks).scaleb(-tick), Decimal(lots).scaleb(-lot)
    assert Decimal(price_by_value(price * size, size)) == price


def test_a_price_that_does_not_end_is_not_said() -> None:
    assert price_by_value(Decimal(1), Decimal(3)) == ""
    assert price_by_value(Decimal(1), Decimal(0)) == ""
    assert price_by_value(Decimal("1e-30"), Decimal(1)) == ""
    assert price_by_value(Decimal("5e30"), Decimal(1)) == "5" + "0" * 30


def test_positions_on_the_stream() -> None:
    (one,) = WEEX.decode_private(push("positions", **PUSHED_POSITION))
    assert one == PositionUpdate(
        "BTCUSDT", "0.01000", "99240.5443", "", "20", True, 1773295738939 * MS, 1
    )


@pytest.mark.parametrize(
    "message",
    [
        push("account", coin="USDT", amount="0.00"),
        b'{"result":true,"id":1}',
        b'{"type":"ping","time":"1776172740000"}',
        b"Ping",
        b"",
    ],
)
def test_what_says_nothing_of_the_account(message: bytes) -> None:
    assert list(WEEX.decode_private(message)) == []


def test_an_event_without_a_time_says_so() -> None:
    position = raw({"e": "positions", "d": [PUSHED_POSITION]})
    assert WEEX.decode_private(position)[0].ts_venue == NO_TIME


BODIES = [
    raw(DONE),
    raw([DONE]),
    raw([ORDER]),
    raw({"orders": [ALGO]}),
    push("orders", **PUSHED_ORDER),
    push("fill", **PUSHED_FILL),
    push("positions", **PUSHED_POSITION),
    b"",
]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(BODIES),
    at=st.integers(0, 700),
    piece=st.binary(max_size=4) | st.sampled_from([b"9" * 30, b"1e999", b"NaN", b"null", b'"']),
    instead=st.booleans(),
    status=st.sampled_from([200, 400, 500]),
)
def test_any_bytes_are_an_answer_or_a_message_error(
    seed: bytes, at: int, piece: bytes, instead: bool, status: int
) -> None:
    at %= len(seed) + 1
    text = seed[:at] + piece + seed[at + (len(piece) if instead else 0) :]
    assert said(text, status).verdict in Verdict
    assert WEEX.read_fees is not None
    assert WEEX.read_rights is not None
    for read in (
        WEEX.read_orders,
        WEEX.read_fills,
        WEEX.read_positions,
        WEEX.read_balances,
        WEEX.read_fees,
        WEEX.read_rights,
        WEEX.decode_private,
    ):
        try:
            read(text)
        except MessageError:
            continue
