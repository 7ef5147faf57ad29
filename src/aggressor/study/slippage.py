"""What it costs to buy and sell so much by each policy, at random moments of a recording (R8.1,
R8.4).

The same moments, sides and sizes for every policy, each order alone (`alone`). Costs are against
the mid at the decision, fees included, in basis points of the value asked for:

    of fills   what was filled, and nothing of the rest
    all in     the rest too, taken at the opposite best at the order's end, with the taker's fee:
               a policy that does not fill is not let off

so that policies of different fill rates can be compared by the second. The saving beside the market
order is that of the means, all in; its interval comes from the same resampled moments for both.
Intervals: circular block bootstrap over the moments in order of time, a block as long as two of the
longest orders, since orders that overlap share one market.

What history cannot say: nobody reacts to these orders. A resting order is filled whole when price
trades through it, however large it is (R9.3), and what one takes comes back at the next displayed
increase: for sizes beyond a small part of the level the figures are too good.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import msgspec
import numpy as np

from aggressor.execution.fill_chance import FillModel
from aggressor.execution.intent import Choice, Placement, Policy, Slicing
from aggressor.execution.parent import Account
from aggressor.sim.costs import Costs
from aggressor.sim.latency import Latency
from aggressor.sim.queue import Queue
from aggressor.study.alone import Tape, copied, run_alone
from aggressor.study.estimates import bootstrap
from aggressor.study.tops import mid2_of

LEAD_NS = 10_000_000_000
SECOND_NS = 1_000_000_000
MARKET = "market"
POLICIES = (MARKET, "capped", "peg", "peg-cross", "twap", "cross-or-wait")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is common to all orders of a study."""

    times: int = 500
    seed: int = 1
    wait_s: float = 30.0
    market_bp: float = (
        9.0  # cap of the market order and of what is crossed at the end: check 4 has 10
    )
    cap_bp: float = 1.0  # cap of the capped marketable limit
    chase_bp: float = 20.0
    slices: int = 10
    repeg_ms: int = 200


class Outcome(NamedTuple):
    """One order."""

    policy: str
    lots: int
    side: int
    ts_ns: int
    filled: int
    maker: int
    fills_bp: float | None
    all_in_bp: float
    seconds: float
    orders: int
    reason: str


def placements(
    rule: Rule, price: int, model: FillModel | None, costs: Costs
) -> dict[str, Placement]:
    """Return the placement of each policy at a price in ticks."""

    def ticks(bp: float) -> int:
        return max(1, int(bp * price / 10_000))

    wait = int(rule.wait_s * SECOND_NS)
    common = Placement(
        policy=Policy.PEG,
        cap_ticks=ticks(rule.market_bp),
        wait_ns=wait,
        repeg_ns=rule.repeg_ms * 1_000_000,
        chase_ticks=ticks(rule.chase_bp),
        places_max=10_000,
        answer_ns=5 * SECOND_NS,
        stale_ns=3 * SECOND_NS,
        seed=rule.seed,
        slicing=Slicing(slices=rule.slices),
    )
    change = msgspec.structs.replace
    out = {
        MARKET: change(common, policy=Policy.CROSS),
        "capped": change(
            common, policy=Policy.CAPPED, cap_ticks=ticks(rule.cap_bp), wait_ns=5 * SECOND_NS
        ),
        "peg": common,
        "peg-cross": change(common, cross_at_end=True),
        "twap": change(common, policy=Policy.TWAP, cross_at_end=True),
    }
    if model is not None:
        choice = Choice(model=model, maker_bp=float(costs.maker_bp), taker_bp=float(costs.taker_bp))
        out["cross-or-wait"] = change(
            common, policy=Policy.CHOOSE, cross_at_end=True, choice=choice
        )
    return out


def moments(tape: Tape, rule: Rule) -> list[int]:
    """Return rows of TIMERs at seeded random times that leave room for the longest order."""
    first, last = tape.span_ns
    last -= int((rule.wait_s + 5) * SECOND_NS)
    times = tape.events["ts_recv"][tape.timers]
    fit = tape.timers[(times >= first + LEAD_NS) & (times <= last)]
    chance = np.random.default_rng(rule.seed)
    known = [int(r) for r in fit if _known(tape, int(r))]
    if not known:
        return []
    return sorted(int(known[i]) for i in chance.integers(0, len(known), rule.times))


def _known(tape: Tape, row: int) -> bool:
    now = int(tape.events["ts_recv"][row])
    return mid2_of(tape.tops.at(now, before=True), now) is not None


