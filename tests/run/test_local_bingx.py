"""What is BingX's own: frames, pings, topics, ids that skip, keys and codes of its own side."""

import gzip
import itertools
from typing import Any

import msgspec
import pytest

from aggressor.schema import command as c
from aggressor.venues.bingx import requests
from aggressor.venues.text.packed import unzipped
from aggressor.venues.trading import Call, Credentials, Terms
from tests.run.dialect_stage import SECOND_NS, Stage
from tests.run.venue_stage import KEY

TERMS = Terms(leverage=20)


def order(number: int, **fields: int) -> Any:
    line = c.empty_commands(1)[0]
    line["kind"], line["order"], line["side"] = c.PLACE, number, 1
    line["type"], line["tif"] = c.LIMIT, c.GTC
    for name, value in fields.items():
        line[name] = value
    return line


def test_frames_are_gzip_members_and_pings_want_a_pong() -> None:
    stage = Stage("bingx")
    packed = stage.dialect.packed
    assert packed is not None
    assert unzipped(packed(b"Ping")) == b"Ping" == gzip.decompress(packed(b"Ping"))
    channel = stage.open("/swap-market")
    assert stage.dialect.beat is not None
    said = []
    for _ in range(60):
        stage.house.exchange.now += SECOND_NS
        said += stage.dialect.beat(stage.house, channel)
        if len(said) == 3 and channel.unanswered:
            assert stage.dialect.heard(stage.house, channel, b"Pong") == ()
        if channel.over:
            break
    assert said == [b"Ping"] * 9  # three answered, six not
    assert channel.over


def test_a_book_begins_with_a_picture_and_its_ids_skip() -> None:
    stage = Stage("bingx")
    channel = stage.open("/swap-market")
    name = "BTC-USDT@incrDepth"
    ack, picture = stage.say(channel, {"id": "7", "reqType": "sub", "dataType": name})
    assert ack == {"id": "7", "code": 0, "msg": "", "dataType": "", "data": None}
    assert picture["data"]["action"] == "all"
    books: dict[str, dict[str, str]] = {
        side: dict(picture["data"][side]) for side in ("bids", "asks")
    }
    asks = [float(price) for price, _ in picture["data"]["asks"]]
    assert asks == sorted(asks, reverse=True)
    frames = [one["data"] for one in stage.wait(10.0, channel)]
    assert len(frames) >= 40
    ids = [picture["data"]["lastUpdateId"], *(one["lastUpdateId"] for one in frames)]
    steps = [b - a for a, b in itertools.pairwise(ids)]
    assert steps[0] == 1
    assert min(steps) == 1
    assert 2 <= max(steps) <= 9
    times = [one["time"] for one in frames]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 200
    for frame in frames:
        assert frame["action"] == "update"
        for side, book in books.items():
            for price, size in frame[side]:
                if float(size):
                    book[price] = size
                else:
                    assert set(size) <= {"0", "."}
                    del book[price]
    again = stage.say(channel, {"id": "8", "reqType": "sub", "dataType": name})
    assert len(again) == 1  # a second subscription is acknowledged, no more
    other = stage.open("/swap-market")
    _, picture = stage.say(other, {"id": "9", "reqType": "sub", "dataType": name})
    assert {side: dict(picture["data"][side]) for side in books} == books
    follow = stage.wait(2.0, other)
    assert follow[0]["data"]["lastUpdateId"] == picture["data"]["lastUpdateId"] + 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("btc-usdt@trade", 80015),
        ("BTC-USDT@depth7", 80015),
        ("BTC-USDT@depth20@300ms", 80015),
        ("NONE-USDT@trade", 80015),
        ("BTC-USDT@openInterest", 80015),
        ("BTC-USDT@depth20@500ms", 0),
        ("BTC-USDT@kline_1m", 0),
    ],
)
def test_topics_that_do_not_exist_are_refused(name: str, code: int) -> None:
    stage = Stage("bingx")
    channel = stage.open("/swap-market")
    said = stage.say(channel, {"id": "x", "reqType": "sub", "dataType": name})
    assert said[0]["code"] == code
    assert (name in channel.topics) is (code == 0)
    assert stage.dialect.heard(stage.house, channel, b"no json") == ()
    assert stage.say(channel, {})[0]["code"] == 80014


def test_prints_come_again_over_rest_with_the_times_they_had() -> None:
    stage = Stage("bingx")
    channel = stage.open("/swap-market")
    stage.say(channel, {"id": "x", "reqType": "sub", "dataType": "BTC-USDT@trade"})
    frames = stage.wait(5.0, channel)
    told = [(one["T"], one["p"], one["q"], one["m"]) for x in frames for one in x["data"]]
    assert len(told) >= 5
    stage.house.skew_ns = 10**8  # the venue's clock jumps
    body = msgspec.json.decode(
        stage.get("/openApi/swap/v2/quote/trades", "symbol=BTC-USDT&limit=1000").body
    )
    rows = [(x["time"], x["price"], x["qty"], x["isBuyerMaker"]) for x in body["data"]]
    assert rows[: len(told)] == told[::-1]


