"""Check 3 and the kill switch believe a book as the market layer does: silence that is usual in a
market is no reason, a book that is stale is one, and a person may ask for less than either."""

from collections.abc import Sequence

import msgspec
import numpy as np
import pytest

from aggressor.engine.engine import NO_REPORTS, Engine
from aggressor.engine.pipeline import new_pipeline
from aggressor.engine.view import Fees, View
from aggressor.execution.desk import Desk
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Action, Intent, Placement, Policy, Protection
from aggressor.execution.triggers import TriggerRule
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.schema.command import PLACE
from aggressor.schema.event import LEVEL
from tests.detectors.scene import ASK, BID, CONTRACT, STEP_NS, Scene
from tests.engine.trader import FREE

SECOND = 1_000_000_000
USUAL_S = 8  # between two messages of the book


class Asks:
    """Wants to enter at every decision of the last step."""

    waiting = True

    def __init__(self, from_ns: int) -> None:
        self.from_ns = from_ns
        self.ages: list[int] = []

    def decide(self, view: View) -> Sequence[Intent]:
        if view.now_ns < self.from_ns or view.trade is not None:
            return []
        self.ages.append(view.book_age_ns)
        one = Intent(
            action=Action.ENTER, instrument=0, strategy=1, parent=len(self.ages), side=1, lots=1,
            placement=Placement(policy=Policy.JOIN, wait_ns=SECOND, repeg_ns=SECOND, chase_ticks=3),
            protection=Protection(stop=BID - 20, targets=()),
        )  # fmt: skip
        return [one]


def thin_market() -> Scene:
    """Five minutes of a book that says something every eight seconds."""
    scene = Scene(beats=False)
    for n in range(300 // USUAL_S):
        scene.level(1, BID, 20 + n % 2)
        scene.tick(10 * USUAL_S)
    scene.level(1, BID, 20)
    scene.tick()
    return scene


def asked(scene: Scene, age_max_ns: int | None = None, held: int = 0) -> tuple[Engine, Asks]:
    """Run a scene; a strategy wants to enter at its last step.

    `held` lots are bought when the book speaks for the last time.
    """
    strategy = Asks(scene.timer_ns - STEP_NS)
    bounds = {} if age_max_ns is None else {"book_age_ns_max": age_max_ns}
    limits = msgspec.structs.replace(FREE.default, **bounds)
    desk = Desk([CONTRACT], msgspec.structs.replace(FREE, default=limits, triggers=TriggerRule()))
    desk.books.deposit("USD", 10**6 * 10**8)
    pipeline = new_pipeline([CONTRACT], [BarSeries(0, bar_spec("1m", CONTRACT))])
    engine = Engine([CONTRACT], pipeline, [(0, strategy)], desk, Fees(2.0, 5.0))
    pipeline.head[0]["timers_decide"] = 1
    events = scene.events()
    last_message = int(np.flatnonzero(events["kind"] == LEVEL)[-1])
    for part in (events[:last_message], events[last_message:]):
        while part.size:
            part = part[engine.step(part, NO_REPORTS).events :]
        if held:
            desk.books.fill(0, 1, BID, held, 0, 0)
            held = 0
    return engine, strategy


def refusals(engine: Engine) -> list[tuple[int, str]]:
    return [(one.check, one.reason) for one in engine.desk.refusals]


def test_silence_that_is_usual_refuses_nothing() -> None:
    scene = thin_market()
    scene.tick(10 * USUAL_S - 5)
    engine, strategy = asked(scene)
    assert strategy.ages[-1] > 7 * SECOND
    assert engine.journal.commands["kind"].tolist() == [PLACE]
    assert not refusals(engine)


def test_a_person_may_ask_for_a_younger_book() -> None:
    scene = thin_market()
    scene.tick(10 * USUAL_S - 5)
    engine, strategy = asked(scene, 3 * SECOND)
    assert engine.journal.commands.size == 0
    assert refusals(engine) == [
        (3, f"the book is {strategy.ages[-1]} ns old, more than 3000000000")
    ]


def test_a_trade_that_the_book_did_not_answer_refuses() -> None:
    scene = thin_market()
    scene.tick(10)
    scene.trade(ASK, 1, 1)
    scene.tick(22)
    engine, strategy = asked(scene)
    assert strategy.ages[-1] < 4 * SECOND
    assert engine.journal.commands.size == 0
    assert strategy.ages


def test_silence_beyond_what_is_usual_refuses() -> None:
    scene = thin_market()
    scene.tick(10 * 5 * USUAL_S + 5)
    engine, strategy = asked(scene)
    assert engine.journal.commands.size == 0
    assert strategy.ages


@pytest.mark.parametrize(("silent_s", "level"), [(30, HaltLevel.OPEN), (47, HaltLevel.FLATTEN)])
def test_the_kill_switch_waits_as_long(silent_s: int, level: HaltLevel) -> None:
    """Silent beyond 5 x 8 s it is stale, and five seconds later nothing may be held."""
    scene = thin_market()
    scene.tick(10 * silent_s)
    engine, _ = asked(scene, held=3)
    assert engine.desk.halt.level is level
