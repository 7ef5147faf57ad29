"""A short storm for every venue that has a server; `python -m bench.storm` has the long one."""

import asyncio

from tests.run.live_stage import every_venue_but
from tests.run.storm import storm


@every_venue_but(weex="orders and position do not agree behind it")
def test_behind_a_storm_we_and_the_venue_agree(name: str) -> None:
    outcome = asyncio.run(storm(name, minutes=1.0, least=1, seed=7))
    assert outcome.good, outcome
    assert outcome.orders > 0
    assert outcome.losses > 0
