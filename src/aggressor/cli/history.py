"""Commands that read markets recorded in a store."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import Parameter

from aggressor.cli.words import (
    Candles,
    Defaults,
    InstrumentId,
    Json,
    Parquet,
    Png,
    Start,
    Stop,
    StoreDir,
    Svg,
    ThresholdsFile,
    Venue,
    asked,
    pictures,
    show,
    usage,
)


def import_(
    *files: Path,
    venue: str,
    store: Path,
    tick: str | None = None,
    lot: str | None = None,
    multiplier: str | None = None,
    format: str | None = None,
    symbol: str | None = None,
    kind: Literal["linear", "inverse", "spot"] | None = None,
    json: Json = False,
) -> None:
    """Import recordings, archives and other tools' files into a store; docs/IMPORT.md lists them.

    Parameters
    ----------
    files
        Recordings of messages (lines, sessions, cryptofeed raw, Bybit ob500), tables (.parquet),
        CSV of Tardis and of the archives of Binance and Bybit (plain, .gz, .zst, .zip), hftbacktest
        .npz. All files of one market and time belong into one command.
    venue
        Whose market it is, as binance-usdm.
    store
        Folder of the store; made when absent.
    tick
        Price step, where the recording holds no exchangeInfo.
    lot
        Size step, where the recording holds no exchangeInfo.
    multiplier
        Contract multiplier (COIN-M: USD per contract).
    format
        What the files are, as tardis-trades, where they are not told by what they hold.
    symbol
        Which instrument they are of, where neither they nor their names say it (.npz).
    kind
        What the contracts of a venue are that is not known here.
    """
    from aggressor.run.imports.importing import import_files
    from aggressor.run.progress import progress

    if not files:
        usage("name at least one file to import")
    if kind is None and venue not in get_args(Venue):
        usage(f"no venue {venue!r} is known here: say what its contracts are with --kind")
    with progress(quiet=json) as step:
        result = import_files(
            list(files),
            venue,
            store,
            tick=tick,
            lot=lot,
            multiplier=multiplier,
            form=format,
            symbol=symbol,
            kind=kind,
            progress=step,
        )
    show(result, json, "show_import")


def export(
    store: StoreDir,
    file: Path,
    /,
    *,
    instrument: InstrumentId,
    start: Start = None,
    stop: Stop = None,
    json: Json = False,
) -> None:
    """Write a span of a store as an hftbacktest .npz: the book, its changes, the prints.

    Parameters
    ----------
    file
        The .npz to write.
    """
    from aggressor.reports.moments import moment_ns
    from aggressor.run.progress import progress
    from aggressor.run.studies.exporting import export_hftbacktest

    with progress(quiet=json) as step:
        span = moment_ns(start), moment_ns(stop)
        result = export_hftbacktest(store, instrument, file, *span, progress=step)
    show(result, json, "show_export")


def inspect(store: Path, /, *, json: Json = False) -> None:
    """Show coverage, gaps and quality per instrument and day.

    Parameters
    ----------
    store
        Folder of the store.
    """
    from aggressor.run.studies.inspection import inspect_store

    show(inspect_store(store), json, "show_inspection")


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
    from aggressor.run.studies import footprint as run

    span = moment_ns(start), moment_ns(stop)
    written: dict[str, Any] = {}
    if drawn := pictures(png, svg):
        from aggressor.run.studies.pictures import footprint_picture

        written |= footprint_picture(store, instrument, bar, drawn, *span, row_ticks)
    if parquet is not None:
        bars = run.footprint_parquet(store, instrument, bar, parquet, *span, row_ticks)
        written |= {"instrument": instrument, "bars": bars, "parquet": str(parquet)}
    if written:
        show(written, json, "show_written")
    else:
        result = run.footprint(store, instrument, bar, *span, row_ticks)
        show(result, json, "show_footprint")


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
    thresholds: ThresholdsFile = None,
    candles: Candles = None,
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
    from aggressor.run.progress import progress
    from aggressor.run.studies import signals as run

    options: dict[str, Any] = {
        "kind": kind,
        "near_misses": near_misses,
        **asked(start, stop, profile, thresholds, candles),
    }
    written: dict[str, Any] = {}
    with progress(quiet=json) as step:
        if drawn := pictures(png, svg):
            from aggressor.run.studies.pictures import signals_picture

            written |= signals_picture(store, instrument, drawn, **options, progress=step)
        if parquet is not None:
            written |= run.signals_parquet(store, instrument, parquet, **options, progress=step)
        result = written or run.signals(store, instrument, **options, progress=step)
    show(result, json, "show_written" if written else "show_signals")


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
    from aggressor.run.studies import profile as run

    span = moment_ns(start), moment_ns(stop)
    written: dict[str, Any] = {}
    if drawn := pictures(png, svg):
        from aggressor.run.studies.pictures import profile_picture

        written |= profile_picture(store, instrument, drawn, *span, row_ticks)
    if parquet is not None:
        written |= run.profile_parquet(store, instrument, parquet, *span, row_ticks)
    result = written or run.profile(store, instrument, *span, row_ticks)
    show(result, json, "show_written" if written else "show_profile")


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
    from aggressor.run.progress import progress
    from aggressor.run.studies import tape as run

    options: dict[str, Any] = {
        "min_size": min_size,
        "start_ns": moment_ns(start),
        "stop_ns": moment_ns(stop),
        "profile": profile,
    }
    if last < 0:
        usage("--last counts orders: it cannot be below 0")
    with progress(quiet=json) as step:
        if parquet is not None:
            result = run.tape_parquet(store, instrument, parquet, **options, progress=step)
        else:
            result = run.tape(store, instrument, count=last, **options, progress=step)
    show(result, json, "show_tape" if parquet is None else "show_written")


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
    from aggressor.run.progress import progress
    from aggressor.run.studies import ladder as run

    at_ns = moment_ns(at)
    assert at_ns is not None
    with progress(quiet=json) as step:
        if parquet is not None:
            result = run.book_parquet(store, instrument, parquet, at_ns, levels, progress=step)
        else:
            result = run.book(store, instrument, at_ns, levels, progress=step)
    show(result, json, "show_book" if parquet is None else "show_written")


def context(
    store: StoreDir,
    /,
    *,
    instrument: InstrumentId,
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    candles: Candles = None,
    parquet: Parquet = None,
    json: Json = False,
) -> None:
    """Show open interest, funding, volatility, regimes at the end of a span; blanks say why."""
    from aggressor.run.progress import progress
    from aggressor.run.studies import context as run

    with progress(quiet=json) as step:
        result = run.context(
            store,
            instrument,
            **asked(start, stop, profile, thresholds, candles),
            progress=step,
        )
    if parquet is not None:
        result = run.context_parquet(result, parquet)
    show(result, json, "show_context" if parquet is None else "show_written")


def composite(
    store: StoreDir,
    /,
    *,
    instrument: list[str],
    every: str = "1s",
    start: Start = None,
    stop: Stop = None,
    profile: Defaults = "perp",
    parquet: Parquet = None,
    json: Json = False,
) -> None:
    """Show venues of one underlying as one book and tape, who is left out and why, and who leads.

    Parameters
    ----------
    instrument
        Which, as `venue:SYMBOL`; name it once for each venue. The first is held against the others.
    every
        How often a Parquet file is given a row: a whole number of 100 ms.
    """
    from aggressor.reports.moments import moment_ns, period_ns
    from aggressor.run.progress import progress
    from aggressor.run.studies import composite as run

    options: dict[str, Any] = {
        "start_ns": moment_ns(start),
        "stop_ns": moment_ns(stop),
        "profile": profile,
    }
    with progress(quiet=json) as step:
        options["progress"] = step
        if parquet is not None:
            options["every_ns"] = period_ns(every)
            result = run.composite_parquet(store, instrument, parquet, **options)
        else:
            result = run.composite(store, instrument, **options)
    show(result, json, "show_composite" if parquet is None else "show_written")


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
    from aggressor.run.progress import progress
    from aggressor.run.studies import study as run

    span = {"start_ns": moment_ns(start), "stop_ns": moment_ns(stop)}
    with progress(quiet=json) as step:
        result = run.study(store, instrument, what, **span, profile=profile, progress=step)
    show(result, json, "show_study")
