"""Is the simulator true? The checks of R9.6 that need no live pilot, with their figures.

    python -m bench.simulator [--minutes 30] [--only made] [--store DIR [--instrument I]...]

From the project's root. One JSON line a check:

    closed forms  fills of a first-in-first-out queue by Monte Carlo through the queue kernels,
                  beside the linear solution of 11.I; `power:1` under uniform cancels; bounds
    order by order  a synthetic market whose every order is known: shadow orders at the own best,
                  their true place and fill beside what each queue model makes of the published book
    markouts      passive fills on recordings: the mid h seconds behind them less their price, which
                  adverse selection must keep below half the spread
    latency       the same orders, arriving later: their markouts must not grow, nor their fills
"""

import argparse
import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from tests.naive.first_passage import LAM, MU, THETA, fill_before_move
from tests.sim.fifo import BOLD, CAUTIOUS, EXACT, drift, race

from aggressor.run.backtests.slippage import load_tape
from aggressor.schema.event import Events
from aggressor.sim.latency import Latency
from aggressor.sim.queue import queue_of
from aggressor.sim.synthetic.book import ADD, FILL
from aggressor.sim.synthetic.config import MarketConfig, lively
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.replay import TIMER_NS, replay_of
from aggressor.study.alone import Tape
from aggressor.study.shadow import Fate, shadow_fates
from aggressor.study.tca import mean_of

QUEUES = ("risk-averse", "log", "power:1", "power:3", "front-cancel")
WATCHED_NS = 10_000_000_000
BRIEF_NS = 2_000_000_000  # so long on the made market: about as many fill as do not
SETTLED_NS = 120_000_000_000  # by then the touch holds only orders whose beginning is known
SECOND = 1_000_000_000
MS = 1_000_000
PATHS = 30_000


def closed_forms() -> dict[str, Any]:
    """Hold the queue kernels against the linear solution, and model `power:1` against the truth."""
    exact, rates = fill_before_move(), np.array([LAM, MU, THETA])
    worst, breaches, paths = 0.0, 0, PATHS
    for position in (1, 2, 3, 5):
        for ask in range(1, 6):
            wins = np.zeros(4, np.int64)
            truth, fronts, fills = race(
                7 * ask + position, paths, position - 1, ask, rates,
                np.zeros(4), np.zeros(4, np.int64), wins,
            )  # fmt: skip
            chance = float(exact[position, ask])
            error = math.sqrt(chance * (1 - chance) / paths)
            worst = max(worst, abs(truth / paths - chance) / error)
            breaches += int(fronts + fills + (wins[EXACT] != truth))
            breaches += int(not wins[CAUTIOUS] <= truth <= wins[BOLD])
    gaps = np.zeros(PATHS)
    drift(5, 30, 20, 25, np.zeros(4), np.zeros(4, np.int64), gaps)
    return {
        "check": "closed forms",
        "paths": 20 * paths,
        "largest_error_standard_errors": worst,
        "breaches_of_bounds": breaches,
        "power_1_bias_lots": float(gaps.mean()),
        "power_1_bias_error": float(gaps.std() / math.sqrt(gaps.size)),
    }


class Truth(NamedTuple):
    """What really became of an order that joined behind all others. Times ns."""

    ahead: int  # lots, when it joined
    filled_ns: int | None


