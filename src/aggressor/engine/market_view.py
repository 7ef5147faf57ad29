"""MarketView: the market of one instrument at one decision point, read where its state stands.

What is computed here is arithmetic on what is kept: sums over the tape's ring, levels of the book.
It is valid only during the decision it was made for. A measure of a group that the run leaves out
(`asked`) raises NotComputedError.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.detectors.cascade_records import MARKS
from aggressor.engine.asked import DEPTH, EVERYTHING, PROFILE, SIGNALS, refuse
from aggressor.engine.parts import Pipeline
from aggressor.engine.reading import (
    UNKNOWN,
    Columns,
    Flow,
    GoneWall,
    Measure,
    Ripeness,
    Wall,
)
from aggressor.features.delta import window_delta, window_volume
from aggressor.features.depth import cost_to_trade, depth_ticks
from aggressor.features.locations import HVN_EDGE
from aggressor.features.pressure import weighted_mid
from aggressor.features.wall_records import ENDED
from aggressor.kernel import Int, kernel
from aggressor.market.book import best_price, lots_at, next_price
from aggressor.market.health import FAULT_STALE
from aggressor.schema.event import ASK, BID, NO_PRICE, NO_TIME, NOT_FLOW
from aggressor.schema.instrument import ContractKind, Instrument

LEVELS_MAX = 512  # levels one cost may walk
MINUTE_NS = 60_000_000_000


class MarketView:
    """See the module text."""

    def __init__(self, instrument: Instrument, lane: int) -> None:
        self.contract = instrument
        self.instrument = lane
        self.now_ns = NO_TIME
        self.valid = False  # the book is whole, not crossed, both sides there, and not stale
        self.bid = self.ask = NO_PRICE  # best, depth fused with newer quotes; only while `valid`
        self._pipe: Pipeline | None = None
        self._asked = EVERYTHING
        self._prints_since = 0  # number of the first print since the previous decision
        self._prints_read = 0

    def look(self, pipe: Pipeline, now_ns: int) -> None:
        """Read the touch at a new moment."""
        if pipe is not self._pipe:
            self._bind(pipe)
        self.now_ns = now_ns
        lane, top = self.instrument, self._top
        self._prints_since, self._prints_read = self._prints_read, self._tape.prints(lane)
        self.bid = top.bid(lane)
        self.ask = top.ask(lane)
        self.valid = top.valid(lane) != 0 and not self._health.faults(lane) & FAULT_STALE

    def _bind(self, pipe: Pipeline) -> None:
        """Look up once where the numbers stand that are read at every decision."""
        self._pipe = pipe
        self._asked = int(pipe.head[0]["asked"])
        self._top = Columns(pipe.market.book.head)
        self._health = Columns(pipe.market.health.head)
        self._tape = Columns(pipe.market.tape.head)

    def computes(self, group: int) -> bool:
        """Return whether the run computes a group of measures (`engine.asked`)."""
        return self._asked & group == group

    def _need(self, group: int, what: str) -> None:
        if not self._asked & group:
            refuse(what, group)

    @property
    def pipeline(self) -> Pipeline:
        """The state this view reads."""
        assert self._pipe is not None, "the view has not been moved to a decision yet"
        return self._pipe

    @property
    def high_traded(self) -> int | None:
        """Highest print since the previous decision; None when there was none."""
        prices = self._prices_since()
        return int(prices.max()) if prices.size else None

    @property
    def low_traded(self) -> int | None:
        """Lowest print since the previous decision; None when there was none."""
        prices = self._prices_since()
        return int(prices.min()) if prices.size else None

    def _prices_since(self) -> NDArray[Any]:
        """Return the prices of the prints since the previous decision, as far as they are kept."""
        ring, stop = self.pipeline.market.tape.ring, self._prints_read
        first = max(self._prints_since, stop - ring.shape[1])
        return ring[self.instrument]["price"][np.arange(first, stop) & (ring.shape[1] - 1)]

    @property
    def venue_now_ns(self) -> int:
        """`ts_venue` of the newest market event."""
        return int(self.pipeline.head[0]["venue_now"])

    @property
    def book_age_ns(self) -> int:
        """`now_ns` less the receive time of the last book message."""
        last = self._top.ts_recv(self.instrument)
        return self.now_ns - last if last != NO_TIME else 2**62

    @property
    def bid_lots(self) -> int:
        """Lots at the best bid."""
        return self._top.bid_lots(self.instrument)

    @property
    def ask_lots(self) -> int:
        """Lots at the best ask."""
        return self._top.ask_lots(self.instrument)

    @property
    def mid2(self) -> int:
        """`bid + ask`: twice the mid."""
        return self.bid + self.ask

    @property
    def spread_ticks(self) -> int:
        """`ask - bid`."""
        return self.ask - self.bid

    @property
    def weighted_mid(self) -> float:
        """Weighted mid in ticks (R1.1); NaN while the top is not known."""
        return float(read_weighted_mid(self.pipeline, self.instrument))

    @property
    def last_price(self) -> int | None:
        """Price of the last print that is flow."""
        price = self._tape.price(self.instrument)
        return price if price != NO_PRICE else None

    @property
    def median_spread(self) -> Measure:
        """Median spread of the last hour, ticks."""
        head = self.pipeline.volatility.head[self.instrument]
        return _measure(head["spread_median"], head["spread_maturity"])

    @property
    def effective_tick(self) -> Measure:
        """Effective tick of R0.5, ticks."""
        head = self.pipeline.volatility.head[self.instrument]
        return _measure(head["effective_tick"], head["effective_maturity"])

    @property
    def sigma_second(self) -> Measure:
        """Robust deviation of one-second changes of the mid (R0.5), ticks."""
        head = self.pipeline.volatility.head[self.instrument]
        return _measure(0.5 * head["sigma2"], head["sigma_maturity"])

    @property
    def atr_1m_ticks(self) -> Measure:
        """Average true range of closed one-minute bars of the mid, ticks."""
        head = self.pipeline.volatility.head[self.instrument]
        return _measure(0.5 * head["atr2"], head["atr_maturity"])

    @property
    def delta_now(self) -> int:
        """Signed lots of the last w (R3.4)."""
        return int(read_window(self.pipeline, 2 * self.instrument, self.now_ns)[0])

    @property
    def taker_lots_now(self) -> tuple[int, int]:
        """Lots (bought, sold) by aggressors in the last w."""
        delta, volume = read_window(self.pipeline, 2 * self.instrument, self.now_ns)
        return int(volume + delta) // 2, int(volume - delta) // 2

    def flow(self, since_ns: int, until_ns: int | None = None) -> Flow | None:
        """Return what traded in (since, until] of receive time, now where no end is given.

        None where the tape that is kept (its last 4096 prints) does not reach back so far.
        """
        tape = self.pipeline.market.tape
        ring, stop = tape.ring[self.instrument], int(tape.head[self.instrument]["prints"])
        oldest = max(0, stop - ring.size)

        def received(number: int) -> int:
            return int(ring[number & (ring.size - 1)]["ts_recv"])

        first = bisect_right(range(oldest, stop), since_ns, key=received) + oldest
        if first == oldest > 0:
            return None
        if until_ns is not None:
            stop = bisect_right(range(oldest, stop), until_ns, key=received) + oldest
        prints = ring[np.arange(first, max(first, stop)) & (ring.size - 1)]
        prints = prints[(prints["flags"] & NOT_FLOW) == 0]
        if not prints.size:
            return Flow(0, 0, None, None, None)
        sides, prices = prints["side"], prints["price"]
        return Flow(
            int(prints["size"][sides > 0].sum()),
            int(prints["size"][sides < 0].sum()),
            int(prices.min()),
            int(prices.max()),
            int(prices[-1]),
        )

    def mid2_at(self, ts_ns: int) -> int | None:
        """Return `bid + ask` at the last TIMER at or before a moment; None where it is not kept."""
        self._need(SIGNALS, "mid2_at")
        state = self.pipeline.cascade
        stop = int(state.head[self.instrument]["marks"])
        points, oldest = state.points[self.instrument], max(0, stop - MARKS)
        found = bisect_right(
            range(oldest, stop), ts_ns, key=lambda n: int(points[n & (MARKS - 1)]["ts_recv"])
        )
        if found == 0:
            return None
        mid2 = int(points[(oldest + found - 1) & (MARKS - 1)]["mid2"])
        return mid2 if mid2 != NO_PRICE else None

    @property
    def volume_1m(self) -> int | None:
        """Lots traded in the last minute; None in the first."""
        start = int(self.pipeline.market.health.head[self.instrument]["start_ns"])
        if start == NO_TIME or self.now_ns - start < MINUTE_NS:
            return None
        return int(read_window(self.pipeline, 2 * self.instrument + 1, self.now_ns)[1])

    @property
    def traded_lots(self) -> tuple[int, int]:
        """Lots (bought, sold) by aggressors since the beginning: running sums."""
        return self._tape.bought(self.instrument), self._tape.sold(self.instrument)

    @property
    def taker_rates(self) -> tuple[float, float]:
        """Lots per second (bought, sold) by aggressors over the last minute, or what was seen."""
        start = int(self.pipeline.market.health.head[self.instrument]["start_ns"])
        if start == NO_TIME or self.now_ns <= start:
            return 0.0, 0.0
        delta, volume = read_window(self.pipeline, 2 * self.instrument + 1, self.now_ns)
        seconds = min(self.now_ns - start, MINUTE_NS) / 1e9
        return float(volume + delta) / 2 / seconds, float(volume - delta) / 2 / seconds

    @property
    def mean_print(self) -> float:
        """Mean lots of a print since the beginning; 1 before the first."""
        head = self.pipeline.market.tape.head[self.instrument]
        trades = int(head["trades"])
        lots = int(head["bought"]) + int(head["sold"]) + int(head["unknown"])
        return lots / trades if trades else 1.0

    @property
    def walls(self) -> Sequence[Wall]:
        """Walls standing now, both sides, nearest to the touch first."""
        self._need(DEPTH, "walls")
        state = self.pipeline.walls
        found: list[tuple[int, Wall]] = []
        for s, side in enumerate((BID, ASK)):
            best = self.bid if side == BID else self.ask
            for row in state.walls[self.instrument, s]:
                if row["live"] and row["standing"]:
                    age = self.now_ns - int(row["first_seen_ns"])
                    wall = Wall(int(row["price"]), int(row["lots"]), float(row["z"]), age, side)
                    found.append((abs(best - wall.price), wall))
        return [wall for _, wall in sorted(found)]

    @property
    def walls_gone(self) -> Sequence[GoneWall]:
        """Walls that ended, newest first, the last 64 at most."""
        self._need(DEPTH, "walls_gone")
        state = self.pipeline.walls
        ended = int(state.head[self.instrument]["ended"])
        rows = (
            state.ended[self.instrument, n & (ENDED - 1)]
            for n in range(ended - 1, max(0, ended - ENDED) - 1, -1)
        )
        return [
            GoneWall(
                int(row["price"]),
                int(row["peak"]),
                int(row["side"]),
                int(row["ended_ns"]) - int(row["first_seen_ns"]),
                int(row["ended_ns"]),
            )
            for row in rows
        ]

    @property
    def node_edges(self) -> Sequence[tuple[int, int]]:
        """Edges of the session's high volume nodes as (low, high) in ticks, read each minute."""
        self._need(PROFILE, "node_edges")
        state = self.pipeline.locations
        count = int(state.head[self.instrument]["locations"])
        rows = state.locations[self.instrument, :count]
        return [(int(row["low"]), int(row["high"])) for row in rows if row["kind"] == HVN_EDGE]

    @property
    def vwap_1m(self) -> float | None:
        """VWAP of the running minute, ticks; of the one before while nothing has traded in it."""
        series = self.instrument * int(self.pipeline.head[0]["bars_per_lane"])
        head = self.pipeline.footprint.head[series]
        if head["volume"] > 0:
            return float(head["open"]) + float(head["moment"]) / float(head["volume"])
        closed = int(head["closed"])
        if closed == 0:
            return None
        bars = self.pipeline.footprint.bars[series]
        return float(bars[(closed - 1) % bars.size]["vwap"])

    def cost_to_trade(self, side: int, lots: int) -> float | None:
        """Return how far beyond the touch, in ticks, `lots` would fill on average (R1.8)."""
        inverse = self.contract.kind is ContractKind.INVERSE
        touch_ticks, unfilled = read_cost(self.pipeline, self.instrument, side, lots, inverse)
        return float(touch_ticks) if unfilled == 0 and touch_ticks == touch_ticks else None

    @property
    def top_depth(self) -> tuple[int, int]:
        """Lots within the first three grid prices of (bid, ask)."""
        bid, ask = read_depth(self.pipeline, self.instrument, 3)
        return int(bid), int(ask)

    def depth_share(self, side: int) -> Measure:
        """Depth of a side near its best now, over its median of the last minute (R5.5)."""
        self._need(DEPTH, "depth_share")
        head = self.pipeline.near_depth.head[self.instrument]
        usual = int(head["usual"][0 if side == BID else 1])
        if usual <= 0:
            return UNKNOWN
        depth = read_depth(self.pipeline, self.instrument, int(head["reach_ticks"]))
        return _measure(int(depth[0 if side == BID else 1]) / usual, head["maturity"])

    def largest_level(self, side: int, price: int) -> int:
        """Return the most lots that one level shows, from the best of a side to `price`."""
        return int(read_levels(self.pipeline, self.instrument, side, price)[0])

    def gap_ticks(self, side: int) -> int | None:
        """Return how far the next level stands behind the best of a side; None: there is none."""
        gap = int(read_levels(self.pipeline, self.instrument, side, NO_PRICE)[1])
        return gap if gap > 0 else None


