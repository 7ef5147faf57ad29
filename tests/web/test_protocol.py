import math

import numpy as np
import pytest

from aggressor.schema.event import NO_TIME
from aggressor.web.commands import CommandError, Order, Seek, Watch, read_command
from aggressor.web.protocol import (
    HEADER,
    Kind,
    frame,
    json_frame,
    read_arrays,
    read_frames,
    read_json,
    stamp,
)

MOMENT_NS = 1_700_000_000_123_456_750


def test_a_frame_reads_back_as_it_was_packed():
    prices = np.array([3, -4, 5], np.int32)
    sides = np.array([1, -1, 1], np.int8)
    lots = np.array([1.0, 2.0, 2.0**52])
    made = frame(Kind.PRINTS, 7, MOMENT_NS, [prices, sides, lots], count=3, aux=9, flags=4)
    stamp(made, 11, 2)
    ((head, body),) = read_frames(bytes(made))
    assert (head.version, head.kind, head.lane, head.flags) == (1, Kind.PRINTS, 7, 4)
    assert (head.count, head.aux, head.number, head.epoch) == (3, 9, 11, 2)
    found = read_arrays(body, [("<i4", 3), ("i1", 3), ("<f8", 3)])
    for one, wanted in zip(found, (prices, sides, lots), strict=True):
        np.testing.assert_array_equal(one, wanted)


def test_every_array_of_a_message_of_many_frames_lies_on_eight_bytes():
    odd = [np.ones(3, np.int32), np.ones(5, np.uint8), np.ones(1)]
    made = [frame(Kind.PRINTS, 0, 0, odd, count=1), json_frame(Kind.STATE, 0, 0, {"a": "ü"})]
    message = b"".join(bytes(one) for one in made + made)
    frames = read_frames(message)
    assert [head.bytes % 8 for head, _ in frames] == [0] * 4
    assert HEADER.size == 32
    assert sum(head.bytes for head, _ in frames) == len(message)


def test_times_are_exact_to_a_quarter_of_a_microsecond():
    ((head, _),) = read_frames(bytes(frame(Kind.HEAT, 0, MOMENT_NS)))
    assert abs(head.ts_ms * 1e6 - MOMENT_NS) <= 250
    ((none, _),) = read_frames(bytes(frame(Kind.HEAT, 0, NO_TIME)))
    assert math.isnan(none.ts_ms)


def test_json_reads_back_and_its_padding_is_no_part_of_it():
    said = {"why": "a reason", "value": None}
    ((head, body),) = read_frames(bytes(json_frame(Kind.STATE, 3, 0, said)))
    assert read_json(head, body) == said


def test_commands_are_read_into_their_shapes():
    order = read_command(
        '{"do":"order","request":4,"lane":0,"side":-1,"lots":3,"type":"limit","price":100}'
    )
    assert isinstance(order, Order)
    assert (order.request, order.side, order.price) == (4, -1, 100)
    assert isinstance(read_command('{"do":"watch","lanes":[0,2]}'), Watch)
    assert isinstance(read_command('{"do":"seek","signal":0}'), Seek)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"do":"format_disk"}',
        '{"do":"watch","lanes":[]}',
        '{"do":"watch","lanes":[255]}',
        '{"do":"pace","speed":0.01}',
        '{"do":"pace","speed":101}',
        '{"do":"step","events":0}',
        '{"do":"seek"}',
        '{"do":"seek","to_ms":1.0,"signal":2}',
        '{"do":"order","lane":0,"side":0,"lots":1,"type":"limit","price":1}',
        '{"do":"order","lane":0,"side":1,"lots":0,"type":"limit","price":1}',
        '{"do":"order","lane":0,"side":1,"lots":1,"type":"limit"}',
        '{"do":"order","lane":0,"side":1,"lots":1,"type":"market"}',
        '{"do":"order","lane":0,"side":1,"lots":1,"type":"market","price":3,"cap_ticks":1}',
        '{"do":"order","lane":0,"side":1,"lots":1.5,"type":"limit","price":1}',
        '{"do":"order","lane":0,"side":1,"lots":1,"type":"limit","price":1,"stray":1}',
        '{"do":"kill","level":"disconnect"}',
    ],
)
def test_what_is_no_command_is_refused_with_a_reason(text: str):
    with pytest.raises(CommandError, match="no command of the desk"):
        read_command(text)
