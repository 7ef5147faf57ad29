"""The life of one connection to a venue, without a socket: one table of states for all venues.

    CONNECTING -> LOGGING_IN -> SUBSCRIBING -> ALIGNING -> LIVE
         ^            |              |            |          |
         +---------- LOST <----------+------------+----------+

Whoever holds the socket says what happened (`opened`, `received`, `saw`, `aligned`, `closed`) and
when, and asks `due` what is to be done: messages to send, alarms to show, a reason to close.
Nothing here waits, and no clock is read.

Rules kept here for every venue: nothing is sent faster than the venue allows; a ping of the venue
is answered, ours goes out in time; a connection that has been silent for too long is given up; a
stream that was acknowledged and stays silent is named (a venue may acknowledge a stream on the
wrong address and then send nothing); a connection that the venue will cut at a known age is
replaced before that, by a second one beside it.
"""

from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

import msgspec

from aggressor.schema.event import KIND_NAMES

SECOND_NS = 1_000_000_000


class State(IntEnum):
    """Where a connection stands."""

    CONNECTING = 1
    LOGGING_IN = 2
    SUBSCRIBING = 3
    ALIGNING = 4
    LIVE = 5
    LOST = 6


MOVES: dict[State, tuple[State, ...]] = {
    State.CONNECTING: (State.LOGGING_IN, State.SUBSCRIBING, State.LOST),
    State.LOGGING_IN: (State.SUBSCRIBING, State.LOST),
    State.SUBSCRIBING: (State.ALIGNING, State.LIVE, State.LOST),
    State.ALIGNING: (State.LIVE, State.LOST),
    State.LIVE: (State.ALIGNING, State.LOST),
    State.LOST: (State.CONNECTING,),
}


class ControlKind(IntEnum):
    """What a message that is no market data says."""

    GREETING = 1
    LOGGED_IN = 2
    ACK = 3
    REFUSED = 4  # a subscription or the login
    PING = 5  # `reply` is what to answer
    PONG = 6
    OTHER = 7  # understood, nothing to do
    ENDED = 8  # the venue says that nothing more will come: open another connection


class Control(NamedTuple):
    """A message about the connection itself."""

    kind: ControlKind
    text: str = ""  # the venue's words, for a person
    reply: bytes = b""


class LinkRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue wants its connections treated."""

    ping: Callable[[int], bytes] | None = None  # our n-th ping; None: the venue pings, or nobody
    ping_every_ns: int = 20 * SECOND_NS
    silence_ns: int = 60 * SECOND_NS  # nothing at all for so long: the connection is dead
    lifetime_ns: int = 0  # the venue cuts at this age; 0 it says nothing of it
    messages_per_second: int = 5
    ack_within_ns: int = 10 * SECOND_NS
    login_within_ns: int = 10 * SECOND_NS


class Expected(NamedTuple):
    """A stream that must speak: EVENT kind, and how long it may be silent."""

    kind: int
    within_ns: int


class Due(NamedTuple):
    """What is to be done now."""

    send: tuple[bytes, ...] = ()
    alarms: tuple[str, ...] = ()
    close: str = ""  # why the connection is to be closed; "" keep it
    replace: bool = False  # open the successor now; close this one when the other is live


class Link:
    """One connection; `lanes` names the instruments (by EVENT.instrument) that it carries."""

    def __init__(
        self,
        rules: LinkRules,
        messages: Sequence[bytes],
        *,
        login: bytes = b"",
        lanes: dict[int, str] | None = None,
        expected: Sequence[Expected] = (),
        books: bool = False,
    ) -> None:
        """`messages` subscribe, one acknowledgement each; `books`: some of it must align first."""
        self.state = State.CONNECTING
        self.refusal = ""  # the last one of this connection
        self.silent: set[tuple[int, int]] = set()  # (lane, kind) that stay away
        self._rules = rules
        self._messages = tuple(messages)
        self._login = login
        self._lanes = lanes or {}
        self._expected = tuple(expected)
        self._books = books
        self._queue: deque[bytes] = deque()
        self._sent_ns: deque[int] = deque()
        self._waiting_acks = 0
        self._pings = 0
        self._opened_ns = self._heard_ns = self._pinged_ns = self._since_ns = 0
        self._seen: dict[tuple[int, int], int] = {}
        self._replaced = False
        self._ended = ""

    def opened(self, now: int) -> None:
        """The socket is open."""
        if self.state is State.LOST:
            self._move(State.CONNECTING, now)
        self._opened_ns = self._heard_ns = self._pinged_ns = now
        self._replaced = False
        self._ended = self.refusal = ""
        if self._login:
            self._move(State.LOGGING_IN, now)
            self._queue.append(self._login)
        else:
            self._subscribe(now)

    def closed(self, now: int) -> None:
        """The socket is gone, whoever closed it."""
        self._queue.clear()
        self._seen.clear()
        self.silent.clear()
        if self.state is not State.LOST:
            self._move(State.LOST, now)

    def heard(self, now: int) -> None:
        """Something was received, whatever it was."""
        self._heard_ns = now

    def received(self, control: Control, now: int) -> None:
        """A message about the connection itself came."""
        self._heard_ns = now
        kind = control.kind
        if kind is ControlKind.PING and control.reply:
            self._queue.appendleft(control.reply)
        elif kind is ControlKind.LOGGED_IN and self.state is State.LOGGING_IN:
            self._subscribe(now)
        elif kind is ControlKind.REFUSED:
            self.refusal = control.text or "no reason was given"
            self._acknowledged(now)
        elif kind is ControlKind.ACK:
            self._acknowledged(now)
        elif kind is ControlKind.ENDED:
            self._ended = control.text or "the venue ended the connection"

    def saw(self, lane: int, kind: int, now: int) -> None:
        """A row of this kind came for this instrument."""
        self._seen[lane, kind] = now
        self.silent.discard((lane, kind))

    def aligned(self, complete: bool, now: int) -> None:
        """All books of the connection are known, or some are not."""
        if complete and self.state is State.ALIGNING:
            self._move(State.LIVE, now)
        elif not complete and self.state is State.LIVE and self._books:
            self._move(State.ALIGNING, now)

    def ask(self, messages: Sequence[bytes]) -> None:
        """Send more, as the pace allows (a book is asked for again)."""
        self._queue.extend(messages)
        self._waiting_acks += len(messages)

    def due(self, now: int) -> Due:
        """Return what is to be done at `now`; call it often, at least ten times a second."""
        if self.state in (State.CONNECTING, State.LOST):
            return Due()
        rules = self._rules
        if self._ended:
            return Due(close=self._ended)
        if now - self._heard_ns > rules.silence_ns:
            return Due(close=f"nothing was received for {rules.silence_ns // SECOND_NS} s")
        if self.state is State.LOGGING_IN:
            if self.refusal:
                return Due(close=f"the login was refused: {self.refusal}")
            if now - self._since_ns > rules.login_within_ns:
                return Due(close="the login was not answered")
        if self.state is State.SUBSCRIBING and not self._queue:
            if now - self._since_ns > rules.ack_within_ns + self._pace_ns():
                return Due(close=f"{self._waiting_acks} subscriptions were not acknowledged")
        if rules.ping is not None and now - self._pinged_ns >= rules.ping_every_ns:
            self._pings += 1
            self._pinged_ns = now
            self._queue.appendleft(rules.ping(self._pings))
        replace = False
        if rules.lifetime_ns and not self._replaced:
            margin = min(rules.lifetime_ns // 20, 600 * SECOND_NS)
            replace = self._replaced = now - self._opened_ns > rules.lifetime_ns - margin
        return Due(self._paced(now), self._alarms(now), "", replace)

    def _subscribe(self, now: int) -> None:
        self._move(State.SUBSCRIBING, now)
        self._queue.extend(self._messages)
        self._waiting_acks = len(self._messages)
        if not self._messages:
            self._begin(now)

    def _acknowledged(self, now: int) -> None:
        self._waiting_acks = max(self._waiting_acks - 1, 0)
        if self._waiting_acks == 0 and self.state is State.SUBSCRIBING:
            self._begin(now)

    def _begin(self, now: int) -> None:
        self._move(State.ALIGNING if self._books else State.LIVE, now)
        for lane in self._lanes:
            for one in self._expected:
                self._seen.setdefault((lane, one.kind), now)

    def _move(self, to: State, now: int) -> None:
        assert to in MOVES[self.state], f"no way from {self.state.name} to {to.name}"
        self.state = to
        self._since_ns = now

    def _pace_ns(self) -> int:
        return len(self._messages) * SECOND_NS // self._rules.messages_per_second

    def _paced(self, now: int) -> tuple[bytes, ...]:
        """Take from the queue what the venue allows within this second."""
        while self._sent_ns and now - self._sent_ns[0] >= SECOND_NS:
            self._sent_ns.popleft()
        room = self._rules.messages_per_second - len(self._sent_ns)
        send = [self._queue.popleft() for _ in range(min(room, len(self._queue)))]
        self._sent_ns.extend(now for _ in send)
        return tuple(send)

    def _alarms(self, now: int) -> tuple[str, ...]:
        """Name the streams that have just been silent for too long."""
        if self.state not in (State.ALIGNING, State.LIVE):
            return ()
        alarms = []
        for lane, symbol in self._lanes.items():
            for one in self._expected:
                key = (lane, one.kind)
                quiet = now - self._seen.get(key, now)
                if quiet > one.within_ns and key not in self.silent:
                    self.silent.add(key)
                    alarms.append(_silence(symbol, one.kind, quiet))
        return tuple(alarms)


def _silence(symbol: str, kind: int, quiet_ns: int) -> str:
    return f"{symbol}: {KIND_NAMES[kind]}s are subscribed but silent for {quiet_ns // SECOND_NS} s"
