"""MEXC's own side without sockets: chains of versions, codes, ids, plans and pushes."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from aggressor.engine.ports import Feed
from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
from aggressor.schema.event import ASK, BID, FUNDING, Events
from aggressor.sim.local.board import BookNews
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.orders import AccountNews, OrderNews
from aggressor.venues.mexc.server import LIMITS, MEXC
from aggressor.venues.mexc.signing import login, signature
from aggressor.venues.served.dialect import Ask, Channel, Frame, House
from aggressor.venues.trading import Credentials

NOW = 1_800_000_000_000_000_000
KEY = Credentials("k" * 32, "s" * 32)
MS = 1_000_000
SECOND = 1000 * MS
SYMBOL = "BTC_USDT"
PRIVATE = "/api/v1/private/"
PUBLIC = "/api/v1/contract/"


class OftenSettled:
    """A market whose funding settles every few minutes."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def poll(self, limit: int) -> Events:
        rows = self._feed.poll(limit)
        told = rows["kind"] == FUNDING
        rows["price"][told] = rows["ts_venue"][told] // (60 * SECOND) // 2 * 2 + 2
        return rows


class Stage:
    """The venue, one socket at it, and everything that socket was told."""

    def __init__(self, *topics: str, deposit: int = 10_000, feed: Feed | None = None) -> None:
        self.house = House(
            LocalExchange(
                [MEXC.example],
                [feed if feed is not None else synthetic_feed(MEXC.example, 3)],
                now=NOW,
                lead_ns=int(SYNTHETIC_LEAD_S * SECOND),
                deposit=deposit * 100_000_000,
                costs=MEXC.costs,
            ),
            KEY,
            LIMITS,
        )
        self.channel = MEXC.connect(self.house, Ask("GET", "/edge", "", {}, b""))
        assert isinstance(self.channel, Channel)
        self.told: list[dict[str, Any]] = []
        self.books: list[BookNews] = []
        self.publish()
        for name in topics:
            (said,) = self.hear({"method": name, "param": {"symbol": SYMBOL}})
            assert said["data"] == "success"

    @property
    def exchange(self) -> LocalExchange:
        return self.house.exchange

    def hear(self, message: dict[str, Any] | bytes) -> list[dict[str, Any]]:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert isinstance(self.channel, Channel)
        return [json.loads(one) for one in MEXC.heard(self.house, self.channel, text)]

    def publish(self) -> None:
        assert isinstance(self.channel, Channel)
        assert MEXC.paced is not None
        wanted = frozenset(self.channel.topics)
        for news in self.exchange.drain():
            if isinstance(news, OrderNews | AccountNews):
                self._note(MEXC.tell_private(self.house, news))
                continue
            if isinstance(news, BookNews):
                self.books.append(news)
            self._note(MEXC.tell(self.house, news, wanted))
        self._note(MEXC.paced(self.house, wanted))

    def _note(self, frames: Sequence[Frame]) -> None:
        assert isinstance(self.channel, Channel)
        for frame in frames:
            private = "@" in frame.topic
            if frame.topic in self.channel.topics or (private and self.channel.private):
                message = MEXC.wrap(self.channel, frame)
                self.told += [json.loads(message)] if message else []

    def run(self, seconds: float, step_ms: int = 20) -> None:
        for _ in range(int(seconds * 1000 / step_ms)):
            self.exchange.advance(self.exchange.now + step_ms * MS)
            self._note(MEXC.tick(self.house))
            self.publish()

    def get(self, path: str, query: str = "") -> Any:
        return json.loads(MEXC.serve(self.house, Ask("GET", PUBLIC + path, query, {}, b"")).body)

    def ask(self, path: str, body: Any = None, query: str = "", **headers: str) -> Any:
        text = b"" if body is None else json.dumps(body).encode()
        stamp = headers.pop("stamp", str(self.house.now_ms))
        signed = text.decode() if body is not None else query
        said = {
            "apikey": KEY.key,
            "request-time": stamp,
            "signature": signature(KEY, int(stamp), signed),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        method = "GET" if body is None else "POST"
        reply = MEXC.serve(self.house, Ask(method, PRIVATE + path, query, said, text))
        answer = json.loads(reply.body)
        assert answer["success"] == (answer["code"] == 0)
        self._note(MEXC.tick(self.house))
        self.publish()
        return answer

    def of(self, channel: str) -> list[dict[str, Any]]:
        return [one["data"] for one in self.told if one["channel"] == channel]

    @property
    def bid(self) -> float:
        return self.exchange.board.lanes[0].levels(BID, 1)[0][0] / 10

    @property
    def ask_price(self) -> float:
        return self.exchange.board.lanes[0].levels(ASK, 1)[0][0] / 10

    def order(self, **more: Any) -> dict[str, Any]:
        plain = {"symbol": SYMBOL, "vol": 100, "side": 1, "type": 1, "openType": 2}
        return plain | {"price": round(self.bid - 50, 1)} | more

    def login(self, **more: Any) -> Any:
        message = json.loads(login(KEY, self.house.now_ms)) | more
        return self.hear(message)[0]


# -- books -----------------------------------------------------------------------------------------


def levels_of(frames: list[dict[str, Any]], side: str) -> dict[int, int]:
    book: dict[int, int] = {}
    for frame in frames:
        for price, contracts, count in frame[side]:
            assert (count > 0) == (contracts > 0)
            book[round(price * 10)] = contracts
    return {price: lots for price, lots in book.items() if lots}


def test_merged_books_chain_by_begin_and_end_and_lead_from_any_copy_to_the_truth() -> None:
    stage = Stage("sub.depth")
    stage.run(0.6)
    first = stage.get(f"depth/{SYMBOL}", "limit=1500")["data"]
    stage.run(4.0)
    frames = stage.of("push.depth")
    assert len(frames) >= 15
    stamps = [one["ts"] for one in stage.told]
    gaps = [b - a for a, b in itertools.pairwise(stamps)]
    assert min(gaps) >= 200
    for before, after in itertools.pairwise(frames):
        assert after["begin"] == before["end"] + 1
    assert all(one["begin"] <= one["end"] == one["version"] for one in frames)
    kept = [one for one in frames if one["end"] > first["version"]]
    assert kept[0]["begin"] <= first["version"] + 1 <= kept[0]["end"]
    waiting = stage.house.notes["merging"].get(0)
    truth = stage.exchange.board.lanes[0]
    last = {"bids": [], "asks": []}
    if waiting is not None:  # what is not yet due
        last = {
            "bids": [[p / 10, n, int(n > 0)] for p, n in waiting.bids.items()],
            "asks": [[p / 10, n, int(n > 0)] for p, n in waiting.asks.items()],
        }
    for side, book in (("bids", truth.bids), ("asks", truth.asks)):
        assert levels_of([first, *kept, last], side) == book


def test_a_copy_lags_and_commits_bridge_from_it_to_now() -> None:
    stage = Stage()
    copy = stage.get(f"depth/{SYMBOL}")["data"]
    stage.run(0.1)
    assert stage.get(f"depth/{SYMBOL}")["data"]["version"] == copy["version"]
    stage.run(0.2)
    later = stage.get(f"depth/{SYMBOL}")["data"]
    assert later["version"] > copy["version"]
    commits = stage.get(f"depth_commits/{SYMBOL}/1000")["data"]
    versions = [one["version"] for one in commits]
    assert versions == list(range(versions[0], versions[-1] - 1, -1))  # newest first, no hole
    bridge = [one for one in reversed(commits) if one["version"] > copy["version"]]
    truth = stage.exchange.board.lanes[0]
    assert levels_of([copy, *bridge], "bids") == truth.bids
    assert levels_of([copy, *bridge], "asks") == truth.asks


def test_each_change_comes_by_itself_where_that_is_asked_for() -> None:
    stage = Stage()
    stage.hear({"method": "sub.depth", "param": {"symbol": SYMBOL, "compress": False}})
    stage.hear({"method": "sub.depth.full", "param": {"symbol": SYMBOL, "limit": 5}})
    before = stage.exchange.board.lanes[0].number
    stage.run(2.0)
    frames = stage.of("push.depth")
    assert [one["version"] for one in frames] == [before + 1 + n for n in range(len(frames))]
    assert len(frames) > 10
    assert all("begin" not in one for one in frames)
    full = stage.of("push.depth.full")
    assert 6 <= len(full) <= 7
    assert [len(full[0][side]) for side in ("bids", "asks")] == [5, 5]


# -- the market ------------------------------------------------------------------------------------


def test_prints_tickers_candles_and_funding_say_the_same_over_both_ways() -> None:
    stage = Stage("sub.deal", "sub.ticker", "sub.fair.price", "sub.index.price", "sub.kline")
    stage.run(5.0)
    deals: list[Any] = [row for one in stage.of("push.deal") for row in one]
    fetched = stage.get(f"deals/{SYMBOL}", "limit=100")["data"]
    told = {row["i"]: row for row in deals}
    assert len(told) == len(deals) >= 5
    assert all(told[row["i"]] == row for row in fetched if row["i"] in told)
    ticker = stage.get("ticker", f"symbol={SYMBOL.lower()}")["data"]
    assert stage.of("push.ticker")[-1]["fairPrice"] == ticker["fairPrice"]
    assert ticker["bid1"] == stage.bid
    assert ticker["ask1"] == stage.ask_price
    assert ticker["holdVol"] > 0
    assert ticker["lower24Price"] <= ticker["high24Price"]
    fair = stage.get(f"fair_price/{SYMBOL}")["data"]["fairPrice"]
    assert stage.of("push.fair.price")[-1]["price"] == fair == ticker["fairPrice"]
    columns = stage.get(f"kline/{SYMBOL}", "interval=Min1")["data"]
    assert {len(column) for column in columns.values()} == {len(columns["time"])}
    assert sum(columns["vol"]) == ticker["volume24"]
    assert stage.of("push.kline")[-1]["c"] == columns["close"][-1]
    marks = stage.get(f"kline/fair_price/{SYMBOL}", "interval=Min1")["data"]
    assert marks["close"][-1] == fair
    assert stage.get(f"kline/{SYMBOL}", "interval=Min7")["code"] == 600
    rate = stage.get(f"funding_rate/{SYMBOL}")["data"]
    assert rate["fundingRate"] == ticker["fundingRate"]
    assert rate["nextSettleTime"] > stage.house.now_ms


def test_contracts_answer_one_or_all_and_unknown_ones_by_code() -> None:
    stage = Stage()
    one = stage.get("detail", f"symbol={SYMBOL}")["data"]
    assert stage.get("detail")["data"] == [one]
    assert (one["contractSize"], one["priceUnit"], one["volUnit"]) == (0.0001, 0.1, 1)
    assert (one["makerFeeRate"], one["takerFeeRate"]) == (0.0006, 0.0008)
    assert stage.get("depth/NOPE_USDT")["code"] == 1001
    said = stage.hear({"method": "sub.deal", "param": {"symbol": "NOPE_USDT"}})
    assert [(x["channel"], x["data"]) for x in said] == [
        ("rs.error", "Contract [NOPE_USDT] not exists")
    ]
    assert stage.hear({"method": "sub.nothing", "param": {"symbol": SYMBOL}}) == []
    assert stage.hear(b"\xff{") == []


# -- doors -----------------------------------------------------------------------------------------


def test_signatures_clocks_and_quotas_are_judged_by_code() -> None:
    stage = Stage()
    assert stage.ask("account/assets")["code"] == 0
    assert stage.ask("account/assets", apikey="x")["code"] == 401
    assert stage.ask("account/assets", signature="0" * 64)["code"] == 602
    late = str(stage.house.now_ms - 10_001)
    assert stage.ask("account/assets", stamp=late)["code"] == 513
    assert stage.ask("account/assets", stamp=late, recv_window="20000")["code"] == 0
    longest = str(stage.house.now_ms - 60_001)
    assert stage.ask("account/assets", stamp=longest, recv_window="90000")["code"] == 513
    swapped = "symbol=BTC_USDT&page_num=1"  # signed sorted, sent otherwise
    reply = MEXC.serve(
        stage.house,
        Ask(
            "GET",
            f"{PRIVATE}order/list/open_orders",
            swapped,
            {
                "apikey": KEY.key,
                "request-time": str(stage.house.now_ms),
                "signature": signature(KEY, stage.house.now_ms, "page_num=1&symbol=BTC_USDT"),
            },
            b"",
        ),
    )
    assert json.loads(reply.body)["code"] == 0
    codes = [stage.ask("position/position_mode")["code"] for _ in range(21)]
    assert codes == [0] * 20 + [510]
    stage.run(2.0)
    assert stage.ask("position/position_mode")["data"] == 2


def test_a_client_that_does_not_ping_for_a_minute_is_ended() -> None:
    stage = Stage("sub.ticker")
    assert isinstance(stage.channel, Channel)
    assert MEXC.beat is not None
    stage.run(59.0, step_ms=1000)
    assert stage.hear({"method": "ping"})[0]["channel"] == "pong"
    stage.run(59.0, step_ms=1000)
    MEXC.beat(stage.house, stage.channel)
    assert not stage.channel.over
    stage.run(3.0, step_ms=1000)
    MEXC.beat(stage.house, stage.channel)
    assert stage.channel.over


# -- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": "NOPE_USDT"}, 1001),
        ({"side": 5}, 2001),
        ({"openType": 3}, 2002),
        ({"openType": 1}, 2006),  # isolated needs a leverage
        ({"type": 9}, 2029),
        ({"price": 60_000.05}, 2015),
        ({"price": 0}, 2007),
        ({"price": 70_000}, 2003),
        ({"side": 3, "price": 50_000}, 2004),
        ({"vol": 0}, 2011),
        ({"vol": 1.5}, 2011),
        ({"vol": 2_000_000_000}, 2028),
        ({"externalOid": "x" * 33}, 2030),
        ({"positionMode": 1}, 2022),
        ({"stopLossPrice": 50_000}, 5003),
        ({"vol": 500_000}, 2005),
        ({"side": 4}, 2009),  # closes a long that is not there
    ],
)
def test_what_a_client_wrote_is_refused_by_code(change: dict[str, Any], code: int) -> None:
    stage = Stage()
    assert stage.ask("order/create", stage.order(**change))["code"] == code
    assert not stage.exchange.living


