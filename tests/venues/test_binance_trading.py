"""Trading at Binance: signatures, requests, what answers mean, the private stream."""

from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema import report
from aggressor.schema.command import CANCEL, LIMIT, MARKET, STOP_MARKET, TAKE_PROFIT_MARKET
from aggressor.schema.errors import MessageError
from aggressor.schema.event import NO_TIME
from aggressor.venues.binance.answers import REASONS
from aggressor.venues.binance.signing import RECV_WINDOW_MS, sign, signature
from aggressor.venues.margin import Fees
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    Call,
    Credentials,
    FillUpdate,
    FundingUpdate,
    OrderUpdate,
    PositionUpdate,
    Terms,
    TradingVenue,
    Verdict,
)
from tests.venues.binance_samples import (
    ALGO,
    ORDER,
    T_NS,
    account_event,
    algo_event,
    command,
    order_event,
)
from tests.venues.wire import instrument

KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

VECTORS = [
    (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
        "&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=9000&recvWindow=5000"
        "&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    (
        f"apiKey={KEY}&price=9000&quantity=1&recvWindow=5000&side=BUY&symbol=BTCUSDT"
        "&timeInForce=GTC&timestamp=1591702613943&type=LIMIT",
        "5b8fe2b962b8e1b2b82fb40e548d56147c2a8f835b5f1393ae4b4b90c38b527f",
    ),
]

BTC = instrument("binance-usdm", "BTCUSDT")
COIN = instrument("binance-coinm", "BTCUSD_PERP", "0.1", "1")


def trading(name: str = "binance-usdm") -> TradingVenue:
    found = venue_named(name).trading
    assert found is not None
    return found


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_the_documented_signatures(text: str, expected: str) -> None:
    assert signature(SECRET, text) == expected


def test_what_is_signed_is_what_is_sent() -> None:
    call = Call("POST", "/fapi/v1/order", (("symbol", "牛来USDT"), ("side", "BUY")))
    signed = sign(call, Credentials(KEY, SECRET), 5, "https://fapi.binance.com")
    text, _, tail = signed.body.decode().partition("&signature=")
    assert text == (
        f"timestamp=5&symbol=%E7%89%9B%E6%9D%A5USDT&side=BUY&recvWindow={RECV_WINDOW_MS}"
    )
    assert tail == signature(SECRET, text)
    assert signed.url == "https://fapi.binance.com/fapi/v1/order"
    assert signed.headers["X-MBX-APIKEY"] == KEY
    asked = sign(call._replace(method="DELETE"), Credentials(KEY, SECRET), 5, "http://host")
    assert (asked.url.split("?")[1], asked.body) == (f"{text}&signature={tail}", b"")
    key_only = sign(trading().listen_key.create, Credentials(KEY, SECRET), 5, "http://host")  # type: ignore[union-attr]
    assert (key_only.body, SECRET in repr(key_only)) == (b"", False)


def test_the_rights_of_a_key_are_asked_of_the_spot_host_and_of_no_other_than_binance() -> None:
    rights = trading().rights
    assert rights is not None
    real = sign(rights(), Credentials(KEY, SECRET), 5, trading().host)
    assert real.url.startswith("https://api.binance.com/sapi/v1/account/apiRestrictions?")
    local = sign(rights(), Credentials(KEY, SECRET), 5, "http://127.0.0.1:8000")
    assert local.url.startswith("http://127.0.0.1:8000/sapi/")


@pytest.mark.parametrize("kind", [STOP_MARKET, TAKE_PROFIT_MARKET])
def test_orders_with_a_trigger_have_a_service_of_their_own(kind: int) -> None:
    ours, row = trading(), command(type=kind, side=-1, size=10, trigger=400_000)
    placed = ours.place(row, BTC, Terms())
    assert placed.path == "/fapi/v1/algoOrder"
    query = dict(placed.query)
    assert (query["triggerPrice"], query["quantity"]) == ("40000.0", "0.010")
    assert ours.amend is not None
    assert ours.amend(row, BTC, Terms()) is None
    canceled = ours.cancel(command(kind=CANCEL, type=kind), BTC, Terms())
    assert canceled.path == "/fapi/v1/algoOrder"
    plain = ours.cancel(command(kind=CANCEL, type=LIMIT), BTC, Terms())
    assert plain.path == "/fapi/v1/order"


