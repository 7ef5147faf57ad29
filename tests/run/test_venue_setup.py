"""What is asked and set before an account trades, by a venue that answers from a list."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aggressor.run.lines.line import Wires
from aggressor.run.lines.venue_calls import Caller
from aggressor.run.lines.venue_setup import Found, Setup, costs_of
from aggressor.schema import report
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.venues.budget import Budget
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.trading import Answer, Call, Credentials, PositionUpdate, Terms, Verdict
from aggressor.venues.venue import Request
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Response
from tests.venues.toy import toy
from tests.venues.toy_account import GRID, SYMBOL, toy_side

TIER = MarginTier(SYMBOL, None, None, Decimal("0.1"), Decimal("0.05"), leverage_max=Decimal(20))


class Rest:
    """Answers by path; a list is answered one after the other, the last for ever."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def ask(self, method: str, url: str, **_: Any) -> Response:
        self.asked.append(url)
        left = self.answers.get(url, ["ok"])
        said = left.pop(0) if len(left) > 1 else left[0]
        if said == "cut":
            raise ConnectionError(url)
        return Response(200, {}, said.encode())


def _answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
    said = body.decode()
    if said == "no":
        return Answer(Verdict.REFUSED, report.FORBIDDEN, "-1", "it cannot be")
    if said == "clock":
        return Answer(Verdict.BAD_CLOCK)
    if said == "slow":
        return Answer(Verdict.THROTTLED, wait_ns=1_000_000)
    return Answer(Verdict.UNKNOWN if said == "what" else Verdict.ACCEPTED)


def _setting(name: str) -> Any:
    return lambda *_: Call("POST", f"/{name}")


def staged(answers: dict[str, list[str]], terms: Terms | None = None) -> tuple[Setup, Caller, Rest]:
    side = msgspec.structs.replace(
        toy_side(),
        host="",
        answer=_answer,
        fees=_setting("fees"),
        read_fees=lambda body: [Fees("", Decimal("0.0002"), Decimal("0.0005"))],
        set_mode=_setting("mode"),
        set_margin=_setting("margin"),
        set_leverage=lambda *_: (Call("POST", "/leverage"),),
        next_page=lambda call, body: Call("GET", "/second") if body == b"first" else None,
    )
    venue = msgspec.structs.replace(
        toy(),
        clock_request=lambda: Request("GET", "/time", 1),
        read_clock=lambda body: 1_000,
        tradable_request=lambda: Request("GET", "/tradable", 1),
        read_tradable=lambda body: frozenset(body.decode().split()),
        margin_request=lambda one: Request("GET", "/tiers", 1),
        read_margin=lambda body: [TIER],
        trading=side,
    )
    rest = Rest({"/tradable": [SYMBOL], **answers})
    wires: Any = Wires(rest, Clock(), lambda words: None)  # type: ignore[arg-type]
    caller = Caller(venue, side, wires, Credentials("k", "s"), Budget(side.limits))
    return Setup(venue, side, [GRID], terms or Terms(leverage=5), wires, caller), caller, rest


def made(answers: dict[str, list[str]], terms: Terms | None = None) -> Found:
    return asyncio.run(staged(answers, terms)[0].run())


def test_an_account_is_made_ready_and_what_the_venue_says_is_kept() -> None:
    found = made({})
    assert found.tradable == {0: True}
    assert found.tiers == {0: (TIER,)}
    costs = costs_of(found.fees[0])
    assert (costs.maker_bp, costs.taker_bp) == (Decimal(2), Decimal(5))


def test_an_instrument_that_takes_no_orders_is_known_before_one_is_sent() -> None:
    assert made({"/tradable": ["OTHER"]}).tradable == {0: False}


@pytest.mark.parametrize("name", ["mode", "margin", "leverage"])
def test_a_setting_that_is_refused_must_be_mended_by_a_person(name: str) -> None:
    with pytest.raises(ConfigError, match="it cannot be"):
        made({f"/{name}": ["no"]})


def test_more_leverage_than_the_first_tier_allows_is_refused() -> None:
    with pytest.raises(ConfigError, match="20"):
        made({}, Terms(leverage=21))


def test_settings_are_repeated_through_what_passes() -> None:
    found = made({"/mode": ["cut", "slow", "clock", "ok"], "/leverage": ["what", "ok"]})
    assert found.tradable == {0: True}


def test_a_venue_that_does_not_tell_its_time_is_not_traded() -> None:
    with pytest.raises(MessageError, match="time"):
        made({"/time": ["cut"]})


def test_fees_that_are_refused_are_not_known_and_do_not_stop_us() -> None:
    assert made({"/fees": ["no"]}).fees == {}


def test_all_pages_of_an_answer_are_read() -> None:
    _, caller, rest = staged({"/list": ["first"], "/second": ["last"]})
    pages = asyncio.run(caller.pages(Call("GET", "/list"), lambda body: [body]))
    assert pages == [b"first", b"last"]
    assert rest.asked == ["/list", "/second"]
    _, endless, _ = staged({"/list": ["first"], "/second": ["first"]})
    with pytest.raises(MessageError, match="pages"):
        asyncio.run(endless.pages(Call("GET", "/list"), lambda body: [body]))


def test_a_position_under_other_settings_is_said() -> None:
    setup, _, _ = staged({})
    held = PositionUpdate(SYMBOL, "3", "100", leverage="7", isolated=True)
    assert setup.differences([held]) == [
        "ABC has a leverage of 7",
        "ABC has isolated margin",
    ]
    assert setup.differences([held._replace(leverage="5", isolated=False)]) == []
