"""What `score`, `rates` and `calibrate` print: found, missed, false; events a day; trials."""

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


def show_calibration(result: dict[str, Any]) -> None:
    """Print what was chosen for each detector, its rates before and after, and every trial."""
    low, high = result["goal_per_day"]
    table = table_of(
        f"{result['instrument']}, {result['profile']}, {result['hours']:.1f} h; "
        f"goal {low:g} to {high:g} a day",
        ("detector", "left"),
        ("before a day", "right"),
        ("after a day", "right"),
        ("state", "left"),
        ("thresholds", "left"),
    )
    trials = table_of(
        f"every value tried, in {result['runs']} runs through the store",
        ("detector", "left"),
        ("looseness", "right"),
        ("values", "left"),
        ("a day", "right"),
        ("verdict", "left"),
        ("params", "left"),
    )
    for row in result["detectors"]:
        name = row["detector"]
        table.add_row(
            name, _rate(row["before"]), _rate(row["after"]), row["state"], _values(row["values"])
        )
        for one in row["trials"]:
            trials.add_row(
                name,
                f"{one['looseness']:+.3f}",
                _values(one["values"]),
                _rate(one),
                one["verdict"],
                one["params"],
            )
    console = wide_console()
    console.print(trials)
    console.print(table)
    console.print(
        f"Written to {result['out']}. Rates are in sample: hold them against another span with "
        f"`aggressor rates --thresholds`.\nDo they still agree with labelled scenarios? "
        f"{result['next']}"
    )


def _values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _rate(rate: dict[str, Any]) -> str:
    """Return a rate a day with its interval."""
    if rate["per_day"] is None:
        return NOT_KNOWN
    low, high = rate["per_day_interval"]
    return f"{rate['per_day']:.1f} ({low:.1f}-{high:.1f})"


def _share(value: float | None, interval: Any) -> str:
    """Return a share with its interval; what was never asked has none."""
    if value is None:
        return NOT_KNOWN
    low, high = interval
    return f"{value:.2f} ({low:.2f}-{high:.2f})"
