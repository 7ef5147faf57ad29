"""Kill a paper runner again and again and see that nothing is lost, doubled or left bare.

    python -m tests.run.crash_paper COUNT [SEED]

A local venue runs in this process; the runner is a process of its own that is killed (SIGKILL) at
a drawn moment, or kills itself between journal and send, and is begun again on the same store.
After each kill the account is rebuilt from the journal and held against the plain sums of its rows;
each runner says how long it took, from its first row on, until what it held was protected. At the
end every run is replayed from what was recorded.
"""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from aggressor.account.books import Heading
from aggressor.execution.desk import Desk, DeskRule
from aggressor.run.accounts.paper import JOURNAL, PaperPlan, paper
from aggressor.run.accounts.parity import parity
from aggressor.run.accounts.resume import hear, resume, unanswered
from aggressor.schema.instrument import Instrument
from aggressor.store.journal import KeptJournal
from aggressor.store.journal_reader import JournalReader
from aggressor.strategies import table
from aggressor.strategies.gates import Mode
from tests.run.journal_truth import reckoned
from tests.run.paper_stage import BUSY, FREE, SETTINGS, VENUE, Busy, KnownBusy
from tests.run.venue_stage import serving

_FIRST_LOOK_S = 180.0


def runner(store: Path, at: str, name: str, point: str, after: int) -> None:
    """Be the process that is killed; `point`: where it kills itself at the `after`-th time."""
    table.STRATEGIES[BUSY] = KnownBusy(Busy, {})
    left = [after]

    def dying(before: Any) -> Any:
        def act(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return before(*arguments)

        return act

    if point == "between journal and send":
        KeptJournal.left = dying(KeptJournal.left)  # type: ignore[method-assign]
        from aggressor.sim.exchange import SimExchange

        SimExchange.take = dying(SimExchange.take)  # type: ignore[method-assign]
    bare: dict[str, float] = {}

    def show(look: dict[str, Any]) -> None:
        held = look["instruments"][0]["protected"]
        if look["events"] and held is not None and "since" not in bare:
            bare["since"] = time.monotonic()
        if held is True and "protected" not in bare:
            bare["protected"] = time.monotonic()
            print(json.dumps({"protected_s": bare["protected"] - bare["since"]}), flush=True)
        print(json.dumps({"events": look["events"], "orders": look["orders"]}), flush=True)

    plan = PaperPlan([name], SETTINGS, FREE, store, None, at)
    asyncio.run(paper(plan, show=show, notice=lambda words: print(words, file=sys.stderr)))


def rebuilt(store: Path) -> dict[str, Any]:
    """Rebuild the account from its journal and hold it against the plain sums of the rows."""
    reader = JournalReader(store / JOURNAL)
    run = reader.runs()[-1]
    instruments = msgspec.convert(run.config["instruments"], list[Instrument], strict=False)
    desk = Desk(instruments, msgspec.convert(run.config["rule"], DeskRule, strict=False))
    deposit = round(run.config["settings"]["equity"] * 10**8)
    desk.books.deposit(desk.books.currency(0), deposit)
    found = resume(desk, [Busy(7, 0)], reader, run.run + 1, Mode.PAPER)
    reader.close()
    open_orders = {one.id: one.leaves for one in desk.blotter.open_orders()}
    marks = {k: Fraction(mid2, 2) for k, mid2 in desk._mids2.items()}
    plain = reckoned(store / JOURNAL, instruments, marks)
    assert max(plain.placed.values(), default=0) <= 1, "an order was sent twice"
    assert plain.positions == [desk.position(0).lots], "positions differ"
    assert plain.open == open_orders, "open orders differ"
    money = desk.equity(0) + desk.books.balance(desk.books.currency(0), Heading.CAPITAL)
    assert abs(money - (plain.earned - plain.fees)) <= len(plain.placed) + 1, "money differs"
    rows = unanswered(desk, 0)
    hear(desk, rows)
    assert not list(desk.blotter.in_flight()), "something is left in flight"
    trade = desk.trade(0)
    held = desk.position(0).lots
    assert held == 0 or (trade is not None and abs(held) == abs(trade.held)), "a position is orphan"
    return {
        "orders": len(plain.placed),
        "open": len(open_orders),
        "position": plain.positions[0],
        "in_flight": len(found.in_flight),
        "not_left": len(found.not_left),
    }


async def crash(store: Path, count: int, seed: int) -> dict[str, Any]:
    """Kill and begin again `count` times; return what was seen."""
    draw = random.Random(seed)
    seen: dict[str, Any] = {"kills": 0, "in_flight": 0, "not_left": 0, "held": 0, "protected_s": []}
    async with serving(VENUE, seed=3, speed=2.0) as server:
        name = f"{server.dialect.venue}:{server.dialect.example.symbol}"
        for _ in range(count):
            point = draw.choice(("anywhere", "between journal and send"))
            after = draw.randrange(0, 12)
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.run.crash_paper", "runner", str(store),
                server.document["rest"], name, point, str(after),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            await _let_live(process, draw.uniform(0.0, 4.0), seen)
            assert process.returncode == -signal.SIGKILL, (
                f"it ended by itself: {process.returncode}"
            )
            if not (store / JOURNAL).exists():
                continue  # killed before there was anything to keep
            found = rebuilt(store)
            seen["kills"] += 1
            seen["in_flight"] += found["in_flight"] > 0
            seen["not_left"] += found["not_left"] > 0
            seen["held"] += found["position"] != 0
            seen["orders"] = found["orders"]
            print(json.dumps({"kill": seen["kills"], "at": point} | found), flush=True)
    return seen


async def _let_live(process: Any, seconds: float, seen: dict[str, Any]) -> None:
    """Wait until a runner trades, and for some seconds more, or until it is gone."""
    trading = asyncio.Event()

    async def read() -> None:
        while line := await process.stdout.readline():
            said = json.loads(line)
            if "protected_s" in said:
                seen["protected_s"].append(said["protected_s"])
            elif said["events"]:
                trading.set()

    async def live() -> None:
        await asyncio.wait_for(trading.wait(), _FIRST_LOOK_S)
        await asyncio.sleep(seconds)

    reading, living = asyncio.create_task(read()), asyncio.create_task(live())
    gone = asyncio.create_task(process.wait())
    await asyncio.wait((living, gone), return_when=asyncio.FIRST_COMPLETED)
    for task in (reading, living, gone):
        task.cancel()
    await asyncio.gather(reading, living, gone, return_exceptions=True)
    if process.returncode is None:
        process.kill()
    await process.wait()
    process._transport.close()  # its compactor may hold the other end of the pipe for a while


def main() -> None:
    if sys.argv[1] == "runner":
        store, at, name, point, after = sys.argv[2:]
        runner(Path(store), at, name, point, int(after))
        return
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        seen = asyncio.run(crash(store, count, seed))
        table.STRATEGIES[BUSY] = KnownBusy(Busy, {})
        reader = JournalReader(store / JOURNAL)
        runs = [one.run for one in reader.runs() if one.first_ns is not None and one.first_ns > 0]
        reader.close()
        answers = [parity(store, run=run) for run in runs]
        for one in answers:
            if not one["same"]:
                print(json.dumps(one), flush=True)
        seen["replayed"] = len(answers)
        seen["same"] = sum(one["same"] for one in answers)
        seen["commands_compared"] = sum(one["commands"] for one in answers)
        waits = sorted(seen.pop("protected_s"))
        seen["protected_after_s_max"] = waits[-1] if waits else None
        print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
