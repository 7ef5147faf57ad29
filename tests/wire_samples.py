"""Binance-like recordings of a small made-up market, for tests of importing: lines `<ns> <json>`.

One seeded random walk of an order book per symbol. Depth messages carry ids in the manner of their
venue, quotes stand at every change of the best prices under the id at which it changed, so that the
book built from depth alone must equal the quote wherever both name the same id.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

START_NS = 1_723_161_000_000_000_000  # 2024-08-08 23:50:00 UTC
STEP_NS = 100_000_000


@dataclass
class Market:
    """A made-up market of one symbol; call `lines` again for the recording that follows."""

    venue: str = "binance-usdm"
    symbol: str = "BTCUSDT"
    tick: Decimal = Decimal("0.1")
    lot: Decimal = Decimal("0.001")
    seed: int = 1
    now_ns: int = START_NS
    clock_ns: int = 0  # what the recording host's clock is wrong by
    u: int = 1000
    last_depth_u: int = 1000
    trade_id: int = 50
    trades: int = 0
    level_changes: int = 0
    shared_ids: int = 0
    book: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {}, -1: {}})

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        for distance in range(1, 40):
            self.book[1][10_000 - distance] = 5 + distance
            self.book[-1][10_000 + distance] = 6 + distance

    def price(self, ticks: int) -> str:
        return str(ticks * self.tick)

    def size(self, lots: int) -> str:
        return str(lots * self.lot)

    def lines(self, steps: int, snapshot_at: int | None = 3) -> list[bytes]:
        """Return the lines of `steps` intervals; the snapshot stands behind the given one."""
        out: list[bytes] = []
        for step in range(steps):
            out += self._interval()
            if step == snapshot_at:
                out.append(self._line(self._snapshot()))
        return out

    def _interval(self) -> list[bytes]:
        """Some changes of the book with their quotes, a trade, then the depth message."""
        out: list[bytes] = []
        first_u = self.u + 1
        changed: dict[tuple[int, int], int] = {}
        for _ in range(int(self._random.integers(1, 6))):
            self.u += 1
            before = self._best()
            self._change(changed)
            if self._best() != before:
                out.append(self._line(self._quote()))
        quoted = bool(out) and f'"u":{self.u},' in out[-1].decode()
        self.shared_ids += quoted
        if self._random.random() < 0.7:
            out.append(self._line(self._trade()))
        out.append(self._line(self._depth(first_u, changed)))
        return out

    def _best(self) -> tuple[int, int, int, int]:
        bid, ask = max(self.book[1]), min(self.book[-1])
        return bid, self.book[1][bid], ask, self.book[-1][ask]

    def _change(self, changed: dict[tuple[int, int], int]) -> None:
        side = int(self._random.choice([-1, 1]))
        bid, _, ask, _ = self._best()
        distance = int(self._random.integers(0, 12))
        price = (bid - distance + 1) if side == 1 else (ask + distance - 1)
        if (price >= ask) if side == 1 else (price <= bid):
            price = bid if side == 1 else ask
        lots = int(self._random.integers(0, 3)) * int(self._random.integers(1, 900))
        if lots == 0 and len(self.book[side]) < 5:
            lots = 7
        if lots:
            self.book[side][price] = lots
        else:
            self.book[side].pop(price, None)
        changed[side, price] = lots

    def _line(self, message: dict[str, object]) -> bytes:
        self.now_ns += int(self._random.integers(1, STEP_NS // 4))
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        return f"{self.now_ns + self.clock_ns} {text}\n".encode()

    def _stream(self, name: str, payload: dict[str, object]) -> dict[str, object]:
        return {"stream": f"{self.symbol.lower()}@{name}", "data": payload}

    def _times(self, kind: str) -> dict[str, object]:
        ms = (self.now_ns + STEP_NS // 8) // 1_000_000
        times: dict[str, object] = {"e": kind, "E": ms}
        if self.venue != "binance-spot":
            times["T"] = ms
        return times

    def _depth(self, first_u: int, changed: dict[tuple[int, int], int]) -> dict[str, object]:
        rows = {
            side: [
                [self.price(price), self.size(lots)]
                for (s, price), lots in sorted(changed.items())
                if s == side
            ]
            for side in (1, -1)
        }
        payload = {**self._times("depthUpdate"), "s": self.symbol, "U": first_u, "u": self.u}
        if self.venue != "binance-spot":
            payload["pu"] = self.last_depth_u
        self.last_depth_u = self.u
        self.level_changes += len(changed)
        return self._stream("depth@100ms", {**payload, "b": rows[1], "a": rows[-1]})

    def _quote(self) -> dict[str, object]:
        bid, bid_lots, ask, ask_lots = self._best()
        payload = {
            "u": self.u,
            "s": self.symbol,
            "b": self.price(bid),
            "B": self.size(bid_lots),
            "a": self.price(ask),
            "A": self.size(ask_lots),
        }
        if self.venue != "binance-spot":
            payload = {"e": "bookTicker", **payload, **self._times("bookTicker")}
        return self._stream("bookTicker", payload)

    def _trade(self) -> dict[str, object]:
        self.trade_id += 1
        self.trades += 1
        payload = {
            **self._times("trade"),
            "s": self.symbol,
            "t": self.trade_id,
            "p": self.price(self._best()[0]),
            "q": self.size(int(self._random.integers(1, 900))),
            "m": True,
        }
        payload["T"] = payload["E"]
        if self.venue != "binance-spot":
            payload["X"] = "MARKET"
        return self._stream("trade", payload)

    def _snapshot(self) -> dict[str, object]:
        ms = self.now_ns // 1_000_000
        times = {} if self.venue == "binance-spot" else {"E": ms, "T": ms}
        return {
            "lastUpdateId": self.u,
            **times,
            "bids": [
                [self.price(p), self.size(n)] for p, n in sorted(self.book[1].items(), reverse=True)
            ],
            "asks": [[self.price(p), self.size(n)] for p, n in sorted(self.book[-1].items())],
        }


def session_lines(lines: Sequence[bytes], definitions: dict[str, object], host: str) -> list[bytes]:
    """Return the same messages as a session recording, answers in front."""
    records: list[bytes] = []
    answers = [_record("http", START_NS - 10**9, json.dumps(definitions), f"{host}/exchangeInfo")]
    for line in lines:
        ts_recv, _, text = line.rstrip(b"\n").partition(b" ")
        if b'"lastUpdateId"' in text:
            url = f"{host}/depth?symbol={definitions['symbols'][0]['symbol']}&limit=1000"  # type: ignore[index]
            answers.append(_record("http", int(ts_recv), text.decode(), url))
        else:
            records.append(_record("recv", int(ts_recv), text.decode()))
    return [b'{"t":"header","format":2}\n', *answers, *records]


def _record(kind: str, ts_recv: int, body: str, url: str = "") -> bytes:
    seconds = f"{ts_recv // 10**9}.{ts_recv % 10**9:09d}"
    rest = json.dumps({"url": url, "data": body} if url else {"data": body}, ensure_ascii=False)
    return f'{{"t":"{kind}","conn":"c","ts":{seconds},{rest[1:]}\n'.encode()
