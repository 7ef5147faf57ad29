"""Results as tables for people; each function takes the document that `--json` would print.

A result that is not shown is written "not shown", what is not known is "not known"; no figure is
invented for a screen. Wide numbers are kept whole: these are read by people who check them.
"""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from aggressor.reports.console import NOT_KNOWN, signed, table_of, wide_console
from aggressor.reports.cost_tables import show_costs
from aggressor.reports.moments import moment_text
from aggressor.reports.run_tables import sweep_table
from aggressor.reports.strategy_tables import show_judgement

BARS_SHOWN = 60
SHOWN = 16  # of counts in a line of text
LADDER_ROWS = 24
BARS_WIDTH = 150
RUNNING = {"min_delta": "min", "max_delta": "max", "cvd": "CVD"}


def show_import(result: dict[str, Any]) -> None:
    """Print what an import brought in, per instrument, and what was wrong with the files."""
    console = wide_console()
    table = table_of(
        "Imported",
        ("instrument", "left"),
        *(("events", "right"), ("trades", "right"), ("level changes", "right"), ("gaps", "right")),
        *(("crossed", "right"), ("quote checks", "right"), ("tick / lot", "left")),
        *(("first", "left"), ("clock offset", "right")),
    )
    for one in result["instruments"]:
        table.add_row(
            one["instrument"],
            f"{one['events']:,}",
            f"{one['trades']:,}",
            f"{one['level_changes']:,}",
            str(one["gaps"]),
            str(one["crossed"]),
            f"{one['quote_agreements']:,} of {one['quote_checks']:,} agree",
            f"{one['tick']} / {one['lot']}" + (" inferred" if one["inferred"] else ""),
            moment_text(one["first_ts_ns"]),
            _offset(one["clock_offset_ms"]),
        )
    console.print(table)
    for one in result.get("files", ()):
        for line in _file_troubles(one):
            console.print(f"  {one['file']}: {line}", style="yellow", highlight=False)


def _file_troubles(one: dict[str, Any]) -> list[str]:
    found = []
    if one.get("note"):
        found.append(one["note"])
    if one.get("already_held"):
        found.append("already in the store; nothing was changed")
    if one.get("damage"):
        found.append(str(one["damage"]))
    if one.get("skipped"):
        found.append(f"lines skipped: {one['skipped']}")
    found.extend(str(example) for example in one.get("examples", ()))
    return found


def show_export(result: dict[str, Any]) -> None:
    """Print what an export wrote, what it left out, and whether receive times were moved."""
    console = wide_console()
    console.print(
        f"{result['instrument']}: {result['events']:,} events as {result['rows']:,} rows of "
        f"{result['format']} in {result['file']} (tick {result['tick_size']}, lot "
        f"{result['lot_size']})",
        highlight=False,
    )
    if result["left_out"]:
        kinds = ", ".join(f"{count:,} {name}" for name, count in result["left_out"].items())
        console.print(f"  left out, the format has no place for them: {kinds}", highlight=False)
    if result["local_ts_shift_ns"]:
        console.print(
            f"  local_ts is {result['local_ts_shift_ns'] / 1e6:.3f} ms later than the receive "
            "times in the store: the recorder's clock was behind the venue's",
            highlight=False,
        )


def show_inspection(result: dict[str, Any]) -> None:
    """Print coverage, gaps and quality per instrument and day."""
    table = table_of(
        f"Store {result['store']}",
        *(("instrument", "left"), ("day", "left"), ("quality", "left"), ("covered", "right")),
        *(("book known", "right"), ("events", "right"), ("trades", "right"), ("gaps", "right")),
        *(("quote checks", "right"), ("clock offset", "right"), ("size", "right")),
    )
    for instrument in result["instruments"]:
        for day in instrument["days"]:
            table.add_row(
                instrument["instrument"],
                day["day"],
                day["quality"],
                f"{100 * day['covered']:.2f} %",
                f"{100 * day['book_known']:.2f} %",
                f"{day['events']:,}",
                f"{day['trades']:,}",
                f"{day['gaps']} + {day['trade_gaps']} of trades",
                f"{day['quote_agreements']:,} / {day['quote_checks']:,}",
                _offset(day["clock_offset_ms"]),
                f"{day['size_bytes'] / 1e6:.1f} MB",
            )
    wide_console().print(table)


def show_footprint(result: dict[str, Any]) -> None:
    """Print one row per bar, and the cells of the last whole one."""
    console = wide_console()
    bars = result["bars"]
    _show_bars(console, bars[-BARS_SHOWN:], f"{result['instrument']}, {len(bars)} bars")
    if len(bars) > BARS_SHOWN:
        console.print(f"  the last {BARS_SHOWN} of {len(bars)} bars; --json has all of them")
    traded = [bar for bar in bars if bar["cells"]]
    if traded:
        _show_ladder(console, traded[-1])


