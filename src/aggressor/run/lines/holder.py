"""One connection held open: connect, serve, connect again; replaced before the venue cuts it.

Between two connections of the same streams nothing is lost where the second one is ready before the
first is let go: what comes twice is dropped by the decoder, which knows the venue's ids.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

from aggressor.run.stopping import wait_within
from aggressor.schema.errors import AggressorError
from aggressor.venues.session import Control, ControlKind, Link, State
from aggressor.wire.backoff import Backoff
from aggressor.wire.websocket import Socket, open_socket

_TICK_S = 0.05
_SETTLED_NS = 60_000_000_000  # a connection that held for so long begins its waits anew
_FRESH_NS = 5_000_000_000

OnFrame = Callable[[Link, bytes, int], None]


class Door(NamedTuple):
    """Where to connect to, once: the keys in it may hold for one connection only."""

    address: str
    headers: dict[str, str]
    link: Link


class Holder:
    """Keeps one subscription connected."""

    def __init__(
        self,
        address: str,
        new_link: Callable[[], Link],
        now: Callable[[], int],
        on_frame: OnFrame,
        on_lost: Callable[[str, int], None],
        notice: Callable[[str], None],
        *,
        deflate: bool = False,
        books: bool = False,
        named: bytes = b"",
        headers: dict[str, str] | None = None,
        door: Callable[[], Awaitable[Door]] | None = None,
        longest_wait_s: float = 30.0,
    ) -> None:
        """`named` is what was subscribed, in lower case; `on_lost` is told why and when.

        `door` is asked before each connection where it is not always the same; it may raise
        OSError, TimeoutError or AggressorError.
        """
        self.link = new_link()
        self._address = address
        self._new_link = new_link
        self._now = now
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._notice = notice
        self._deflate = deflate
        self._books = books
        self._named = named
        self._headers = headers
        self._door = door
        self._longest_wait_s = longest_wait_s
        self._opened_ns = 0

    def carries_book(self, symbol: str) -> bool:
        """Say whether this connection brings the book of a symbol."""
        return self._books and symbol.lower().encode() in self._named

    def is_fresh(self, now: int) -> bool:
        """Say whether the first snapshot of the stream may still be on its way."""
        return now - self._opened_ns < _FRESH_NS

    def renew(self, why: str) -> None:
        """Give the connection up and open another."""
        self.link.received(Control(ControlKind.ENDED, why), self._now())

    async def run(self) -> None:
        """Connect, hold, connect again, until cancelled."""
        wait = Backoff(cap_s=self._longest_wait_s)
        while True:
            began = self._now()
            why = await self._hold()
            now = self._now()
            self.link.closed(now)
            self._on_lost(why, now)
            if now - began > _SETTLED_NS:
                wait.worked()
            await asyncio.sleep(wait.failed())

    async def _hold(self) -> str:
        """Open a connection and hold it and its successors; return why the last one ended."""
        try:
            current = await self._open(self.link)
        except (OSError, TimeoutError, AggressorError) as trouble:
            return f"{self._address}: {trouble or 'no answer in time'}"
        self.link = current.link
        successor: _Open | None = None
        try:
            while True:
                await current.wait(_TICK_S)
                now = self._now()
                replace = not current.over and current.serve(now)
                if replace:
                    with suppress(OSError, TimeoutError, AggressorError):
                        successor = await self._open(self._new_link())
                if successor is not None and not successor.over:
                    successor.serve(now)
                    if successor.is_ready or current.over:
                        current.socket.close()
                        current, successor = successor, None
                        self.link = current.link
                elif current.over:
                    return current.why
        finally:
            current.socket.close()
            if successor is not None:
                successor.socket.close()

    async def _open(self, link: Link) -> "_Open":
        address, headers = self._address, self._headers
        if self._door is not None:
            address, headers, link = await self._door()
        connection = _Open(link, self._notice)
        connection.socket = await open_socket(
            address,
            lambda frame, ts_recv: self._on_frame(link, frame, ts_recv),
            connection.closed,
            self._now,
            headers=headers,
            deflate=self._deflate,
        )
        self._opened_ns = self._now()
        link.opened(self._opened_ns)
        connection.serve(self._opened_ns)
        return connection


class _Open:
    """A connection that stands: its socket and its link."""

    socket: Socket

    def __init__(self, link: Link, notice: Callable[[str], None]) -> None:
        self.link = link
        self.why = ""
        self._notice = notice
        self._over = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether the connection has ended."""
        return self._over.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether everything is subscribed; the books are known from the connection before it."""
        return self.link.state in (State.ALIGNING, State.LIVE)

    def closed(self, why: str) -> None:
        """The socket is gone."""
        self.why = self.why or why
        self._over.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it is over, but no longer than that."""
        await wait_within(self._over, seconds)

    def serve(self, now: int) -> bool:
        """Do what is due; return whether a successor is to be opened."""
        due = self.link.due(now)
        for message in due.send:
            self.socket.send(message)
        for alarm in due.alarms:
            self._notice(alarm)
        if due.close and not self.why:
            self.why = due.close
            self.socket.close()
        return due.replace
