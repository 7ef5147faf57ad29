"""Mirror (invariant c of ARCHITECTURE, R11.J 1): negated prices and swapped sides give mirrored
signals and orders.

Prices are truly negated, so nothing has to be close: every field is equal or turned. Within one
moment both sides are looked at in a fixed order, so rows of one time are compared as a set, and
episodes by what they are made of instead of by number.
"""

from typing import Any

import numpy as np
import pytest

from aggressor.engine.reading import EVIDENCE_NAMES
from aggressor.schema.command import PLACE
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import FILL
from aggressor.schema.signal import CASCADE, EXHAUSTION, WALL
from tests.detectors.scene import mirrored
from tests.engine.course import driven, engine_of
from tests.engine.trader import Trader
from tests.properties.tapes import SEEDS, instruments, market

TURNED = {  # evidence that is a price or has a side; the rest stays
    EXHAUSTION: ("p0", "p1", "run_delta"),
    WALL: ("price",),
    CASCADE: ("move_ticks", "basis_bp"),
}


def prices(values: Any) -> Any:
    return np.where(values == NO_PRICE, values, -values)


def turned_signals(rows: Any) -> Any:
    out = rows.copy()
    out["side"] *= -1
    out["direction"] *= -1
    out["low"], out["high"] = -rows["high"], -rows["low"]
    for kind, turned in TURNED.items():
        for name in turned:
            out["evidence"][rows["kind"] == kind, EVIDENCE_NAMES[kind].index(name)] *= -1
    return out


def as_sets(rows: Any) -> list[tuple[Any, ...]]:
    """Return rows as tuples, sorted within one time of knowing, without the episode's number."""
    names = [n for n in rows.dtype.names if n not in ("episode", "reserved", "evidence")]
    return sorted(
        (
            int(row["ts_known"]),
            *(row[n].item() for n in names),
            *(np.nan_to_num(row["evidence"], nan=1e300) + 0.0).tolist(),
        )
        for row in rows
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mirrored_tape_gives_mirrored_signals_and_commands(seed: int) -> None:
    events = market(seed)
    engine = engine_of(instruments(), [Trader(seed)])
    driven(engine, [events])
    other = engine_of(instruments(), [Trader(seed, mirror=-1)])
    driven(other, [mirrored(events)])

    ours, theirs = engine.journal.commands, other.journal.commands.copy()
    assert (ours["kind"] == PLACE).sum() > 50
    theirs["side"] *= -1
    for name in ("price", "trigger"):
        theirs[name] = np.where(
            np.isin(theirs["kind"], (PLACE, 2)), prices(theirs[name]), theirs[name]
        )
    for name in ours.dtype.names or ():
        np.testing.assert_array_equal(ours[name], theirs[name], name)

    fills = engine.journal.reports[engine.journal.reports["kind"] == FILL]
    mirror = other.journal.reports[other.journal.reports["kind"] == FILL]
    assert fills.size > 20
    for name in ("ts_recv", "ts_venue", "order", "size", "leaves", "flags"):
        np.testing.assert_array_equal(fills[name], mirror[name], name)
    np.testing.assert_array_equal(fills["side"], -mirror["side"])
    np.testing.assert_array_equal(fills["price"], -mirror["price"])

    signals = engine.journal.signals
    assert signals.size > 20
    assert as_sets(signals) == as_sets(turned_signals(other.journal.signals))
