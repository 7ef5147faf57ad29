"""What a desk takes from a browser, and what becomes of an order given by hand."""

import gc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Intent
from aggressor.run.desk.desk import Desk, DeskPlan
from aggressor.store.journal import Act
from tests.run.desk_stage import (
    SETTINGS,
    Browser,
    arrived,
    go,
    market,
    order,
    touch,
)


@pytest.fixture(autouse=True)
def _let_go() -> Iterator[None]:
    """Let go of desks and their checkpoints behind each test: some hundred MB each."""
    yield
    gc.collect()


@pytest.fixture
def desk() -> Desk:
    return arrived(Desk(market(), DeskPlan(SETTINGS, playing=False)))


@pytest.fixture
def browser(desk: Desk) -> Browser:
    one = Browser(desk)
    assert one.say('{"do":"arm","on":true}')["ok"]
    return one


def test_a_market_order_goes_from_the_click_to_the_fill(desk: Desk, browser: Browser):
    _, ask = touch(desk)
    assert browser.say(order(1, type="market", cap_ticks=2))["ok"]
    go(desk, 2)
    fills = [one for one in browser.reports() if one["what"] == "fill"]
    assert sum(one["lots"] for one in fills) == 5
    assert all(one["side"] == 1 and one["price"] <= ask + 4 for one in fills)
    assert {one["by"] for one in fills} == {"hand"}
    lane = browser.account()["lanes"][0]
    assert lane["position"] == 5
    assert lane["entry"] == pytest.approx(fills[0]["price"], abs=3)


def test_a_limit_order_rests_at_its_price_is_moved_and_cancelled(desk: Desk, browser: Browser):
    bid, _ = touch(desk)
    assert browser.say(order(1, type="limit", price=bid - 30))["ok"]
    go(desk, 2)
    (working,) = browser.account()["lanes"][0]["orders"]
    assert (working["price"], working["lots"], working["side"]) == (bid - 30, 5, 1)
    assert working["state"] == "working"
    assert working["ahead"] is not None
    assert browser.say(f'{{"do":"move","lane":0,"price":{bid - 32}}}')["ok"]
    go(desk, 3)
    (working,) = browser.account()["lanes"][0]["orders"]
    assert working["price"] == bid - 32
    assert browser.say('{"do":"cancel","lane":0}')["ok"]
    go(desk, 3)
    lane = browser.account()["lanes"][0]
    assert (lane["orders"], lane["trade"], lane["position"]) == ([], None, 0)
    assert "cancelled" in {one["what"] for one in browser.reports()}


def test_several_orders_rest_at_their_prices_each_with_its_queue(desk: Desk, browser: Browser):
    bid, ask = touch(desk)
    places = [(1, bid - 30), (1, bid - 33), (-1, ask + 30)]
    for side, price in places:
        assert browser.say(order(side, type="limit", price=price))["ok"]
    go(desk, 2)
    lane = browser.account()["lanes"][0]
    assert sorted((one["side"], one["price"]) for one in lane["orders"]) == sorted(places)
    assert all(one["ahead"] is not None and one["leg"] == "order" for one in lane["orders"])
    assert [(one["side"], one["lots"], one["filled"]) for one in lane["worked"]] == [
        (side, 5, 0) for side, _ in places
    ]
    number = {one["price"]: one["id"] for one in lane["orders"]}
    assert not browser.say(f'{{"do":"move","lane":0,"price":{bid - 35}}}')["ok"]  # which?
    text = f'{{"do":"move","lane":0,"price":{bid - 36},"order":{number[bid - 33]}}}'
    assert browser.say(text)["ok"]
    assert browser.say(f'{{"do":"cancel","lane":0,"order":{number[bid - 30]}}}')["ok"]
    go(desk, 3)
    lane = browser.account()["lanes"][0]
    assert {one["price"] for one in lane["orders"]} == {bid - 36, ask + 30}
    assert not browser.say(f'{{"do":"cancel","lane":0,"order":{number[bid - 30]}}}')["ok"]
    assert browser.say('{"do":"cancel","lane":0}')["ok"]
    go(desk, 3)
    lane = browser.account()["lanes"][0]
    assert (lane["orders"], lane["worked"], lane["position"]) == ([], [], 0)


