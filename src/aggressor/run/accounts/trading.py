"""The loop of paper and live: poll, step, seal, take. A replay of it goes the same way.

One `turn` uses what has arrived. Every decision is sealed in the journal before its commands leave;
what comes from outside the engine (a person, a trigger that reads a clock) is an *act*: noted with
how many events and reports had been used, so that a replay does it at the same place. An act pulls
or opens the kill switch (`act`), or gives the desk intents as a strategy would (`want`): they pass
the same checks at the next decision. Whoever wants to look on is the engine's watcher.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import numpy as np

from aggressor.engine.engine import Engine
from aggressor.engine.ports import Exchange
from aggressor.execution.desk import Desk
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Intent
from aggressor.execution.outside import Outside
from aggressor.schema.command import COMMAND, Commands
from aggressor.schema.event import NO_TIME, Events
from aggressor.schema.report import Reports
from aggressor.sim.exchange import SimExchange
from aggressor.store.journal import Act

STOP = -1  # an act: no new risk and no resting entries, without latching the kill switch
WANT = -2  # an act: intents of a person
OUTSIDE = -3  # an act: what only the outside knows (check 14)
ADOPT = -4  # an act: an order of ours was found that the journal does not have
DISMISS = -5  # an act: no strategy is asked any more; one of them may have failed
TURN_EVENTS = 65_536
_LATENCIES_KEPT = 100_000


class Keeper(Protocol):
    """What keeps the decisions of a loop."""

    def seal(self, desk: Desk, events: int = 0) -> None:
        """Keep what was noted, before anything leaves; `events` were used before the reports."""
        ...

    def left(self) -> None:
        """What was sealed has been handed to the exchange."""
        ...

    def note_act(self, act: Act) -> None:
        """Note what came from outside."""
        ...


class Forgetful:
    """A keeper that keeps nothing: for replays."""

    def seal(self, desk: Desk, events: int = 0) -> None:
        """Keep nothing."""

    def left(self) -> None:
        """Mark nothing."""

    def note_act(self, act: Act) -> None:
        """Note nothing."""


class Trading:
    """An engine on an exchange. Times ns; `latencies` from an event's receipt to `take`."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        keeper: Keeper | None = None,
        now: Callable[[], int] | None = None,
    ) -> None:
        self.engine = engine
        self.exchange = exchange
        self.keeper: Keeper = keeper or Forgetful()
        self.events = 0  # used
        self.reports = 0
        self.first_ns = NO_TIME
        self.last_ns = NO_TIME
        self.latencies: deque[int] = deque(maxlen=_LATENCIES_KEPT)
        self.unjudged: deque[int] = deque(maxlen=_LATENCIES_KEPT)  # by the triggers
        self._now = now

    def turn(self, limit: int = TURN_EVENTS) -> int:
        """Use what one poll brings; return how many events and reports there were."""
        market, reports = self.exchange.poll(limit)
        return self.use(market, reports)

    def use(self, market: Events, reports: Reports) -> int:
        """Step through events and reports that were polled; commands leave on the way."""
        before = self.events + self.reports
        while market.size + reports.size:
            step = self.engine.step(market, reports)
            if step.events:
                self.last_ns = int(market[step.events - 1]["ts_recv"])
                if self.first_ns == NO_TIME:
                    self.first_ns = int(market[0]["ts_recv"])
            self.events += step.events
            self.reports += step.reports
            market, reports = market[step.events :], reports[step.reports :]
            self.keeper.seal(self.engine.desk, self.events)
            if step.commands.size:
                if reports.size == 0 and isinstance(self.exchange, SimExchange):
                    self.exchange.unread(market.size)
                    market = market[:0]
                self._send(step.commands)
        return self.events + self.reports - before

    def _send(self, commands: Commands) -> None:
        self.exchange.take(commands)
        self.keeper.left()
        if self._now is not None:
            latency = self._now() - int(commands["ts_send"].max())
            self.latencies.append(latency)
            self.unjudged.append(latency)

    def act(self, level: int, reason: str, ts_ns: int) -> Act:
        """Note and do what came from outside: a level of the kill switch, 0 to open, or STOP."""
        act = Act(ts_ns, self.events, self.reports, level, reason)
        self.keeper.note_act(act)
        self.perform(act)
        self.keeper.seal(self.engine.desk)
        return act

    def want(self, intents: Sequence[Intent], reason: str, ts_ns: int) -> Act:
        """Note and give the desk what a person wants; it is checked at the next decision."""
        return self._give(WANT, list(intents), reason, ts_ns)

    def tell(self, outside: Outside, ts_ns: int) -> Act:
        """Note and give the desk what only the outside knows."""
        return self._give(OUTSIDE, outside, "", ts_ns)

    def _give(self, level: int, what: object, reason: str, ts_ns: int) -> Act:
        text = msgspec.json.encode(what).decode()
        act = Act(ts_ns, self.events, self.reports, level, reason, text)
        self.keeper.note_act(act)
        self.perform(act)
        self.keeper.seal(self.engine.desk)
        return act

    def perform(self, act: Act) -> None:
        """Do an act; its commands come with the next decision."""
        desk = self.engine.desk
        if act.level == WANT:
            self.engine.want(msgspec.json.decode(act.wanted, type=list[Intent]))
        elif act.level == OUTSIDE:
            desk.outside = msgspec.json.decode(act.wanted, type=Outside)
        elif act.level == ADOPT:
            desk.blotter.sent(np.frombuffer(bytes.fromhex(act.wanted), COMMAND)[0])
        elif act.level == DISMISS:
            self.engine.dismiss()
        elif act.level == STOP:
            desk.wind_down(act.reason)
        elif act.level == HaltLevel.OPEN:
            desk.halt.reset(act.reason, act.ts_ns)
        else:
            desk.halt.pull(HaltLevel(act.level), act.reason, act.ts_ns)
