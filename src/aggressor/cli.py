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
Profile = Literal["perp", "micro"]
StoreDir = Annotated[Path, Parameter(help="Folder of the store.")]
InstrumentId = Annotated[str, Parameter(help="Which, as `venue:SYMBOL`.")]
_MOMENT = "ISO 8601 UTC or nanoseconds since the epoch"
Start = Annotated[str | None, Parameter(name="--from", help=f"First moment, {_MOMENT}.")]
Stop = Annotated[str | None, Parameter(name="--to", help="Moment to stop before.")]
Defaults = Annotated[
    Profile, Parameter(help="Which defaults: a liquid perpetual or a thin micro contract.")
]
Parquet = Annotated[Path | None, Parameter(help="Write columns to this file instead of showing.")]
Png = Annotated[Path | None, Parameter(help="Draw into this file, 1600 x 900 pixels.")]
Svg = Annotated[Path | None, Parameter(help="Draw into this file as vectors.")]


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
        Recordings: `<local time> <JSON>` lines (plain, .gz, .zst), session files (.jsonl.zst), or
        tables of whole books and of trades (.parquet; both in one command).
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
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    bar: str = "1m",
    start: Start = None,
    stop: Stop = None,
    row_ticks: int = 1,
    parquet: Parquet = None,
    png: Png = None,
    svg: Svg = None,
    json: Json = False,
) -> None:
    """Show footprint bars: sold and bought per price, delta, point of control, value area, VWAP.

    Parameters
    ----------
    bar
        When a bar closes: 1m, 5s (time), 500t (trades), 50v (volume), 1000000d (value).
    row_ticks
        Ticks merged into one row.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import footprint as run

    span = moment_ns(start), moment_ns(stop)
    written: dict[str, Any] = {}
    if pictures := _pictures(png, svg):
        from aggressor.run.pictures import footprint_picture

        written |= footprint_picture(store, instrument, bar, pictures, *span, row_ticks)
    if parquet is not None:
        bars = run.footprint_parquet(store, instrument, bar, parquet, *span, row_ticks)
        written |= {"instrument": instrument, "bars": bars, "parquet": str(parquet)}
    if written:
        _show(written, json, "show_written")
    else:
        result = run.footprint(store, instrument, bar, *span, row_ticks)
        _show(result, json, "show_footprint")


@app.command
def signals(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    kind: str | None = None,
    near_misses: Annotated[bool, Parameter(negative="")] = False,
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    parquet: Parquet = None,
    png: Png = None,
    svg: Svg = None,
    json: Json = False,
) -> None:
    """Show what the detectors said, with the evidence for it, and what they nearly said.

    Parameters
    ----------
    kind
        Only this detector, as exhaustion or push-through.
    near_misses
        Also episodes that ended unconfirmed, with the condition that failed.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import signals as run
    from aggressor.run.progress import progress

    options: dict[str, Any] = {
        "kind": kind,
        "near_misses": near_misses,
        "start_ns": moment_ns(start),
        "stop_ns": moment_ns(stop),
        "profile": profile,
    }
    written: dict[str, Any] = {}
    with progress(quiet=json) as step:
        if pictures := _pictures(png, svg):
            from aggressor.run.pictures import signals_picture

            written |= signals_picture(store, instrument, pictures, **options, progress=step)
        if parquet is not None:
            written |= run.signals_parquet(store, instrument, parquet, **options, progress=step)
        result = written or run.signals(store, instrument, **options, progress=step)
    _show(result, json, "show_written" if written else "show_signals")


@app.command
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
        result = run_backtest(store, instrument, settings, start=start, stop=stop, progress=step)
    _show(result, json, "show_backtest")


