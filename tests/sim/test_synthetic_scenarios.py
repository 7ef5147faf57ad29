"""Injected scenarios are what their labels say, by the L3 truth and by what the venue published."""

import itertools

import numpy as np
import pytest

from aggressor.schema.event import INTEREST, LIQUIDATION, QUOTE, TRADE
from aggressor.sim.synthetic.book import ADD, CANCEL, FILL, SCENARIO_OWNER
from aggressor.sim.synthetic.config import DIFFICULTIES, MarketConfig, lively
from aggressor.sim.synthetic.labels import came_about
from aggressor.sim.synthetic.market import record
from aggressor.sim.synthetic.presets import DEMO_KINDS, demo_market

CONFIG = lively(
    MarketConfig(
        seed=11,
        rate=2.0,
        unit_lots=10,
        quotes=True,
        log=True,
        interest_interval_ms=10_000,
        scenarios=DEMO_KINDS,
        warmup_s=120.0,
        gap_s=5.0,
        gap_min_s=15.0,
    )
)


@pytest.fixture(scope="module")
def tape():
    return record(CONFIG, 2400)


def labels_of(tape, kind):
    found = [label for label in tape.labels if label.kind == kind]
    assert len(found) >= 6
    assert {label.direction for label in found} == {1, -1}
    return found


def within(rows, label):
    return rows[(rows["ts_venue"] >= label.start_ns) & (rows["ts_venue"] <= label.stop_ns)]


def own_rows(tape, label, action, price):
    rows = within(tape.log, label)
    return rows[
        (rows["owner"] == SCENARIO_OWNER) & (rows["action"] == action) & (rows["price"] == price)
    ]


def mid_at(tape, ts_venue):
    quotes = tape.events[tape.events["kind"] == QUOTE]
    bids, asks = quotes[0::2], quotes[1::2]
    place = np.searchsorted(bids["ts_venue"], ts_venue, "right") - 1
    return (bids["price"][place] + int(asks["price"][place])) / 2


def test_labels_are_in_order_apart_and_after_the_warmup(tape):
    labels = tape.labels
    assert labels[0].start_ns >= CONFIG.start_ns + 120 * 10**9
    for earlier, later in itertools.pairwise(labels):
        given_up = earlier.key_ns == 0
        assert given_up or earlier.start_ns <= earlier.key_ns <= earlier.stop_ns
        assert later.start_ns >= earlier.stop_ns + 15 * 10**9
    assert {label.difficulty for label in labels} == set(DIFFICULTIES)


def test_icebergs_refill_after_fills(tape):
    for label in labels_of(tape, "iceberg"):
        assert label.side == label.direction
        shown = own_rows(tape, label, ADD, label.low)
        eaten = own_rows(tape, label, FILL, label.low)
        # a refill rests what it does not meet of those who came past its price meanwhile
        assert 0.5 * (label.count + 1) <= shown.size <= label.count + 1
        assert np.all(shown["side"] == label.side)
        assert eaten["lots"].sum() == label.traded_lots
        assert shown["lots"].max() <= 1.11 * label.peak_lots + 1
        if came_about(label):
            assert label.traded_lots >= 3 * shown["lots"].max()
            assert label.count >= 3


def test_walls_are_pulled_untraded_and_quickly(tape):
    clean = 0
    found = labels_of(tape, "wall_pull")
    for label in found:
        assert label.direction == -label.side
        pulled = own_rows(tape, label, CANCEL, label.low)
        assert pulled["lots"].sum() == label.cancelled_lots
        rested = own_rows(tape, label, ADD, label.low)["lots"].sum()
        assert label.cancelled_lots <= rested <= label.peak_lots
        assert own_rows(tape, label, FILL, label.low)["lots"].sum() <= label.traded_lots
        clean += label.cancelled_lots >= 0.95 * rested
        if pulled.size == 0:  # the background ate the wall first
            continue
        assert pulled["ts_venue"].max() - pulled["ts_venue"].min() <= 500_000_000
        assert label.key_ns - label.start_ns >= 500_000_000
        assert label.count <= 3
    assert clean >= 0.7 * len(found)  # the background may eat into one before it is pulled


