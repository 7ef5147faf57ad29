"""What `score` and `rates` print: found, missed, false, alarms on nulls; events a day."""

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
        "alarms where nothing was injected",
        ("detector", "left"),
        ("market", "left"),
        ("per h", "right"),
        ("explained per h", "right"),
    )
    for row in result["null"]:
        nulls.add_row(
            row["detector"],
            row["market"],
            f"{row['alarms_per_hour']:.1f}",
            f"{row['explained_per_hour']:.1f}",
        )
    console = wide_console()
    console.print(table)
    console.print(nulls)
    console.print(
        "explained: a signal inside a scenario that holds its pattern by construction; neither "
        "found nor false.\nIntervals: Wilson, 95 %. Markets that we made ourselves: real ones are "
        "not shown by this."
    )


def show_rates(result: dict[str, Any]) -> None:
    """Print how often each detector spoke, its interval a day, and what failed most."""
    low, high = result["goal_per_day"]
    table = table_of(
        f"{result['instrument']}, {result['profile']}, {result['hours']:.1f} h; "
        f"goal {low:g} to {high:g} a day",
        ("detector", "left"),
        *((name, "right") for name in ("confirmed", "provisional", "a day", "95 %")),
        ("verdict", "left"),
        ("near-misses", "right"),
        ("why", "left"),
    )
    for row in result["detectors"]:
        interval = row["per_day_interval"]
        table.add_row(
            row["detector"],
            str(row["confirmed"]),
            str(row["provisional"]),
            NOT_KNOWN if row["per_day"] is None else f"{row['per_day']:.1f}",
            NOT_KNOWN if interval is None else f"{interval[0]:.1f}-{interval[1]:.1f}",
            row["verdict"],
            str(row["near_misses"]),
            ", ".join(f"{name} {count}" for name, count in row["failed"].items()),
        )
    wide_console().print(table)


def _share(value: float | None, interval: Any) -> str:
    """Return a share with its interval; what was never asked has none."""
    if value is None:
        return NOT_KNOWN
    low, high = interval
    return f"{value:.2f} ({low:.2f}-{high:.2f})"
