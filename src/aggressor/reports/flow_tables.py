"""Signals, taker orders, profile, book and context as tables for people.

Each function takes the document that `--json` would print, as those of `tables` do.
"""

from collections import Counter
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape

from aggressor.reports.console import NOT_KNOWN, signed, table_of, wide_console
from aggressor.reports.moments import moment_text

SHOWN = 60
EVIDENCE_SHOWN = 4
PROFILE_ROWS = 60
_BAR = 24
_SIDES = {1: "[deep_sky_blue1]bid / buyers[/]", -1: "[orange1]ask / sellers[/]", 0: "-"}
_ARGUES = {1: "[deep_sky_blue1]up[/]", -1: "[orange1]down[/]", 0: "-"}
_TAKERS = {1: "[deep_sky_blue1]buy[/]", -1: "[orange1]sell[/]", 0: NOT_KNOWN}


def show_signals(result: dict[str, Any]) -> None:
    """Print the last signals with the head of their evidence, near-misses, and counts."""
    console = wide_console()
    _show_signal_rows(console, f"Signals of {result['instrument']}", result["signals"])
    if result["near_misses"]:
        _show_signal_rows(console, "Near-misses", result["near_misses"])
        failed = Counter(f"{one['kind']}: {one['failed']}" for one in result["near_misses"])
        _show_counts(console, "Near-misses by failed condition", failed)
    _show_counts(console, "Signals", Counter(one["kind"] for one in result["signals"]))