@app.command
def profile(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    start: Start = None,
    stop: Stop = None,
    row_ticks: int | None = None,
    parquet: Parquet = None,
    png: Png = None,
    svg: Svg = None,
    json: Json = False,
) -> None:
    """Show the volume profile of a span: point of control, value area, high and low volume nodes.

    Parameters
    ----------
    row_ticks
        Ticks merged into one row; chosen to fit where it is not given.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import profile as run

    span = moment_ns(start), moment_ns(stop)
    written: dict[str, Any] = {}
    if pictures := _pictures(png, svg):
        from aggressor.run.pictures import profile_picture

        written |= profile_picture(store, instrument, pictures, *span, row_ticks)
    if parquet is not None:
        written |= run.profile_parquet(store, instrument, parquet, *span, row_ticks)
    result = written or run.profile(store, instrument, *span, row_ticks)
    _show(result, json, "show_written" if written else "show_profile")


@app.command
def tape(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    min_size: str | None = None,
    last: int = 40,
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    parquet: Parquet = None,
    json: Json = False,
) -> None:
    """Show taker orders: prints merged back into what was sent, sweeps, and which are large.

    Parameters
    ----------
    min_size
        Only orders of at least this size.
    last
        How many are shown; a Parquet file holds all.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import tape as run
    from aggressor.run.progress import progress

    options: dict[str, Any] = {
        "min_size": min_size,
        "start_ns": moment_ns(start),
        "stop_ns": moment_ns(stop),
        "profile": profile,
    }
    if last < 0:
        _usage("--last counts orders: it cannot be below 0")
    with progress(quiet=json) as step:
        if parquet is not None:
            result = run.tape_parquet(store, instrument, parquet, **options, progress=step)
        else:
            result = run.tape(store, instrument, count=last, **options, progress=step)
    _show(result, json, "show_tape" if parquet is None else "show_written")


@app.command
def book(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    at: str,
    levels: int = 20,
    parquet: Parquet = None,
    json: Json = False,
) -> None:
    """Show the book at a moment, with what was added, pulled and traded at each level.

    Parameters
    ----------
    at
        The moment by the clock of receipt, ISO 8601 UTC or nanoseconds since the epoch.
    levels
        How many of each side.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import ladder as run
    from aggressor.run.progress import progress

    at_ns = moment_ns(at)
    assert at_ns is not None
    with progress(quiet=json) as step:
        if parquet is not None:
            result = run.book_parquet(store, instrument, parquet, at_ns, levels, progress=step)
        else:
            result = run.book(store, instrument, at_ns, levels, progress=step)
    _show(result, json, "show_book" if parquet is None else "show_written")


@app.command
def context(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    json: Json = False,
) -> None:
    """Show open interest, funding, volatility, regimes at the end of a span; blanks say why."""
    from aggressor.reports.moments import moment_ns
    from aggressor.run import context as run
    from aggressor.run.progress import progress

    span = {"start_ns": moment_ns(start), "stop_ns": moment_ns(stop)}
    with progress(quiet=json) as step:
        result = run.context(store, instrument, **span, profile=profile, progress=step)
    _show(result, json, "show_context")


@app.command
def study(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    what: Literal["ofi", "signs", "all"] = "all",
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    json: Json = False,
) -> None:
    """Hold claims of the literature against a recording, with intervals or the word "not shown".

    Parameters
    ----------
    what
        ofi: order-flow imbalance against trade imbalance, and more levels against the best one.
        signs: how long the side of taker orders remembers.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run import study as run
    from aggressor.run.progress import progress

    span = {"start_ns": moment_ns(start), "stop_ns": moment_ns(stop)}
    with progress(quiet=json) as step:
        result = run.study(store, instrument, what, **span, profile=profile, progress=step)
    _show(result, json, "show_study")


@app.command
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
    _show(result, json, "show_score")


@app.command
def warm(*, json: Json = False) -> None:
    """Compile every kernel now, so that no later command waits for it."""
    from aggressor.run.progress import progress
    from aggressor.run.warm import warm_kernels

    with progress(quiet=json) as step:
        result = warm_kernels(progress=step)
    _show(result, json, "show_warm")


def _pictures(png: Path | None, svg: Path | None) -> dict[str, Path]:
    """Return the files to draw by format."""
    return {form: file for form, file in (("png", png), ("svg", svg)) if file is not None}


def _show(result: dict[str, Any], as_json: bool, how: str, **options: Any) -> None:
    """Print a result as one JSON document or as tables."""
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        return
    from aggressor.reports import flow_tables, score_tables, study_tables, tables

    rooms = (tables, flow_tables, score_tables, study_tables)
    where = next(one for one in rooms if hasattr(one, how))
    getattr(where, how)(result, **options)


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
