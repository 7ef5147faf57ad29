"""Telling a person of signals, fills, risk and lost data, by what `apprise` can reach.

Each kind has its own allowance within a sliding minute; what goes beyond it is counted and said
with the next message of that kind. Sending happens in a thread of its own, so a slow or dead
service never holds up trading, and what could not be sent is said on the screen.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from aggressor.schema.errors import ConfigError

_WINDOW_S = 60.0
_WAITING_MAX = 200


class Kind(StrEnum):
    """What a message is about."""

    SIGNAL = "signal"
    FILL = "fill"
    RISK = "risk"
    DATA = "data loss"


ALLOWED: Mapping[Kind, int] = {Kind.SIGNAL: 6, Kind.FILL: 20, Kind.RISK: 30, Kind.DATA: 6}
"""Messages of a kind within a minute."""


class Message(NamedTuple):
    """One message as it is sent."""

    title: str
    text: str


Send = Callable[[Message], bool]


class Alerts:
    """Messages on their way to a person."""

    def __init__(
        self,
        send: Send,
        now_s: Callable[[], float],
        kinds: Sequence[Kind] = tuple(Kind),
        allowed: Mapping[Kind, int] = ALLOWED,
    ) -> None:
        """`now_s`: a monotonic clock in seconds; `kinds`: those that are sent at all."""
        self.sent = 0
        self.failed = 0
        self.held_back = 0
        self._send = send
        self._now_s = now_s
        self._kinds = frozenset(kinds)
        self._allowed = allowed
        self._times: dict[Kind, deque[float]] = {kind: deque() for kind in Kind}
        self._missed: dict[Kind, int] = dict.fromkeys(Kind, 0)
        self._waiting: deque[Message] = deque(maxlen=_WAITING_MAX)
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()  # of who sends: the end waits for what is on its way

    def tell(self, kind: Kind, words: str) -> None:
        """Send words, unless too many of the kind were sent within the last minute."""
        if kind not in self._kinds:
            return
        now, times = self._now_s(), self._times[kind]
        while times and times[0] <= now - _WINDOW_S:
            times.popleft()
        if len(times) >= self._allowed[kind]:
            self._missed[kind] += 1
            self.held_back += 1
            return
        times.append(now)
        missed, self._missed[kind] = self._missed[kind], 0
        text = f"{words} (and {missed} more that were held back)" if missed else words
        self._waiting.append(Message(f"aggressor: {kind.value}", text))
        self._woken.set()

    async def run(self, notice: Callable[[str], None]) -> None:
        """Send what waits, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self.flush(notice)

    async def flush(self, notice: Callable[[str], None]) -> None:
        """Send what waits now; return when that and what was on its way has been sent."""
        async with self._turn:
            while self._waiting:
                message = self._waiting.popleft()
                if await asyncio.to_thread(self._send, message):
                    self.sent += 1
                else:
                    self.failed += 1
                    notice(f"an alert could not be sent: {message.text}")


def apprise_sender(addresses: Sequence[str]) -> Send:
    """Return what sends to services by their addresses, as apprise writes them.

    Raises ConfigError where the library is not installed or an address is none of its.
    """
    try:
        import apprise  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError:
        raise ConfigError(
            "Alerts need the library apprise: install aggressor with the extra `alerts`, as "
            "`pip install aggressor[alerts]`."
        ) from None
    services = apprise.Apprise()
    for number, address in enumerate(addresses, 1):
        if not services.add(address):
            raise ConfigError(
                f"Alert address {number} ({address.partition(':')[0]}:...) is none that apprise "
                "knows: write it as in its wiki, for example tgram://TOKEN/CHAT, discord://ID/TOKEN,"
                " json://HOST/PATH."
            )

    def send(message: Message) -> bool:
        return bool(services.notify(body=message.text, title=message.title))

    return send