def _show_signal_rows(console: Console, title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        console.print(f"{title}: none")
        return
    missed = "failed" in rows[0]
    last = ("failed", "left") if missed else ("evidence", "left")
    table = table_of(
        title,
        *(("known (UTC)", "left"), ("kind", "left"), ("about", "left"), ("argues", "left")),
        *(("zone", "left"), ("score", "right"), ("firm", "left"), last),
    )
    for one in rows[-SHOWN:]:
        zone = _zone(one["low"], one["high"])
        table.add_row(
            moment_text(one["known_ns"])[5:],
            one["kind"],
            _SIDES[one["side"]],
            _ARGUES[one["direction"]],
            zone,
            f"{one['score']:.2f}",
            "provisional" if one["provisional"] else "firm",
            one["failed"] if missed else _evidence(one["evidence"]),
        )
    console.print(table)
    if len(rows) > SHOWN:
        console.print(
            f"  the last {SHOWN} of {len(rows)}; --json has all of them, and all evidence"
        )


def _zone(low: str | None, high: str | None) -> str:
    if low is None or high is None:
        return "-"
    return low if low == high else f"{low} - {high}"


def _evidence(evidence: dict[str, float]) -> str:
    """Return the first pieces of evidence that are not zero."""
    told = [(name, value) for name, value in evidence.items() if value]
    text = ", ".join(f"{name} {value:.6g}" for name, value in told[:EVIDENCE_SHOWN])
    return text + (", ..." if len(told) > EVIDENCE_SHOWN else "")


def show_tape(result: dict[str, Any]) -> None:
    """Print taker orders, newest last."""
    console = wide_console()
    orders = result["orders"]
    if not orders:
        console.print(f"{result['instrument']}: no taker orders of that size")
        return
    table = table_of(
        f"Taker orders of {result['instrument']}",
        *(("venue time (UTC)", "left"), ("side", "left"), ("size", "right"), ("class", "left")),
        *(("from", "right"), ("to", "right"), ("levels", "right"), ("prints", "right")),
        ("", "left"),
    )
    for one in orders:
        marks = [name for name in ("sweep", "batched", "rpi") if one[name]]
        strong = "bold" if one["class"] in ("large", "huge") else ""
        table.add_row(
            moment_text(one["venue_ns"]),
            _TAKERS[one["side"]],
            one["size"],
            one["class"],
            one["first"],
            one["last"],
            str(one["levels"]),
            str(one["prints"]),
            ", ".join(marks),
            style=strong,
        )
    console.print(table)
    console.print(f"  {len(orders)} of {result['matching']}, {result['large']} large or huge")


def show_profile(result: dict[str, Any]) -> None:
    """Print the rows of a profile, highest price first, with value area and nodes."""
    console = wide_console()
    if not result["rows"]:
        console.print(f"{result['instrument']}: nothing traded in that span")
        return
    rows = sorted(result["rows"], key=lambda row: Decimal(row["price"]), reverse=True)
    largest = max(_volume(row) for row in rows)
    table = table_of(
        f"Profile of {result['instrument']}, {moment_text(result['from_ns'])[:16]} to "
        f"{moment_text(result['to_ns'])[:16]}, {result['volume']} traded",
        *(("price", "right"), ("sold", "right"), ("bought", "right"), ("delta", "right")),
        *(("volume", "left"), ("", "left")),
    )
    for row in _around(rows, result["poc"]):
        share = float(_volume(row) / largest)
        table.add_row(
            row["price"],
            row["sold"],
            row["bought"],
            signed(str(Decimal(row["bought"]) - Decimal(row["sold"]))),
            "▇" * max(1, round(_BAR * share)),
            ", ".join(_marks(row, result)),
        )
    console.print(table)
    console.print(
        f"  point of control {result['poc']}, value area {result['val']} - {result['vah']}, "
        f"delta {result['delta']}, rows of {result['row_ticks']} ticks"
    )
    for node in result["nodes"]:
        console.print(f"  {node['kind']} {_zone(node['low'], node['high'])}")
    if len(rows) > PROFILE_ROWS:
        console.print(f"  {PROFILE_ROWS} of {len(rows)} rows, around the point of control")


def _volume(row: dict[str, Any]) -> Decimal:
    return Decimal(row["sold"]) + Decimal(row["bought"]) + Decimal(row["unknown"])


def _around(rows: list[dict[str, Any]], poc: str) -> list[dict[str, Any]]:
    centre = next(i for i, row in enumerate(rows) if row["price"] == poc)
    first = max(0, min(centre - PROFILE_ROWS // 2, len(rows) - PROFILE_ROWS))
    return rows[first : first + PROFILE_ROWS]


def _marks(row: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Return what a row is: point of control, edge of the value area, node."""
    price = Decimal(row["price"])
    marks = [name.upper() for name in ("poc", "vah", "val") if row["price"] == result[name]]
    for node in result["nodes"]:
        if Decimal(node["low"]) <= price <= Decimal(node["high"]):
            marks.append(node["kind"])
    return marks


def show_book(result: dict[str, Any]) -> None:
    """Print both sides of a book as one ladder, asks above bids, with the ledger of each level."""
    console = wide_console()
    state = "valid" if result["valid"] else "NOT VALID: " + ", ".join(result["faults"] or ["?"])
    table = table_of(
        f"Book of {result['instrument']} at {moment_text(result['at_ns'])}, {state}",
        *(("side", "left"), ("price", "right"), ("size", "right"), ("added", "right")),
        *(("pulled", "right"), ("not final", "right"), ("traded", "right"), ("hidden", "right")),
        *(("refilled", "right"), ("peak", "right"), ("age", "right")),
    )
    sides = (("ask", reversed(result["asks"])), ("bid", result["bids"]))
    for number, (side, levels) in enumerate(sides):
        if number:
            table.add_section()
        for row in levels:
            colour = "deep_sky_blue1" if side == "bid" else "orange1"
            names = ("size", "added", "pulled", "provisional", "traded", "hidden", "refilled")
            table.add_row(
                f"[{colour}]{side}[/]",
                row["price"],
                *(row[name] for name in names),
                row["peak"],
                f"{row['age_seconds']:,.1f} s",
            )
    console.print(table)
    levels = result["levels"]
    console.print(f"  {levels['bid']:,} levels on the bid, {levels['ask']:,} on the ask")
    if result["quoted"]:
        console.print(f"  a newer quote says {result['bid']} / {result['ask']}")


def show_context(result: dict[str, Any]) -> None:
    """Print what is known of the surroundings; what is not says why."""
    table = table_of(
        f"Context of {result['instrument']} at {moment_text(result['at_ns'])}",
        *(("", "left"), ("what", "left"), ("value", "right"), ("age", "right"), ("why", "left")),
    )
    before = ""
    for one in result["context"]:
        known = one["value"] is not None
        text = f"{one['value']} {_unit(one['unit'])}".strip() if known else NOT_KNOWN
        age = one["age_seconds"]
        notes = (["young baseline"] if known and one["young"] else []) + [one["why"]]
        table.add_row(
            one["topic"] if one["topic"] != before else "",
            one["name"],
            escape(text),
            "" if age is None else f"{age:,.1f} s",
            ", ".join(note for note in notes if note),
        )
        before = one["topic"]
    wide_console().print(table)


def show_composite(result: dict[str, Any]) -> None:
    """Print the composite book and tape, each venue's part or why it has none, and who leads."""
    console, base, book = wide_console(), result["base"], result["book"]
    mid = NOT_KNOWN if book["mid"] is None else f"{book['mid']:,.2f}"
    console.print(
        f"[bold]{base} on {len(result['venues'])} venues[/] at {moment_text(result['at_ns'])}: "
        f"mid {mid}, within {book['reach_bp']:g} bp {book['bid_base']:,.3f} bid and "
        f"{book['ask_base']:,.3f} {base} ask; CVD {result['tape']['cvd']:+,.3f} {base}"
    )
    venues = table_of(
        "Venues",
        *(("", "left"), ("state", "left"), ("live", "right"), ("mid", "right"), ("basis", "right")),
        *(("away bp", "right"), ("bid", "right"), ("ask", "right"), ("why", "left")),
    )
    for one in result["venues"]:
        share = one["live_share"]
        venues.add_row(
            one["instrument"],
            "live" if one["live"] else "[orange1]left out[/]",
            NOT_KNOWN if share is None else f"{share:.1%}",
            *(_rounded(one[name], 2) for name in ("mid", "basis", "deviation_bp")),
            *(_rounded(one[name], 3) for name in ("bid_base", "ask_base")),
            ", ".join(one["why"]),
        )
    console.print(venues)
    leads = table_of(
        "Who moves first (by the venues' clocks)",
        *(("a", "left"), ("b", "left"), ("leader", "left"), ("peak", "right"), ("rho", "right")),
        *(("ratio", "right"), ("clocks agree to", "right"), ("changes", "right"), ("why", "left")),
    )
    for one in result["lead_lag"]:
        bound = one["clock_bound_ms"]
        leads.add_row(
            one["a"],
            one["b"],
            one["leader"] or "not shown",
            f"{one['peak_ms']:+g} ms",
            _rounded(one["rho"], 3),
            _rounded(one["ratio"], 2),
            NOT_KNOWN if bound is None else f"{bound:.1f} ms",
            " / ".join(f"{count:,}" for count in one["changes"]),
            one["why"],
        )
    console.print(leads)
    for note in result["notes"]:
        console.print(note, style="dim")


def _rounded(value: float | None, digits: int) -> str:
    return NOT_KNOWN if value is None else f"{value:,.{digits}f}"


def _unit(unit: str) -> str:
    return "" if unit in ("price", "size") else unit


def _show_counts(console: Console, title: str, counts: Counter[str]) -> None:
    if counts:
        text = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        console.print(f"  {title}: {text}", highlight=False)
