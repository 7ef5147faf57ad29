"""Live markets as people see them in a terminal: the screen of `watch`, of `record`, the doctor.

Each function takes the document that `--json` would print. What is not known says so and why.
"""

from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.text import Text

from aggressor.reports.console import NOT_KNOWN, signed, table_of, wide_console
from aggressor.reports.moments import moment_text

_BID, _ASK = "deep_sky_blue1", "orange1"
_STATES = {"good": "green", "warning": "yellow", "bad": "red", "not known": "dim"}
_ORDERS_SHOWN = 14
_SIGNALS_SHOWN = 8


def watch_screen(look: dict[str, Any]) -> RenderableType:
    """Return one look at a live market."""
    parts: list[RenderableType] = [_watch_head(look)]
    parts.append(Columns([_ladder(look), _tape(look)], padding=(0, 4)))
    parts.append(_signals(look))
    return Group(*parts)


def _watch_head(look: dict[str, Any]) -> Text:
    text = Text()
    text.append(f"{look['instrument']}  ", "bold")
    text.append("nothing received yet" if look["now_ns"] is None else moment_text(look["now_ns"]))
    text.append(f"  {', '.join(look['links'])}")
    if not look["valid"]:
        why = ", ".join(look["faults"]) or "waits for a snapshot"
        text.append(f"  book not known: {why}", "yellow")
    for name, unit in (("spread_ticks", "ticks"), ("lag_ms", "ms"), ("clock_offset_ms", "ms")):
        value = look[name]
        shown = NOT_KNOWN if value is None else f"{value:.6g} {unit}"
        text.append(f"\n  {name.rpartition('_')[0].replace('_', ' ')}: {shown}")
    delta = look["delta_1m"]
    text.append("\n  delta of one minute: ")
    text.append_text(Text.from_markup(NOT_KNOWN if delta is None else signed(delta)))
    volume = look["volume_1m"]
    text.append(f" of {NOT_KNOWN if volume is None else volume} traded")
    text.append(
        f"\n  messages {look['messages']:,}, rows {look['events']:,}, gaps {look['gaps']}, "
        f"lost connections {look['losses']}, not understood {look['bad_messages']}"
    )
    return text


def _ladder(look: dict[str, Any]) -> RenderableType:
    columns = ("price", "lots", "added", "pulled", "traded")
    table = table_of("Book", *((name, "right") for name in columns))
    if not look["valid"]:
        table.title = "Book: not known"
        return table
    for style, rows in ((_ASK, reversed(look["asks"])), (_BID, look["bids"])):
        for row in rows:
            table.add_row(*(row[name] for name in columns), style=style)
    return table


def _tape(look: dict[str, Any]) -> RenderableType:
    table = table_of(
        "Taker orders",
        *(("venue time", "left"), ("size", "right"), ("at", "right"), ("", "left")),
    )
    for one in look["orders"][-_ORDERS_SHOWN:]:
        style = _BID if one["side"] > 0 else _ASK if one["side"] < 0 else ""
        strong = "bold " if one["class"] in ("large", "huge") else ""
        marks = "sweep" if one["sweep"] else ""
        when = moment_text(one["venue_ns"])[11:]
        table.add_row(when, one["size"], one["last"], marks, style=f"{strong}{style}".strip())
    return table


def _signals(look: dict[str, Any]) -> RenderableType:
    title = f"Signals ({look['near_misses']} near-misses)"
    table = table_of(
        title,
        *(("known (UTC)", "left"), ("kind", "left"), ("argues", "left"), ("zone", "left")),
        *(("score", "right"), ("firm", "left")),
    )
    for one in look["signals"][-_SIGNALS_SHOWN:]:
        argues = {1: "up", -1: "down"}.get(one["direction"], "-")
        zone = f"{one['low'] or '-'} - {one['high'] or '-'}"
        firm = "provisional" if one["provisional"] else "firm"
        known = moment_text(one["known_ns"])[11:]
        table.add_row(known, one["kind"], argues, zone, f"{one['score']:.2f}", firm)
    return table


def record_screen(rows: list[dict[str, Any]]) -> RenderableType:
    """Return what comes for each instrument."""
    table = table_of(
        "Recording",
        *(("instrument", "left"), ("rows", "right"), ("a second", "right"), ("trades", "right")),
        *(("levels", "right"), ("gaps", "right"), ("lag", "right"), ("clock", "right")),
        *(("book", "left"), ("lost", "right"), ("odd", "right")),
    )
    for one in rows:
        kinds, offset = one["by_kind"], one["clock_offset_ms"]
        table.add_row(
            one["instrument"],
            f"{one['rows']:,}",
            f"{one['rows_per_second']:,.0f}",
            f"{kinds.get('trade', 0):,}",
            f"{kinds.get('level', 0):,}",
            str(one["gaps"]),
            f"{one['lag_ms']:.1f} ms",
            NOT_KNOWN if offset is None else f"{offset:+.1f} ms",
            "known" if one["aligned"] else "not known",
            str(one["losses"]),
            str(one["bad_messages"]),
        )
    return table


def show_watch(result: dict[str, Any]) -> None:
    """Print the last look."""
    wide_console().print(watch_screen(result))


def show_record(result: dict[str, Any]) -> None:
    """Print what was recorded and what became of its segments."""
    console = wide_console()
    console.print(record_screen(result["instruments"]))
    if result["dropped_rows"]:
        console.print(f"  {result['dropped_rows']:,} rows were dropped: nobody took them in time")
    show_compaction({"segments": result["compacted"]})
    console.print(f"  the store is {result['store']}")


def show_compaction(result: dict[str, Any]) -> None:
    """Print what became of each segment."""
    console = wide_console()
    for one in result["segments"]:
        note = one.get("note") or one.get("damage") or ""
        skipped = f", {one['skipped']}" if one.get("skipped") else ""
        console.print(
            f"  {one['segment']}: {one['messages']:,} messages, {one['rows']:,} rows{skipped}"
            + (f" ({note})" if note else "")
        )


def show_doctor(result: dict[str, Any]) -> None:
    """Print every finding, and how to mend it."""
    console = wide_console()
    table = table_of(
        "Doctor",
        *(("venue", "left"), ("what", "left"), ("state", "left"), ("found", "left")),
    )
    for one in result["checks"]:
        state = f"[{_STATES[one['state']]}]{one['state']}[/]"
        table.add_row(one["venue"] or "-", one["what"], state, one["found"])
    console.print(table)
    for one in result["checks"]:
        if one["mend"]:
            console.print(f"  {one['venue'] or '-'}, {one['what']}: {one['mend']}")
