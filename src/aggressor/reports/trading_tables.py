"""An account that trades, as people see it: the screen of `paper`, its summary, parity, limits.

Each function takes the document that `--json` would print. What is not known says so.
"""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from aggressor.reports.console import NOT_KNOWN, table_of, wide_console
from aggressor.reports.moments import moment_text

_BUY, _SELL = "deep_sky_blue1", "orange1"


def paper_screen(look: dict[str, Any]) -> RenderableType:
    """Return one look at an account."""
    parts: list[RenderableType] = [_head(look), _holdings(look)]
    if look["working"]:
        parts.append(_working(look))
    if look["signals"]:
        parts.append(_signals(look))
    parts.append(_data(look))
    return Group(*parts)


def execution_screen(look: dict[str, Any]) -> RenderableType:
    """Return how far an order is that is worked alone."""
    errand = look["errand"]
    text = _head(look)
    text.append(f"\n  {errand['side']} {errand['size']}: {errand['filled']} filled", "bold")
    text.append(f" ({100 * errand['share']:.0f} %)")
    if errand.get("average") is not None:
        text.append(f", average {errand['average']} against {errand['arrival']} at the beginning")
    if errand.get("ended"):
        text.append(f"; ended: {errand['ended']}; watches what follows")
    parts: list[RenderableType] = [text]
    if look["working"]:
        parts.append(_working(look))
    parts.append(_data(look))
    return Group(*parts)


def _head(look: dict[str, Any]) -> Text:
    text = Text()
    text.append(f"{look['mode']}  {look['strategy']}  ", "bold")
    text.append("nothing received yet" if look["now_ns"] is None else moment_text(look["now_ns"]))
    if look["halt"] != "open":
        text.append(f"\n  kill switch: {look['halt']} ({look['halt_reason']})", "bold red")
    for money in look["money"]:
        text.append(f"\n  {money['currency']}: equity {money['equity']}, P&L {money['pnl']}")
        text.append(f", fees {money['fees']}, funding {money['funding']}")
    latency = look["latency_ms"]
    shown = NOT_KNOWN
    if latency is not None:
        shown = f"{latency['p50']:.3f} ms p50, {latency['p99']:.3f} ms p99"
    text.append(
        f"\n  events {look['events']:,}, decisions {look['decisions']:,}, orders {look['orders']:,}"
        f", fills {look['fills']:,} ({look['fills_maker']:,} maker), refused {look['refused']:,}"
        "\n  event to command: "
    )
    text.append_text(Text.from_markup(shown))
    return text


def _holdings(look: dict[str, Any]) -> RenderableType:
    table = table_of(
        "Positions",
        *(("instrument", "left"), ("position", "right"), ("entry", "right"), ("trade", "left")),
        *(("protected", "left"),),
    )
    for one in look["instruments"]:
        protected = {None: "-", True: "yes", False: "[bold red]no[/]"}[one["protected"]]
        table.add_row(
            one["instrument"], one["position"], one["entry"] or "-", one["trade"] or "-", protected
        )
    return table


def _working(look: dict[str, Any]) -> RenderableType:
    table = table_of(
        "Working orders",
        *(("order", "right"), ("instrument", "left"), ("for", "left"), ("side", "left")),
        *(("left", "right"), ("at", "right"), ("state", "left")),
    )
    for one in look["working"]:
        table.add_row(
            str(one["order"]),
            *(one["instrument"], one["leg"] or "-", one["side"], one["left"], one["price"] or "-"),
            one["state"],
            style=_BUY if one["side"] == "buy" else _SELL,
        )
    return table


def _signals(look: dict[str, Any]) -> RenderableType:
    table = table_of("Signals", *(("known (UTC)", "left"), ("kind", "left"), ("argues", "left")))
    for one in look["signals"]:
        argues = {1: "up", -1: "down"}.get(one["direction"], "-")
        table.add_row(moment_text(one["known_ns"])[11:], one["kind"], argues)
    return table


def _data(look: dict[str, Any]) -> RenderableType:
    table = table_of(
        "Data",
        *(("venue", "left"), ("links", "left"), ("books", "left"), ("lag", "right")),
        *(("clock", "right"), ("gaps", "right"), ("lost", "right"), ("odd", "right")),
    )
    for one in look["data"]:
        lag, offset = one["lag_ms"], one["clock_offset_ms"]
        table.add_row(
            one["venue"],
            ", ".join(one["links"]),
            "known" if one["aligned"] else "not known",
            NOT_KNOWN if lag is None else f"{lag:.1f} ms",
            NOT_KNOWN if offset is None else f"{offset:+.1f} ms",
            *(str(one[name]) for name in ("gaps", "losses", "bad_messages")),
        )
    return table


def show_paper(result: dict[str, Any]) -> None:
    """Print where an account stands at the end of a run."""
    console = wide_console()
    console.print(paper_screen(result))
    console.print(f"  ended: {result['ended']}")
    console.print(f"  journal {result['journal']}, run {result['run']}, digest {result['digest']}")


def show_halt(result: dict[str, Any]) -> None:
    """Print what was asked of the kill switch."""
    done = "done" if result["done"] else "not done yet: no process trades; the next begins with it"
    wide_console().print(f"  kill switch: {result['level']} ({result['reason']}); {done}")


def show_watchdog(result: dict[str, Any]) -> None:
    """Print what a watchdog did."""
    console = wide_console()
    console.print(f"  watched process {result['runner']}: {result['why']}")
    if result["level"]:
        flat = {True: "flat", False: "[bold red]NOT flat[/]", None: "positions left"}
        console.print(
            f"  acted at level {result['level']}: {result.get('cancelled', 0)} entries cancelled, "
            f"{flat[result.get('flat')]}, in {result['seconds']:.2f} s"
        )


def show_limits(result: dict[str, Any]) -> None:
    """Print what a file of limits means."""
    console = wide_console()
    for name, values in result.items():
        table = table_of(name, ("limit", "left"), ("value", "right"))
        for key, value in values.items():
            table.add_row(key, str(value))
        console.print(table)


def show_parity(result: dict[str, Any]) -> None:
    """Print whether a replay did the same."""
    console = wide_console()
    covered = "all of" if result["complete"] else "a part of"
    console.print(
        f"  run {result['run']}: {result['events']:,} events replayed, {covered} the run; "
        f"{result['commands']:,} commands sent, {result['commands_replayed']:,} replayed"
    )
    if result["same"]:
        console.print("  every command is the same, byte for byte")
        return
    first = result["first_difference"]
    console.print(f"  the first that differs is number {first['number']}:")
    table = table_of("", ("field", "left"), ("sent", "right"), ("replayed", "right"))
    sent, replayed = first["sent"] or {}, first["replayed"] or {}
    for name in sent or replayed:
        mine, other = str(sent.get(name, "-")), str(replayed.get(name, "-"))
        table.add_row(name, mine, other, style="" if mine == other else "bold red")
    console.print(table)
