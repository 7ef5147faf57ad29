"""Putting an engine together from plain settings: the same for every way of running.

Each lane has a one-minute bar series first (the strategies read it), then those asked for. Sizes
and money limits of the desk are those of `execution`; equity is deposited into the books before
anything happens.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from aggressor.detectors.thresholds import UNCHANGED, Changes, thresholds_of
from aggressor.engine.asked import EVERYTHING, asked_of
from aggressor.engine.engine import Engine
from aggressor.engine.journal import Journal
from aggressor.engine.parts import Pipeline
from aggressor.engine.pipeline import new_pipeline
from aggressor.engine.ports import Strategy
from aggressor.engine.view import Fees
from aggressor.execution.desk import Desk, DeskRule
from aggressor.execution.losses import LossRule
from aggressor.execution.margin import Rates
from aggressor.execution.pace import PaceRule
from aggressor.features.bars import bar_spec
from aggressor.features.forced import COMPLETE
from aggressor.features.series import BarSeries
from aggressor.run.assignment import assigned
from aggressor.run.own_strategy import is_own, own_strategy
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.sim.costs import Costs
from aggressor.sim.latency import Latency
from aggressor.sim.margin import Margin, Tier
from aggressor.sim.queue import Queue, queue_of
from aggressor.sim.synthetic.presets import SYNTHETIC
from aggressor.strategies.gates import Mode
from aggressor.strategies.own import CODE
from aggressor.strategies.table import strategy_named
from aggressor.venues.table import publication_of

MONEY = 100_000_000
_MS = 1_000_000
_WHOLE_BP = 10_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of a strategy rests on; everything here goes into its report."""

    strategy: str = "exhaustion_scalp"  # or several, and where: run/assignment; or none
    profile: str = "perp"
    thresholds: dict[str, dict[str, Any]] = {}  # changes to the profile's, by detector
    latency_ms: str = "5,20,20"
    queue: str = "risk-averse"
    maker_bp: float = 2.0
    taker_bp: float = 5.0
    equity: float = 10_000.0
    maintenance_bp: float = 0.0  # margin a position must keep, of its value; 0: by tiers, if any
    liquidation_bp: float = 0.0  # what the venue charges on what it liquidates
    rule: dict[str, Any] = {}  # changes to the strategy's own defaults
    params: str = ""  # the file they came from


class Assembly(NamedTuple):
    """An engine and what it was made of."""

    engine: Engine
    strategies: Sequence[Strategy]
    latency: Latency
    queue: Queue
    costs: Costs
    deposit: int  # 1e-8 of the settlement currency
    margin: Margin | None = None  # None: the venue never liquidates


UNLIMITED = DeskRule(
    losses=LossRule(day_bp=10_000, drawdown_bp=10_000, consecutive_max=10**9, stops_max=10**9),
    pace=PaceRule(entries_max=10**9),
)
"""What an ungated backtest may lose and repeat: it measures a rule, it does not keep money."""


def strategies_of(
    settings: Settings, instruments: Sequence[Instrument], mode: Mode
) -> list[tuple[int, Strategy]]:
    """Return the strategies of a run, each with its lane; none where none is named.

    Raises ConfigError for a name, a file, an instrument or a parameter that there is not.
    """
    made: list[tuple[int, Strategy]] = []
    if not settings.strategy:
        return made
    own = 0
    for lane, name, rule in assigned(settings.strategy, settings.rule, instruments):
        where = settings.params or name
        one = instruments[lane]
        if is_own(name):
            made.append((lane, own_strategy(name, rule, where, one, lane, CODE + own)))
            own += 1
        else:
            known = strategy_named(name)
            made.append((lane, known.make(one, lane, settings.profile, mode, rule, where)))
    return made


def check_settings(settings: Settings) -> None:
    """Raise ConfigError for what cannot be, whatever is traded: before a market is opened."""
    if not 0 < settings.equity < math.inf:
        raise ConfigError(f"The equity must be above zero, not {settings.equity}.")
    for name in ("maker_bp", "taker_bp"):
        if not abs(getattr(settings, name)) < _WHOLE_BP:
            raise ConfigError(f"{name} must be a share of value, not {getattr(settings, name)}.")
    thresholds_of(settings.profile, settings.thresholds)
    latency_of(settings.latency_ms)
    queue_of(settings.queue)
    if settings.maintenance_bp:
        _flat(settings, {})
    elif not 0 <= settings.liquidation_bp < _WHOLE_BP:
        raise ConfigError("The charge of a liquidation must be from 0 to the whole value.")


def itself(strategy: Strategy) -> Strategy:
    """Return a strategy as it is."""
    return strategy


