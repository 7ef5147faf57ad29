"""A run and a latency sweep as tables, for a terminal."""

from typing import Any

from rich.table import Table

from aggressor.reports.console import NOT_KNOWN, table_of, wide_console
from aggressor.reports.cost_tables import show_costs
from aggressor.reports.moments import moment_text


def show_report(told: dict[str, Any]) -> None:
    """Print what a run did: money, trades by group, costs, the sweep where there is one."""
    console = wide_console()
    names = ", ".join(one["instrument"] for one in told["instruments"])
    runs = ", ".join(str(one["run"]) for one in told["runs"])
    table = table_of(f"{told['strategy']} on {names}", ("", "left"), ("", "right"))
    table.add_row(told["mode"], f"run {runs}")
    table.add_row("from", f"{moment_text(told['first_ns'])} UTC")
    table.add_row("to", f"{moment_text(told['last_ns'])} UTC")
    for one in told["money"]:
        unit = one["currency"]
        table.add_row("net profit", f"{_number(one['pnl'], 4)} {unit}")
        table.add_row("deepest drawdown", f"{_number(one['drawdown'], 4)} {unit}")
        table.add_row("largest exposure", f"{_number(one['exposure_max'], 2)} {unit}")
    if told["market"] != "known":
        table.add_row("market", told["market"])
    console.print(table)
    _show_trades(console, told["trades"]["groups"])
    if told["tca"]["orders"]:
        show_costs(console, told["tca"])
    if told["sweep"]:
        console.print(sweep_table(told["sweep"]))
    for line in told["caveats"]:
        console.print(f"  {line}", style="dim", highlight=False)
    if "page" in told:
        console.print(f"  page: {told['page']}", highlight=False)


def _show_trades(console: Any, groups: list[dict[str, Any]]) -> None:
    if not groups:
        console.print("  No trade was opened and closed.")
        return
    table = table_of(
        "Trades",
        *(("by", "left"), ("group", "left"), ("trades", "right"), ("net", "right")),
        *(("net bp [95 %]", "right"), ("earned", "right"), ("from zero", "left")),
    )
    for row in groups:
        net = ", ".join(f"{amount} {unit}" for unit, amount in row["net"].items())
        table.add_row(
            row["by"],
            row["group"],
            str(row["trades"]),
            net,
            _estimate(row["net_bp"]),
            f"{100 * row['hits']['share']:.0f} %",
            row["differs_from_zero"],
        )
    console.print(table)


def sweep_table(told: dict[str, Any]) -> Table:
    """Return a latency sweep as a table."""
    table = table_of(
        f"Latency sweep ({told['unit']})",
        *(("ms", "right"), ("orders", "right"), ("filled", "right"), ("trades", "right")),
        *(("profit", "right"), ("less the shortest's", "right"), ("difference", "left")),
        *(("net of a trade, bp", "right"), ("slippage, bp", "right")),
    )
    for row in told["rows"]:
        for money in row["money"]:
            less = money["less_than_shortest"]
            share = row["filled_share"]
            table.add_row(
                f"{row['delay_ms']:g}",
                str(row["orders"]),
                NOT_KNOWN if share is None else f"{100 * share:.1f} %",
                str(row["trades"]),
                f"{_number(money['pnl'], 4)} {money['currency']}",
                "-" if less is None else _estimate(less, 4),
                "-" if less is None else _side(less),
                _estimate(row["net_bp"]),
                _estimate(row["slippage_bp"]),
            )
    return table


def _side(one: dict[str, Any]) -> str:
    if one["low"] is None or one["low"] <= 0 <= one["high"]:
        return "not shown"
    return "better" if one["low"] > 0 else "worse"


def _number(value: float | None, digits: int) -> str:
    return NOT_KNOWN if value is None else f"{value:+,.{digits}f}"


def _estimate(one: dict[str, Any], digits: int = 2) -> str:
    value = one.get("value", one.get("mean"))
    if value is None:
        return NOT_KNOWN
    if one["low"] is None:
        return f"{value:+.{digits}f}"
    return f"{value:+.{digits}f} [{one['low']:+.{digits}f}, {one['high']:+.{digits}f}]"
