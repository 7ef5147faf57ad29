"""Bybit's trading side: signatures, requests to the letter, verdicts, updates."""

import json
from typing import Any

import pytest

from aggressor.schema.command import (
    AMEND,
    CANCEL,
    FOK,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    PLACE,
    POST_ONLY,
    STOP_MARKET,
    TAKE_PROFIT_MARKET,
    TYPE_NAMES,
    empty_commands,
)
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.event import BUY, NO_PRICE, NO_TIME, SELL
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
    REDUCE_ONLY,
    REDUCE_ONLY_EMPTY,
    REJECTED,
    SELF_TRADE,
    TOO_MANY_ORDERS,
    TRIGGERED,
    UNKNOWN_ORDER,
    WOULD_CROSS,
)
from aggressor.venues.bybit.signing import login, seal, sign
from aggressor.venues.margin import Fees
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
from tests.venues.bybit_samples import (
    BTCUSD,
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
    instrument,
    private,
)

KEY = Credentials("X" * 10, "Y" * 20)
HOST = "https://api.bybit.com"
ONE_WAY, HEDGE = Terms(), Terms(hedge=True)


def _trading(venue: Any = LINEAR) -> TradingVenue:
    assert venue.trading is not None
    return venue.trading


def _command(**fields: int) -> Any:
    record = empty_commands(1)
    record[0]["price"] = record[0]["trigger"] = NO_PRICE
    defaults = {"order": 5, "size": 100, "kind": PLACE, "type": LIMIT, "tif": GTC, "side": BUY}
    for name, value in (defaults | fields).items():
        record[0][name] = value
    return record[0]


def _body(call: Call | None) -> dict[str, Any]:
    assert call is not None
    assert call.method == "POST"
    return json.loads(call.body)


def _read(reader: Any, body: bytes) -> Any:
    assert reader is not None
    return reader(body)


# ---- signatures: the sheet's vectors ----

POST_BODY = (
    b'{"category":"linear","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.001",'
    b'"price":"50000","timeInForce":"PostOnly"}'
)


@pytest.mark.parametrize(
    ("call", "now_ms", "signature"),
    [
        (
            Call("GET", "/v5/x", (("category", "linear"), ("symbol", "BTCUSDT"))),
            1_658_384_314_791,
            "06600c09dc8c3d624493164aa3e03235c5781defbf0692f969d421f29c167e99",
        ),
        (
            Call("GET", "/v5/x"),
            1_658_384_314_791,
            "16afd8d4c97991ff5cb30654110b3433cea96c12b6b1c34fe2215e32105f580e",
        ),
        (
            Call("POST", "/v5/x", (), POST_BODY),
            1_658_385_579_423,
            "7d52dc345df903732e07f08083c4d7729552713c72a0d04d066ba793afbd6e77",
        ),
    ],
)
def test_worked_signatures_of_requests(call: Call, now_ms: int, signature: str) -> None:
    signed = sign(call, KEY, now_ms, HOST)
    assert signed.headers["X-BAPI-SIGN"] == signature
    assert signed.headers["X-BAPI-API-KEY"] == KEY.key
    assert signed.headers["X-BAPI-TIMESTAMP"] == str(now_ms)
    assert signed.headers["X-BAPI-RECV-WINDOW"] == "5000"
    assert ("Content-Type" in signed.headers) == (call.method == "POST")
    assert signed.body == call.body


def test_worked_signature_of_a_login() -> None:
    assert seal(KEY.secret, b"GET/realtime1662350400000") == (
        "62e958da7f2a175a92af485dcdf00e6098f8872b225de42f4d8a92dd1985e3ef"
    )
    word = json.loads(login(KEY, 1_662_350_390_000))
    assert word == {
        "req_id": "auth",
        "op": "auth",
        "args": [
            KEY.key,
            1_662_350_400_000,
            "62e958da7f2a175a92af485dcdf00e6098f8872b225de42f4d8a92dd1985e3ef",
        ],
    }


def test_a_query_is_encoded_in_order_and_signed_as_sent() -> None:
    call = Call("GET", "/v5/order/realtime", (("symbol", "BTCUSDT"), ("cursor", "a=1&b:2,c")))
    signed = sign(call, KEY, 1, HOST)
    query = "symbol=BTCUSDT&cursor=a%3D1%26b%3A2%2Cc"
    assert signed.url == f"{HOST}/v5/order/realtime?{query}"
    assert signed.headers["X-BAPI-SIGN"] == seal(KEY.secret, f"1{KEY.key}5000{query}".encode())


