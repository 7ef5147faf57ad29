"""What a synthetic market is like: its settings, its presets, and the tables its kernels read.

The defaults are the reference book of R11.I (a Cont-Stoikov-Talreja birth-death book of unit
orders) with nothing on top. Everything else is a switch that is off at 0: heavy-tailed sizes,
long-memory signs (R11.C), bursts, slow volatility, drift, refill of the side under pressure,
scenarios.

Rates are per second, prices ticks, sizes lots; `rate` multiplies every rate.
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import ConfigError

ARRIVALS = (1.85, 1.51, 1.09, 0.88, 0.77)  # limit orders per side, by ticks from the opposite best
ARRIVALS_FAR = (1.92, 0.52)  # beyond: first / distance ** second
TAKERS = 0.94  # market orders per side
CANCELS = (0.71, 0.81, 0.68, 0.56, 0.47)  # per resting order, by distance; the last one beyond
QUANTILES = 65536
NS = 1_000_000_000
MS = 1_000_000

SCENARIO_KINDS = (
    "iceberg",
    "wall_pull",
    "push_through",
    "exhaustion",
    "cascade",
    "absorption",
    "vacuum",
    "stop_run",
    "trapped",
    "divergence",
    "stacking",
)
DIFFICULTIES = ("easy", "medium", "hard")

PARAMS = np.dtype(
    [
        (name, "<f8")
        for name in [
            "arrival_rate",
            "taker_rate",
            "cancel_rate",
            "metaorder_share",
            "burst_jump",
            "burst_decay",
            "volatility",
            "volatility_decay",
            "drift",
            "drift_decay",
            "refill",
            "pressure_step",
            "pressure_decay",
            "latency_ns",
            "jitter_ns",
            "tick_money",
            "run_ticks",
            "wall_age_s",
            "fall_sigmas",
            "sweep_share",
            "flow",  # lots that background takers take a second on the whole
        ]
    ]
    + [
        (name, "<i8")
        for name in [
            "reach",
            "unit_lots",
            "pulse_ns",
            "depth_ns",
            "quotes",
            "mark_ns",
            "interest_ns",
            "funding_ns",
            "liquidation_ns",
            "start_ns",
            "scenario_kinds",
            "difficulties",
            "warmup_ns",
            "gap_ns",
            "gap_min_ns",
            "instrument",
        ]
    ]
)


class MarketConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a synthetic market; the same settings give the same bytes."""

    seed: int = 0
    start_ns: int = 1_700_000_000 * NS
    start_price: int = 12_000
    instrument: int = 0
    rate: float = 1.0
    reach: int = 30  # limit orders arrive up to so many ticks from the opposite best
    unit_lots: int = 1
    size_tail: float = 0.0  # Pareto exponent of order sizes; 0: unit orders
    size_max: int = 400  # in units
    whole_units: bool = True  # sizes are whole units; else whole lots from one unit up
    metaorder_share: float = 0.0  # of background takers that belong to a metaorder
    metaorder_tail: float = 1.5  # Pareto exponent of metaorder lengths
    metaorder_length: int = 0  # a constant length instead, when above 0
    burst_branching: float = 0.0  # Hawkes branching ratio, below 1: takers excite all rates
    burst_s: float = 1.0  # decay time of the excitement
    volatility: float = 0.0  # deviation of the log of the slow activity
    volatility_s: float = 120.0  # its memory
    drift: float = 0.0  # deviation of the slow tilt of taker signs, of 1
    drift_s: float = 60.0
    refill: float = 0.0  # 0..1: how far limit orders favour the side being hit
    refill_s: float = 5.0
    depth_interval_ms: int = 100  # 0: a depth message for each change
    quotes: bool = False
    mark_interval_ms: int = 0  # 0: no such rows
    interest_interval_ms: int = 0
    funding_interval_ms: int = 0
    interest_lots: int = 1_000_000
    tick_money: int = 500_000_000  # 1e-8 of the quote currency in one tick
    liquidation_interval_ms: int = 0  # at most one row per interval; 0: every one
    latency_ms: float = 5.0
    jitter_ms: float = 1.0
    pulse_ms: int = 10  # grid on which slow rates and scenarios move
    burn_in_s: float = 30.0
    scenarios: tuple[str, ...] = ()
    difficulties: tuple[str, ...] = DIFFICULTIES
    warmup_s: float = 600.0  # before the first scenario
    gap_s: float = 20.0  # mean pause between scenarios, beyond the least one
    gap_min_s: float = 10.0
    run_ticks: float = 20.0  # length of a medium exhaustion run
    wall_age_s: float = 0.6  # a wall stands so long before it is pulled or pushed through
    sweep_share: float = 0.4  # of a wall that is pushed through, left to the clearing sweep
    fall_sigmas: float = 0.0  # least length of a hard cascade, of the minute changes since start
    log: bool = False  # keep the L3 truth

    def __post_init__(self) -> None:
        """Refuse settings that make no market."""
        for name in ("rate", "reach", "unit_lots", "pulse_ms", "start_price", "size_max"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be above 0, not {getattr(self, name)}.")
        if not 0 <= self.burst_branching < 1:
            raise ConfigError(f"burst_branching must be in [0, 1), not {self.burst_branching}.")
        if not 5 <= self.reach <= 500 or self.start_price <= 4 * self.reach:
            raise ConfigError(
                f"reach must be 5 to 500 ticks and below a quarter of start_price, "
                f"not {self.reach}."
            )
        for name in ("depth", "mark", "interest", "funding", "liquidation"):
            interval = getattr(self, f"{name}_interval_ms")
            if interval < 0 or interval % self.pulse_ms:
                raise ConfigError(
                    f"{name}_interval_ms must be a multiple of pulse_ms ({self.pulse_ms}), "
                    f"not {interval}."
                )
        for chosen, known in ((self.scenarios, SCENARIO_KINDS), (self.difficulties, DIFFICULTIES)):
            if unknown := set(chosen) - set(known):
                raise ConfigError(f"{min(unknown)} is unknown; choose from {', '.join(known)}.")
        if not self.difficulties:
            raise ConfigError("difficulties is empty; name at least one.")


def lively(config: MarketConfig) -> MarketConfig:
    """Return `config` with heavy tails, long memory, bursts and slow volatility switched on."""
    return msgspec.structs.replace(
        config,
        size_tail=1.6,
        size_max=60,
        metaorder_share=0.4,
        burst_branching=0.5,
        volatility=1.0,
        volatility_s=300.0,
        refill=0.3,
    )


def arrival_rates(reach: int) -> NDArray[np.float64]:
    """Return limit orders per second and side, by ticks from the opposite best, (reach,)."""
    distance = np.arange(1, reach + 1, dtype=np.float64)
    rates = ARRIVALS_FAR[0] / distance ** ARRIVALS_FAR[1]
    rates[: len(ARRIVALS)] = ARRIVALS
    return np.round(rates, 12)


def cancel_rates(reach: int) -> NDArray[np.float64]:
    """Return cancels per second and order by the same ticks, the last beyond, (reach + 1,)."""
    rates = np.full(reach + 1, CANCELS[-1])
    rates[: len(CANCELS)] = CANCELS
    return rates


def pareto_quantiles(tail: float, count: int, largest: int, unit: int = 1) -> NDArray[np.int64]:
    """Return `count` mid-quantiles of a whole-numbered Pareto law from `unit` to `largest`."""
    levels = (np.arange(count) + 0.5) / count
    return np.minimum(np.floor(unit * levels ** (-1.0 / tail) + 1e-9), largest).astype(np.int64)


def size_table(config: MarketConfig) -> NDArray[np.int64]:
    """Return the quantiles of order sizes in lots, (QUANTILES,)."""
    if config.size_tail == 0:
        return np.full(QUANTILES, config.unit_lots, np.int64)
    unit, largest = config.unit_lots, config.size_max
    if not config.whole_units:
        return pareto_quantiles(config.size_tail, QUANTILES, unit * largest, unit)
    return pareto_quantiles(config.size_tail, QUANTILES, largest) * unit


def length_table(config: MarketConfig) -> NDArray[np.int64]:
    """Return the quantiles of metaorder lengths in orders, (QUANTILES,)."""
    if config.metaorder_length > 0:
        return np.full(QUANTILES, config.metaorder_length, np.int64)
    return pareto_quantiles(config.metaorder_tail, QUANTILES, 10**6)


def params_of(config: MarketConfig) -> NDArray[Any]:
    """Return the settings as the record that kernels read, (1,) PARAMS."""
    pulse_s = config.pulse_ms / 1000
    calm = 1 - config.burst_branching
    excited = 2 * TAKERS * config.rate * calm * config.burst_s
    params = np.zeros(1, PARAMS)
    row = params[0]
    row["arrival_rate"] = 2 * arrival_rates(config.reach).sum() * config.rate * calm
    row["taker_rate"] = 2 * TAKERS * config.rate * calm
    row["cancel_rate"] = max(CANCELS) * config.rate * calm
    row["metaorder_share"] = config.metaorder_share
    row["burst_jump"] = config.burst_branching / excited
    row["burst_decay"] = np.exp(-pulse_s / config.burst_s)
    row["volatility"] = config.volatility
    row["volatility_decay"] = np.exp(-1 / config.volatility_s)
    row["drift"] = config.drift
    row["drift_decay"] = np.exp(-1 / config.drift_s)
    row["refill"] = config.refill
    row["pressure_step"] = min(0.5, 1 / (2 * TAKERS * config.rate * config.refill_s))
    row["pressure_decay"] = np.exp(-pulse_s / config.refill_s)
    row["latency_ns"] = config.latency_ms * MS
    row["jitter_ns"] = config.jitter_ms * MS
    row["tick_money"] = config.tick_money
    row["flow"] = 2 * TAKERS * config.rate * size_table(config).mean()
    row["run_ticks"] = config.run_ticks
    row["wall_age_s"] = config.wall_age_s
    row["fall_sigmas"] = config.fall_sigmas
    row["sweep_share"] = config.sweep_share
    for name in ("reach", "unit_lots", "start_ns", "quotes", "instrument"):
        row[name] = getattr(config, name)
    for name in ("depth", "mark", "interest", "funding", "liquidation"):
        row[f"{name}_ns"] = getattr(config, f"{name}_interval_ms") * MS
    row["pulse_ns"] = config.pulse_ms * MS
    row["warmup_ns"] = config.warmup_s * NS
    row["gap_ns"] = config.gap_s * NS
    row["gap_min_ns"] = config.gap_min_s * NS
    row["scenario_kinds"] = sum(1 << SCENARIO_KINDS.index(kind) for kind in config.scenarios)
    row["difficulties"] = sum(1 << DIFFICULTIES.index(name) for name in config.difficulties)
    return params
