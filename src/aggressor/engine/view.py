"""View: one instrument at one decision point, read-only, the same for strategy, screen and report.

The market of it is a `market_view`, from the pipeline's state where it stands; the desk adds our
orders, trade and money. It is valid only during the decision it was made for. A measure of a group
that the run leaves out (`asked`) raises NotComputedError.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aggressor.account.blotter import Order
from aggressor.context.bias import read_bias
from aggressor.context.liquidity import (
    LIQUIDITY_NAMES,
    UNKNOWN_LIQUIDITY,
    Liquidity,
    read_liquidity,
)
from aggressor.detectors.cascade import STAGE_CASCADE, STAGE_WATCH
from aggressor.engine.asked import PROFILE, SIGNALS
from aggressor.engine.market_view import MarketView
from aggressor.engine.parts import Pipeline
from aggressor.engine.reading import Bar, Signal
from aggressor.execution.desk import Desk
from aggressor.execution.parent import Parent
from aggressor.execution.trade import Trade
from aggressor.market.composite_records import NO_GROUP
from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import Instrument


class Fees(NamedTuple):
    """What the venue takes, basis points of notional; a negative rate is received."""

    maker_bp: float
    taker_bp: float


class View(MarketView):
    """See the module text. One object per instrument, moved on by the engine."""

    def __init__(self, instrument: Instrument, lane: int, desk: Desk, fees: Fees) -> None:
        super().__init__(instrument, lane)
        self.peers: Sequence[View] = (self,)  # of all instruments of the engine, in their order
        self.bars: Sequence[Bar] = ()
        self.maker_bp = fees.maker_bp
        self.taker_bp = fees.taker_bp
        self._desk = desk
        self._signals: Sequence[Signal] = ()

    def move(
        self, pipe: Pipeline, now_ns: int, signals: Sequence[Signal], bars: Sequence[Bar]
    ) -> None:
        """Stand at a new decision point."""
        self.look(pipe, now_ns)
        self._signals = signals
        self.bars = bars

    @property
    def signals(self) -> Sequence[Signal]:
        """Signals of this instrument since the previous decision, in order of `ts_known`."""
        self._need(SIGNALS, "signals")
        return self._signals

    @property
    def open_orders(self) -> Sequence[Order]:
        """Our orders that are not over."""
        return tuple(self._desk.blotter.open_orders(self.instrument))

    @property
    def trade(self) -> Trade | None:
        """The trade under way, None when there is none."""
        return self._desk.trade(self.instrument)

    @property
    def parent(self) -> Parent | None:
        """The order that is worked by itself, None when there is none."""
        return self._desk.parent(self.instrument)

    @property
    def worked_orders(self) -> Sequence[Parent]:
        """Orders worked by themselves that have ended, oldest first."""
        return self._desk.worked(self.instrument)

    @property
    def closed_trades(self) -> Sequence[Trade]:
        """Trades that ended since the previous decision."""
        return self._desk.closed(self.instrument)

    @property
    def position(self) -> int:
        """Lots held, + long."""
        return self._desk.position(self.instrument).lots

    @property
    def equity(self) -> int:
        """Marked equity in the settlement currency, 1e-8."""
        return self._desk.equity(self.instrument)

    @property
    def funding_ns(self) -> int | None:
        """When funding next settles, venue time; None where the venue has not said."""
        settle = int(self.pipeline.contract.head[self.instrument]["settle_ns"])
        return settle if settle != NO_TIME else None

    @property
    def funding_in_ns(self) -> int | None:
        """Venue time until funding settles; None where the venue has not said."""
        settles = self.funding_ns
        return None if settles is None else settles - self.venue_now_ns

    @property
    def reference_valid(self) -> bool | None:
        """Whether another venue of the same underlying agrees with this one; None: none to ask."""
        rows = self.pipeline.composite.rows
        group = rows[self.instrument]["group"]
        if group == NO_GROUP:
            return None
        others = np.flatnonzero(rows["group"] == group)
        others = others[others != self.instrument]
        return bool(rows[self.instrument]["out"] == 0 and np.any(rows["out"][others] == 0))

    @property
    def liquidity(self) -> Liquidity:
        """Liquidity of R6.3 with its reason where it is not known."""
        self._need(SIGNALS, "liquidity")
        return read_liquidity(self.pipeline.liquidity, self.instrument)

    @property
    def liquidity_regime(self) -> str | None:
        """Regime of R6.3: "normal", "thin" or "vacuum"; None: not known."""
        regime = self.liquidity.regime
        return LIQUIDITY_NAMES[regime] if regime != UNKNOWN_LIQUIDITY else None

    @property
    def cascade(self) -> str | None:
        """Cascade state of R5.8: "none", "watch" or "cascade"; None: velocity is not known."""
        self._need(SIGNALS, "cascade")
        if self.pipeline.scenes[self.instrument]["sigma_minute"] < 0:
            return None
        stage = int(self.pipeline.cascade.head[self.instrument]["phase"])
        return {STAGE_WATCH: "watch", STAGE_CASCADE: "cascade"}.get(stage, "none")

    @property
    def cascade_side(self) -> int:
        """Where the cascade of R5.8 drives price: +1 up, -1 down; 0: there is none."""
        self._need(SIGNALS, "cascade_side")
        head = self.pipeline.cascade.head[self.instrument]
        at_work = int(head["phase"]) in (STAGE_WATCH, STAGE_CASCADE)
        return int(head["direction"]) if at_work else 0

    @property
    def bias(self) -> int | None:
        """Higher time frame bias of R6.6, -1 to +1; None: not known."""
        self._need(PROFILE, "bias")
        return read_bias(self.pipeline.bias, self.instrument).bias
