"""A first-in-first-out queue whose truth is known, seen through the simulator's queue kernels.

`front[m]` is what model m makes of the level sizes alone; `ahead` is the truth. EXACT is told of
each cancel whether it was ahead or behind, so it must follow the truth.
"""

import numpy as np

from aggressor.kernel import kernel
from aggressor.sim.queue import (
    FRONT_CANCEL,
    POWER,
    RISK_AVERSE,
    front_after_level,
    lots_beyond,
)

EXACT, CAUTIOUS, BOLD, EVEN = 0, 1, 2, 3


@kernel
def cancel_seen(front, ahead, shown):
    """Show every model one cancelled lot; `ahead`: where it really stood."""
    exact = FRONT_CANCEL if ahead else RISK_AVERSE
    front[EXACT] = front_after_level(exact, 1.0, front[EXACT], shown, shown - 1, 0)
    front[CAUTIOUS] = front_after_level(RISK_AVERSE, 1.0, front[CAUTIOUS], shown, shown - 1, 0)
    front[BOLD] = front_after_level(FRONT_CANCEL, 1.0, front[BOLD], shown, shown - 1, 0)
    front[EVEN] = front_after_level(POWER, 1.0, front[EVEN], shown, shown - 1, 0)


@kernel
def print_seen(front, filled, shown):
    """Show every model one printed lot and the level change that goes with it."""
    for m in range(front.size):
        here = front[m] - 1.0
        if lots_beyond(here) > 0:
            filled[m] = 1
        front[m] = front_after_level(RISK_AVERSE, 1.0, max(here, 0.0), shown, max(shown - 1, 0), 1)


@kernel
def race(seed, paths, ahead, ask, rates, front, filled, wins):
    """Race our order against the ask queue; count wins per model and breaches of the bounds.

    Returns (true wins, breaches of front order, breaches of fill order).
    """
    np.random.seed(seed)
    lam, mu, theta = rates[0], rates[1], rates[2]
    true_wins, front_breaches, fill_breaches = 0, 0, 0
    for _ in range(paths):
        before, behind, other = ahead, 0, ask
        front[:] = float(ahead)
        filled[:] = 0
        done = False
        while other > 0 and not done:
            shown = before + behind
            draw = np.random.random() * (2 * lam + 2 * mu + theta * (shown + other))
            if draw < lam:
                behind += 1
            elif draw < 2 * lam:
                other += 1
            elif draw < 2 * lam + mu:
                print_seen(front, filled, shown)
                if before == 0:
                    done = True
                before -= 1
            elif draw < 2 * lam + mu + theta * shown:
                first = np.random.random() * shown < before
                cancel_seen(front, first, shown)
                if first:
                    before -= 1
                else:
                    behind -= 1
            else:
                other -= 1
            if not done:
                low, high = front[BOLD] - 1e-9, front[CAUTIOUS] + 1e-9
                front_breaches += not low <= before <= high
                front_breaches += front[EXACT] != before
        true_wins += done
        fill_breaches += (filled[CAUTIOUS] > done) + (filled[BOLD] < done)
        for m in range(wins.size):
            wins[m] += filled[m]
    return true_wins, front_breaches, fill_breaches


@kernel
def drift(seed, ahead, behind, steps, front, filled, gaps):
    """Let uniform cancels, arrivals and a few prints pass; write model front minus truth per
    path."""
    np.random.seed(seed)
    for j in range(gaps.size):
        first, last = ahead, behind
        front[:] = float(ahead)
        for _ in range(steps):
            shown = first + last
            draw = np.random.random()
            if draw < 0.6:
                hit = np.random.random() * shown < first
                cancel_seen(front, hit, shown)
                first -= hit
                last -= not hit
            elif draw < 0.85:
                last += 1
            else:
                print_seen(front, filled, shown)
                first -= 1
        gaps[j] = front[EVEN] - first
