"""Bybit's answers and private stream: verdicts, orders, fills, positions, money."""

import json
from typing import Any

import pytest

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.schema.report import (
    ACK,
    BAD_FIELD,
    CANCELED,
    EXPIRED,
    FILL,
    FORBIDDEN,
    NO_LIQUIDITY,
    NO_MARGIN,
    NO_REASON,
    PRICE_BAND,
    REDUCE_ONLY_EMPTY,
    REJECTED,
    SELF_TRADE,
    TOO_MANY_ORDERS,
    TRIGGERED,
    UNKNOWN_ORDER,
    WOULD_CROSS,
)
from aggressor.venues.margin import Fees
from aggressor.venues.trading import (
    BalanceUpdate,
    Credentials,
    FillUpdate,
    FundingUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
    TradingVenue,
    Verdict,
)
from tests.venues.bybit_samples import (
    FILL_ROW,
    INVERSE,
    LINEAR,
    LOGGED_IN,
    MS,
    ORDER_ROW,
    POSITION_ROW,
    PRIVATE_PONG,
    SUBSCRIBED,
    T0,
    WALLET_ROW,
    answer,
    encode,
    private,
)


def _trading(venue: Any = LINEAR) -> TradingVenue:
    assert venue.trading is not None
    return venue.trading


def _read(reader: Any, body: bytes) -> Any:
    assert reader is not None
    return reader(body)


# ---- answers ----


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        (0, Verdict.ACCEPTED, NO_REASON),
        (110025, Verdict.ACCEPTED, NO_REASON),
        (110026, Verdict.ACCEPTED, NO_REASON),
        (110043, Verdict.ACCEPTED, NO_REASON),
        (34040, Verdict.ACCEPTED, NO_REASON),
        (10000, Verdict.UNKNOWN, NO_REASON),
        (10016, Verdict.UNKNOWN, NO_REASON),
        (10014, Verdict.UNKNOWN, NO_REASON),
        (110072, Verdict.UNKNOWN, NO_REASON),
        (10002, Verdict.BAD_CLOCK, NO_REASON),
        (10006, Verdict.THROTTLED, NO_REASON),
        (10429, Verdict.THROTTLED, NO_REASON),
        (429, Verdict.THROTTLED, NO_REASON),
        (110079, Verdict.THROTTLED, NO_REASON),
        (10001, Verdict.REFUSED, BAD_FIELD),
        (110092, Verdict.REFUSED, BAD_FIELD),
        (110094, Verdict.REFUSED, BAD_FIELD),
        (10003, Verdict.REFUSED, FORBIDDEN),
        (10004, Verdict.REFUSED, FORBIDDEN),
        (10005, Verdict.REFUSED, FORBIDDEN),
        (10010, Verdict.REFUSED, FORBIDDEN),
        (10024, Verdict.REFUSED, FORBIDDEN),
        (10029, Verdict.REFUSED, FORBIDDEN),
        (110074, Verdict.REFUSED, FORBIDDEN),
        (110023, Verdict.REFUSED, FORBIDDEN),
        (110024, Verdict.REFUSED, FORBIDDEN),
        (110001, Verdict.REFUSED, UNKNOWN_ORDER),
        (110008, Verdict.REFUSED, UNKNOWN_ORDER),
        (110010, Verdict.REFUSED, UNKNOWN_ORDER),
        (110003, Verdict.REFUSED, PRICE_BAND),
        (30208, Verdict.REFUSED, PRICE_BAND),
        (110007, Verdict.REFUSED, NO_MARGIN),
        (110012, Verdict.REFUSED, NO_MARGIN),
        (110009, Verdict.REFUSED, TOO_MANY_ORDERS),
        (110020, Verdict.REFUSED, TOO_MANY_ORDERS),
        (110017, Verdict.REFUSED, REDUCE_ONLY_EMPTY),
        (119_999, Verdict.REFUSED, NO_REASON),  # of trading's rules, and not in the table
        (3_400_045, Verdict.REFUSED, NO_REASON),
        (10_099, Verdict.UNKNOWN, NO_REASON),  # of the system, and not in the table
    ],
)
def test_codes(code: int, verdict: Verdict, reason: int) -> None:
    told = _trading().answer(200, {}, answer({}, code, "words"))
    assert (told.verdict, told.reason) == (verdict, reason)
    if code:
        assert (told.code, told.text) == (str(code), "words")


