"""BingX's trading side: requests, the worked signatures, codes, answers, the private stream."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema import command as commands
from aggressor.schema import report
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.event import NO_TIME
from aggressor.venues.bingx.signing import sign, signature_of
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    Credentials,
    FillUpdate,
    FundingUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
    Terms,
    TradingVenue,
    Verdict,
)
from tests.venues.bingx_samples import BTC, answer

ONE_WAY, HEDGE = Terms(), Terms(hedge=True, isolated=True, leverage=7)
MS = 1_000_000


def side() -> TradingVenue:
    made = venue_named("bingx").trading
    assert made is not None
    return made


BINGX = side()


def order(**fields: Any) -> Any:
    """Return a COMMAND: a bid for 0.0010 at 30,000.0 unless said otherwise."""
    one = commands.empty_commands(1)[0]
    one["order"], one["side"], one["size"], one["price"] = 123_456, 1, 10, 300_000
    one["kind"], one["type"], one["tif"] = commands.PLACE, commands.LIMIT, commands.GTC
    for name, value in fields.items():
        one[name] = value
    return one


def query(call: Call) -> dict[str, str]:
    return dict(call.query)


def test_the_worked_signatures() -> None:
    official = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"
    text = "symbol=BTC-USDT&timestamp=1667872120843&side=LONG&leverage=6"
    assert signature_of(text, official) == (
        "4f581ecdb1fa09b9d6e57886b6f70cffed17f82b93399722939e49a38edec2bf"
    )
    vectors = [
        (
            (("symbol", "BTC-USDT"), ("recvWindow", "5000")),
            "4cf48533cb6aa20561ce3f68d1b7659979f08bac53e0484ce88a8c0470503f3d",
        ),
        (
            (
                ("symbol", "BTC-USDT"),
                ("side", "BUY"),
                ("positionSide", "BOTH"),
                ("type", "LIMIT"),
                ("price", "30000"),
                ("quantity", "0.001"),
                ("timeInForce", "PostOnly"),
                ("recvWindow", "5000"),
            ),
            "5fc485bb2bc985d5e8a84c9d3ec9fbf7f82b9acaf71223ef1d77fb6b2908b624",
        ),
    ]
    for fields, wanted in vectors:
        signed = sign(
            Call("POST", "/p", fields), Credentials("k", "testSecret"), 1696751141337, "https://h"
        )
        assert signed.url.endswith(f"&signature={wanted}")
        assert signed.headers == {"X-BX-APIKEY": "k"}


def test_values_are_signed_as_they_are_and_encoded_for_the_url() -> None:
    call = Call("POST", "/p", (("batchOrders", '[{"a": 1}]'),))
    signed = sign(call, Credentials("k", "s"), 5, "https://h")
    digest = signature_of('batchOrders=[{"a": 1}]&timestamp=5', "s")
    assert signed.url == (
        f"https://h/p?batchOrders=%5B%7B%22a%22%3A%201%7D%5D&timestamp=5&signature={digest}"
    )
    assert "s" not in repr(Credentials("k", "s")).replace("secret", "").replace("Credentials", "")


ORDERS = [
    (order(), ONE_WAY, {"type": "LIMIT", "price": "30000.0", "timeInForce": "GTC"}),
    (order(tif=commands.IOC, side=-1), ONE_WAY, {"side": "SELL", "timeInForce": "IOC"}),
    (order(tif=commands.FOK), ONE_WAY, {"timeInForce": "FOK", "positionSide": "BOTH"}),
    (order(tif=commands.POST_ONLY), HEDGE, {"timeInForce": "PostOnly", "positionSide": "LONG"}),
    (order(side=-1), HEDGE, {"side": "SELL", "positionSide": "SHORT"}),
    (order(side=-1, flags=report.REDUCE_ONLY), HEDGE, {"side": "SELL", "positionSide": "LONG"}),
    (order(flags=report.REDUCE_ONLY), HEDGE, {"side": "BUY", "positionSide": "SHORT"}),
    (
        order(flags=report.REDUCE_ONLY, type=commands.MARKET),
        ONE_WAY,
        {"type": "MARKET", "reduceOnly": "true", "positionSide": "BOTH"},
    ),
    (
        order(type=commands.STOP_MARKET, trigger=295_005, flags=report.REDUCE_ONLY, side=-1),
        ONE_WAY,
        {"type": "STOP_MARKET", "stopPrice": "29500.5", "workingType": "CONTRACT_PRICE"},
    ),
    (
        order(type=commands.TAKE_PROFIT_MARKET, trigger=305_000, flags=report.REDUCE_ONLY, side=-1),
        HEDGE,
        {"type": "TAKE_PROFIT_MARKET", "stopPrice": "30500.0", "positionSide": "LONG"},
    ),
    (
        order(type=commands.STOP_MARKET, trigger=305_000),
        ONE_WAY,
        {"type": "TRIGGER_MARKET", "stopPrice": "30500.0"},
    ),
]


@pytest.mark.parametrize(("command", "terms", "wanted"), ORDERS)
def test_orders(command: Any, terms: Terms, wanted: dict[str, str]) -> None:
    call = BINGX.place(command, BTC, terms)
    assert (call.method, call.path) == ("POST", "/openApi/swap/v2/trade/order")
    fields = query(call)
    common = {"symbol": "BTC-USDT", "quantity": "0.0010", "clientOrderId": "ag2n9c"}
    assert wanted.items() | common.items() <= fields.items()
    limit = command["type"] == commands.LIMIT
    assert ("price" in fields, "timeInForce" in fields) == (limit, limit)
    assert ("reduceOnly" in fields) == bool(command["flags"] and not terms.hedge)


def test_client_ids_are_lower_case_and_ours_alone() -> None:
    for one in (1, 35, 36, 2**63 - 1):
        text = BINGX.client_id(one)
        assert text == text.lower()
        assert len(text) <= 40
        assert BINGX.order_id(text) == BINGX.order_id(text.upper()) == one
    assert BINGX.order_id("someone") is None
    assert BINGX.order_id("") is None


def test_a_batch_is_a_json_array_with_numbers() -> None:
    assert BINGX.place_many is not None
    call = BINGX.place_many([order(), order(order=7, side=-1)], BTC, ONE_WAY)
    assert call.path == "/openApi/swap/v2/trade/batchOrders"
    text = query(call)["batchOrders"]
    assert '"price":30000.0' in text
    assert '"quantity":0.0010' in text
    one, two = json.loads(text)
    assert (one["clientOrderId"], two["clientOrderId"], two["side"]) == ("ag2n9c", "ag7", "SELL")
    with pytest.raises(AssertionError, match="1 to 5"):
        BINGX.place_many([order()] * 6, BTC, ONE_WAY)


def test_what_stands_in_for_an_amendment() -> None:
    assert BINGX.amend is None
    assert BINGX.resize is not None
    assert BINGX.replace is not None
    call = BINGX.resize(order(kind=commands.AMEND), BTC, ONE_WAY)
    assert (call.path, query(call)) == (
        "/openApi/swap/v1/trade/amend",
        {"symbol": "BTC-USDT", "clientOrderId": "ag2n9c", "quantity": "0.0010"},
    )
    call = BINGX.replace(order(order=36), 35, BTC, ONE_WAY)
    assert call.path == "/openApi/swap/v1/trade/cancelReplace"
    wanted = {
        "cancelClientOrderId": "agz",
        "clientOrderId": "ag10",
        "cancelReplaceMode": "STOP_ON_FAILURE",
        "price": "30000.0",
    }
    assert wanted.items() <= query(call).items()
    with pytest.raises(AssertionError, match="id of its own"):
        BINGX.replace(order(), 123_456, BTC, ONE_WAY)


def test_cancels_and_the_dead_man() -> None:
    call = BINGX.cancel(order(), BTC, ONE_WAY)
    assert (call.method, query(call)) == (
        "DELETE",
        {"symbol": "BTC-USDT", "clientOrderId": "ag2n9c"},
    )
    (call,) = BINGX.cancel_all(BTC)
    assert (call.method, call.path) == ("DELETE", "/openApi/swap/v2/trade/allOpenOrders")
    assert query(call) == {"symbol": "BTC-USDT"}
    assert BINGX.dead_man is not None
    assert query(BINGX.dead_man(BTC, 10_500)) == {"type": "ACTIVATE", "timeOut": "11"}
    assert query(BINGX.dead_man(BTC, 0)) == {"type": "CLOSE", "timeOut": "0"}
    for wrong in (9_000, 120_001):
        with pytest.raises(ConfigError, match="10 to 120 s"):
            BINGX.dead_man(BTC, wrong)


def test_questions_and_settings() -> None:
    (by_id,) = BINGX.order(BTC, "ag1", "17", 0)
    (by_ours,) = BINGX.order(BTC, "ag1", "", 0)
    assert (query(by_id)["orderId"], query(by_ours)["clientOrderId"]) == ("17", "ag1")
    assert query(BINGX.fills(BTC, 5)) == {
        "symbol": "BTC-USDT",
        "startTs": "5",
        "endTs": "604800005",
        "pageSize": "1000",
    }
    assert BINGX.positions(None).query == ()
    assert query(BINGX.positions(BTC)) == {"symbol": "BTC-USDT"}
    sides = [query(one)["side"] for one in BINGX.set_leverage(BTC, HEDGE)]
    assert sides == ["LONG", "SHORT"]
    (one,) = BINGX.set_leverage(BTC, ONE_WAY)
    assert query(one) == {"symbol": "BTC-USDT", "side": "BOTH", "leverage": "1"}
    assert BINGX.set_margin is not None
    assert BINGX.set_mode is not None
    assert query(BINGX.set_margin(BTC, HEDGE))["marginType"] == "ISOLATED"
    assert query(BINGX.set_margin(BTC, ONE_WAY))["marginType"] == "CROSSED"
    assert query(BINGX.set_mode(HEDGE)) == {"dualSidePosition": "true"}
    assert {one.group for one in BINGX.open_orders(BTC)} <= BINGX.limits.keys()


def said(body: bytes, status: int = 200) -> Any:
    return BINGX.answer(status, {}, body)


PLACED = {
    "order": {
        "symbol": "BTC-USDT",
        "orderId": 1735950529123455011,
        "orderID": "1735950529123455012",
        "side": "BUY",
        "clientOrderID": "ag1",
    }
}


def test_accepted_answers_name_the_venues_id_exactly() -> None:
    assert said(answer(PLACED)) == (Verdict.ACCEPTED, 0, "", "", "1735950529123455012", 0)
    older = {"order": {"symbol": "BTC-USDT", "orderId": 1735950529123455011}}
    assert said(answer(older)).venue_id == "1735950529123455011"
    amended = {"orderId": 1989246372640981001, "symbol": "BTC-USDT", "quantity": 0.00009}
    assert said(answer(amended)).venue_id == "1989246372640981001"
    replaced = {
        "cancelResult": "true",
        "replaceResult": "true",
        "newOrderResponse": {"orderId": "987654321"},
    }
    assert said(answer(replaced)).venue_id == "987654321"
    failed = replaced | {"replaceResult": "false", "replaceMsg": "too small"}
    assert said(answer(failed))[:4] == (Verdict.REFUSED, 0, "", "too small")
    for data in (None, {}, [], {"success": [], "failed": None}):
        assert said(answer(data)).verdict is Verdict.ACCEPTED
    assert said(b"", 204).verdict is Verdict.ACCEPTED
    assert said(b"", 404).verdict is Verdict.REFUSED


CODES = [
    (101215, "would cross", Verdict.REFUSED, report.WOULD_CROSS),
    (109421, "order not exist", Verdict.REFUSED, report.UNKNOWN_ORDER),
    (80018, "filled", Verdict.REFUSED, report.UNKNOWN_ORDER),
    (101290, "", Verdict.REFUSED, report.REDUCE_ONLY_EMPTY),
    (101205, "No position to close", Verdict.REFUSED, report.REDUCE_ONLY_EMPTY),
    (101204, "", Verdict.REFUSED, report.NO_MARGIN),
    (80012, '{"Code":101253,"Msg":"margin is not enough"}', Verdict.REFUSED, report.NO_MARGIN),
    (110402, "", Verdict.REFUSED, report.PRICE_BAND),
    (101400, "The minimum order amount is 0.0001 BTC.", Verdict.REFUSED, report.BAD_FIELD),
    (109400, "position mode", Verdict.REFUSED, report.BAD_FIELD),
    (101419, "", Verdict.REFUSED, report.TOO_MANY_ORDERS),
    (100413, "Incorrect apiKey", Verdict.REFUSED, report.FORBIDDEN),
    (101415, "suspended", Verdict.REFUSED, report.FORBIDDEN),
    (100421, "This pair is currently restricted", Verdict.REFUSED, report.FORBIDDEN),
    (100421, "Null timestamp or timestamp mismatch", Verdict.BAD_CLOCK, report.NO_REASON),
    (80014, "timestamp is invalid", Verdict.BAD_CLOCK, report.NO_REASON),
    (80014, "Invalid parameters", Verdict.REFUSED, report.BAD_FIELD),
    (100410, "The endpoint trigger frequency limit rule", Verdict.THROTTLED, report.NO_REASON),
    (100410, "The current system is busy", Verdict.UNKNOWN, report.NO_REASON),
    (101214, "funding settlement", Verdict.THROTTLED, report.NO_REASON),
    (109500, "busy", Verdict.UNKNOWN, report.NO_REASON),
    (101481, "clientOrderId used", Verdict.UNKNOWN, report.NO_REASON),
    (109201, "same order", Verdict.UNKNOWN, report.NO_REASON),
    (999999, "never heard of", Verdict.UNKNOWN, report.NO_REASON),
]


@pytest.mark.parametrize(("code", "text", "verdict", "reason"), CODES)
def test_codes(code: int, text: str, verdict: Verdict, reason: int) -> None:
    got = said(answer({}, code, text))
    assert (got.verdict, got.reason, got.code, got.text) == (verdict, reason, str(code), text)
    assert (got.wait_ns > 0) == (verdict is Verdict.THROTTLED)


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (500, b"", Verdict.UNKNOWN),
        (503, answer(PLACED), Verdict.UNKNOWN),
        (504, b"<html>", Verdict.UNKNOWN),
        (200, b"<html>", Verdict.UNKNOWN),
        (429, b"", Verdict.THROTTLED),
        (418, b"{}", Verdict.THROTTLED),
    ],
)
def test_answers_without_a_code(status: int, body: bytes, verdict: Verdict) -> None:
    assert said(body, status).verdict is verdict


def test_a_batch_is_known_only_if_all_of_it_was_taken() -> None:
    assert BINGX.answers is not None
    whole = answer({"orders": [{"orderId": 1}, {"orderId": 2}]})
    assert [one.verdict for one in BINGX.answers(200, {}, whole, 2)] == [Verdict.ACCEPTED] * 2
    part = answer({"orders": [{"orderId": 1}], "errors": [{"code": 101204}]})
    assert [one.verdict for one in BINGX.answers(200, {}, part, 2)] == [Verdict.UNKNOWN] * 2
    refused = BINGX.answers(200, {}, answer({}, 101204, ""), 2)
    assert [one.reason for one in refused] == [report.NO_MARGIN] * 2


ORDER = {
    "symbol": "PYTH-USDT",
    "orderId": 1736007506620112101,
    "side": "SELL",
    "positionSide": "SHORT",
    "type": "LIMIT",
    "origQty": "33",
    "price": "0.3916",
    "executedQty": "12",
    "avgPrice": "0.3916",
    "stopPrice": "",
    "status": "PENDING",
    "time": 1702731418000,
    "updateTime": 1702731470000,
    "clientOrderId": "ag1",
}


def test_orders_of_answers() -> None:
    (one,) = BINGX.read_orders(answer({"order": ORDER}))
    assert one == OrderUpdate(
        "PYTH-USDT",
        "ag1",
        "1736007506620112101",
        report.ACK,
        -1,
        "0.3916",
        "33",
        "12",
        1702731470000 * MS,
    )
    stop = ORDER | {"type": "STOP_MARKET", "price": "0.0", "stopPrice": "0.4", "status": "NEW"}
    listed = [stop | {"reduceOnly": True}, ORDER | {"status": "CANCELLED"}]
    one, two = BINGX.read_orders(answer({"orders": listed}))
    assert (one.price, one.trigger, one.reduce_only, one.kind) == ("", "0.4", True, report.ACK)
    assert two.kind == report.CANCELED
    assert BINGX.read_orders(answer({"orders": None})) == []
    for status, kind in (
        ("FILLED", report.FILL),
        ("PARTIALLY_FILLED", report.ACK),
        ("EXPIRED", report.EXPIRED),
        ("FAILED", report.REJECTED),
        ("WORKING", report.ACK),
    ):
        assert BINGX.read_orders(answer({"order": ORDER | {"status": status}}))[0].kind == kind
    with pytest.raises(MessageError, match="ODD"):
        BINGX.read_orders(answer({"order": ORDER | {"status": "ODD"}}))
    with pytest.raises(MessageError, match="109421"):
        BINGX.read_orders(answer({}, 109421, "order not exist"))


def fill(qty: str, time: str, trade: str) -> dict[str, str]:
    return {
        "symbol": "LTC-USDT",
        "qty": qty,
        "price": "64.36",
        "commission": "-0.003218",
        "commissionAsset": "USDT",
        "orderId": "1711312357852147712",
        "tradeId": trade,
        "filledTime": time,
        "side": "BUY",
        "positionSide": "LONG",
        "role": "taker",
    }


def test_fills_have_the_same_key_in_answers_and_on_the_stream() -> None:
    late = fill("0.20", "2023-10-09T17:27:15.470+0800", "10")
    early = fill("0.10", "2023-10-09T17:27:15.470+0800", "9")
    body = answer({"fill_history_orders": [late, early], "total": 2})
    one, two = BINGX.read_fills(body)
    assert one == FillUpdate(
        "LTC-USDT",
        "",
        "1711312357852147712",
        "1711312357852147712:0.1",
        1,
        "64.36",
        "0.10",
        "0.003218",
        "USDT",
        False,
        1696843635470 * MS,
    )
    assert two.trade_id == "1711312357852147712:0.3"
    streamed = BINGX.decode_private(update(l="0.1", L="64.36", z="0.10000000"))[0]
    assert isinstance(streamed, FillUpdate)
    assert streamed.trade_id == one.trade_id
    assert BINGX.read_fills(answer({"fill_history_orders": None})) == []
    with pytest.raises(MessageError, match="for a time"):
        BINGX.read_fills(answer({"fill_history_orders": [fill("1", "yesterday", "1")]}))
    with pytest.raises(MessageError, match="where a number belongs"):
        BINGX.read_fills(answer({"fill_history_orders": [fill("x", "2023-10-09T00:00Z", "1")]}))


def test_positions_balances_fees_and_rights() -> None:
    position = {
        "positionId": "1792480725958881280",
        "symbol": "LTC-USDT",
        "positionAmt": "0.1",
        "positionSide": "SHORT",
        "isolated": True,
        "avgPrice": "83.53",
        "leverage": 6,
        "liquidationPrice": 294.16914617776246,
        "updateTime": 1721088016688,
    }
    nets = position | {"positionSide": "LONG", "onlyOnePosition": True, "isolated": False}
    short, net = BINGX.read_positions(answer([position, nets]))
    assert short == PositionUpdate(
        "LTC-USDT",
        "-0.1",
        "83.53",
        "294.16914617776246",
        "6",
        True,
        1721088016688 * MS,
        -1,
    )
    assert (net.size, net.leg, net.isolated) == ("0.1", 0, False)
    assert BINGX.read_positions(answer(None)) == []
    used = {"asset": "USDT", "balance": "19.9003", "availableMargin": "19.9"}
    unused = {"asset": "USDC", "balance": "", "availableMargin": ""}
    assert BINGX.read_balances(answer([used, unused])) == [BalanceUpdate("USDT", "19.9003", "19.9")]
    assert BINGX.read_fees is not None
    rates = {"commission": {"takerCommissionRate": 0.0005, "makerCommissionRate": 0.0002}}
    (fees,) = BINGX.read_fees(answer(rates))
    assert (str(fees.maker), str(fees.taker)) == ("0.0002", "0.0005")
    assert BINGX.read_rights is not None
    new = {"apiKey": "x", "permissions": [2, 3], "ipAddresses": ["203.0.113.5"]}
    old = {"ipRestrict": False, "enableWithdrawals": True, "enableFutures": True}
    assert BINGX.read_rights(msgspec.json.encode(new)) == KeyRights(True, False, True)
    assert BINGX.read_rights(answer(new | {"ipAddresses": []})) == KeyRights(True, False, False)
    assert BINGX.read_rights(answer(old)) == KeyRights(True, True, False)
    assert BINGX.read_rights(answer({})) == KeyRights(None, None, None)
    with pytest.raises(MessageError, match="100413"):
        BINGX.read_rights(answer({}, 100413, "bad key"))


def test_the_key_of_the_private_stream() -> None:
    assert BINGX.listen_key is not None
    key = BINGX.listen_key
    assert (key.create.method, key.create.path) == ("POST", "/openApi/user/auth/userDataStream")
    kept = key.keep("abc")
    assert (kept.method, query(kept)) == ("PUT", {"listenKey": "abc"})
    assert key.every_ns <= 1_800_000_000_000
    assert key.read(b'{"listenKey":"abc"}') == "abc"
    for body in (b'{"code":100413,"msg":"bad"}', b"<html>", b'{"listenKey":""}'):
        with pytest.raises(MessageError, match="no key"):
            key.read(body)
    link = BINGX.private(Credentials("k", "s"), 5, "abc")
    assert link.address == "wss://open-api-swap.bingx.com/swap-market?listenKey=abc"
    assert (link.headers, link.login, link.messages) == ({}, b"", ())


def update(**fields: object) -> bytes:
    """Return the sample of an order's update with other fields; None takes one away."""
    body = {
        "s": "LTC-USDT",
        "c": "ag1",
        "i": 1711312357852147712,
        "S": "BUY",
        "o": "MARKET",
        "q": "0.10000000",
        "p": "64.35",
        "sp": "0",
        "ap": "64.36",
        "x": "TRADE",
        "X": "FILLED",
        "N": "USDT",
        "n": "-0.003218",
        "T": 1696843635470,
        "wt": "MARK_PRICE",
        "ps": "LONG",
        "rp": "0",
        "z": "0.1",
        "l": "0.1",
        "L": "64.36",
        "ro": False,
    }
    left = {name: value for name, value in (body | fields).items() if value is not None}
    event = {"e": "ORDER_TRADE_UPDATE", "E": 1696843635475, "T": 1696843635470, "o": left}
    return msgspec.json.encode(event)


