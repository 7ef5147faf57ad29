"""Bybit's trading side: signatures, requests to the letter, pages."""

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
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BUY, NO_PRICE, SELL
from aggressor.schema.report import (
    REDUCE_ONLY,
)
from aggressor.venues.bybit.signing import login, seal, sign
from aggressor.venues.trading import (
    Call,
    Credentials,
    Terms,
    TradingVenue,
)
from tests.venues.bybit_samples import (
    BTCUSD,
    INVERSE,
    LINEAR,
    answer,
    instrument,
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
    by_client = trading.order(instrument(), "ag5", "", 0)
    assert [_query(call) for call in by_client] == [
        ("/v5/order/realtime", "symbol=BTCUSDT&orderLinkId=ag5&category=linear"),
        ("/v5/order/history", "symbol=BTCUSDT&orderLinkId=ag5&category=linear"),
    ]
    by_venue = trading.order(instrument(), "ag5", "fd43", 0)
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
        *trading.order(one, "ag5", "", 0),
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