def test_an_accepted_order_says_the_venues_id() -> None:
    body = answer({"orderId": "1321003749386327552", "orderLinkId": "ag5"})
    told = _trading().answer(200, {}, body)
    assert (told.verdict, told.venue_id) == (Verdict.ACCEPTED, "1321003749386327552")


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"", Verdict.UNKNOWN),
        (200, b"<html>", Verdict.UNKNOWN),
        (200, b'{"retMsg":"OK"}', Verdict.UNKNOWN),
        (500, b"oops", Verdict.UNKNOWN),
        (502, b"", Verdict.UNKNOWN),
        (503, answer({}, 0), Verdict.UNKNOWN),
        (504, answer({}, 10001, "late"), Verdict.UNKNOWN),
        (404, b"not found", Verdict.REFUSED),
        (400, answer({}, 0), Verdict.UNKNOWN),
        (401, answer({}, 10003, "key"), Verdict.REFUSED),
        (429, b"", Verdict.THROTTLED),
        (403, b"access too frequent", Verdict.THROTTLED),
    ],
)
def test_statuses(status: int, body: bytes, verdict: Verdict) -> None:
    assert _trading().answer(status, {}, body).verdict is verdict


def test_how_long_to_stay_away() -> None:
    trading = _trading()
    headers = {"X-Bapi-Limit-Reset-Timestamp": str(T0 + 2_500)}
    body = answer({}, 10006, "Too many visits!")
    assert trading.answer(200, headers, body).wait_ns == 2_500 * MS
    assert trading.answer(200, {}, body).wait_ns == 1_000 * MS
    assert trading.answer(200, headers, answer({"orderId": "1"})).wait_ns == 0
    banned = trading.answer(403, {}, b"access too frequent")
    assert (banned.wait_ns, banned.text) == (600_000 * MS, "access too frequent")


def test_each_order_of_a_batch_has_its_answer() -> None:
    trading = _trading()
    assert trading.answers is not None
    placed = [{"orderId": "1", "orderLinkId": "ag1"}, {"orderId": "", "orderLinkId": "ag2"}]
    codes = [{"code": 0, "msg": "OK"}, {"code": 110007, "msg": "ab not enough"}]
    body = answer({"list": placed}, retExtInfo={"list": codes})
    told = trading.answers(200, {}, body, 2)
    assert [(one.verdict, one.venue_id, one.reason, one.code) for one in told] == [
        (Verdict.ACCEPTED, "1", NO_REASON, ""),
        (Verdict.REFUSED, "", NO_MARGIN, "110007"),
    ]
    throttled = [{"code": 0, "msg": "OK"}, {"code": 10006, "msg": "Too many visits!"}]
    body = answer({"list": placed}, retExtInfo={"list": throttled})
    assert trading.answers(200, {}, body, 2)[1].verdict is Verdict.THROTTLED


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, answer({}, 10006, "x"), Verdict.THROTTLED),
        (200, answer({"list": []}, retExtInfo={"list": []}), Verdict.UNKNOWN),
        (200, answer({"list": [{"orderId": "1"}]}, retExtInfo={}), Verdict.UNKNOWN),
        (200, answer({"list": 7}), Verdict.UNKNOWN),
        (502, b"", Verdict.UNKNOWN),
    ],
)
def test_a_batch_without_items_is_judged_as_a_whole(
    status: int, body: bytes, verdict: Verdict
) -> None:
    trading = _trading()
    assert trading.answers is not None
    assert [one.verdict for one in trading.answers(status, {}, body, 2)] == [verdict] * 2