def truths(log: Any, joined: Sequence[tuple[int, int, int]]) -> list[Truth]:
    """Follow orders that join (ns, side, price) behind all that rests there, lot by lot.

    Ours is filled by the first taking that finds nobody of those ahead left: the next fill at our
    price of somebody behind us, or any fill beyond it. It takes nothing from anybody.
    """
    resting: dict[tuple[int, int], OrderedDict[int, int]] = {}
    known = set(log["order"][log["action"] == ADD].tolist())
    for row in log[~np.isin(log["order"], list(known))]:  # there before the log began
        queue = resting.setdefault((int(row["side"]), int(row["price"])), OrderedDict())
        queue[int(row["order"])] = queue.get(int(row["order"]), 0) + int(row["lots"])
    found: list[Truth | None] = [None] * len(joined)
    waiting: list[tuple[int, set[int], int]] = []  # which, ids ahead, lots ahead at the start
    order = sorted(range(len(joined)), key=lambda i: joined[i][0])
    nth = 0
    for row in log:
        now, side, price = int(row["ts_venue"]), int(row["side"]), int(row["price"])
        while nth < len(order) and joined[order[nth]][0] < now:
            which = order[nth]
            queue = resting.get((joined[which][1], joined[which][2]), OrderedDict())
            waiting.append((which, set(queue), sum(queue.values())))
            nth += 1
        ident, lots, action = int(row["order"]), int(row["lots"]), int(row["action"])
        queue = resting.setdefault((side, price), OrderedDict())
        if action == ADD:
            queue[ident] = lots
            continue
        gone = queue.get(ident, 0) <= lots
        kept: list[tuple[int, set[int], int]] = []
        for one in waiting:
            which, ahead, start = one
            since, mine, ours = joined[which]
            at_ours = side == mine and price == ours
            passes = at_ours and ident not in ahead
            passes = passes or (side == mine and mine * (ours - price) > 0)
            if now - since > BRIEF_NS:
                found[which] = Truth(start, None)
            elif action == FILL and passes:
                found[which] = Truth(start, now)
            else:
                kept.append(one)
                if at_ours and gone:
                    ahead.discard(ident)
        waiting = kept
        left = queue.get(ident, 0) - lots
        if left > 0:
            queue[ident] = left
        else:
            queue.pop(ident, None)
    for which, _, start in waiting:
        found[which] = Truth(start, None)
    return [one if one is not None else Truth(0, None) for one in found]


def order_by_order(minutes: float) -> list[dict[str, Any]]:
    """Hold each queue model's fills against the truth behind the published book."""
    config = lively(MarketConfig(seed=5, rate=6.0, quotes=True, latency_ms=0.0, jitter_ms=0.0))
    feed = SyntheticFeed(_logged(config), 60.0 * minutes)
    parts: list[Events] = []
    while (events := feed.poll(1 << 16)).size:
        parts.append(events)
    log = feed.drain_log()
    whole = np.concatenate(parts)
    timers = round(60.0 * minutes * SECOND / TIMER_NS) + 100
    tape = Tape(replay_of([whole]).poll(whole.size + timers), demo_instrument())
    rows: list[dict[str, Any]] = []
    true: dict[int, list[Truth]] = {}
    for name in QUEUES:
        fates: list[tuple[Fate, Truth]] = []
        for side in (1, -1):
            own = shadow_fates(
                tape, side, latency=Latency(feed_ns=0, order_ns=0, response_ns=0),
                queue=queue_of(name), watched_ns=BRIEF_NS,
            )  # fmt: skip
            if side not in true:
                true[side] = truths(log, [(one.sent_ns, side, one.price) for one in own])
            fates += [
                pair
                for pair in zip(own, true[side], strict=True)
                if pair[0].acked_ns is not None and pair[0].sent_ns > tape.span_ns[0] + SETTLED_NS
                and pair[0].sent_ns < tape.span_ns[1] - WATCHED_NS
            ]  # fmt: skip
        rows.append({"check": "order by order", "queue": name, **_agreement(fates)})
    return rows


def _logged(config: MarketConfig) -> MarketConfig:
    return msgspec.structs.replace(config, log=True)


def _agreement(fates: Sequence[tuple[Fate, Truth]]) -> dict[str, Any]:
    told = np.array([_brief(one) for one, _ in fates])
    true = np.array([one.filled_ns is not None for _, one in fates])
    both = told & true
    late = np.array(
        [
            (one.filled_ns - that.filled_ns) / SECOND
            for one, that in fates
            if one.filled_ns is not None and _brief(one) and that.filled_ns is not None
        ]
    )
    deciles = np.array_split(np.argsort([that.ahead for _, that in fates], kind="stable"), 10)
    return {
        "orders": len(fates),
        "filled_true": float(true.mean()),
        "filled_model": float(told.mean()),
        "bias": float(told.mean() - true.mean()),
        "brier": float(((told.astype(float) - true) ** 2).mean()),
        "filled_though_not": int((told & ~true).sum()),
        "missed": int((true & ~told).sum()),
        "late_s_mean": float(late.mean()) if late.size else None,
        "late_s_absolute": float(np.abs(late).mean()) if late.size else None,
        "both": int(both.sum()),
        "by_true_place": [
            {
                "ahead_lots": float(np.mean([fates[i][1].ahead for i in part])),
                "true": float(true[part].mean()),
                "model": float(told[part].mean()),
            }
            for part in deciles
        ],
    }