def test_a_public_call_shows_no_key() -> None:
    signed = sign(Call("GET", "/v5/market/time", signed=False), KEY, 1, HOST)
    assert (signed.url, signed.headers) == (f"{HOST}/v5/market/time", {})
    assert KEY.secret not in repr(KEY)


# ---- requests ----


def _placed(_terms: Terms = ONE_WAY, /, **fields: int) -> bytes:
    call = _trading().place(_command(**fields), instrument(), _terms)
    assert (call.method, call.path, call.query) == ("POST", "/v5/order/create", ())
    return call.body


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (
            {"price": 640_001},
            b'{"symbol":"BTCUSDT","side":"Buy","orderType":"Limit","orderLinkId":"ag5",'
            b'"price":"64000.1","category":"linear","qty":"0.100"}',
        ),
        (
            {"price": 640_001, "side": SELL, "tif": POST_ONLY, "flags": REDUCE_ONLY},
            b'{"symbol":"BTCUSDT","side":"Sell","orderType":"Limit","timeInForce":"PostOnly",'
            b'"orderLinkId":"ag5","price":"64000.1","category":"linear","qty":"0.100",'
            b'"reduceOnly":true}',
        ),
        (
            {"type": MARKET, "tif": IOC},
            b'{"symbol":"BTCUSDT","side":"Buy","orderType":"Market","orderLinkId":"ag5",'
            b'"category":"linear","qty":"0.100"}',
        ),
        (
            {"type": STOP_MARKET, "side": SELL, "trigger": 600_000, "flags": REDUCE_ONLY},
            b'{"symbol":"BTCUSDT","side":"Sell","orderType":"Market","orderLinkId":"ag5",'
            b'"category":"linear","qty":"0.100","triggerDirection":2,"triggerPrice":"60000.0",'
            b'"reduceOnly":true}',
        ),
    ],
)
def test_an_order_is_written_to_the_letter(fields: dict[str, int], body: bytes) -> None:
    assert _placed(**fields) == body


@pytest.mark.parametrize(("tif", "word"), [(IOC, "IOC"), (FOK, "FOK"), (POST_ONLY, "PostOnly")])
def test_times_in_force(tif: int, word: str) -> None:
    assert json.loads(_placed(tif=tif, price=1))["timeInForce"] == word
    assert "timeInForce" not in json.loads(_placed(tif=GTC, price=1))


@pytest.mark.parametrize(
    ("kind", "side", "direction"),
    [
        (STOP_MARKET, SELL, 2),  # a long is stopped when the price falls
        (STOP_MARKET, BUY, 1),
        (TAKE_PROFIT_MARKET, SELL, 1),  # and takes profit when it rises
        (TAKE_PROFIT_MARKET, BUY, 2),
    ],
)
def test_stops_and_take_profits_rest_at_the_venue(kind: int, side: int, direction: int) -> None:
    body = json.loads(_placed(type=kind, side=side, trigger=600_001))
    assert (body["triggerDirection"], body["triggerPrice"]) == (direction, "60000.1")
    assert (body["orderType"], body["orderLinkId"]) == ("Market", "ag5")
    assert "price" not in body


@pytest.mark.parametrize(
    ("side", "flags", "leg"),
    [(BUY, 0, 1), (SELL, 0, 2), (SELL, REDUCE_ONLY, 1), (BUY, REDUCE_ONLY, 2)],
)
def test_a_hedged_account_is_told_which_position(side: int, flags: int, leg: int) -> None:
    body = json.loads(_placed(HEDGE, side=side, flags=flags, price=1))
    assert body["positionIdx"] == leg
    assert "positionIdx" not in json.loads(_placed(side=side, flags=flags, price=1))


@pytest.mark.parametrize("kind", sorted(TYPE_NAMES))
def test_every_type_of_order_can_be_placed(kind: int) -> None:
    assert json.loads(_placed(type=kind, price=1, trigger=1))["qty"] == "0.100"


def test_an_inverse_order_counts_dollars() -> None:
    call = _trading(INVERSE).place(_command(price=640_001, size=300), BTCUSD, ONE_WAY)
    assert (_body(call)["category"], _body(call)["qty"]) == ("inverse", "300")