def _show_bars(console: Console, bars: list[dict[str, Any]], title: str) -> None:
    """Print one row per bar; a narrow terminal gets fewer columns, never half a number."""
    if not bars:
        console.print(f"{title}: no bars")
        return
    wide = console.width >= BARS_WIDTH
    same_day = len({moment_text(bar["open_ns"])[:10] for bar in bars}) == 1
    first = 11 if same_day else 0
    if same_day:
        title += f", {moment_text(bars[0]['open_ns'])[:10]}"
    names = ("open", "high", "low", "close", "volume") if wide else ("close", "volume")
    running = ("min_delta", "max_delta", "cvd") if wide else ("cvd",)
    columns = [("UTC", "left"), *((name, "right") for name in names), ("delta", "right")]
    columns += [(RUNNING[name], "right") for name in running]
    columns += [("trades", "right"), ("POC", "right")]
    if wide:
        columns += [("value area", "left"), ("VWAP", "right")]
    table = table_of(title, *columns, ("quality", "left"))
    for bar in bars:
        area = [] if not wide else [_area(bar), _shorter(bar["vwap"])]
        table.add_row(
            moment_text(bar["open_ns"])[first:19],
            *(bar[name] for name in names),
            signed(bar["delta"]),
            *(bar[name] for name in running),
            str(bar["trades"]),
            bar["poc"] or "-",
            *area,
            bar["quality"],
        )
    console.print(table)
    if not wide:
        console.print(f"  more columns in a terminal of {BARS_WIDTH} columns, all with --json")


def _shorter(vwap: str | None) -> str:
    """Return a VWAP rounded to two decimals more than the tick."""
    if vwap is None:
        return "-"
    return str(round(Decimal(vwap), max(0, len(vwap.partition(".")[2]) - 4)))


def _area(bar: dict[str, Any]) -> str:
    return "-" if bar["poc"] is None else f"{bar['val']} - {bar['vah']}"