def test_a_market_order_has_neither_price_nor_time_in_force() -> None:
    query = dict(trading().place(command(type=MARKET, size=3), BTC, Terms()).query)
    assert "price" not in query
    assert "timeInForce" not in query


def test_coin_m_asks_for_positions_by_pair_and_its_tiers_elsewhere() -> None:
    ours = trading("binance-coinm")
    assert ours.positions(COIN).query == (("pair", "BTCUSD"),)
    assert ours.positions(None).query == ()
    assert ours.margin is not None
    assert ours.margin(COIN).path == "/dapi/v2/leverageBracket"
    assert ours.private(Credentials(KEY, SECRET), 0, "k").address == (
        "wss://dstream.binance.com/ws/k"
    )
    assert trading().private(Credentials(KEY, SECRET), 0, "k").address == (
        "wss://fstream.binance.com/private/ws?listenKey=k"
    )


def body(code: int, words: str = "") -> bytes:
    return msgspec.json.encode({"code": code, "msg": words})


REFUSED, UNKNOWN = Verdict.REFUSED, Verdict.UNKNOWN
THROTTLED, ACCEPTED = Verdict.THROTTLED, Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("status", "text", "verdict", "reason"),
    [
        (400, body(-5022), REFUSED, report.WOULD_CROSS),
        (400, body(-5021), REFUSED, report.NO_LIQUIDITY),
        (400, body(-2022), REFUSED, report.REDUCE_ONLY_EMPTY),
        (400, body(-2011), REFUSED, report.UNKNOWN_ORDER),
        (400, body(-2019), REFUSED, report.NO_MARGIN),
        (400, body(-4164), REFUSED, report.BAD_FIELD),
        (400, body(-4016), REFUSED, report.PRICE_BAND),
        (401, body(-2015), REFUSED, report.FORBIDDEN),
        (400, body(-4999), REFUSED, report.NO_REASON),
        (400, body(-4046, "No need to change margin type."), ACCEPTED, report.NO_REASON),
        (400, body(-4059, "No need to change position side."), ACCEPTED, report.NO_REASON),
        (400, body(-1021), Verdict.BAD_CLOCK, report.NO_REASON),
        (400, body(-4116), UNKNOWN, report.NO_REASON),
        (400, body(-1006), UNKNOWN, report.NO_REASON),
        (400, body(-1007), UNKNOWN, report.NO_REASON),
        (408, b"", UNKNOWN, report.NO_REASON),
        (500, b"<html>", UNKNOWN, report.NO_REASON),
        (502, b"", UNKNOWN, report.NO_REASON),
        (400, body(-1008), THROTTLED, report.NO_REASON),
        (400, body(-1015), THROTTLED, report.NO_REASON),
        (429, body(-1003), THROTTLED, report.NO_REASON),
        (418, body(-1003), THROTTLED, report.NO_REASON),
        (403, b"<html>", THROTTLED, report.NO_REASON),
        (451, b"", REFUSED, report.NO_REASON),
        (200, b"not json", UNKNOWN, report.NO_REASON),
        (200, body(200, "success"), ACCEPTED, report.NO_REASON),
        (200, b'{"algoId":5,"code":"200","msg":"success"}', ACCEPTED, report.NO_REASON),
        (200, b"[]", ACCEPTED, report.NO_REASON),
    ],
)
def test_what_an_answer_means(status: int, text: bytes, verdict: Verdict, reason: int) -> None:
    answer = trading().answer(status, {}, text)
    assert (answer.verdict, answer.reason) == (verdict, reason)
    assert answer.wait_ns > 0 or verdict is not THROTTLED


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ("Unknown error, please check your request or try again later.", UNKNOWN),
        ("Service Unavailable.", THROTTLED),
        ("Internal error; unable to process your request. Please try again.", THROTTLED),
        ("something new", UNKNOWN),
    ],
)
def test_the_four_outages(words: str, verdict: Verdict) -> None:
    for code in (-1, -1000):
        assert trading().answer(503, {}, body(code, words)).verdict is verdict
    assert trading().answer(503, {}, words.encode()).verdict is verdict
    assert trading().answer(503, {}, body(-1008, words)).verdict is THROTTLED


