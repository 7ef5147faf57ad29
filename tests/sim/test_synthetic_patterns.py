"""Scenarios of holds, breaks and bar shapes satisfy the definitions of R5 and R4.3, told from what
the venue published alone."""

import itertools
from collections import Counter

import numpy as np
import pytest

from aggressor.schema.errors import ConfigError
from aggressor.schema.event import BID, LEVEL, LIQUIDATION, QUOTE, TRADE
from aggressor.sim.synthetic.config import DIFFICULTIES
from aggressor.sim.synthetic.labels import came_about
from aggressor.sim.synthetic.market import record
from aggressor.sim.synthetic.martingale import MartingaleConfig, MartingaleFeed
from aggressor.sim.synthetic.martingale_acts import MARTINGALE_KINDS
from aggressor.sim.synthetic.presets import labelled_config
from tests.naive.synthetic_minutes import MINUTE_NS, minutes, swings

NS = 10**9
HOURS = 2.0


def market(seed, kinds, difficulty, hours=HOURS):
    """Return a market with the labels of what came about, and its trades."""
    tape = record(labelled_config(seed, kinds, difficulty), 3600 * hours)
    tape = tape._replace(labels=[label for label in tape.labels if came_about(label)])
    return tape, tape.events[tape.events["kind"] == TRADE]


def span(rows, start, stop):
    first, last = np.searchsorted(rows["ts_venue"], [start, stop])
    return rows[first:last]


def signed(rows):
    return int((rows["size"] * rows["side"].astype(np.int64)).sum())


class Touch:
    def __init__(self, tape):
        quotes = tape.events[tape.events["kind"] == QUOTE]
        self.bids, self.asks = quotes[0::2], quotes[1::2]
        levels = tape.events[tape.events["kind"] == LEVEL]
        self.levels = {side: levels[levels["side"] == side] for side in (1, -1)}

    def best(self, side, ts_venue):
        rows = self.bids if side == BID else self.asks
        return int(rows["price"][np.searchsorted(rows["ts_venue"], ts_venue, "right") - 1])

    def longest_beyond(self, side, price, start, stop):
        """Return for how long in ns the best price of a side lay behind `price` at a stretch."""
        rows = span(self.bids if side == BID else self.asks, start, stop)
        longest, since = 0, None
        for row in rows:
            behind = side * (int(row["price"]) - price) < 0
            if behind and since is None:
                since = int(row["ts_venue"])
            elif not behind:
                since = None
            if since is not None:
                longest = max(longest, int(row["ts_venue"]) - since)
        return longest


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_absorption_takes_far_more_than_usual_and_holds(difficulty):
    tape, trades = market(31, ("absorption",), difficulty)
    touch = Touch(tape)
    assert len(tape.labels) >= 20
    held = 0
    for label in tape.labels:
        price = label.low if label.side == BID else label.high
        hits = span(trades, label.key_ns - 60 * NS, label.key_ns)
        hits = hits[(hits["side"] == -label.side) & (hits["price"] >= label.low)]
        hits = hits[hits["price"] <= label.high]
        assert hits["size"].sum() >= 2 * label.peak_lots
        assert label.direction == label.side
        held += touch.longest_beyond(label.side, price, label.start_ns, label.stop_ns) <= 250e6
        assert label.side * (touch.best(-label.side, label.stop_ns) - price) > 0
    assert held >= 0.9 * len(tape.labels)