def test_an_order_filled_whole() -> None:
    time = 1696843635470 * MS
    assert list(BINGX.decode_private(update())) == [
        FillUpdate(
            "LTC-USDT",
            "ag1",
            "1711312357852147712",
            "1711312357852147712:0.1",
            1,
            "64.36",
            "0.1",
            "0.003218",
            "USDT",
            None,
            time,
        ),
        OrderUpdate(
            "LTC-USDT",
            "ag1",
            "1711312357852147712",
            report.FILL,
            1,
            "64.35",
            "0.10000000",
            "0.1",
            time,
        ),
    ]


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"x": "NEW", "X": "NEW", "z": "0", "l": "0", "L": "0"}, [report.ACK]),
        ({"x": "TRADE", "X": "PARTIALLY_FILLED", "z": "0.05"}, [0, report.ACK]),
        ({"l": None, "L": None}, [report.FILL]),
        ({"x": "CANCELED", "X": "CANCELED", "z": "0"}, [report.CANCELED]),
        ({"x": "EXPIRED", "X": "EXPIRED"}, [report.EXPIRED]),
        ({"x": "CALCULATED", "X": "FILLED", "c": ""}, [0, report.FILL]),
    ],
)
def test_what_happens_to_an_order(fields: dict[str, object], kinds: list[int]) -> None:
    got = BINGX.decode_private(update(**fields))
    assert [one.kind if isinstance(one, OrderUpdate) else 0 for one in got] == kinds


