"""What `aggressor score` prints: found, missed, false, with intervals, and alarms on nulls."""

from typing import Any

from aggressor.reports.console import NOT_KNOWN, table_of, wide_console


def show_score(result: dict[str, Any]) -> None:
    """Print the score of every detector and difficulty, and the alarms on the nulls."""
    title = f"seed {result['seed']}, {result['hours']:g} h of each market"
    names = ("injected", "found", "false", "explained", "precision", "recall", "delay p50")
    table = table_of(
        title, ("detector", "left"), ("", "left"), *((name, "right") for name in names)
    )
    for row in result["detectors"]:
        delay = row["delay_ms_p50"]
        table.add_row(
            row["detector"],
            row["difficulty"],
            *(str(row[name]) for name in names[:4]),
            _share(row["precision"], row["precision_interval"]),
            _share(row["recall"], row["recall_interval"]),
            NOT_KNOWN if delay is None else f"{delay / 1000:.1f} s",
        )
    nulls = table_of(
        "alarms where there is nothing",
        ("detector", "left"),
        ("market", "left"),
        ("per h", "right"),
    )
    for row in result["null"]:
        nulls.add_row(row["detector"], row["market"], f"{row['alarms_per_hour']:.1f}")
    console = wide_console()
    console.print(table)
    console.print(nulls)
    console.print(
        "explained: a signal inside a scenario that holds its pattern by construction; neither "
        "found nor false.\nIntervals: Wilson, 95 %. Markets that we made ourselves: real ones are "
        "not shown by this."
    )


def _share(value: float | None, interval: Any) -> str:
    """Return a share with its interval; what was never asked has none."""
    if value is None:
        return NOT_KNOWN
    low, high = interval
    return f"{value:.2f} ({low:.2f}-{high:.2f})"
