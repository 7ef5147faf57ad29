from collections import Counter

import numpy as np

from aggressor.web.hub import MESSAGE_BYTES, Hub, Reader, Stream
from aggressor.web.protocol import KEY, WHOLE_DESK, Head, Kind, frame, json_frame, read_frames


def _hub(**sizes: int) -> Hub:
    hub = Hub({Kind[name.upper()]: size for name, size in sizes.items()})
    hub.greet({"version": 1})
    return hub


def _nothing() -> None:
    return None


def _heads(reader: Reader) -> list[Head]:
    heads: list[Head] = []
    while message := reader.take():
        heads += [head for head, _ in read_frames(message)]
    return heads


def _numbers(heads: list[Head], kind: Kind) -> list[int]:
    return [one.number for one in heads if one.kind is kind]


def _prints(hub: Hub, count: int, lane: int = 0, values: int = 1) -> None:
    for _ in range(count):
        hub.publish(frame(Kind.PRINTS, lane, 0, [np.zeros(values)], count=values))


def test_a_reader_is_greeted_then_sent_what_is_kept_then_told_that_it_has_caught_up():
    hub = _hub(prints=10)
    _prints(hub, 3)
    reader = hub.join(_nothing)
    kinds = [head.kind for head in _heads(reader)]
    assert kinds == [Kind.HELLO, Kind.PRINTS, Kind.PRINTS, Kind.PRINTS, Kind.CAUGHT_UP]
    assert reader.take() == b""
    _prints(hub, 2)
    assert _numbers(_heads(reader), Kind.PRINTS) == [3, 4]


def test_two_readers_are_sent_the_same_each_at_its_own_pace():
    hub = _hub(prints=100)
    quick, slow = hub.join(_nothing), hub.join(_nothing)
    seen: list[int] = []
    for _ in range(20):
        _prints(hub, 3)
        seen += _numbers(_heads(quick), Kind.PRINTS)
    assert seen == list(range(60))
    assert _numbers(_heads(slow), Kind.PRINTS) == seen
    assert (quick.missed, slow.missed) == (0, 0)


def test_a_slow_reader_is_told_what_it_missed_and_goes_on_from_the_oldest_kept():
    hub = _hub(prints=10)
    slow = hub.join(_nothing)
    assert len(_heads(slow)) == 2
    _prints(hub, 5)
    assert _numbers(_heads(slow), Kind.PRINTS) == list(range(5))
    _prints(hub, 25)
    heads = _heads(slow)
    assert [(one.aux, one.count) for one in heads if one.kind is Kind.MISSED] == [(Kind.PRINTS, 15)]
    assert _numbers(heads, Kind.PRINTS) == list(range(20, 30))
    assert slow.missed == 15


def test_a_slow_reader_costs_no_memory_and_no_time_of_others():
    hub = _hub(prints=10)
    for _ in range(3):
        hub.join(_nothing)
    _prints(hub, 10_000)
    assert len(hub.rings[Stream(Kind.PRINTS, 0)].frames) == 10
    assert sum(len(one.private) for one in hub.readers) == 0


def test_what_is_kept_in_the_newest_only_is_skipped_in_silence():
    hub = _hub()
    reader = hub.join(_nothing)
    for value in range(5):
        hub.publish(json_frame(Kind.STATE, 0, 0, {"value": value}))
    heads = _heads(reader)
    assert _numbers(heads, Kind.STATE) == [4]
    assert not _numbers(heads, Kind.MISSED)


def test_a_heat_stream_is_joined_at_a_column_that_names_the_whole_book():
    hub = _hub(heat=8)
    for n in range(20):
        hub.publish(frame(Kind.HEAT, 0, n, flags=KEY if n % 5 == 0 else 0))
    late = hub.join(_nothing)
    assert _numbers(_heads(late), Kind.HEAT) == [15, 16, 17, 18, 19]
    for n in range(20, 40):
        hub.publish(frame(Kind.HEAT, 0, n, flags=KEY if n % 5 == 0 else 0))
    heads = _heads(late)
    assert _numbers(heads, Kind.HEAT) == [35, 36, 37, 38, 39]
    assert [one.count for one in heads if one.kind is Kind.MISSED] == [15]


