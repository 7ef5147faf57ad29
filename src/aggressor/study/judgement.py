"""Is a strategy's result more than chance and costs: intervals, the placebo, the verdict of R10.7.

All figures are basis points of a trade's value at entry, so that trades of any size count alike.

    mean       net and gross, 95 % by a circular block bootstrap over trades in order of time
    placebo    p = (1 + draws whose mean >= the strategy's) / (1 + draws)          R10.3
    tried      what is left of it among all variants tried on the same market       R10.4
    verdict    "shown" where every condition of R10.7 that one run can answer holds, else "not
               shown" and the conditions that do not

One run cannot answer for other instruments and venues, parameters 30 % off, twice the latency or
the weeks apart: "shown" here is not yet KEEP.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from aggressor.study.estimates import Estimate, Floats, bootstrap, not_shown
from aggressor.study.trials import (
    DEFLATED_MIN,
    FALSE_SHARE,
    Correction,
    Outcome,
    corrected,
    outcome_of,
)

TRADES_MIN = 300
DAYS_MIN = 20
P_MAX = 0.01
INTERVAL_MIN = 10  # trades: fewer have no interval worth the name
_DAY_NS = 86_400_000_000_000


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the trades of one run show."""

    trades: int
    net_bp: Estimate
    gross_bp: Estimate
    placebo_draws: int
    placebo_trades: int
    placebo_bp: Estimate  # net mean of all placebo trades
    p: float | None
    outcome: Outcome
    tried: Correction
    shown: bool
    why: list[str]


def mean_of(values: Floats) -> Estimate:
    """Return the mean with its interval; without one below INTERVAL_MIN values."""
    n = int(values.size)
    if n == 0:
        return not_shown("no trades")
    if n < INTERVAL_MIN:
        why = f"fewer than {INTERVAL_MIN} trades: no interval"
        return Estimate(value=float(values.mean()), n=n, why=why)
    return bootstrap(values[:, None], lambda sums: sums / n)[0]


def placebo_p(observed: float, draws: Sequence[float]) -> float | None:
    """Return (1 + draws at or above the observed) / (1 + draws); None without draws."""
    if not draws:
        return None
    return (1 + sum(one >= observed for one in draws)) / (1 + len(draws))


def judged(
    net: Floats,
    gross: Floats,
    began_ns: Sequence[int],
    draws: Sequence[Floats],
    others: Sequence[Outcome] = (),
) -> Judgement:
    """Judge the trades of a run, (n,) each in order of time, by those of its placebo draws.

    `others`: what other variants came to that were tried on the same market.
    """
    means = [float(one.mean()) for one in draws if one.size]
    every = np.concatenate([*draws, np.zeros(0)])
    p = placebo_p(float(net.mean()), means) if net.size else None
    outcome = outcome_of(net, p)
    tried = corrected(outcome, others)
    interval = mean_of(net)
    days = len({one // _DAY_NS for one in began_ns})
    lacks = {
        "no trades": net.size == 0,
        f"fewer than {TRADES_MIN} trades": 0 < net.size < TRADES_MIN,
        f"fewer than {DAYS_MIN} days": days < DAYS_MIN,
        "the mean is not above zero": net.size > 0 and float(net.mean()) <= 0.0,
        "the interval does not lie above zero": interval.side <= 0,
        "no placebo": p is None,
        f"placebo p above {P_MAX}": p is not None and p > P_MAX,
        f"its p does not stand among {tried.variants} variants tried (Benjamini-Hochberg at "
        f"{FALSE_SHARE})": tried.variants > 1 and tried.stands is False,
        f"the deflated Sharpe ratio is below {DEFLATED_MIN}": tried.deflated is not None
        and tried.deflated < DEFLATED_MIN,
    }
    why = [text for text, lacking in lacks.items() if lacking]
    return Judgement(
        trades=int(net.size),
        net_bp=interval,
        gross_bp=mean_of(gross),
        placebo_draws=len(draws),
        placebo_trades=int(every.size),
        placebo_bp=mean_of(every),
        p=p,
        outcome=outcome,
        tried=tried,
        shown=not why,
        why=why,
    )
