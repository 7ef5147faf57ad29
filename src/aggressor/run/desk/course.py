"""A course: one market through one engine on a simulated venue, looked at slice by slice.

It goes as far as it is told, to a moment or by so many events, and stands. Going back is a new
course from the beginning: what an engine knows cannot be taken from it. The same rows lead to the
same state however the course is cut.
"""

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from aggressor.engine.asked import EVERYTHING
from aggressor.engine.ports import Feed
from aggressor.execution.desk import DeskRule
from aggressor.run.accounts.trading import Trading
from aggressor.run.assemble import Settings, assemble
from aggressor.run.desk.slices import NEVER_NS, Slices
from aggressor.schema.event import NO_TIME, TIMER
from aggressor.schema.instrument import Instrument
from aggressor.sim.exchange import SimExchange
from aggressor.sim.synthetic.labels import Label
from aggressor.strategies.gates import Mode
from aggressor.web.hub import Hub
from aggressor.web.picture import Picture

COLUMNS_NS = 600_000_000_000  # of heat are made before the moment that a jump goes to


class Market(NamedTuple):
    """A market that can be begun again and again."""

    mode: str  # "replay" or "synthetic"
    title: str
    instruments: Sequence[Instrument]
    feed: Callable[[], tuple[Feed, Callable[[], Sequence[Label]]]]
    span_ns: tuple[int, int]
    opens_ns: int  # where a desk begins to show it: what is before makes yardsticks
    labelled: bool = False
    copied: bool = False  # its feed and labels can be copied where they stand, both as one


class Course:
    """See the module text."""

    def __init__(
        self,
        market: Market,
        settings: Settings,
        hub: Hub,
        more: Callable[[], dict[str, Any]],
        rule: DeskRule | None = None,
    ) -> None:
        self.touched = False  # a person has acted on it: it is no longer the market's alone
        self.columns_whole = True  # heat columns were made at every TIMER so far
        self._market = market
        feed, self.labels = market.feed()
        assembly = assemble(market.instruments, settings, Mode.PAPER, rule=rule, asked=EVERYTHING)
        self.engine = assembly.engine
        self.slices = Slices(feed)
        self.exchange = SimExchange(
            self.slices,
            market.instruments,
            latency=assembly.latency,
            queue=assembly.queue,
            costs=assembly.costs,
            live=True,
        )
        self.trading = Trading(self.engine, self.exchange)
        self.engine.rouse()
        self.picture = Picture(
            self.engine,
            hub,
            profile=settings.profile,
            ahead=self.exchange.ahead,
            more=more,
            strategy=settings.strategy or None,
        )

    def copied(self, hub: Hub) -> "Course":
        """Return another course that stands here and tells `hub`; this one is left as it is.

        Raises TypeError for a strategy that holds what cannot be copied.
        """
        picture, feed = self.picture, self.slices.feed
        memo: dict[int, Any] = {
            id(picture.hub): hub, id(picture.more): picture.more, id(self._market): self._market,
        }  # fmt: skip
        if not self._market.copied:
            memo |= {id(feed): feed, id(self.labels): self.labels}
        one = deepcopy(self, memo)
        if not self._market.copied:
            begun, one.labels = self._market.feed()
            one.slices.resume(begun)
        return one

    @property
    def now_ns(self) -> int:
        """Receive time of the last event; NO_TIME before the first."""
        return self.engine.now_ns

    @property
    def at_end(self) -> bool:
        """Whether the market is over."""
        return self.slices.next_ns is None

    def run_to(self, until_ns: int, stop_s: float, columns_from_ns: int = NO_TIME) -> bool:
        """Use everything up to a moment, or stop at `stop_s` of `time.monotonic`; say which.

        Heat columns are made from `columns_from_ns` on.
        """
        while self.slices.let(until_ns):
            self._use(columns_from_ns)
            if time.monotonic() >= stop_s:
                return False
        return True

    def step(self, events: int) -> int:
        """Use the next events, TIMERs left out of the count; return how many were used."""
        used = 0
        while used < events and self.slices.let(NEVER_NS, 1):
            if self._use(NO_TIME):
                continue
            used += 1
        return used

    def _use(self, columns_from_ns: int) -> bool:
        """Let the engine use what was let; return whether it ended with a TIMER."""
        now = self.slices.last_ns
        while self.trading.turn():
            pass
        self.picture.events = self.trading.events
        is_timer = self.slices.ends_with == TIMER
        if is_timer:
            self.columns_whole &= now >= columns_from_ns
            self.picture.timer(now, columns=now >= columns_from_ns)
        return is_timer
