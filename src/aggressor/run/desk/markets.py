"""The synthetic market as one that a desk can begin again and again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aggressor.engine.ports import Feed
from aggressor.run.assemble import Settings
from aggressor.run.desk.course import Market
from aggressor.schema.event import Events, empty_events
from aggressor.sim.synthetic.labels import Label
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.sim.synthetic.presets import demo_config, demo_instrument
from aggressor.store.replay import Replay

SYNTHETIC_HOURS = 4.0
SYNTHETIC_PROFILE = "micro"
SYNTHETIC_OPENS_S = 330.0  # behind the warm-up: yardsticks are known, the first scenario is near
AHEAD_NS = 120_000_000_000  # the market is made so far ahead: longer than a scenario lasts
_ROWS = 1_024


class Ahead:
    """A source of a made market that runs ahead of what it hands out.

    What is injected is only known when it is over; so it is known when its beginning is shown.
    """

    def __init__(self, feed: SyntheticFeed, ahead_ns: int = AHEAD_NS) -> None:
        self._feed = feed
        self._ahead_ns = ahead_ns
        self._rows = empty_events(0)
        self._ended = False

    def read(self, limit: int) -> Events:
        """Return up to `limit` next rows; an empty array at the end."""
        while not self._ended and not self._ready:
            fresh = self._feed.poll(_ROWS)
            self._ended = not fresh.size
            self._rows = np.concatenate((self._rows, fresh))
        given, self._rows = self._rows[:limit], self._rows[limit:]
        return given

    def labels(self) -> Sequence[Label]:
        """Return what is known to have been injected."""
        return self._feed.labels

    @property
    def _ready(self) -> bool:
        """Whether a whole chunk lies far enough behind the newest row."""
        times = self._rows["ts_recv"]
        place = min(_ROWS, times.size) - 1
        return place >= 0 and int(times[-1]) - int(times[place]) >= self._ahead_ns


def synthetic_settings(
    strategy: str, thresholds: dict[str, dict[str, Any]] | None = None
) -> Settings:
    """Return what the demo trades with: its profile, its costs, its money."""
    return Settings(
        strategy=strategy,
        profile=SYNTHETIC_PROFILE,
        thresholds=thresholds or {},
        maker_bp=0.5,
        taker_bp=2.0,
        equity=100_000.0,
        rule={"trade_in_watch": True} if strategy == "exhaustion_scalp" else {},
    )


def synthetic_market(seed: int) -> Market:
    """Return the demo's market with its labels, for some hours."""
    config = demo_config(seed)

    def begin() -> tuple[Feed, Callable[[], Sequence[Label]]]:
        feed = SyntheticFeed(config, SYNTHETIC_HOURS * 3600)
        ahead = Ahead(feed)
        return Replay([ahead], chunk_rows=_ROWS), ahead.labels

    start = config.start_ns
    return Market(
        mode="synthetic",
        title=f"A market that we made ourselves, seed {seed}",
        instruments=(demo_instrument(),),
        feed=begin,
        span_ns=(start, start + int(SYNTHETIC_HOURS * 3600e9)),
        opens_ns=start + int(SYNTHETIC_OPENS_S * 1e9),
        labelled=True,
        copied=True,
    )