def test_a_batch_of_orders() -> None:
    trading = _trading()
    assert trading.place_many is not None
    call = trading.place_many(
        [_command(price=1), _command(price=2, order=6)], instrument(), ONE_WAY
    )
    assert (call.path, call.group, call.weight) == ("/v5/order/create-batch", "batch", 2)
    body = _body(call)
    assert list(body) == ["category", "request"]
    assert [one["orderLinkId"] for one in body["request"]] == ["ag5", "ag6"]
    assert all("category" not in one for one in body["request"])
    assert trading.many_max == 10


def test_an_amend_gives_the_new_whole_size_and_price() -> None:
    trading = _trading()
    assert trading.amend is not None
    call = trading.amend(_command(kind=AMEND, price=640_002, size=50), instrument(), ONE_WAY)
    assert call is not None
    assert (call.path, call.body) == (
        "/v5/order/amend",
        b'{"symbol":"BTCUSDT","orderLinkId":"ag5","category":"linear","qty":"0.050",'
        b'"price":"64000.2"}',
    )
    stop = _command(kind=AMEND, type=STOP_MARKET, trigger=600_000, size=50)
    body = _body(trading.amend(stop, instrument(), ONE_WAY))
    assert (body["triggerPrice"], body["qty"], "price" in body) == ("60000.0", "0.050", False)


def test_a_cancel_names_our_id() -> None:
    call = _trading().cancel(_command(kind=CANCEL, order=36**3), instrument(), ONE_WAY)
    assert (call.path, call.body) == (
        "/v5/order/cancel",
        b'{"symbol":"BTCUSDT","orderLinkId":"ag1000","category":"linear"}',
    )


def test_cancel_all_takes_conditional_orders_too_by_naming_no_filter() -> None:
    (call,) = _trading().cancel_all(instrument())
    assert (call.path, call.body) == (
        "/v5/order/cancel-all",
        b'{"symbol":"BTCUSDT","category":"linear"}',
    )


def test_our_ids_come_back() -> None:
    trading = _trading()
    for order in (1, 36, 2**63 - 1):
        assert trading.order_id(trading.client_id(order)) == order
        assert len(trading.client_id(order)) <= 36
    assert trading.order_id("web-123") is None


def _query(call: Call) -> tuple[str, str]:
    assert call.method == "GET"
    assert call.body == b""
    return call.path, "&".join(f"{name}={value}" for name, value in call.query)


def test_questions() -> None:
    trading = _trading()
    by_client = trading.order(instrument(), "ag5", "")
    assert [_query(call) for call in by_client] == [
        ("/v5/order/realtime", "symbol=BTCUSDT&orderLinkId=ag5&category=linear"),
        ("/v5/order/history", "symbol=BTCUSDT&orderLinkId=ag5&category=linear"),
    ]
    by_venue = trading.order(instrument(), "ag5", "fd43")
    assert _query(by_venue[0])[1] == "symbol=BTCUSDT&orderId=fd43&category=linear"
    assert [_query(call) for call in trading.open_orders(instrument())] == [
        ("/v5/order/realtime", "symbol=BTCUSDT&category=linear&limit=50")
    ]
    assert _query(trading.fills(instrument(), 1700)) == (
        "/v5/execution/list",
        "symbol=BTCUSDT&category=linear&limit=100&startTime=1700",
    )
    assert _query(trading.positions(instrument())) == (
        "/v5/position/list",
        "symbol=BTCUSDT&limit=200&category=linear",
    )
    assert _query(trading.positions(None))[1] == "settleCoin=USDT&limit=200&category=linear"
    assert _query(_trading(INVERSE).positions(None))[1] == "limit=200&category=inverse"
    assert _query(trading.balances()) == ("/v5/account/wallet-balance", "accountType=UNIFIED")
    assert trading.rights is not None
    assert _query(trading.rights()) == ("/v5/user/query-api", "")
    assert trading.fees is not None
    assert _query(trading.fees(instrument()))[0] == "/v5/account/fee-rate"


