"""The desk: a market in the browser."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from aggressor.cli.live import At
from aggressor.cli.trading import LimitsFile
from aggressor.cli.words import DEMO_SEED, Defaults, Start, Stop, ThresholdsFile, usage

if TYPE_CHECKING:
    from aggressor.run.desk.acts import Acts


def desk(
    *markets: str,
    replay: Path | None = None,
    instrument: Annotated[
        list[str] | None,
        Parameter(help="Which of the store, as `venue:SYMBOL`; all if absent.", negative=""),
    ] = None,
    synthetic: Annotated[bool, Parameter(negative="")] = False,
    seed: int = DEMO_SEED,
    strategy: str = "",
    limits: LimitsFile = None,
    equity: float = 10_000.0,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    start: Start = None,
    stop: Stop = None,
    store: Annotated[
        Path | None, Parameter(help="Folder of the live account; a folder of yours if absent.")
    ] = None,
    at: At = "",
    port: int = 0,
    open_: Annotated[bool, Parameter(name="--open")] = True,
    read_only: Annotated[bool, Parameter(negative="")] = False,
    live: Annotated[bool, Parameter(negative="")] = False,
    i_understand: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Show a market in the browser: book, tape, footprint, signals with their reasons; and act.

    Live markets need no keys: orders are simulated on them, with queues and latency, and kept in a
    journal. Everything is served from this machine to this machine; the address holds a token.

    Parameters
    ----------
    markets
        Live markets, each as `venue:SYMBOL` as the venue writes it; several at once.
    replay
        Instead: the folder of a store, a recording with a time that can be moved.
    synthetic
        Instead: a market that we made ourselves, with labelled scenarios and a strategy on paper.
    seed
        Seed of that market.
    strategy
        Name of a strategy (see `aggressor strategies`); nobody but you trades where none is named.
    equity
        Money of the paper account at the beginning, in the settlement currency.
    port
        Port on loopback; a free one where 0.
    open_
        Open the browser.
    read_only
        Take no orders from a browser.
    live
        Real orders at the venues, with your keys, as `aggressor live`; needs --limits.
    i_understand
        Real orders, real money: say that you know.
    """
    import asyncio
    import webbrowser

    from aggressor.run.desk.server import serve

    if bool(markets) + synthetic + (replay is not None) != 1:
        usage("name live markets, or --replay STORE, or --synthetic")
    if live and (not markets or limits is None or not i_understand):
        usage(
            "real orders need markets, --limits FILE and --i-understand; without --live it is paper"
        )

    def make() -> "Acts":
        from aggressor.detectors.thresholds import read_thresholds
        from aggressor.run.accounts.rules import DEFAULT_RULES, rules_of
        from aggressor.run.assemble import Settings
        from aggressor.run.desk.desk import DeskPlan, ready
        from aggressor.run.desk.markets import (
            SYNTHETIC_PROFILE,
            synthetic_market,
            synthetic_settings,
        )

        rules = DEFAULT_RULES if limits is None else rules_of(limits)
        changes = read_thresholds(thresholds, SYNTHETIC_PROFILE if synthetic else profile)
        settings = Settings(strategy=strategy, profile=profile, thresholds=changes, equity=equity)
        if markets:
            from aggressor.run.desk.live import LivePlan, PaperPlan, desk_folder, live_desk

            plan = (
                LivePlan(markets, settings, rules, store, at=at)
                if live
                else PaperPlan(markets, settings, rules, desk_folder(store), at=at)
            )
            return live_desk(plan, read_only=read_only)
        if replay is None:
            market = synthetic_market(seed)
            settings = synthetic_settings(strategy or "exhaustion_scalp", changes)
        else:
            from aggressor.run.desk.recording import stored_market

            market = stored_market(replay, instrument or (), start, stop)
        rule = None if limits is None else rules.desk(market.instruments)
        return ready(market, DeskPlan(settings, rule, read_only=read_only))

    def opened(address: str) -> None:
        print(f"The desk is at {address}", flush=True)
        if open_:
            webbrowser.open(address)

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    asyncio.run(serve(make, port=port, say=say, opened=opened))
