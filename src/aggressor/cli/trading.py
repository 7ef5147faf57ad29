"""Commands that trade: on paper, their kill switch, and whether a replay does the same."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from aggressor.cli.live import At, For, seconds
from aggressor.cli.words import Defaults, Json, ThresholdsFile, show, usage

if TYPE_CHECKING:
    from aggressor.run.accounts.alerts import Alerts

Store = Annotated[
    Path | None,
    Parameter(help="Folder of the account: journal and recording; a folder of yours if absent."),
]
LimitsFile = Annotated[
    Path | None, Parameter(help="TOML file of limits; see `aggressor limits --example`.")
]
MetricsPort = Annotated[
    int | None, Parameter(help="Serve figures for Prometheus at this port of 127.0.0.1; 0: any.")
]
Params = Annotated[
    Path | None, Parameter(help="TOML file with parameters of the strategy, as for `backtest`.")
]
Alert = Annotated[
    list[str] | None,
    Parameter(
        help="Address of a notification service, as apprise writes it; may be repeated.",
        negative="",
    ),
]


def paper(
    *instruments: str,
    strategy: str = "exhaustion_scalp",
    params: Params = None,
    limits: LimitsFile = None,
    for_: For = None,
    store: Store = None,
    at: At = "",
    latency_ms: str = "5,20,20",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 10_000.0,
    maintenance_bp: float = 0.0,
    liquidation_bp: float = 0.0,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    alert: Alert = None,
    metrics: MetricsPort = None,
    json: Json = False,
) -> None:
    """Trade on paper: the live market, simulated orders with queues and latency. No keys.

    The market is recorded as it is used; the account goes on where it ended, stopped or killed.

    Parameters
    ----------
    instruments
        What to trade, each as `venue:SYMBOL` as the venue writes it; several at once.
    strategy
        Name of a strategy (see `aggressor strategies`), or your own: path/to/file.py:ClassName.
        Several with commas; NAME@venue:SYMBOL runs on that instrument only.
    latency_ms
        Feed, order and response latency; the response at least as long as the feed.
    queue
        How cancels ahead of us are guessed, as in `backtest`.
    maker_bp
        Maker fee in basis points; negative is a rebate.
    taker_bp
        Taker fee in basis points.
    equity
        Money at the beginning of the account, in the settlement currency.
    maintenance_bp
        Margin that a position must keep, in basis points of its value, in place of the tiers of
        the venue or the limits; 0: those, and where there are none nothing is liquidated.
    liquidation_bp
        What the venue charges on what it liquidates, in basis points of value.
    """
    import asyncio

    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.reports.trading_tables import paper_screen
    from aggressor.run.accounts import paper as run
    from aggressor.run.accounts.rules import DEFAULT_RULES, rules_of
    from aggressor.run.assemble import Settings
    from aggressor.run.lines.live_screen import live_screen
    from aggressor.run.lines.record import by_venue
    from aggressor.schema.settings import read_table

    if not instruments:
        usage("name at least one market, as bybit-linear:BTCUSDT")
    by_venue(instruments)
    settings = Settings(
        strategy=strategy,
        rule={} if params is None else read_table(params),
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
    plan = run.PaperPlan(
        names=instruments,
        settings=settings,
        rules=DEFAULT_RULES if limits is None else rules_of(limits),
        store=store,
        seconds=seconds(for_),
        at=at,
    )
    with live_screen(paper_screen, quiet=json) as screen, _metrics(metrics, screen) as look:
        result = asyncio.run(run.paper(plan, show=look, notice=screen.say, alerts=_alerts(alert)))
    show(result, json, "show_paper")


def live(
    *instruments: str,
    limits: LimitsFile = None,
    i_understand: Annotated[
        bool, Parameter(negative="", help="Real orders, real money: say that you know.")
    ] = False,
    strategy: str = "exhaustion_scalp",
    params: Params = None,
    for_: For = None,
    store: Store = None,
    at: At = "",
    watchdog: bool = True,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    alert: Alert = None,
    metrics: MetricsPort = None,
    json: Json = False,
) -> None:
    """Trade live: real orders with the keys of the environment, the keyring or keys.toml.

    Sets position mode, margin and leverage as the limits say, compares the account with its
    journal, and trades under a watchdog. A setup that is not known is refused, not guessed.

    Parameters
    ----------
    instruments
        What to trade, each as `venue:SYMBOL` as the venue writes it; several at once.
    strategy
        Name of a strategy; in `paper` it is tried without money.
    watchdog
        Begin a watchdog for this run; without, one must be running (`aggressor watchdog`).
    """
    import asyncio

    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.reports.trading_tables import paper_screen
    from aggressor.run.accounts import live as run
    from aggressor.run.accounts.rules import rules_of
    from aggressor.run.assemble import Settings
    from aggressor.run.lines.live_screen import live_screen
    from aggressor.run.lines.record import by_venue
    from aggressor.schema.settings import read_table

    if not instruments:
        usage("name at least one market, as bybit-linear:BTCUSDT")
    if limits is None:
        usage("live trading needs --limits FILE; `aggressor limits --example` shows one whole")
    if not i_understand:
        usage("live trading sends real orders: add --i-understand; `aggressor paper` sends none")
    by_venue(instruments)
    plan = run.LivePlan(
        names=instruments,
        settings=Settings(
            strategy=strategy,
            rule={} if params is None else read_table(params),
            params="" if params is None else str(params),
            profile=profile,
            thresholds=read_thresholds(thresholds, profile),
        ),
        rules=rules_of(limits),
        store=store,
        seconds=seconds(for_),
        at=at,
        watchdog=watchdog,
    )
    with live_screen(paper_screen, quiet=json) as screen, _metrics(metrics, screen) as look:
        result = asyncio.run(run.live(plan, show=look, notice=screen.say, alerts=_alerts(alert)))
    show(result, json, "show_paper")


def watchdog(store: Path, /, *, json: Json = False) -> None:
    """Watch a live run: where it hangs or dies, cancel and close what it left, and say so.

    `aggressor live` begins one by itself; begin one here to have it under a supervisor of its own,
    and give `--no-watchdog` there.

    Parameters
    ----------
    store
        Folder of the account.
    """
    import asyncio

    from aggressor.run.accounts.watchdog import main_say
    from aggressor.run.accounts.watchdog import watchdog as watch

    show(asyncio.run(watch(store, say=main_say)), json, "show_watchdog")


@contextmanager
def _metrics(port: int | None, screen: Any) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield what shows a look on the screen, and serves it where a port is given."""
    if port is None:
        yield screen.show
        return
    from aggressor.run.accounts.metrics import Metrics, with_metrics

    metrics = Metrics(port)
    screen.say(f"metrics at http://127.0.0.1:{metrics.port}/metrics")
    try:
        yield with_metrics(screen.show, metrics)
    finally:
        metrics.close()


