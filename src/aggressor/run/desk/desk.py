"""`aggressor desk`: a market on the screen of a browser, with time to go and orders to give.

    browser --> commands --> Desk.do --> time of the replay | an act of the run (`desk_acts`)
    Course: market -> engine -> picture -> hub --> browser

One process, one loop. The engine runs in slices of some milliseconds and sockets are served in
between; a browser that does not read waits by itself.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aggressor.execution.desk import DeskRule
from aggressor.run.accounts.trading import Trading
from aggressor.run.assemble import Settings
from aggressor.run.desk.acts import DONE, Acts, Answer, refused
from aggressor.run.desk.checkpoints import Checkpoint, Checkpoints, resumed
from aggressor.run.desk.course import COLUMNS_NS, Course, Market
from aggressor.run.desk.hand import Hand
from aggressor.run.desk.time import DeskTime
from aggressor.schema.command import empty_commands
from aggressor.schema.event import NO_TIME, empty_events
from aggressor.sim.exchange import SimExchange
from aggressor.sim.synthetic.labels import Label
from aggressor.store.replay import TIMER_NS, replay_of
from aggressor.web import commands
from aggressor.web.hub import Hub
from aggressor.web.protocol import Kind, json_frame
from aggressor.web.server import Visitor
from aggressor.web.words import hello, label_document

TICK_S = 1 / 60
SLICE_S = 0.012  # of the engine, between two turns of the sockets
SEEK_S = 0.05
_FIRST_NS = 2_000_000_000  # of a market, run while the desk is made
MS = 1_000_000  # how exactly a browser may name the ends of a span
MINUTE_NS = 60_000_000_000


class DeskPlan(NamedTuple):
    """What a desk is to be."""

    settings: Settings
    rule: DeskRule | None = None
    read_only: bool = False
    playing: bool = True


def greeting(
    market: Market, plan: DeskPlan, row_ticks: Sequence[int | None] = ()
) -> dict[str, Any]:
    """Return what a browser is told first; rows of a footprint where they are known."""
    instruments = market.instruments
    return hello(
        instruments,
        mode=market.mode,
        title=market.title,
        read_only=plan.read_only,
        abilities={"orders": not plan.read_only, "pace": True, "seek": True, "step": True},
        span_ns=market.span_ns,
        strategy=plan.settings.strategy or None,
        account={
            "currency": instruments[0].settle or instruments[0].quote,
            "equity": plan.settings.equity,
            "paper": True,
        },
        row_ticks=list(row_ticks) or [None] * len(instruments),
        heat_ms=TIMER_NS / 1e6,
        bar_ns=MINUTE_NS,
    )


class Desk(Acts):
    """A desk over a market that can be begun again: a replay, a synthetic market."""

    def __init__(self, market: Market, plan: DeskPlan) -> None:
        super().__init__(Hub(), len(market.instruments), read_only=plan.read_only)
        self.market = market
        self.plan = plan
        self.time = DeskTime()
        self.checkpoints = Checkpoints(market.span_ns[0])
        self.course = self._begun()
        self.hand = Hand(self.course.engine)
        self._told: list[int] = []  # states of the labels that were told
        self._play_behind_seek = plan.playing
        self.hub.greet(self._hello())
        self._sought(market.opens_ns)

    def _begun(self) -> Course:
        return Course(self.market, self.plan.settings, self.hub, self._more, self.plan.rule)

    def _hello(self) -> dict[str, Any]:
        rows = [lane.bars.row_ticks for lane in self.course.picture.lanes]
        return greeting(self.market, self.plan, rows)

    def _more(self) -> dict[str, Any]:
        course = self.course
        return {"clock": self.time.document(course.now_ns, at_end=course.at_end)}

    def use(self, hub: Hub) -> None:
        """Tell what is new to another hub, that has adopted the one before."""
        self.hub = self.course.picture.hub = hub

    # -- running ---------------------------------------------------------------------------------

    async def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Go on until `until` says so or the task is cancelled."""
        while not until():
            began = time.monotonic()
            self.turn(began)
            rest = 0.0 if self.time.seeking_ns is not None else TICK_S
            await asyncio.sleep(max(0.0, began + rest - time.monotonic()))

    def turn(self, wall_s: float) -> None:
        """Let the engine go as far as its time has come, and tell what is new."""
        if self.time.seeking_ns is not None:
            self._seek_on(wall_s)
        elif self.time.playing:
            self._play_on(wall_s)
        self.follow()
        self._tell_labels()
        self.checkpoints.consider(self.course, self.hub, self._told)
        self.course.picture.moment(wall_s)
        self.hub.wake()

    def _play_on(self, wall_s: float) -> None:
        arrived = self.course.run_to(self.time.target(wall_s), time.monotonic() + SLICE_S)
        if arrived:
            self.time.behind_ns = 0
        else:
            self.time.fell_short(self.course.now_ns, wall_s)
        if self.course.at_end:
            self.time.pause()

    def _seek_on(self, wall_s: float) -> None:
        to_ns = self.time.seeking_ns
        assert to_ns is not None, "nothing is sought"
        stop_s = time.monotonic() + SEEK_S
        if self.course.run_to(to_ns, stop_s, self.time.columns_from_ns) or self.course.at_end:
            self.time.arrived(to_ns, time.monotonic())
            self.hub.greet(self._hello())
            self.course.picture.moment(wall_s, always=True)
            if self._play_behind_seek and not self.course.at_end:
                self.time.play(to_ns, time.monotonic())

    def do(self, visitor: Visitor, command: commands.Command) -> Answer:
        """Do what a browser asks for, or say why not."""
        answer = super().do(visitor, command)
        acted = isinstance(command, commands.Acting | commands.Kill)
        self.course.touched |= acted and answer["ok"]
        return answer

    def _tell_labels(self) -> None:
        """Tell what was injected when its time begins, and again when it is over."""
        if not self.market.labelled or self.course.now_ns == NO_TIME:
            return
        labels: list[Label] = list(self.course.labels())
        now = self.course.now_ns
        self._told += [0] * (len(labels) - len(self._told))
        for number, label in enumerate(labels):
            state = (now >= label.start_ns) + (now >= label.stop_ns)
            if state > self._told[number]:
                self._told[number] = state
                content = label_document(label, number, over=state == 2)
                self.hub.publish(json_frame(Kind.LABEL, 0, now, content))

    # -- what acts stand on ----------------------------------------------------------------------

    @property
    def trading(self) -> Trading:
        """The loop that acts go to."""
        return self.course.trading

    @property
    def now_ns(self) -> int | None:
        """The time of an act: that of the market; None before its first event."""
        return None if self.course.now_ns == NO_TIME else self.course.now_ns

    @property
    def busy(self) -> str:
        """Why no order is taken now; empty where one is."""
        return "The desk is on its way to another moment." if self.time.seeking_ns else ""

    @property
    def note(self) -> str:
        """What one who orders should know."""
        return "" if self.time.playing else "time stands still: it is taken when it goes on"

    # -- the time of a replay --------------------------------------------------------------------

    def navigate(self, command: commands.Navigation) -> Answer:
        """Move the time of the replay."""
        now, wall = self.course.now_ns, time.monotonic()
        if isinstance(command, commands.Seek):
            return self._seek(command)
        if isinstance(command, commands.Pace):
            self.time.pace(command.speed, now, wall)
            return DONE
        if self.time.seeking_ns is not None:
            self._play_behind_seek = isinstance(command, commands.Play)
            return DONE
        if isinstance(command, commands.Play):
            if self.course.at_end:
                return refused("The market is over: go back to an earlier moment.")
            self.time.play(now, wall)
        elif isinstance(command, commands.Pause):
            self.time.pause()
        else:
            return self._step(command, wall)
        return DONE

    def _step(self, command: commands.Step, wall_s: float) -> Answer:
        if self.time.playing:
            return refused("Time runs: pause it first.")
        used = self.course.step(command.events)
        self.course.picture.moment(wall_s, always=True)
        self.hub.wake()
        return DONE | {"events": used} if used else refused("The market is over.")

    def _seek(self, command: commands.Seek) -> Answer:
        first, last = self.market.span_ns
        if command.signal is not None:
            if command.lane >= len(self.market.instruments):
                return refused(f"There is no lane {command.lane}.")
            found = self.course.picture.signal_ns(command.lane, command.signal)
            if found is None:
                return refused("That signal is not kept any more.")
            to_ns = found
        else:
            assert command.to_ms is not None, "checked when it was read"
            to_ns = round(command.to_ms * 1e6)
        if not first - MS <= to_ns <= last + MS:
            return refused("That moment is outside of what can be shown.")
        to_ns = last if to_ns > last - MS else max(first, to_ns)
        self._play_behind_seek = self.time.playing or (
            self.time.seeking_ns is not None and self._play_behind_seek
        )
        self._sought(to_ns)
        return DONE

    def _sought(self, to_ns: int) -> None:
        """Go to a moment: on from here, or where it lies behind from a checkpoint before it."""
        now = self.course.now_ns
        if now != NO_TIME and to_ns < now:
            why = "gone back to an earlier moment: orders given by hand are gone"
            self._begin_anew(why, self.checkpoints.before(to_ns))
        self.time.pause()
        start = self.course.now_ns if self.course.now_ns != NO_TIME else self.market.span_ns[0]
        self.time.seek(to_ns, start, COLUMNS_NS)

    def _begin_anew(self, why: str, place: Checkpoint | None) -> None:
        self.hub.restart(why, self._hello())
        self.course = self._begun() if place is None else resumed(place, self.hub)
        gc.collect()  # a course is large and stands in circles: the one before goes now
        self.hand = Hand(self.course.engine)
        self._told = [] if place is None else list(place.told)
        self.hub.greet(self._hello())


def ready(market: Market, plan: DeskPlan) -> Desk:
    """Return a desk whose kernels are compiled: it has run and shown its first moments."""
    desk = Desk(market, plan)
    desk.course.run_to(market.span_ns[0] + _FIRST_NS, time.monotonic() + SEEK_S)
    desk.course.picture.moment(0.0, always=True)
    view, instruments = desk.course.engine.views[0], list(market.instruments)
    view.move(desk.course.engine.pipeline, desk.course.now_ns, (), ())
    for read in (view.cost_to_trade, view.largest_level):
        read(1, 1)
    for measure in ("weighted_mid", "top_depth", "taker_rates"):
        getattr(view, measure)
    SimExchange(replay_of([empty_events(0)]), instruments[:1]).take(empty_commands(1))
    return desk