def test_who_signs_wrongly_is_told_which_way() -> None:
    stage = Stage("bingx")
    call = requests.balances()
    reply, body = stage.ask(call)
    assert (reply.status, body["code"]) == (200, 0)
    assert stage.ask(call, Credentials("n" * 64, "s" * 64))[1]["code"] == 100413
    assert stage.ask(call, Credentials("k" * 64, "wrong"))[1]["code"] == 100001
    late = stage.ask(call, late_ms=5001)[1]
    assert late["code"] == 100421
    assert "timestamp" in late["msg"]
    assert stage.ask(call, late_ms=-5001)[1]["code"] == 100421
    unsigned = stage.get("/openApi/swap/v3/user/balance")
    assert msgspec.json.decode(unsigned.body)["code"] == 100413
    nowhere = stage.get("/openApi/swap/v2/nowhere")
    assert msgspec.json.decode(nowhere.body)["code"] == 100400


def test_refusals_have_their_codes() -> None:
    stage = Stage("bingx")
    one, bid = stage.dialect.example, max(stage.lane.bids)
    price, size = one.price_text(bid - 500), "0.0200"
    cases: list[tuple[dict[str, str], int]] = [
        ({"symbol": "NONE-USDT"}, 109425),
        ({"side": "UP"}, 109400),
        ({"positionSide": "LONG"}, 109400),
        ({"price": "60000.05"}, 109400),
        ({"price": one.price_text(bid * 2)}, 101211),
        ({"quantity": "0.00001"}, 110422),
        ({"quantity": "0.0001", "price": one.price_text(bid - 90)}, 0),
        ({"timeInForce": "PostOnly", "clientOrderId": "MINE"}, 0),
        ({"clientOrderId": "mine"}, 101481),
        ({"type": "TRIGGER_LIMIT", "stopPrice": price}, 109400),
        ({"type": "STOP_MARKET", "stopPrice": price, "side": "SELL"}, 101205),
        ({"type": "MARKET", "side": "SELL", "reduceOnly": "true"}, 101205),
    ]
    base = {"symbol": "BTC-USDT", "side": "BUY", "type": "LIMIT", "price": price, "quantity": size}
    for number, (fields, code) in enumerate(cases):
        stage.house.exchange.advance(stage.house.exchange.now + SECOND_NS // 5)
        query = tuple((base | fields).items())
        _, body = stage.ask(Call("POST", "/openApi/swap/v2/trade/order", query))
        assert body["code"] == code, (number, fields, body)
    placed = stage.house.exchange.find(client_id="mine")
    assert placed is not None
    assert placed.lives


def test_too_many_orders_in_a_second_are_refused() -> None:
    stage = Stage("bingx")
    bid = max(stage.lane.bids)
    calls = [
        requests.place(order(k, price=bid - 500 - k, size=200), stage.dialect.example, TERMS)
        for k in range(1, 13)
    ]
    codes = [stage.ask(call)[1]["code"] for call in calls]
    assert codes == [0] * 10 + [100410] * 2
    assert len(stage.house.exchange.living) == 10
    stage.house.exchange.advance(stage.house.exchange.now + SECOND_NS)
    reply, body = stage.ask(calls[-1])
    assert body["code"] == 0
    assert int(reply.headers["X-RateLimit-Requests-Remain"]) == 9


def test_the_dead_mans_switch_cancels_everything() -> None:
    stage = Stage("bingx")
    bid = max(stage.lane.bids)
    one = stage.dialect.example
    stage.ask(requests.place(order(1, price=bid - 500, size=200), one, TERMS))
    assert stage.ask(requests.dead_man(one, 10_000))[1]["data"]["status"] == "ACTIVATED"
    stage.house.exchange.advance(stage.house.exchange.now + 9 * SECOND_NS)
    stage.dialect.tick(stage.house)
    assert len(stage.house.exchange.living) == 1
    stage.house.exchange.advance(stage.house.exchange.now + 2 * SECOND_NS)
    stage.dialect.tick(stage.house)
    assert not stage.house.exchange.living


def test_a_stream_wants_a_living_key_and_says_when_it_ends() -> None:
    stage = Stage("bingx")
    key = stage.side.listen_key
    assert key is not None
    reply, _ = stage.ask(key.create)
    name = key.read(reply.body)
    channel = stage.open("/swap-market", f"listenKey={name}")
    assert channel.private == name
    assert stage.ask(key.keep(name))[0].status == 200
    assert stage.ask(key.keep("none"))[0].status == 404
    stage.house.exchange.advance(stage.house.exchange.now + 3601 * SECOND_NS)
    ended = [msgspec.json.decode(x.payload) for x in stage.dialect.tick(stage.house)]
    assert [one["e"] for one in ended] == ["listenKeyExpired"]
    assert stage.say(channel, {})[0]["code"] == 80014
    assert KEY.secret not in reply.body.decode()
