"""Groups of measures: what is asked for is computed as if all were, what is not is refused."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from aggressor.engine.asked import (
    DEPTH,
    EVERYTHING,
    FLOW,
    PROFILE,
    SIGNALS,
    NotComputedError,
    asked_names,
    asked_of,
)
from aggressor.engine.engine import Engine
from aggressor.engine.view import Fees
from aggressor.execution.desk import Desk
from aggressor.run.assemble import asked_by, pipeline_of
from aggressor.schema.errors import ConfigError
from aggressor.state import State
from aggressor.strategies.own import OwnStrategy
from tests.engine.course import driven
from tests.engine.trader import FREE
from tests.properties.tapes import instruments, market

ALWAYS = ("market", "contract", "pressure", "window", "footprint", "volatility")
PARTS = {
    FLOW: ("prints", "sizes", "speed", "vpin", "impact", "fade", "forced"),
    DEPTH: ("walls", "near_depth", "depth_flow", "resilience"),
    PROFILE: ("session", "locations", "auction", "swings", "bias"),
    SIGNALS: ("absorption", "iceberg", "cascade", "liquidity", "zones", "stop_run"),
}


class Quiet:
    def decide(self, view: Any) -> None:
        """Want nothing."""


class Modest(Quiet):
    needs = ("depth",)


def ran(asked: int) -> Engine:
    (one,) = instruments()[:1]
    engine = Engine(
        [one], pipeline_of([one], "micro", asked=asked), [], Desk([one], FREE), Fees(2.0, 5.0)
    )
    driven(engine, [market(1, 3.0)])
    engine.views[0].move(engine.pipeline, engine.now_ns, (), ())
    return engine


@pytest.fixture(scope="module")
def whole() -> Engine:
    return ran(EVERYTHING)


def arrays(part: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(part, State):
        return [found for field in part for found in arrays(field)]
    return [part]


def same(one: Engine, other: Engine, names: Sequence[str]) -> bool:
    return all(
        left.tobytes() == right.tobytes()
        for name in names
        for left, right in zip(
            arrays(getattr(one.pipeline, name)), arrays(getattr(other.pipeline, name)), strict=True
        )
    )


@pytest.mark.parametrize("names", [(), ("flow",), ("depth",), ("profile",), ("depth", "profile")])
def test_what_is_asked_for_is_the_same_to_the_bit(names: Sequence[str], whole: Engine) -> None:
    asked = asked_of(names)
    part = ran(asked)
    assert same(part, whole, ALWAYS)
    for group, parts in PARTS.items():
        for name in parts:
            assert same(part, whole, (name,)) or not asked & group, name
    assert part.journal.signal_count == 0
    assert whole.journal.signal_count > 0


def test_what_is_left_out_is_refused_not_zero(whole: Engine) -> None:
    view = ran(0).views[0]
    for name in ("signals", "walls", "walls_gone", "node_edges", "bias", "cascade", "liquidity"):
        with pytest.raises(NotComputedError, match=f"`{name}` is not computed in this run"):
            getattr(view, name)
        getattr(whole.views[0], name)
    for read in (lambda v: v.depth_share(1), lambda v: v.mid2_at(0)):
        with pytest.raises(NotComputedError, match="Name '"):
            read(view)
    assert view.valid
    assert view.volume_1m == whole.views[0].volume_1m


def test_groups_come_with_what_they_rest_on() -> None:
    assert asked_of(()) == 0
    assert asked_of(("depth",)) == DEPTH | FLOW
    assert asked_of(("signals",)) == EVERYTHING
    assert asked_names(EVERYTHING) == ("flow", "depth", "profile", "signals")
    with pytest.raises(ConfigError, match="no group of measures 'walls'"):
        asked_of(("walls",))


def test_who_does_not_say_gets_everything() -> None:
    one = instruments()[0]
    quiet, modest = OwnStrategy(one, 0, Quiet()), OwnStrategy(one, 0, Modest())
    assert asked_by([]) == asked_by([quiet]) == asked_by([modest, quiet]) == EVERYTHING
    assert asked_by([modest]) == DEPTH | FLOW