def test_how_long_to_stay_away() -> None:
    ask = trading().answer
    assert ask(429, {"retry-after": "7"}, body(-1003)).wait_ns == 7_000_000_000
    assert ask(429, {}, body(-1003)).wait_ns == 60_000_000_000
    words = "Way too many requests; IP(1.2.3.4) banned until 1767225660000. Please use websocket."
    date = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert ask(418, date, body(-1003, words)).wait_ns == 60_000_000_000
    assert ask(418, {"Date": "yesterday"}, body(-1003, words)).wait_ns == 120_000_000_000


def test_every_order_of_a_batch_has_its_own_answer() -> None:
    assert trading().answers is not None
    text = msgspec.json.encode([ORDER, {"code": -2022, "msg": "ReduceOnly Order is rejected."}])
    first, second = trading().answers(200, {}, text, 2)
    assert (first.verdict, first.venue_id) == (ACCEPTED, "22542179")
    assert (second.verdict, second.reason) == (REFUSED, report.REDUCE_ONLY_EMPTY)
    for text in (b"[]", b"no", msgspec.json.encode([ORDER])):
        assert {one.verdict for one in trading().answers(200, {}, text, 2)} == {UNKNOWN}
    assert {one.verdict for one in trading().answers(503, {}, b"", 3)} == {UNKNOWN}


def test_every_reason_has_a_name() -> None:
    assert set(REASONS.values()) <= set(report.REASON_NAMES)


def test_orders_by_rest() -> None:
    read = trading().read_orders
    (plain,) = read(msgspec.json.encode(ORDER | {"status": "PARTIALLY_FILLED"}))
    assert plain == OrderUpdate(
        "BTCUSDT", "ag7", "22542179", report.ACK, 1, "50000.00", "0.010", "0.000", T_NS
    )
    cases = {
        "FILLED": report.FILL,
        "CANCELED": report.CANCELED,
        "REJECTED": report.REJECTED,
        "EXPIRED": report.EXPIRED,
    }
    for status, kind in cases.items():
        assert read(msgspec.json.encode(ORDER | {"status": status}))[0].kind == kind
    (met,) = read(msgspec.json.encode([ORDER | {"status": "EXPIRED_IN_MATCH"}]))
    assert (met.kind, met.reason) == (report.EXPIRED, report.SELF_TRADE)
    for odd in (b'{"code":-2013,"msg":"Order does not exist."}', b'{"symbol":"A","side":"BUY"}'):
        with pytest.raises(MessageError):
            read(odd)
    with pytest.raises(MessageError, match="BETTING"):
        read(msgspec.json.encode(ORDER | {"status": "BETTING"}))


def test_orders_with_a_trigger_by_rest() -> None:
    read = trading().read_orders
    (one,) = read(msgspec.json.encode([ALGO]))
    assert (one.client_id, one.venue_id, one.kind) == ("ag9", "2146760", report.ACK)
    assert (one.trigger, one.price, one.reduce_only) == ("40000", "", True)
    became = {"algoStatus": "FINISHED", "actualOrderId": "974828356187", "actualQty": "0.01"}
    (done,) = read(msgspec.json.encode(ALGO | became))
    assert (done.kind, done.venue_id, done.filled) == (report.TRIGGERED, "974828356187", "0.01")