def test_an_external_id_is_placed_once_alone_and_in_batches() -> None:
    stage = Stage()
    first = stage.ask("order/create", stage.order(externalOid="a"))["data"]["orderId"]
    assert stage.ask("order/create", stage.order(externalOid="a"))["data"]["orderId"] == first
    rows = stage.ask(
        "order/submit_batch",
        [stage.order(externalOid="a"), stage.order(externalOid="b", vol=3.0), stage.order(side=7)],
    )["data"]
    assert [row["errorCode"] for row in rows] == [0, 0, 2001]
    assert rows[0]["orderId"] == first != rows[1]["orderId"]
    assert len(stage.exchange.living) == 2
    assert stage.ask("order/submit_batch", [stage.order()])["code"] == 510
    found = stage.ask(f"order/external/{SYMBOL}/b")["data"]
    assert (found["vol"], found["state"], found["externalOid"]) == (3, 2, "b")
    asked = stage.ask("order/batch_query", query=f"order_ids={first},1")["data"]
    assert [one["orderId"] for one in asked] == [first]
    rows = stage.ask("order/cancel", [first, "17"])["data"]
    assert [row["errorCode"] for row in rows] == [0, 2040]
    assert stage.ask("order/cancel", [first])["data"][0]["errorCode"] == 2041
    body = {"symbol": SYMBOL, "externalOid": "b"}
    assert stage.ask("order/cancel_with_external", body)["data"]["errorCode"] == 0
    assert stage.ask("order/list/open_orders")["data"] == []
    states = [one["state"] for one in stage.ask("order/list/history_orders")["data"]]
    assert states == [4, 4]


