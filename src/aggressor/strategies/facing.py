"""The View seen so that the run always goes up: the one place where a strategy is mirrored.

R7.1 is written for the short after an up-run. `Facing` shows any view in that frame: for a long
after a down-run every price is negated and bid and ask, buyers and sellers change places. A
strategy written once against the frame is its own mirror image, exactly, rounding included (R7.0,
R11.J 1).

    frame price = up x price        up = +1 after an up-run (we sell), -1 after a down-run (we buy)
"""

from collections.abc import Sequence

from aggressor.engine.reading import Wall
from aggressor.strategies.needs import ScalpView, Signal


class Facing:
    """A view in the frame of a run; all prices and sides below are the frame's."""

    def __init__(self, view: ScalpView, up: int) -> None:
        assert up in (1, -1)
        self.view = view
        self.up = up

    def price(self, frame: int) -> int:
        """Return a price of the frame as a price of the market, and the other way round."""
        return self.up * frame

    @property
    def bid(self) -> int:
        """Best price on the side behind the run."""
        return self.view.bid if self.up > 0 else -self.view.ask

    @property
    def ask(self) -> int:
        """Best price on the side the run is going to: where we rest."""
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
    def exit_depth(self) -> int:
        """Top-3 depth of the side we must take from to leave: the asks of the frame."""
        bids, asks = self.view.top_depth
        return asks if self.up > 0 else bids

    @property
    def bias(self) -> int | None:
        """+1: the higher time frames go with the run."""
        bias = self.view.bias
        return None if bias is None else self.up * bias

    def walls_beneath(self) -> Sequence[Wall]:
        """Return walls on the bid side of the frame, with frame prices."""
        return [
            Wall(self.up * w.price, w.size, w.z, w.age_ns, 1)
            for w in self.view.walls
            if w.side * self.up > 0
        ]

    def zone(self, signal: Signal) -> tuple[int, int]:
        """Return (low, high) of a signal's zone."""
        ends = (self.up * signal.low, self.up * signal.high)
        return min(ends), max(ends)

    def faces(self, side: int) -> int:
        """Return a side or direction in the frame."""
        return self.up * side