def test_pushed_walls_are_consumed_and_the_price_holds_beyond(tape):
    held = 0
    made = labels_of(tape, "push_through")
    found = [label for label in made if came_about(label)]
    assert len(found) >= 0.7 * len(made)  # else the background was first, or left it too little
    for label in found:
        eaten = own_rows(tape, label, FILL, label.low)
        wall = eaten[eaten["side"] == label.side]
        rested = own_rows(tape, label, ADD, label.low)
        own = rested["lots"][rested["side"] == label.side].sum()
        assert wall["lots"].sum() == own <= min(label.traded_lots, label.peak_lots)
        assert own_rows(tape, label, CANCEL, label.low).size == 0
        held += label.direction * (mid_at(tape, label.key_ns + 2 * 10**9) - label.low) > 0
        trades = tape.events[tape.events["kind"] == TRADE]
        sweep = trades[(trades["ts_venue"] >= label.key_ns) & (trades["side"] == label.direction)]
        sweep = sweep[sweep["ts_venue"] == sweep["ts_venue"][0]]
        assert label.count == sweep["size"].sum()
    assert held >= 0.8 * len(found)


def test_runs_are_one_sided_fade_and_give_back(tape):
    for label in labels_of(tape, "exhaustion"):
        if not came_about(label):
            continue  # the market carried its run on
        trades = within(tape.events[tape.events["kind"] == TRADE], label)
        run = trades[trades["ts_venue"] <= label.key_ns]
        delta = (run["size"] * run["side"]).sum() * label.direction
        assert delta > 0.5 * run["size"].sum()
        stall = trades[
            (trades["ts_venue"] > label.key_ns + 10**9)
            & (trades["ts_venue"] <= label.key_ns + 2 * 10**9)
        ]
        seconds = (label.key_ns - label.start_ns) / 1e9
        fade = (stall["size"] * stall["side"]).sum() * label.direction
        assert fade < 0.3 * delta / seconds
        extreme = label.high if label.direction > 0 else label.low
        assert label.high - label.low >= 8
        top = run[run["price"] == extreme]["size"].sum()
        rows = np.unique(run["price"])
        assert top < 0.6 * max(run[run["price"] == row]["size"].sum() for row in rows)
        assert label.count >= 0.2 * (label.high - label.low)


def test_cascades_force_orders_and_close_interest(tape):
    found = labels_of(tape, "cascade")
    whole = 0
    for label in found:
        forced = within(tape.events[tape.events["kind"] == LIQUIDATION], label)
        assert forced.size == label.count
        assert forced["size"].sum() == label.injected_lots
        assert np.all(forced["side"] == label.direction)
        if label.count < 3:  # the background moved the price there first
            continue
        whole += 1
        interest = tape.events[tape.events["kind"] == INTEREST]
        before = interest[interest["ts_venue"] < label.start_ns][-1]["size"]
        after = within(interest, label)[-1]["size"]
        assert before - after >= 0.004 * before
        assert label.direction * (mid_at(tape, label.key_ns) - mid_at(tape, label.start_ns)) >= 10
    assert whole >= 0.8 * len(found)


def test_demo_has_some_of_each_kind():
    instrument, events, labels = demo_market(seed=1)
    assert instrument.id == "synthetic:MICRO"
    assert {label.kind for label in labels} == set(DEMO_KINDS)
    assert min(sum(label.kind == kind for label in labels) for kind in DEMO_KINDS) >= 2
    assert 50_000 < events.size < 1_000_000
    prices = events["price"][events["kind"] == TRADE]
    assert np.all(np.abs(prices * 5 - 60_000) < 15_000)


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_any_seed_works(seed):
    _, events, labels = demo_market(seed, minutes=10)
    assert len(labels) >= 2
    assert np.all(np.diff(events["ts_recv"]) >= 0)
