"""All figures in one run: ours, the references beside them, the ratios, the targets.

    sh bench/run.sh [--out FILE.jsonl] [--large] [--only PART ...]

Each part is a process of its own that prints JSON lines; a part that fails is named and the others
go on. `--large` adds 10 M level updates (12.6 M events; about 4 GB of memory). Environment:

    AGGRESSOR_PEERS            folder with gen.py and peers/; absent: only the import is measured
    AGGRESSOR_RECORDINGS       folder with binance-usdm/btcusdt_20240808.gz; absent: left out
    AGGRESSOR_BENCH_PEER       python of an environment with hftbacktest; absent: left out
    AGGRESSOR_BENCH_FREQTRADE  python of an environment with freqtrade; absent: left out
    AGGRESSOR_BENCH_FEEDS      python of an environment with ccxt, cryptofeed and nautilus_trader
    AGGRESSOR_BENCH_SCRATCH    scratch folder; AGGRESSOR_BENCH_REPEATS: repeats, default 7
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import REPEATS
from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).parent
_CAPTURE = "binance-usdm/btcusdt_20240808.gz"
Line = dict[str, Any]


def lines_of(command: list[str | Path], **environment: str) -> Iterator[Line]:
    """Run a part and yield its lines as they come; say on standard error when it fails."""
    with subprocess.Popen(
        [str(one) for one in command],
        stdout=subprocess.PIPE,
        env=os.environ | environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)
    if process.returncode != 0:
        print(f"bench: {command[1]} failed with {process.returncode}", file=sys.stderr)


def ours(part: str, *arguments: str | Path) -> Iterator[Line]:
    """Run one of our parts."""
    return lines_of([sys.executable, _HERE / part, *arguments])


def maker_figures(peers: Path, peer_python: str, updates: int) -> Iterator[Line]:
    """Yield the market maker beside the C floor and beside hftbacktest, per queue model."""
    queues = {"power:2": "power_prob_queue_model2", "risk-averse": "risk_adverse_queue_model"}
    for one in ours("market_maker.py", peers, str(updates), str(REPEATS)):
        what = f"market maker, {one['queue']}, {one['events']:,} events"
        line = {
            "what": what,
            "unit": "ns/event",
            "ours": one["ns_per_event"],
            "reference": "C two-book maker",
            "reference_value": one["floor_ns"],
            "ratio": one["x_floor"],
            "target": 40,
            "count": one["events"],
            "filled": one["filled"],
            "reference_filled": one["floor_filled"],
        }
        yield line
        if not peer_python or updates > 1_000_000:
            continue
        case = f"hft-roi-{queues[one['queue']]}"
        command = [peer_python, peers / "peers" / "p_bt.py", case, str(updates)]
        for peer in lines_of(command, PEERS_REPEATS=str(REPEATS)):
            if peer["peer"].endswith("market maker"):
                yield {
                    **line,
                    "what": f"{what}: in floors",
                    "unit": "x C floor",
                    "ours": one["x_floor"],
                    "reference": "hftbacktest ROI",
                    "reference_value": peer["x_floor"],
                    "ratio": round(one["x_floor"] / peer["x_floor"], 2),
                    "target": None,
                    "reference_ns": peer["ns_per"],
                    "reference_filled": peer.get("result"),
                }


def footprint_figures(peers: Path, freqtrade_python: str) -> Iterator[Line]:
    """Yield the footprint with all studies beside DuckDB and Polars, and beside freqtrade."""
    ours_ns: list[float] = []
    for line in ours("footprints.py", "1000000"):
        if "rows of 1 USD" in line["what"]:
            ours_ns.append(line["ours"])
        yield line
    if not (freqtrade_python and ours_ns):
        return
    command = [freqtrade_python, peers / "peers" / "p_foot.py", "freqtrade", "1000000", "10"]
    for peer in lines_of(command, PEERS_REPEATS="1"):
        yield {
            "what": "footprint, rows of 1 USD, 1,000,000 trades: against freqtrade",
            "unit": "ns/trade",
            "ours": min(ours_ns),
            "reference": "freqtrade, its studies",
            "reference_value": peer["ns_per"],
            "ratio": round(min(ours_ns) / peer["ns_per"], 4),
            "target": 15,
            "count": 1_000_000,
            "agrees": {"delta": peer["matches_floor"]},
        }


def feed_figures(peers: Path, feeds_python: str, captures: list[Path]) -> Iterator[Line]:
    """Yield wire -> book -> best, and the same of other feeds' clients, in C floors of their run.

    Their handlers are driven without a socket, as ours is; the figures of theirs are of their own
    processes, one after the other, right behind ours.
    """
    mine: dict[str, float] = {}
    for line in ours("wire.py", *captures):
        name = "real" if "real capture" in line["what"] else "50"
        if line.get("ratio") and "wall" not in line["unit"]:
            mine[name] = line["ratio"]
        yield line
    if not feeds_python:
        return
    environment = {"PEERS_REPEATS": "3"} | ({"PEERS_REAL": str(captures[0])} if captures else {})
    for levels, ratio in mine.items():
        for client in ("ccxt", "cryptofeed", "nautilus"):
            command = [feeds_python, peers / "peers" / "p_wire.py", client, levels]
            for peer in lines_of(command, **environment):
                if not peer["measure"].endswith("+ book") or "no read" in peer["peer"]:
                    continue
                yield {
                    "what": f"wire to best, {levels if levels == 'real' else levels + ' levels'}",
                    "unit": "x C floor",
                    "ours": ratio,
                    "reference": peer["peer"],
                    "reference_value": peer["x_floor"],
                    "ratio": round(ratio / peer["x_floor"], 4),
                    "reference_us": round(peer["ns_per"] / 1e3, 1),
                }


def peer_start(peers: Path, peer_python: str) -> Iterator[Line]:
    """Yield what a fresh process of hftbacktest needs before its first result, on 40 rows."""
    begin = time.perf_counter()
    subprocess.run(
        [peer_python, peers / "peers" / "start_hft.py", "nocache"], check=True, capture_output=True
    )
    yield {
        "what": "hftbacktest, fresh process, first run on 40 rows",
        "unit": "s wall",
        "ours": None,
        "reference": "hftbacktest",
        "reference_value": round(time.perf_counter() - begin, 2),
    }


def generate(peers: Path, sizes: list[int]) -> None:
    """Generate what is missing of the peers' data."""
    folder = Path(os.environ["PEERS_DATA"])
    missing = [n for n in sizes if not (folder / f"book_{n}_ts.npy").is_file()]
    trades = [] if (folder / "trades_1000000_ts.npy").is_file() else [1_000_000]
    if not missing and not trades:
        return
    print("bench: generating the data (once)", file=sys.stderr)
    command: list[str | Path] = [sys.executable, peers / "gen.py", "--out", folder, "--updates"]
    command += [*(str(n) for n in missing), "--trades", *(str(n) for n in trades)]
    subprocess.run([str(one) for one in command], check=True, stdout=subprocess.DEVNULL)


