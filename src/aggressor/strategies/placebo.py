"""The placebo of R10.3: a strategy's entries at moments that know nothing, with its own exits.

The null is "timing carries no information". There are two ways to such moments:

    shifted   the moments at which the strategy decided, all moved along the tape by the same span,
              circularly, so that their clustering stays. At each the same setup is followed as if
              it had just happened there: its prices are moved by as much as the mid has moved, its
              sides stay
    random    where it decided on nothing: moments and sides by chance, setups made up around the
              touch (`SetupStrategy.invent`)

No signal is heard and no gate is asked; entry, stop, targets, and every exit are the strategy's.

A moment that finds a trade under way or no valid book waits for the end of that, up to a minute;
then it is dropped and counted.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from aggressor.execution.intent import Intent
from aggressor.strategies.evidence import EvidenceBook
from aggressor.strategies.facing import Facing
from aggressor.strategies.needs import StrategyView
from aggressor.strategies.setup_strategy import SetupStrategy, Taken

WAKE_NS = 61_000_000_000  # a bar closes each minute: the next moment is near before that
LATE_NS = 60_000_000_000


class Moment(NamedTuple):
    """When to enter, and on what: a setup that was, or one to be made up facing `up`."""

    ts_ns: int
    up: int
    taken: Taken | None = None


def shifted(taken: Sequence[Taken], start_ns: int, stop_ns: int, shift_ns: int) -> list[Moment]:
    """Return setups with their moments moved by `shift_ns`, round the end of [start, stop)."""
    span = stop_ns - start_ns
    assert span > 0
    moments = (
        Moment(start_ns + (one.ts_ns - start_ns + shift_ns) % span, one.setup.up, one)
        for one in taken
    )
    return sorted(moments, key=lambda one: one.ts_ns)


def random_moments(
    count: int, start_ns: int, stop_ns: int, chance: np.random.Generator
) -> list[Moment]:
    """Return moments in [start, stop) and sides by chance, in order of time."""
    times = np.sort(chance.integers(start_ns, stop_ns, count)).tolist()
    return [Moment(ts, int(chance.choice((1, -1)))) for ts in times]


class Placebo:
    """A strategy that enters at given moments and hears nothing."""

    def __init__(self, strategy: SetupStrategy[Any, Any], script: Sequence[Moment]) -> None:
        strategy.deaf = True
        self._strategy = strategy
        self._script = deque(script)
        self._now = 0
        self.dropped = 0

    @property
    def evidence(self) -> EvidenceBook:
        """Decisions and trades."""
        return self._strategy.evidence

    @property
    def evidence_by(self) -> dict[int, EvidenceBook]:
        """Its evidence by the instrument it trades."""
        return self._strategy.evidence_by

    @property
    def waiting(self) -> bool:
        """Whether a moment is near, or the strategy wants TIMERs."""
        near = bool(self._script) and self._script[0].ts_ns - self._now < WAKE_NS
        return near or self._strategy.waiting

    def decide(self, view: StrategyView) -> Sequence[Intent]:
        """Follow the next setup when its moment has come; the rest is the strategy's."""
        self._now = view.now_ns
        while self._script and view.now_ns - self._script[0].ts_ns > LATE_NS:
            self._script.popleft()
            self.dropped += 1
        if self._script and view.now_ns >= self._script[0].ts_ns:
            if view.trade is None and view.valid and not view.position:
                self._adopt(self._script.popleft(), view)
        return self._strategy.decide(view)

    def _adopt(self, moment: Moment, view: StrategyView) -> None:
        if moment.taken is None:
            self._strategy.adopt(self._strategy.invent(Facing(view, moment.up)))
            return
        ticks = round(moment.up * (view.mid2 - moment.taken.mid2) / 2)
        self._strategy.adopt(moment.taken.setup.moved(ticks, view.now_ns))
