"""The desk without a browser: its time, what it takes from one, and what becomes of an order."""

import gc
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from aggressor.execution.halt import HaltLevel
from aggressor.run.assemble import Settings
from aggressor.run.desk.checkpoints import Checkpoints
from aggressor.run.desk.course import Course, Market
from aggressor.run.desk.desk import Desk, DeskPlan
from aggressor.run.desk.markets import synthetic_market
from aggressor.run.desk.recording import stored_market
from aggressor.schema.errors import StoreError
from aggressor.store.replay import replay_of
from aggressor.web.commands import read_command
from aggressor.web.hub import Hub, Reader, Stream
from aggressor.web.protocol import Kind, number_of, read_frames, read_json, stamp
from aggressor.web.server import Visitor
from tests.made import cached_beside, made

SECOND = 10**9
SETTINGS = Settings(strategy="", profile="micro", equity=1_000_000.0)


def market() -> Market:
    """Return the made market as one that can be begun again; it opens at its second minute."""
    one = made()
    first, last = int(one.events["ts_recv"][0]), int(one.events["ts_recv"][-1])
    return Market(
        mode="replay",
        title="made",
        instruments=(one.instrument,),
        feed=lambda: (replay_of([one.events]), lambda: ()),
        span_ns=(first, last),
        opens_ns=first + 60 * SECOND,
    )


