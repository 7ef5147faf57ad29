"""A View one writes by hand, and its mirror image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aggressor.account.blotter import Order
from aggressor.engine.reading import Bar, Measure, Ripeness, Wall
from aggressor.execution.trade import Trade
from aggressor.schema.signal import CONFIRMED, EXHAUSTION

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_700_000_000 * SECOND
RIPE_ONE = Measure(1.0, Ripeness.RIPE)
RIPE_EIGHT = Measure(8.0, Ripeness.RIPE)


@dataclass(frozen=True)
class FakeSignal:
    kind: int = EXHAUSTION
    phase: int = CONFIRMED
    direction: int = -1
    side: int = 1
    episode: int = 1
    ts_known: int = START
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
    last_price: int | None = 1010
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
        return self.cost_per_side

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
        )  # fmt: skip


def mirrored_signal(signal: FakeSignal) -> FakeSignal:
    evidence = dict(signal.evidence)
    for name in ("p0", "p1", "run_delta"):
        if name in evidence:
            evidence[name] = -evidence[name]
    return replace(
        signal, direction=-signal.direction, side=-signal.side, low=-signal.high,
        high=-signal.low, evidence=evidence,
    )  # fmt: skip
