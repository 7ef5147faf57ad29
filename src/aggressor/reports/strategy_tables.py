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


def _estimate(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return f"not shown: {one['why']}"
    if one["low"] is None:
        return f"{one['value']:+.2f} ({one['why']})"
    return f"{one['value']:+.2f} [{one['low']:+.2f}, {one['high']:+.2f}]"