def test_orders_that_rest_fill_each_by_itself(desk: Desk, browser: Browser):
    bid, _ = touch(desk)
    for step in range(3):
        browser.say(order(1, lots=2 + step, type="limit", price=bid - step))
    held = desk.course.engine.desk
    go(desk, 120, lambda: held.position(0).lots >= 5)
    assert held.position(0).lots >= 5
    lane = browser.account()["lanes"][0]
    done = [one for one in browser.reports() if one["what"] == "ended" and one["filled"]]
    assert all(one["filled"] == one["lots"] for one in done)
    left = sum(one["left"] for one in lane["orders"])
    assert left + lane["position"] == 2 + 3 + 4
    assert held.unclaimed_lots == 0
    assert browser.say('{"do":"flatten","lane":0}')["ok"]
    go(desk, 10)
    lane = browser.account()["lanes"][0]
    assert (lane["position"], lane["orders"], lane["worked"]) == (0, [], [])


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("type_", ["market", "limit"])
def test_a_taker_stops_short_of_our_own_order_on_the_other_side(
    desk: Desk, browser: Browser, side: int, type_: str
):
    bid, ask = touch(desk)
    best = ask if side > 0 else bid
    resting = order(-side, type="limit", price=best + 4 * side)
    taking = {"cap_ticks": 40} if type_ == "market" else {"price": best + 40 * side}
    assert browser.say(resting)["ok"]
    go(desk, 0.5)
    assert touch(desk) == (bid, ask)
    assert browser.say(order(side, lots=1, type=type_, **taking))["ok"]
    go(desk, 1)
    fills = [one for one in browser.reports() if one["what"] == "fill" and one["side"] == side]
    assert sum(one["lots"] for one in fills) == 1
    assert all(side * (best + 3 * side - one["price"]) >= 0 for one in fills)
    assert not [one for one in browser.reports() if one["what"] in ("refused", "rejected")]


def test_a_taker_is_refused_where_our_own_order_stands_at_the_touch(desk: Desk, browser: Browser):
    _, ask = touch(desk)
    assert browser.say(order(-1, type="limit", price=ask))["ok"]
    go(desk, 0.5)
    assert touch(desk)[1] == ask
    answer = browser.say(order(1, lots=1, type="market", cap_ticks=40))
    assert (answer["ok"], "stands at the touch" in answer["reason"]) == (False, True)
    price = desk.market.instruments[0].price_text(ask)
    assert price in answer["reason"]


def test_a_bracket_stands_alone(desk: Desk, browser: Browser):
    bid, ask = touch(desk)
    bracket = {"stop": bid - 60, "target": ask + 60}
    browser.say(order(1, type="limit", price=bid - 20))
    go(desk, 1)
    browser.say(order(1, type="market", cap_ticks=2, bracket=bracket))
    go(desk, 1)
    assert [one["what"] for one in browser.reports()][-1] == "refused"
    browser.say('{"do":"cancel_all"}')
    go(desk, 3)
    browser.say(order(1, type="market", cap_ticks=2, bracket=bracket))
    go(desk, 3)
    lane = browser.account()["lanes"][0]
    stop = next(one["id"] for one in lane["orders"] if one["leg"] == "stop")
    answer = browser.say(f'{{"do":"cancel","lane":0,"order":{stop}}}')
    assert (answer["ok"], "protects" in answer["reason"]) == (False, True)
    browser.say(order(1, type="limit", price=bid - 20))
    go(desk, 1)
    assert [one["what"] for one in browser.reports()][-1] == "refused"