# ---- orders ----


def _order(**more: Any) -> OrderUpdate:
    (one,) = _trading().read_orders(answer({"list": [ORDER_ROW | more]}))
    return one


def test_the_documents_order() -> None:
    assert _order() == OrderUpdate(
        symbol="BTCUSDT",
        client_id="ag5",
        venue_id="fd4300ae-7847-404e-b947-b46980a4d140",
        kind=ACK,
        side=BUY,
        price="64000.00",
        size="0.100",
        filled="0.000",
        ts_venue=1_684_738_540_561 * MS,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("New", ACK),
        ("PartiallyFilled", ACK),
        ("Untriggered", ACK),
        ("Triggered", TRIGGERED),
        ("Filled", FILL),
        ("Rejected", REJECTED),
        ("Cancelled", CANCELED),
        ("PartiallyFilledCanceled", CANCELED),
        ("Deactivated", CANCELED),
    ],
)
def test_states_of_an_order(status: str, kind: int) -> None:
    assert _order(orderStatus=status).kind == kind


@pytest.mark.parametrize("status", ["Cancelled", "Rejected"])
def test_a_post_only_order_that_would_cross_is_rejected_whatever_it_is_called(status: str) -> None:
    told = _order(
        orderStatus=status, rejectReason="EC_PostOnlyWillTakeLiquidity", timeInForce="PostOnly"
    )
    assert (told.kind, told.reason) == (REJECTED, WOULD_CROSS)
    assert told.text == "EC_PostOnlyWillTakeLiquidity"


@pytest.mark.parametrize("status", ["Cancelled", "Rejected"])
def test_what_has_filled_is_not_rejected_any_more(status: str) -> None:
    told = _order(
        orderStatus=status, cumExecQty="0.050", rejectReason="EC_PostOnlyWillTakeLiquidity"
    )
    assert (told.kind, told.filled) == (CANCELED, "0.050")


@pytest.mark.parametrize(
    ("more", "kind", "reason"),
    [
        ({"timeInForce": "IOC", "rejectReason": "EC_NoImmediateQtyToFill"}, EXPIRED, NO_LIQUIDITY),
        ({"timeInForce": "FOK", "rejectReason": "EC_NoEnoughQtyToFill"}, EXPIRED, NO_LIQUIDITY),
        ({"timeInForce": "IOC", "rejectReason": "EC_CancelForNoFullFill"}, EXPIRED, NO_LIQUIDITY),
        ({"timeInForce": "IOC", "cancelType": "CancelByUser"}, CANCELED, NO_REASON),
        ({"cancelType": "CancelBySmp", "rejectReason": "EC_BySelfMatch"}, CANCELED, SELF_TRADE),
        ({"timeInForce": "IOC", "cancelType": "CancelBySmp"}, CANCELED, SELF_TRADE),
        ({"cancelType": "CancelByReduceOnly"}, CANCELED, REDUCE_ONLY_EMPTY),
        ({"cancelType": "CancelByUser"}, CANCELED, NO_REASON),
        ({"cancelType": "CancelByDCP"}, CANCELED, NO_REASON),
    ],
)
def test_ends_of_an_order(more: dict[str, str], kind: int, reason: int) -> None:
    told = _order(orderStatus="Cancelled", **more)
    assert (told.kind, told.reason) == (kind, reason)


def test_a_cancel_that_races_a_fill_leaves_it_filled() -> None:
    told = _order(
        orderStatus="Filled", cumExecQty="0.100", rejectReason="EC_OrigClOrdIDDoesNotExist"
    )
    assert (told.kind, told.reason, told.text) == (FILL, NO_REASON, "")


def test_a_market_orders_price_is_a_limit_of_the_venue_and_not_ours() -> None:
    assert _order(orderType="Market", price="70000").price == ""