def test_settings() -> None:
    trading = _trading()
    (leverage,) = trading.set_leverage(instrument(), Terms(leverage=7))
    assert (leverage.path, leverage.body) == (
        "/v5/position/set-leverage",
        b'{"symbol":"BTCUSDT","buyLeverage":"7","sellLeverage":"7","category":"linear"}',
    )
    assert trading.set_margin is not None
    margin = trading.set_margin(instrument(), Terms(isolated=True))
    assert margin.body == b'{"setMarginMode":"ISOLATED_MARGIN"}'
    assert _body(trading.set_margin(instrument(), ONE_WAY))["setMarginMode"] == "REGULAR_MARGIN"
    assert trading.set_mode is not None
    assert trading.set_mode(HEDGE).body == b'{"mode":3,"coin":"USDT","category":"linear"}'
    assert _body(trading.set_mode(ONE_WAY))["mode"] == 0
    assert _trading(INVERSE).set_mode is None


def test_the_dead_man_counts_a_lost_connection_not_time() -> None:
    trading = _trading()
    assert trading.dead_man is not None
    call = trading.dead_man(instrument(), 9_500)
    assert call.body == b'{"timeWindow":10,"product":"DERIVATIVES"}'
    for after_ms in (0, 1_000, 301_000):
        with pytest.raises(ConfigError, match="3 to 300 s"):
            trading.dead_man(instrument(), after_ms)


def test_every_call_counts_against_a_limit_that_is_stated() -> None:
    trading = _trading()
    assert trading.place_many is not None
    assert trading.amend is not None
    assert trading.rights is not None
    assert trading.fees is not None
    assert trading.set_mode is not None
    assert trading.set_margin is not None
    assert trading.dead_man is not None
    one, order = instrument(), _command(price=1)
    calls = [
        trading.place(order, one, ONE_WAY),
        trading.place_many([order], one, ONE_WAY),
        trading.amend(order, one, ONE_WAY),
        trading.cancel(order, one, ONE_WAY),
        *trading.cancel_all(one),
        *trading.order(one, "ag5", ""),
        *trading.open_orders(one),
        trading.fills(one, 1),
        trading.positions(one),
        trading.balances(),
        trading.rights(),
        trading.fees(one),
        *trading.set_leverage(one, ONE_WAY),
        trading.set_margin(one, ONE_WAY),
        trading.set_mode(ONE_WAY),
        trading.dead_man(one, 5000),
    ]
    assert {call.group for call in calls if call} == set(trading.limits)


# ---- pages ----


def _page(count: int, cursor: str) -> bytes:
    return answer({"list": [{}] * count, "nextPageCursor": cursor, "category": "linear"})


def test_a_full_page_names_the_next_and_the_cursor_goes_back_as_it_came() -> None:
    trading = _trading()
    assert trading.next_page is not None
    (first,) = trading.open_orders(instrument())
    second = trading.next_page(first, _page(50, "page_args%3Dfd43%26symbol%3D6%26"))
    assert second is not None
    assert sign(second, KEY, 1, HOST).url == (
        f"{HOST}/v5/order/realtime?symbol=BTCUSDT&category=linear&limit=50"
        "&cursor=page_args%3Dfd43%26symbol%3D6%26"
    )
    third = trading.next_page(second, _page(50, "b%3A2%2C1"))
    assert third is not None
    assert third.query.count(("cursor", "b:2,1")) == 1
    assert trading.next_page(third, _page(3, "more%3D")) is None
    assert trading.next_page(first, _page(0, "")) is None


def test_all_positions_are_those_in_usdt_and_then_those_in_usdc() -> None:
    trading = _trading()
    assert trading.next_page is not None
    first = trading.positions(None)
    second = trading.next_page(first, _page(200, "a%3D1"))
    assert second is not None
    assert ("settleCoin", "USDT") in second.query
    third = trading.next_page(second, _page(2, ""))
    assert third is not None
    assert _query(third)[1] == "settleCoin=USDC&limit=200&category=linear"
    assert trading.next_page(third, _page(0, "")) is None
    assert trading.next_page(trading.positions(instrument()), _page(1, "")) is None


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
    link = _trading().private(KEY, 1_662_350_390_000, "")
    assert (link.address, link.headers) == ("wss://stream.bybit.com/v5/private", {})
    assert json.loads(link.login)["op"] == "auth"
    assert [json.loads(message)["args"] for message in link.messages] == [
        ["order.linear", "execution.linear", "position.linear"],
        ["wallet"],
        ["dcp.future"],
    ]
    assert KEY.secret not in repr(link)


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