def assemble(
    instruments: Sequence[Instrument],
    settings: Settings,
    mode: Mode,
    wrap: Callable[[Strategy], Strategy] = itself,
    *,
    rule: DeskRule | None = None,
    journal: Journal | None = None,
    first_id: int = 1,
    deposit: bool = True,
    made: Sequence[tuple[int, Strategy]] | None = None,
    asked: int | None = None,
    tiers: Mapping[int, Sequence[Rates]] | None = None,
) -> Assembly:
    """Return an engine for `instruments`; raise ConfigError for a setting that cannot be.

    `wrap` may put another strategy around each; `rule`: the bounds of the account; `first_id` of
    our orders; `deposit`: the equity is put in (a live account says itself what it holds); `made`:
    these strategies, each with its lane, and not those of the settings; `asked`: the groups
    of measures that are computed (`engine.asked`), and not those that the strategies ask for;
    `tiers` of margin by lane, where they are known: the simulated venue watches them, and the
    checks know them.
    """
    check_settings(settings)
    if made is None:
        made = strategies_of(settings, instruments, mode)
    strategies = [(k, wrap(one)) for k, one in made]
    if rule is None and settings.rule.get("ungated"):
        rule = UNLIMITED
    desk = Desk(instruments, rule, first_id, apart=mode is Mode.LIVE)
    desk.tiers |= tiers or {}
    amount = round(settings.equity * MONEY) if deposit else 0
    if amount:
        for currency in {desk.books.currency(k) for k in range(len(instruments))}:
            desk.books.deposit(currency, amount)
    fees = Fees(settings.maker_bp, settings.taker_bp)
    if asked is None:
        asked = asked_by([one for _, one in made])
    pipeline = pipeline_of(instruments, settings.profile, settings.thresholds, asked)
    return Assembly(
        engine=Engine(instruments, pipeline, strategies, desk, fees, journal),
        strategies=[one for _, one in strategies],
        latency=latency_of(settings.latency_ms),
        queue=queue_of(settings.queue),
        costs=Costs(
            maker_bp=Decimal(str(settings.maker_bp)), taker_bp=Decimal(str(settings.taker_bp))
        ),
        deposit=amount,
        margin=_margin(settings, desk, amount),
    )


def _margin(settings: Settings, desk: Desk, amount: int) -> Margin | None:
    """Return what a simulated venue asks of the account, None where nobody says.

    One flat rate, where the settings say so, else the tiers of each instrument. Without a deposit
    there is no equity to hold against them.
    """
    lanes = range(len(desk.instruments))
    deposits = dict.fromkeys({desk.books.currency(k) for k in lanes}, amount)
    if settings.maintenance_bp:
        return _flat(settings, deposits)
    if not desk.tiers or not amount:
        return None
    charge = Decimal(str(settings.liquidation_bp))
    return Margin(deposits=deposits, own_tiers=dict(desk.tiers), charge_bp=charge)


def _flat(settings: Settings, deposits: Mapping[str, int]) -> Margin:
    """Return one rate for every position."""
    rate = Tier(maintenance=Decimal(str(settings.maintenance_bp)) / 10_000)
    charge = Decimal(str(settings.liquidation_bp))
    return Margin(deposits=deposits, tiers=(rate,), charge_bp=charge)


def asked_by(strategies: Sequence[Strategy]) -> int:
    """Return the groups of measures that strategies ask for: everything if one does not say."""
    bits = EVERYTHING if not strategies else 0
    for one in strategies:
        needs = getattr(one, "needs", None)
        bits |= EVERYTHING if needs is None else asked_of(needs)
    return bits


def pipeline_of(
    instruments: Sequence[Instrument],
    profile: str,
    thresholds: Changes = UNCHANGED,
    asked: int = EVERYTHING,
) -> Pipeline:
    """Return a pipeline with one-minute bars, told how each venue publishes forced orders.

    Raises ConfigError for a profile or a threshold that there is not.
    """
    return new_pipeline(
        instruments,
        [BarSeries(k, bar_spec("1m", one)) for k, one in enumerate(instruments)],
        profile=profile,
        thresholds=thresholds,
        asked=asked,
        publication=[
            COMPLETE if one.venue == SYNTHETIC else publication_of(one.venue) for one in instruments
        ],
    )


def latency_of(text: str) -> Latency:
    """Read `feed,order,response[,work]` in milliseconds; raise ConfigError."""
    try:
        feed, order, response, *work = (round(float(part) * _MS) for part in text.split(","))
        (work_ns,) = work or (0,)
    except (ValueError, OverflowError):
        raise ConfigError(
            f"{text!r} is no latency: write feed,order,response in milliseconds, as 5,20,20; a "
            "fourth is the venue's time for each market row, as 5,20,20,0.02."
        ) from None
    return Latency(feed_ns=feed, order_ns=order, response_ns=response, work_ns=work_ns)