def test_fills_and_their_pages() -> None:
    fill = {
        "symbol": "BTCUSDT",
        "id": 698759,
        "orderId": 25851813,
        "side": "SELL",
        "price": "7819.01",
        "qty": "0.002",
        "commission": "-0.00781901",
        "commissionAsset": "USDT",
        "maker": True,
        "time": 0,
    }
    ours = trading()
    (one,) = ours.read_fills(msgspec.json.encode([fill]))
    assert one == FillUpdate(
        "BTCUSDT",
        "",
        "25851813",
        "698759",
        -1,
        "7819.01",
        "0.002",
        "-0.00781901",
        "USDT",
        True,
        NO_TIME,
    )
    assert ours.next_page is not None
    call = ours.fills(BTC, 5)
    assert ours.next_page(call, msgspec.json.encode([fill])) is None
    page = msgspec.json.encode([fill] * 1000)
    after = ours.next_page(call, page)
    assert after is not None
    assert after.query == (("symbol", "BTCUSDT"), ("limit", "1000"), ("fromId", "698760"))
    assert ours.next_page(ours.balances(), page) is None


def test_positions_balances_rights_fees_and_tiers() -> None:
    ours = trading()
    legs = [
        {"symbol": "A", "positionSide": "LONG", "positionAmt": "2", "entryPrice": "7"},
        {"symbol": "A", "positionSide": "SHORT", "positionAmt": "-3", "entryPrice": "8"}
        | {"isolatedMargin": "1.5", "liquidationPrice": "11", "leverage": "4"},
    ]
    long, short = ours.read_positions(msgspec.json.encode(legs))
    assert (long.size, long.leg, long.isolated) == ("2", 1, False)
    assert short == PositionUpdate("A", "-3", "8", "11", "4", True, NO_TIME, -1)
    balance = [{"asset": "USDT", "balance": "5", "availableBalance": "4", "updateTime": 0}]
    (held,) = ours.read_balances(msgspec.json.encode(balance))
    assert held == BalanceUpdate("USDT", "5", "4")
    assert ours.read_rights is not None
    rights = ours.read_rights(
        b'{"ipRestrict":false,"enableWithdrawals":true,"enableFutures":true,"enableReading":true}'
    )
    assert rights == (True, True, False)
    assert ours.read_fees is not None
    text = b'{"symbol":"A","makerCommissionRate":"0.0002","takerCommissionRate":"0.0005"}'
    assert ours.read_fees(text) == [Fees("A", Decimal("0.0002"), Decimal("0.0005"))]


def test_margin_tiers_of_both_markets() -> None:
    read = trading().read_margin
    assert read is not None
    tiers = read(
        b'{"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[{"bracket":1,"initialLeverage":75,'
        b'"notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0.0},{"bracket":2,'
        b'"initialLeverage":50,"notionalCap":2.5E+4,"maintMarginRatio":"0.01","cum":35.0}]}'
    )
    assert [one.value_max for one in tiers] == [10_000, 25_000]
    assert (tiers[1].maintenance, tiers[1].deduction) == (Decimal("0.01"), 35)
    assert (tiers[1].leverage_max, tiers[1].initial) == (50, Decimal("0.02"))
    (coin,) = read(
        b'[{"symbol":"BTCUSD_PERP","brackets":[{"bracket":1,"initialLeverage":125,"qtyCap":50,'
        b'"qtylFloor":0,"maintMarginRatio":0.004,"cum":0.0}]}]'
    )
    assert (coin.symbol, coin.value_max) == ("BTCUSD_PERP", 50)
    for odd in (b'"x"', b"null", b"0"):
        with pytest.raises(MessageError):
            read(b'[{"symbol":"A","brackets":[{"initialLeverage":%s,"maintMarginRatio":1}]}]' % odd)


