"""What `aggressor study` prints: each claim with its figure, its interval, and the verdict."""

from typing import Any

from aggressor.reports.console import table_of, wide_console
from aggressor.reports.moments import moment_text

_LAGS_SHOWN = (1, 2, 3, 5, 10, 20, 32, 50, 100, 200, 316, 501, 1000)


def show_study(result: dict[str, Any]) -> None:
    """Print the studies that were asked for."""
    console = wide_console()
    console.print(
        f"{result['instrument']}, {moment_text(result['from_ns'])[:19]} to "
        f"{moment_text(result['to_ns'])[:19]}; 95 % intervals in brackets",
        style="bold",
    )
    if "pressure" in result:
        _show_pressure(result["pressure"])
        _show_levels(result["levels"])
    if "signs" in result:
        _show_signs(result["signs"])
    for note in result["notes"]:
        console.print(f"  {note}", style="yellow")


def _show_pressure(rows: list[dict[str, Any]]) -> None:
    table = _table("Same-window change of the mid on order flow", rows)
    lines = (
        ("R2 of order-flow imbalance (OFI)", "r2_ofi"),
        ("R2 of trade imbalance", "r2_trades"),
        ("their difference", "difference"),
        ("slope of OFI, ticks per lot", "slope"),
        ("slope x two mean queues (stylised book: 1)", "slope_in_depths"),
        ("exponent of depth in the slope (stylised book: -1)", "depth_exponent"),
    )
    _add_counts(table, rows, "windows", "left_out")
    for text, name in lines:
        table.add_row(text, *(interval_text(one[name]) for one in rows))
    words = {"ofi": "OFI explains more", "trades": "trade imbalance explains more"}
    table.add_row("shown", *(words.get(one["better"], one["better"]) for one in rows))
    wide_console().print(table)


def _show_levels(rows: list[dict[str, Any]]) -> None:
    table = _table("Levels of the depth ladder, out of sample", rows)
    _add_counts(table, rows, "fitted", "judged")
    for number in range(len(rows[0]["r2_levels"])):
        values = [one["r2_levels"][number] for one in rows]
        if any(value is not None for value in values):
            text = "R2 of the best level" if number == 0 else f"R2 of levels 1 to {number + 1}"
            table.add_row(text, *("-" if one is None else f"{one:.4f}" for one in values))
    lines = (
        ("R2 of integrated OFI", "r2_integrated", ""),
        ("gain of all levels over the best", "gain_levels", "levels_help"),
        ("gain of integrated OFI over the best", "gain_integrated", "integrated_helps"),
    )
    for text, name, verdict in lines:
        cells = [interval_text(one[name]) for one in rows]
        if verdict:
            pairs = zip(cells, rows, strict=True)
            cells = [_with_verdict(cell, one[verdict]) for cell, one in pairs]
        table.add_row(text, *cells)
    wide_console().print(table)


def _show_signs(one: dict[str, Any]) -> None:
    table = table_of("Memory of the side of taker orders", ("", "left"), ("", "right"))
    table.add_row("taker orders", f"{one['orders']:,}")
    if one["bought_share"] is not None:
        table.add_row("bought", f"{100 * one['bought_share']:.1f} %")
    for lag in one["lags"]:
        if lag["lag"] in _LAGS_SHOWN:
            table.add_row(f"autocorrelation at lag {lag['lag']}", interval_text(lag["acf"]))
    table.add_row(f"gamma, lags 1 to {one['last_lag']}", interval_text(one["gamma"]))
    table.add_row("Hurst exponent (DFA), largest boxes", interval_text(one["hurst"]))
    table.add_row("gamma by it, 2 - 2 H", interval_text(one["gamma_from_hurst"]))
    table.add_row("long memory shown", one["long_memory"])
    wide_console().print(table)


def _table(title: str, rows: list[dict[str, Any]]) -> Any:
    return table_of(title, ("", "left"), *((f"{one['horizon_s']} s", "right") for one in rows))


def _add_counts(table: Any, rows: list[dict[str, Any]], *names: str) -> None:
    for name in names:
        table.add_row(name.replace("_", " "), *(f"{one[name]:,}" for one in rows))


def interval_text(one: dict[str, Any]) -> str:
    """Return an estimate as text; one that is not there says why."""
    if one["value"] is None:
        return f"not shown: {one['why']}"
    return f"{one['value']:.4g} [{one['low']:.4g}, {one['high']:.4g}]".replace("[", "\\[")


def _with_verdict(cell: str, verdict: str) -> str:
    if cell.startswith("not shown"):
        return cell
    return f"{cell}, {'not shown' if verdict == 'not shown' else 'shown: ' + verdict}"
