"""Linear fits made offline: first principal component and ridge regression (R1.10).

Plain NumPy, no kernel: what comes out is an array of weights that a kernel reads. Rows are windows
in order of time; rows with a nan (a window that is not known) are left out. Folds of the cross-
validation are blocks of time, never shuffled, so neighbours in time stay on one side of a cut.
Nothing here looks at the data it will be judged on: fit on the past, judge by what came later
(`study.pressure` does).

Columns are standardised before a ridge penalty is applied and the coefficients given back in the
columns' own units, so the penalty does not depend on them; the intercept is never penalised.
Sources: R1.10; Hoerl & Kennard 1970; Cont, Cucuringu & Zhang 2023.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

PENALTIES = tuple(float(10.0**power) for power in range(-5, 5))  # per row
FOLDS = 5
ROWS_MIN = 60  # fewer windows: no fit


class Component(NamedTuple):
    """Weights of the first principal component."""

    weights: Floats  # (columns,), sum |w| = 1, their sum not below 0
    explained: float  # share of the columns' variance


class Ridge(NamedTuple):
    """A ridge regression: predicted = intercept + x @ coefficients."""

    intercept: float
    coefficients: Floats  # (columns,)
    penalty: float  # lambda per row, of standardised columns
    errors: Floats  # mean squared error left out, for each penalty tried


def whole_rows(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the rows of x (n, columns) and y (n,) in which everything is known."""
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    return x[known], y[known]


def first_component(x: Floats) -> Component | None:
    """Return the first principal component of the rows of x (n, columns).

    None where there are fewer than ROWS_MIN whole rows or nothing varies.
    """
    x = x[np.isfinite(x).all(axis=1)]
    if x.shape[0] < ROWS_MIN:
        return None
    sizes, vectors = np.linalg.eigh(np.atleast_2d(np.cov(x, rowvar=False)))
    if sizes[-1] <= 0.0:
        return None
    vector = vectors[:, -1] / np.abs(vectors[:, -1]).sum()
    if vector.sum() < 0.0:
        vector = -vector
    return Component(vector, float(sizes[-1] / sizes.sum()))


def fit_ridge(
    x: Floats, y: Floats, penalties: Sequence[float] = PENALTIES, folds: int = FOLDS
) -> Ridge | None:
    """Return the ridge regression of y (n,) on x (n, columns), penalty by cross-validation.

    The penalty is the one with the smallest error left out; the largest of equals. None where
    there are fewer than ROWS_MIN whole rows.
    """
    x, y = whole_rows(x, y)
    if y.size < ROWS_MIN:
        return None
    edges = np.linspace(0, y.size, folds + 1).round().astype(int)
    errors = np.zeros(len(penalties))
    for i in range(folds):
        left_out = np.zeros(y.size, bool)
        left_out[edges[i] : edges[i + 1]] = True
        for j, penalty in enumerate(penalties):
            intercept, slopes = _solve(x[~left_out], y[~left_out], penalty)
            errors[j] += ((y[left_out] - intercept - x[left_out] @ slopes) ** 2).sum()
    errors /= y.size
    best = max(penalty for penalty, e in zip(penalties, errors, strict=True) if e <= errors.min())
    return Ridge(*_solve(x, y, best), best, errors)


def _solve(x: Floats, y: Floats, penalty: float) -> tuple[float, Floats]:
    centre, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale == 0.0] = 1.0
    z = (x - centre) / scale
    system = z.T @ z / y.size + penalty * np.eye(x.shape[1])
    slopes, *_ = np.linalg.lstsq(system, z.T @ (y - y.mean()) / y.size, rcond=None)
    slopes = slopes / scale
    return float(y.mean() - centre @ slopes), slopes


def predict(ridge: Ridge, x: Floats) -> Floats:
    """Return what the regression says of the rows of x."""
    return ridge.intercept + x @ ridge.coefficients
