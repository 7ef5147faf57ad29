"""The reference run of R11.I, the sign memory of R11.C, the stylised facts of R11 row 10, the null.

Seeds are fixed; the tolerances say what a run of this length can show.
"""

import numpy as np
import pytest

from aggressor.schema.event import LEVEL, QUOTE, TRADE
from aggressor.sim.synthetic.config import MarketConfig, lively
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.sim.synthetic.presets import NULLS, martingale_null

REFERENCE_S = 20_000


def streamed(feed, *kinds):
    kept = {kind: [] for kind in kinds}
    while (events := feed.poll(1 << 20)).size:
        for kind in kinds:
            kept[kind].append(events[events["kind"] == kind])
    return [np.concatenate(kept[kind]) for kind in kinds]


class Touch:
    """Best prices and lots over time, from QUOTE rows; mid in ticks, time in s from the start."""

    def __init__(self, quotes, start_ns, duration_s):
        bids, asks = quotes[0::2], quotes[1::2]
        self.time = (bids["ts_venue"] - start_ns) / 1e9
        self.lasts = np.diff(np.append(self.time, duration_s))
        self.spread = asks["price"].astype(int) - bids["price"]
        self.mid = (asks["price"].astype(int) + bids["price"]) / 2
        self.imbalance = (bids["size"] - asks["size"]) / (bids["size"] + asks["size"])
        self.duration_s = duration_s

    def changes(self, horizon_s):
        grid = np.arange(self.time[0], self.duration_s, horizon_s)
        return np.diff(self.mid[np.searchsorted(self.time, grid, "right") - 1])


def correlation(values, lag):
    values = values - values.mean()
    return (values[lag:] * values[:-lag]).mean() / values.var()


def kurtosis(values):
    values = values - values.mean()
    return (values**4).mean() / values.var() ** 2


@pytest.fixture(scope="module")
def reference():
    config = MarketConfig(seed=2, quotes=True, pulse_ms=100, depth_interval_ms=10_000)
    feed = SyntheticFeed(config, REFERENCE_S)
    (quotes,) = streamed(feed, QUOTE)
    return Touch(quotes, config.start_ns, REFERENCE_S), feed.counts


def test_reference_rates_and_spread(reference):
    touch, counts = reference
    rate = (counts["added"] + counts["taken"] + counts["cancelled"]) / REFERENCE_S
    assert rate == pytest.approx(70.7, rel=0.05)
    weight = touch.lasts / touch.lasts.sum()
    assert (touch.spread * weight).sum() == pytest.approx(1.359, rel=0.05)
    assert weight[touch.spread == 1].sum() == pytest.approx(0.740, rel=0.05)


@pytest.mark.parametrize(
    ("horizon_s", "variance", "tolerance"),
    [
        (1, 1.094, 0.05),
        (2, 1.030, 0.05),
        (5, 0.977, 0.06),
        (10, 0.966, 0.10),
        (30, 0.947, 0.17),
        (60, 0.954, 0.24),
        (120, 0.946, 0.33),
    ],
)
def test_reference_mid_variance(reference, horizon_s, variance, tolerance):
    # A variance from n changes is known to 3 sqrt(2/n): n is 667 at 30 s and 167 at 120 s.
    touch, _ = reference
    measured = touch.changes(horizon_s).var() / horizon_s
    assert measured == pytest.approx(variance, rel=tolerance)


def test_reference_mean_reversion(reference):
    touch, _ = reference
    assert correlation(touch.changes(1), 1) == pytest.approx(-0.058, abs=0.02)


def test_reference_next_move_by_imbalance(reference):
    touch, _ = reference
    moves = np.flatnonzero(np.diff(touch.mid)) + 1
    following = np.searchsorted(moves, np.arange(touch.mid.size), "right")
    usable = (following < moves.size) & (touch.spread == 1)
    rising = touch.mid[moves[following[usable]]] > touch.mid[usable]
    fifth = np.digitize(touch.imbalance[usable], [-0.6, -0.2, 0.2, 0.6])
    weight = touch.lasts[usable]
    shares = [np.average(rising[fifth == i], weights=weight[fifth == i]) for i in range(5)]
    assert shares == pytest.approx([0.17, 0.30, 0.48, 0.65, 0.80], abs=0.025)


def taker_signs(config, duration_s):
    (trades,) = streamed(SyntheticFeed(config, duration_s), TRADE)
    first = np.diff(trades["ts_venue"], prepend=0) > 0
    return trades["side"][first].astype(float)


def test_constant_metaorders_give_a_triangular_sign_memory():
    config = MarketConfig(seed=4, rate=20, pulse_ms=100, metaorder_share=1, metaorder_length=10)
    signs = taker_signs(config, 1500)
    measured = [correlation(signs, lag) for lag in (1, 5, 9, 10, 15)]
    assert measured == pytest.approx([0.9, 0.5, 0.1, 0.0, 0.0], abs=0.03)


