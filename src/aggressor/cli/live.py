"""Commands that speak to venues: record, watch, doctor; and what a recorder left behind."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from aggressor.cli.words import Defaults, Json, StoreDir, ThresholdsFile, show, usage

At = Annotated[
    str,
    Parameter(name="--at", help="Speak to http://host:port in the venue's place, as a local one."),
]
For = Annotated[str | None, Parameter(name="--for", help="How long: 90s, 10m, 1h, 2d.")]


def record(
    *instruments: str,
    store: Path,
    for_: For = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Record live markets: as received, and as Parquet; safe whatever happens to the process.

    Parameters
    ----------
    instruments
        What to record, each as `venue:SYMBOL` as the venue writes it; several venues at once.
    store
        Folder of the store; made when absent.
    """
    import asyncio

    from aggressor.reports.live_tables import record_screen
    from aggressor.run.lines import record as run
    from aggressor.run.lines.live_screen import live_screen

    if not instruments:
        usage("name at least one market, as bybit-linear:BTCUSDT")
    span = seconds(for_)
    with live_screen(record_screen, quiet=json) as screen:
        result = asyncio.run(
            run.record(
                instruments, store, seconds=span, at=at, notice=screen.say, status=screen.show
            )
        )
    show(result, json, "show_record")


def recover(store: StoreDir, /, *, json: Json = False) -> None:
    """Bring what a killed recorder left behind into the store; the next `record` does it too."""
    from aggressor.run.imports.compaction import compact_segments
    from aggressor.run.progress import progress

    with progress(quiet=json) as step:
        result = compact_segments(store, step=step)
    show(result, json, "show_compaction")


def watch(
    instrument: str,
    /,
    *,
    for_: For = None,
    levels: int = 12,
    profile: Defaults = "perp",
    thresholds: ThresholdsFile = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Show one live market in the terminal: book, tape, delta, signals. No keys are needed.

    Parameters
    ----------
    instrument
        Which, as `venue:SYMBOL` as the venue writes it.
    levels
        Levels of the book a side.
    """
    import asyncio

    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.reports.live_tables import watch_screen
    from aggressor.run.lines import watch as run
    from aggressor.run.lines.live_screen import live_screen

    span, changes = seconds(for_), read_thresholds(thresholds, profile)
    with live_screen(watch_screen, quiet=json) as screen:
        result = asyncio.run(
            run.watch(
                instrument,
                show=screen.show,
                notice=screen.say,
                seconds=span,
                at=at,
                profile=profile,
                thresholds=changes,
                levels=levels,
            )
        )
    show(result, json, "show_watch")


def doctor(
    *venues: str,
    store: Path | None = None,
    at: At = "",
    json: Json = False,
) -> None:
    """Check clock, reachability, streams, keys and their rights, and say how to mend what is found.

    Parameters
    ----------
    venues
        Which venues; all where none is named.
    store
        Folder of a store whose disk is looked at too.
    """
    import asyncio

    from aggressor.run.lines import doctor as run
    from aggressor.venues.table import VENUES

    result = asyncio.run(run.doctor(venues or tuple(VENUES), at=at, store=store))
    show(result, json, "show_doctor")
    if result["state"] == "bad":
        sys.exit(1)


def seconds(text: str | None) -> float | None:
    """Read a length of time."""
    from aggressor.reports.moments import seconds_of

    return None if text is None else seconds_of(text)
