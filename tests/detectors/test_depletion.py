"""Labels of levels, and the score all detectors share."""

import pytest

from aggressor.detectors.depletion import (
    ABSORBING,
    CONSUMED,
    ICEBERG,
    LABEL_NAMES,
    MIXED,
    PULLED,
    STANDING,
    depletion_label,
    level_label,
)
from aggressor.detectors.outbox import at_least, at_most


def test_t5_0_score() -> None:
    assert (at_least(2.0, 1.0) + at_least(5.0, 1.0)) / 2 == 1.0
    assert (at_least(1.0, 1.0) + at_least(1.5, 1.0)) / 2 == 0.625
    assert at_most(0.5, 1.0) == 1.0
    assert at_most(1.0, 1.0) == 0.5


# the table of R5.0, with its edges: traded share, cancelled share, refill, beyond
TABLE = [
    (0.7, 0.3, 0.49, True, CONSUMED),
    (1.0, 0.0, 0.0, True, CONSUMED),
    (0.7, 0.3, 0.5, True, MIXED),
    (0.7, 0.3, 0.0, False, MIXED),
    (0.69, 0.31, 0.0, True, MIXED),
    (0.75, 0.31, 0.0, True, MIXED),
    (0.2, 0.8, 9.0, False, PULLED),
    (0.0, 1.0, 0.0, True, PULLED),
    (0.21, 0.8, 0.0, True, MIXED),
    (0.2, 0.79, 0.0, True, MIXED),
    (0.4, 0.6, 0.0, True, MIXED),
]


@pytest.mark.parametrize(("traded", "cancelled", "refill", "beyond", "label"), TABLE)
def test_t5_0_labels_of_a_depleted_level(
    traded: float, cancelled: float, refill: float, beyond: bool, label: int
) -> None:
    assert depletion_label(traded, cancelled, refill, beyond) == label


# lots, peak, start, added, cancelled, traded, refills, beyond
LEVELS = [
    ((30, 100, 100, 0, 0, 70, 0, False), STANDING),
    ((20, 100, 100, 0, 0, 80, 0, True), STANDING),  # at 20 % it still stands
    ((19, 100, 100, 0, 0, 81, 0, True), CONSUMED),
    ((0, 100, 100, 100, 0, 200, 0, True), MIXED),  # half of what traded was put back
    ((0, 100, 100, 0, 95, 5, 0, True), PULLED),
    ((0, 100, 100, 0, 60, 40, 0, True), MIXED),
    ((50, 100, 100, 150, 0, 200, 1, False), ABSORBING),
    ((50, 100, 100, 150, 0, 199, 1, False), STANDING),
    ((50, 100, 100, 150, 0, 200, 1, True), STANDING),
    ((10, 10, 10, 30, 0, 30, 3, False), ICEBERG),
    ((10, 10, 10, 30, 0, 30, 2, False), ABSORBING),
]


@pytest.mark.parametrize(("level", "label"), LEVELS)
def test_t5_0_labels_of_levels_by_their_lots(
    level: tuple[int, int, int, int, int, int, int, bool], label: int
) -> None:
    assert LABEL_NAMES[level_label(*level)] == LABEL_NAMES[label]
