"""Parity: a recording over a real socket into paper, then through every other way of running.

    python -m bench.parity STORE [--instrument I]... [--speed 4] [--every 15] [--seconds S]

From the project's root; STORE holds the recording. `aggressor venue --replay` plays it on loopback;
paper trades on it and records what it received. That recording goes through the backtest's compiled
loop, through the paper loop in batches, and one event at a time: the COMMANDs must be the same byte
for byte as those that were sent. (Receive times are those of the loopback: what is held against
each other is one recording, the one that paper made.)

Twice: the strategies of the table as they are, and each with its gates open and set-ups invented on
a clock (every EVERY seconds of receive time, sides in turn), so that there is something to compare
where a recording of minutes admits no trade. Exits with 1 where anything differs.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.execution.intent import Intent
from aggressor.run.accounts.paper import JOURNAL, PaperPlan, paper
from aggressor.run.accounts.parity import assembly_of, parity
from aggressor.run.accounts.rules import AccountTable, PaceTable, Rules, TriggersTable
from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import play
from aggressor.schema.instrument import Instrument
from aggressor.store.journal_reader import JournalReader
from aggressor.store.reader import Store
from aggressor.store.replay import Lasting
from aggressor.strategies import table
from aggressor.strategies.facing import Facing
from aggressor.strategies.gates import Mode
from aggressor.strategies.needs import StrategyView

CLOCKED = "clocked_"
TRIES = 5
FREE = Rules(  # a loaded machine is late, and a strategy that enters by the clock loses
    account=AccountTable(
        day_loss_bp=10_000, drawdown_bp=10_000, losses_in_a_row_max=10**6, stops_max=10**6
    ),
    pace=PaceTable(messages_max=10**6, entries_max=10**6),
    triggers=TriggersTable(
        latency_p99_ms=3_600_000, clock_ms=3_600_000, data_loss_s=3_600, reject_share_bp=10_000
    ),
)
SETTLE_S = 0.2  # of the last commands a backtest may know more: it saw the next event


class Clocked:
    """A strategy of the table whose set-ups come from a clock; no gate is asked."""

    waiting = True

    def __init__(self, strategy: Any, every_ns: int) -> None:
        strategy.deaf = True
        self._strategy = strategy
        self._every_ns = every_ns
        self._turn = -1
        self.code = strategy.code
        self.evidence_by = strategy.evidence_by
        self.count_from = strategy.count_from

    def decide(self, view: StrategyView) -> Sequence[Intent]:
        """Invent a set-up at each turn of the clock; the rest is the strategy's."""
        turn = view.now_ns // self._every_ns
        if turn != self._turn and view.valid and view.trade is None and not view.position:
            self._turn = turn
            facing = Facing(view, 1 if turn % 2 else -1)
            self._strategy.adopt(self._strategy.invent(facing))
        return self._strategy.decide(view)


class KnownClocked(table.Known):
    """The same as a line of the table of strategies."""

    def make(
        self,
        instrument: Instrument,
        lane: int,
        profile: str,
        mode: Mode,
        changes: Mapping[str, Any],
        where: str = "",
    ) -> Any:
        """Return it; `every_s` among the changes."""
        rule = msgspec.structs.replace(self.rules[profile], mode=mode)
        every_ns = round(changes["every_s"] * 1e9)
        return Clocked(self.strategy(instrument, lane, rule), every_ns)


def put_clocks() -> None:
    """Add the clocked strategies to the table of this process."""
    for name, known in list(table.STRATEGIES.items()):
        table.STRATEGIES[CLOCKED + name] = KnownClocked(known.strategy, known.rules)


def run_paper(store: Path, at: str, names: Sequence[str], strategy: str, every: float) -> None:
    """Be the process that trades on paper until it is told to stop."""
    put_clocks()
    rule = {"every_s": every} if strategy.startswith(CLOCKED) else {}
    settings = Settings(strategy=strategy, equity=1e6, rule=rule)
    plan = PaperPlan(list(names), settings, FREE, store, None, at)
    asyncio.run(paper(plan, show=lambda _: None, notice=lambda _: None))


