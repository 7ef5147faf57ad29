"""What is asked for the tape of a line whose connection is lost, and when."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import pytest

from aggressor.run.lines.missing_prints import MissingPrints
from aggressor.venues.venue import Request, RestLimit
from tests.venues.toy import REST, SECOND_NS, instrument, toy


class Stage:
    """A line that answers as it is told to, at a time that stands still."""

    def __init__(
        self, symbols: tuple[str, ...] = ("ABC",), limit: int = 100, *, begun: bool = True
    ) -> None:
        venue = msgspec.structs.replace(
            toy(),
            trades_request=lambda one: Request("GET", f"{REST}/trades?symbol={one.symbol}", 1),
            rest_limit=RestLimit(limit, SECOND_NS),
        )
        instruments = [instrument(one) for one in symbols]
        decoder = venue.market_decoder([(one, k) for k, one in enumerate(instruments)])
        self.now_s = 100.0
        self.answers = True
        self.asked: list[str] = []
        self.works: list[Coroutine[object, object, None]] = []
        self.prints = MissingPrints(
            venue, decoder, instruments, self._fetch, self.works.append, lambda: self.now_s
        )
        for k in range(len(symbols) if begun else 0):
            self.prints.printed(k)

    async def _fetch(self, request: Request, symbol: str) -> bool:
        self.asked.append(symbol)
        return self.answers

    def turn(self, *, standing: bool, later_s: float = 0.0, finish: bool = True) -> int:
        """Let time pass and turn; return how many were asked. `finish`: they are answered."""
        self.now_s += later_s
        before = len(self.works)
        self.prints.turn(standing=standing)
        many = len(self.works) - before
        if finish:
            self.answer()
        return many

    def answer(self) -> None:
        works, self.works[:] = list(self.works), []

        async def play() -> None:
            for work in works:
                await work

        asyncio.run(play())


def test_the_last_prints_are_asked_for_at_once_while_away_and_when_all_stands() -> None:
    stage = Stage()
    assert stage.turn(standing=True) == 0
    stage.prints.lost()
    assert stage.turn(standing=False) == 1
    assert stage.turn(standing=False, later_s=0.5) == 0  # not so soon
    assert stage.turn(standing=False, later_s=0.6) == 1
    assert stage.turn(standing=True, later_s=0.05) == 1  # this one meets the stream
    assert stage.turn(standing=True, later_s=60.0) == 0


def test_a_loss_while_an_answer_is_on_its_way_is_asked_for_too() -> None:
    stage = Stage()
    stage.prints.lost()
    assert stage.turn(standing=True, finish=False) == 1
    stage.prints.lost()
    assert stage.turn(standing=True, later_s=5.0, finish=False) == 0  # one at a time
    stage.answer()
    assert stage.turn(standing=True) == 1
    assert stage.turn(standing=True, later_s=5.0) == 0


def test_what_is_not_answered_is_asked_ever_slower() -> None:
    stage = Stage()
    stage.answers = False
    stage.prints.lost()
    asked = sum(stage.turn(standing=True, later_s=0.05) for _ in range(1200))
    assert 12 <= asked <= 60  # in a minute, waits of up to 5 s; each 50 ms it were 1200
    stage.answers = True
    assert sum(stage.turn(standing=True, later_s=0.05) for _ in range(200)) == 1


@pytest.mark.parametrize(("limit", "every_s"), [(100, 1.0), (2, 4.0)])
def test_what_asks_while_away_leaves_the_limit_to_the_books(limit: int, every_s: float) -> None:
    stage = Stage(("ABC", "XYZ"), limit)
    stage.prints.lost()
    asked = sum(stage.turn(standing=False, later_s=0.05) for _ in range(1600))
    assert asked == pytest.approx(2 * 80.0 / every_s, abs=4 + 0.1 * 160 / every_s)


def test_a_tape_that_has_not_begun_is_not_asked_for() -> None:
    stage = Stage(begun=False)
    stage.prints.lost()
    assert stage.turn(standing=True) == 0


def test_nothing_is_asked_where_a_venue_answers_no_prints() -> None:
    works: list[Any] = []
    one = instrument("ABC")
    decoder = toy().market_decoder([(one, 0)])

    async def fetch(request: Request, symbol: str) -> bool:
        raise AssertionError("there is nothing to ask")

    prints = MissingPrints(toy(), decoder, [one], fetch, works.append, lambda: 0.0)
    prints.printed(0)
    prints.lost()
    prints.turn(standing=True)
    assert works == []
