"""What is WEEX's own: its chain, windows, pings, signed handshakes, weights and codes."""

import itertools
from typing import Any

import msgspec
import pytest

from aggressor.schema import command as c
from aggressor.schema.event import ASK, BID
from aggressor.sim.local.orders import AccountNews, OrderNews
from aggressor.venues.served.dialect import Ask, Reply
from aggressor.venues.served.told import level_texts
from aggressor.venues.trading import Call, Credentials, Terms
from aggressor.venues.weex import requests
from aggressor.venues.weex.signing import access_headers
from tests.run.dialect_stage import SECOND_NS, Stage
from tests.run.venue_stage import KEY

TERMS = Terms(leverage=20)
PRIVATE = "/v3/ws/private"


def order(number: int, **fields: int) -> Any:
    line = c.empty_commands(1)[0]
    line["kind"], line["order"], line["side"] = c.PLACE, number, 1
    line["type"], line["tif"] = c.LIMIT, c.GTC
    for name, value in fields.items():
        line[name] = value
    return line


def subscribe(*names: str, number: int | str = 1) -> dict[str, Any]:
    return {"method": "SUBSCRIBE", "params": list(names), "id": number}


@pytest.mark.parametrize("depth", [15, 200])
def test_every_change_begins_where_the_frame_before_it_ended(depth: int) -> None:
    stage = Stage("weex")
    channel = stage.open("/v3/ws/public")
    picture, ack = stage.say(channel, subscribe(f"btcusdt@depth{depth}", number="7"))
    assert ack == {"result": True, "id": "7"}
    assert (picture["e"], picture["d"], picture["l"]) == ("depthSnapshot", "SNAPSHOT", depth)
    assert picture["s"] == "BTCUSDT"
    book: dict[str, dict[str, str]] = {side: dict(picture[side]) for side in "ba"}
    frames = stage.wait(20.0, channel)
    stage.house.exchange.pace(0.01)  # what has changed since comes, and little more
    frames += stage.wait(1.0, channel)
    assert len(frames) >= 30
    for before, frame in itertools.pairwise([picture, *frames]):
        assert frame["U"] == before["u"] < frame["u"]
        assert frame["E"] - before["E"] >= 500
        for side in "ba":
            for price, size in frame[side]:
                if float(size):
                    book[side][price] = size
                else:
                    del book[side][price]
            assert len(book[side]) <= depth
    assert dict(level_texts(stage.lane, stage.lane.levels(BID, depth))) == book["b"]
    assert dict(level_texts(stage.lane, stage.lane.levels(ASK, depth))) == book["a"]


def test_the_books_of_rest_and_stream_share_their_counter() -> None:
    stage = Stage("weex")
    channel = stage.open("/v3/ws/public")
    picture, _ = stage.say(channel, subscribe("BTCUSDT@depth200"))
    body = msgspec.json.decode(stage.get("/capi/v3/market/depth", "symbol=BTCUSDT&limit=200").body)
    assert body["lastUpdateId"] == picture["u"]
    assert (body["bids"], body["asks"]) == (picture["b"], picture["a"])
    reply = stage.get("/capi/v3/market/depth", "symbol=BTCUSDT&limit=50")
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (400, -1142)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cmt_btcusdt@trade", "invalid symbol : CMT_BTCUSDT"),
        ("BTCUSDT@depth50", "invalid depth level : 50"),
        ("BTCUSDT@bookTicker", "invalid event : bookTicker"),
        ("BTCUSDT@kline_7m_LAST_PRICE", "invalid event : kline_7m_LAST_PRICE"),
        ("BTCUSDT@kline_1m_LAST_PRICE", ""),
    ],
)
def test_channels_that_do_not_exist_are_refused(name: str, words: str) -> None:
    stage = Stage("weex")
    channel = stage.open("/v3/ws/public")
    said = stage.say(channel, subscribe(name, number=9))[-1]
    if not words:
        assert said == {"result": True, "id": 9}
        return
    assert said == {"result": False, "id": 9, "msg": f"INVALID_ARGUMENT: {words}"}
    assert not channel.topics
    for _ in range(6):
        stage.say(channel, subscribe(name))
    assert channel.over == "Unrecognized message sent multiple times"


