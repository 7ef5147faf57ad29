"""The local venue on loopback: a dialect and its market behind one port, REST and sockets.

The market runs by the wall clock; every few milliseconds what has become visible is told to those
who asked for it. Whatever goes wrong on purpose (`run.faults`) goes wrong here, between the venue
that is right and the client: the books and orders inside stay the truth to compare with.
"""

import asyncio
import secrets
import ssl
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from aggressor.engine.ports import Feed
from aggressor.run.local.faults import FaultPlan, Faults
from aggressor.run.stopping import end_tasks
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.sim.local.board import TRADES_KEPT, BookNews
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.orders import AccountNews, OrderNews
from aggressor.venues.served.dialect import Ask, Channel, Dialect, Frame, House, Reply
from aggressor.venues.trading import Credentials
from aggressor.wire.clock import Clock

_PUMP_S = 0.005
_TICK_S = 0.1
_END_S = 10.0  # of the market and its clock
_WAITING_MAX = 50_000  # frames that a client has not taken: then it is cut
_BODY_BYTES_MAX = 1 << 20
_MESSAGE_BYTES_MAX = 1 << 16


def new_credentials() -> Credentials:
    """Return a key for one run."""
    return Credentials(secrets.token_hex(32), secrets.token_hex(32), secrets.token_hex(8))