class Browser:
    """What a browser would see and say, without a socket."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.visitor = Visitor(desk.hub.join(lambda: None))
        self.heard: list[tuple[Any, bytes]] = []

    @property
    def reader(self) -> Reader:
        return self.visitor.reader

    def look(self) -> None:
        while message := self.reader.take():
            self.heard += read_frames(message)

    def say(self, text: str) -> dict[str, Any]:
        return self.desk.do(self.visitor, read_command(text))

    def told(self, kind: Kind) -> list[Any]:
        self.look()
        return [read_json(head, body) for head, body in self.heard if head.kind is kind]

    def reports(self) -> list[Any]:
        return [one for told in self.told(Kind.REPORT) for one in told]

    def account(self) -> dict[str, Any]:
        self.desk.course.picture.account(0.0, always=True)
        return self.told(Kind.ACCOUNT)[-1]


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


def arrived(desk: Desk) -> Desk:
    while desk.time.seeking_ns is not None:
        desk.turn(0.0)
    return desk


def go(desk: Desk, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let the market run, following what the desk has begun."""
    stop = desk.course.now_ns + int(seconds * SECOND)
    while desk.course.now_ns < stop and not until():
        desk.course.run_to(desk.course.now_ns + SECOND // 10, math.inf)
        desk.turn(0.0)


def order(side: int, lots: int = 5, **more: Any) -> str:
    fields = {"do": "order", "lane": 0, "side": side, "lots": lots} | more
    return str(fields).replace("'", '"').replace("True", "true")


def touch(desk: Desk) -> tuple[int, int]:
    head = desk.course.engine.pipeline.market.book.head[0]
    return int(head["bid"]), int(head["ask"])


def state_of(course: Course) -> list[bytes]:
    """Return what an engine knows, as bytes."""
    pipe = course.engine.pipeline
    return [
        pipe.market.book.head.tobytes(),
        pipe.market.ledger.sides.tobytes(),
        pipe.footprint.head.tobytes(),
        pipe.session.rows.tobytes(),
        repr(pipe.walls.walls.tolist()).encode(),  # its rows have bytes that nobody writes
        pipe.outbox.head["written"].tobytes(),
    ]


# time


def test_a_desk_opens_where_it_is_told_and_shows_what_was_before(desk: Desk):
    browser = Browser(desk)
    browser.look()
    kinds = [head.kind for head, _ in browser.heard]
    assert kinds[0] is Kind.HELLO
    assert kinds.count(Kind.HEAT) > 550
    assert {Kind.BOOK, Kind.STATE, Kind.ACCOUNT, Kind.CURVE, Kind.PRINTS} <= set(kinds)
    assert 0 <= desk.market.opens_ns - desk.course.now_ns < SECOND // 5
    assert not desk.time.playing


def test_time_plays_stands_and_goes_at_its_speed(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    wall = [1000.0]
    monkeypatch.setattr("aggressor.run.desk.desk.time.monotonic", lambda: wall[0])
    monkeypatch.setattr("aggressor.run.desk.course.time.monotonic", lambda: wall[0])
    browser = Browser(desk)

    def pass_by(seconds: float) -> float:
        began = desk.course.now_ns
        for _ in range(20):
            wall[0] += seconds / 20
            desk.turn(wall[0])
        return (desk.course.now_ns - began) / SECOND

    assert pass_by(2.0) == 0.0
    assert browser.say('{"do":"play"}')["ok"]
    assert pass_by(2.0) == pytest.approx(2.0, abs=0.15)
    assert browser.say('{"do":"pace","speed":10}')["ok"]
    assert pass_by(2.0) == pytest.approx(20.0, abs=1.2)
    assert browser.say('{"do":"pause"}')["ok"]
    assert pass_by(2.0) == 0.0
    assert browser.account()["clock"]["speed"] == 10


def test_a_slow_machine_falls_behind_and_does_not_rush_later(desk: Desk):
    now = desk.course.now_ns
    desk.time.play(now, 0.0)
    desk.time.fell_short(now + SECOND // 10, 1.0)
    assert desk.time.behind_ns == SECOND * 9 // 10
    assert desk.time.target(1.0) == now + SECOND // 10


def test_steps_are_events_and_need_time_to_stand(desk: Desk):
    browser = Browser(desk)
    used = desk.course.trading.events
    answer = browser.say('{"do":"step","events":7}')
    assert answer["events"] == 7
    assert desk.course.trading.events - used >= 7
    browser.say('{"do":"play"}')
    assert not browser.say('{"do":"step"}')["ok"]


def test_where_a_course_is_cut_changes_nothing():
    hub = Hub()
    straight = Course(market(), SETTINGS, hub, dict)
    until = market().span_ns[0] + 90 * SECOND
    straight.run_to(until, math.inf)
    cut = Course(market(), SETTINGS, Hub(), dict)
    chance = np.random.default_rng(3)
    while cut.run_to(min(until, cut.now_ns + int(chance.integers(1, 4 * SECOND))), math.inf):
        cut.step(int(chance.integers(1, 50)))
        if cut.now_ns >= until - 5 * SECOND:
            break
    cut.run_to(until, math.inf)
    assert state_of(cut) == state_of(straight)
    assert cut.trading.events == straight.trading.events


def test_seeking_forwards_is_running_on_and_backwards_is_beginning_anew(desk: Desk):
    browser = Browser(desk)
    first = state_of(desk.course)
    opened = desk.market.opens_ns
    browser.look()
    to_ms = (opened + 90 * SECOND) / 1e6
    assert browser.say(f'{{"do":"seek","to_ms":{to_ms}}}')["ok"]
    arrived(desk)
    assert abs(desk.course.now_ns - (opened + 90 * SECOND)) < SECOND // 5
    assert desk.hub.epoch == 0
    browser.heard.clear()
    assert browser.say(f'{{"do":"seek","to_ms":{opened / 1e6}}}')["ok"]
    arrived(desk)
    browser.look()
    kinds = [head.kind for head, _ in browser.heard]
    assert kinds[:2] == [Kind.RESET, Kind.HELLO]
    assert {head.epoch for head, _ in browser.heard} == {1}
    assert state_of(desk.course) == first


def history(desk: Desk) -> dict[Stream, tuple[list[bytes], int]]:
    """Return what a hub keeps of the past, as bytes of one epoch."""
    found = {}
    for stream, (frames, following) in desk.hub.kept().items():
        made = [bytearray(one) for one in frames]
        for one in made:
            stamp(one, number_of(one), 0)
        found[stream] = [bytes(one) for one in made], following
    return found


@pytest.mark.parametrize("columns_s", [20, 600])
def test_a_jump_back_to_a_checkpoint_tells_what_a_run_from_the_beginning_tells(
    monkeypatch: pytest.MonkeyPatch, columns_s: int
):
    for place in ("desk", "checkpoints"):
        monkeypatch.setattr(f"aggressor.run.desk.{place}.COLUMNS_NS", columns_s * SECOND)
    monkeypatch.setattr("aggressor.run.desk.desk.SEEK_S", 0.005)  # checkpoints lie between slices
    plan = DeskPlan(Settings(strategy="exhaustion_scalp", profile="micro"), playing=False)
    started = market()
    start = started.span_ns[0]
    told = {}
    for jumps in (False, True):
        desk = Desk(started, plan)
        desk.checkpoints = Checkpoints(start, every_ns=15 * SECOND)
        browser = Browser(arrived(desk))
        wanted = [150, 130] if jumps else [130]
        for second in wanted:
            text = f'{{"do":"seek","to_ms":{(start + second * SECOND) / 1e6}}}'
            assert browser.say(text)["ok"]
            arrived(desk)
        if jumps:
            at = [one.now_ns - start for one in desk.checkpoints.kept]
            assert len(at) >= 4
            usable = [one for one in at if columns_s == 600 or one <= 110 * SECOND]
            found = desk.checkpoints.before(start + 130 * SECOND)
            assert found is not None
            assert found.now_ns - start == max(one for one in usable if one <= 130 * SECOND)
            assert found.whole == (columns_s == 600)
        told[jumps] = history(desk), state_of(desk.course)
    (straight, state), (back, state_back) = told[False], told[True]
    assert state == state_back
    assert set(straight) == set(back)
    if columns_s == 600:
        assert len(straight[Stream(Kind.HEAT, 0)][0]) > 1_000
    for stream, frames in straight.items():
        if stream.kind is not Kind.HEAT or columns_s == 600:
            assert frames == back[stream], stream


def test_the_last_columns_of_a_jump_back_are_those_of_a_run_to_there(
    monkeypatch: pytest.MonkeyPatch,
):
    for place in ("desk", "checkpoints"):
        monkeypatch.setattr(f"aggressor.run.desk.{place}.COLUMNS_NS", 20 * SECOND)
    told = []
    for far in (0, 150):
        one = market()
        desk = Desk(
            one._replace(opens_ns=one.span_ns[0] + (far or 130) * SECOND), DeskPlan(SETTINGS)
        )
        desk.checkpoints = Checkpoints(one.span_ns[0], every_ns=15 * SECOND)
        arrived(desk)
        if far:
            text = f'{{"do":"seek","to_ms":{(one.span_ns[0] + 130 * SECOND) / 1e6}}}'
            assert Browser(desk).say(text)["ok"]
            assert arrived(desk).hub.epoch == 1
        told.append(history(desk))
    assert told[0] == told[1]
    assert len(told[0][Stream(Kind.HEAT, 0)][0]) in range(195, 206)


def test_checkpoints_stay_within_their_room_and_end_with_an_act(desk: Desk, browser: Browser):
    start = desk.market.span_ns[0]
    desk.checkpoints = Checkpoints(start, every_ns=5 * SECOND, room=3)
    for _ in range(8):
        go(desk, 10)
        assert len(desk.checkpoints.kept) <= 3
    assert desk.checkpoints.every_ns > 5 * SECOND
    kept = [one.now_ns for one in desk.checkpoints.kept]
    assert kept == sorted(kept)
    browser.say(order(1, type="market", cap_ticks=2))
    go(desk, 60)
    assert [one.now_ns for one in desk.checkpoints.kept] == kept
    back = (kept[-1] + SECOND) / 1e6
    assert browser.say(f'{{"do":"seek","to_ms":{back}}}')["ok"]
    arrived(desk)
    assert desk.course.engine.desk.position(0).lots == 0
    assert not desk.course.touched


def test_a_jump_makes_columns_only_for_the_last_ten_minutes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("aggressor.run.desk.desk.COLUMNS_NS", 20 * SECOND)
    browser = Browser(desk)
    browser.look()
    browser.heard.clear()
    to_ms = (desk.course.now_ns + 100 * SECOND) / 1e6
    browser.say(f'{{"do":"seek","to_ms":{to_ms}}}')
    arrived(desk)
    browser.look()
    columns = [head.ts_ms for head, _ in browser.heard if head.kind is Kind.HEAT]
    assert 195 <= len(columns) <= 205
    assert to_ms - columns[0] < 20_200


def test_a_seek_outside_of_the_recording_is_refused(desk: Desk):
    browser = Browser(desk)
    answer = browser.say('{"do":"seek","to_ms":1.0}')
    assert not answer["ok"]
    assert "outside" in answer["reason"]


def test_going_to_a_signal_stands_at_the_event_that_made_it_known(desk: Desk):
    browser = Browser(desk)
    go(desk, 200)
    told = [one for frame in browser.told(Kind.SIGNAL) for one in frame]
    assert told
    assert [one["number"] for one in told] == list(range(len(told)))
    chosen = told[len(told) // 2]
    assert browser.say(f'{{"do":"seek","signal":{chosen["number"]}}}')["ok"]
    arrived(desk)
    assert desk.course.now_ns / 1e6 == pytest.approx(chosen["known_ms"], abs=1e-3)
    assert not browser.say('{"do":"seek","signal":99999}')["ok"]


def test_a_market_that_is_over_says_so(desk: Desk):
    browser = Browser(desk)
    browser.say(f'{{"do":"seek","to_ms":{desk.market.span_ns[1] / 1e6}}}')
    arrived(desk)
    desk.turn(0.0)
    assert browser.account()["clock"]["at_end"]
    assert not browser.say('{"do":"play"}')["ok"]
    assert not browser.say('{"do":"step"}')["ok"]


# orders


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


# markets


def test_a_store_is_shown_whole_or_in_part(monkeypatch: pytest.MonkeyPatch):
    cached_beside(monkeypatch)
    one = made()
    found = stored_market(one.store, [], None, None)
    assert [each.id for each in found.instruments] == [one.id]
    assert found.span_ns == (int(one.events["ts_recv"][0]), int(one.events["ts_recv"][-1]))
    desk = arrived(Desk(found, DeskPlan(SETTINGS, playing=False)))
    assert desk.course.now_ns > found.span_ns[0]
    with pytest.raises(StoreError):
        stored_market(one.store, ["synthetic:NOTHING"], None, None)


def test_a_synthetic_market_tells_its_scenarios_when_they_begin_and_end():
    shown = synthetic_market(1)
    desk = arrived(Desk(shown, DeskPlan(SETTINGS, playing=False)))
    browser = Browser(desk)
    go(desk, 60)
    browser.look()
    told = [
        (head.ts_ms, read_json(head, body))
        for head, body in browser.heard
        if head.kind is Kind.LABEL
    ]
    begun = {one["number"]: (ms, one) for ms, one in told if one["stop_ms"] is None}
    over = {one["number"]: (ms, one) for ms, one in told if one["stop_ms"] is not None}
    assert set(begun) & set(over), "one at least was seen from its beginning to its end"
    assert all(one["means"] for _, one in told)
    opened = shown.opens_ns / 1e6
    for ms, one in begun.values():
        if one["start_ms"] > opened:
            assert 0 <= ms - one["start_ms"] <= 300
    for ms, one in over.values():
        if one["stop_ms"] > opened:
            assert 0 <= ms - one["stop_ms"] <= 300
            assert one["came_about"] in (True, False)