def _brief(one: Fate) -> bool:
    """Return whether it filled while the truth was watched: it is cancelled at the next TIMER."""
    return one.filled_ns is not None and one.filled_ns - one.sent_ns <= BRIEF_NS


def markouts(tape: Tape, name: str) -> dict[str, Any]:
    """Return mean markouts of passive fills beside half the spread, basis points."""
    fates = _both(tape, Latency(feed_ns=5 * MS, order_ns=20 * MS, response_ns=20 * MS))
    filled = [(side, one) for side, one in fates if one.filled_ns is not None]
    spread = []
    for row in tape.tops.rows[:: max(1, tape.tops.rows.size // 20_000)]:
        if row["valid"]:
            spread.append((row["ask"] - row["bid"]) / (row["ask"] + row["bid"]) * 1e4)
    half = float(np.mean(spread))
    curve = {}
    for seconds in (1, 5, 10):
        found = mean_of([_markout(tape, s, one, seconds) for s, one in filled])
        curve[f"{seconds}s"] = found | {"below_half_spread": _below(found, half)}
    return {
        "check": "markouts",
        "instrument": name,
        "orders": len(fates),
        "fills": len(filled),
        "half_spread_bp": half,
        "markout_bp": curve,
    }


def _below(found: dict[str, Any], half: float) -> str:
    if found["high"] is None:
        return "not shown"
    return "shown" if found["high"] < half else "not shown"


def _both(tape: Tape, latency: Latency) -> list[tuple[int, Fate]]:
    found = [
        (side, one)
        for side in (1, -1)
        for one in shadow_fates(
            tape, side, latency=latency, queue=queue_of("risk-averse"), watched_ns=WATCHED_NS
        )
        if one.acked_ns is not None
    ]
    return sorted(found, key=lambda one: one[1].sent_ns)


def _markout(tape: Tape, side: int, one: Fate, seconds: float) -> float | None:
    assert one.filled_ns is not None
    later = tape.tops.mid2(one.filled_ns + round(seconds * SECOND))
    return None if later is None else side * (later - 2 * one.price) / (2 * one.price) * 1e4


def latencies(tape: Tape, name: str) -> dict[str, Any]:
    """Return fills and their markouts for orders that arrive later and later."""
    rows = []
    for delay in (0, 50, 100, 250, 500):
        fates = _both(tape, Latency(feed_ns=5 * MS, order_ns=delay * MS, response_ns=delay * MS))
        filled = [(side, one) for side, one in fates if one.filled_ns is not None]
        found = mean_of([_markout(tape, side, one, 5) for side, one in filled])
        rows.append(
            {
                "delay_ms": delay,
                "accepted": len(fates),
                "filled_share": len(filled) / max(1, len(fates)),
                "markout_5s_bp": found,
            }
        )
    return {"check": "latency", "instrument": name, "rows": rows}


def main() -> None:
    """Print one JSON line a check."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30.0)
    asked.add_argument("--store", type=Path)
    asked.add_argument("--only", choices=("made",))
    asked.add_argument("--instrument", action="append")
    given = asked.parse_args()
    if given.only is None:
        print(json.dumps(closed_forms()), flush=True)
    for row in order_by_order(given.minutes):
        print(json.dumps(row), flush=True)
    if given.store is not None:
        for name in given.instrument or ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"]:
            tape = load_tape(given.store, name)
            print(json.dumps(markouts(tape, name)), flush=True)
            print(json.dumps(latencies(tape, name)), flush=True)


if __name__ == "__main__":
    main()
