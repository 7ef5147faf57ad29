"""A desk over the made market, and a browser without a socket, for the tests of the desk."""

import math
from collections.abc import Callable
from typing import Any

from aggressor.run.assemble import Settings
from aggressor.run.desk.course import Course, Market
from aggressor.run.desk.desk import Desk
from aggressor.store.replay import replay_of
from aggressor.web.commands import read_command
from aggressor.web.hub import Reader
from aggressor.web.protocol import Kind, read_frames, read_json
from aggressor.web.server import Visitor
from tests.made import made

SECOND = 10**9
SETTINGS = Settings(strategy="", profile="micro", equity=1_000_000.0)


def market() -> Market:
    """Return the made market as one that can be begun again; it opens at its second minute."""
    one = made()
    first, last = int(one.events["ts_recv"][0]), int(one.events["ts_recv"][-1])
    return Market(
        mode="replay",
        title="made",
        instruments=(one.instrument,),
        feed=lambda: (replay_of([one.events]), lambda: ()),
        span_ns=(first, last),
        opens_ns=first + 60 * SECOND,
    )


class Browser:
    """What a browser would see and say, without a socket."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.visitor = Visitor(desk.hub.join(lambda: None))
        self.heard: list[tuple[Any, bytes]] = []

    @property
    def reader(self) -> Reader:
        return self.visitor.reader

    def look(self) -> None:
        while message := self.reader.take():
            self.heard += read_frames(message)

    def say(self, text: str) -> dict[str, Any]:
        return self.desk.do(self.visitor, read_command(text))

    def told(self, kind: Kind) -> list[Any]:
        self.look()
        return [read_json(head, body) for head, body in self.heard if head.kind is kind]

    def reports(self) -> list[Any]:
        return [one for told in self.told(Kind.REPORT) for one in told]

    def account(self) -> dict[str, Any]:
        self.desk.course.picture.account(0.0, always=True)
        return self.told(Kind.ACCOUNT)[-1]


def arrived(desk: Desk) -> Desk:
    while desk.time.seeking_ns is not None:
        desk.turn(0.0)
    return desk


def go(desk: Desk, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let the market run, following what the desk has begun."""
    stop = desk.course.now_ns + int(seconds * SECOND)
    while desk.course.now_ns < stop and not until():
        desk.course.run_to(desk.course.now_ns + SECOND // 10, math.inf)
        desk.turn(0.0)


def order(side: int, lots: int = 5, **more: Any) -> str:
    fields = {"do": "order", "lane": 0, "side": side, "lots": lots} | more
    return str(fields).replace("'", '"').replace("True", "true")


def touch(desk: Desk) -> tuple[int, int]:
    head = desk.course.engine.pipeline.market.book.head[0]
    return int(head["bid"]), int(head["ask"])


def state_of(course: Course) -> list[bytes]:
    """Return what an engine knows, as bytes."""
    pipe = course.engine.pipeline
    return [
        pipe.market.book.head.tobytes(),
        pipe.market.ledger.sides.tobytes(),
        pipe.footprint.head.tobytes(),
        pipe.session.rows.tobytes(),
        repr(pipe.walls.walls.tolist()).encode(),  # its rows have bytes that nobody writes
        pipe.outbox.head["written"].tobytes(),
    ]
