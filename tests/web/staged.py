"""A desk served from known records, for what is to be seen in a browser.

`Stage` runs the desk's own server on a thread and publishes the frames it is told to: what a page
shows is compared with exactly what was sent. No engine, no kernel. `quiet_minute` is a market that
can be worked out by hand: bids of 100 lots below 1000, asks of 100 above 1001, and what happens in
it is said by its arguments.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aggressor.web.commands import Arm, Command, Kill, Order, Pace, Pause, Play, Resume, Seek
from aggressor.web.hub import Hub
from aggressor.web.protocol import KEY, OPEN, VALID, WHOLE_DESK, Kind, frame, json_frame
from aggressor.web.server import DeskServer, Visitor

TOKEN = "a-token-of-the-tests"
START_MS = 1_723_111_200_000  # 2024-08-08 10:00:00 UTC
START_NS = START_MS * 1_000_000
COLUMN_NS = 100_000_000
LOW, HIGH = 900, 1100
Flow = tuple[int, int, float, float, float, float]
CURVE = ("mid", "cvd", "cvd_organic", "cvd_forced", "open_interest")


def hello(**change: Any) -> dict[str, Any]:
    """Return a HELLO of one instrument: tick 0.5, lot 0.01."""
    groups = ("price", "cvd", "cvd", "cvd", "open interest")
    units = ("ticks", "lots", "lots", "lots", "lots")
    one = {
        "lane": 0, "id": "binance-usdm:BTCUSDT", "venue": "binance-usdm", "symbol": "BTCUSDT",
        "contract": "linear", "base": "BTC", "quote": "USDT", "settle": "USDT", "tick": "0.5",
        "tick_size": 0.5, "price_digits": 1, "lot": "0.01", "lot_size": 0.01, "size_digits": 2,
        "row_ticks": 2, "bar_ms": 60_000,
    }  # fmt: skip
    said: dict[str, Any] = {
        "version": 1, "mode": "replay", "read_only": False, "title": "a staged market",
        "heat_ms": 100, "book_levels": 50, "rings": {}, "columns": [],
        "curve": [
            {"name": name, "unit": unit, "label": name.replace("_", " "), "group": group}
            for name, unit, group in zip(CURVE, units, groups, strict=True)
        ],
        "instruments": [one, one | {"lane": 1, "id": "bybit:BTCUSDT", "venue": "bybit"}],
        "signals": [{"kind": "iceberg", "means": "Size that was never shown keeps a price."},
                    {"kind": "pull", "means": "A wall left before it was traded."}],
        "scenarios": [{"kind": "iceberg", "means": "A large order shows a little at a time."}],
        "span": {"start_ms": START_MS, "stop_ms": START_MS + 3_600_000},
        "abilities": {"orders": True, "pace": True, "seek": True, "step": True},
        "strategy": None, "account": {"currency": "USDT", "equity": 10000.0},
    }  # fmt: skip
    return said | change


def account(**change: Any) -> dict[str, Any]:
    """Return an ACCOUNT that holds nothing."""
    lane = {
        "lane": 0,
        "position": 0,
        "entry": None,
        "unrealised": None,
        "orders": [],
        "trade": None,
        "worked": [],
    }
    said: dict[str, Any] = {
        "clock": {"now_ms": START_MS, "playing": True, "speed": 1.0, "at_end": False,
                  "seeking": None, "behind_ms": 0.0},
        "armed": False, "halt": None,
        "money": {"currency": "USDT", "equity": 10000.0, "realised": 0.0, "unrealised": 0.0,
                  "fees": 0.0, "day": 0.0},
        "lanes": [lane],
        "risk": [{"name": "day_loss", "used": 20.0, "limit": 100.0, "unit": "USDT"}],
        "latency": None, "readers": 1,
    }  # fmt: skip
    return said | change


def state(**change: Any) -> dict[str, Any]:
    """Return a STATE in which little is known."""
    said: dict[str, Any] = {
        "measures": {}, "blank": {},
        "facts": [
            {"topic": "bias", "name": "Bias", "value": None, "unit": "", "young": False,
             "age_seconds": None, "why": "needs 4 h of closed bars"},
            {"topic": "liquidity", "name": "Liquidity", "value": "thin", "unit": "", "young": True,
             "age_seconds": 3.0, "why": None},
        ],
        "data": {"valid": True, "faults": [], "book_age_ms": 40.0, "health": {}},
        "walls": [], "walls_gone": [], "icebergs": [], "zones": [], "auctions": [],
        "naked_pocs": [], "locations": [], "session": None, "composite": None,
        "events_per_second": 100.0,
    }  # fmt: skip
    return said | change


def held(
    condition: str, measure: str | None, value: float | None, relation: str | None,
    threshold: float | None, **change: Any
) -> dict[str, Any]:  # fmt: skip
    """Return one condition of a signal with its threshold, as passed."""
    return {
        "condition": condition, "measure": measure, "value": value, "relation": relation,
        "threshold": threshold, "way": "", "passed": True, "failed": False,
    } | change  # fmt: skip


def signal(number: int, **change: Any) -> dict[str, Any]:
    """Return a confirmed iceberg on the bid."""
    said: dict[str, Any] = {
        "number": number, "kind": "iceberg", "phase": "confirmed", "side": 1, "direction": 1,
        "armed_ms": START_MS + 10_000.0, "confirmed_ms": START_MS + 12_000.0,
        "known_ms": START_MS + 12_050.0, "low": 990, "high": 992, "score": 0.61,
        "provisional": "", "episode": 1, "failed": "", "said": "iceberg confirmed",
        "evidence": {"hidden_lots": 1234.0, "refills": 7.0, "ratio": 3.25, "age": None},
        "rules": [
            held("refills", "refills", 7.0, "at least", 3.0),
            held("cancelled share", "cancelled_share", 0.05, "at most", 0.2),
            held("valid book", None, None, None, None),
        ],
    }  # fmt: skip
    return said | change


def heat(
    at_ns: int, changes: dict[int, float], *, key: bool = False, valid: bool = True,
    bid: int = 1000, ask: int = 1001, flows: Sequence[Flow] = (),
) -> bytearray:  # fmt: skip
    """Return one column; flows: (price, side, added, pulled, traded, hidden)."""
    prices = sorted(changes)
    arrays = [
        np.array([LOW, HIGH, bid, ask], "<i4"),
        np.array(prices, "<i4"),
        np.array([changes[p] for p in prices], "<f8"),
        *(np.array([f[k] for f in flows], t) for k, t in enumerate(("<i4", "i1") + ("<f8",) * 4)),
    ]
    flags = (KEY if key else 0) | (VALID if valid else 0)
    return frame(Kind.HEAT, 0, at_ns, arrays, count=len(prices), aux=len(flows), flags=flags)


def whole_book() -> dict[int, float]:
    """Return 100 lots at each of 40 prices on both sides; + bids, - asks."""
    return {1000 - k: 100.0 for k in range(40)} | {1001 + k: -100.0 for k in range(40)}


def book(at_ns: int, change: dict[int, float] | None = None) -> bytearray:
    """Return a BOOK frame of `whole_book`, some prices changed (0 removes)."""
    rests = {p: n for p, n in (whole_book() | (change or {})).items() if n}
    bids = sorted((p for p, n in rests.items() if n > 0), reverse=True)
    asks = sorted(p for p, n in rests.items() if n < 0)
    prices = bids + asks
    columns = [np.array([abs(rests[p]) for p in prices], "<f8")]
    columns += [np.full(len(prices), value, "<f8") for value in (7.0, 5.0, 3.0, 0.0, 11.0, 13.0)]
    arrays = [np.array(prices, "<i4"), *columns]
    return frame(Kind.BOOK, 0, at_ns, arrays, count=len(prices), aux=len(bids), flags=VALID)


def orders(rows: Sequence[tuple[int, int, int, int, int, float]]) -> bytearray:
    """Return taker orders: (at_ns, side, first, to, class, lots)."""
    ms = np.array([row[0] / 1e6 for row in rows], "<f8")
    arrays = [
        ms, ms,
        np.array([row[2] for row in rows], "<i4"), np.array([row[3] for row in rows], "<i4"),
        np.full(len(rows), 2, "<i4"),
        np.array([row[1] for row in rows], "i1"), np.array([row[4] for row in rows], "u1"),
        np.zeros(len(rows), "u1"), np.array([row[5] for row in rows], "<f8"),
    ]  # fmt: skip
    return frame(Kind.ORDERS, 0, rows[-1][0], arrays, count=len(rows))


def bar(number: int, *, is_open: bool = False, quality: int = 0) -> bytearray:
    """Return minute `number`: rows 990..1008, 10 lots bought and 5 sold a row, more at 1000."""
    prices = np.arange(990, 1010, 2)
    bought = np.where(prices == 1000, 400.0, 10.0)
    sold = np.where(prices == 994, 300.0, 5.0)
    marks = np.where(prices == 1000, 1 | 4 | 16 | 32, 0) | np.where(prices == 994, 2 | 8, 0)
    opened = START_MS + number * 60_000
    volume, delta = (bought + sold).sum(), (bought - sold).sum()
    head = [
        opened, opened + 60_000, 996, 1009, 990, 1000, volume, delta, -20.0, delta + 5, delta, 0,
        30, 1000.4, 4.0, 1000, 994, 1004, quality, 0, 1, 0, 0, 60_000,
    ]  # fmt: skip
    arrays = [
        np.array(head, "<f8"), prices.astype("<i4"), marks.astype("u1"), bought, sold,
        np.zeros(prices.size),
    ]  # fmt: skip
    flags = OPEN if is_open else 0
    return frame(Kind.BAR, 0, int(opened * 1e6), arrays, count=prices.size, aux=2, flags=flags)


def curve(second: int, cvd: float) -> bytearray:
    """Return a second's curve; the interest is not known."""
    values = np.array([[1000.5, cvd, cvd * 0.8, cvd * 0.2, np.nan]], "<f8")
    at = START_NS + second * 1_000_000_000
    return frame(Kind.CURVE, 0, at, [values], count=1, aux=len(CURVE))


