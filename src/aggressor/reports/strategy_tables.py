"""What `aggressor strategies` prints, and what a placebo says of a backtest."""

from typing import Any

from rich.console import Console

from aggressor.reports.console import table_of, wide_console


def show_strategies(result: dict[str, Any]) -> None:
    """Print each strategy; one alone with all its parameters."""
    console = wide_console()
    for one in result["strategies"]:
        console.print(f"{one['name']} ({one['source']})", style="bold")
        console.print(f"  trades   {one['trades']}", highlight=False)
        for name in ("entry", "stop", "targets"):
            console.print(f"  {name:<8} {one[name]}", highlight=False)
        console.print(f"  leaves   {', '.join(one['exits'])}", highlight=False)
        console.print(f"  needs    {', '.join(one['needs'])}", highlight=False)
        _show_gates(console, "  asks    ", one["gates"])
    left_out = {name for one in result["strategies"] for name in one["leaves_out"]}
    shared = {k: v for k, v in result["common_gates"].items() if k not in left_out}
    if len(result["strategies"]) == 1:
        _show_gates(console, "  and     ", shared)
        _show_parameters(result["strategies"][0])
        return
    console.print("All of them ask first:", style="bold")
    _show_gates(console, " ", result["common_gates"])
    console.print("`aggressor strategies NAME` shows one with its parameters.", highlight=False)
    console.print(f"Your own: {result['own']}.", highlight=False)


def _show_gates(console: Console, title: str, gates: dict[str, str]) -> None:
    for number, (name, bound) in enumerate(gates.items()):
        lead = title if number == 0 else " " * len(title)
        console.print(f"{lead} {name}: {bound}", highlight=False)


def _show_parameters(one: dict[str, Any]) -> None:
    table = table_of(
        "Parameters, for --params FILE (TOML)",
        *(("name", "left"), ("perp", "right"), ("micro", "right")),
        *(("unit", "left"), ("meaning", "left")),
    )
    for row in one["parameters"]:
        table.add_row(
            row["name"],
            _value(row["perp"]),
            "" if row["micro"] == row["perp"] else _value(row["micro"]),
            row["unit"],
            row["meaning"],
        )
    wide_console().print(table)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def show_judgement(result: dict[str, Any]) -> None:
    """Print what the trades show against their placebo, in basis points of a trade's value."""
    console = wide_console()
    table = table_of(
        "Net of costs, basis points of a trade's value, 95 % intervals",
        *(("", "left"), ("mean", "right"), ("trades", "right")),
    )
    table.add_row("net", _estimate(result["net_bp"]), str(result["trades"]))
    table.add_row("before fees", _estimate(result["gross_bp"]), str(result["trades"]))
    table.add_row(
        f"placebo, {result['placebo_draws']} draws, {result['moments']} moments",
        _estimate(result["placebo_bp"]),
        str(result["placebo_trades"]),
    )
    console.print(table)
    p = "not known" if result["p"] is None else f"{result['p']:.3f}"
    verdict = "shown" if result["shown"] else "not shown"
    why = f": {', '.join(result['why'])}" if result["why"] else ""
    console.print(f"  p {p}; an edge is {verdict}{why}", highlight=False)
    console.print(f"  {_tried(result['tried'])}", highlight=False)
    if result["not_noted"]:
        console.print(f"  This variant is not written down: {result['not_noted']}", style="yellow")


def show_trials(result: dict[str, Any]) -> None:
    """Print every variant that was tried on a store."""
    console = wide_console()
    if not result["trials"]:
        console.print("Nothing was tried here yet: `aggressor backtest DIR ... --placebo 200`.")
        return
    table = table_of(
        f"{result['variants']} variants tried on {result['store']}",
        *(("strategy", "left"), ("instrument", "left"), ("changed", "left"), ("trades", "right")),
        *(("Sharpe a trade", "right"), ("deflated", "right"), ("p", "right"), ("stands", "left")),
    )
    for row in result["trials"]:
        outcome, left = row["outcome"], row["tried"]
        changed = ", ".join(f"{name} {_value(value)}" for name, value in row["rule"].items())
        table.add_row(
            row["strategy"],
            row["instrument"],
            changed or "-",
            f"{outcome['trades']:,}",
            _share(outcome["sharpe"]),
            _share(left["deflated"]),
            _share(outcome["p"]),
            {None: "not known", True: "yes", False: "no"}[left["stands"]],
        )
    console.print(table)
    console.print(
        "  stands: its p, by Benjamini-Hochberg at 0.01 among all; deflated: the chance that the "
        "true ratio is above what the best of as many would reach by luck.",
        highlight=False,
    )


def _tried(left: dict[str, Any]) -> str:
    """Return in words what is left of a result among all that were tried."""
    many = left["variants"]
    told = f"{many} variant{'s' if many > 1 else ''} tried on this market"
    if left["deflated"] is None:
        return f"{told}; too few trades for a Sharpe ratio"
    return (
        f"{told}; deflated Sharpe ratio {left['deflated']:.3f} (the best of as many reaches "
        f"{left['by_luck']:.3f} a trade by luck)"
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _estimate(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return f"not shown: {one['why']}"
    if one["low"] is None:
        return f"{one['value']:+.2f} ({one['why']})"
    return f"{one['value']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"