def _measure(value: Any, maturity: Any) -> Measure:
    """Return a value with the ripeness of its baseline (the same three steps in the same order)."""
    state = Ripeness(int(maturity))
    return UNKNOWN if state is Ripeness.UNKNOWN else Measure(float(value), state)


@kernel
def read_weighted_mid(pipe: Pipeline, k: Int) -> float:
    """Return the weighted mid of lane `k`."""
    return weighted_mid(pipe.pressure, k)


@kernel
def read_window(pipe: Pipeline, series: Int, now: Int) -> tuple[Int, Int]:
    """Return (signed lots, lots) of a delta window at `now`."""
    return window_delta(pipe.window, series, now), window_volume(pipe.window, series, now)


@kernel
def read_cost(pipe: Pipeline, k: Int, side: Int, lots: Int, inverse: bool) -> tuple[float, Int]:
    """Return (ticks beyond the touch, lots unfilled) of taking `lots` at once."""
    cost = cost_to_trade(pipe.market.book, k, side, lots, inverse, LEVELS_MAX)
    return cost.touch_ticks, cost.unfilled


@kernel
def read_depth(pipe: Pipeline, k: Int, ticks: Int) -> tuple[Int, Int]:
    """Return lots within the first `ticks` grid prices of (bid, ask)."""
    bid = depth_ticks(pipe.market.book, k, BID, ticks, LEVELS_MAX)
    ask = depth_ticks(pipe.market.book, k, ASK, ticks, LEVELS_MAX)
    return bid.lots, ask.lots


@kernel
def read_levels(pipe: Pipeline, k: Int, side: Int, price: Int) -> tuple[Int, Int]:
    """Return (most lots of a level from the best to `price`, ticks from the best to the next).

    The depth ladder's; the second is 0 where no level stands behind the best.
    """
    book = pipe.market.book
    best = best_price(book, k, side)
    if best == NO_PRICE:
        return 0, 0
    behind = next_price(book, k, side, best)
    gap = side * (best - behind) if behind != NO_PRICE else np.int64(0)
    largest, at = np.int64(0), best
    for _ in range(LEVELS_MAX):
        if at == NO_PRICE or price == NO_PRICE or side * (at - price) < 0:
            break
        largest = max(largest, lots_at(book, k, side, at))
        at = next_price(book, k, side, at)
    return largest, gap
