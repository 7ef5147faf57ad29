"""A strategy in plain Python on the generated tape: CPU ns an event, idle and quoting.

    PEERS_DIR=<scratch> PEERS_DATA=<generated> python bench/python_strategy.py BENCH [UPDATES]

The whole path of a backtest: pipeline, desk, checks, simulated venue. `idle` is asked at closed
bars and never acts; `quoting` is asked at every TIMER too (10 a second) and always has a post-only
order at a best, or a position with its stop and target. Both say that they need book, trades and
bars alone (`needs = ()`); `with everything` they do not say so, and every measure and detector is
computed, and they are asked at signals too. `nobody` is the engine without a strategy: what is left
is the pipeline. One JSON line each, best and median.
"""

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from market_maker import MS, tape

from aggressor.engine.engine import Engine
from aggressor.engine.view import Fees, View
from aggressor.execution.desk import Desk
from aggressor.execution.intent import Intent
from aggressor.run.assemble import UNLIMITED, Assembly, asked_by, pipeline_of
from aggressor.run.backtests.backtest import play
from aggressor.sim.costs import Costs
from aggressor.sim.latency import Latency
from aggressor.sim.queue import queue_of
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.replay import replay_of
from aggressor.strategies.own import OwnStrategy
from aggressor.strategies.wants import enter


class Idle:
    """Looks and never acts."""

    needs: tuple[str, ...] | None = ()

    def decide(self, view: View) -> None:
        """Want nothing."""


class IdleWithEverything(Idle):
    """The same, without saying what it needs."""

    needs = None


class Quoting:
    """Always in the market, on the side of the thinner best."""

    waiting = True
    needs: tuple[str, ...] | None = ()

    def decide(self, view: View) -> Intent | None:
        """Want a passive entry whenever there is no trade."""
        if view.trade is not None or not view.valid:
            return None
        side = 1 if view.bid_lots < view.ask_lots else -1
        touch = view.bid if side > 0 else view.ask
        stop, target = touch - side * 400, touch + side * 60
        return enter(view, side, lots=1, stop=stop, targets=[target], chase_ticks=200)


class QuotingWithEverything(Quoting):
    """The same, without saying what it needs."""

    needs = None


def run(events: Any, own: Any) -> tuple[float, Engine]:
    """Return CPU seconds of one run on a fresh engine, and the engine."""
    one = demo_instrument()
    desk = Desk([one], UNLIMITED)
    desk.books.deposit(desk.books.currency(0), 10**16)
    strategies = [] if own is None else [(0, OwnStrategy(one, 0, own))]
    asked = asked_by([strategy for _, strategy in strategies])
    engine = Engine(
        [one], pipeline_of([one], "perp", asked=asked), strategies, desk, Fees(2.0, 5.0)
    )
    latency = Latency(feed_ns=MS, order_ns=10 * MS, response_ns=10 * MS)
    held: Sequence[Any] = [strategy for _, strategy in strategies]
    assembly = Assembly(engine, held, latency, queue_of("risk-averse"), Costs(), 10**16)
    feed = replay_of([events])
    begin = time.process_time()
    play(assembly, feed, [one])
    return time.process_time() - begin, engine


def main() -> None:
    """Measure each in turn."""
    folder = Path(sys.argv[1])
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    repeats = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    sys.path.insert(0, str(folder / "peers"))
    import common  # pyright: ignore[reportMissingImports]

    events = tape(common.book(updates), MS)
    run(events[:50_000], Quoting())
    cases: Sequence[tuple[str, Any]] = (
        ("nobody", lambda: None),
        ("idle", Idle),
        ("quoting", Quoting),
        ("idle, with everything", IdleWithEverything),
        ("quoting, with everything", QuotingWithEverything),
    )
    for name, make in cases:
        seconds, engine = run(events, make())
        taken = [seconds / events.size * 1e9]
        for _ in range(repeats - 1):
            taken.append(run(events, make())[0] / events.size * 1e9)
        line = {
            "what": f"plain Python, {name}",
            "events": int(events.size),
            "ns_per_event": round(statistics.median(taken), 1),
            "best": round(min(taken), 1),
            "decisions": engine.decisions,
            "orders": engine.journal.placed,
            "fills": engine.journal.fills,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