def profile(at_ns: int) -> bytearray:
    """Return a session's profile: 20 lots bought, 10 sold a row, five times that at 1000."""
    prices = np.arange(960, 1040, 2)
    bought = np.where(prices == 1000, 100.0, 20.0)
    sold = np.where(prices == 1000, 50.0, 10.0)
    arrays = [prices.astype("<i4"), bought, sold]
    return frame(Kind.PROFILE, 0, at_ns, arrays, count=prices.size, aux=2)


class Actor:
    """Answers commands, keeps them, and moves a clock and an account as they ask."""

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage
        self.heard: list[Command] = []
        self.refuse: dict[type, str] = {}

    def do(self, visitor: Visitor, command: Command) -> dict[str, Any]:
        self.heard.append(command)
        reason = self.refuse.get(type(command))
        if reason:
            return {"ok": False, "reason": reason}
        now = self.stage.account
        match command:
            case Arm(on=on):
                self.stage.tell(now | {"armed": on})
            case Play() | Pause():
                self.stage.tell(
                    now | {"clock": now["clock"] | {"playing": isinstance(command, Play)}}
                )
            case Pace(speed=speed):
                self.stage.tell(now | {"clock": now["clock"] | {"speed": speed}})
            case Kill(level=level, reason=why):
                self.stage.tell(now | {"halt": {"level": level, "reason": why}})
            case Resume():
                self.stage.tell(now | {"halt": None})
            case Order() | Seek():
                pass
        return {"ok": True, "reason": ""}