def is_torn(touch, side, at):
    """Tell whether the published spread is wide, or the first gap of a side."""
    best = touch.best(side, at)
    rows = touch.levels[side]
    times = rows["ts_venue"]
    rows = rows[np.searchsorted(times, at - 30 * NS) : np.searchsorted(times, at, "right")]
    last = {int(row["price"]): int(row["size"]) for row in rows}
    behind = [side * (best - price) for price, size in last.items() if size]
    gap = min((ticks for ticks in behind if ticks > 0), default=99)
    return gap >= 3 or side * (touch.best(-side, at) - best) >= 3


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_vacuum_is_untraded_and_tears_the_book(difficulty):
    tape, trades = market(32, ("vacuum",), difficulty)
    touch = Touch(tape)
    assert len(tape.labels) >= 20
    clean = torn = 0
    for label in tape.labels:
        assert label.count <= 20  # % of the depth that was left
        assert 0 < label.key_ns - label.start_ns <= 10 * NS
        taken = span(trades, label.start_ns, label.key_ns)
        taken = taken[taken["side"] == -label.side]["size"].sum()
        clean += taken <= 0.3 * label.peak_lots
        assert label.direction == -label.side
        assert label.high - label.low <= 60
        torn += any(
            is_torn(touch, label.side, at)
            for at in range(label.key_ns, label.stop_ns - NS, NS // 10)
        )
    assert torn >= 0.9 * len(tape.labels)
    assert clean >= 0.6 * len(tape.labels)


def usual_range(trades, now):
    """Return the mean range of the last 14 closed minutes."""
    last = now // MINUTE_NS * MINUTE_NS
    closed = [span(trades, last - n * MINUTE_NS, last - (n - 1) * MINUTE_NS) for n in range(1, 15)]
    return np.mean([np.ptp(rows["price"]) for rows in closed])


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_breaks_are_of_a_confirmed_swing_and_fail(difficulty):
    tape, trades = market(33, ("stop_run", "trapped"), difficulty, hours=4)
    touch = Touch(tape)
    bars = minutes(tape.events)
    volumes = np.bincount((trades["ts_venue"] - trades["ts_venue"][0]) // (30 * NS), trades["size"])
    _, order = np.unique(trades["ts_venue"], return_inverse=True)
    sizes, times = np.bincount(order, trades["size"]), np.unique(trades["ts_venue"])
    kinds = Counter(label.kind for label in tape.labels)
    assert min(kinds["stop_run"], kinds["trapped"]) >= 3
    usual, driven = np.median(sizes), 0
    for label in tape.labels:
        way = label.direction
        swing = label.low if way > 0 else label.high
        known = [
            price
            for minute, price in swings(bars, way, 5)
            if (minute + 6) * MINUTE_NS <= label.start_ns
        ]
        assert swing == known[-1]
        beyond = span(trades, label.start_ns, label.stop_ns)
        beyond = beyond[way * (beyond["price"] - swing) > 0]
        began = int(beyond["ts_venue"][0])
        burst = span(trades, began, began + 30 * NS)
        assert burst["size"].sum() >= (3 if label.kind == "stop_run" else 1) * np.median(volumes)
        driven += way * signed(span(trades, began, label.key_ns)) > 0
        small = sizes[(times >= began) & (times < began + 30 * NS)] <= usual
        before = sizes[(times >= began - 3600 * NS) & (times < began)] <= usual
        if label.kind == "stop_run":
            assert small.mean() >= 1.3 * before.mean()
            assert (label.high - label.low) <= max(5.0, 0.5 * usual_range(trades, label.key_ns))
        inside = way * (swing - touch.best(way, label.key_ns))
        assert inside >= (1 if label.kind == "stop_run" else 4)
        assert label.key_ns - began <= 60 * NS
    assert driven >= 0.8 * len(tape.labels)  # some had the background break the swing first


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_divergences_are_two_swings_with_less_cvd(difficulty):
    tape, _ = market(34, ("divergence",), difficulty, hours=3)
    bars = minutes(tape.events)
    cvd = dict(
        zip(sorted(bars), itertools.accumulate(bars[m][2] for m in sorted(bars)), strict=True)
    )
    assert len(tape.labels) >= 4
    for label in tape.labels:
        way = label.direction
        first = label.start_ns // MINUTE_NS
        known = [one for one in swings(bars, way, 2) if first <= one[0] <= first + 8]
        (i, low), (j, high) = known[-2:]
        assert j - i >= 5
        assert way * (high - low) >= 1
        turnover = sum(abs(bars[m][2]) for m in range(i + 1, j + 1))
        assert way * (cvd[j] - cvd[i]) <= -0.05 * turnover
        assert label.key_ns == (j + 3) * MINUTE_NS
        assert {low, high} == {label.low, label.high}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_stacking_leaves_three_diagonal_imbalances(difficulty):
    tape, _ = market(35, ("stacking",), difficulty)
    bars = minutes(tape.events)
    rows = [sum(cell) for bar in bars.values() for cell in bar[3].values()]
    least = np.quantile(rows, 0.75)
    stacked = 0
    assert len(tape.labels) >= 20
    for label in tape.labels:
        bar = bars[label.key_ns // MINUTE_NS - 1]
        way = label.direction
        run = best = 0
        for price in range(label.low, label.high + 1)[::way]:
            with_flow = bar[3].get(price, [0, 0])[way > 0]
            against = bar[3].get(price - way, [0, 0])[way < 0]
            fits = with_flow >= 3 * max(1, against) and with_flow - against >= least
            run = run + 1 if fits else 0
            best = max(best, run)
        stacked += best >= 3
    assert stacked >= 0.9 * len(tape.labels)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_lone_cascade_is_far_beyond_the_usual_minute(difficulty):
    config = labelled_config(36, ("cascade",), difficulty, gap_s=1e6)
    tape = record(config, 1100)
    (label,) = tape.labels
    assert came_about(label)
    touch = Touch(tape)
    grid = range(config.start_ns + NS, label.start_ns, 60 * NS)
    mids = np.array([touch.best(1, at) + touch.best(-1, at) for at in grid]) / 2
    fall = (touch.best(1, label.key_ns) + touch.best(-1, label.key_ns)) / 2
    fall -= (touch.best(1, label.start_ns) + touch.best(-1, label.start_ns)) / 2
    assert label.direction * fall >= 5 * np.diff(mids).std()
    rows = span(tape.events[tape.events["kind"] == LIQUIDATION], label.start_ns, label.stop_ns)
    traded = span(tape.events[tape.events["kind"] == TRADE], label.start_ns, label.key_ns + 1)
    assert rows["size"].sum() >= 0.15 * traded["size"].sum()


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_an_exhausted_run_holds_near_its_extreme_until_its_delta_is_gone(difficulty):
    held = 0
    for seed in range(40, 46):
        config = labelled_config(seed, ("exhaustion",), difficulty, gap_s=1e6)
        tape = record(config, 1000)
        (label,) = tape.labels
        way, top = label.direction, label.high if label.direction > 0 else label.low
        trades = tape.events[tape.events["kind"] == TRADE]
        after = span(trades, label.key_ns, label.key_ns + 11 * NS)
        last = int(after["price"][-1])
        peak = way * signed(span(trades, label.key_ns - 10 * NS, label.key_ns))
        now = way * signed(span(trades, label.key_ns + NS, label.key_ns + 11 * NS))
        held += abs(last - top) <= 3 and now <= 0.3 * peak
        assert way * (after["price"].astype(int) - top).max() <= 4
    assert held >= 5


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_touch_stays_near_an_iceberg(difficulty):
    tape, _ = market(38, ("iceberg",), difficulty)
    assert len(tape.labels) >= 10
    quotes = tape.events[tape.events["kind"] == QUOTE]
    for label in tape.labels:
        rows = quotes[quotes["side"] == label.side]
        ahead = label.side * (rows["price"].astype(int) - label.low) >= 2
        times = rows["ts_venue"]
        during = (times >= label.start_ns) & (times < label.stop_ns)
        begins = np.flatnonzero(during & ahead)
        for i in begins:  # whoever quotes two ticks ahead is taken before the episode is over
            until = times[i] + 100_000_000
            if until < label.stop_ns:
                assert not ahead[i : int(np.searchsorted(times, until)) + 1].all()


def test_walls_stand_before_they_go():
    tape, _ = market(37, ("wall_pull", "push_through"), "medium")
    for label in tape.labels:
        if came_about(label):
            assert label.key_ns - label.start_ns >= 3 * NS


def martingale(seed, hours, **settings):
    feed = MartingaleFeed(MartingaleConfig(seed=seed, warmup_s=60.0, **settings), 3600 * hours)
    chunks = []
    while (events := feed.poll(1 << 16)).size:
        chunks.append(events)
    return np.concatenate(chunks), feed


def test_the_martingale_stays_one_under_its_scenarios():
    events, feed = martingale(5, 6, scenarios=MARTINGALE_KINDS)
    assert {label.kind for label in feed.labels} == set(MARTINGALE_KINDS)
    moves = int(feed._params[0]["moves"])
    assert abs(moves / (6 * 3600) - 2.0) < 0.05
    bid = int(feed._params[0]["bid"])
    assert abs(bid - 12_000) < 5 * np.sqrt(moves)
    quiet, _ = martingale(5, 0.2)
    again, _ = martingale(5, 0.2, scenarios=())
    assert np.array_equal(quiet, again)
    assert np.all(events["size"] >= 0)


def test_what_the_martingale_publishes_is_what_its_labels_say():
    events, feed = martingale(6, 4, scenarios=MARTINGALE_KINDS, difficulties=("hard",))
    levels = events[events["kind"] == LEVEL]
    for label in feed.labels:
        assert label.difficulty == "hard"
        if label.kind == "wall_pull":
            rows = levels[(levels["price"] == label.low) & (levels["side"] == label.side)]
            rows = span(rows, label.start_ns, label.stop_ns + 1)
            assert rows[0]["size"] > label.peak_lots
            assert rows[-1]["size"] <= 20
            assert label.stop_ns - label.start_ns >= 3 * NS
        elif label.kind == "vacuum":
            rows = span(levels, label.start_ns, label.stop_ns)
            rows = rows[rows["side"] == label.side]
            gone = rows[(rows["size"] == 0) & (label.side * (label.low - rows["price"]) > 0)]
            assert gone.size >= 3
        else:
            trades = span(events[events["kind"] == TRADE], label.start_ns, label.stop_ns)
            assert label.direction * signed(trades) > 0.8 * trades["size"].sum()
            assert trades["price"].max() - trades["price"].min() >= 4


def test_the_martingale_refuses_what_would_move_it():
    with pytest.raises(ConfigError, match="exhaustion"):
        MartingaleConfig(scenarios=("exhaustion",))
    with pytest.raises(ConfigError, match="levels"):
        MartingaleConfig(scenarios=("vacuum",), levels=5)
    with pytest.raises(ConfigError, match="difficulties"):
        MartingaleConfig(difficulties=("fierce",))
