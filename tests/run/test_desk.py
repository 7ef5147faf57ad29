"""The desk without a browser: its time, its markets, and where it goes back to."""

import gc
import math
from collections.abc import Iterator

import numpy as np
import pytest

from aggressor.run.assemble import Settings
from aggressor.run.desk.checkpoints import Checkpoints
from aggressor.run.desk.course import Course
from aggressor.run.desk.desk import Desk, DeskPlan
from aggressor.run.desk.markets import synthetic_market
from aggressor.run.desk.recording import stored_market
from aggressor.schema.errors import StoreError
from aggressor.web.hub import Hub, Stream
from aggressor.web.protocol import Kind, number_of, read_json, stamp
from tests.made import cached_beside, made
from tests.run.desk_stage import (
    SECOND,
    SETTINGS,
    Browser,
    arrived,
    go,
    market,
    order,
    state_of,
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
