"""The server of the desk: static files and one WebSocket, on loopback, behind a token.

What guards it: it listens on loopback only; the Host of a request must be a loopback name with our
port (a page elsewhere cannot make its name resolve to us); the Origin of a WebSocket must be one of
the same; the token is compared in constant time; a message above 16 KiB ends its connection; static
files are those of the package by name. The page may load nothing from elsewhere (CSP). Refusals are
told to `notice`, never with the token.

Each browser has a task that takes from the hub and sends; one that does not drain its socket waits
by itself.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources
from mimetypes import guess_type
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_TIME
from aggressor.web.commands import Command, CommandError, read_command
from aggressor.web.hub import Hub, Reader
from aggressor.web.protocol import SUBPROTOCOL, WHOLE_DESK, Kind, json_frame

HOST = "127.0.0.1"
MESSAGE_MAX = 16 * 1024
READERS_MAX = 16
BAD_MAX = 10
FRAME_S = 1 / 60
BYE_S = 2.0
_NAMES = ("127.0.0.1", "localhost", "[::1]")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Visitor:
    """One browser: where it reads, and what it may do."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.armed: int | None = None  # the epoch in which it may give orders
        self.bad = 0  # texts that were no command


class Actor(Protocol):
    """Who does what browsers ask for."""

    def do(self, visitor: Visitor, command: Command) -> dict[str, Any]:
        """Do it, or say why not: an ANSWER without its `request`."""
        ...


