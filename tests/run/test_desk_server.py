"""A desk over its socket: made behind the page, greeted, and an order from command to fill."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from aggressor.run.desk.desk import Desk, DeskPlan, ready
from aggressor.run.desk.server import STOPPED, serve
from aggressor.schema.errors import StoreError
from aggressor.web.protocol import SUBPROTOCOL, Head, Kind, read_frames, read_json
from tests.run.desk_stage import SETTINGS, market, order, touch

Frames = list[tuple[Head, bytes]]


class _Client:
    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self.line = line
        self.heard: Frames = []

    async def until(self, enough: Callable[[Frames], bool]) -> Frames:
        while not enough(self.heard):
            self.heard += read_frames(await self.line.receive_bytes())
        return self.heard

    def told(self, kind: Kind) -> list[Any]:
        return [read_json(*one) for one in self.heard if one[0].kind is kind]

    async def ask(self, text: str) -> Any:
        answers = len(self.told(Kind.ANSWER))
        await self.line.send_str(text)
        await self.until(lambda _: len(self.told(Kind.ANSWER)) > answers)
        return self.told(Kind.ANSWER)[-1]


def _serving(make: Callable[[], Desk], body: Callable[[_Client], Awaitable[None]]) -> None:
    async def going() -> None:
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        said: list[str] = []
        serving = asyncio.create_task(
            serve(make, port=0, say=said.append, opened=address.set_result)
        )
        base, token = (await address).split("/#token=")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(
                f"{base}/ws?token={token}",
                headers={"Origin": base},
                protocols=(SUBPROTOCOL,),
                max_msg_size=0,
            ) as line,
        ):
            await asyncio.wait_for(body(_Client(line)), 60)
        await asyncio.wait([serving], timeout=1)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        if not serving.cancelled() and (trouble := serving.exception()):
            raise trouble

    asyncio.run(going())


def test_the_page_is_there_before_the_desk_and_hears_how_far_it_is():
    there = threading.Event()

    def make() -> Desk:
        assert there.wait(20)
        return ready(market(), DeskPlan(SETTINGS, playing=False))

    async def body(client: _Client) -> None:
        there.set()
        await client.until(lambda heard: any(head.kind is Kind.CAUGHT_UP for head, _ in heard))
        kinds = [head.kind for head, _ in client.heard]
        assert kinds[0] is Kind.NOTICE
        await client.until(lambda heard: any(head.kind is Kind.STATE for head, _ in heard))
        hello = client.told(Kind.HELLO)[0]
        assert hello["instruments"][0]["id"] == "synthetic:MICRO"
        assert (await client.ask('{"do":"ping","request":7,"ms":1}'))["request"] == 7

    _serving(make, body)


def test_an_order_goes_over_the_socket_from_command_to_fill():
    made: list[Desk] = []

    def make() -> Desk:
        made.append(ready(market(), DeskPlan(SETTINGS, playing=True)))
        return made[0]

    async def body(client: _Client) -> None:
        def arrived(_: Frames) -> bool:
            told = client.told(Kind.ACCOUNT)
            return bool(told) and told[-1]["clock"]["playing"]

        await client.until(arrived)
        text = order(1, type="market", cap_ticks=3)
        assert not (await client.ask(text))["ok"]
        assert (await client.ask('{"do":"arm","on":true}'))["armed"]
        assert (await client.ask(text))["ok"]
        await client.until(
            lambda _: any(
                one["what"] == "fill" for told in client.told(Kind.REPORT) for one in told
            )
        )
        assert touch(made[0])[0] > 0
        await client.until(lambda _: client.told(Kind.ACCOUNT)[-1]["lanes"][0]["position"] > 0)
        assert (await client.ask('{"do":"kill","level":"flatten"}'))["ok"]
        await client.until(lambda _: client.told(Kind.ACCOUNT)[-1]["lanes"][0]["position"] == 0)

    _serving(make, body)


def test_a_process_that_is_told_to_end_says_goodbye_and_ends_in_peace():
    async def body(client: _Client) -> None:
        await client.until(lambda heard: any(head.kind is Kind.CAUGHT_UP for head, _ in heard))
        signal.raise_signal(signal.SIGTERM)
        await client.until(lambda heard: any(head.kind is Kind.BYE for head, _ in heard))
        assert client.told(Kind.BYE) == [{"why": STOPPED}]
        assert (await client.line.receive()).type is aiohttp.WSMsgType.CLOSE

    _serving(lambda: ready(market(), DeskPlan(SETTINGS, playing=True)), body)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_keeps_a_desk_from_being_made_is_raised_and_told():
    there = threading.Event()

    def make() -> Desk:
        assert there.wait(20)
        raise StoreError("There is no such store.")

    async def body(client: _Client) -> None:
        there.set()
        await client.until(lambda heard: any(head.kind is Kind.BYE for head, _ in heard))
        assert client.told(Kind.BYE) == [{"why": "There is no such store."}]

    with pytest.raises(StoreError, match="no such store"):
        _serving(make, body)