def test_a_changed_order_is_another_one() -> None:
    stage = Stage()
    old = stage.ask("order/create", stage.order(externalOid="a"))["data"]["orderId"]
    lower = round(stage.bid - 60, 1)
    new = stage.ask("order/change_limit_order", {"orderId": old, "price": lower, "vol": 7})["data"]
    assert new != old
    assert stage.ask(f"order/get/{old}")["data"]["state"] == 4
    found = stage.ask(f"order/external/{SYMBOL}/a")["data"]
    assert (found["orderId"], found["price"], found["vol"]) == (new, lower, 7)
    chased = stage.ask("order/chase_limit_order", {"orderId": new})["data"]
    assert stage.ask(f"order/get/{chased}")["data"]["price"] == stage.bid
    again = {"orderId": old, "price": lower, "vol": 7}
    assert stage.ask("order/change_limit_order", again)["code"] == 2041


def test_the_stream_tells_what_becomes_of_orders_and_money() -> None:
    stage = Stage()
    assert stage.login() == {"channel": "rs.login", "data": "success", "ts": stage.house.now_ms}
    made = stage.ask("order/create", stage.order(type=5, externalOid="m"))["data"]["orderId"]
    deals, (order, *rest) = stage.of("push.personal.order.deal"), stage.of("push.personal.order")
    last = rest[-1] if rest else order
    assert (last["orderId"], last["state"], last["dealVol"], last["remainVol"]) == (made, 3, 100, 0)
    assert sum(one["vol"] for one in deals) == 100
    assert {(one["isTaker"], one["externalOid"]) for one in deals} == {(True, "m")}
    fees = sum(round(one["fee"] * 10**8) for one in deals)
    assert fees == stage.exchange.account.fees
    value = sum(one["vol"] * one["price"] * 0.0001 for one in deals)
    assert fees / 10**8 == pytest.approx(value * 0.0008, abs=1e-7)
    held = stage.of("push.personal.position")[-1]
    assert (held["positionType"], held["holdVol"], held["state"]) == (1, 100, 1)
    assert stage.of("push.personal.asset")[-1]["positionMargin"] > 0
    (found,) = stage.ask("position/open_positions")["data"]
    assert found["positionId"] == held["positionId"]
    stage.ask("order/create", stage.order(type=5, side=3, vol=250))  # turns it round
    closed, opened = stage.of("push.personal.position")[-2:]
    assert (closed["positionType"], closed["holdVol"], closed["state"]) == (1, 0, 3)
    assert (opened["positionType"], opened["holdVol"], opened["state"]) == (2, 150, 1)
    stage.ask("position/close_all", {})
    assert stage.ask("position/open_positions")["data"] == []
    told = sorted(stage.of("push.personal.order.deal"), key=lambda one: int(one["id"]))
    asked = stage.ask("order/list/order_deals", query=f"page_size=100&symbol={SYMBOL}")["data"]
    assert [one["id"] for one in reversed(asked)] == [one["id"] for one in told]


