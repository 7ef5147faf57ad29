"""Synthetic markets by name: the demo's, and the nulls that detectors and strategies are held
against.

The demo's instrument is coarse in the way of a micro futures contract: one tick is 5 of the quote
currency near 60,000 (0.83 basis points), so that a scalp of some ticks can pay for its costs
(R0.5) and the touch holds queues worth watching. One lot is 0.001 of the underlying.

Two nulls, which are not the same (R11.I): the Poisson book has no iceberg, wall or run in it, but
its queue imbalance does predict; the martingale predicts nothing at all.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from aggressor.schema.event import Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.synthetic.config import MarketConfig, lively
from aggressor.sim.synthetic.labels import Label
from aggressor.sim.synthetic.market import SyntheticFeed, record
from aggressor.sim.synthetic.martingale import MartingaleConfig, MartingaleFeed

DEMO_WARMUP_S = 300.0
DEMO_MINUTES = 30.0
SCORED_WARMUP_S = 900.0
SCORED_GAP_S = 40.0
DEMO_KINDS = ("iceberg", "wall_pull", "push_through", "exhaustion", "cascade")


SYNTHETIC = "synthetic"  # the venue's name; it publishes every forced order


def demo_instrument() -> Instrument:
    """Return the demo's instrument, `synthetic:MICRO`: linear, tick 5, lot 0.001."""
    return Instrument(
        venue=SYNTHETIC,
        symbol="MICRO",
        kind=ContractKind.LINEAR,
        tick=Decimal(5),
        lot=Decimal("0.001"),
        base="BTC",
        quote="USD",
        settle="USD",
    )


def demo_config(seed: int) -> MarketConfig:
    """Return the demo's market: all switches on, scenarios of DEMO_KINDS in both directions."""
    return lively(
        MarketConfig(
            seed=seed,
            rate=2.0,
            unit_lots=10,
            quotes=True,
            mark_interval_ms=1000,
            interest_interval_ms=10_000,
            funding_interval_ms=60_000,
            scenarios=DEMO_KINDS,
            warmup_s=DEMO_WARMUP_S,
            gap_s=30.0,
            gap_min_s=15.0,
        )
    )


def labelled_config(
    seed: int, kinds: tuple[str, ...], difficulty: str, gap_s: float = 20.0
) -> MarketConfig:
    """Return the market that detectors are scored on: the demo's background in single lots.

    Scenarios of one difficulty only, each by itself: at least SCORED_GAP_S pass between them, and
    SCORED_WARMUP_S before the first, so that every baseline is ripe.
    """
    return msgspec.structs.replace(
        demo_config(seed),
        scenarios=kinds,
        difficulties=(difficulty,),
        whole_units=False,
        wall_age_s=3.0,
        sweep_share=0.5,
        fall_sigmas=6.0,
        warmup_s=SCORED_WARMUP_S,
        gap_min_s=SCORED_GAP_S,
        gap_s=gap_s,
    )


def demo_market(seed: int, minutes: float = DEMO_MINUTES) -> tuple[Instrument, Events, list[Label]]:
    """Return the demo's instrument, its events in order of ts_recv, and what was injected."""
    tape = record(demo_config(seed), 60 * minutes)
    return demo_instrument(), tape.events, tape.labels


def poisson_null(seed: int, duration_s: float | None = None) -> SyntheticFeed:
    """Return the reference book of R11.I (a) with quotes: every injected label would be false."""
    return SyntheticFeed(MarketConfig(seed=seed, quotes=True), duration_s)


def lively_null(seed: int, duration_s: float | None = None) -> SyntheticFeed:
    """Return the demo's background alone: heavy tails, long memory and bursts, no scenario."""
    quiet = msgspec.structs.replace(demo_config(seed), scenarios=())
    return SyntheticFeed(quiet, duration_s)


def martingale_null(seed: int, duration_s: float | None = None) -> MartingaleFeed:
    """Return the market of R11.I (b), in which nothing predicts the mid."""
    return MartingaleFeed(MartingaleConfig(seed=seed), duration_s)


NULLS: dict[str, Callable[..., SyntheticFeed | MartingaleFeed]] = {
    "poisson": poisson_null,
    "lively": lively_null,
    "martingale": martingale_null,
}
