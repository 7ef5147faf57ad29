"""A synthetic market as a Feed: seeded, endless or of a given length, with its truth beside it.

The market runs in slices of venue time; what it published in a slice is put in order of `ts_recv`
and handed out once nothing that is still to come can be received earlier. The bytes depend on the
settings alone, never on how they were polled. Memory is bounded by one slice and, when a log is
kept, by what `drain_log` has not yet been asked for.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel
from aggressor.schema.event import ASK, BID, Events, empty_events
from aggressor.sim.synthetic.book import (
    ARRIVAL_CURVE,
    BACKGROUND,
    CANCEL_CURVE,
    DECK,
    FREE,
    GROWTH_CURVE,
    L3_ROW,
    LEVEL_QUEUE,
    LEVELS,
    LISTS,
    MARKET_HEAD,
    MINUTES,
    NO_SWING,
    OCTAVES,
    ORDER,
    ORDERS_MAX,
    SIZES_MAX,
    Market,
    Output,
    add_order,
)
from aggressor.sim.synthetic.chance import seeded
from aggressor.sim.synthetic.config import (
    MS,
    NS,
    SCENARIO_KINDS,
    MarketConfig,
    arrival_rates,
    cancel_rates,
    length_table,
    params_of,
    size_table,
)
from aggressor.sim.synthetic.labels import LABEL_ROW, Label, labels_of
from aggressor.sim.synthetic.minutes import begin_minute
from aggressor.sim.synthetic.publish import publish_snapshot
from aggressor.sim.synthetic.stage import IDLE, REQUEST, REQUESTS_MAX, SCENARIO_STATE
from aggressor.sim.synthetic.turn import run_market

_ROWS = 1 << 15
_LABELS = 64
_SLICE_PULSES = 500


class Tape(NamedTuple):
    """A whole run: what was published, what was injected, and the orders behind it."""

    events: Events
    labels: list[Label]
    log: NDArray[Any]  # (m,) L3_ROW; empty unless the settings ask for it


def empty_output(rows: int, log_rows: int) -> Output:
    """Return room for `rows` events and `log_rows` rows of truth."""
    return Output(
        head=np.zeros(3, np.int64),
        events=empty_events(rows),
        log=np.zeros(log_rows, L3_ROW),
        labels=np.zeros(_LABELS, LABEL_ROW),
    )


@kernel
def _seed_book(market: Market, out: Output, middle: Int, counts: NDArray[Any]) -> None:
    """Rest `counts[i]` orders on each side at i + 1 ticks from the opposite best."""
    for i in range(counts.size):
        for _ in range(counts[i]):
            for side in (BID, ASK):
                price = middle - i if side == BID else middle + 1 + i
                add_order(market, out, side, price, market.params[0]["unit_lots"], BACKGROUND)


def empty_market(config: MarketConfig) -> Market:
    """Return a market of these settings before its burn-in, with a first book."""
    params = params_of(config)
    arrivals = arrival_rates(config.reach)
    cancels = cancel_rates(config.reach)
    curves = np.zeros((3, max(1025, config.reach + 1)))
    curves[ARRIVAL_CURVE, : config.reach] = np.round(np.cumsum(arrivals) / arrivals.sum(), 12)
    curves[CANCEL_CURVE, : config.reach + 1] = np.round(cancels / cancels.max(), 12)
    curves[GROWTH_CURVE, :1025] = np.round(np.exp(np.linspace(-4, 4, 1025)), 12)
    market = Market(
        head=np.zeros(1, MARKET_HEAD),
        params=params,
        chance=seeded(np.random.default_rng(config.seed)),
        levels=np.zeros(LEVELS, LEVEL_QUEUE),
        orders=np.zeros(ORDERS_MAX, ORDER),
        lists=np.zeros((LISTS, ORDERS_MAX), np.int64),
        curves=curves,
        draws=np.stack([size_table(config), length_table(config)]),
        scenario=np.zeros(1, SCENARIO_STATE),
        requests=np.zeros(REQUESTS_MAX, REQUEST),
        minutes=np.zeros((MINUTES, 2), np.int64),
        sizes=np.zeros((OCTAVES, SIZES_MAX), np.int64),
    )
    market.lists[FREE] = np.arange(ORDERS_MAX)[::-1]
    deck = [2 * SCENARIO_KINDS.index(kind) + up for kind in config.scenarios for up in (0, 1)]
    market.lists[DECK, : len(deck)] = sorted(deck)
    market.scenario[0]["deck"] = len(deck)
    head = market.head[0]
    pulse_ns = config.pulse_ms * MS
    burn_in_ns = -(-int(config.burn_in_s * NS) // pulse_ns) * pulse_ns
    head["now"] = head["pulse_at"] = config.start_ns - burn_in_ns
    head["ask"] = 1 << 30
    head["free"] = ORDERS_MAX
    head["next_id"] = 1
    head["interest"] = config.interest_lots
    head["mark"] = head["middle"] = config.start_price
    head["variance"] = config.rate
    begin_minute(market)
    head["activity"] = head["thin_add"] = head["thin_cancel"] = 1.0
    market.scenario[0]["kind"] = IDLE
    market.scenario[0]["begin_at"] = config.start_ns + params[0]["warmup_ns"]
    counts = np.round(arrivals / cancels[:-1]).astype(np.int64)
    _seed_book(market, empty_output(1, 4 * int(counts.sum()) + 1), config.start_price, counts)
    return market


class SyntheticFeed:
    """A Feed of one synthetic market; endless unless `duration_s` is given."""

    def __init__(self, config: MarketConfig, duration_s: float | None = None) -> None:
        self.config = config
        self.labels: list[Label] = []
        self._market = empty_market(config)
        self._out = empty_output(_ROWS, _ROWS)
        self._slice_ns = _SLICE_PULSES * config.pulse_ms * MS
        self._run_to(config.start_ns)
        for name in ("added", "taken", "cancelled", "fills", "published"):
            self._market.head[0][name] = 0
        self._market.head[0]["minutes"] = 0  # bars are told from the first event published
        self._market.head[0]["swing_high"] = self._market.head[0]["swing_low"] = NO_SWING
        begin_minute(self._market)
        if not config.log:
            self._out = empty_output(_ROWS, 0)
        self._log: list[NDArray[Any]] = []
        self._ready = empty_events(0)
        self._pending = empty_events(0)
        self._stop_ns = None
        if duration_s is not None:
            self._stop_ns = config.start_ns + -(-int(duration_s * NS) // MS) * MS
        self._begin()

    @property
    def now_ns(self) -> int:
        """Venue time up to which the market has run."""
        return int(self._market.head[0]["now"])

    @property
    def typical_lots(self) -> float:
        """Mean lots of a level near the touch, over about a minute."""
        return float(self._market.head[0]["typical"])

    @property
    def counts(self) -> dict[str, int]:
        """Limit orders, takers, cancels, fills and depth messages since the start."""
        head = self._market.head[0]
        names = ("added", "taken", "cancelled", "fills", "published")
        return {name: int(head[name]) for name in names}

    def poll(self, limit: int) -> Events:
        """Return up to `limit` next events; an empty array once the market's time is over."""
        while self._ready.size == 0 and not self._is_over():
            self._advance()
        events, self._ready = self._ready[:limit], self._ready[limit:]
        return events

    def retire(self) -> None:
        """Let no further scenario begin: the background goes on alone."""
        self._market.scenario[0]["deck"] = 0

    def drain_log(self) -> NDArray[Any]:
        """Return the L3 truth since the last call, (m,) L3_ROW, and forget it here."""
        rows = np.concatenate([np.zeros(0, L3_ROW), *self._log])
        self._log.clear()
        return rows

    def _is_over(self) -> bool:
        ended = self._stop_ns is not None and self._market.head[0]["pulse_at"] >= self._stop_ns
        return ended and self._pending.size == 0

    def _begin(self) -> None:
        needed = 4 * ORDERS_MAX
        self._out = empty_output(needed, needed if self.config.log else 0)
        publish_snapshot(self._market, self._out)
        self._collect()

    def _advance(self) -> None:
        pulse_at = int(self._market.head[0]["pulse_at"])
        target = pulse_at + self._slice_ns
        if self._stop_ns is not None:
            target = min(target, self._stop_ns)
        self._run_to(target)
        over = self._stop_ns is not None and target >= self._stop_ns
        horizon = self.now_ns + int(self.config.latency_ms * MS)
        count = self._pending.size
        if not over:
            count = int(np.searchsorted(self._pending["ts_recv"], horizon, "left"))
        self._ready, self._pending = self._pending[:count], self._pending[count:]

    def _run_to(self, until: int) -> None:
        burning = until <= self.config.start_ns
        while True:
            complete = run_market(self._market, until, self._out)
            used = self._out.head.copy()
            if burning:
                self._out.head[:] = 0
            else:
                self._collect()
            if complete:
                return
            if used[0] == 0 and used[1] == 0:
                log_rows = 2 * self._out.log.size
                self._out = empty_output(2 * self._out.events.size, log_rows)

    def _collect(self) -> None:
        events, logged, labelled = (int(n) for n in self._out.head)
        fresh = np.concatenate([self._pending, self._out.events[:events]])
        self._pending = fresh[np.argsort(fresh["ts_recv"], kind="stable")]
        if logged:
            self._log.append(self._out.log[:logged].copy())
        self.labels += labels_of(self._out.labels[:labelled])
        self._out.head[:] = 0


def generate(config: MarketConfig, duration_s: float) -> Iterator[Events]:
    """Yield the events of `duration_s` seconds of market in bounded chunks, in order of ts_recv."""
    feed = SyntheticFeed(config, duration_s)
    while (events := feed.poll(_ROWS)).size:
        yield events


def record(config: MarketConfig, duration_s: float) -> Tape:
    """Return `duration_s` seconds of market at once, with labels and any L3 truth."""
    feed = SyntheticFeed(config, duration_s)
    chunks = [empty_events(0)]
    while (events := feed.poll(_ROWS)).size:
        chunks.append(events)
    return Tape(np.concatenate(chunks), feed.labels, feed.drain_log())


def with_seed(config: MarketConfig, seed: int) -> MarketConfig:
    """Return the same settings under another seed."""
    return msgspec.structs.replace(config, seed=seed)
