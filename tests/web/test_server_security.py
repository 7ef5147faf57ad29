import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from aggressor.schema.errors import ConfigError
from aggressor.web.commands import Command, Ping
from aggressor.web.hub import Hub
from aggressor.web.protocol import SUBPROTOCOL, Kind, frame, json_frame, read_frames, read_json
from aggressor.web.server import BAD_MAX, MESSAGE_MAX, DeskServer, Visitor

TOKEN = "a-token-of-the-tests"


class _Pong:
    def do(self, visitor: Visitor, command: Command) -> dict[str, Any]:
        return {"ok": isinstance(command, Ping), "reason": ""}


class _Desk:
    def __init__(self, server: DeskServer, session: aiohttp.ClientSession, notices: list[str]):
        self.server = server
        self.session = session
        self.notices = notices

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    def socket(self, **change: Any) -> Any:
        wanted: dict[str, Any] = {
            "token": TOKEN, "origin": f"http://{self.host}", "host": self.host,
            "protocols": (SUBPROTOCOL,),
        } | change  # fmt: skip
        headers = {"Host": wanted["host"]}
        if wanted["origin"] is not None:
            headers["Origin"] = wanted["origin"]
        return self.session.ws_connect(
            f"http://{self.host}/ws",
            params={"token": wanted["token"]},
            headers=headers,
            protocols=wanted["protocols"],
        )

    async def raw(self, text: str) -> str:
        """Send a request as it is, for what a client would mend on the way."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(text.encode())
        await writer.drain()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer.decode(errors="replace")


@asynccontextmanager
async def _running() -> AsyncIterator[_Desk]:
    hub, notices = Hub(), []
    hub.greet({"version": 1})
    server = DeskServer(hub, _Pong(), notices.append, TOKEN)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield _Desk(server, session, notices)
    finally:
        await server.stop("the test is over")


def _run(body: Callable[[_Desk], Awaitable[None]]) -> list[str]:
    async def going() -> list[str]:
        async with _running() as desk:
            await asyncio.wait_for(body(desk), 10)
        return desk.notices

    notices = asyncio.run(going())
    assert not any(TOKEN in one for one in notices)
    return notices


def test_the_address_holds_the_token_behind_the_hash_where_no_request_carries_it():
    async def body(desk: _Desk) -> None:
        assert desk.server.address == f"http://{desk.host}/#token={TOKEN}"

    _run(body)


def test_a_browser_with_the_token_is_greeted_and_answered():
    async def body(desk: _Desk) -> None:
        async with desk.socket() as line:
            ((head, said),) = read_frames(await line.receive_bytes())[:1]
            assert head.kind is Kind.HELLO
            assert read_json(head, said) == {"version": 1}
            await line.send_str('{"do":"ping","request":3,"ms":1.0}')
            ((head, said),) = read_frames(await line.receive_bytes())
            assert read_json(head, said) == {"request": 3, "ok": True, "reason": ""}

    assert _run(body) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": "another"}, 403),
        ({"token": ""}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": None}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"protocols": ()}, 400),
        ({"protocols": ("aggressor.desk.2",)}, 400),
    ],
)
def test_a_socket_is_refused(change: dict[str, Any], status: int):
    async def body(desk: _Desk) -> None:
        with pytest.raises(WSServerHandshakeError) as refused:
            async with desk.socket(**change):
                pass
        assert refused.value.status == status
        assert desk.server.hub.readers == []

    notices = _run(body)
    assert len(notices) == 1
    assert f": {status} " in notices[0]


def test_a_page_at_another_name_that_resolves_to_us_gets_nothing():
    async def body(desk: _Desk) -> None:
        for path in ("/", "/static/index.html", "/ws"):
            url = f"http://{desk.host}{path}"
            async with desk.session.get(url, headers={"Host": "evil.example:80"}) as answer:
                assert answer.status == 421

    assert len(_run(body)) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static//etc/passwd",
        "/static/.hidden",
        "/static/",
        "/static/nothing.js",
        "/static/a\\..\\b",
        "/server.py",
        "/../../etc/passwd",
    ],
)
def test_a_path_outside_the_assets_is_refused(path: str):
    async def body(desk: _Desk) -> None:
        answer = await desk.raw(
            f"GET {path} HTTP/1.1\r\nHost: {desk.host}\r\nConnection: close\r\n\r\n"
        )
        assert answer.split()[1] in ("404", "400")
        assert "import" not in answer
        assert "root:" not in answer

    _run(body)


def test_every_answer_forbids_what_comes_from_elsewhere():
    async def body(desk: _Desk) -> None:
        async with desk.session.get(f"http://{desk.host}/") as answer:
            policy = answer.headers.get("Content-Security-Policy", "")
            if answer.status == 200:
                assert policy.startswith("default-src 'none'; script-src 'self'")
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"

    _run(body)


def test_an_oversized_message_closes_the_connection_with_1009_and_nobody_else():
    async def body(desk: _Desk) -> None:
        async with desk.socket() as other, desk.socket() as line:
            await line.receive_bytes()
            await other.receive_bytes()
            await line.send_str("x" * (MESSAGE_MAX + 1))
            closed = await line.receive()
            assert closed.type is WSMsgType.CLOSE
            assert closed.data == 1009
            await other.send_str('{"do":"ping","ms":1}')
            assert (await other.receive()).type is WSMsgType.BINARY

    assert any("exceeds limit" in one for one in _run(body))


def test_what_is_no_command_is_answered_and_ends_the_connection_when_it_goes_on():
    async def body(desk: _Desk) -> None:
        async with desk.socket() as line:
            await line.receive_bytes()
            for _ in range(BAD_MAX - 1):
                await line.send_str("nonsense")
                ((head, said),) = read_frames(await line.receive_bytes())
                answer = read_json(head, said)
                assert not answer["ok"]
                assert "no command" in answer["reason"]
            await line.send_str("nonsense")
            while not line.closed:
                await line.receive()
            assert line.close_code == 1008

    assert any("no commands" in one for one in _run(body))


def test_a_binary_message_is_no_command():
    async def body(desk: _Desk) -> None:
        async with desk.socket() as line:
            await line.receive_bytes()
            await line.send_bytes(b"123")
            ((head, said),) = read_frames(await line.receive_bytes())
            assert "text" in read_json(head, said)["reason"]

    _run(body)


async def _deaf(desk: _Desk) -> socket.socket:
    """Return the socket of a browser that was let in and reads nothing."""
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", desk.server.port))
    await loop.sock_sendall(
        deaf,
        (
            f"GET /ws?token={TOKEN} HTTP/1.1\r\nHost: {desk.host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nOrigin: http://{desk.host}\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        ).encode(),
    )
    return deaf


def test_a_browser_that_does_not_read_delays_nobody_and_is_told_what_it_missed():
    count, keeps = 400, 50

    async def body(desk: _Desk) -> None:
        hub = desk.server.hub
        hub.sizes[Kind.PRINTS] = keeps
        deaf = await _deaf(desk)
        async with desk.socket() as quick:
            seen: list[int] = []
            for n in range(count):
                hub.publish(frame(Kind.PRINTS, 0, n, [np.zeros(10_000)], count=10_000))
                hub.wake()
                if n % 10 == 9:
                    while len(seen) <= n:
                        heads = [one for one, _ in read_frames(await quick.receive_bytes())]
                        seen += [one.number for one in heads if one.kind is Kind.PRINTS]
            assert seen == list(range(count))
        slow, *_ = hub.readers
        assert slow.sent_frames < count / 2
        heard = b""
        while slow.missed == 0:
            heard += await asyncio.get_running_loop().sock_recv(deaf, 1 << 20)
        assert count - keeps > slow.missed > 0
        deaf.close()

    _run(body)


def test_a_signal_does_not_wait_for_the_next_pictures_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("aggressor.web.server.FRAME_S", 60.0)

    async def body(desk: _Desk) -> None:
        hub = desk.server.hub
        async with desk.socket() as line:
            await line.receive(timeout=5)  # greeted; now nothing more for a minute
            hub.publish(json_frame(Kind.BOOK, 0, 0, {}))
            hub.wake()
            with pytest.raises(TimeoutError):
                await line.receive(timeout=0.3)
            hub.publish(json_frame(Kind.SIGNAL, 0, 0, []))
            hub.wake()
            message = await line.receive(timeout=5)
            assert [head.kind for head, _ in read_frames(message.data)] == [Kind.BOOK, Kind.SIGNAL]

    _run(body)


def test_a_port_that_is_taken_is_said():
    async def body(desk: _Desk) -> None:
        second = DeskServer(Hub(), _Pong(), desk.notices.append)
        with pytest.raises(ConfigError, match="choose another"):
            await second.start(desk.server.port)

    _run(body)


def test_a_desk_that_stops_says_goodbye():
    async def body(desk: _Desk) -> None:
        async with desk.socket() as line:
            await line.receive_bytes()
            stopping = asyncio.create_task(desk.server.stop("enough"))
            ((head, said),) = read_frames(await line.receive_bytes())
            assert head.kind is Kind.BYE
            assert read_json(head, said) == {"why": "enough"}
            assert (await line.receive()).data == 1001
            await stopping

    _run(body)
