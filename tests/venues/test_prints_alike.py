"""Prints without ids: equal ones of a connection all count, a new connection repeats none."""

from decimal import Decimal

import pytest

from aggressor.market.align import NATIVE, NONE
from aggressor.schema.errors import MessageError
from aggressor.schema.event import BAD_CLOCK, GAP, LAST, NO_TIME, STALE, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.decoding.decoder import PartsDecoder, Reader
from aggressor.venues.decoding.parts import FundingPart, Part, TradePart
from aggressor.venues.decoding.prints import KEYS_MAX

BTC = Instrument(
    venue="v", symbol="B", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal("0.01")
)


def read(message: bytes, symbol: str) -> list[Part]:
    """One print for each letter; `!` is a print off the grid."""
    return [
        TradePart("B", 5, "1.0", "0.001" if one == "!" else "0.01", 1, key=one, alike=True)
        for one in message.decode()
    ]


def read_times(message: bytes, symbol: str) -> list[Part]:
    """Prints named by their letter, each at the time of its letter in the alphabet."""
    return [
        TradePart("B", ord(one) - 96, "1.0", "0.01", 1, key=one, alike=True)
        for one in message.decode()
    ]


def decoder(read: Reader = read) -> PartsDecoder:
    return PartsDecoder([(BTC, 0)], read=read, policy=NATIVE, chain=NONE)


def flags(one: PartsDecoder, message: bytes, symbol: str = "") -> list[int]:
    """Return the flags of a message's rows."""
    out = empty_events(one.room(message) + 100)
    count = one.decode(message, 7, out, symbol)
    return out["flags"][:count].tolist()


def rows(one: PartsDecoder, message: bytes) -> int:
    return one.decode(message, 7, empty_events(one.room(message) + 100))


def test_equal_prints_of_one_connection_all_count() -> None:
    one = decoder()
    assert [rows(one, text) for text in (b"aab", b"a", b"ba")] == [3, 1, 2]


def test_a_new_connection_that_repeats_the_last_prints_adds_only_what_is_new() -> None:
    one = decoder()
    rows(one, b"aabc")
    one.interrupt(9, empty_events(4))
    assert rows(one, b"aab") == 0
    assert rows(one, b"bcad") == 3  # a second b, a third a, and d
    assert one.counts["trades_dropped"] == 4


def test_what_may_have_been_told_twice_is_counted() -> None:
    one = decoder()
    assert [rows(one, text) for text in (b"ab", b"ab", b"c")] == [2, 2, 1]
    assert one.counts["trades_alike"] == 2


def test_an_answer_tells_what_was_told_twice_and_the_next_print_says_so() -> None:
    one = decoder(read_times)
    rows(one, b"abbcdde")  # b and d once each by the answer
    assert flags(one, b"abcde", "B") == []
    assert (one.counts["trades_doubled"], one.counts["trade_gaps"]) == (2, 0)
    assert flags(one, b"fg") == [GAP | LAST, LAST]
    assert flags(one, b"abcdefg", "B") == []  # said once
    assert (one.counts["trades_doubled"], one.counts["trade_gaps"]) == (2, 1)


def test_the_ends_of_an_answer_say_nothing_of_what_was_told_twice() -> None:
    one = decoder(read_times)
    rows(one, b"aabcc")  # an answer may begin and end in the middle of a time
    assert flags(one, b"abc", "B") == []
    assert one.counts["trades_doubled"] == 0


def test_an_answer_in_other_words_than_the_stream_brings_nothing() -> None:
    one = decoder(read_times)
    rows(one, b"abcdef")
    assert flags(one, b"abxyzf", "B") == []  # what came between b and x is not in it
    assert one.counts["trades_parted"] == 6
    assert flags(one, b"g") == [GAP | LAST]


def read_ids(message: bytes, symbol: str) -> list[Part]:
    """The same with ids of their own."""
    return [part._replace(alike=False) for part in read_times(message, symbol)]


def read_other_ids(message: bytes, symbol: str) -> list[Part]:
    """The same, but an answer has ids that no stream tells."""
    return [
        part._replace(key=part.key.upper() if symbol else part.key)
        for part in read_ids(message, symbol)
    ]


