"""The strategies of R7 on synthetic markets: split, causality and mirror (R11.J 1, 3).

The same properties as those of the whole engine, with the strategies that decide by signals
instead of one that draws; ungated, so that every setup trades.
"""

import numpy as np
import pytest

from aggressor.engine.engine import Engine
from aggressor.schema.command import AMEND, PLACE
from aggressor.schema.event import NO_PRICE, Events
from aggressor.schema.report import FILL
from aggressor.strategies.gates import Mode
from aggressor.strategies.table import STRATEGIES
from tests.detectors.scene import mirrored
from tests.engine.course import driven, engine_of, outcome, stepped
from tests.properties.tapes import TRADED, instruments, market

MINUTES = 16.0
NAMES = tuple(STRATEGIES)
CHANGES = {"ungated": True, "trade_young": True}


def trading(name: str) -> Engine:
    (one,) = instruments()
    changes = dict(CHANGES)
    if name == "exhaustion_scalp":
        changes["trade_in_watch"] = True
    strategy = STRATEGIES[name].make(one, 0, "micro", Mode.BACKTEST, changes)
    return engine_of([one], [strategy])


def tape() -> Events:
    return market(TRADED, MINUTES)


@pytest.mark.parametrize("name", NAMES)
def test_however_it_is_cut(name: str) -> None:
    engine = trading(name)
    whole = outcome(engine, driven(engine, [tape()]))
    assert engine.journal.placed > 0
    other = trading(name)
    assert outcome(other, stepped(other, [tape()], 997)) == whole


@pytest.mark.parametrize("name", NAMES)
def test_later_events_change_nothing_earlier(name: str) -> None:
    """Another market from some moment on: what was sent and heard before is the same."""
    events, foreign = tape(), market(2, MINUTES)
    whole = trading(name)
    driven(whole, [events])
    sent = whole.journal.commands
    cut_ns = int(sent["ts_send"][sent.size // 2])
    keep = int(np.searchsorted(events["ts_recv"], cut_ns, side="right"))
    later = foreign[foreign["ts_recv"] > cut_ns]
    other = trading(name)
    driven(other, [np.concatenate((events[:keep], later))])
    for rows, stamp in (("commands", "ts_send"), ("reports", "ts_recv")):
        mine, theirs = getattr(other.journal, rows), getattr(whole.journal, rows)
        before = theirs[theirs[stamp] <= cut_ns]
        assert mine[mine[stamp] <= cut_ns].tobytes() == before.tobytes(), rows


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_market_gives_the_mirrored_trades(name: str) -> None:
    engine, other = trading(name), trading(name)
    driven(engine, [tape()])
    driven(other, [mirrored(tape())])
    ours, theirs = engine.journal.commands, other.journal.commands.copy()
    assert (ours["kind"] == PLACE).sum() > 0
    theirs["side"] *= -1
    for field in ("price", "trigger"):
        orders = np.isin(theirs["kind"], (PLACE, AMEND)) & (theirs[field] != NO_PRICE)
        theirs[field] = np.where(orders, -theirs[field], theirs[field])
    for field in ours.dtype.names or ():
        np.testing.assert_array_equal(ours[field], theirs[field], field)
    fills, mirror = (
        one.journal.reports[one.journal.reports["kind"] == FILL] for one in (engine, other)
    )
    np.testing.assert_array_equal(fills["price"], -mirror["price"])
    np.testing.assert_array_equal(fills["size"], mirror["size"])
