"""The synthetic market as one that a desk can begin again and again."""

from collections.abc import Callable, Sequence

from aggressor.engine.ports import Feed
from aggressor.run.assemble import Settings
from aggressor.run.course import Market
from aggressor.run.slices import FromFeed
from aggressor.sim.synthetic.labels import Label
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.sim.synthetic.presets import demo_config, demo_instrument
from aggressor.store.replay import Replay

SYNTHETIC_HOURS = 4.0
SYNTHETIC_OPENS_S = 330.0  # behind the warm-up: yardsticks are known, the first scenario is near
_ROWS = 1_024  # of a synthetic market at a time: it is made as it is needed


def synthetic_settings(strategy: str) -> Settings:
    """Return what the demo trades with: its profile, its costs, its money."""
    return Settings(
        strategy=strategy,
        profile="micro",
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
        return Replay([FromFeed(feed)], chunk_rows=_ROWS), lambda: feed.labels

    start = config.start_ns
    return Market(
        mode="synthetic",
        title=f"A market that we made ourselves, seed {seed}",
        instruments=(demo_instrument(),),
        feed=begin,
        span_ns=(start, start + int(SYNTHETIC_HOURS * 3600e9)),
        opens_ns=start + int(SYNTHETIC_OPENS_S * 1e9),
        labelled=True,
    )