@pytest.mark.parametrize(("how", "late"), [(read_ids, 2), (read_other_ids, 0)])
def test_an_answer_is_taken_if_its_ids_are_those_of_the_stream(how: Reader, late: int) -> None:
    one = decoder(how)
    rows(one, b"abcd")
    one.interrupt(9, empty_events(4))
    rows(one, b"gh")
    assert flags(one, b"bcdefgh", "B") == [STALE | LAST] * late
    assert one.counts["trades_parted"] == (0 if late else 7)
    assert one.counts["trades_doubled"] == 0


def test_what_a_lost_connection_did_not_bring_is_entered_late_and_once() -> None:
    one = decoder(read_times)
    rows(one, b"abbc")
    one.interrupt(9, empty_events(4))
    assert flags(one, b"f") == [GAP | LAST]
    assert flags(one, b"abbcddef", "B") == [STALE | LAST] * 3
    assert flags(one, b"abbcddef", "B") == []
    assert [one.counts[name] for name in ("trades_late", "trades_doubled")] == [3, 0]


def test_an_answer_that_cannot_be_read_says_nothing() -> None:
    def partly(message: bytes, symbol: str) -> list[Part]:
        found = read_times(message.removesuffix(b"!"), symbol)
        wrong = TradePart("B", 30, "1.0", "0.001", 1, key="!", alike=True)
        return [*found, wrong] if message.endswith(b"!") else found

    one = decoder(partly)
    rows(one, b"abbcde")
    before = one.state()
    with pytest.raises(MessageError):
        flags(one, b"abcde!", "B")
    assert (one.state(), one.counts["trades_doubled"]) == (before, 0)
    assert flags(one, b"f") == [LAST]


def test_a_state_of_before_times_were_kept_is_read() -> None:
    one, other = decoder(), decoder()
    rows(one, b"ab")
    state = one.state()
    kept = state["lanes"]["B"]
    kept["keys"] = list(kept["keys"])
    other.resume(state)
    other.interrupt(9, empty_events(4))
    assert rows(other, b"abc") == 1


def test_a_book_that_is_given_up_does_not_make_prints_repeats() -> None:
    one = decoder()
    rows(one, b"ab")
    one.distrust("B", 9, empty_events(4))
    assert rows(one, b"ab") == 2


def test_a_message_that_cannot_be_read_teaches_nothing() -> None:
    one = decoder()
    with pytest.raises(MessageError):
        rows(one, b"ab!")
    rows(one, b"ab")
    one.interrupt(9, empty_events(4))
    assert rows(one, b"ab") == 0


def test_a_state_goes_on_in_the_middle_of_equal_prints() -> None:
    one, other = decoder(), decoder()
    rows(one, b"aa")
    other.resume(one.state())
    assert rows(other, b"a") == 1
    other.interrupt(9, empty_events(4))
    assert rows(other, b"aaaa") == 1


def test_what_is_remembered_is_bounded() -> None:
    one = PartsDecoder([(BTC, 0)], read=_numbered, policy=NATIVE, chain=NONE)
    for start in range(0, 3 * KEYS_MAX, 64):
        rows(one, b"%d" % start)
    kept = one.state()["lanes"]["B"]
    assert len(kept["keys"]) == len(kept["alike"]) == KEYS_MAX


def _numbered(message: bytes, symbol: str) -> list[Part]:
    start = int(message)
    return [
        TradePart("B", 5, "1.0", "0.01", 1, key=str(i), alike=True)
        for i in range(start, start + 64)
    ]


def test_what_comes_without_a_time_says_so() -> None:
    def funding(message: bytes, symbol: str) -> list[Part]:
        return [FundingPart("B", NO_TIME, "0.0001")]

    one = PartsDecoder([(BTC, 0)], read=funding, policy=NATIVE, chain=NONE)
    out = empty_events(40)
    assert one.decode(b"{}", 7, out) == 1
    assert out[0]["flags"] == LAST | BAD_CLOCK
