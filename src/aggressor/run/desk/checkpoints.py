"""Checkpoints of a course: where a jump back may begin instead of at the beginning.

A checkpoint is the whole course, copied, and the frames that it has told, so that going on from it
tells a browser, byte for byte, what a run from the beginning would. One is taken every so often in
market time; when they no longer fit, every second one goes and the distance doubles. So memory is
bounded and a jump back costs at most one distance.

A jump makes heat columns of its last ten minutes. A checkpoint therefore lies before those, and
the columns told until then are forgotten; or it holds every column of a market that has not lasted
ten minutes yet. What a person does changes the course and not the market: a course that was acted
on leaves no checkpoint. A feed that cannot be copied is begun again and read up to the place.
"""

from collections.abc import Sequence
from copy import Error
from typing import Any, NamedTuple

import numpy as np

from aggressor.run.desk.course import COLUMNS_NS, Course
from aggressor.schema.event import NO_TIME
from aggressor.state import State
from aggressor.web.hub import Hub, Kept
from aggressor.web.protocol import Kind

EVERY_NS = 60_000_000_000
BYTES_MAX = 600_000_000
_SPARE = 1.25  # of the arrays of the pipeline: what else a course holds


class Checkpoint(NamedTuple):
    """A course as it stood; `told`: states of the labels that were told."""

    now_ns: int
    course: Course
    frames: Kept
    told: Sequence[int]
    whole: bool  # every column since the market began is among the frames


class Checkpoints:
    """Those of one market, oldest first."""

    def __init__(self, start_ns: int, *, every_ns: int = EVERY_NS, room: int | None = None) -> None:
        """`start_ns`: of the market; `room`: how many are kept, by their size where None."""
        self.kept: list[Checkpoint] = []
        self.every_ns = every_ns
        self._start_ns = start_ns
        self._room = room
        self._off = False

    def consider(self, course: Course, hub: Hub, told: Sequence[int]) -> None:
        """Take a checkpoint where it is time for one."""
        newest = self.kept[-1].now_ns if self.kept else self._start_ns
        if self._off or course.touched or course.now_ns == NO_TIME:
            return
        if course.now_ns < newest + self.every_ns:
            return
        try:
            copied = course.copied(Hub())
        except (TypeError, NotImplementedError, Error):
            self._off = True  # a strategy that holds what cannot be copied: jumps begin anew
            return
        without = () if course.columns_whole else (Kind.HEAT,)
        if not course.columns_whole:
            copied.picture.forget_columns()
        frames = hub.kept(without)
        self.kept.append(
            Checkpoint(course.now_ns, copied, frames, tuple(told), course.columns_whole)
        )
        if self._room is None:
            size = _bytes_of(course.engine.pipeline) * _SPARE
            self._room = max(2, int(BYTES_MAX // size))
        if len(self.kept) > self._room:
            del self.kept[::2]
            self.every_ns *= 2

    def before(self, to_ns: int) -> Checkpoint | None:
        """Return the newest from which a jump to a moment may begin; None: from the beginning."""
        first_column_ns = to_ns - COLUMNS_NS
        for one in reversed(self.kept):
            if one.now_ns > to_ns:
                continue
            if one.now_ns <= first_column_ns and not one.whole:
                return one
            if one.whole and first_column_ns <= self._start_ns:
                return one
        return None


def _bytes_of(state: State) -> int:
    """Return the bytes of all arrays of a state and of those within it."""
    fields: list[Any] = [getattr(state, name) for name in state.__struct_fields__]
    return sum(one.nbytes if isinstance(one, np.ndarray) else _bytes_of(one) for one in fields)


def resumed(one: Checkpoint, hub: Hub) -> Course:
    """Return a course that goes on where a checkpoint stands, telling a hub that was restarted."""
    hub.refill(one.frames)
    return one.course.copied(hub)
