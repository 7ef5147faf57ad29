"""Commands that run: the demo, a backtest, the detectors' score and rates, compiling."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from aggressor.cli.words import (
    DEMO_SEED,
    Candles,
    Defaults,
    InstrumentId,
    Json,
    Start,
    Stop,
    StoreDir,
    ThresholdsFile,
    asked,
    show,
    usage,
)

NullMarket = Literal["poisson", "martingale", "lively"]


def demo(
    *,
    headless: bool = False,
    seed: int = DEMO_SEED,
    open_: Annotated[bool, Parameter(name="--open")] = True,
    json: Json = False,
) -> None:
    """Run the whole path on a synthetic market: bars, signals beside true labels, orders, costs.

    On a terminal the same market is then shown on the desk, in the browser, until it is stopped.

    Parameters
    ----------
    headless
        Draw no tables and no progress, open no desk; print a short plain summary.
    seed
        Seed of the market; the same seed gives the same run, to the byte.
    open_
        Open the browser on the desk; without it only its address is printed.
    """
    from aggressor.run.backtests.demo import run_demo
    from aggressor.run.progress import progress

    with progress(quiet=json or headless) as step:
        result = run_demo(seed=seed, progress=step)
    show(result, json, "show_demo", plain=headless)
    if not json and not headless and sys.stdout.isatty():
        from aggressor.cli.desk import desk

        desk(synthetic=True, seed=seed, open_=open_)


def backtest(
    store: Annotated[Path | None, Parameter(help="Folder of the store.")] = None,
    /,
    *,
    instrument: Annotated[
        list[str] | None,
        Parameter(help="Which, as `venue:SYMBOL`; several at once in one run.", negative=""),
    ] = None,
    null: NullMarket | None = None,
    hours: float = 1.0,
    seed: int = 1,
    strategy: str = "exhaustion_scalp",
    params: Path | None = None,
    placebo: int = 0,
    ungated: Annotated[bool, Parameter(negative="")] = False,
    latency_ms: str = "5,20,20",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 10_000.0,
    maintenance_bp: float = 0.0,
    liquidation_bp: float = 0.0,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    start: Start = None,
    stop: Stop = None,
    candles: Candles = None,
    latency_sweep: Annotated[bool, Parameter(negative="")] = False,
    journal: Path | None = None,
    json: Json = False,
) -> None:
    """Run strategies on a store with queue positions, latency and costs.

    Parameters
    ----------
    null
        Instead of a store: a made market in which nothing is to be found.
    hours
        Length of that market.
    seed
        Seed of that market, and of the placebo.
    strategy
        Name of a strategy (see `aggressor strategies`), or your own: path/to/file.py:ClassName.
        Several with commas; NAME@venue:SYMBOL runs on that instrument only.
    params
        TOML file with parameters of the strategy; the rest keeps its defaults.
    placebo
        So many times, the strategy's setups at shifted moments with the same exits: is the timing
        worth anything, net of costs?
    ungated
        Enter although gates refuse: what is the rule worth where costs forbid it?
    latency_ms
        Feed, order and response latency; a fourth number is the venue's time for each market row,
        which makes orders and answers later the faster the market is (5,20,20,0.02).
    queue
        How cancels ahead of us are guessed: risk-averse, power[:n], log, power-share[:n],
        log-total, power-front[:n], front-cancel.
    maker_bp
        Maker fee in basis points; negative is a rebate.
    taker_bp
        Taker fee in basis points.
    equity
        Money at the start, in the settlement currency.
    maintenance_bp
        Margin a position must keep, in basis points of its value at the mark price; with less the
        venue liquidates the account. 0: it does not.
    liquidation_bp
        What the venue charges on what it liquidates, in basis points of value.
    latency_sweep
        Run it again with orders and answers under way for 0, 50, 100, 250 and 500 ms.
    journal
        Keep the run in this folder, for `aggressor report`.
    """
    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.run.assemble import Settings
    from aggressor.run.backtests.backtest import backtest_of
    from aggressor.run.backtests.market_source import stored
    from aggressor.run.progress import progress
    from aggressor.schema.settings import read_table

    if null is None and (store is None or not instrument):
        usage("name a store and an --instrument, or a --null market")
    if null is not None and (store is not None or instrument):
        usage("a market is either stored or a --null one: choose")
    rule: dict[str, Any] = {} if params is None else read_table(params)
    if ungated:
        rule["ungated"] = True
    settings = Settings(
        strategy=strategy,
        rule=rule,
        params="" if params is None else str(params),
        profile=profile,
        thresholds=read_thresholds(thresholds, profile),
        latency_ms=latency_ms,
        queue=queue,
        maker_bp=maker_bp,
        taker_bp=taker_bp,
        equity=equity,
        maintenance_bp=maintenance_bp,
        liquidation_bp=liquidation_bp,
    )
    with progress(quiet=json) as step:
        if null is not None:
            from aggressor.run.backtests.judging import null_market

            source = null_market(null, seed, hours)
        else:
            assert store is not None
            assert instrument
            source = stored(store, instrument, start=start, stop=stop, candles=candles or ())
        swept = None
        if latency_sweep:
            from aggressor.run.reporting.sweep import sweep

            swept = sweep(source, settings, journal, step)
        result = backtest_of(source, settings, {"from": start, "to": stop}, step, journal)
        if swept is not None:
            result["latency_sweep"] = swept
        if placebo:
            from aggressor.run.backtests.judging import judge

            result["placebo"] = judge(source, settings, placebo, seed, step)
    show(result, json, "show_backtest")


def strategies(name: str | None = None, /, *, json: Json = False) -> None:
    """List the strategies: what they trade, need, ask before an entry, and can be told.

    Parameters
    ----------
    name
        Only this one, with all its parameters.
    """
    from aggressor.run.strategies import list_strategies

    show(list_strategies(name), json, "show_strategies")


def trials(store: StoreDir, /, *, json: Json = False) -> None:
    """List every variant that was tried on a store (`--placebo`), and what is left of it.

    The best of many is good by luck alone: p by Benjamini-Hochberg, Sharpe ratio deflated.
    """
    from aggressor.run.backtests.tried import list_trials

    show(list_trials(store), json, "show_trials")


def rates(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    candles: Candles = None,
    json: Json = False,
) -> None:
    """Hold how often each detector speaks against 5 to 50 a day, and name what fails most."""
    from aggressor.run.progress import progress
    from aggressor.run.studies import rates as run

    with progress(quiet=json) as step:
        result = run.rates(
            store,
            instrument,
            **asked(start, stop, profile, thresholds, candles),
            progress=step,
        )
    show(result, json, "show_rates")


def calibrate(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    out: Path,
    goal: str = "5..50",
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    candles: Candles = None,
    json: Json = False,
) -> None:
    """Choose detector thresholds by how often they speak on a recording, never by profit.

    Parameters
    ----------
    out
        TOML file to write, for --thresholds of every command that has it.
    goal
        Confirmed episodes a day that are wanted of each detector, LOW..HIGH.
    """
    from aggressor.run.progress import progress
    from aggressor.run.studies import calibration as run

    try:
        low, high = (float(part) for part in goal.split(".."))
    except ValueError:
        usage(f"{goal!r} is no goal: write LOW..HIGH in episodes a day, as 5..50")
    with progress(quiet=json) as step:
        result = run.calibrate(
            store,
            instrument,
            out,
            goal=(low, high),
            **asked(start, stop, profile, thresholds, candles),
            progress=step,
        )
    show(result, json, "show_calibration")


def score(
    *, seed: int = 1, hours: float = 1.0, thresholds: ThresholdsFile = None, json: Json = False
) -> None:
    """Score every detector against labelled synthetic scenarios, and count alarms on the nulls.

    The scenarios are made for the windows of the profile micro: thresholds must be too.

    Parameters
    ----------
    seed
        Seed of the markets; any works.
    hours
        Hours of each market.
    """
    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.run.progress import progress
    from aggressor.run.studies import score as run

    with progress(quiet=json) as step:
        changes = read_thresholds(thresholds, run.PROFILE)
        result = run.score(seed, hours, progress=step, thresholds=changes)
    show(result, json, "show_score")


def warm(*, json: Json = False) -> None:
    """Compile every kernel now, so that no later command waits for it."""
    from aggressor.run.progress import progress
    from aggressor.run.warm import warm_kernels

    with progress(quiet=json) as step:
        result = warm_kernels(progress=step)
    show(result, json, "show_warm")
