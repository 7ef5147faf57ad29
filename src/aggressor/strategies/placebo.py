"""The placebo of R10.3: a strategy's own setups at moments that know nothing, with its own exits.

The null is "timing carries no information". The moments at which a strategy decided are shifted
along the tape, all by the same span and circularly, so that their clustering stays; at each the
same setup is followed as if it had just happened there: its prices are moved by as much as the mid
has moved, its sizes and sides stay, no signal is heard and no gate is asked. Entry, stop, targets,
and every exit are the strategy's.

A moment that finds a trade under way or no valid book waits for the end of that, up to a minute;
then it is dropped and counted.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

from aggressor.execution.intent import Intent
from aggressor.strategies.evidence import EvidenceBook
from aggressor.strategies.needs import StrategyView
from aggressor.strategies.setup_strategy import SetupStrategy, Taken

WAKE_NS = 61_000_000_000  # a bar closes each minute: the next moment is near before that
LATE_NS = 60_000_000_000


def shifted(taken: Sequence[Taken], start_ns: int, stop_ns: int, shift_ns: int) -> list[Taken]:
    """Return setups with their moments moved by `shift_ns`, round the end of [start, stop)."""
    span = stop_ns - start_ns
    assert span > 0
    moved = (
        one._replace(ts_ns=start_ns + (one.ts_ns - start_ns + shift_ns) % span) for one in taken
    )
    return sorted(moved, key=lambda one: one.ts_ns)


class Placebo:
    """A strategy that enters the setups of a script and hears nothing."""

    def __init__(self, strategy: SetupStrategy[Any, Any], script: Sequence[Taken]) -> None:
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
                one = self._script.popleft()
                up = one.setup.up
                ticks = round(up * (view.mid2 - one.mid2) / 2)
                here = one.setup.moved(ticks, view.now_ns)
                self._strategy.adopt(here)
        return self._strategy.decide(view)