def test_an_open_bar_is_sent_again_with_its_number_and_closes_with_it():
    hub = _hub(bar=10)
    reader = hub.join(_nothing)
    hub.publish(frame(Kind.BAR, 0, 1, flags=1), number=0)
    hub.publish(frame(Kind.BAR, 0, 2, flags=1), number=0)
    assert [(one.number, one.flags, one.ts_ms) for one in _heads(reader)[1:-1]] == [(0, 1, 2e-6)]
    hub.publish(frame(Kind.BAR, 0, 3))
    assert [(one.number, one.flags) for one in _heads(reader)] == [(0, 0)]


def test_only_the_lanes_that_are_watched_are_sent_and_a_new_one_comes_with_its_history():
    hub = _hub(prints=10)
    _prints(hub, 2, lane=0)
    _prints(hub, 3, lane=1)
    hub.publish(json_frame(Kind.ACCOUNT, WHOLE_DESK, 0, {}))
    reader = hub.join(_nothing)
    assert {one.lane for one in _heads(reader)} == {0, WHOLE_DESK}
    reader.watch([1])
    heads = _heads(reader)
    assert [(one.kind, one.lane) for one in heads] == [(Kind.PRINTS, 1)] * 3 + [(Kind.CAUGHT_UP, 1)]
    _prints(hub, 1, lane=0)
    assert _heads(reader) == []


def test_a_long_history_is_sent_in_messages_of_bounded_size():
    hub = _hub(prints=500)
    _prints(hub, 300, values=2_000)
    reader = hub.join(_nothing)
    sizes = []
    while message := reader.take():
        sizes.append(len(message))
    assert len(sizes) > 3
    assert max(sizes) < MESSAGE_BYTES + 32 * 1024
    assert reader.sent_frames == 302


def test_a_restart_voids_everything_and_begins_a_new_epoch():
    hub = _hub(prints=10)
    _prints(hub, 4)
    old = hub.join(_nothing)
    _heads(old)
    hub.restart("sought", {"version": 1})
    _prints(hub, 2)
    heads = _heads(old)
    assert [one.kind for one in heads[:2]] == [Kind.RESET, Kind.HELLO]
    assert {one.epoch for one in heads} == {1}
    assert _numbers(heads, Kind.PRINTS) == [0, 1]
    new = hub.join(_nothing)
    assert Counter(one.kind for one in _heads(new))[Kind.RESET] == 0


def test_an_answer_goes_to_the_one_who_asked():
    hub = _hub()
    woken: list[int] = []
    first = hub.join(lambda: woken.append(1))
    second = hub.join(lambda: woken.append(2))
    _heads(first)
    _heads(second)
    first.answer({"ok": True})
    assert woken == [1]
    assert [one.kind for one in _heads(first)] == [Kind.ANSWER]
    assert _heads(second) == []
    hub.leave(second)
    assert hub.readers == [first]


def test_a_hub_that_goes_on_with_another_greets_its_readers_and_sends_nothing_twice():
    first, made = Hub(), Hub()
    reader = first.join(_nothing)
    first.publish(json_frame(Kind.NOTICE, WHOLE_DESK, 0, {"text": "loading"}))
    assert [one.kind for one in _heads(reader)] == [Kind.NOTICE]
    made.greet({"version": 1})
    _prints(made, 3)
    first.adopt(made)
    heads = _heads(reader)
    assert [one.kind for one in heads] == [Kind.HELLO] + [Kind.PRINTS] * 3 + [Kind.CAUGHT_UP]
    _prints(first, 1)
    assert _numbers(_heads(reader), Kind.PRINTS) == [3]


def test_a_signal_hurries_readers_and_a_print_only_wakes_them():
    hub = _hub(prints=10, signal=10)
    told: list[str] = []
    reader = hub.join(lambda: told.append("woken"), lambda: told.append("hurried"))
    _prints(hub, 1)
    hub.wake()
    assert told == ["woken"]
    hub.publish(json_frame(Kind.SIGNAL, 0, 0, [{"number": 0}]))
    hub.wake()
    hub.wake()
    assert told == ["woken", "woken", "hurried", "woken"]
    reader.answer({"request": 1, "ok": True})
    assert told[4:] == ["woken", "hurried"]