def test_a_fill_and_the_fill_that_ends_an_order() -> None:
    fill = {"l": "0.001", "L": "7100.5", "N": "USDT", "n": "0.0014", "t": 12345678, "m": True}
    part = order_event("TRADE", "PARTIALLY_FILLED", z="0.001", **fill)
    expected = FillUpdate(
        "BTCUSDT",
        "ag7",
        "8886774",
        "12345678",
        1,
        "7100.5",
        "0.001",
        "0.0014",
        "USDT",
        True,
        T_NS,
    )
    assert trading().decode_private(part) == [expected]
    enveloped = b'{"stream":"k","data":' + part + b"}"
    assert trading().decode_private(enveloped) == [expected]
    last, done = trading().decode_private(order_event("TRADE", "FILLED", z="0.002", **fill))
    assert last == expected
    assert isinstance(done, OrderUpdate)
    assert (done.kind, done.filled, done.size) == (report.FILL, "0.002", "0.002")


@pytest.mark.parametrize(
    ("x", "X", "er", "kind", "reason"),
    [
        ("NEW", "NEW", "0", report.ACK, report.NO_REASON),
        ("AMENDMENT", "NEW", "0", report.AMENDED, report.NO_REASON),
        ("AMENDMENT", "PARTIALLY_FILLED", "0", report.AMENDED, report.NO_REASON),
        ("CANCELED", "CANCELED", "0", report.CANCELED, report.NO_REASON),
        ("EXPIRED", "EXPIRED", "2", report.EXPIRED, report.NO_LIQUIDITY),
        ("EXPIRED", "EXPIRED", "1", report.EXPIRED, report.SELF_TRADE),
        ("EXPIRED", "EXPIRED", "4", report.EXPIRED, report.REDUCE_ONLY_EMPTY),
        ("EXPIRED", "EXPIRED_IN_MATCH", "", report.EXPIRED, report.SELF_TRADE),
        ("EXPIRED", "EXPIRED", "8", report.TRIGGERED, report.NO_REASON),
        ("REJECTED", "REJECTED", "0", report.REJECTED, report.NO_REASON),
    ],
)
def test_what_happens_to_an_order(x: str, X: str, er: str, kind: int, reason: int) -> None:
    (update,) = trading().decode_private(order_event(x, X, er=er))
    assert isinstance(update, OrderUpdate)
    assert (update.kind, update.reason, update.client_id) == (kind, reason, "ag7")
    assert (update.price, update.trigger) == ("7100.5", "")


def test_a_liquidation_is_a_fill_under_an_id_that_is_not_ours() -> None:
    liquidation = order_event(
        "CALCULATED", "FILLED", c="autoclose-1", l="0.014", L="9910.1", t=5, z="0.014", n="0.06"
    )
    fill, done = trading().decode_private(liquidation)
    assert isinstance(fill, FillUpdate)
    assert trading().order_id(fill.client_id) is None
    assert isinstance(done, OrderUpdate)
    adl = order_event("CALCULATED", "NEW_ADL", c="adl_autoclose_1", l="0.005", L="42000", t=6)
    assert [type(one) for one in trading().decode_private(adl)] == [FillUpdate]


def test_a_stop_from_its_placing_to_the_order_it_becomes() -> None:
    decode = trading().decode_private
    (new,) = decode(algo_event("NEW"))
    assert isinstance(new, OrderUpdate)
    assert (new.kind, new.venue_id, new.trigger) == (report.ACK, "2148719", "40000")
    assert decode(algo_event("TRIGGERING")) == ()
    (fired,) = decode(algo_event("TRIGGERED", ai="8886774"))
    assert isinstance(fired, OrderUpdate)
    assert (fired.kind, fired.client_id, fired.venue_id) == (report.TRIGGERED, "ag9", "8886774")
    assert decode(algo_event("FINISHED", ai="8886774", aq="0.01")) == ()
    (dead,) = decode(algo_event("REJECTED", rm="Reduce Only reject"))
    assert isinstance(dead, OrderUpdate)
    assert (dead.kind, dead.reason) == (report.REJECTED, report.REDUCE_ONLY_EMPTY)
    assert dead.text == "Reduce Only reject"