def test_a_bracket_is_protected_by_a_stop_and_a_target(desk: Desk, browser: Browser):
    bid, ask = touch(desk)
    bracket = {"stop": bid - 60, "target": ask + 60}
    assert browser.say(order(1, type="market", cap_ticks=2, bracket=bracket))["ok"]
    go(desk, 3)
    lane = browser.account()["lanes"][0]
    assert lane["position"] == 5
    assert {(one["leg"], one["price"]) for one in lane["orders"]} == {
        ("stop", bid - 60),
        ("target 1", ask + 60),
    }
    assert lane["trade"]["stop"] == bid - 60
    assert browser.say(f'{{"do":"protect","lane":0,"stop":{bid - 50}}}')["ok"]
    go(desk, 3)
    assert browser.account()["lanes"][0]["trade"]["stop"] == bid - 50


@pytest.mark.parametrize("bracket", [False, True])
def test_flatten_gives_up_what_works_and_closes_what_is_held(
    desk: Desk, browser: Browser, bracket: bool
):
    bid, ask = touch(desk)
    more: dict[str, Any] = {}
    if bracket:
        more["bracket"] = {"stop": bid - 60, "target": ask + 60}
    browser.say(order(1, type="market", cap_ticks=2, **more))
    go(desk, 2)
    if not bracket:
        browser.say(order(1, type="limit", price=bid - 40))
        go(desk, 1)
    assert desk.course.engine.desk.position(0).lots == 5
    assert browser.say('{"do":"flatten","lane":0}')["ok"]
    go(desk, 10)
    lane = browser.account()["lanes"][0]
    assert (lane["position"], lane["orders"], lane["trade"]) == (0, [], None)
    assert not browser.say('{"do":"flatten","lane":0}')["ok"]


def test_a_flattening_asks_once_however_often_it_is_looked_at(
    desk: Desk, browser: Browser, monkeypatch: pytest.MonkeyPatch
):
    browser.say(order(1, type="market", cap_ticks=2))
    go(desk, 2)
    browser.say(order(1, type="limit", price=touch(desk)[0] - 40))
    go(desk, 1)
    asked: list[str] = []
    want = desk.trading.want

    def heard(intents: Sequence[Intent], reason: str, ts_ns: int) -> Act:
        asked.extend(one.action.value for one in intents)
        return want(intents, reason, ts_ns)

    monkeypatch.setattr(desk.trading, "want", heard)
    browser.say('{"do":"flatten","lane":0}')
    while desk.hand.flattening:
        for _ in range(5):
            desk.turn(0.0)
        go(desk, 0.1)
    assert asked == ["cancel", "work"]
    assert desk.course.engine.desk.position(0).lots == 0
    assert not [one for one in browser.reports() if one["what"] in ("refused", "rejected")]


def test_what_protects_a_position_is_not_cancelled_and_says_so(desk: Desk, browser: Browser):
    bid, ask = touch(desk)
    bracket = {"stop": bid - 60, "target": ask + 60}
    browser.say(order(1, type="market", cap_ticks=2, bracket=bracket))
    go(desk, 3)
    answer = browser.say('{"do":"cancel","lane":0}')
    assert (answer["ok"], "protects" in answer["reason"]) == (False, True)
    assert not browser.say('{"do":"cancel_all"}')["ok"]
    browser.say(order(1, type="limit", price=bid - 20))
    go(desk, 1)
    refused = browser.reports()[-1]
    assert refused["what"] == "refused"
    assert (refused["side"], refused["price"], refused["lots"]) == (None, None, None)