def test_a_stop_on_the_stream() -> None:
    message = update(o="STOP_MARKET", x="NEW", X="NEW", p="0", sp="60.5", z="0", l="0", ro=True)
    (one,) = BINGX.decode_private(message)
    assert isinstance(one, OrderUpdate)
    assert (one.price, one.trigger, one.reduce_only) == ("", "60.5", True)


def account(reason: str, wallets: list[dict], held: list[dict] | None = None) -> bytes:
    body = {"m": reason, "B": wallets} | ({} if held is None else {"P": held})
    event = {"e": "ACCOUNT_UPDATE", "E": 1696244249320, "T": 1696244249319, "a": body}
    return msgspec.json.encode(event)


def test_the_account_on_the_stream() -> None:
    time = 1696244249319 * MS
    wallet = {"a": "USDT", "wb": "49.81", "cw": "49.81", "bc": "0"}
    held = {"s": "LTC-USDT", "pa": "0.1", "ep": "64.36", "mt": "isolated", "ps": "SHORT"}
    assert list(BINGX.decode_private(account("ORDER", [wallet], [held]))) == [
        BalanceUpdate("USDT", "49.81", "", time),
        PositionUpdate("LTC-USDT", "-0.1", "64.36", "", "", True, time, -1),
    ]
    paid = wallet | {"bc": "-0.25"}
    assert list(BINGX.decode_private(account("FUNDING_FEE", [paid]))) == [
        BalanceUpdate("USDT", "49.81", "", time),
        FundingUpdate("", "USDT", "0.25", time),
    ]
    got = BINGX.decode_private(account("FUNDING_FEE", [wallet | {"bc": "1.5"}], [held]))
    assert got[1] == FundingUpdate("LTC-USDT", "USDT", "-1.5", time)


