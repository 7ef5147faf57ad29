"""The View seen so that a setup always stands one way: the one place where a strategy is mirrored.

R7.1 is written for the short after an up-run, R7.2 for the long through an ask wall, R7.3 for the
short on the pull of a bid. `Facing` shows any view in that frame: for the other direction every
price is negated and bid and ask, buyers and sellers change places. A strategy written once against
the frame is its own mirror image, exactly, rounding included (R7.0, R11.J 1).

    frame price = up x price        up = +1 as the rule is written, -1 for its mirror image
"""

from collections.abc import Sequence

from aggressor.engine.reading import Flow, Measure, Wall
from aggressor.strategies.needs import Signal, StrategyView


class Facing:
    """A view in the frame of a setup; all prices and sides below are the frame's."""

    def __init__(self, view: StrategyView, up: int) -> None:
        assert up in (1, -1)
        self.view = view
        self.up = up

    def price(self, frame: int) -> int:
        """Return a price of the frame as a price of the market, and the other way round."""
        return self.up * frame

    @property
    def bid(self) -> int:
        """Best bid: behind a run, behind a push, above a bait."""
        return self.view.bid if self.up > 0 else -self.view.ask

    @property
    def ask(self) -> int:
        """Best ask: where a run or a push is going to."""
        return self.view.ask if self.up > 0 else -self.view.bid

    @property
    def mid(self) -> float:
        """Middle of the spread."""
        return self.up * self.view.mid2 / 2

    @property
    def weighted_mid(self) -> float:
        """R1.1; stands in for the micro-price until one is fitted."""
        return self.up * self.view.weighted_mid

    @property
    def delta(self) -> int:
        """d(t): positive is in the direction of the run."""
        return self.up * self.view.delta_now

    @property
    def lifted(self) -> int:
        """Lots that aggressors took in the direction of the run, in the last w."""
        bought, sold = self.view.taker_lots_now
        return bought if self.up > 0 else sold

    @property
    def high_traded(self) -> int | None:
        """Furthest print in the run's direction since the previous decision."""
        if self.up > 0:
            return self.view.high_traded
        low = self.view.low_traded
        return None if low is None else -low

    @property
    def vwap(self) -> float | None:
        """One-minute VWAP."""
        vwap = self.view.vwap_1m
        return None if vwap is None else self.up * vwap

    @property
    def bias(self) -> int | None:
        """+1: the higher time frames go up."""
        bias = self.view.bias
        return None if bias is None else self.up * bias

    @property
    def cascade_side(self) -> int:
        """Where a cascade drives price; 0: there is none."""
        return self.up * self.view.cascade_side

    @property
    def node_edges(self) -> Sequence[tuple[int, int]]:
        """Edges of high volume nodes as (low, high)."""
        both = ((self.up * low, self.up * high) for low, high in self.view.node_edges)
        return [(min(one), max(one)) for one in both]

    def exit_depth(self, toward: int) -> int:
        """Return the top-3 depth that a position of side `toward` must take from to leave."""
        bids, asks = self.view.top_depth
        return bids if toward * self.up > 0 else asks

    def cost_to_trade(self, side: int, lots: int) -> float | None:
        """Return ticks beyond the touch at which `lots` fill on average; None: they cannot."""
        return self.view.cost_to_trade(side * self.up, lots)

    def walls(self, side: int) -> Sequence[Wall]:
        """Return walls of a side, with frame prices, nearest first."""
        return [
            Wall(self.up * w.price, w.size, w.z, w.age_ns, side)
            for w in self.view.walls
            if w.side * self.up == side
        ]

    def wall_age(self, side: int, price: int, since_ns: int) -> int | None:
        """Return how old the level of a wall was that ended since a moment; None: not kept."""
        for one in self.view.walls_gone:
            ours = one.side * self.up == side and self.up * one.price == price
            if ours and one.ended_ns >= since_ns:
                return one.age_ns
        standing = (one.age_ns for one in self.walls(side) if one.price == price)
        return next(standing, None)

    def flow(self, since_ns: int, until_ns: int | None = None) -> Flow | None:
        """Return what traded in a span, buyers and prices those of the frame."""
        seen = self.view.flow(since_ns, until_ns)
        if seen is None or self.up > 0:
            return seen
        if seen.low is None or seen.high is None or seen.last is None:
            return Flow(seen.sold, seen.bought, None, None, None)
        return Flow(seen.sold, seen.bought, -seen.high, -seen.low, -seen.last)

    def mid_at(self, ts_ns: int) -> float | None:
        """Return the mid at the last TIMER at or before a moment; None: not kept."""
        mid2 = self.view.mid2_at(ts_ns)
        return None if mid2 is None else self.up * mid2 / 2

    def depth_share(self, side: int) -> Measure:
        """Return the near depth of a side over its median of the last minute."""
        return self.view.depth_share(side * self.up)

    def largest_level(self, side: int, price: int) -> int:
        """Return the most lots of one level from the best of a side to a price."""
        return self.view.largest_level(side * self.up, self.up * price)

    def gap_ticks(self, side: int) -> int | None:
        """Return how far the next level stands behind the best of a side."""
        return self.view.gap_ticks(side * self.up)

    def zone(self, signal: Signal) -> tuple[int, int]:
        """Return (low, high) of a signal's zone."""
        ends = (self.up * signal.low, self.up * signal.high)
        return min(ends), max(ends)

    def faces(self, side: int) -> int:
        """Return a side or direction in the frame."""
        return self.up * side