def test_a_conditional_order_says_its_trigger() -> None:
    told = _order(
        orderStatus="Untriggered",
        orderType="Market",
        triggerPrice="60000.00",
        reduceOnly=True,
        avgPrice=None,
        blockTradeId=None,
    )
    assert (told.kind, told.trigger, told.reduce_only) == (ACK, "60000.00", True)
    assert _order().trigger == ""


def test_a_state_nobody_knows_is_said() -> None:
    with pytest.raises(MessageError, match="'Asleep'"):
        _order(orderStatus="Asleep")


# ---- fills, positions, money ----


def test_the_documents_fill() -> None:
    expected = FillUpdate(
        symbol="BTCUSDT",
        client_id="",
        venue_id="9aac161b-8ed6-450d-9cab-c5cc67c21784",
        trade_id="0ab1bdf7-4219-438b-b30a-32ec863018f7",
        side=SELL,
        price="95900.1",
        size="0.5",
        fee="26.3725275",
        fee_asset="USDT",
        maker=False,
        ts_venue=1_746_270_400_353 * MS,
    )
    trading = _trading()
    assert list(trading.decode_private(private("execution.linear", FILL_ROW))) == [expected]
    assert trading.read_fills(answer({"list": [FILL_ROW]})) == [expected]


@pytest.mark.parametrize("kind", ["Trade", "AdlTrade", "BustTrade", "Delivery", "BlockTrade"])
def test_whatever_moves_a_position_is_a_fill(kind: str) -> None:
    (told,) = _trading().decode_private(private("execution", FILL_ROW | {"execType": kind}))
    assert isinstance(told, FillUpdate)


def test_funding_comes_among_the_fills() -> None:
    row = FILL_ROW | {"execType": "Funding", "execFee": "-1.25", "feeCurrency": ""}
    trading = _trading()
    assert list(trading.decode_private(private("execution", row))) == [
        FundingUpdate("BTCUSDT", "", "-1.25", 1_746_270_400_353 * MS)
    ]
    settled = FILL_ROW | {"execType": "Settle"}
    assert list(trading.decode_private(private("execution", settled))) == []
    assert trading.read_fills(answer({"list": [row, settled]})) == []


def test_the_documents_position() -> None:
    (told,) = _trading(INVERSE).read_positions(answer({"list": [POSITION_ROW]}))
    assert told == PositionUpdate(
        symbol="BTCUSD",
        size="-300",
        entry="27464.50441675",
        leverage="10",
        ts_venue=1_697_673_600_012 * MS,
    )


def test_a_position_of_the_stream_of_a_hedged_account() -> None:
    row = POSITION_ROW | {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "size": "0.5",
        "positionIdx": 1,
        "entryPrice": "50000",
        "liqPrice": "45000.00",
        "tradeMode": 1,
    }
    del row["avgPrice"]
    (told,) = _trading().decode_private(private("position.linear", row))
    assert isinstance(told, PositionUpdate)
    assert (told.size, told.entry, told.liquidation) == ("0.5", "50000", "45000.00")
    assert (told.leg, told.isolated) == (1, True)
    flat = row | {"side": "", "size": "0", "positionIdx": 2}
    (told,) = _trading().decode_private(private("position", flat))
    assert isinstance(told, PositionUpdate)
    assert (told.size, told.leg) == ("0", -1)


def test_what_is_free_is_what_nothing_holds() -> None:
    ts = T0 * MS
    expected = [
        BalanceUpdate("USDT", "9647.75537647", "9519.89806037", ts),
        BalanceUpdate("BTC", "0.00102964", "0.001", ts),
    ]
    trading = _trading()
    assert list(trading.decode_private(private("wallet", WALLET_ROW))) == expected
    assert trading.read_balances(answer({"list": [WALLET_ROW]})) == expected


