"""Costs of execution as tables: slippage by policy, costs of orders worked (R8.1-R8.3)."""

from collections import Counter
from typing import Any

from aggressor.reports.console import NOT_KNOWN, table_of, wide_console


def show_slippage(result: dict[str, Any]) -> None:
    """Print what each policy cost, size by size, and how good the model of fills is."""
    console = wide_console()
    table = table_of(
        f"{result['instrument']}: cost against the mid at the decision with fees, basis points",
        *(("size", "right"), ("policy", "left"), ("orders", "right"), ("filled", "right")),
        *(("whole", "right"), ("maker", "right"), ("of fills", "right"), ("all in", "right")),
        *(("saved beside market", "right"), ("seconds", "right"), ("orders each", "right")),
    )
    for row in result["rows"]:
        table.add_row(
            row["size"],
            row["policy"],
            f"{row['orders']:,}",
            f"{100 * row['filled_share']:.2f} %",
            f"{100 * row['whole_share']:.1f} %",
            f"{100 * row['maker_share']:.1f} %",
            _interval(row["fills_bp"]),
            _interval(row["all_in_bp"]),
            _interval(row["saving"], 100.0, " %", 1) if row["saving"] else "",
            f"{row['seconds_mean']:.1f}",
            f"{row['orders_mean']:.1f}",
        )
    console.print(table)
    _show_model(console, result["fill_model"])
    for caveat in result["caveats"]:
        console.print(f"  {caveat}", style="dim", highlight=False)


def show_costs(console: Any, tca: dict[str, Any]) -> None:
    """Print what orders cost, by every grouping that tells two apart."""
    table = table_of(
        "Costs of orders, basis points, + is paid: mean [95 %]",
        *(("by", "left"), ("group", "left"), ("orders", "right"), ("filled", "right")),
        *(("maker", "right"), ("slippage", "right"), ("fees", "right"), ("shortfall", "right")),
        *(("markout 1 s", "right"), ("5 s", "right"), ("60 s", "right")),
    )
    told = Counter(row["by"] for row in tca["groups"])
    for row in tca["groups"]:
        if told[row["by"]] < 2 and row["by"] not in ("all", "strategy", "policy"):
            continue
        markouts = row["markout_bp"]
        table.add_row(
            row["by"],
            row["group"],
            f"{row['orders']:,}",
            _share(row["filled_share"]),
            _share(row["maker_share"]),
            _mean(row["slippage_bp"]),
            _mean(row["fees_bp"], alone=True),
            _mean(row["shortfall_bp"]),
            *(_mean(markouts[name]) for name in ("1s", "5s", "60s")),
        )
    console.print(table)


def _share(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{100 * value:.1f} %"


def _mean(one: dict[str, Any], *, alone: bool = False) -> str:
    """Return a mean with its interval; alone where it hardly varies (the median is in the JSON)."""
    if one["mean"] is None:
        return NOT_KNOWN
    known = one["low"] is not None and not alone
    bounds = f" [{one['low']:.2f}, {one['high']:.2f}]" if known else ""
    return f"{one['mean']:.2f}{bounds}"


def show_execution(result: dict[str, Any]) -> None:
    """Print how one order was worked and what it cost."""
    console = wide_console()
    cost, counts = result["cost"], result["cost"]["counts"]
    table = table_of(
        f"{cost['side']} {cost['size']} of {result['instrument']}, {cost['policy']}",
        ("", "left"),
        ("", "right"),
    )
    table.add_row("filled", f"{cost['filled']} ({_share(result['filled_share'])})")
    table.add_row("ended because", cost["reason"] or "the market was over first")
    table.add_row("average price", str(result["average"] or NOT_KNOWN))
    table.add_row("mid at the decision", str(result["arrival"]))
    table.add_row("limit", str(result["limit"] or "none"))
    for name in ("slippage_bp", "fees_bp", "shortfall_bp", "expected_bp"):
        value = cost[name]
        text = NOT_KNOWN if value is None else f"{value:.3f} bp"
        table.add_row(name.removesuffix("_bp"), text)
    for name in ("delay", "trading", "opportunity", "fees", "shortfall"):
        value = cost[name]
        text = NOT_KNOWN if value is None else f"{value:.8f} {result['currency']}"
        table.add_row(f"  {name}", text)
    table.add_row("maker share", _share(cost["maker_share"]))
    table.add_row("of what others traded", _share(cost["participation"]))
    table.add_row("seconds", f"{result['seconds']:.1f}")
    table.add_row("asked", ", ".join(f"{n} {name}" for name, n in counts.items() if n) or "nothing")
    console.print(table)
    for line in result["caveats"]:
        console.print(f"  {line}", style="dim", highlight=False)


def _show_model(console: Any, model: dict[str, Any]) -> None:
    if "why_none" in model:
        console.print(f"  no model of fills: {model['why_none']}", highlight=False)
        return
    where = "in sample" if model["in_sample"] else "out of sample"
    console.print(
        f"  chance of a fill fitted on {model['fitted_on']} ({model['filled']:,} of "
        f"{model['orders']:,} shadow orders filled), held against this recording ({where}) at "
        f"{model['horizon_s']:.0f} s: Brier {model['brier']:.4f}, of the plain share "
        f"{model['brier_of_the_share']:.4f}",
        highlight=False,
    )


def _interval(
    one: dict[str, Any] | None, scale: float = 1.0, unit: str = "", digits: int = 3
) -> str:
    """Return a value with its 95 % interval."""
    if one is None or one.get("value") is None:
        return NOT_KNOWN
    value = f"{scale * one['value']:.{digits}f}{unit}"
    if one["low"] is None:
        return value
    return f"{value} [{scale * one['low']:.{digits}f}, {scale * one['high']:.{digits}f}]"