def test_pareto_metaorders_give_a_long_sign_memory():
    config = MarketConfig(seed=4, rate=20, pulse_ms=100, metaorder_share=1, reach=5)
    signs = taker_signs(config, 4000)
    lags = np.array([2, 4, 8, 16, 32])
    memory = np.array([correlation(signs, lag) for lag in lags])
    slope = np.polyfit(np.log(lags), np.log(memory), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.2)


def test_stylised_facts_with_the_switches_on():
    config = lively(MarketConfig(seed=1, rate=2.0, quotes=True, depth_interval_ms=10_000))
    quotes, trades = streamed(SyntheticFeed(config, REFERENCE_S), QUOTE, TRADE)
    touch = Touch(quotes, config.start_ns, REFERENCE_S)
    second, ten, minute = (touch.changes(horizon) for horizon in (1, 10, 60))
    assert all(abs(correlation(ten, lag)) < 0.05 + 2 / np.sqrt(ten.size) for lag in range(1, 7))
    assert kurtosis(second) > 5
    assert kurtosis(second) > kurtosis(ten) > kurtosis(minute)
    assert correlation(np.abs(ten), 6) > 0.1
    first = np.flatnonzero(np.diff(trades["ts_venue"], prepend=0))
    sizes = np.sort(np.add.reduceat(trades["size"], first))
    assert sizes[int(0.99 * sizes.size)] > 5 * np.median(sizes)
    signs = trades["side"][first].astype(float)
    assert correlation(signs, 10) > 3 / np.sqrt(signs.size)


def test_most_orders_are_cancelled(reference):
    _, counts = reference
    assert counts["cancelled"] / counts["added"] > 0.9


def test_martingale_markouts_are_zero():
    feed = martingale_null(seed=7, duration_s=20_000)
    levels, trades = streamed(feed, LEVEL, TRADE)
    bids = levels[(levels["side"] == 1) & (levels["flags"] == 0)]
    asks = levels[(levels["side"] == -1) & (levels["flags"] == 1)]
    at = asks["ts_venue"]
    mid = asks["price"] - 0.5
    assert trades.size > 70_000
    assert bids.size > asks.size // 2
    for horizon_s in (0.1, 1, 10):
        later = trades["ts_venue"] + int(horizon_s * 1e9)
        usable = later < at[-1]
        before = mid[np.searchsorted(at, trades["ts_venue"][usable], "left") - 1]
        after = mid[np.searchsorted(at, later[usable], "right") - 1]
        markout = trades["side"][usable] * (after - before)
        blocks = markout[: markout.size // 100 * 100].reshape(-1, 100).mean(axis=1)
        assert abs(blocks.mean()) < 3.5 * blocks.std() / np.sqrt(blocks.size)


def test_martingale_touch_predicts_nothing():
    feed = martingale_null(seed=8, duration_s=20_000)
    (levels,) = streamed(feed, LEVEL)
    ends = np.flatnonzero(levels["flags"] == 1)[1:]
    ask, bid = levels[ends], levels[ends - 1]
    assert np.all(ask["price"] - bid["price"] == 1)
    imbalance = (bid["size"] - ask["size"]) / (bid["size"] + ask["size"])
    move = np.diff(bid["price"].astype(int))
    assert set(np.unique(move)) == {-1, 0, 1}
    assert abs(move.mean()) < 3.5 * move.std() / np.sqrt(move.size)
    assert abs(np.corrcoef(imbalance[:-1], move)[0, 1]) < 3.5 / np.sqrt(move.size)


@pytest.mark.parametrize("name", sorted(NULLS))
def test_nulls_are_feeds_without_labels_and_keep_a_whole_book(name):
    feed = NULLS[name](3, 30)
    shown = {}
    while (events := feed.poll(501)).size:
        for event in events[events["kind"] == LEVEL]:
            key = (int(event["side"]), int(event["price"]))
            if event["size"]:
                shown[key] = int(event["size"])
            else:
                del shown[key]
    assert not getattr(feed, "labels", [])
    assert max(p for s, p in shown if s == 1) < min(p for s, p in shown if s == -1)


def test_rate_multiplies_and_nothing_else_moves():
    config = MarketConfig(seed=2, quotes=True, pulse_ms=100, depth_interval_ms=10_000, rate=4)
    feed = SyntheticFeed(config, 1500)
    (quotes,) = streamed(feed, QUOTE)
    touch = Touch(quotes, config.start_ns, 1500)
    weight = touch.lasts / touch.lasts.sum()
    assert weight[touch.spread == 1].sum() == pytest.approx(0.740, rel=0.05)
    assert sum(feed.counts[name] for name in ("added", "taken", "cancelled")) / 1500 == (
        pytest.approx(4 * 70.7, rel=0.05)
    )
