"""A View one writes by hand, and its mirror image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aggressor.account.blotter import Order
from aggressor.engine.reading import Bar, Flow, GoneWall, Measure, Ripeness, Wall
from aggressor.execution.trade import Trade
from aggressor.schema.signal import CONFIRMED, EXHAUSTION

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_000 * SECOND
RIPE_ONE = Measure(1.0, Ripeness.RIPE)
RIPE_EIGHT = Measure(8.0, Ripeness.RIPE)
RIPE_HALF = Measure(0.5, Ripeness.RIPE)


@dataclass(frozen=True)
class FakeSignal:
    kind: int = EXHAUSTION
    phase: int = CONFIRMED
    direction: int = -1
    side: int = 1
    episode: int = 1
    ts_known: int = START
    ts_armed: int = START
    ts_confirmed: int = START
    failed: str = ""
    provisional: int = 0
    score: float = 0.75
    low: int = 1000
    high: int = 1012
    evidence: Mapping[str, float] = field(default_factory=dict)


def run_evidence(**fields: float) -> dict[str, float]:
    """An up-run as in T7.1: 1000 -> 1012 in 10 s, 400 lots bought and 200 sold."""
    return {
        "p0": 1000.0, "p1": 1012.0, "run_ticks": 12.0, "run_seconds": 10.0, "run_delta": 200.0,
        "run_volume": 600.0, "run_delta_quantile": 150.0, "delta_peak": 80.0, "delta_ratio": 0.2,
        "effective_tick": 1.0, "extreme_age_seconds": 2.5, **fields,
    }  # fmt: skip


@dataclass
class FakeView:
    """After the run of T7.1: 1010 / 1011, the weighted mid leans down."""

    instrument: int = 0
    now_ns: int = START
    venue_now_ns: int = START
    valid: bool = True
    book_age_ns: int = 0
    bid: int = 1010
    ask: int = 1011
    bid_lots: int = 30
    ask_lots: int = 40
    traded_lots: tuple[int, int] = (0, 0)
    taker_rates: tuple[float, float] = (0.0, 0.0)
    mean_print: float = 1.0
    last_price: int | None = 1010
    funding_in_ns: int | None = None
    median_spread: Measure = RIPE_ONE
    effective_tick: Measure = RIPE_ONE
    atr_1m_ticks: Measure = RIPE_EIGHT
    high_traded: int | None = 1011
    low_traded: int | None = 1010
    signals: Sequence[Any] = ()
    delta_now: int = 10
    taker_lots_now: tuple[int, int] = (15, 5)
    walls: Sequence[Wall] = ()
    vwap_1m: float | None = 1004.0
    top_depth: tuple[int, int] = (1000, 1000)
    volume_1m: int | None = 1000
    bars: Sequence[Bar] = ()
    open_orders: Sequence[Order] = ()
    trade: Trade | None = None
    closed_trades: Sequence[Trade] = ()
    position: int = 0
    equity: int = 10_000 * 10**8
    maker_bp: float = 0.0
    taker_bp: float = 0.0
    funding_ns: int | None = START + 3600 * SECOND
    reference_valid: bool | None = True
    liquidity_regime: str | None = "normal"
    cascade: str | None = "none"
    bias: int | None = 0
    cost_per_side: float | None = 0.5
    sigma_second: Measure = RIPE_ONE
    cascade_side: int = 0
    walls_gone: Sequence[GoneWall] = ()
    node_edges: Sequence[tuple[int, int]] = ()
    prints: Sequence[tuple[int, int, int, int]] | None = ()  # ts, price, lots, side; None: not kept
    mids2: Sequence[tuple[int, int]] | None = ()  # ts, bid + ask; None: not kept
    depths: tuple[Measure, Measure] = (RIPE_HALF, RIPE_HALF)  # of bid, ask
    bids: Sequence[tuple[int, int]] = ()  # price, lots; best first
    asks: Sequence[tuple[int, int]] = ()

    @property
    def mid2(self) -> int:
        return self.bid + self.ask

    @property
    def spread_ticks(self) -> int:
        return self.ask - self.bid

    @property
    def weighted_mid(self) -> float:
        lots = self.bid_lots + self.ask_lots
        return (self.ask * self.bid_lots + self.bid * self.ask_lots) / lots

    def cost_to_trade(self, side: int, lots: int) -> float | None:
        levels = self.asks if side > 0 else self.bids
        if not levels:
            return self.cost_per_side
        left, away = lots, 0
        for price, shown in levels:
            away += min(left, shown) * abs(price - levels[0][0])
            left -= min(left, shown)
        return None if left else away / lots

    def flow(self, since_ns: int, until_ns: int | None = None) -> Flow | None:
        if self.prints is None:
            return None
        until = self.now_ns if until_ns is None else until_ns
        rows = [row for row in self.prints if since_ns < row[0] <= until]
        bought = sum(lots for _, _, lots, side in rows if side > 0)
        sold = sum(lots for _, _, lots, side in rows if side < 0)
        prices = [price for _, price, _, _ in rows]
        if not prices:
            return Flow(bought, sold, None, None, None)
        return Flow(bought, sold, min(prices), max(prices), prices[-1])

    def mid2_at(self, ts_ns: int) -> int | None:
        if self.mids2 is None:
            return None
        before = [mid2 for ts, mid2 in self.mids2 if ts <= ts_ns]
        return before[-1] if before else self.mid2

    def depth_share(self, side: int) -> Measure:
        return self.depths[0 if side > 0 else 1]

    def largest_level(self, side: int, price: int) -> int:
        levels = self.bids if side > 0 else self.asks
        return max((lots for at, lots in levels if side * (at - price) >= 0), default=0)

    def gap_ticks(self, side: int) -> int | None:
        levels = self.bids if side > 0 else self.asks
        return abs(levels[1][0] - levels[0][0]) if len(levels) > 1 else None

    def with_signal(self, **evidence: float) -> "FakeView":
        signal = FakeSignal(evidence=run_evidence(**evidence), ts_known=self.now_ns)
        return replace(self, signals=(signal,))

    def mirrored(self) -> "FakeView":
        """Negate every price, exchange every side; trades are left as they are."""

        def minus(value: float | None) -> Any:
            return None if value is None else -value

        return replace(
            self,
            bid=-self.ask, ask=-self.bid, bid_lots=self.ask_lots, ask_lots=self.bid_lots,
            last_price=minus(self.last_price), high_traded=minus(self.low_traded),
            low_traded=minus(self.high_traded), delta_now=-self.delta_now,
            taker_lots_now=self.taker_lots_now[::-1], vwap_1m=minus(self.vwap_1m),
            top_depth=self.top_depth[::-1], bias=minus(self.bias),
            walls=tuple(w._replace(price=-w.price, side=-w.side) for w in self.walls),
            signals=tuple(mirrored_signal(s) for s in self.signals),
            cascade_side=-self.cascade_side, depths=self.depths[::-1],
            walls_gone=tuple(w._replace(price=-w.price, side=-w.side) for w in self.walls_gone),
            node_edges=tuple((-high, -low) for low, high in self.node_edges),
            prints=None if self.prints is None else tuple(
                (ts, -price, lots, -side) for ts, price, lots, side in self.prints
            ),
            mids2=None if self.mids2 is None else tuple((ts, -mid2) for ts, mid2 in self.mids2),
            bids=tuple((-price, lots) for price, lots in self.asks),
            asks=tuple((-price, lots) for price, lots in self.bids),
        )  # fmt: skip


def mirrored_signal(signal: FakeSignal) -> FakeSignal:
    evidence = dict(signal.evidence)
    for name in ("p0", "p1", "run_delta", "level"):
        if name in evidence:
            evidence[name] = -evidence[name]
    return replace(
        signal, direction=-signal.direction, side=-signal.side, low=-signal.high,
        high=-signal.low, evidence=evidence,
    )  # fmt: skip
