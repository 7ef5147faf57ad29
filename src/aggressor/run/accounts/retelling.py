"""A live run lived through again: its recorded market, and what reached it from its venue.

What a venue answers cannot be simulated, so the REPORTs of the journal are let in where they came:
behind as many events as had been used then; so are the corrections, and the acts of a person and of
the outside. What the engine makes of them is its own.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from aggressor.account.reconcile import Correction
from aggressor.engine.ports import Feed
from aggressor.run.accounts.resume import hear
from aggressor.run.accounts.trading import DISMISS, Trading
from aggressor.run.progress import Step
from aggressor.schema.command import Commands
from aggressor.schema.event import Events, empty_events
from aggressor.schema.report import REPORT, Reports, empty_reports
from aggressor.store.journal import Act
from aggressor.store.journal_reader import Happening

_NO_EVENTS = empty_events(0)
_NO_REPORTS = empty_reports(0)


class Deaf:
    """An Exchange that brings nothing and takes everything: what became of it stands written."""

    def poll(self, limit: int) -> tuple[Events, Reports]:
        """Return nothing."""
        return _NO_EVENTS, _NO_REPORTS

    def take(self, commands: Commands) -> None:
        """Take commands."""


def until_dismissed(happened: Sequence[Happening]) -> tuple[list[Happening], Act | None]:
    """Return what happened before the run failed, and the act that says so, if it did.

    What the run did behind that rests on events that the failed decision had half used.
    """
    for place, one in enumerate(happened):
        if isinstance(one.what, Act) and one.what.level == DISMISS:
            return list(happened[:place]), one.what
    return list(happened), None


def retell(
    trading: Trading,
    feed: Feed,
    happened: Sequence[Happening],
    end: int,
    limit: int,
    step: Step,
) -> None:
    """Use a market up to `end` events, or as far as it goes, with what happened in its places."""
    waiting = deque(happened)
    step("replay", 0.0)
    while True:
        place = waiting[0].events if waiting else end
        while trading.events < place:
            rows = feed.poll(min(limit, place - trading.events))
            if not rows.size:
                return
            trading.use(rows, _NO_REPORTS)
            step("replay", min(1.0, trading.events / end))
        if not waiting:
            return
        _let_in(trading, waiting)


def _let_in(trading: Trading, waiting: "deque[Happening]") -> None:
    """Let the next thing happen; reports of one moment are one."""
    one = waiting.popleft()
    if isinstance(one.what, Act):
        trading.perform(one.what)
        return
    if isinstance(one.what, Correction):
        entered = trading.engine.desk.enter(one.what)
        assert entered, "what was noted had a price"
        return
    rows = [one.what]
    while waiting and _same_moment(one, waiting[0]):
        rows.append(waiting.popleft().what)
    reports = np.array(rows, REPORT)
    if one.corrected:
        hear(trading.engine.desk, reports)
    else:
        trading.use(_NO_EVENTS, reports)


def _same_moment(one: Happening, other: Happening) -> bool:
    return (
        not isinstance(other.what, Act | Correction)
        and (one.events, one.corrected) == (other.events, other.corrected)
        and one.what["ts_recv"] == other.what["ts_recv"]
    )