def test_a_post_only_order_that_would_cross_is_taken_and_told_as_invalid() -> None:
    stage = Stage()
    stage.login()
    price = round(stage.ask_price + 5, 1)
    made = stage.ask("order/create", stage.order(type=2, price=price))["data"]["orderId"]
    (order,) = stage.of("push.personal.order")
    assert (order["orderId"], order["state"], order["remainVol"]) == (made, 5, 0)


def test_a_filter_says_what_a_socket_hears_of_the_account() -> None:
    stage = Stage()
    (refused,) = stage.hear({"method": "personal.filter", "param": {"filters": []}})
    assert refused["channel"] == "rs.error"
    wrong = json.loads(login(Credentials(KEY.key, "other"), stage.house.now_ms))
    assert stage.hear(wrong)[0]["channel"] == "rs.error"
    stage.login(subscribe=False)
    stage.ask("order/create", stage.order())
    assert stage.told == []
    filters = [{"filter": "order", "rules": [SYMBOL]}, {"filter": "asset"}]
    (said,) = stage.hear({"method": "personal.filter", "param": {"filters": filters}})
    assert said["channel"] == "rs.personal.filter"
    stage.ask("order/create", stage.order(type=5))
    assert {one["channel"] for one in stage.told} == {"push.personal.order", "push.personal.asset"}
    stage.hear({"method": "personal.filter", "param": {"filters": []}})
    stage.ask("order/create", stage.order(type=5))
    assert stage.of("push.personal.order.deal")


