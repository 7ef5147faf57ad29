"""What the strategies read of the View, declared by the reader.

One View stands for one instrument at one decision point. Prices are ticks, sizes lots, times
nanoseconds, money 1e-8 of the settlement currency. What is not known is `None` (or a `Measure`
whose state says so): a strategy must be able to tell "no" from "not known". The same names work for
any object: the engine's View, a mirrored view, a dataclass in a test. Source: R0.3 (young
baselines), R5.0, R7.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from aggressor.account.blotter import Order
from aggressor.engine.reading import Bar, Flow, GoneWall, Measure, Wall
from aggressor.execution.quotes import Market
from aggressor.execution.trade import Trade


class Signal(Protocol):
    """One SIGNAL row with its evidence by name (the detector's `EVIDENCE`; NaN: not known)."""

    @property
    def kind(self) -> int:
        """EXHAUSTION, ABSORPTION ... of `schema.signal`."""
        ...

    @property
    def phase(self) -> int:
        """ARMED, CONFIRMED, REJECTED or EXPIRED."""
        ...

    @property
    def direction(self) -> int:
        """What it argues for: -1 after an exhausted up-run."""
        ...

    @property
    def side(self) -> int:
        """+1: about the bid side or buyers."""
        ...

    @property
    def episode(self) -> int:
        """Counts up per detector and instrument; the same from ARMED to its end."""
        ...

    @property
    def ts_armed(self) -> int:
        """Venue time when the episode began."""
        ...

    @property
    def ts_confirmed(self) -> int:
        """Venue time of what confirmed or ended it."""
        ...

    @property
    def failed(self) -> str:
        """The condition that a near-miss lacked."""
        ...

    @property
    def ts_known(self) -> int:
        """Receive time of the event that made it known."""
        ...

    @property
    def provisional(self) -> int:
        """FIRM, or why it is provisional."""
        ...

    @property
    def score(self) -> float:
        """0.5 exactly at the thresholds, 1 at twice them."""
        ...

    @property
    def low(self) -> int:
        """Lowest price of the zone."""
        ...

    @property
    def high(self) -> int:
        """Highest price of the zone."""
        ...

    @property
    def evidence(self) -> Mapping[str, float]:
        """Name to number. Names read here are those of the `_EVIDENCE` tuples below."""
        ...


RUN_EVIDENCE = (
    "p0",  # ticks: start of the run (its low, when the run goes up)
    "p1",  # ticks: extreme of the run
    "run_ticks",  # |p1 - p0|
    "run_seconds",
    "run_delta",  # lots, signed as traded (+ bought)
    "run_volume",  # lots
    "run_delta_quantile",  # lots: Q0.99 of |delta| over windows as long; NaN without a baseline
    "delta_peak",  # lots, unsigned: largest d(t) along the run (R3.4)
    "delta_ratio",  # d(t) / peak when written
    "effective_tick",  # e, frozen for the episode, ticks
    "extreme_age_seconds",  # since the last new extreme
    "top_row_1",  # lots taken at the extreme row, then one and two rows inside the run
    "top_row_2",
    "top_row_3",
    "largest_cell",  # lots: largest such cell of the run
    "auction_finished",  # 1 finished, 0 unfinished
)
"""Evidence of an EXHAUSTION signal that R7.1 reads; all in f8, absent = NaN."""

BREAK_EVIDENCE = (
    "level",  # ticks: L
    "peak",  # lots
    "traded_share",  # f_T
    "cancelled_share",  # f_C
    "order_lots",  # largest taker order of the clearing burst
    "order_quantile",  # Q.99 of taker orders
    "burst_lots",
    "burst_quantile",
    "levels_swept",
    "stage",  # 1 CLEAR
    "clear_age_seconds",
    "effective_tick",
)
"""Evidence of a PUSH_THROUGH signal that R7.2 reads."""

PULL_EVIDENCE = (
    "peak",  # lots
    "z",
    "lifetime_seconds",  # of the wall
    "start_distance_ticks",  # from the touch, when it appeared
    "min_distance_ticks",
    "cancelled_share",
    "fill_ratio",  # traded over peak
    "pull_seconds",
    "others_gone",
    "depth_loss_share",
    "effective_tick",
)
"""Evidence of a PULL signal that R7.3 reads."""


class StrategyView(Market, Protocol):
    """The View as strategies need it; one instrument, one decision point."""

    @property
    def venue_now_ns(self) -> int:
        """`ts_venue` of the newest market event."""
        ...

    @property
    def bid_lots(self) -> int:
        """Lots at the best bid."""
        ...

    @property
    def ask_lots(self) -> int:
        """Lots at the best ask."""
        ...

    @property
    def mid2(self) -> int:
        """`bid + ask`: twice the mid, in ticks."""
        ...

    @property
    def weighted_mid(self) -> float:
        """(ask x bid_lots + bid x ask_lots) / (bid_lots + ask_lots), ticks (R1.1)."""
        ...

    @property
    def spread_ticks(self) -> int:
        """`ask - bid`."""
        ...

    @property
    def median_spread(self) -> Measure:
        """Median spread of the last hour, ticks."""
        ...

    @property
    def effective_tick(self) -> Measure:
        """e of R0.5, ticks."""
        ...

    @property
    def sigma_second(self) -> Measure:
        """Robust deviation of one-second changes of the mid, ticks."""
        ...

    @property
    def atr_1m_ticks(self) -> Measure:
        """Average true range of closed one-minute bars, ticks."""
        ...

    @property
    def high_traded(self) -> int | None:
        """Highest print since the previous decision; None when there was none."""
        ...

    @property
    def low_traded(self) -> int | None:
        """Lowest print since the previous decision; None when there was none."""
        ...

    @property
    def signals(self) -> Sequence[Signal]:
        """Signals of this instrument since the previous decision, in order of `ts_known`."""
        ...

    @property
    def delta_now(self) -> int:
        """d(t) of R3.4: signed lots traded in the last w (1 s / 10 s), + bought."""
        ...

    @property
    def taker_lots_now(self) -> tuple[int, int]:
        """Lots (bought, sold) by aggressors in the same last w."""
        ...

    @property
    def walls(self) -> Sequence[Wall]:
        """Walls standing now, both sides, nearest to the touch first."""
        ...

    @property
    def walls_gone(self) -> Sequence[GoneWall]:
        """Walls that ended, newest first."""
        ...

    @property
    def node_edges(self) -> Sequence[tuple[int, int]]:
        """Edges of high volume nodes as (low, high), ticks."""
        ...

    def flow(self, since_ns: int, until_ns: int | None = None) -> Flow | None:
        """Return what traded in (since, until] of receive time; None: not kept so far back."""
        ...

    def mid2_at(self, ts_ns: int) -> int | None:
        """Return `bid + ask` at the last TIMER at or before a moment; None: not kept."""
        ...

    def depth_share(self, side: int) -> Measure:
        """Return the near depth of a side over its median of the last minute."""
        ...

    def largest_level(self, side: int, price: int) -> int:
        """Return the most lots of one level from the best of a side to a price."""
        ...

    def gap_ticks(self, side: int) -> int | None:
        """Return how far the next level stands behind the best of a side; None: there is none."""
        ...

    @property
    def vwap_1m(self) -> float | None:
        """Volume-weighted price of the last closed or running minute, ticks."""
        ...

    def cost_to_trade(self, side: int, lots: int) -> float | None:
        """Return ticks beyond the touch at which `lots` fill on average (R1.8); None: cannot."""
        ...

    @property
    def top_depth(self) -> tuple[int, int]:
        """Lots within the first three grid prices of (bid, ask)."""
        ...

    @property
    def volume_1m(self) -> int | None:
        """Lots traded in the last minute; None in the first."""
        ...

    @property
    def bars(self) -> Sequence[Bar]:
        """Bars closed since the previous decision."""
        ...

    @property
    def open_orders(self) -> Sequence[Order]:
        """Our orders that are not over."""
        ...

    @property
    def trade(self) -> Trade | None:
        """The trade under way on this instrument (entry and bracket), None when there is none."""
        ...

    @property
    def closed_trades(self) -> Sequence[Trade]:
        """Trades that ended since the previous decision."""
        ...

    @property
    def position(self) -> int:
        """Lots held, + long."""
        ...

    @property
    def equity(self) -> int:
        """Marked equity in the settlement currency, 1e-8."""
        ...

    @property
    def maker_bp(self) -> float:
        """Fee of a passive fill, basis points; negative is received."""
        ...

    @property
    def taker_bp(self) -> float:
        """Fee of an aggressive fill, basis points."""
        ...

    @property
    def funding_ns(self) -> int | None:
        """When funding next settles, venue time; None = not known."""
        ...

    @property
    def reference_valid(self) -> bool | None:
        """Whether at least one other venue agrees with this one; None = there is none to ask."""
        ...

    @property
    def liquidity_regime(self) -> str | None:
        """ "normal", "thin" or "vacuum" (R6.3); None = not known."""
        ...

    @property
    def cascade(self) -> str | None:
        """ "none", "watch" or "cascade" (R5.8); None = not known."""
        ...

    @property
    def cascade_side(self) -> int:
        """Where a cascade drives price: +1 up, -1 down, 0 there is none."""
        ...

    @property
    def bias(self) -> int | None:
        """+1 bullish, 0 neutral, -1 bearish (R6.6); None = not known."""
        ...
