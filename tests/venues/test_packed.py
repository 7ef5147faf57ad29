"""Packed frames: what is whole comes out, what is not is refused by name, nothing fills memory."""

import gzip
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.errors import MessageError
from aggressor.venues.text.packed import MEMBERS_MAX, UNPACKED_BYTES_MAX, unzipped


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=4))
def test_members_come_out_joined(parts: list[bytes]) -> None:
    assert unzipped(b"".join(map(gzip.compress, parts))) == b"".join(parts)


@given(st.binary(max_size=400).filter(lambda frame: not frame.startswith(b"\x1f\x8b")))
def test_what_is_not_packed_stays(frame: bytes) -> None:
    assert unzipped(frame) == frame


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (gzip.compress(b"Ping")[:-1], "cut short"),
        (gzip.compress(b"Ping")[:10], "cut short"),
        (gzip.compress(b"Ping") + b"xx", "damaged"),
        (gzip.compress(b"Ping")[:-5] + b"\0\0\0\0\0", "damaged"),
        (gzip.compress(b"") * (MEMBERS_MAX + 1), "more than 64 members"),
        (gzip.compress(bytes(UNPACKED_BYTES_MAX + 1)), "over the limit of 4194304 bytes"),
        (gzip.compress(bytes(3 << 20)) * 2, "over the limit"),
    ],
    ids=["cut", "header alone", "stray", "checksum", "members", "large", "large in two"],
)
def test_what_cannot_be_used_is_refused(frame: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        unzipped(frame)


def test_the_largest_frame_is_taken() -> None:
    assert len(unzipped(gzip.compress(bytes(UNPACKED_BYTES_MAX)))) == UNPACKED_BYTES_MAX


def test_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(bytes(256 << 20))
    tracemalloc.start()
    with pytest.raises(MessageError):
        unzipped(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * UNPACKED_BYTES_MAX


@given(st.binary(max_size=200))
def test_any_bytes_behind_the_magic_are_taken_or_refused(tail: bytes) -> None:
    with suppress(MessageError):
        unzipped(b"\x1f\x8b" + tail)
