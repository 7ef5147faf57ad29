"""The hub: frames go in once, every reader takes them at its own pace, nobody waits for anybody.

    publish   a frame of a kind and lane joins its stream; the stream keeps so many, or the newest
    join      a reader with a place of its own in every stream
    take      what lies behind a reader's place, as one message of bounded size

A stream that keeps history is a ring: when a reader falls so far behind that frames it has not
taken are gone, it is told how many (MISSED) and goes on from the oldest that is there; a HEAT
stream is then joined at a column that names the whole book. What is kept in the newest only is
skipped in silence: that is its meaning. Memory is bounded by the rings, whatever readers do.

`restart` voids everything: streams are emptied, the epoch counts up, and every reader is sent RESET
and HELLO first. The hub knows no socket and no clock.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aggressor.schema.event import NO_TIME
from aggressor.web.protocol import KEY, WHOLE_DESK, Kind, frame, json_frame, number_of, stamp

RINGS: Mapping[Kind, int] = {
    Kind.HEAT: 6_000,
    Kind.PRINTS: 6_000,
    Kind.ORDERS: 6_000,
    Kind.FORCED: 2_000,
    Kind.BAR: 500,
    Kind.SIGNAL: 2_000,
    Kind.CURVE: 14_400,
    Kind.LABEL: 1_000,
    Kind.REPORT: 2_000,
    Kind.NOTICE: 200,
}
Kept = Mapping["Stream", tuple[Sequence[bytes], int]]  # history of streams, and what comes next
URGENT = frozenset({Kind.SIGNAL, Kind.REPORT})  # do not wait for the next picture's turn
MESSAGE_BYTES = 1 << 20  # a message is not begun further beyond this
_FLAGS_AT = 3


class Stream(NamedTuple):
    """Frames of one kind and lane; `open`: of a record that is not over and is sent again."""

    kind: Kind
    lane: int
    open: bool = False


class Ring:
    """The last frames of one kind and lane, numbered from 0; `size` of them are kept."""

    def __init__(self, size: int) -> None:
        self.frames: deque[bytes] = deque(maxlen=size)
        self.next = 0  # number of the next frame

    @property
    def first(self) -> int:
        """Number of the oldest frame that is kept."""
        return self.next - len(self.frames)

    def first_key(self, number: int) -> int:
        """Return the number of the first KEY frame at or behind one; `next` where none is."""
        for n in range(max(number, self.first), self.next):
            if self.frames[n - self.first][_FLAGS_AT] & KEY:
                return n
        return self.next


def _no_hurry() -> None:
    """Leave urgent things to `wake`."""


class Reader:
    """One browser's places in the streams."""

    def __init__(
        self, hub: "Hub", wake: Callable[[], None], hurry: Callable[[], None] | None = None
    ) -> None:
        """`wake`: there is something to take; `hurry`: and it does not wait for other things."""
        self.lanes: list[int] = [0]
        self.wake = wake
        self.hurry = hurry or _no_hurry
        self.private: deque[bytes] = deque()  # answers, in front of everything else
        self.sent_frames = 0
        self.missed = 0
        self._hub = hub
        self._places: dict[Stream, int] = {}
        self._epoch = -1
        self._due: set[int] = set()  # lanes whose history it is still being sent

    def answer(self, content: Any) -> None:
        """Send something to this reader alone."""
        self.private.append(bytes(json_frame(Kind.ANSWER, WHOLE_DESK, NO_TIME, content)))
        self.wake()
        self.hurry()

    def watch(self, lanes: Iterable[int]) -> None:
        """Be sent these lanes from now on, those that are new with their history first."""
        wanted = list(dict.fromkeys(lanes))
        fresh = [k for k in wanted if k not in self.lanes]
        self.lanes = wanted
        self._due.update(fresh)
        for stream in [one for one in self._places if one.lane in fresh]:
            del self._places[stream]
        self.wake()

    def begin_again(self) -> None:
        """Be greeted with the next message, in the epoch that is the same."""
        self._epoch = -1

    def take(self) -> bytes:
        """Return the next message: frames behind this reader's places; empty: there are none."""
        parts: list[bytes] = []
        room = MESSAGE_BYTES
        while self.private:
            parts.append(self.private.popleft())
        if self._epoch != self._hub.epoch and self._hub.hello:
            parts += self._begin()
        for stream in self._hub.streams(self.lanes):
            if room <= 0:
                break
            room -= self._collect(stream, parts, room)
        if room > 0 and self._due:
            for k in sorted(self._due):
                caught = frame(Kind.CAUGHT_UP, k, self._hub.now_ns)
                stamp(caught, 0, self._hub.epoch)
                parts.append(bytes(caught))
            self._due.clear()
        self.sent_frames += len(parts)
        return b"".join(parts)

    def _begin(self) -> list[bytes]:
        """Stand before everything of the epoch in hand."""
        began = [] if self._epoch < 0 else [self._hub.reset]
        if began:
            self._places.clear()
        self._epoch = self._hub.epoch
        self._due = set(self.lanes)
        return [*began, self._hub.hello]

    def _collect(self, stream: Stream, parts: list[bytes], room: int) -> int:
        """Add what lies behind the place in one stream; return the bytes."""
        ring = self._hub.rings[stream]
        place = self._places.get(stream)
        first = ring.first
        if place is None:
            place = ring.first_key(first) if stream.kind is Kind.HEAT else first
        elif place < first:
            found = ring.first_key(first) if stream.kind is Kind.HEAT else first
            if ring.frames.maxlen != 1:
                parts.append(self._hub.missed(stream, found - place))
                self.missed += found - place
            place = found
        used = 0
        while place < ring.next and used < room:
            one = ring.frames[place - first]
            parts.append(one)
            used += len(one)
            place += 1
        self._places[stream] = place
        return used