def test_a_hedged_account_holds_a_long_and_a_short() -> None:
    stage = Stage()
    assert stage.ask("position/change_position_mode", {"positionMode": 1})["code"] == 0
    for side in (1, 3):
        body = stage.order(type=5, side=side, positionMode=1)
        assert stage.ask("order/create", body)["code"] == 0
    held = stage.ask("position/open_positions")["data"]
    assert [(one["positionType"], one["holdVol"]) for one in held] == [(1, 100), (2, 100)]
    assert stage.ask("position/change_position_mode", {"positionMode": 2})["code"] == 2019
    assert stage.ask("order/create", stage.order(type=5, side=2, vol=40))["code"] == 0
    held = stage.ask("position/open_positions")["data"]
    assert [one["holdVol"] for one in held] == [100, 60]
    isolated = stage.order(openType=1, leverage=10)
    assert stage.ask("order/create", isolated)["code"] == 2027
    for body in ({"positionId": held[0]["positionId"]}, {"symbol": SYMBOL, "positionType": 2}):
        assert stage.ask("position/change_leverage", body | {"leverage": 50})["code"] == 0
    rows = stage.ask("position/leverage", query=f"symbol={SYMBOL}")["data"]
    assert [(one["positionType"], one["leverage"]) for one in rows] == [(1, 50), (2, 50)]


