"""Arguments only: each command names its options and calls one file of `run/`.

Nothing heavy is imported here, so `--help` answers at once. With `--json` a command prints one JSON
document on standard output and nothing else; progress and errors go to standard error. Exit codes:
0 done, 1 failed (the reason is one sentence), 2 wrong usage.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import cyclopts
from cyclopts import Parameter

from aggressor._version import VERSION

app = cyclopts.App(
    name="aggressor",
    version=VERSION,
    help="Order flow of crypto futures: record it, read it, backtest on it.",
)

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Venue = Literal["binance-usdm", "binance-coinm", "binance-spot"]


@app.command
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
    _show(result, json, "show_demo", plain=headless)


@app.command(name="import")
def import_(
    *files: Path,
    venue: Venue,
    store: Path,
    tick: str | None = None,
    lot: str | None = None,
    multiplier: str | None = None,
    json: Json = False,
) -> None:
    """Import recordings into a store.

    Parameters
    ----------
    files
        Recordings: `<local time> <JSON>` lines (plain, .gz, .zst) or session files (.jsonl.zst).
    venue
        Whose messages they are.
    store
        Folder of the store; made when absent.
    tick
        Price step, where the recording holds no exchangeInfo.
    lot
        Size step, where the recording holds no exchangeInfo.
    multiplier
        Contract multiplier (COIN-M: USD per contract).
    """
    from aggressor.run.importing import import_files
    from aggressor.run.progress import progress

    if not files:
        _usage("name at least one file to import")
    with progress(quiet=json) as step:
        result = import_files(
            list(files), venue, store, tick=tick, lot=lot, multiplier=multiplier, progress=step
        )
    _show(result, json, "show_import")


@app.command
def inspect(store: Path, /, *, json: Json = False) -> None:
    """Show coverage, gaps and quality per instrument and day.

    Parameters
    ----------
    store
        Folder of the store.
    """
    from aggressor.run.inspection import inspect_store

    _show(inspect_store(store), json, "show_inspection")


@app.command
def footprint(
    store: Path,
    /,
    *,
    instrument: str,
    bar: str = "1m",
    start: Annotated[str | None, Parameter(name="--from")] = None,
    stop: Annotated[str | None, Parameter(name="--to")] = None,
    row_ticks: int = 1,
    parquet: Path | None = None,
    json: Json = False,
) -> None:
    """Show footprint bars: sold and bought per price, delta, point of control, value area, VWAP.

    Parameters
    ----------
    store
        Folder of the store.
    instrument
        Which, as `venue:SYMBOL`.
    bar
        When a bar closes: 1m, 5s (time), 500t (trades), 50v (volume), 1000000d (value).
    start
        First moment, ISO 8601 UTC or nanoseconds since the epoch.
    stop
        Moment to stop before.
    row_ticks
        Ticks merged into one row.
    parquet
        Write the bars' cells to this file instead of showing them.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import footprint as run

    span = moment_ns(start), moment_ns(stop)
    if parquet is None:
        result = run.footprint(store, instrument, bar, *span, row_ticks)
        _show(result, json, "show_footprint")
        return
    bars = run.footprint_parquet(store, instrument, bar, parquet, *span, row_ticks)
    written = {"instrument": instrument, "bars": bars, "parquet": str(parquet)}
    _show(written, json, "show_written")


@app.command
def backtest(
    store: Path,
    /,
    *,
    instrument: str,
    strategy: str = "exhaustion_scalp",
    latency_ms: str = "5,20,20",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    equity: float = 10_000.0,
    profile: Literal["perp", "micro"] = "perp",
    start: Annotated[str | None, Parameter(name="--from")] = None,
    stop: Annotated[str | None, Parameter(name="--to")] = None,
    json: Json = False,
) -> None:
    """Run a strategy on a store with queue positions, latency and costs.

    Parameters
    ----------
    store
        Folder of the store.
    instrument
        Which, as `venue:SYMBOL`.
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
    profile
        Which defaults: a liquid perpetual or a thin micro contract.
    start
        First moment, ISO 8601 UTC or nanoseconds since the epoch.
    stop
        Moment to stop before.
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
        result = run_backtest(store, instrument, settings, start=start, stop=stop, progress=step)
    _show(result, json, "show_backtest")


@app.command
def warm(*, json: Json = False) -> None:
    """Compile every kernel now, so that no later command waits for it."""
    from aggressor.run.progress import progress
    from aggressor.run.warm import warm_kernels

    with progress(quiet=json) as step:
        result = warm_kernels(progress=step)
    _show(result, json, "show_warm")


def _show(result: dict[str, Any], as_json: bool, how: str, **options: Any) -> None:
    """Print a result as one JSON document or as tables."""
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        return
    from aggressor.reports import tables

    getattr(tables, how)(result, **options)


def _usage(message: str) -> None:
    print(f"aggressor: {message}", file=sys.stderr)
    raise SystemExit(2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments`, those of the process where none are given."""
    from rich.console import Console

    from aggressor.schema.errors import AggressorError

    words = sys.argv[1:] if arguments is None else list(arguments)
    to_stderr = Console(stderr=True, highlight=False)
    try:
        app(words, exit_on_error=False, print_error=True, error_console=to_stderr)
    except cyclopts.CycloptsError:
        raise SystemExit(2) from None
    except AggressorError as trouble:
        print(f"aggressor: {trouble}", file=sys.stderr)
        raise SystemExit(1) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        print("aggressor: stopped", file=sys.stderr)
        raise SystemExit(1) from None