def test_sockets_greet_ping_and_end() -> None:
    stage = Stage("weex")
    beat = stage.dialect.beat
    assert beat is not None
    idle, used = stage.open("/v3/ws/public"), stage.open("/ws-contract/v3/ws/public")
    (hello,) = stage.dialect.greet(stage.house, used)
    assert msgspec.json.decode(hello)["event"] == "connected"
    assert stage.say(used, {"method": "PING", "id": 7}) == [{"result": True, "id": 7}]
    first = stage.say(used, subscribe("BTCUSDT@trade"))[0]
    assert first["e"] == "tradeSnapshot"
    assert first["d"]
    pings: list[Any] = []
    for second in range(1, 781):
        stage.house.exchange.now += SECOND_NS
        beat(stage.house, idle)
        assert bool(idle.over) is (second > 60)
        pings += [msgspec.json.decode(x) for x in beat(stage.house, used)]
        if second == 90:
            assert stage.say(used, {"method": "PONG", "id": 1}) == [{"id": 1, "method": "PONG"}]
            assert used.unanswered == 0
    assert len(pings) == 12  # two before the answer, ten that had none
    assert {one["event"] for one in pings} == {"ping"}
    assert int(pings[0]["time"]) // 1000 % 60 == 30
    assert used.over


def test_the_private_socket_is_signed_in_its_handshake() -> None:
    stage = Stage("weex")
    now = stage.house.now_ms

    def knock(key: Credentials, at: int, path: str = PRIVATE) -> Any:
        named = access_headers(key, at, f"{at}{PRIVATE}")
        headers = {name.lower(): value for name, value in named.items()}
        return stage.dialect.connect(stage.house, Ask("GET", path, "", headers, b""))

    def code(answer: Any) -> int:
        assert isinstance(answer, Reply)
        assert answer.status == 401
        return msgspec.json.decode(answer.body)["code"]

    assert knock(KEY, now).private == KEY.key
    assert knock(KEY, now, f"/ws-contract{PRIVATE}").private == KEY.key
    assert code(knock(Credentials("none", KEY.secret, KEY.passphrase), now)) == -1044
    assert code(knock(Credentials(KEY.key, "wrong", KEY.passphrase), now)) == -1047
    assert code(knock(Credentials(KEY.key, KEY.secret, "wrong"), now)) == -1049
    assert code(knock(KEY, now - 30_001)) == -1046
    assert code(stage.dialect.connect(stage.house, Ask("GET", PRIVATE, "", {}, b""))) == -1040
    channel = knock(KEY, now)
    assert stage.say(channel, subscribe("orders", "fill")) == [{"result": True, "id": 1}]
    assert stage.say(channel, subscribe("trade"))[0]["result"] is False


def test_who_signs_wrongly_is_told_which_way() -> None:
    stage = Stage("weex")
    call = requests.balances()
    reply, body = stage.ask(call)
    assert (reply.status, body[0]["asset"]) == (200, "USDT")
    assert int(reply.headers["x-used-weight-10s"]) == 5
    cases = [
        (Credentials("none", KEY.secret, KEY.passphrase), 0, -1044),
        (Credentials(KEY.key, "wrong", KEY.passphrase), 0, -1047),
        (Credentials(KEY.key, KEY.secret, "wrong"), 0, -1049),
        (KEY, 30_001, -1046),
        (KEY, -30_001, -1046),
    ]
    for key, late, code in cases:
        reply, body = stage.ask(call, key, late)
        assert (reply.status, body["code"]) == (401, code)
    unsigned = stage.get("/capi/v3/account/balance")
    assert msgspec.json.decode(unsigned.body)["code"] == -1040
    assert stage.get("/capi/v3/nowhere").status == 404