def slippage(
    tape: Tape,
    sizes: Sequence[int],
    rule: Rule,
    *,
    latency: Latency,
    queue: Queue,
    costs: Costs,
    model: FillModel | None,
    progress: Any = None,
) -> list[Outcome]:
    """Run every policy, size and side at every moment; return the outcomes in order of time."""
    rows = moments(tape, rule)
    out: list[Outcome] = []
    for n, (row, book) in enumerate(zip(rows, tape.books(rows), strict=True)):
        now = int(tape.events["ts_recv"][row])
        mid2 = mid2_of(tape.tops.at(now, before=True), now)
        assert mid2 is not None
        until = now + int((rule.wait_s + 4) * SECOND_NS)
        for name, placement in placements(rule, mid2 // 2, model, costs).items():
            for lots in sizes:
                for side in (1, -1):
                    done = run_alone(
                        tape, row, copied(book), side=side, lots=lots,
                        placement=msgspec.structs.replace(placement, seed=rule.seed + row),
                        latency=latency, queue=queue, costs=costs, until_ns=until,
                    )  # fmt: skip
                    out.append(_outcome(name, done, tape, mid2, costs, now, until))
        if progress is not None:
            progress("working orders", (n + 1) / len(rows))
    return out


def _outcome(
    name: str, done: Account, tape: Tape, mid2: int, costs: Costs, now: int, until: int
) -> Outcome:
    one, side = tape.instrument, done.side
    mid = Fraction(mid2, 2)
    paid = Fraction(done.fees)
    for fill in done.fills:
        paid += one.profit(side * fill.lots, mid, fill.price)
    filled_value = abs(one.notional(mid, done.filled))
    end = done.ended_ns if done.ended_ns is not None else until
    rest, all_in = done.lots - done.filled, paid
    if rest:
        top = tape.tops.at(end)
        touch = int(top["ask"] if side > 0 else top["bid"])
        all_in += one.profit(side * rest, mid, touch)
        all_in += abs(one.notional(touch, rest)) * Fraction(costs.taker_bp) / 10_000
    return Outcome(
        policy=name,
        lots=done.lots,
        side=side,
        ts_ns=now,
        filled=done.filled,
        maker=done.maker_lots,
        fills_bp=float(paid / filled_value * 10_000) if done.filled else None,
        all_in_bp=float(all_in / abs(one.notional(mid, done.lots)) * 10_000),
        seconds=(end - now) / 1e9,
        orders=done.counts.orders,
        reason=done.reason or "still working when its tape ended",
    )


def summarise(outcomes: Sequence[Outcome], tape: Tape, rule: Rule) -> list[dict[str, Any]]:
    """Return one row per size and policy; both sides together."""
    groups: dict[tuple[int, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.lots, one.policy), []).append(one)
    span_s = (tape.span_ns[1] - tape.span_ns[0]) / 1e9 - LEAD_NS / 1e9 - rule.wait_s - 5
    rows: list[dict[str, Any]] = []
    for (lots, policy), found in sorted(
        groups.items(), key=lambda item: (item[0][0], POLICIES.index(item[0][1]))
    ):
        market = groups[(lots, MARKET)]
        block = max(5, round(len(found) * 2 * rule.wait_s / max(span_s, 1.0)))
        rows.append(_row(tape, lots, policy, found, market, block))
    return rows


def _row(
    tape: Tape,
    lots: int,
    policy: str,
    found: Sequence[Outcome],
    market: Sequence[Outcome],
    block: int,
) -> dict[str, Any]:
    of_fills = [(o.fills_bp, float(o.filled)) for o in found if o.fills_bp is not None]
    columns = np.array(
        [[o.all_in_bp, 1.0, m.all_in_bp] for o, m in zip(found, market, strict=True)]
    )
    whole = bootstrap(
        columns,
        lambda s: np.column_stack([s[:, 0] / s[:, 1], 1.0 - s[:, 0] / s[:, 2]]),
        block,
    )
    costs = np.array([c * w for c, w in of_fills])
    weights = np.array([w for _, w in of_fills])
    filled = (
        bootstrap(np.column_stack([costs, weights]), lambda s: s[:, :1] / s[:, 1:], block)[0]
        if of_fills
        else None
    )
    return {
        "size": tape.instrument.size_text(lots),
        "policy": policy,
        "orders": len(found),
        "filled_share": sum(o.filled for o in found) / sum(o.lots for o in found),
        "whole_share": sum(o.filled == o.lots for o in found) / len(found),
        "maker_share": sum(o.maker for o in found) / max(1, sum(o.filled for o in found)),
        "fills_bp": _interval(filled),
        "all_in_bp": _interval(whole[0]),
        "saving": _interval(whole[1]) if policy != MARKET else None,
        "seconds_mean": float(np.mean([o.seconds for o in found])),
        "orders_mean": float(np.mean([o.orders for o in found])),
        "reasons": _counted([o.reason for o in found]),
    }


def _interval(one: Any) -> dict[str, Any] | None:
    return None if one is None else {"value": one.value, "low": one.low, "high": one.high}


def _counted(reasons: Sequence[str]) -> Mapping[str, int]:
    return {reason: reasons.count(reason) for reason in dict.fromkeys(reasons)}