def figures(parts: set[str], large: bool) -> Iterator[Line]:
    """Yield every figure that can be measured here."""
    peers = Path(os.environ.get("AGGRESSOR_PEERS", ""))
    capture = Path(os.environ.get("AGGRESSOR_RECORDINGS", "")) / _CAPTURE
    captures = [capture] if capture.is_file() else []
    if not captures:
        print(f"bench: no capture at {capture}: import and real messages left out", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=os.environ["AGGRESSOR_BENCH_SCRATCH"]) as scratch:
        if not (peers / "gen.py").is_file():
            print(
                f"bench: no peers' bench at {peers}: set AGGRESSOR_PEERS to a folder with gen.py "
                "and peers/; without it there is no market to measure against",
                file=sys.stderr,
            )
            if captures and "whole" in parts:
                yield from ours("whole.py", scratch, *captures)
            return
        sizes = [1_000_000, 10_000_000] if large else [1_000_000]
        generate(peers, sizes)
        updates = [str(n) for n in sizes]
        peer_python = os.environ.get("AGGRESSOR_BENCH_PEER", "")
        if "market" in parts:
            yield from ours("market.py", *updates)
        if "footprints" in parts:
            freqtrade_python = os.environ.get("AGGRESSOR_BENCH_FREQTRADE", "")
            yield from footprint_figures(peers, freqtrade_python)
        if "maker" in parts:
            for n in sizes:
                yield from maker_figures(peers, peer_python, n)
        if "wire" in parts:
            feeds_python = os.environ.get("AGGRESSOR_BENCH_FEEDS", "")
            yield from feed_figures(peers, feeds_python, captures)
        if "parts" in parts:
            for n in updates:
                yield from ours("parts.py", scratch, n)
        if "whole" in parts:
            yield from ours("whole.py", scratch, *captures, *updates)
            if peer_python:
                yield from peer_start(peers, peer_python)


def show(lines: list[Line]) -> None:
    """Print the table."""
    table = Table(title=f"median of {REPEATS}, CPU time unless said otherwise")
    table.add_column("what", overflow="fold")
    for name in ("ours", "unit", "reference", "value", "ratio", "target"):
        table.add_column(name, justify="left" if name in {"unit", "reference"} else "right")
    for line in lines:
        table.add_row(
            line["what"],
            *(
                "" if (value := line.get(name)) is None else str(value)
                for name in ("ours", "unit", "reference", "reference_value", "ratio", "target")
            ),
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main() -> None:
    parts = ("market", "footprints", "maker", "wire", "parts", "whole")
    arguments = argparse.ArgumentParser(description="Measure everything, print one table.")
    arguments.add_argument("--out", type=Path, help="append the figures as JSON lines")
    arguments.add_argument("--large", action="store_true", help="also 10 M level updates")
    arguments.add_argument("--only", nargs="+", choices=parts, default=parts)
    chosen = arguments.parse_args()
    lines: list[Line] = []
    for line in figures(set(chosen.only), chosen.large):
        lines.append(line)
        print(f"bench: {line['what']}: {line.get('ours')}", file=sys.stderr)
        if chosen.out:
            with chosen.out.open("a") as file:
                file.write(json.dumps(line) + "\n")
    if lines:
        show(lines)


if __name__ == "__main__":
    main()