# -- triggers --------------------------------------------------------------------------------------


def plan(stage: Stage, **more: Any) -> dict[str, Any]:
    return {
        "symbol": SYMBOL,
        "vol": 100,
        "side": 4,
        "openType": 2,
        "triggerPrice": round(stage.bid - 300, 1),
        "triggerType": 2,
        "executeCycle": 1,
        "orderType": 5,
        "trend": 1,
    } | more


def test_plans_are_checked_listed_changed_cancelled_and_lapse() -> None:
    stage = Stage()
    stage.login()
    for change, code in (
        ({"trend": 2}, 3001),
        ({"triggerType": 3}, 3002),
        ({"executeCycle": 4}, 3003),
        ({"triggerPrice": round(stage.bid + 300, 1)}, 3004),
        ({"orderType": 1}, 2029),
    ):
        assert stage.ask("planorder/place", plan(stage, **change))["code"] == code
    assert stage.ask("planorder/place", plan(stage))["code"] == 2009
    stage.ask("order/create", stage.order(type=5))
    made = [stage.ask("planorder/place", plan(stage))["data"] for _ in range(2)]
    listed = stage.ask("planorder/list/orders", query="states=1")["data"]
    assert [one["id"] for one in listed] == made[::-1]
    assert stage.ask("order/list/open_orders")["data"] == []
    moved = round(stage.bid - 200, 1)
    body = {"symbol": SYMBOL, "orderId": made[0], "triggerPrice": moved}
    assert stage.ask("planorder/change_price", body)["code"] == 0
    gone = [{"symbol": SYMBOL, "orderId": made[0]}]
    assert stage.ask("planorder/cancel", gone)["code"] == 0
    assert stage.ask("planorder/cancel", gone)["code"] == 2041
    (one,) = stage.ask("planorder/list/orders", query="states=2")["data"]
    assert (one["id"], one["triggerPrice"], one["state"]) == (made[0], moved, 2)
    stage.exchange.pace(0.01)
    stage.exchange.advance(stage.exchange.now + 86_400 * SECOND)
    MEXC.tick(stage.house)
    stage.publish()
    assert not stage.exchange.living
    assert [one["state"] for one in stage.of("push.personal.plan.order")][-1] == 2


