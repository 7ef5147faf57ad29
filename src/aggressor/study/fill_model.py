"""Fitting the chance of a fill on recorded markets (R8.5): a Weibull hazard with censoring.

Each shadow order gives features at its acceptance, how long it was watched and whether it filled.
With k fixed, `E = t^k` makes the Weibull likelihood a Poisson one in b:

    log L = sum of d (b.x + ln k + (k - 1) ln t) - t^k exp(b.x)

which Newton's method climbs (it is concave in b); k is searched on a grid in the log around 1. A
slight ridge (1e-6) keeps a feature that never varies from breaking the step. The covariance of b is
the sandwich over stretches of time (orders of one stretch share one market), never less than the
information's.

How good it is must be shown on orders that were not fitted: `reliability` says, by decile of the
predicted chance, how many filled, and the Brier score (T9.6).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.execution.fill_chance import FEATURES, FillModel

Floats = NDArray[np.floating[Any]]

STEPS_MAX = 50
RIDGE = 1e-6
SHAPES = tuple(float(v) for v in np.exp(np.linspace(np.log(0.3), np.log(2.0), 24)))
FILLED_MIN = 50
STRETCHES = 20


class Waits(NamedTuple):
    """Shadow orders in order of time: (n, FEATURES), seconds watched, whether it filled, and the
    markout after a fill or drift without one, in basis points (nan where not known)."""

    x: Floats
    seconds: Floats
    filled: NDArray[np.bool_]
    adverse_bp: Floats
    drift_bp: Floats


class Reliability(NamedTuple):
    """A forecast held against what happened."""

    brier: float
    base: float  # the Brier score of always saying the share that filled
    deciles: list[dict[str, float]]  # predicted, filled, n


def fit_fills(waits: Waits, source: str = "") -> FillModel | str:
    """Return the fitted model, or why there is none."""
    count = int(waits.filled.sum())
    if count < FILLED_MIN or waits.filled.size - count < FILLED_MIN:
        return f"{count} of {waits.filled.size} shadow orders filled: fewer than {FILLED_MIN}"
    seconds = np.maximum(waits.seconds, 1e-3)
    best: tuple[float, float, Floats] | None = None
    for shape in SHAPES:
        beta, likelihood = _climb(waits.x, seconds, waits.filled, shape)
        if best is None or likelihood > best[0]:
            best = (likelihood, shape, beta)
    assert best is not None
    _, shape, beta = best
    covariance = _sandwich(waits, seconds, beta, shape)
    return FillModel(
        beta=tuple(float(b) for b in beta),
        covariance=tuple(tuple(float(v) for v in row) for row in covariance),
        shape=shape,
        adverse_bp=_mean(waits.adverse_bp),
        drift_bp=_mean(waits.drift_bp),
        orders=int(waits.filled.size),
        filled=count,
        source=source,
    )


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else 0.0


def _climb(x: Floats, seconds: Floats, filled: Any, shape: float) -> tuple[Floats, float]:
    """Return (b, log likelihood) at a shape."""
    grown = seconds**shape
    d = filled.astype(np.float64)
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(d.sum() / grown.sum())
    for _ in range(STEPS_MAX):
        rate = grown * np.exp(np.clip(x @ beta, -50.0, 50.0))
        score = x.T @ (d - rate) - RIDGE * beta
        information = (x * rate[:, None]).T @ x + RIDGE * np.eye(x.shape[1])
        step = np.linalg.solve(information, score)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    level = x @ beta
    log_density = level + np.log(shape) + (shape - 1.0) * np.log(seconds)
    return beta, float((d * log_density).sum() - (grown * np.exp(np.clip(level, -50, 50))).sum())


def _sandwich(waits: Waits, seconds: Floats, beta: Floats, shape: float) -> Floats:
    """Return the covariance of b, orders of one stretch of time taken together."""
    rate = seconds**shape * np.exp(np.clip(waits.x @ beta, -50.0, 50.0))
    information = (waits.x * rate[:, None]).T @ waits.x + RIDGE * np.eye(beta.size)
    inverse = np.linalg.inv(information)
    scores = waits.x * (waits.filled - rate)[:, None]
    parts = [part.sum(axis=0) for part in np.array_split(scores, STRETCHES)]
    meat = sum(np.outer(part, part) for part in parts) * STRETCHES / (STRETCHES - 1)
    robust = inverse @ meat @ inverse
    more = np.maximum(np.diag(inverse), np.diag(robust)) / np.diag(robust)
    scale = np.sqrt(np.maximum(more, 1.0))
    return robust * np.outer(scale, scale)


def predicted(model: FillModel, x: Floats, seconds: float) -> Floats:
    """Return the chance of a fill within `seconds` for rows of features."""
    level = x @ np.array(model.beta) + model.shape * np.log(seconds)
    return -np.expm1(-np.exp(np.clip(level, -50.0, 50.0)))


def brier(chances: Floats, outcomes: Floats) -> float:
    """Return the mean squared error of probabilities. T9.6."""
    return float(((chances - outcomes) ** 2).mean())


def reliability(model: FillModel, waits: Waits, seconds: float) -> Reliability:
    """Hold a model against orders watched for `seconds` or filled before."""
    known = waits.filled | (waits.seconds >= seconds)
    outcomes = (waits.filled & (waits.seconds <= seconds))[known].astype(np.float64)
    chances = predicted(model, waits.x[known], seconds)
    order = np.argsort(chances, kind="stable")
    rows = [
        {
            "predicted": float(chances[part].mean()),
            "filled": float(outcomes[part].mean()),
            "n": float(part.size),
        }
        for part in np.array_split(order, 10)
        if part.size
    ]
    share = float(outcomes.mean())
    return Reliability(brier(chances, outcomes), share * (1.0 - share), rows)


assert len(FEATURES) == 5, "the fit and the policy must mean the same columns"