@pytest.mark.parametrize(
    "message",
    [
        b"Ping",
        b'{"e":"SNAPSHOT","E":1,"ac":{}}',
        b'{"e":"ACCOUNT_CONFIG_UPDATE","E":1676018762000,"ac":{"s":"BTC-USDT","l":12}}',
        b'{"e":"listenKeyExpired","E":1676964520421,"listenKey":"x"}',
        b'{"code":80014,"msg":"invalid params"}',
    ],
)
def test_what_says_nothing_of_the_account(message: bytes) -> None:
    assert list(BINGX.decode_private(message)) == []


def test_an_event_without_a_time_says_so() -> None:
    event = {"e": "ACCOUNT_UPDATE", "a": {"m": "ORDER", "B": [{"a": "USDT", "wb": "1"}]}}
    assert BINGX.decode_private(msgspec.json.encode(event))[0].ts_venue == NO_TIME


BODIES = [
    answer(PLACED),
    answer({"orders": [ORDER, ORDER]}),
    answer({"fill_history_orders": [fill("1", "2023-10-09T17:27:15.470+0800", "1")]}),
    answer([{"symbol": "A", "positionAmt": "1", "positionSide": "LONG"}]),
    update(),
    account("ORDER", [{"a": "USDT", "wb": "49.81"}], [{"s": "A", "pa": "1"}]),
    b"",
]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(BODIES),
    at=st.integers(0, 600),
    piece=st.binary(max_size=4) | st.sampled_from([b"9" * 30, b"1e999", b"NaN", b"null", b'"']),
    instead=st.booleans(),
    status=st.sampled_from([200, 400, 500]),
)
def test_any_bytes_are_an_answer_or_a_message_error(
    seed: bytes, at: int, piece: bytes, instead: bool, status: int
) -> None:
    at %= len(seed) + 1
    body = seed[:at] + piece + seed[at + (len(piece) if instead else 0) :]
    assert said(body, status).verdict in Verdict
    assert BINGX.answers is not None
    assert len(BINGX.answers(status, {}, body, 3)) == 3
    assert BINGX.read_fees is not None
    assert BINGX.read_rights is not None
    for read in (
        BINGX.read_orders,
        BINGX.read_fills,
        BINGX.read_positions,
        BINGX.read_balances,
        BINGX.read_fees,
        BINGX.read_rights,
        BINGX.decode_private,
    ):
        try:
            read(body)
        except MessageError:
            continue


def test_every_call_counts_against_a_limit() -> None:
    calls = [BINGX.place(np.array(one), BTC, ONE_WAY) for one, *_ in ORDERS]
    calls += [BINGX.balances(), BINGX.fills(BTC, 1), *BINGX.order(BTC, "a", "", 0)]
    assert {call.group for call in calls} <= BINGX.limits.keys()
