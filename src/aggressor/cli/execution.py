"""Commands that work orders: one alone, and what each way of working costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from aggressor.cli.live import At
from aggressor.cli.trading import LimitsFile, Store
from aggressor.cli.words import InstrumentId, Json, Start, StoreDir, show, usage

if TYPE_CHECKING:
    from aggressor.run.accounts.execute_now import Wish

REPLAY_LATENCY = "50,100,100"
PAPER_LATENCY = "5,20,20"

Side = Literal["buy", "sell"]
PolicyName = Literal[
    "join", "cross", "capped", "peg", "iceberg", "twap", "pov", "cross-or-wait"
]  # of execution.intent.Policy; a test holds both to the same names


def execute(
    instrument: InstrumentId,
    side: Side,
    size: str,
    /,
    *,
    replay: Path | None = None,
    paper: Annotated[bool, Parameter(negative="", help="Work it on paper, on the live market.")] = (
        False
    ),
    live: Annotated[
        bool, Parameter(negative="", help="Work it live; needs --limits and --i-understand.")
    ] = False,
    limits: LimitsFile = None,
    i_understand: Annotated[bool, Parameter(negative="", help="Real orders, real money.")] = False,
    store: Store = None,
    at: At = "",
    watch: float = 10.0,
    policy: PolicyName = "peg",
    max_slippage_bp: float | None = None,
    wait: float = 60.0,
    cross_at_end: bool = True,
    fill_model: Path | None = None,
    latency_ms: str | None = None,
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 0.0,
    seed: int = 1,
    start: Start = None,
    json: Json = False,
) -> None:
    """Work one order alone: on a recording, on paper, or live; and report what it cost.

    Parameters
    ----------
    side
        Buy or sell.
    size
        How much, in the venue's unit of size.
    replay
        Folder of a store: work the order on what was recorded there.
    watch
        Seconds to look on behind its end, for what followed its fills (paper and live).
    policy
        How: join, cross, capped, peg, iceberg, twap, pov, cross-or-wait.
    max_slippage_bp
        No order at a price worse than the mid of the beginning by more than this.
    wait
        Seconds it may take; the length of twap and pov.
    cross_at_end
        Cross what is left when the time is over; else give it up.
    fill_model
        File of a fitted model of fills, for cross-or-wait (`slippage --save-model`).
    latency_ms
        Feed, order and response latency; 50,100,100 in a replay and 5,20,20 on paper where absent.
    queue
        How cancels ahead of us are guessed in a replay, as with backtest.
    maker_bp
        Maker fee in basis points; negative is a rebate.
    taker_bp
        Taker fee in basis points.
    equity
        Money the margin checks may count on, in the settlement currency; 0: not known.
    seed
        Seed of the jitter of slices.
    """
    if (replay is not None) + paper + live != 1:
        usage("say where: --replay DIR, --paper, or --live with --limits FILE and --i-understand")
    if live and (limits is None or not i_understand):
        usage("a live order needs --limits FILE and --i-understand; --paper needs neither")
    if replay is None:
        from aggressor.run.accounts.execute_now import Wish

        wish = Wish(
            instrument, side, size, policy, max_slippage_bp, wait, cross_at_end, watch, fill_model,
            maker_bp, taker_bp, seed,
        )  # fmt: skip
        result = _now(wish, limits if live else None, store, at, latency_ms, queue, equity, json)
        show(result, json, "show_execution")
        return
    from aggressor.run.backtests.execute import execute_replay
    from aggressor.run.progress import progress

    with progress(quiet=json) as step:
        result = execute_replay(
            replay,
            instrument,
            side,
            size,
            policy=policy,
            max_slippage_bp=max_slippage_bp,
            wait_s=wait,
            cross_at_end=cross_at_end,
            fill_model=fill_model,
            start=start,
            latency_ms=latency_ms or REPLAY_LATENCY,
            queue=queue,
            maker_bp=maker_bp,
            taker_bp=taker_bp,
            equity=equity,
            seed=seed,
            progress=step,
        )
    show(result, json, "show_execution")


def _now(
    wish: "Wish",
    limits: Path | None,
    store: Path | None,
    at: str,
    latency_ms: str | None,
    queue: str,
    equity: float,
    json: bool,
) -> dict[str, Any]:
    """Work an order on the market as it is; with limits live, else on paper."""
    import asyncio

    from aggressor.reports.trading_tables import execution_screen
    from aggressor.run.accounts import execute_now as run
    from aggressor.run.accounts.rules import rules_of
    from aggressor.run.lines.live_screen import live_screen

    with live_screen(execution_screen, quiet=json) as screen:
        if limits is not None:
            return asyncio.run(
                run.execute_live(
                    wish, rules_of(limits), store=store, at=at, show=screen.show, notice=screen.say
                )
            )
        return asyncio.run(
            run.execute_on_paper(
                wish,
                store=store,
                at=at,
                latency_ms=latency_ms or PAPER_LATENCY,
                queue=queue,
                equity=equity,
                show=screen.show,
                notice=screen.say,
            )
        )


def slippage(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    sizes: str = "0.05,0.5,5",
    times: int = 500,
    seed: int = 1,
    wait: float = 30.0,
    fit_on: str | None = None,
    latency_ms: str = "50,100,100",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    save_model: Annotated[Path | None, Parameter(help="Keep the fitted model of fills.")] = None,
    json: Json = False,
) -> None:
    """Measure what each way of execution costs: orders at random moments of a recording.

    Parameters
    ----------
    sizes
        Sizes of the orders, in the venue's unit, with commas between them.
    times
        Random moments; at each every policy buys and sells every size, alone.
    seed
        Seed of the moments; the same seed gives the same table.
    wait
        Seconds a patient order may take before what is left is crossed.
    fit_on
        Instrument of the store on which the chance of a fill is fitted; another one than that under
        study, or the fit is in sample.
    latency_ms
        Feed, order and response latency.
    queue
        How cancels ahead of us are guessed, as with backtest.
    maker_bp
        Maker fee in basis points; negative is a rebate.
    taker_bp
        Taker fee in basis points.
    """
    from aggressor.run.backtests.slippage import run_slippage
    from aggressor.run.progress import progress
    from aggressor.study.slippage import Rule

    with progress(quiet=json) as step:
        result = run_slippage(
            store,
            instrument,
            [one.strip() for one in sizes.split(",")],
            Rule(times=times, seed=seed, wait_s=wait),
            latency_ms=latency_ms,
            queue=queue,
            maker_bp=maker_bp,
            taker_bp=taker_bp,
            fit_on=fit_on,
            save_model=save_model,
            progress=step,
        )
    show(result, json, "show_slippage")