def test_nothing_is_free_where_more_is_held_than_there_is() -> None:
    coin = {"coin": "USDT", "walletBalance": "100", "totalOrderIM": "80", "totalPositionIM": "40"}
    (told,) = _trading().read_balances(answer({"list": [{"coin": [coin]}]}))
    assert told.free == "0"


def test_fees_of_the_account() -> None:
    row = {"symbol": "ETHUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "-0.0001"}
    (told,) = _read(_trading().read_fees, answer({"list": [row]}))
    assert isinstance(told, Fees)
    assert (told.symbol, str(told.maker), str(told.taker)) == ("ETHUSDT", "-0.0001", "0.00055")


@pytest.mark.parametrize(
    ("more", "wallet", "ips", "rights"),
    [
        ({}, ["AccountTransfer"], ["*"], KeyRights(True, False, False)),
        ({}, ["AccountTransfer", "Withdraw"], ["1.2.3.4"], KeyRights(True, True, True)),
        ({"readOnly": 1}, ["Withdraw"], ["1.2.3.4"], KeyRights(False, False, True)),
    ],
)
def test_rights_of_a_key(
    more: dict[str, int], wallet: list[str], ips: list[str], rights: KeyRights
) -> None:
    permissions = {"ContractTrade": ["Order", "Position"], "Wallet": wallet, "New": []}
    key = {"readOnly": 0, "permissions": permissions, "ips": ips} | more
    assert _read(_trading().read_rights, answer(key)) == rights


@pytest.mark.parametrize(
    "reader",
    ["read_orders", "read_fills", "read_positions", "read_balances", "read_rights", "read_fees"],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        answer({}, 10005, "Permission denied"),
        answer({"list": [{"symbol": 7}]}),
        answer({"list": [ORDER_ROW | {"cumExecQty": "many", "orderStatus": "Rejected"}]}),
    ],
)
def test_a_question_that_was_not_answered_raises(reader: str, body: bytes) -> None:
    with pytest.raises(MessageError):
        _read(getattr(_trading(), reader), body)


# ---- the private stream ----


def test_the_private_stream_is_asked_for_by_category() -> None:
    key = Credentials("X" * 10, "Y" * 20)
    link = _trading().private(key, 1_662_350_390_000, "")
    assert (link.address, link.headers) == ("wss://stream.bybit.com/v5/private", {})
    assert json.loads(link.login)["op"] == "auth"
    assert [json.loads(message)["args"] for message in link.messages] == [
        ["order.linear", "execution.linear", "position.linear"],
        ["wallet"],
        ["dcp.future"],
    ]
    assert key.secret not in repr(link)


def test_the_other_category_is_not_ours() -> None:
    trading = _trading()
    for topic, row in (("order", ORDER_ROW), ("execution", FILL_ROW), ("position", POSITION_ROW)):
        told = trading.decode_private(
            private(topic, row | {"category": "inverse"}, row | {"category": "linear"})
        )
        assert len(told) == 1


@pytest.mark.parametrize(
    "message",
    [
        SUBSCRIBED,
        LOGGED_IN,
        PRIVATE_PONG,
        private("execution.fast", FILL_ROW),
        private("greeks", {"baseCoin": "ETH"}),
        private("dcp.future"),
        private("order"),
    ],
)
def test_what_says_nothing_of_the_account(message: bytes) -> None:
    assert list(_trading().decode_private(message)) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"\xff\xfe",
        b"[]",
        private("order", {"symbol": "BTCUSDT"}),
        private("order", ORDER_ROW | {"side": "Hold"}),
        private("order", ORDER_ROW | {"updatedTime": "soon"}),
        private("wallet", {"coin": [{"coin": "USDT", "walletBalance": "much"}]}),
        encode({"topic": "execution", "data": {}}),
    ],
)
def test_a_broken_private_message_raises(message: bytes) -> None:
    with pytest.raises(MessageError):
        _trading().decode_private(message)


def test_an_update_without_a_time_says_so() -> None:
    assert _order(updatedTime="").ts_venue == NO_TIME
