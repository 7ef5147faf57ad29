"""A backtest with its placebo: what a strategy's own exits earn at moments that know nothing.

The strategy is run once; the setups it decided on are then shifted along the same tape, draw by
draw (`strategies.placebo`), through the same venue, latency and costs; `study.judgement` compares.
Where it decided on nothing, moments and sides are drawn by chance: what its exits cost is known
all the same. On a store each variant is written down, and judged among all that were (`tried`).
The null markets of R11.I are sources like any recording.
"""

from typing import Any

import msgspec
import numpy as np

from aggressor.engine.ports import Strategy
from aggressor.run.assemble import Settings, assemble
from aggressor.run.backtests.backtest import play
from aggressor.run.backtests.market_source import Source
from aggressor.run.backtests.trade_records import summary
from aggressor.run.backtests.tried import note, others
from aggressor.run.own_strategy import is_own
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.synthetic.presets import NULLS, demo_instrument
from aggressor.store.replay import replay_of
from aggressor.strategies.evidence import TradeRecord
from aggressor.strategies.gates import Mode
from aggressor.strategies.placebo import Moment, Placebo, random_moments, shifted
from aggressor.strategies.setup_strategy import SetupStrategy
from aggressor.study.estimates import Floats
from aggressor.study.judgement import judged

HORIZON_NS = 60_000_000_000  # the largest markout: no shift is smaller
RANDOM_NS = 60_000_000_000  # one random moment for so much of a tape,
RANDOM_MAX = 60  # and no more in one draw
_ROWS = 1 << 16


def null_market(name: str, seed: int, hours: float) -> Source:
    """Return a market in which nothing is to be found. Raises ConfigError for another name."""
    if name not in NULLS:
        raise ConfigError(f"There is no null market {name!r}; there is {', '.join(NULLS)}.")
    if not 0 < hours < float("inf"):
        raise ConfigError(f"hours must be above 0, not {hours}.")
    feed = NULLS[name](seed, 3600 * hours)
    chunks: list[Events] = []
    while (events := feed.poll(_ROWS)).size:
        chunks.append(events)
    whole = np.concatenate(chunks)
    first, last = int(whole["ts_recv"][0]), int(whole["ts_recv"][-1])
    return Source(
        (demo_instrument(),),
        lambda: replay_of([whole]),
        whole.size,
        first,
        last,
        where={"null": name, "seed": seed, "hours": hours},
    )


def judge(
    source: Source, settings: Settings, draws: int, seed: int = 1, progress: Step = silent
) -> dict[str, Any]:
    """Return what a strategy's trades on a market show, held against `draws` placebos.

    Raises ConfigError where there is nothing to shift: a strategy of one's own has no setups.
    """
    if is_own(settings.strategy):
        raise ConfigError(
            "A placebo shifts the setups of a strategy; one of your own does not tell of them."
        )
    if len(source.instruments) > 1 or "," in settings.strategy:
        raise ConfigError("A placebo is of one strategy on one instrument: name one of each.")
    if draws < 0:
        raise ConfigError(f"A placebo has 0 draws or more, not {draws}.")
    assembly = assemble([source.instrument], settings, Mode.BACKTEST)
    source.begin(assembly)
    play(assembly, source.feed(), [source.instrument])
    (strategy,) = assembly.strategies
    assert isinstance(strategy, SetupStrategy)
    trades = _entered(strategy.evidence.trades)
    chance = np.random.default_rng(seed)
    found: list[Floats] = []
    dropped = 0
    taken = list(strategy.taken)
    for number in range(draws):
        progress("placebo", number / draws)
        if taken:
            script = shifted(taken, source.first_ns, source.last_ns, _shift(source, chance))
        else:
            count = max(1, min(RANDOM_MAX, (source.last_ns - source.first_ns) // RANDOM_NS))
            script = random_moments(count, source.first_ns, source.last_ns, chance)
        one, lost = _draw(source, settings, script)
        found.append(net_bp(one, source.instrument))
        dropped += lost
    progress("placebo", 1.0)
    verdict = judged(
        net_bp(trades, source.instrument),
        gross_bp(trades, source.instrument),
        [one.began_ns for one in trades],
        found,
        others(source, settings),
    )
    return {
        **msgspec.to_builtins(verdict),
        "setups": len(taken),
        "moments": "shifted" if taken else "random",
        "dropped": dropped,
        "seed": seed,
        "not_noted": note(source, settings, verdict.outcome),
        "digest": summary(assembly, source.instrument, 0)["digest"],
    }


def net_bp(trades: list[TradeRecord], instrument: Instrument) -> Floats:
    """Return realised profit less fees of each trade, basis points of its value at entry."""
    return _in_bp(trades, instrument, 1)


def gross_bp(trades: list[TradeRecord], instrument: Instrument) -> Floats:
    """Return realised profit of each trade before fees, basis points of its value at entry."""
    return _in_bp(trades, instrument, 0)


def _in_bp(trades: list[TradeRecord], instrument: Instrument, fees: int) -> Floats:
    values = [
        10_000 * float((one.realised - fees * one.fees) / abs(_value(one, instrument)))
        for one in trades
    ]
    return np.array(values, np.float64)


def _value(trade: TradeRecord, instrument: Instrument) -> Any:
    assert trade.entry_price is not None
    return instrument.notional(round(trade.entry_price), trade.entered_lots)


def _entered(trades: list[TradeRecord]) -> list[TradeRecord]:
    return sorted((one for one in trades if one.entered_lots), key=lambda one: one.began_ns)


def _shift(source: Source, chance: np.random.Generator) -> int:
    """Return a shift along the tape: no smaller than HORIZON_NS or a tenth of it either way."""
    span = source.last_ns - source.first_ns
    least = min(HORIZON_NS, span // 10)
    return int(chance.integers(least, max(span - least, least + 1)))


def _draw(
    source: Source, settings: Settings, script: list[Moment]
) -> tuple[list[TradeRecord], int]:
    """Play one placebo; return its trades, and how many setups found no room."""
    free = msgspec.structs.replace(settings, rule={**settings.rule, "ungated": True})

    def blind(strategy: Strategy) -> Placebo:
        assert isinstance(strategy, SetupStrategy)
        return Placebo(strategy, script)

    assembly = assemble([source.instrument], free, Mode.BACKTEST, blind)
    source.begin(assembly)
    (placebo,) = assembly.strategies
    assert isinstance(placebo, Placebo)
    play(assembly, source.feed(), [source.instrument])
    return _entered(placebo.evidence.trades), placebo.dropped
