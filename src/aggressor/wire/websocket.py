"""One web socket behind a small interface: picows, or aiohttp where the venue forces deflate.

picows hands out frames as they are parsed, without a task or a copy in between; it knows no
permessage-deflate. Both joins of fragments and the limit on a message's size are kept here, so that
whoever listens gets whole messages, each with the time at which its last byte was parsed.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

MESSAGE_BYTES_MAX = 8 << 20
CONNECT_S = 10.0

OnMessage = Callable[[bytes, int], None]  # message, receive time in ns
OnClose = Callable[[str], None]  # why


class Socket(Protocol):
    """An open connection."""

    def send(self, message: bytes) -> None:
        """Send one text message."""
        ...

    def close(self) -> None:
        """Close; `on_close` is called when it is done."""
        ...


async def open_socket(
    address: str,
    on_message: OnMessage,
    on_close: OnClose,
    now: Callable[[], int],
    *,
    headers: Mapping[str, str] | None = None,
    deflate: bool = False,
    trusted: ssl.SSLContext | None = None,
) -> Socket:
    """Open a connection; `on_close` is called once, however it ends.

    Raises OSError (also for a refused handshake) or TimeoutError.
    """
    if deflate:
        return await _open_deflating(address, on_message, on_close, now, headers, trusted)
    try:
        async with asyncio.timeout(CONNECT_S + 1.0):
            _, listener = await ws_connect(
                lambda: _Listener(on_message, on_close, now),
                address,
                ssl_context=trusted,
                max_frame_size=MESSAGE_BYTES_MAX,
                extra_headers=dict(headers or {}),
                websocket_handshake_timeout=CONNECT_S,
            )
    except (TimeoutError, OSError):
        raise
    except Exception as trouble:  # picows has errors of its own for each way of failing
        raise ConnectionError(f"{address}: {trouble}") from trouble
    assert isinstance(listener, _Listener), "the listener is ours"
    return listener


class _Listener(WSListener):
    """A picows connection."""

    def __init__(self, on_message: OnMessage, on_close: OnClose, now: Callable[[], int]) -> None:
        super().__init__()
        self._on_message = on_message
        self._on_close = on_close
        self._now = now
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._why = "the venue closed the connection"

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            payload = frame.get_payload_as_bytes()
            if frame.fin and not self._parts:
                self._on_message(payload, self._now())
                return
            self._size += len(payload)
            if self._size > MESSAGE_BYTES_MAX:
                self._why = f"a message is over the limit of {MESSAGE_BYTES_MAX} bytes"
                transport.disconnect(graceful=False)
                return
            self._parts.append(payload)
            if frame.fin:
                whole = b"".join(self._parts)
                self._parts, self._size = [], 0
                self._on_message(whole, self._now())
        elif kind == WSMsgType.CLOSE:
            code = frame.get_close_code()
            words = frame.get_close_message() or b""
            text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
            self._why = f"closed by the venue with code {code} {text}".rstrip()
            transport.send_close()
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._transport = None
        self._on_close(self._why)

    def send(self, message: bytes) -> None:
        """Send one text message; nothing where the connection is gone."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, message)

    def close(self) -> None:
        """Close; `on_close` is called when it is done."""
        self._why = "closed by us"
        if self._transport is not None:
            self._transport.send_close()
            self._transport.disconnect(graceful=False)


async def _open_deflating(
    address: str,
    on_message: OnMessage,
    on_close: OnClose,
    now: Callable[[], int],
    headers: Mapping[str, str] | None,
    trusted: ssl.SSLContext | None,
) -> Socket:
    session = aiohttp.ClientSession()
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(
                address,
                headers=dict(headers or {}),
                compress=15,
                max_msg_size=MESSAGE_BYTES_MAX,
                autoping=True,
                ssl=trusted or True,
            )
    except aiohttp.ClientError as trouble:
        await session.close()
        raise ConnectionError(f"{address}: {trouble}") from trouble
    except BaseException:
        await session.close()
        raise
    return _Deflating(session, socket, on_message, on_close, now)


class _Deflating:
    """An aiohttp connection with permessage-deflate."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket: aiohttp.ClientWebSocketResponse,
        on_message: OnMessage,
        on_close: OnClose,
        now: Callable[[], int],
    ) -> None:
        self._session = session
        self._socket = socket
        self._sending: asyncio.Queue[bytes] = asyncio.Queue()
        self._why = "the venue closed the connection"
        self._reader = asyncio.create_task(self._read(on_message, on_close, now))
        self._writer = asyncio.create_task(self._write())

    async def _read(self, on_message: OnMessage, on_close: OnClose, now: Callable[[], int]) -> None:
        try:
            async for message in self._socket:
                data = message.data
                if message.type == aiohttp.WSMsgType.TEXT:
                    on_message(data.encode(), now())
                elif message.type == aiohttp.WSMsgType.BINARY:
                    on_message(data, now())
                elif message.type == aiohttp.WSMsgType.ERROR:
                    self._why = f"the connection broke: {self._socket.exception()}"
        finally:
            self._writer.cancel()
            await self._session.close()
            on_close(self._why)

    async def _write(self) -> None:
        while True:
            await self._socket.send_str((await self._sending.get()).decode())

    def send(self, message: bytes) -> None:
        """Send one text message."""
        self._sending.put_nowait(message)

    def close(self) -> None:
        """Close; `on_close` is called when it is done."""
        self._why = "closed by us"
        self._reader.cancel()