class Stage:
    """A running desk; `send` publishes frames in order, from any thread."""

    def __init__(self, **change: Any) -> None:
        self.hub = Hub()
        self.greeting = hello(**change)
        self.hub.greet(self.greeting)
        self.account = account()
        self.actor = Actor(self)
        self.notices: list[str] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.start()

    @property
    def address(self) -> str:
        return self.server.address

    def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self.server = DeskServer(self.hub, self.actor, self.notices.append, TOKEN)
        self._await(self.server.start(self.port))
        self.port = self.server.port

    def stop(self, why: str = "the test is over") -> None:
        self._await(self.server.stop(why))

    def drop(self) -> None:
        """Cut every line, as a network does."""

        async def cut() -> None:
            for socket in tuple(self.server._sockets):
                transport = socket._req.transport if socket._req is not None else None
                if transport is not None:
                    transport.abort()

        self._await(cut())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def send(self, *made: bytearray) -> None:
        def publish() -> None:
            for one in made:
                is_open = one[1] == Kind.BAR and bool(one[3] & OPEN)
                number = None
                if is_open:
                    closed = [s for s in self.hub.rings if s.kind is Kind.BAR and not s.open]
                    number = self.hub.rings[closed[0]].next if closed else 0
                self.hub.publish(one, number=number)
            self.hub.wake()

        self._call(publish)

    def tell(self, said: dict[str, Any]) -> None:
        """Publish an ACCOUNT; called on the server's own thread or another."""
        self.account = said
        made = json_frame(Kind.ACCOUNT, WHOLE_DESK, START_NS, said)
        if threading.current_thread() is self._thread:
            self.hub.publish(made)
            self.hub.wake()
        else:
            self.send(made)

    def restart(self, why: str, **change: Any) -> None:
        self.greeting = hello(**change)
        self._call(lambda: self.hub.restart(why, self.greeting))

    def _call(self, what: Callable[[], None]) -> None:
        async def doing() -> None:
            what()

        self._await(doing())

    def _await(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(20)


def quiet_minute(stage: Stage, seconds: int = 60) -> int:
    """Send a minute of the market of this module; return the time of its last column, ns.

    A bid wall of 2000 lots at 980 from second 5, pulled at second 40; 300 lots are bought at 1001
    at second 20 and a sweep of 500 lots sells 1000 to 996 at second 30. Hidden 150 lots at 990.
    """
    made: list[bytearray] = [heat(START_NS, whole_book(), key=True)]
    for n in range(1, seconds * 10 + 1):
        at = START_NS + n * COLUMN_NS
        changes: dict[int, float] = {}
        flows: list[Flow] = []
        if n == 50:
            changes[980] = 2000.0
            flows.append((980, 1, 1900.0, 0.0, 0.0, 0.0))
        if n == 200:
            flows.append((1001, -1, 0.0, 0.0, 300.0, 0.0))
        if n == 300:
            flows += [(p, 1, 0.0, 0.0, 100.0, 0.0) for p in range(996, 1001)]
        if n == 350:
            flows.append((990, 1, 150.0, 0.0, 150.0, 150.0))
        if n == 400:
            changes[980] = 100.0
            flows.append((980, 1, 0.0, 1900.0, 0.0, 0.0))
        made.append(heat(at, changes, flows=flows))
    end = START_NS + seconds * 1_000_000_000
    made.append(book(end))
    made.append(orders([(START_NS + 20_000_000_000, 1, 1001, 1001, 2, 300.0),
                        (START_NS + 30_000_000_000, -1, 1000, 996, 3, 500.0),
                        (START_NS + 31_000_000_000, -1, 1000, 1000, 1, 4.0)]))  # fmt: skip
    made += [bar(0), bar(1, is_open=True), profile(end)]
    made += [curve(s, 10.0 * s) for s in range(seconds)]
    session = {"start_ms": START_MS, "open": 996, "high": 1009, "low": 990, "close": 1000,
               "volume": 900.0, "poc": 1000, "val": 994, "vah": 1004, "vwap": 1000.4, "sigma": 4.0,
               "whole": True}  # fmt: skip
    wall_gone = {"price": 980, "side": 1, "peak": 2000.0, "since_ms": START_MS + 5000.0,
                 "ended_ms": START_MS + 40_000.0}  # fmt: skip
    berg = {"price": 990, "side": 1, "displayed": 10.0, "hidden": 150.0,
            "since_ms": START_MS + 34_000.0}  # fmt: skip
    said = state(session=session, walls_gone=[wall_gone], icebergs=[berg])
    made.append(json_frame(Kind.STATE, 0, end, said))
    made.append(json_frame(Kind.SIGNAL, 0, end, [
        signal(0),
        signal(1, kind="pull", phase="rejected", direction=-1, failed="traded share", rules=[
                held("traded share", "traded_share", 0.41, "at least", 0.7,
                     passed=False, failed=True),
                held("approach", "repeats", 1.0, "at least", 2.0, passed=False, way="repetition"),
                held("approach", "near_ticks", 2.0, "at most", 3.0, way="came near"),
                held("interest", "interest_change", None, "at most", -0.005, passed=None),
            ],
               known_ms=START_MS + 40_100.0, low=980, high=980),
    ]))  # fmt: skip
    made.append(json_frame(Kind.ACCOUNT, WHOLE_DESK, end, stage.account))
    stage.send(*made)
    return end