def test_what_the_account_tells() -> None:
    decode = trading().decode_private
    balances = [{"a": "USDT", "wb": "122.5", "cw": "100.1", "bc": "0"}]
    positions = [
        {"s": "BTCUSDT", "pa": "-0.020", "ep": "6563.6", "mt": "isolated", "ps": "BOTH"},
        {"s": "ETHUSDT", "pa": "0", "ep": "0", "mt": "cross", "ps": "SHORT"},
    ]
    held, one, two = decode(account_event("ORDER", balances, positions))
    assert held == BalanceUpdate("USDT", "122.5", "", T_NS)
    assert one == PositionUpdate("BTCUSDT", "-0.020", "6563.6", "", "", True, T_NS)
    assert isinstance(two, PositionUpdate)
    assert two.leg == -1
    paid = [{"a": "USDT", "wb": "122.0", "cw": "100.1", "bc": "-0.5"}]
    _, fee = decode(account_event("FUNDING_FEE", paid, []))
    assert fee == FundingUpdate("", "USDT", "0.5", T_NS)
    _, named = decode(account_event("FUNDING_FEE", paid, [], S="BTCUSDT"))
    assert named == FundingUpdate("BTCUSDT", "USDT", "0.5", T_NS)
    got = [{"a": "USDT", "wb": "122.0", "cw": "100.1", "bc": "0.25"}]
    assert decode(account_event("FUNDING_FEE", got, positions[:1]))[1] == FundingUpdate(
        "BTCUSDT", "USDT", "-0.25", T_NS
    )


def test_a_fill_told_early_is_not_told_twice() -> None:
    lite = (
        b'{"e":"TRADE_LITE","E":1721895408092,"T":1721895408214,"s":"BTCUSDT","q":"0.001","p":"0",'
        b'"m":false,"c":"ag7","S":"BUY","L":"64089.20","l":"0.040","t":109100866,"i":8886774}'
    )
    assert trading().decode_private(lite) == ()
    for other in (b'{"e":"MARGIN_CALL","E":1}', b'{"e":"ACCOUNT_CONFIG_UPDATE"}', b"{}"):
        assert trading().decode_private(other) == ()


READERS = [
    "read_orders",
    "read_fills",
    "read_positions",
    "read_balances",
    "read_rights",
    "read_fees",
    "read_margin",
    "decode_private",
]


@given(
    reader=st.sampled_from(READERS),
    seed=st.sampled_from(
        [
            msgspec.json.encode(ORDER),
            msgspec.json.encode([ALGO]),
            order_event("TRADE", "FILLED", l="1"),
            algo_event("TRIGGERED"),
            account_event("FUNDING_FEE", [{"a": "B", "wb": "1", "bc": "2"}], []),
        ]
    ),
    cut=st.integers(0, 600),
    put=st.binary(max_size=6) | st.sampled_from([b"null", b"[" * 5000, b'"', b"{", b"-1e999"]),
)
def test_whatever_comes_is_read_or_refused(reader: str, seed: bytes, cut: int, put: bytes) -> None:
    at = cut % (len(seed) + 1)
    for text in (seed[:at] + put + seed[at:], seed[:at] + put, put):
        with suppress(MessageError):
            getattr(trading(), reader)(text)
        for status in (200, 400, 503):
            trading().answer(status, {}, text)


@pytest.mark.parametrize("reader", READERS)
def test_nesting_without_end_is_refused(reader: str) -> None:
    deep = b'{"x":' + b"[" * 100_000
    with pytest.raises(MessageError):
        getattr(trading(), reader)(deep)
    assert trading().answer(200, {}, deep).verdict is UNKNOWN


def test_an_order_needs_its_side() -> None:
    with pytest.raises(MessageError, match="LEFT"):
        trading().read_orders(msgspec.json.encode(ORDER | {"side": "LEFT"}))