class Client:
    """One open socket, and what waits to be sent on it."""

    def __init__(self, channel: Channel, socket: web.WebSocketResponse, request: web.Request):
        self.channel = channel
        self.socket = socket
        self.muted_until_s = 0.0
        self.held: Frame | None = None  # a frame that the next one overtakes
        self._request = request
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING_MAX)

    def send(self, message: bytes) -> None:
        """Send in turn; a client that takes nothing is cut."""
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.cut()

    def cut(self) -> None:
        """Cut the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def write(self, packed: Any) -> None:
        """Send what waits, until cancelled or cut."""
        with suppress(ConnectionError, RuntimeError):
            while True:
                message = await self._waiting.get()
                if packed is None:
                    await self.socket.send_str(message.decode())
                else:
                    await self.socket.send_bytes(packed(message))


class VenueServer:
    """One venue, served."""

    def __init__(
        self,
        dialect: Dialect,
        instruments: Sequence[Instrument],
        feeds: Sequence[Feed],
        *,
        credentials: Credentials | None = None,
        speed: float = 1.0,
        lead_s: float = 0.0,
        deposit: int,
        faults: FaultPlan | None = None,
        clock: Clock | None = None,
        trades_kept: int = TRADES_KEPT,
    ) -> None:
        """Begin now, with the market as it is `lead_s` behind its first row."""
        self.dialect = dialect
        self.clock = clock if clock is not None else Clock()
        self.credentials = credentials if credentials is not None else new_credentials()
        self.exchange = LocalExchange(
            instruments,
            feeds,
            now=self.clock.now(),
            speed=speed,
            lead_ns=int(lead_s * 1e9),
            deposit=deposit,
            costs=dialect.costs,
            trades_kept=trades_kept,
        )
        self.exchange.account.hedge = dialect.hedge
        self.house = House(self.exchange, self.credentials, dialect.limits)
        self.faults = Faults(faults if faults is not None else FaultPlan())
        self.clients: list[Client] = []
        self.opened = 0  # sockets since the start
        self.port = 0
        self._wanted: frozenset[str] = frozenset()
        self._away_until_s = 0.0
        self._runner: web.AppRunner | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._secure = False

    @property
    def document(self) -> dict[str, str]:
        """What a client must know."""
        safe = "s" if self._secure else ""
        return {
            "venue": self.dialect.venue,
            "rest": f"http{safe}://127.0.0.1:{self.port}",
            "ws": f"ws{safe}://127.0.0.1:{self.port}",
            "api_key": self.credentials.key,
            "api_secret": self.credentials.secret,
            "passphrase": self.credentials.passphrase,
        }

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Listen on 127.0.0.1; raise ConfigError if the port is taken."""
        app = web.Application(client_max_size=_BODY_BYTES_MAX)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls)
        try:
            await site.start()
        except OSError as trouble:
            await self._runner.cleanup()
            raise ConfigError(
                f"Port {port} cannot be used ({trouble.strerror}): another?"
            ) from None
        self._secure = tls is not None
        self.port = self._runner.addresses[0][1]
        loop = asyncio.get_running_loop()
        self.faults.began_s = loop.time()
        self._tasks = [loop.create_task(self._pump()), loop.create_task(self._tick())]

    async def stop(self) -> None:
        """Close everything."""
        await end_tasks(self._tasks, _END_S, _complain)
        for client in list(self.clients):
            client.cut()
        if self._runner is not None:
            await self._runner.cleanup()

    async def wait(self) -> None:
        """Wait until the server fails."""
        await asyncio.gather(*self._tasks)

    def advance(self) -> None:
        """Let the market run up to now, and tell what has happened."""
        self.exchange.advance(self.clock.now())
        self.publish()

    def publish(self) -> None:
        """Tell what has happened to those who want to know."""
        for news in self.exchange.drain():
            if isinstance(news, OrderNews | AccountNews):
                for frame in self.dialect.tell_private(self.house, news):
                    self._to_owners(frame)
                continue
            for frame in self.dialect.tell(self.house, news, self._wanted):
                self._to_followers(frame, isinstance(news, BookNews))
        if self.dialect.paced is not None:
            for frame in self.dialect.paced(self.house, self._wanted):
                self._to_followers(frame, True)

    def _to_followers(self, frame: Frame, book: bool) -> None:
        for client in self.clients:
            if frame.topic in client.channel.topics:
                self._to_client(client, frame, book)

    def _to_owners(self, frame: Frame) -> None:
        for client in self.clients:
            if client.channel.private and (message := self.dialect.wrap(client.channel, frame)):
                client.send(message)

    def _to_client(self, client: Client, frame: Frame, book: bool) -> None:
        """Send a market frame, with what may go wrong on the way."""
        message = self.dialect.wrap(client.channel, frame)
        if not message:
            return
        faults = self.faults
        if book and (client.muted_until_s > faults.now_s or faults.of("gap")):
            return
        if book and client.held is None and faults.of("reorder"):
            client.held = frame
            return
        client.send(message)
        if client.held is not None and book:
            client.send(self.dialect.wrap(client.channel, client.held))
            client.held = None
        if faults.of("duplicate"):
            client.send(message)

    async def _pump(self) -> None:
        while True:
            self.faults.now_s = asyncio.get_running_loop().time()
            self.advance()
            await asyncio.sleep(_PUMP_S)

    async def _tick(self) -> None:
        """Do what is due by the clock, and what goes wrong by itself."""
        clock = asyncio.get_running_loop().time
        before = clock()
        while True:
            await asyncio.sleep(_TICK_S)
            faults, plan = self.faults, self.faults.plan
            now = clock()
            passed, before = now - before, now  # a busy machine ticks late
            for frame in self.dialect.tick(self.house):
                self._to_owners(frame)
            self._beat()
            if self.clients and faults.within("disconnect", passed):
                self.clients[faults.choose(len(self.clients))].cut()
            if self.clients and faults.within("silent", passed):
                chosen = self.clients[faults.choose(len(self.clients))]
                chosen.muted_until_s = faults.now_s + plan.silent_s
            if faults.within("restart", passed):
                self._away_until_s = faults.now_s + plan.restart_s
                for client in list(self.clients):
                    client.cut()
            if faults.within("skew", passed):
                self.house.skew_ns = faults.skew_ns()

    def _beat(self) -> None:
        """Send each socket what it is due, and cut those that the venue gives up."""
        if self.dialect.beat is None:
            return
        for client in list(self.clients):
            for message in self.dialect.beat(self.house, client.channel):
                client.send(message)
            if client.channel.over:
                client.cut()

    # -- requests --------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        away = self._away_until_s > asyncio.get_running_loop().time()
        upgrades = headers.get("upgrade", "").lower() == "websocket"
        body = b"" if upgrades else await request.read()
        ask = Ask(request.method, path, query, headers, body)
        if away:
            return _response(self.dialect.outage(self.house, "503"))
        return await (self._socket(request, ask) if upgrades else self._rest(request, ask))

    async def _rest(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        faults = self.faults
        for kind, name in (("too_many", "429"), ("banned", "418"), ("outage", "503")):
            if faults.of(kind):
                return _response(self.dialect.outage(self.house, name))
        self.advance()
        reply = self.dialect.serve(self.house, ask)
        self.publish()
        acts = ask.method != "GET"
        if acts and faults.of("lost"):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if faults.of("slow"):
            await asyncio.sleep(faults.plan.slow_s)
        if acts and faults.of("unknown"):
            return _response(self.dialect.outage(self.house, "503?"))
        return _response(reply)

    async def _socket(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        self.advance()
        channel = self.dialect.connect(self.house, ask)
        if isinstance(channel, Reply):
            return _response(channel)
        socket = web.WebSocketResponse(
            heartbeat=self.dialect.ping_s or None, max_msg_size=_MESSAGE_BYTES_MAX
        )
        try:
            await socket.prepare(request)
        except ConnectionResetError:  # it has gone again
            return web.Response(status=400)
        client = Client(channel, socket, request)
        self.clients.append(client)
        self.opened += 1
        self._note_wanted()
        writer = asyncio.create_task(client.write(self.dialect.packed))
        try:
            for message in self.dialect.greet(self.house, channel):
                client.send(message)
            await self._listen(client)
        finally:
            self.clients.remove(client)
            self._note_wanted()
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _listen(self, client: Client) -> None:
        async for message in client.socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            data = message.data
            text = data.encode() if isinstance(data, str) else bytes(data)
            self.advance()
            for answer in self.dialect.heard(self.house, client.channel, text):
                client.send(answer)
            self._note_wanted()
            self.publish()
            if client.channel.over:
                words = client.channel.over.encode()
                await client.socket.close(code=WSCloseCode.POLICY_VIOLATION, message=words)
                return

    def _note_wanted(self) -> None:
        self._wanted = frozenset(
            topic for client in self.clients for topic in client.channel.topics
        )


def _complain(words: str) -> None:
    print(words, file=sys.stderr)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status,
        body=reply.body,
        headers={"Content-Type": "application/json;charset=UTF-8", **reply.headers},
    )
