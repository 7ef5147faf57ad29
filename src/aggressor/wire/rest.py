"""Requests: each with a deadline, counted against the venue's limits before it leaves.

A limit holds in every window, wherever it begins: what left is remembered until its window is over.
(A bucket that leaks lets a full burst and a window's worth behind it leave, twice what is allowed.)
When the venue says that we are too fast (429, or 418 for a ban) everything to its address waits as
long as it says, at least a second; asking on would prolong the ban.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
from yarl import URL

from aggressor.schema.errors import MessageError

BODY_BYTES_MAX = 64 << 20
_BAN_S = 120.0  # the shortest ban of any venue, where it does not say how long
_JITTER_S = 0.1  # what leaves a window apart may arrive closer together
_SLOW = 429
_BANNED = 418


class Response(NamedTuple):
    """An answer over HTTP, whatever its status."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


class _Window:
    """So much weight in any window of so many seconds, first come first served."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s + _JITTER_S
        self._gone: deque[tuple[float, int]] = deque()  # when, weight
        self._used = 0
        self._turn = asyncio.Lock()

    async def take(self, weight: int) -> None:
        """Wait until the weight may leave; what is above the whole limit counts as all of it."""
        loop = asyncio.get_running_loop()
        weight = min(weight, self._most)
        async with self._turn:
            while True:
                now = loop.time()
                while self._gone and now - self._gone[0][0] >= self._window_s:
                    self._used -= self._gone.popleft()[1]
                if self._used + weight <= self._most:
                    self._gone.append((now, weight))
                    self._used += weight
                    return
                await asyncio.sleep(self._gone[0][0] + self._window_s - now)


class Limits:
    """The limits of one venue's addresses: group -> (weight, window in ns)."""

    def __init__(self, groups: Mapping[str, tuple[int, int]]) -> None:
        self._windows = {
            group: _Window(weight, window_ns / 1e9) for group, (weight, window_ns) in groups.items()
        }
        self._until = 0.0

    async def take(self, group: str, weight: int) -> None:
        """Wait until so much may leave."""
        loop = asyncio.get_running_loop()
        while (ahead := self._until - loop.time()) > 0:
            await asyncio.sleep(ahead)
        window = self._windows.get(group)
        if window is not None and weight > 0:
            await window.take(weight)

    def stay_away(self, seconds: float) -> None:
        """Let nothing leave for so long."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    @property
    def paused_s(self) -> float:
        """How long nothing will leave yet."""
        return max(0.0, self._until - asyncio.get_running_loop().time())


class Rest:
    """One client for all venues; use as `async with Rest() as rest`."""

    def __init__(self, trusted: ssl.SSLContext | None = None) -> None:
        self._trusted = trusted
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Rest":
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, ssl=self._trusted or True),
            headers={"User-Agent": "aggressor"},
            auto_decompress=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        limits: Limits | None = None,
        group: str = "",
        weight: int = 1,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        deadline_s: float = 10.0,
    ) -> Response:
        """Send one request and return its answer.

        The deadline counts from when the request leaves. Raises TimeoutError or OSError: what
        became of the request is then unknown. Raises MessageError for a body beyond the limit.
        """
        assert self._session is not None, "use `async with Rest()`"
        if limits is not None:
            await limits.take(group, weight)
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session.request(
                    method, _as_is(url), data=body or None, headers=dict(headers or {})
                ) as answer,
            ):
                content = await self._read(answer, url)
        except aiohttp.ClientError as trouble:
            raise ConnectionError(f"{method} {_bare(url)}: {trouble}") from trouble
        found = {name.lower(): value for name, value in answer.headers.items()}
        if limits is not None and answer.status in (_SLOW, _BANNED):
            limits.stay_away(_told_to_wait(found, answer.status))
        return Response(answer.status, found, content)

    async def _read(self, answer: aiohttp.ClientResponse, url: str) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_chunked(1 << 16):
            size += len(chunk)
            if size > BODY_BYTES_MAX:
                raise MessageError(
                    f"The answer of {_bare(url)} is over the limit of {BODY_BYTES_MAX} bytes - it "
                    "is no answer of this venue; check the address."
                )
            chunks.append(chunk)
        return b"".join(chunks)


def _as_is(url: str) -> URL:
    return URL(url, encoded=True)  # a signed query must not be written anew


def _bare(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    return url.partition("?")[0]


def _told_to_wait(headers: Mapping[str, str], status: int) -> float:
    said = headers.get("retry-after", "")
    if said.isdigit():
        return max(1.0, float(said))
    return _BAN_S if status == _BANNED else 1.0