def _show_ladder(console: Console, bar: dict[str, Any]) -> None:
    """Print the busiest neighbourhood of one bar's cells, sold beside bought."""
    cells = sorted(bar["cells"], key=lambda cell: float(cell["price"]), reverse=True)
    centre = next(i for i, cell in enumerate(cells) if cell["price"] == bar["poc"])
    first = max(0, min(centre - LADDER_ROWS // 2, len(cells) - LADDER_ROWS))
    shown = cells[first : first + LADDER_ROWS]
    largest = max(max(float(cell["sold"]), float(cell["bought"])) for cell in shown) or 1.0
    table = table_of(
        f"Cells of the bar of {moment_text(bar['open_ns'])}",
        *(("", "right"), ("sold", "right"), ("price", "right"), ("bought", "right"), ("", "left")),
    )
    for cell in shown:
        price = cell["price"] + (" POC" if cell["price"] == bar["poc"] else "    ")
        table.add_row(
            "▇" * round(18 * float(cell["sold"]) / largest),
            cell["sold"],
            price,
            cell["bought"],
            "▇" * round(18 * float(cell["bought"]) / largest),
        )
    console.print(table)
    if len(shown) < len(cells):
        console.print(f"  {len(shown)} of {len(cells)} rows, around the point of control")


def show_written(result: dict[str, Any]) -> None:
    """Print which files were written, and what is in them."""
    counts = ", ".join(f"{value:,} {name}" for name, value in result.items() if _counts(value))
    files = [result[name] for name in ("parquet", "picture") if name in result]
    wide_console().print(f"{counts} of {result['instrument']} -> {', '.join(files)}")


def _counts(value: Any) -> bool:
    return isinstance(value, int)


def show_venue(result: dict[str, Any]) -> None:
    """Print where the local venue listens and which key it takes."""
    console = wide_console()
    console.print(f"{result['venue']} on this machine; stop with Ctrl-C")
    for name, label in (
        ("rest", "REST"),
        ("ws", "sockets"),
        ("api_key", "key"),
        ("api_secret", "secret"),
        ("passphrase", "passphrase"),
        ("ca", "trust"),
    ):
        if name in result:
            console.print(f"  {label:<11} {result[name]}")


def show_warm(result: dict[str, Any]) -> None:
    """Print how long compiling took."""
    wide_console().print(f"{result['kernels']} parts compiled in {result['seconds']:.1f} s")


def show_demo(result: dict[str, Any], plain: bool = False) -> None:
    """Print the demo: bars, labels beside what was found, trades and costs."""
    if plain:
        _show_demo_plainly(result)
        return
    console = wide_console()
    console.print(f"Synthetic market {result['instrument']}, seed {result['seed']}", style="bold")
    _show_bars(console, result["bars"][-8:], "The last 8 one-minute bars")
    table = table_of(
        "What was injected, and what was seen",
        *(("scenario", "left"), ("difficulty", "left"), ("from (UTC)", "left"), ("zone", "left")),
        *(("seen", "left"), ("after", "right"), ("score", "right")),
    )
    for one in result["labels"]:
        after = "-" if one["after_seconds"] is None else f"{one['after_seconds']:.1f} s"
        table.add_row(
            one["kind"] + (" up" if one["direction"] > 0 else " down"),
            one["difficulty"],
            moment_text(one["start_ns"])[11:19],
            f"{one['low']} - {one['high']}",
            _seen(one),
            after,
            "-" if one["score"] is None else f"{one['score']:.2f}",
        )
    console.print(table)
    _show_counts(console, "Confirmed signals that meet no label", result["unlabelled"])
    show_backtest(result)


def _seen(one: dict[str, Any]) -> str:
    if not one["found"]:
        return "missed"
    return one["signal"] + (", young baseline" if one["provisional"] else "")


def _show_demo_plainly(result: dict[str, Any]) -> None:
    for kind in sorted({one["kind"] for one in result["labels"]}):
        own = [one for one in result["labels"] if one["kind"] == kind]
        print(f"{kind}: {sum(one['found'] for one in own)} of {len(own)} labels seen")
    print(f"signals that meet no label: {result['unlabelled'] or 'none'}")
    print(
        f"{result['orders']} orders, {result['fills']} fills ({result['fills_maker']} passive), "
        f"{result['trades']} trades, net {result['pnl']} {result['currency']}, "
        f"fees {result['fees']}, digest {result['digest']}"
    )
    print(f"{result['events']} events in {result['seconds']:.2f} s")
    for line in result["caveats"]:
        print(line)


def show_backtest(result: dict[str, Any]) -> None:
    """Print a backtest: what was done, what it cost, and what it rests on."""
    console = wide_console()
    table = table_of(
        f"Backtest of {result['strategy']} on {result['instrument']}", ("", "left"), ("", "right")
    )
    names = ("orders", "fills", "fills_maker", "trades", "refused", "decisions")
    for name in names:
        table.add_row(name.replace("_", " "), f"{result[name]:,}")
    several = result.get("instruments")
    if several:
        for money in result["money"]:
            table.add_row("profit and loss, net", f"{money['pnl']} {money['currency']}")
    else:
        _show_money(table, result)
    table.add_row("events", f"{result['events']:,}")
    table.add_row("time", f"{result['seconds']:.2f} s, {result['events_per_second']:,.0f} events/s")
    table.add_row("digest", result["digest"])
    console.print(table)
    _show_counts(console, "Signals", result["signals"])
    for one in several or [result]:
        if several:
            own = table_of(one["instrument"], ("", "left"), ("", "right"))
            for name in ("orders", "fills", "fills_maker", "trades", "refused"):
                own.add_row(name.replace("_", " "), f"{one[name]:,}")
            _show_money(own, one)
            console.print(own)
        _show_counts(console, f"{one['setups']} setups, refused by", one["refused_by"])
        _show_counts(console, "Gates that would have refused", one["would_refuse"])
        _show_counts(console, "Refusals", one["refusals"])
        _show_trades(console, one["trade_list"], one["currency"])
    if result.get("tca", {}).get("orders"):
        show_costs(console, result["tca"])
    if "latency_sweep" in result:
        console.print(sweep_table(result["latency_sweep"]))
    if "placebo" in result:
        show_judgement(result["placebo"])
    rule = result["parameters"]
    console.print(
        f"  latency {rule['latency_ms']} ms (feed, order, response), queue {rule['queue']}, "
        f"fees {rule['maker_bp']} / {rule['taker_bp']} bp; replayed markets cannot react to us."
    )
    for line in result["caveats"]:
        console.print(f"  {line}", style="yellow", highlight=False)


def _show_money(table: Table, result: dict[str, Any]) -> None:
    table.add_row("profit and loss, net", f"{result['pnl']} {result['currency']}")
    table.add_row("fees", f"{result['fees']} {result['currency']}")
    table.add_row("funding", f"{result['funding']} {result['currency']}")
    slippage = result["slippage_bp"]
    table.add_row(
        "arrival slippage", "not shown: no fills" if slippage is None else f"{slippage:.3f} bp"
    )


def _show_trades(console: Console, trades: list[dict[str, Any]], currency: str) -> None:
    if not trades:
        return
    table = table_of(
        "Trades",
        *(("began (UTC)", "left"), ("side", "left"), ("size", "right"), ("entry", "right")),
        *(("exit", "right"), (f"net {currency}", "right"), ("MAE / MFE", "right")),
        *(("exit reason", "left"), ("gates not passed", "left")),
    )
    for one in trades[-BARS_SHOWN:]:
        table.add_row(
            moment_text(one["began_ns"])[:19],
            one["side"],
            one["size"],
            one["entry"] or "unfilled",
            one["exit"] or "-",
            one["net"],
            f"{one['mae_ticks']:.1f} / {one['mfe_ticks']:.1f}",
            one["exit_reason"],
            ", ".join(one["would_refuse"]) or "-",
        )
    console.print(table)


def _show_counts(console: Console, title: str, counts: dict[str, int]) -> None:
    if counts:
        text = ", ".join(f"{name} {count}" for name, count in list(counts.items())[:SHOWN])
        if len(counts) > SHOWN:
            text += f", and {sum(list(counts.values())[SHOWN:])} of {len(counts) - SHOWN} more"
        console.print(f"  {title}: {text}", highlight=False)


def _offset(milliseconds: float | None) -> str:
    return NOT_KNOWN if milliseconds is None else f"{milliseconds:,.1f} ms"