def compared(store: Path) -> dict[str, Any]:
    """Replay the run of a store in every way; return what came of it."""
    reader = JournalReader(store / JOURNAL)
    (run,) = reader.runs()
    sent, acts = reader.commands(run.run), reader.acts(run.run)
    batches, single = parity(store), parity(store, limit=1)
    assembly = assembly_of(run, reader)
    fills = reader.count("reports", run.run)
    reader.close()
    instruments = assembly.engine.instruments
    assert run.first_ns is not None
    assert run.last_ns is not None
    feed = Store(store).replay([one.id for one in instruments], run.first_ns, 2**63 - 1)
    play(assembly, Lasting(feed, run.last_ns), instruments)
    until = min((act.ts_ns for act in acts), default=run.last_ns) - round(SETTLE_S * 1e9)
    sure = int(np.searchsorted(sent["ts_send"], until))
    mine = assembly.engine.journal.commands[:sure]
    return {
        "events": run.events,
        "commands": int(sent.size),
        "reports": fills,
        "batches": bool(batches["same"] and batches["complete"]),
        "one_by_one": bool(single["same"] and single["complete"]),
        "backtest_commands": sure,
        "backtest": mine.tobytes() == sent[:sure].tobytes(),
        "first_difference": batches["first_difference"] or single["first_difference"],
    }


def main() -> None:
    """Run everything and print one JSON line a run."""
    if sys.argv[1] == "paper":
        store, at, strategy, every, *names = sys.argv[2:]
        run_paper(Path(store), at, names, strategy, float(every))
        return
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("store", type=Path)
    asked.add_argument("--instrument", action="append")
    asked.add_argument("--speed", type=float, default=4.0)
    asked.add_argument("--every", type=float, default=15.0)
    asked.add_argument("--seconds", type=float, default=90.0)
    asked.add_argument("--strategy", action="append")
    given = asked.parse_args()
    names = given.instrument or ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"]
    plain = ",".join(table.STRATEGIES)
    strategies = given.strategy or [plain, *(CLOCKED + name for name in table.STRATEGIES)]
    put_clocks()
    with tempfile.TemporaryDirectory() as folder:
        good = True
        for number, strategy in enumerate(strategies):
            store = Path(folder, str(number))
            _traded(given, names, store, strategy)
            line = {"strategy": strategy, "instruments": names, **compared(store)}
            good = good and line["batches"] and line["one_by_one"] and line["backtest"]
            print(json.dumps(line), flush=True)
    sys.exit(0 if good else 1)


def _traded(given: Any, names: Sequence[str], store: Path, strategy: str) -> None:
    """Play the recording at a venue of its own, and trade on it for a while."""
    venue = names[0].partition(":")[0]
    asks = [part for name in names for part in ("--instrument", name)]
    served = subprocess.Popen(
        [sys.executable, "-m", "aggressor", "venue", venue, "--replay", str(given.store), *asks,
         "--speed", str(given.speed), "--json"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert served.stdout is not None
        at = json.loads(served.stdout.readline())["rest"]
        for _ in range(TRIES):
            if _trades(given, names, store, at, strategy):
                return
            time.sleep(5.0)
        sys.exit("paper could not begin: the local venue did not answer in time")
    finally:
        served.terminate()
        served.wait()


def _trades(given: Any, names: Sequence[str], store: Path, at: str, strategy: str) -> bool:
    """Trade for a while; return False where it ended by itself: a loaded machine answers late."""
    trader = subprocess.Popen(
        [sys.executable, "-m", "bench.parity", "paper", str(store), at, strategy,
         str(given.every), *names]
    )  # fmt: skip
    try:
        trader.wait(given.seconds)
    except subprocess.TimeoutExpired:
        trader.terminate()
        trader.wait()
        return True
    return False


if __name__ == "__main__":
    main()