def test_refusals_have_their_codes() -> None:
    stage = Stage("weex")
    one, bid = stage.dialect.example, max(stage.lane.bids)
    base = {
        "symbol": "BTCUSDT", "side": "BUY", "positionSide": "LONG", "type": "LIMIT",
        "quantity": "0.0200", "price": one.price_text(bid - 500), "newClientOrderId": "mine",
    }  # fmt: skip
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"symbol": "NONEUSDT"}, -1121),
        ({"side": "UP"}, -1117),
        ({"positionSide": ""}, -1141),
        ({"type": "STOP"}, -1116),
        ({"timeInForce": "PostOnly"}, -1115),
        ({"price": "60000.05"}, -1160),
        ({"quantity": "0.00001"}, -1160),
        ({"quantity": "2000000"}, -3007),
        ({"price": one.price_text(bid * 2)}, -1142),
        ({"newClientOrderId": "no spaces"}, -1180),
        ({"newClientOrderId": "x" * 37}, -1180),
        ({"slTriggerPrice": "1.0"}, -1128),
        ({"reduceOnly": True, "unknown": [1]}, None),  # what it does not know is passed over
        ({}, -1054),
        ({"positionSide": "SHORT", "newClientOrderId": "b"}, "-1054"),
        ({"quantity": "999", "newClientOrderId": "c"}, -1054),
    ]
    for fields, code in cases:
        body = msgspec.json.encode(base | fields)
        reply, answer = stage.ask(Call("POST", "/capi/v3/order", body=body))
        if code is None:
            assert answer["success"] is True, (fields, answer)
        elif isinstance(code, str):
            assert (answer["success"], answer["errorCode"]) == (False, code), (fields, answer)
        else:
            assert (reply.status, answer["code"]) == (400, code), (fields, answer)
    assert [one.ticket.client_id for one in stage.house.exchange.living.values()] == ["mine"]
    batch = Call("POST", "/capi/v3/batchOrders", body=b"{}")
    assert stage.ask(batch)[1]["code"] == -1150


def test_orders_are_cancelled_in_lists_and_asked_for_by_the_venues_id_alone() -> None:
    stage = Stage("weex")
    one, bid = stage.dialect.example, max(stage.lane.bids)
    ids = []
    for k in (1, 2):
        _, body = stage.ask(requests.place(order(k, price=bid - 500, size=200), one, TERMS))
        ids.append(body["orderId"])
    query = Call("GET", "/capi/v3/order", (("orderId", ids[0]),))
    assert stage.ask(query)[1]["status"] == "NEW"
    ours = Call("GET", "/capi/v3/order", (("origClientOrderId", requests.client_id(1)),))
    assert stage.ask(ours)[1]["code"] == -1141
    fields = {"orderIdList": [int(ids[0]), 77]}
    _, body = stage.ask(Call("DELETE", "/capi/v3/batchOrders", body=msgspec.json.encode(fields)))
    assert [one["success"] for one in body["orderList"]] == [True, False]
    assert body["orderList"][1]["errorCode"] == "FAILED_ORDER_NOT_FOUND"
    assert stage.ask(query)[1]["status"] == "CANCELED"
    (call, _) = requests.cancel_all(one)
    assert [x["orderId"] for x in stage.ask(call)[1]] == [ids[1]]
    assert not stage.house.exchange.living


def test_who_asks_too_much_is_banned_for_ten_seconds() -> None:
    stage = Stage("weex")
    codes = [stage.get("/capi/v3/market/ticker/24hr").status for _ in range(14)]
    assert codes == [200] * 12 + [429] * 2
    assert stage.get("/capi/v3/market/time").status == 429
    stage.house.exchange.advance(stage.house.exchange.now + 9 * SECOND_NS)
    assert stage.get("/capi/v3/market/time").status == 429
    stage.house.exchange.advance(stage.house.exchange.now + 2 * SECOND_NS)
    assert stage.get("/capi/v3/market/time").status == 200


def test_the_balance_is_pushed_only_after_it_was_asked_for() -> None:
    stage = Stage("weex")

    def trade(number: int) -> set[str]:
        line = order(number, type=c.MARKET, tif=c.IOC, size=200)
        assert stage.ask(requests.place(line, stage.dialect.example, TERMS))[1]["success"]
        frames = []
        for news in stage.house.exchange.drain():
            if isinstance(news, OrderNews | AccountNews):
                frames += stage.dialect.tell_private(stage.house, news)
        return {frame.topic for frame in frames}

    assert trade(1) == {"orders", "fill", "positions"}
    stage.ask(requests.balances())
    assert trade(2) == {"orders", "fill", "positions", "account"}