class DeskServer:
    """See the module text."""

    def __init__(
        self, hub: Hub, actor: Actor, notice: Callable[[str], None], token: str | None = None
    ) -> None:
        self.hub = hub
        self.token = token or secrets.token_urlsafe(24)
        self.port = 0
        self._actor = actor
        self._notice = notice
        self._runner: web.AppRunner | None = None
        self._sockets: set[web.WebSocketResponse] = set()

    @property
    def address(self) -> str:
        """Where a browser finds the desk, with the token."""
        return f"http://{HOST}:{self.port}/#token={self.token}"

    async def start(self, port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises ConfigError where it is taken."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{path:.*}", self._asset)
        app.router.add_get("/ws", self._socket)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, port)
        try:
            await site.start()
        except OSError as trouble:
            await self._runner.cleanup()
            raise ConfigError(
                f"The desk cannot listen on port {port} ({trouble.strerror}): choose another."
            ) from None
        self.port = self._runner.addresses[0][1]

    async def stop(self, why: str) -> None:
        """Say goodbye to every browser and close."""
        bye = bytes(json_frame(Kind.BYE, WHOLE_DESK, NO_TIME, {"why": why}))
        await asyncio.gather(*(self._farewell(one, bye) for one in tuple(self._sockets)))
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    async def _farewell(socket: web.WebSocketResponse, bye: bytes) -> None:
        """Send the last words; a browser that does not take them is not waited for."""
        with suppress(ConnectionError, RuntimeError, TimeoutError):
            async with asyncio.timeout(BYE_S):
                await socket.send_bytes(bye)
                await socket.close(code=WSCloseCode.GOING_AWAY)

    # -- what is let in --------------------------------------------------------------------------

    @property
    def _hosts(self) -> set[str]:
        return {f"{name}:{self.port}" for name in _NAMES}

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what was sent to another name, and give every answer its headers."""
        if request.headers.get("Host", "") not in self._hosts:
            return self._refusal(request, 421, "another Host")
        try:
            response = await handler(request)
        except web.HTTPException as trouble:
            return self._refusal(request, trouble.status, trouble.reason)
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers["Content-Security-Policy"] = self._policy(request.headers["Host"])
        return response

    @staticmethod
    def _policy(host: str) -> str:
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
            "font-src 'self'; media-src 'self' data:; worker-src 'self'; manifest-src 'self'; "
            f"connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )

    def _refusal(self, request: web.Request, status: int, why: str) -> web.Response:
        """Answer that something is not done, and tell it without what the request carried."""
        peer = request.remote or "somebody"
        path = "".join(c if c in _LETTERS or c == "/" else "?" for c in request.path[:80])
        self._notice(f"refused {peer} {request.method} {path}: {status} {why}")
        return web.Response(status=status, text=f"{why}\n", headers=_HEADERS)

    # -- static ----------------------------------------------------------------------------------

    async def _page(self, _: web.Request) -> web.StreamResponse:
        return self._file("index.html")

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return self._file(request.match_info["path"])

    @staticmethod
    def _file(path: str) -> web.Response:
        """Return a file of the package; raise HTTPNotFound for any other path."""
        found = resources.files("aggressor.web").joinpath("static")
        for part in path.split("/"):
            if not part or part.startswith(".") or not _LETTERS.issuperset(part):
                raise web.HTTPNotFound
            found = found.joinpath(part)
        if not found.is_file():
            raise web.HTTPNotFound
        kind = "text/javascript" if path.endswith((".js", ".mjs")) else guess_type(path)[0]
        text = kind is not None and kind.startswith("text/")
        return web.Response(
            body=found.read_bytes(),
            content_type=kind or "application/octet-stream",
            charset="utf-8" if text else None,
        )

    # -- the socket ------------------------------------------------------------------------------

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        refusal = self._unwelcome(request)
        if refusal is not None:
            return refusal
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=MESSAGE_MAX, heartbeat=20.0, compress=False
        )
        await socket.prepare(request)
        woken, hurried = asyncio.Event(), asyncio.Event()
        visitor = Visitor(self.hub.join(woken.set, hurried.set))
        self._sockets.add(socket)
        woken.set()
        sender = asyncio.create_task(self._send(socket, visitor.reader, woken, hurried))
        try:
            await self._hear(socket, visitor, request)
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            self._sockets.discard(socket)
            self.hub.leave(visitor.reader)
        return socket

    def _unwelcome(self, request: web.Request) -> web.Response | None:
        """Return why a socket is not opened, None where it is."""
        origin = request.headers.get("Origin", "")
        if origin not in {f"http://{host}" for host in self._hosts}:
            return self._refusal(request, 403, "another Origin")
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        if SUBPROTOCOL not in (one.strip() for one in offered.split(",")):
            return self._refusal(request, 400, f"the desk speaks {SUBPROTOCOL}")
        token = request.query.get("token", "")
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return self._refusal(request, 403, "not the token of this desk")
        if len(self.hub.readers) >= READERS_MAX:
            return self._refusal(request, 503, f"{READERS_MAX} browsers are connected already")
        return None

    @staticmethod
    async def _send(
        socket: web.WebSocketResponse,
        reader: Reader,
        woken: asyncio.Event,
        hurried: asyncio.Event,
    ) -> None:
        """Send what is new 60 times a second, what is urgent at once; wait for a full socket."""
        while True:
            await woken.wait()
            woken.clear()
            hurried.clear()
            while message := reader.take():
                await socket.send_bytes(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(FRAME_S):
                    await hurried.wait()

    async def _hear(
        self, socket: web.WebSocketResponse, visitor: Visitor, request: web.Request
    ) -> None:
        """Do what a browser asks for until it leaves."""
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                self._notice(f"closed {request.remote}: {message.data}")
                break
            try:
                if message.type is not WSMsgType.TEXT:
                    raise CommandError("commands are text")
                command = read_command(message.data)
            except CommandError as trouble:
                visitor.bad += 1
                visitor.reader.answer({"request": None, "ok": False, "reason": str(trouble)})
                if visitor.bad >= BAD_MAX:
                    self._notice(f"closed {request.remote}: {BAD_MAX} texts that are no commands")
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION)
                continue
            answer = self._actor.do(visitor, command)
            visitor.reader.answer({"request": command.request, **answer})
