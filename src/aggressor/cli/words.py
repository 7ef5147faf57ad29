"""What commands share: the options many of them take, and how a result is shown."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from cyclopts import Parameter

if TYPE_CHECKING:
    from aggressor.run.studies.studying import Asked

DEMO_SEED = 24  # of a made market in which the strategy trades; what it earns there means nothing

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON document.")]
Venue = Literal[
    "binance-usdm",
    "binance-coinm",
    "binance-spot",
    "bybit-linear",
    "bybit-inverse",
    "bingx",
    "weex",
    "mexc",
]
Profile = Literal["perp", "micro"]
StoreDir = Annotated[Path, Parameter(help="Folder of the store.")]
InstrumentId = Annotated[str, Parameter(help="Which, as `venue:SYMBOL`.")]
MOMENT = "ISO 8601 UTC or nanoseconds since the epoch"
Start = Annotated[str | None, Parameter(name="--from", help=f"First moment, {MOMENT}.")]
Stop = Annotated[str | None, Parameter(name="--to", help="Moment to stop before.")]
Defaults = Annotated[
    Profile, Parameter(help="Which defaults: a liquid perpetual or a thin micro contract.")
]
ThresholdsFile = Annotated[
    Path | None,
    Parameter(
        name="--thresholds",
        help="TOML file of detector thresholds on top of the profile; `aggressor calibrate` writes "
        "one.",
    ),
]
Parquet = Annotated[Path | None, Parameter(help="Write columns to this file instead of showing.")]
Candles = Annotated[
    list[Path] | None,
    Parameter(
        help="Candles before the span, for the 1 h and 4 h bias: Binance klines (csv, zip) or our "
        "footprint Parquet. May be given again.",
        negative="",
    ),
]
Png = Annotated[Path | None, Parameter(help="Draw into this file, 1600 x 900 pixels.")]
Svg = Annotated[Path | None, Parameter(help="Draw into this file as vectors.")]


def asked(
    start: str | None,
    stop: str | None,
    profile: Profile,
    thresholds: Path | None,
    candles: list[Path] | None,
) -> "Asked":
    """Return what a study is of, as commands are told it. Raises ConfigError."""
    from aggressor.detectors.thresholds import read_thresholds
    from aggressor.reports.moments import moment_ns

    return {
        "start_ns": moment_ns(start),
        "stop_ns": moment_ns(stop),
        "profile": profile,
        "thresholds": read_thresholds(thresholds, profile),
        "candles": candles or (),
    }


def pictures(png: Path | None, svg: Path | None) -> dict[str, Path]:
    """Return the files to draw by format."""
    return {form: file for form, file in (("png", png), ("svg", svg)) if file is not None}


def show(result: dict[str, Any], as_json: bool, how: str, **options: Any) -> None:
    """Print a result as one JSON document or as tables."""
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        return
    from aggressor.reports import (
        cost_tables,
        flow_tables,
        live_tables,
        run_tables,
        score_tables,
        strategy_tables,
        study_tables,
        tables,
        trading_tables,
    )

    rooms = (
        *(tables, flow_tables, live_tables, score_tables, study_tables),
        *(strategy_tables, trading_tables, cost_tables, run_tables),
    )
    where = next(one for one in rooms if hasattr(one, how))
    getattr(where, how)(result, **options)


def usage(message: str) -> NoReturn:
    """Say what is wrong with the arguments, and end."""
    print(f"aggressor: {message}", file=sys.stderr)
    raise SystemExit(2)
