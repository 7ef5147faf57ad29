"""Where our resting order stands in its queue, estimated from level sizes and prints (R9.2).

An order joins with `front` = lots displayed at acceptance; our own size is never part of the
displayed book. Prints of the opposite aggressor at the level move it forward lot by lot. A
displayed decrease that prints do not explain is a cancel, and the models differ in one number: `p`,
the probability that the cancelled lots stood behind us.

    RISK_AVERSE    p = 1                        only prints advance us: least fills, the default
    POWER          p = b^n / (b^n + f^n)        n = 1: every lot is as likely to be cancelled
    LOG            p = ln(1+b) / (ln(1+b) + ln(1+f))
    POWER_SHARE    p = (b / (b + f))^n          the "power-2" form
    LOG_TOTAL      p = ln(1+b) / ln(1+b+f)      the "log-2" form
    POWER_FRONT    p = 1 - (f / (f + b))^n      the "power-3" form
    FRONT_CANCEL   p = 0                        all cancels were ahead: most fills, for studies only

with f = front and b = the lots behind us: displayed before the change, less what prints took since,
less f. Bias: a print that reaches us after the level change it caused is counted as a cancel and as
a print; only RISK_AVERSE is immune.

Invariant: `front` never rises and never falls below 0 by a cancel; it is a float because the
expectation of a queue place is not a whole number. Source: R9.2, T9.2; Rigtorp 2013; hftbacktest's
order fill documentation.
"""

import math

import msgspec
import numpy as np

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.schema.errors import ConfigError

RISK_AVERSE = 0
POWER = 1
LOG = 2
POWER_SHARE = 3
LOG_TOTAL = 4
POWER_FRONT = 5
FRONT_CANCEL = 6

QUEUE_NAMES = {
    RISK_AVERSE: "risk-averse",
    POWER: "power",
    LOG: "log",
    POWER_SHARE: "power-share",
    LOG_TOTAL: "log-total",
    POWER_FRONT: "power-front",
    FRONT_CANCEL: "front-cancel",
}

_LOT_NOISE = 1e-9  # float noise must not cost a whole lot


class Queue(msgspec.Struct, frozen=True):
    """A queue model and its exponent (used by the power models only)."""

    model: int = RISK_AVERSE
    power: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a model that does not exist."""
        if self.model not in QUEUE_NAMES:
            raise ConfigError(f"There is no queue model {self.model}; use one of {QUEUE_NAMES}.")
        if not 0.0 < self.power <= 100.0:
            raise ConfigError(f"The power of a queue model must be in (0, 100], not {self.power}.")


def queue_of(text: str) -> Queue:
    """Return the queue model written as `name` or `name:power`, e.g. `power:2`; raise
    ConfigError."""
    name, _, power = text.partition(":")
    models = {known: model for model, known in QUEUE_NAMES.items()}
    if name not in models:
        raise ConfigError(f"There is no queue model {name!r}; use one of {', '.join(models)}.")
    try:
        return Queue(models[name], float(power) if power else 1.0)
    except ValueError:
        raise ConfigError(f"The power in {text!r} is not a number.") from None


@kernel_inline
def chance_behind(model: Int, power: float, back: float, front: float) -> float:
    """Return the probability that a cancelled lot stood behind us; 1 where nobody is left."""
    if model == RISK_AVERSE or back + front <= 0.0:
        return 1.0
    if model == FRONT_CANCEL:
        return 0.0
    if model == POWER:
        behind = back**power
        return behind / (behind + front**power)
    if model == LOG:
        behind = math.log1p(back)
        return behind / (behind + math.log1p(front))
    if model == POWER_SHARE:
        return (back / (back + front)) ** power
    if model == LOG_TOTAL:
        return math.log1p(back) / math.log1p(back + front)
    return 1.0 - (front / (front + back)) ** power


@kernel_inline
def front_after_level(
    model: Int, power: float, front: float, before: Int, after: Int, traded: Int
) -> float:
    """Return our front when the displayed size goes from `before` to `after` lots.

    `traded` lots were printed at the level since its last change; they have already left `front`.
    """
    cancelled = float(before - after - traded)
    if cancelled > 0.0:
        back = max(float(before - traded) - front, 0.0)
        behind = chance_behind(model, power, back, front)
        front = front - (1.0 - behind) * cancelled + min(back - behind * cancelled, 0.0)
    return max(min(front, float(after)), 0.0)


@kernel_inline
def lots_beyond(front: float) -> Int:
    """Return the whole lots that a print took beyond our front, now below 0; fractions are lost."""
    return np.int64(math.floor(-front + _LOT_NOISE)) if front < 0.0 else np.int64(0)


@kernel
def front_after(
    model: Int, power: float, front: float, before: Int, after: Int, traded: Int
) -> float:
    """Return our front after one level change: the kernel's path for one value, for tests and
    studies."""
    return front_after_level(model, power, front, before, after, traded)
