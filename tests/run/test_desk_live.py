"""The desk over a live market: a local venue, a person's order, and the replay of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.accounts.paper import PaperPlan
from aggressor.run.accounts.parity import parity
from aggressor.run.assemble import Settings
from aggressor.run.desk.live import LiveDesk, live_desk
from aggressor.schema.errors import StoreError
from aggressor.web.protocol import Kind
from tests.run.account_stage import Unwatched, live_plan, our_keys
from tests.run.desk_stage import Browser, order
from tests.run.paper_stage import FREE, VENUE, plan_for
from tests.run.venue_stage import serving

HAND_ONLY = Settings(strategy="", profile="micro", equity=1_000_000.0)
SECONDS = 9.0
LIVE_SECONDS = 14.0


async def _waits(browser: Browser, enough: Any) -> None:
    for _ in range(300):
        browser.look()
        if enough():
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"not in time: {browser.reports()} {browser.told(Kind.NOTICE)}")


async def _person(desk: LiveDesk, browser: Browser, lots: int = 2) -> None:
    """Arm, buy, wait for the fill, flatten."""
    assert browser.say('{"do":"play"}')["reason"] == "The desk is being made ready."
    await _waits(browser, lambda: desk.begun and browser.told(Kind.STATE)
                 and browser.told(Kind.STATE)[-1]["data"]["valid"])  # fmt: skip
    assert not browser.say('{"do":"play"}')["ok"]
    assert not browser.say(order(1, type="market", cap_ticks=5))["ok"]
    assert browser.say('{"do":"arm","on":true}')["armed"]
    assert browser.say(order(1, lots=lots, type="market", cap_ticks=5))["ok"]
    await _waits(browser, lambda: desk.trading.engine.desk.position(0).lots > 0)
    assert browser.say('{"do":"flatten","lane":0}')["ok"]
    await _waits(browser, lambda: desk.trading.engine.desk.position(0).lots == 0)


def test_a_person_trades_on_a_live_market_and_the_replay_does_the_same(tmp_path: Path):
    async def going() -> tuple[LiveDesk, Browser]:
        async with serving(VENUE, seed=1, speed=2.0) as server:
            plan = plan_for(server, tmp_path, SECONDS, settings=HAND_ONLY, rules=FREE)
            desk = LiveDesk(plan, read_only=False)
            browser = Browser(desk)  # type: ignore[arg-type]
            await asyncio.gather(desk.run(), _person(desk, browser))
            return desk, browser

    desk, browser = asyncio.run(going())
    kinds = {head.kind for head, _ in browser.heard}
    assert {Kind.HELLO, Kind.HEAT, Kind.BOOK, Kind.CURVE, Kind.ACCOUNT} <= kinds
    (hello,) = browser.told(Kind.HELLO)
    assert (hello["mode"], hello["abilities"]["seek"]) == ("live", False)
    account = browser.told(Kind.ACCOUNT)[-1]
    assert account["lines"][0]["venue"] == VENUE
    fills = [one for one in browser.reports() if one["what"] == "fill"]
    assert sum(one["side"] * one["lots"] for one in fills) == 0
    assert 0 < sum(one["lots"] for one in fills) <= 4
    assert desk.result is not None
    assert desk.result["fills"] == len(fills)
    replayed = parity(tmp_path)
    assert replayed["same"], replayed["first_difference"]
    assert replayed["commands"] >= 2


def test_a_person_trades_on_an_account_at_a_venue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aggressor.run.accounts.live.Guard", Unwatched)

    async def going() -> tuple[LiveDesk, Browser, int]:
        async with serving(VENUE, seed=1, speed=2.0) as server:
            settings = Settings(strategy="", profile="micro")
            plan = live_plan(server, tmp_path, LIVE_SECONDS, settings=settings)
            desk = LiveDesk(plan, read_only=False, keys=our_keys)
            browser = Browser(desk)  # type: ignore[arg-type]
            await asyncio.gather(desk.run(), _person(desk, browser, lots=200))
            legs = server.exchange.account.positions[0].values()
            return desk, browser, sum(abs(leg.lots) for leg in legs)

    desk, browser, position = asyncio.run(going())
    (hello,) = browser.told(Kind.HELLO)
    assert (hello["mode"], hello["account"]["paper"]) == ("live", False)
    fills = [one for one in browser.reports() if one["what"] == "fill"]
    assert sum(one["side"] * one["lots"] for one in fills) == 0
    assert 0 < sum(one["lots"] for one in fills) <= 400
    assert {one["by"] for one in fills} == {"hand"}
    assert position == 0
    assert desk.result is not None


def test_a_market_that_is_named_wrongly_is_refused():
    with pytest.raises(StoreError, match="does not name"):
        live_desk(PaperPlan(["nowhere"], HAND_ONLY), read_only=True)
