"""Clock, waits, limits, requests and sockets, against servers on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aggressor.schema.errors import MessageError
from aggressor.wire import rest as rest_module
from aggressor.wire.backoff import Backoff
from aggressor.wire.clock import Clock, VenueClock
from aggressor.wire.rest import Limits, Rest
from aggressor.wire.websocket import MESSAGE_BYTES_MAX, open_socket


def test_the_clock_never_runs_backwards(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10, 12, 7, 7, 13])
    monkeypatch.setattr("aggressor.wire.clock.time.time_ns", lambda: next(times))
    clock = Clock()
    assert [clock.now() for _ in range(5)] == [10, 12, 12, 12, 13]


def test_the_shortest_round_trip_measures_a_venues_clock() -> None:
    clock = VenueClock()
    assert clock.offset is None
    assert clock.venue_ms(5_000_000) == 5
    clock.add(0, 1_500_000_000, 1_000_000_000)  # slow: 1.0 s off, within half a second
    clock.add(2_000_000_000, 2_760_000_000, 2_020_000_000)  # fast: 0.75 s off, within 10 ms
    clock.add(4_000_000_000, 9_000_000_000, 6_000_000_000)
    assert clock.offset == (750_000_000, 10_000_000)
    assert clock.venue_ms(10_000_000_000) == 10_750


def test_waits_are_jittered_whole_bounded_and_begin_anew() -> None:
    wait = Backoff(first_s=1.0, cap_s=8.0, chance=random.Random(3))
    most = [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    for _ in range(200):
        wait.worked()
        for bound in most:
            assert 0.0 <= wait.failed() <= bound
    wait.worked()
    firsts = []
    for _ in range(2000):
        wait.worked()
        firsts.append(wait.failed())
    assert 0.45 < sum(firsts) / len(firsts) < 0.55
    assert min(firsts) < 0.02
    assert max(firsts) > 0.98
    for _ in range(5000):
        assert wait.failed() <= 8.0


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes(routes)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


def test_a_request_leaves_as_it_was_signed_and_its_answer_comes_back_whole() -> None:
    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        return web.Response(
            body=request.raw_path.encode() + b"|" + body, headers={"X-Used": "7"}, status=400
        )

    async def play() -> None:
        async with serving(web.post("/a", answer)) as at, Rest() as rest:
            got = await rest.ask("POST", f"{at}/a?b=%5B1%2C2%5D&c=x+y&s=%2f", body=b"raw")
            assert got.body == b"/a?b=%5B1%2C2%5D&c=x+y&s=%2f|raw"
            assert (got.status, got.headers["x-used"]) == (400, "7")

    asyncio.run(play())


def test_a_deadline_and_a_refused_connection_are_not_known_outcomes() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async def play() -> None:
        async with serving(web.get("/slow", slow)) as at, Rest() as rest:
            with pytest.raises(TimeoutError):
                await rest.ask("GET", f"{at}/slow", deadline_s=0.05)
        async with Rest() as rest:
            with pytest.raises(OSError, match=r"GET http://127\.0\.0\.1:9/x:") as refused:
                await rest.ask("GET", "http://127.0.0.1:9/x?signature=secret")
            assert "secret" not in str(refused.value)

    asyncio.run(play())


def test_an_oversized_answer_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_module, "BODY_BYTES_MAX", 1000)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * 5000)

    async def play() -> None:
        async with serving(web.get("/", large)) as at, Rest() as rest:
            with pytest.raises(MessageError, match="over the limit of 1000 bytes"):
                await rest.ask("GET", at + "/")

    asyncio.run(play())


def test_limits_hold_requests_back_and_a_refusal_for_speed_holds_all() -> None:
    answered: list[float] = []

    async def count(_: web.Request) -> web.Response:
        answered.append(asyncio.get_running_loop().time())
        fast = len(answered) == 5
        return web.Response(status=429 if fast else 200, headers={"Retry-After": "2"})

    async def play() -> None:
        limits = Limits({"rest": (4, 1_000_000_000)})
        async with serving(web.get("/", count)) as at, Rest() as rest:
            for _ in range(6):
                await rest.ask("GET", at + "/", limits=limits, group="rest", weight=2)
        assert answered[1] - answered[0] < 0.3
        assert answered[4] - answered[0] > 1.2
        assert answered[5] - answered[4] > 1.9

    asyncio.run(play())


def test_no_window_wherever_it_begins_holds_more_than_the_limit() -> None:
    async def play() -> list[tuple[float, int]]:
        limits = Limits({"rest": (10, 200_000_000)})
        loop = asyncio.get_running_loop()
        gone: list[tuple[float, int]] = []

        async def one(weight: int) -> None:
            await limits.take("rest", weight)
            gone.append((loop.time(), weight))

        await asyncio.gather(*(one(1 + n % 4) for n in range(20)))
        return gone

    gone = asyncio.run(play())
    assert [weight for _, weight in gone] == [1 + n % 4 for n in range(20)]  # in turn
    for begin, _ in gone:
        assert sum(weight for at, weight in gone if begin <= at < begin + 0.2) <= 10


def test_a_weight_above_the_whole_limit_still_leaves() -> None:
    async def play() -> None:
        limits = Limits({"rest": (5, 1_000_000)})
        await asyncio.wait_for(limits.take("rest", 50), 2.0)
        await limits.take("of no limit", 10)

    asyncio.run(play())


@pytest.mark.parametrize("deflate", [False, True])
def test_messages_come_whole_in_order_and_stamped_and_the_end_has_a_reason(deflate: bool) -> None:
    async def socket(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=deflate)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + request.headers["X-Me"])
            await socket.send_bytes(b"\x00\x01")
            await socket.close(code=4001, message=b"enough")
        return socket

    async def play() -> None:
        got: list[tuple[bytes, int]] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        stamps = iter(range(100, 200))
        async with serving(web.get("/", socket)) as at:
            one = await open_socket(
                at.replace("http", "ws") + "/",
                lambda message, ts_recv: got.append((message, ts_recv)),
                ended.set_result,
                lambda: next(stamps),
                headers={"X-Me": "!"},
                deflate=deflate,
            )
            one.send(b"hello")
            why = await asyncio.wait_for(ended, 5.0)
            assert got == [(b"hello!", 100), (b"\x00\x01", 101)]
            assert deflate or why == "closed by the venue with code 4001 enough"
            one.send(b"nobody hears this")

    asyncio.run(play())


def test_a_message_in_fragments_is_joined_and_an_endless_one_is_cut_off() -> None:
    async def socket(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        writer = socket._writer
        assert writer is not None
        transport = request.transport
        assert transport is not None
        for opcode, part in ((0x01, b"one "), (0x00, b"two "), (0x80, b"three")):
            transport.write(bytes([opcode, len(part)]) + part)  # pyright: ignore
        piece = b"x" * (1 << 20)
        header = (1 << 20).to_bytes(8, "big")
        transport.write(bytes([0x01, 127]) + header + piece)  # pyright: ignore
        for _ in range(MESSAGE_BYTES_MAX >> 20):
            transport.write(bytes([0x00, 127]) + header + piece)  # pyright: ignore
            await asyncio.sleep(0)
        await asyncio.sleep(5)
        return socket

    async def play() -> None:
        got: list[bytes] = []
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with serving(web.get("/", socket)) as at:
            await open_socket(
                at.replace("http", "ws") + "/",
                lambda message, _: got.append(message),
                ended.set_result,
                lambda: 0,
            )
            why = await asyncio.wait_for(ended, 10.0)
            assert got == [b"one two three"]
            assert why == f"a message is over the limit of {MESSAGE_BYTES_MAX} bytes"

    asyncio.run(play())


def test_a_refused_handshake_is_an_error_with_the_address() -> None:
    async def play() -> None:
        async with serving() as at:
            for deflate in (False, True):
                with pytest.raises(OSError, match="ws://127"):
                    await open_socket(
                        at.replace("http", "ws") + "/nowhere",
                        lambda *_: None,
                        lambda _: None,
                        lambda: 0,
                        deflate=deflate,
                    )

    asyncio.run(play())