def _alerts(addresses: list[str] | None) -> "Alerts | None":
    import time

    from aggressor.run.accounts.alerts import Alerts, apprise_sender

    return Alerts(apprise_sender(addresses), time.monotonic) if addresses else None


def halt(
    store: Path,
    /,
    *,
    level: int = 3,
    reset: Annotated[bool, Parameter(negative="")] = False,
    reason: str,
    json: Json = False,
) -> None:
    """Pull the kill switch of an account, running or not; or open it again.

    Parameters
    ----------
    store
        Folder of the account.
    level
        1 no new entries, 2 and cancel unfilled entries, 3 and close positions, 4 send nothing more.
    reset
        Open it again: the decision of a person.
    reason
        Why; it is kept.
    """
    from aggressor.run.accounts.halting import wish_halt

    if not reset and not 1 <= level <= 4:
        usage("the levels of the kill switch are 1 to 4")
    show(wish_halt(store, 0 if reset else level, reason), json, "show_halt")


def limits(
    file: Path | None = None,
    /,
    *,
    example: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> None:
    """Check a file of limits and show what it means; or print an example with all defaults.

    Parameters
    ----------
    file
        TOML file of limits.
    example
        Print a whole file with the defaults, their units and meaning.
    """
    from aggressor.run.accounts.limits_example import EXAMPLE
    from aggressor.run.accounts.rules import rules_of

    if example:
        sys.stdout.write(EXAMPLE)
        return
    if file is None:
        usage("name a file of limits, or ask for --example")
    show(rules_of(file).document(), json, "show_limits")


def parity(store: Path, /, *, run: int | None = None, json: Json = False) -> None:
    """Replay a paper or live run from what it recorded; show the first command that differs.

    Parameters
    ----------
    store
        Folder of the account.
    run
        Which run; the last if absent.
    """
    from aggressor.run.accounts import parity as parities
    from aggressor.run.progress import progress

    with progress(quiet=json) as step:
        result = parities.parity(store, run=run, step=step)
    show(result, json, "show_parity")
    if not result["same"]:
        sys.exit(1)
