"""The toy venue's own side, on loopback: it keeps a book, sends its changes, and can misbehave."""

import json
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer


class ToyServer:
    """A book of one symbol; every change is one message with the next id."""

    def __init__(self) -> None:
        self.u = 0
        self.bids: dict[int, int] = {999: 5}
        self.asks: dict[int, int] = {1001: 5}
        self.sockets: list[web.WebSocketResponse] = []
        self.heard: list[str] = []
        self.opened = 0
        self.snapshots = 0
        self.asked_trades = 0  # and not answered
        app = web.Application()
        app.router.add_get("/stream", self._stream)
        app.router.add_get("/snapshot", self._snapshot)
        app.router.add_get("/trades", self._trades)
        app.router.add_get("/instruments", self._instruments)
        self.server = TestServer(app)

    @property
    def at(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def change(self, side: int, price: int, lots: int, *, skip: bool = False) -> None:
        """Set one level; `skip` keeps the change from the readers."""
        self.u += 1
        book = self.bids if side > 0 else self.asks
        book[price] = lots
        if lots == 0:
            del book[price]
        if not skip:
            level = [[_price(price), _size(lots)]]
            sides = {"b": level} if side > 0 else {"a": level}
            await self.send({"e": "book", "s": "ABC", "t": 1, "u": self.u, "first": self.u} | sides)

    async def trade(self, key: int) -> None:
        await self.send(
            {"e": "trade", "s": "ABC", "t": key, "p": "100.1", "q": "0.01", "side": 1}
            | {"key": str(key)}
        )

    async def send(self, message: dict[str, Any]) -> None:
        for socket in list(self.sockets):
            if not socket.closed:
                with suppress(ConnectionResetError):  # it is just going
                    await socket.send_str(json.dumps(message, separators=(",", ":")))

    async def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in list(self.sockets):
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self.sockets.clear()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.opened += 1
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                break
            self.heard.append(message.data)
            if "subscribe" in message.data:
                await socket.send_str('{"control":"ok"}')
                self.sockets.append(socket)
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    async def _snapshot(self, request: web.Request) -> web.Response:
        self.snapshots += 1
        sides = {
            "b": [[_price(price), _size(lots)] for price, lots in self.bids.items()],
            "a": [[_price(price), _size(lots)] for price, lots in self.asks.items()],
        }
        return web.json_response({"e": "snapshot", "t": 1, "u": self.u} | sides)

    async def _trades(self, request: web.Request) -> web.Response:
        self.asked_trades += 1
        return web.Response(status=503)

    async def _instruments(self, request: web.Request) -> web.Response:
        return web.json_response(["ABC", "XYZ"])


def _price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}"


def _size(lots: int) -> str:
    return f"{lots / 100:.2f}"
