"""How a level that is gone, or still stands, is labelled by its ledger (R5.0).

When the displayed size falls below 20 % of its peak:

    traded share  cancelled share  refill ratio  touch           label
    >= 0.7        <= 0.3           < 0.5         moves beyond    CONSUMED (push-through, R5.6)
    <= 0.2        >= 0.8           any           may move        PULLED (spoof candidate, R5.4)
    else          else             -             -               MIXED (no signal)

and while it stands: traded >= 2 x peak with price held is ABSORBING (R5.1); at least 3 refills
and traded >= 3 x the largest displayed size is ICEBERG (R5.3).

Shares are of what stood at the start plus what was added since: traded / (start + added), and
cancelled / (start + added). The refill ratio is added / traded (R1.12).
"""

from aggressor.kernel import Int, kernel

STANDING = 0  # nothing to say of it yet
MIXED = 1
CONSUMED = 2
PULLED = 3
ABSORBING = 4
ICEBERG = 5

LABEL_NAMES = {
    STANDING: "standing",
    MIXED: "mixed",
    CONSUMED: "consumed",
    PULLED: "pulled",
    ABSORBING: "absorbing",
    ICEBERG: "iceberg",
}

DEPLETED_SHARE = 0.2  # of the peak
TRADED_MIN = 0.7
CANCELLED_MAX = 0.3
REFILL_BELOW = 0.5
PULLED_TRADED_MAX = 0.2
PULLED_CANCELLED_MIN = 0.8
ABSORBED_PEAKS = 2.0
ICEBERG_REFILLS = 3
ICEBERG_PEAKS = 3.0


@kernel
def depletion_label(
    traded_share: float, cancelled_share: float, refill_ratio: float, beyond: bool
) -> int:
    """Return the label of a depleted level; `beyond`: the touch moved beyond it and held."""
    if traded_share >= TRADED_MIN and cancelled_share <= CANCELLED_MAX:
        return CONSUMED if refill_ratio < REFILL_BELOW and beyond else MIXED
    if traded_share <= PULLED_TRADED_MAX and cancelled_share >= PULLED_CANCELLED_MIN:
        return PULLED
    return MIXED


@kernel
def level_label(
    lots: Int,
    peak: Int,
    start: Int,
    added: Int,
    cancelled: Int,
    traded: Int,
    refills: Int,
    beyond: bool,
) -> int:
    """Return the label of a level by its lots; `beyond`: price left it behind."""
    if lots < DEPLETED_SHARE * peak:
        stood = max(start + added, 1)
        refill = added / traded if traded > 0 else 0.0
        return depletion_label(traded / stood, cancelled / stood, refill, beyond)
    if not beyond and refills >= ICEBERG_REFILLS and traded >= ICEBERG_PEAKS * peak:
        return ICEBERG
    if not beyond and traded >= ABSORBED_PEAKS * peak:
        return ABSORBING
    return STANDING
