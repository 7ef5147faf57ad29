"""A venue's own side without sockets: requests and messages by hand, time as we like."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from aggressor.run.local.local_venue import SYNTHETIC_LEAD_S, synthetic_feed
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.orders import AccountNews, OrderNews
from aggressor.venues.dialects import dialect_named
from aggressor.venues.served.dialect import Ask, Channel, House, Reply
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, Credentials
from tests.run.venue_stage import KEY, MONEY

BEGIN = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000


class Stage:
    """One venue, asked and heard directly."""

    def __init__(self, name: str, seed: int = 1) -> None:
        self.dialect = dialect_named(name)
        one = self.dialect.example
        exchange = LocalExchange(
            [one],
            [synthetic_feed(one, seed)],
            now=BEGIN,
            lead_ns=int(SYNTHETIC_LEAD_S * 1e9),
            deposit=100_000 * MONEY,
            costs=self.dialect.costs,
        )
        exchange.account.hedge = self.dialect.hedge
        self.house = House(exchange, KEY, self.dialect.limits)
        side = venue_named(name).trading
        assert side is not None
        self.side = side

    @property
    def lane(self) -> Any:
        return self.house.exchange.board.lanes[0]

    def get(self, path: str, query: str = "") -> Reply:
        return self.dialect.serve(self.house, Ask("GET", path, query, {}, b""))

    def ask(
        self, call: Call, key: Credentials = KEY, late_ms: int = 0, **headers: str
    ) -> tuple[Reply, Any]:
        signed = self.side.sign(call, key, self.house.now_ms - late_ms, "http://x")
        parts = urlsplit(signed.url)
        given = {name.lower(): value for name, value in signed.headers.items()} | headers
        ask = Ask(signed.method, parts.path, parts.query, given, signed.body)
        reply = self.dialect.serve(self.house, ask)
        return reply, msgspec.json.decode(reply.body) if reply.body else None

    def open(self, path: str, query: str = "", headers: dict[str, str] | None = None) -> Channel:
        ask = Ask("GET", path, query, headers or {}, b"")
        channel = self.dialect.connect(self.house, ask)
        assert isinstance(channel, Channel), channel
        return channel

    def say(self, channel: Channel, message: Any) -> list[Any]:
        text = message if isinstance(message, bytes) else msgspec.json.encode(message)
        return [msgspec.json.decode(x) for x in self.dialect.heard(self.house, channel, text)]

    def wait(self, seconds: float, channel: Channel) -> list[Any]:
        """Let time pass; return the frames of the channel's topics, in order."""
        frames: list[Any] = []
        wanted = frozenset(channel.topics)
        for _ in range(round(seconds / 0.05)):
            self.house.exchange.advance(self.house.exchange.now + SECOND_NS // 20)
            told = []
            for news in self.house.exchange.drain():
                if not isinstance(news, OrderNews | AccountNews):
                    told += self.dialect.tell(self.house, news, wanted)
            if self.dialect.paced is not None:
                told += self.dialect.paced(self.house, wanted)
            frames += [msgspec.json.decode(x.payload) for x in told if x.topic in wanted]
        return frames
