"""Holes in the tape: what is missing is known by its ids, asked for, and written late and once."""

from typing import Any

import msgspec
import pytest

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BATCHED, BUY, GAP, LAST, RPI, SELL, STALE, empty_events
from aggressor.venues.binance.holes import PRINTS_MAX
from aggressor.venues.binance.tables import HOLES
from aggressor.venues.table import venue_named
from tests.venues.wire import instrument

VENUE = venue_named("binance-usdm")
BTC = instrument("binance-usdm", "BTCUSDT")
MS = 1_000_000
RECV = 1_900_000_000_000_000_000
T_MS = 1_767_225_600_085


def form(number: int, size: str = "0.120", plain: str = "") -> dict[str, Any]:
    told = {"a": number, "p": "64089.2", "q": size, "f": 1, "l": 1, "T": T_MS + number, "m": True}
    return told | ({"nq": plain} if plain else {})


def stream(number: int) -> bytes:
    return msgspec.json.encode({"e": "aggTrade", "E": T_MS, "s": BTC.symbol} | form(number))


class Tape:
    def __init__(self) -> None:
        self.decoder = VENUE.market_decoder([(BTC, 3)])
        self.out = empty_events(4096)

    def told(self, *numbers: int) -> list[int]:
        flags = []
        for number in numbers:
            rows = self.decoder.decode(stream(number), RECV, self.out)
            flags += [int(row["flags"]) for row in self.out[:rows]]
        return flags

    def asked(self, *forms: dict[str, Any]) -> list[tuple[int, int, int]]:
        """Answer, and return (ms behind T_MS, lots, flags) of the rows."""
        text = msgspec.json.encode(list(forms))
        rows = self.decoder.decode(text, RECV + 5, self.out, BTC.symbol)
        assert all(self.out[:rows]["ts_recv"] == RECV + 5)
        return [
            (int(row["ts_venue"]) // MS - T_MS, int(row["size"]), int(row["flags"]))
            for row in self.out[:rows]
        ]

    @property
    def missing(self) -> int | None:
        return self.decoder.missing_print(BTC.symbol)


LATE = BATCHED | STALE | LAST


def test_a_hole_is_known_asked_for_and_filled_once() -> None:
    tape = Tape()
    assert tape.told(5, 6) == [BATCHED | LAST] * 2
    assert tape.missing is None
    assert tape.told(9) == [BATCHED | GAP | LAST]
    assert tape.missing == 7
    assert VENUE.prints_request is not None
    request = VENUE.prints_request(BTC, 7)
    assert request.url.endswith(f"/fapi/v1/aggTrades?symbol={BTC.symbol}&fromId=7&limit=1000")
    found = tape.asked(form(6), form(7), form(8), form(9), form(10))
    assert [(at, flags) for at, _, flags in found] == [(7, LATE), (8, LATE)]
    assert tape.missing is None
    assert tape.asked(form(7), form(8)) == []
    assert tape.told(10) == [BATCHED | LAST]
    counts = tape.decoder.counts
    assert (counts["trades_late"], counts["trades_lost"], counts["trade_gaps"]) == (2, 0, 1)


def test_a_part_that_never_rested_in_the_book_is_a_row_of_its_own() -> None:
    tape = Tape()
    tape.told(1, 3)
    found = tape.asked(form(2, "0.120", "0.100"))
    lot = BTC.lots("0.100"), BTC.lots("0.020")
    assert found == [(2, lot[0], BATCHED | STALE), (2, lot[1], BATCHED | STALE | RPI | LAST)]
    assert tape.out[0]["side"] == SELL != BUY


def test_what_no_answer_brings_is_counted_and_the_hole_closed() -> None:
    tape = Tape()
    tape.told(1, 5)
    assert [at for at, *_ in tape.asked(form(3))] == [3]
    assert tape.missing is None
    assert tape.decoder.counts["trades_lost"] == 2
    tape.told(8)
    assert tape.asked() == []
    assert tape.missing is None
    assert tape.decoder.counts["trades_lost"] == 4


def test_a_long_hole_takes_several_answers_and_two_holes_two() -> None:
    tape = Tape()
    tape.told(1, 2 * PRINTS_MAX, 2 * PRINTS_MAX + 5)
    assert tape.missing == 2
    assert len(tape.asked(*(form(one) for one in range(2, 2 + PRINTS_MAX)))) == PRINTS_MAX
    assert tape.missing == 2 + PRINTS_MAX
    rest = [form(one) for one in range(2 + PRINTS_MAX, 2 + 2 * PRINTS_MAX)]
    assert len(tape.asked(*rest)) == PRINTS_MAX - 2
    assert tape.missing == 2 * PRINTS_MAX + 1
    ids = range(2 * PRINTS_MAX + 1, 2 * PRINTS_MAX + 5)
    assert len(tape.asked(*(form(one) for one in ids))) == 4
    assert tape.missing is None
    assert tape.decoder.counts["trades_lost"] == 0


def test_holes_are_known_to_whoever_goes_on_from_a_state() -> None:
    before, after = Tape(), Tape()
    before.told(1, 4)
    after.decoder.resume(before.decoder.state())
    assert after.missing == 2
    assert [at for at, *_ in after.asked(form(2), form(3))] == [2, 3]
    assert after.told(9) == [BATCHED | GAP | LAST]
    assert after.missing == 5


def test_more_holes_than_are_remembered_are_counted_as_lost() -> None:
    tape = Tape()
    tape.told(*range(1, 1 + 3 * (HOLES + 2), 3))  # two are missing in each hole
    assert tape.missing == 5  # the first hole gave way
    assert tape.decoder.counts["trades_lost"] == 2


def test_the_holes_of_a_shorter_memory_are_read() -> None:
    before, after = Tape(), Tape()
    before.told(7, 9, 12)
    state = before.decoder.state()
    lane = state["lanes"][BTC.symbol]
    lane["holes"] = lane["holes"][:8]  # as many as were kept once
    after.decoder.resume(state)
    assert after.missing == 8
    assert after.asked(form(8)) == [(8, 120, LATE)]
    assert after.missing == 10


def test_an_answer_that_cannot_be_read_changes_nothing() -> None:
    tape = Tape()
    tape.told(1, 3)
    with pytest.raises(MessageError, match="stay missing"):
        tape.decoder.decode(b'[{"a":2}]', RECV, tape.out, BTC.symbol)
    assert tape.missing == 2
    tiny = empty_events(1)
    text = msgspec.json.encode([form(2)])
    assert tape.decoder.decode(text, RECV, tiny, BTC.symbol) == -1
    assert tape.missing == 2
