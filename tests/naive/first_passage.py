"""The linear first-passage systems behind the two tables of 11.I, solved by sweeping until nothing
moves."""

import numpy as np

LAM, MU, THETA = 1.85, 0.94, 0.71
CAP = 60


def _solve(bid_down, one_when_bid_empties: bool, births: bool) -> np.ndarray:
    """P[i, a] for a bid counter that falls at bid_down(i) and an ask queue; rows and columns 0 are
    the ends."""
    P = np.zeros((CAP + 2, CAP + 2))
    if one_when_bid_empties:
        P[0, 1:] = 1.0
    else:
        P[1:, 0] = 1.0
    i = np.arange(1, CAP + 1)
    down = bid_down(i)[:, None]
    fall = (MU + THETA * i)[None, :]
    up_bid = np.where(i < CAP, LAM if births else 0.0, 0.0)[:, None]
    up_ask = np.where(i < CAP, LAM, 0.0)[None, :]
    total = down + fall + up_bid + up_ask
    inner = P[1:-1, 1:-1]
    odd = (i[:, None] + i[None, :]) % 2 == 1
    for _ in range(4000):
        before = inner.copy()
        for half in (odd, ~odd):
            flow = (
                down * P[:-2, 1:-1]
                + up_bid * P[2:, 1:-1]
                + fall * P[1:-1, :-2]
                + up_ask * P[1:-1, 2:]
            )
            inner[half] = (flow / total)[half]
        if np.abs(inner - before).max() < 1e-10:
            break
    return P


def up_probability() -> np.ndarray:
    """P[bid queue, ask queue] that the ask empties first."""
    return _solve(lambda n: MU + THETA * n, one_when_bid_empties=False, births=True)


def fill_before_move() -> np.ndarray:
    """P[position, ask queue] that our order, never cancelled, fills before the ask empties."""
    return _solve(lambda i: MU + THETA * (i - 1), one_when_bid_empties=True, births=False)
