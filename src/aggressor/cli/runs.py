"""Commands that run: the demo, a backtest, the score of the detectors, compiling."""

from aggressor.cli.words import Candles, Defaults, InstrumentId, Json, Start, Stop, StoreDir, show


def demo(*, headless: bool = False, seed: int = 1, json: Json = False) -> None:
    """Run the whole path on a synthetic market: bars, signals beside true labels, orders, costs.

    Parameters
    ----------
    headless
        Draw no tables and no progress; print a short plain summary.
    seed
        Seed of the market; the same seed gives the same run, to the byte.
    """
    from aggressor.run.demo import run_demo
    from aggressor.run.progress import progress

    with progress(quiet=json or headless) as step:
        result = run_demo(seed=seed, progress=step)
    show(result, json, "show_demo", plain=headless)


def backtest(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    strategy: str = "exhaustion_scalp",
    latency_ms: str = "5,20,20",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 10_000.0,
    profile: Defaults = "perp",
    start: Start = None,
    stop: Stop = None,
    candles: Candles = None,
    json: Json = False,
) -> None:
    """Run a strategy on a store with queue positions, latency and costs.

    Parameters
    ----------
    strategy
        Name of a strategy in `strategies/`.
    latency_ms
        Feed, order and response latency.
    queue
        How cancels ahead of us are guessed: risk-averse, power[:n], log, power-share[:n],
        log-total, power-front[:n], front-cancel.
    maker_bp
        Maker fee in basis points; negative is a rebate.
    taker_bp
        Taker fee in basis points.
    equity
        Money at the start, in the settlement currency.
    """
    from aggressor.run.assemble import Settings
    from aggressor.run.backtest import run_backtest
    from aggressor.run.progress import progress

    settings = Settings(
        strategy=strategy,
        profile=profile,
        latency_ms=latency_ms,
        queue=queue,
        maker_bp=maker_bp,
        taker_bp=taker_bp,
        equity=equity,
    )
    with progress(quiet=json) as step:
        result = run_backtest(
            store,
            instrument,
            settings,
            start=start,
            stop=stop,
            candles=candles or (),
            progress=step,
        )
    show(result, json, "show_backtest")


def score(*, seed: int = 1, hours: float = 1.0, json: Json = False) -> None:
    """Score every detector against labelled synthetic scenarios, and count alarms on two nulls.

    Parameters
    ----------
    seed
        Seed of the markets; any works.
    hours
        Hours of each market.
    """
    from aggressor.run import score as run
    from aggressor.run.progress import progress

    with progress(quiet=json) as step:
        result = run.score(seed, hours, progress=step)
    show(result, json, "show_score")


def warm(*, json: Json = False) -> None:
    """Compile every kernel now, so that no later command waits for it."""
    from aggressor.run.progress import progress
    from aggressor.run.warm import warm_kernels

    with progress(quiet=json) as step:
        result = warm_kernels(progress=step)
    show(result, json, "show_warm")