class Hub:
    """See the module text."""

    def __init__(self, rings: Mapping[Kind, int] = RINGS) -> None:
        self.rings: dict[Stream, Ring] = {}
        self.readers: list[Reader] = []
        self.epoch = 0
        self.now_ns = NO_TIME
        self.hurried = False  # something urgent was published since readers were woken
        self.hello = b""
        self.reset = b""
        self.sizes = dict(rings)
        self._order: list[Stream] = []

    def greet(self, content: Any) -> None:
        """Set what every reader of this epoch is told first."""
        made = json_frame(Kind.HELLO, WHOLE_DESK, NO_TIME, content)
        stamp(made, 0, self.epoch)
        self.hello = bytes(made)

    def restart(self, why: str, content: Any) -> None:
        """Void everything that came before; `content` is the new HELLO."""
        self.epoch += 1
        self.now_ns = NO_TIME
        self.rings.clear()
        self._order.clear()
        made = json_frame(Kind.RESET, WHOLE_DESK, NO_TIME, {"why": why})
        stamp(made, 0, self.epoch)
        self.reset = bytes(made)
        self.greet(content)
        self.wake()

    def adopt(self, other: "Hub") -> None:
        """Go on with what another hub of the same epoch was given, before anything was here."""
        assert other.epoch == self.epoch, "a hub of another epoch"
        assert not other.readers, "readers belong to the hub they joined"
        said = self.rings
        self.rings, self.hello, self.now_ns = other.rings, other.hello, other.now_ns
        for stream, ring in said.items():
            self.rings.setdefault(stream, ring)
        self._order = sorted(self.rings, key=_rank)
        for reader in self.readers:
            reader.begin_again()
        self.wake()

    def kept(self, without: Sequence[Kind] = ()) -> Kept:
        """Return the history of this epoch, but for notices and what is kept in the newest only."""
        left_out = {*without, Kind.NOTICE}
        return {
            stream: (tuple(ring.frames), ring.next)
            for stream, ring in self.rings.items()
            if stream.kind in RINGS and stream.kind not in left_out and not stream.open
        }

    def refill(self, kept: Kept) -> None:
        """Let a history of another epoch be that of this one, in which nothing was told yet."""
        assert not self.rings, "history comes first"
        for stream, (frames, following) in kept.items():
            ring = self.rings[stream] = Ring(self.sizes.get(stream.kind, 1))
            for one in frames:
                made = bytearray(one)
                stamp(made, number_of(made), self.epoch)
                ring.frames.append(bytes(made))
            ring.next = following
        self._order = sorted(self.rings, key=_rank)

    def publish(self, made: bytearray, *, number: int | None = None) -> None:
        """Add a frame to its stream; `number`: of an open record, whose newest alone is kept."""
        stream = Stream(Kind(made[1]), made[2], number is not None)
        ring = self.rings.get(stream)
        if ring is None:
            keeps = 1 if stream.open else self.sizes.get(stream.kind, 1)
            ring = self.rings[stream] = Ring(keeps)
            self._order = sorted(self.rings, key=_rank)
        stamp(made, ring.next if number is None else number, self.epoch)
        ring.frames.append(bytes(made))
        ring.next += 1
        self.hurried |= stream.kind in URGENT

    def wake(self) -> None:
        """Let every reader look for what is new, at once where something urgent is."""
        hurried, self.hurried = self.hurried, False
        for reader in self.readers:
            reader.wake()
            if hurried:
                reader.hurry()

    def streams(self, lanes: Iterable[int]) -> list[Stream]:
        """Return the streams of these lanes and of the whole desk, in the order they are sent."""
        wanted = {*lanes, WHOLE_DESK}
        return [one for one in self._order if one.lane in wanted]

    def missed(self, stream: Stream, count: int) -> bytes:
        """Return the frame that says how many of a stream a reader has not been sent."""
        made = frame(Kind.MISSED, stream.lane, self.now_ns, count=count, aux=int(stream.kind))
        stamp(made, 0, self.epoch)
        return bytes(made)

    def join(self, wake: Callable[[], None], hurry: Callable[[], None] | None = None) -> Reader:
        """Return a new reader, before everything that is kept."""
        reader = Reader(self, wake, hurry)
        self.readers.append(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget a reader."""
        self.readers.remove(reader)


_SMALL_FIRST = (Kind.LABEL, Kind.NOTICE, Kind.REPORT, Kind.SIGNAL, Kind.BAR, Kind.CURVE)


def _rank(stream: Stream) -> tuple[int, int, bool]:
    """Return where a stream comes in a message: what is small and newest before long history."""
    if stream.kind not in RINGS:
        return 0, stream.lane, stream.open
    known = stream.kind in _SMALL_FIRST
    place = _SMALL_FIRST.index(stream.kind) if known else len(_SMALL_FIRST)
    return 1 + place, stream.lane, stream.open