def test_an_order_is_refused_by_the_checks_with_their_reason(desk: Desk, browser: Browser):
    bid, _ = touch(desk)
    assert browser.say(order(1, type="limit", price=bid // 2))["ok"]
    go(desk, 1)
    refusals = [one for one in browser.reports() if one["what"] == "refused"]
    assert refusals
    assert all(one["reason"] for one in refusals)


def test_the_kill_switch_works_unarmed_and_holds_until_it_is_opened(desk: Desk):
    browser = Browser(desk)
    assert browser.say('{"do":"kill","level":"flatten","reason":"enough"}')["ok"]
    assert desk.course.engine.desk.halt.level is HaltLevel.FLATTEN
    assert browser.account()["halt"] == {"level": "flatten", "reason": "person: enough"}
    assert not browser.say('{"do":"resume"}')["ok"]
    browser.say('{"do":"arm","on":true}')
    browser.say(order(1, type="market", cap_ticks=2))
    go(desk, 2)
    assert browser.reports()[-1]["what"] == "ended"
    assert browser.reports()[-1]["reason"] == "halt: person: enough"
    assert browser.say('{"do":"resume","reason":"again"}')["ok"]
    browser.say(order(1, type="market", cap_ticks=2))
    go(desk, 2)
    assert desk.course.engine.desk.position(0).lots == 5


def test_kill_to_flatten_closes_what_a_person_holds(desk: Desk, browser: Browser):
    browser.say(order(-1, type="market", cap_ticks=2))
    go(desk, 2)
    assert desk.course.engine.desk.position(0).lots == -5
    browser.say('{"do":"kill","level":"flatten"}')
    go(desk, 5)
    assert desk.course.engine.desk.position(0).lots == 0


def test_kill_to_flatten_does_not_wait_for_a_closing_order_that_rests(desk: Desk, browser: Browser):
    browser.say(order(1, type="market", cap_ticks=2))
    go(desk, 2)
    _, ask = touch(desk)
    browser.say(order(-1, type="limit", price=ask + 40, reduce_only=True))
    go(desk, 2)
    assert len(browser.account()["lanes"][0]["orders"]) == 1
    browser.say('{"do":"kill","level":"flatten"}')
    go(desk, 5)
    lane = browser.account()["lanes"][0]
    assert (lane["position"], lane["orders"]) == (0, [])


def test_orders_need_an_armed_browser_of_this_epoch(desk: Desk, browser: Browser):
    other = Browser(desk)
    answer = other.say(order(1, type="market", cap_ticks=2))
    assert (answer["ok"], answer["reason"]) == (False, "This browser is not armed.")
    go(desk, 1)
    browser.say(f'{{"do":"seek","to_ms":{desk.market.opens_ns / 1e6}}}')
    arrived(desk)
    assert not browser.say(order(1, type="market", cap_ticks=2))["ok"]
    browser.say('{"do":"arm","on":true}')
    browser.say('{"do":"arm","on":false}')
    assert not browser.say('{"do":"cancel_all"}')["ok"]
    assert not list(desk.course.engine.desk.blotter.open_orders())


@pytest.mark.parametrize(
    "text",
    [
        '{"do":"arm","on":true}',
        '{"do":"kill","level":"flatten"}',
        '{"do":"resume"}',
        '{"do":"flatten","lane":0}',
        '{"do":"cancel_all"}',
        '{"do":"order","lane":0,"side":1,"lots":1,"type":"market","cap_ticks":1}',
    ],
)
def test_a_read_only_desk_takes_nothing(text: str):
    desk = Desk(market(), DeskPlan(SETTINGS, read_only=True, playing=False))
    answer = Browser(desk).say(text)
    assert answer == {"ok": False, "reason": "This desk is read-only."}
    assert desk.course.engine.desk.halt.level is HaltLevel.OPEN


@pytest.mark.parametrize(
    "text",
    [
        '{"do":"watch","lanes":[3]}',
        '{"do":"cancel","lane":0}',
        '{"do":"cancel","lane":7}',
        '{"do":"protect","lane":0,"stop":5}',
        '{"do":"seek","signal":0,"lane":9}',
    ],
)
def test_what_makes_no_sense_here_is_refused_with_a_reason(browser: Browser, text: str):
    answer = browser.say(text)
    assert not answer["ok"]
    assert answer["reason"]
