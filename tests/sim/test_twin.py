"""Kernels and exchange against the one-happening-at-a-time twin, report for report."""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import book_state
from aggressor.schema.report import FUNDED, LIQUIDATED, NO_MARGIN
from aggressor.sim.costs import funding_fee
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import ROUND_TRIP, Latency
from aggressor.sim.margin import Margin, Tier
from aggressor.sim.queue import QUEUE_NAMES, Queue
from tests.naive.sim import Twin
from tests.sim.drive import FREE, ChunkFeed, drive, instrument, sizes
from tests.sim.streams import START_NS, Tape, Trader

MONEY = 10**8


def simulated(
    events,
    lanes,
    latency,
    queue,
    trader,
    *,
    chunk=1000,
    cut=1,
    trips=None,
    orders=256,
    margin=None,
):
    exchange = SimExchange(
        ChunkFeed(events, chunk),
        [instrument(k) for k in range(lanes)],
        latency=latency,
        queue=queue,
        costs=FREE,
        trips=trips,
        orders=orders,
        book=book_state(lanes, window=64, levels=64),
        chunk=1000,
        margin=margin,
    )
    return drive(exchange, trader.decide, sizes(cut))


def expected(events, lanes, latency, queue, trader, *, trips=(), orders=256, margin=None):
    name = QUEUE_NAMES[queue.model]
    twin = Twin(events, lanes, latency, name, queue.power, trader.decide, trips, orders, margin)
    lines = twin.run()
    for line in lines:
        if line["kind"] == FUNDED:
            lots = line["size"] * line["side"]
            line["fee"] = funding_fee(instrument(), line["leaves"], line["fee"], lots)
            line["leaves"] = 0
    return lines


latencies = st.builds(
    Latency,
    feed_ns=st.sampled_from([0, 1, 5, 12]),
    order_ns=st.sampled_from([0, 1, 5, 20]),
    response_ns=st.sampled_from([0, 1, 5, 20]),
    recorded=st.booleans(),
    offset_ns=st.sampled_from([0, 0, 3, -4]),
    work_ns=st.sampled_from([0, 0, 1, 4]),
)
queues = st.builds(Queue, st.sampled_from(sorted(QUEUE_NAMES)), st.sampled_from([1.0, 2.0, 3.0]))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), latencies, queues, st.sampled_from([1, 3, 17, 1000]), st.integers(1, 2)
)
def test_equal_report_for_report(seed, latency, queue, chunk, lanes):
    events = Tape(seed, lanes, 120).events()
    found = simulated(events, lanes, latency, queue, Trader(seed, lanes), chunk=chunk, cut=seed)
    assert found == expected(events, lanes, latency, queue, Trader(seed, lanes))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), queues)
def test_recorded_round_trips(seed, queue):
    rng = np.random.default_rng(seed)
    trips = np.zeros(6, ROUND_TRIP)
    trips["ts"] = START_NS + np.cumsum(rng.integers(1, 200, 6))
    trips["order"] = rng.integers(0, 30, 6)
    trips["response"] = rng.integers(0, 30, 6)
    events = Tape(seed, 1, 120).events()
    found = simulated(events, 1, Latency(feed_ns=3), queue, Trader(seed, 1), chunk=17, trips=trips)
    assert found == expected(events, 1, Latency(feed_ns=3), queue, Trader(seed, 1), trips=trips)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    latencies,
    st.sampled_from([1, 17, 1000]),
    st.integers(1, 2),
    st.sampled_from([300, 3_000, 30_000]),
)
def test_liquidations_are_those_of_exact_cash_flows(seed, latency, chunk, lanes, money):
    events, queue = Tape(seed, lanes, 150).events(), Queue()
    deposit = money * MONEY + MONEY * 37 // 100  # so that no bankruptcy price is a whole tick
    terms = Margin(
        deposits={instrument().settle or instrument().quote: deposit},
        tiers=(Tier(maintenance=Decimal("0.05")),),
    )
    trader, twin = Trader(seed, lanes, rate=0.5), Trader(seed, lanes, rate=0.5)
    found = simulated(events, lanes, latency, queue, trader, chunk=chunk, cut=seed, margin=terms)
    exact = (deposit, Fraction(1, 20))
    assert found == expected(events, lanes, latency, queue, twin, margin=exact)


def test_the_streams_reach_liquidations():
    terms = Margin(
        deposits={instrument().settle or instrument().quote: 300 * MONEY + 37},
        tiers=(Tier(maintenance=Decimal("0.05")),),
    )
    kinds, reasons = Counter(), Counter()
    for seed in range(20):
        events, trader = Tape(seed, 1, 150).events(), Trader(seed, 1, rate=0.5)
        for line in simulated(events, 1, Latency(), Queue(), trader, margin=terms):
            kinds[line["kind"]] += 1
            reasons[line["reason"]] += 1
    assert kinds[LIQUIDATED] > 0
    assert reasons[NO_MARGIN] > 0


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_few_places_for_orders(seed):
    events = Tape(seed, 1, 100).events()
    latency = Latency(feed_ns=2, order_ns=1, response_ns=1)
    found = simulated(events, 1, latency, Queue(), Trader(seed, 1, rate=0.6), orders=3)
    assert found == expected(events, 1, latency, Queue(), Trader(seed, 1, rate=0.6), orders=3)


def test_the_streams_reach_every_kind_and_reason():
    kinds, reasons = Counter(), Counter()
    latency = Latency(feed_ns=3, order_ns=4, response_ns=5)
    for seed in range(40):
        events = Tape(seed, 2, 150).events()
        trader = Trader(seed, 2, rate=0.4)
        for line in simulated(events, 2, latency, Queue(), trader, chunk=64, orders=12):
            kinds[line["kind"]] += 1
            reasons[line["reason"]] += 1
    assert {1, 2, 3, 4, 5, 6, 7, 8, 9, 11} <= set(kinds)
    assert {0, 1, 2, 3, 4, 5, 6, 7, 8} <= set(reasons)
