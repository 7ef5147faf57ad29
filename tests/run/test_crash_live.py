"""The short form of `crash_live`: a few kills at each venue, on real sockets."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.run.crash_live import crash

LATE_S = 5.0  # this machine may be busy; what an idle one needs is measured by the long form


@pytest.mark.parametrize(
    ("venue", "seed"),
    [("binance-usdm", 5), ("bybit-linear", 6), ("bingx", 7), ("weex", 37), ("mexc", 10)],
)
def test_a_live_runner_is_killed_and_goes_on(tmp_path: Path, venue: str, seed: int) -> None:
    lives: list[Any] = []
    seen = asyncio.run(crash(tmp_path, 3, seed, venue, say=lambda text, **_: lives.append(text)))
    assert seen["kills"] == 3
    assert not [one for one in lives if "trouble" in one], lives
    assert seen["differences"] == [], lives
    assert seen["doubles"] == 0
    assert seen["orders"] > 0
    assert seen["begin_s_max"] is not None
    assert (seen["bare_s_max"] or 0.0) < LATE_S