def test_a_plan_turns_into_an_order_with_an_id_of_its_own() -> None:
    stage = Stage()
    stage.login()
    stage.ask("order/create", stage.order(type=5))
    close = {"triggerPrice": round(stage.bid - 0.1, 1)}
    made = stage.ask("planorder/place", plan(stage, **close))["data"]
    for _ in range(300):
        stage.run(0.2)
        if stage.of("push.personal.plan.order")[-1]["state"] == 3:
            break
    done = stage.of("push.personal.plan.order")[-1]
    assert (done["id"], done["state"]) == (made, 3)
    stage.run(0.5)
    born = stage.ask(f"order/get/{done['orderId']}")["data"]
    assert (born["side"], born["state"], born["dealVol"], born["orderType"]) == (4, 3, 100, 5)
    assert stage.ask(f"order/get/{made}")["code"] == 2040
    assert stage.ask("position/open_positions")["data"] == []


def test_take_profit_and_stop_loss_of_a_position_end_together() -> None:
    stage = Stage()
    stage.login()
    pair = {
        "positionId": 1_397_001,
        "vol": 100,
        "lossTrend": 1,
        "profitTrend": 1,
        "stopLossPrice": round(stage.bid - 300, 1),
        "takeProfitPrice": round(stage.bid + 300, 1),
    }
    assert stage.ask("stoporder/place", pair)["code"] == 2009
    stage.ask("order/create", stage.order(type=5))
    assert stage.ask("stoporder/place", pair | {"vol": 101})["code"] == 2008
    wrong = pair | {"stopLossPrice": round(stage.bid + 300, 1)}
    assert stage.ask("stoporder/place", wrong)["code"] == 5002
    number = stage.ask("stoporder/place", pair)["data"]
    (one,) = stage.ask("stoporder/open_orders")["data"]
    assert (one["id"], one["state"], one["vol"]) == (number, 1, 100)
    assert stage.ask("planorder/list/orders", query="states=1")["data"] == []
    near = {"stopPlanOrderId": number, "stopLossPrice": round(stage.bid - 0.1, 1)}
    assert stage.ask("stoporder/change_plan_price", near)["code"] == 0
    for _ in range(300):
        stage.run(0.2)
        if not stage.exchange.living:
            break
    stage.run(0.5)
    (one,) = stage.ask("stoporder/list/orders", query="is_finished=1")["data"]
    assert (one["state"], one["triggerSide"], one["realityVol"]) == (3, 2, 100)
    assert stage.ask("position/open_positions")["data"] == []
    last = stage.of("push.personal.stop.planorder")[-1]
    assert (last["id"], last["isFinished"]) == (number, 1)


def test_funding_that_was_paid_is_recorded() -> None:
    stage = Stage(feed=OftenSettled(synthetic_feed(MEXC.example, 3)))
    stage.login()
    stage.ask("order/create", stage.order(type=5))
    stage.exchange.pace(20)
    while not stage.exchange.board.lanes[0].settled:
        stage.run(0.1, step_ms=50)
    stage.exchange.pace(1.0)
    stage.run(0.1)
    history = stage.get("funding_rate/history", f"symbol={SYMBOL}&page_num=1")["data"]
    settled = history["resultList"][0]
    assert history["totalCount"] == len(stage.exchange.board.lanes[0].settled) >= 1
    assert settled["settleTime"] <= stage.house.now_ms
    records = stage.ask("position/funding_records", query=f"symbol={SYMBOL}")["data"]
    (paid,) = records["resultList"]
    assert round(paid["funding"] * 10**8) == -stage.exchange.account.funding != 0
    assert paid["rate"] == settled["fundingRate"]
