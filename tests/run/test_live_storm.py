"""A short storm for every venue that has a server; `python -m bench.storm` has the long one.

When faults meet which request is chance, and the market of a storm wants a processor of its own, so
these run when they are asked for.
"""

import asyncio
import os

import pytest

from tests.run.live_stage import every_venue
from tests.run.storm import storm

pytestmark = pytest.mark.skipif(
    os.environ.get("AGGRESSOR_STORM") != "1",
    reason="set AGGRESSOR_STORM=1 to let storms rage: they want a processor of their own",
)


@every_venue
def test_behind_a_storm_we_and_the_venue_agree(name: str) -> None:
    outcome = asyncio.run(storm(name, minutes=1.0, least=1, seed=7))
    assert outcome.good, outcome
    assert outcome.orders > 0
    assert outcome.losses > 0
