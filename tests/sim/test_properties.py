"""What holds on any tape (R11.J 7): bounds of fills and prices, places in the queue, causality,
latency."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.book import book_state
from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema.report import ACK, FILL, MAKER
from aggressor.sim.latency import Latency
from aggressor.sim.loop import END, advance_venue, send_place
from aggressor.sim.queue import FRONT_CANCEL, QUEUE_NAMES, RISK_AVERSE, Queue
from aggressor.sim.state import sim_state
from tests.sim.streams import START_NS, Tape, Trader
from tests.sim.test_twin import simulated

SEEDS = st.integers(0, 10**6)
MODELS = st.sampled_from(sorted(QUEUE_NAMES))


def still_tape(seed: int, rows: int) -> np.ndarray:
    """A book that never moves: sizes of bid 99 change, sells print at 99, nothing goes beyond."""
    rng = np.random.default_rng(seed)
    tape = Tape(seed, 1, 0)
    shown = 20
    for _ in range(rows):
        tape.now += int(rng.integers(1, 6))
        if rng.random() < 0.5:
            shown = int(rng.integers(1, 40))
            tape.add(e.LEVEL, 0, 99, shown, e.BID, e.LAST)
        else:
            tape.add(e.TRADE, 0, 99, int(rng.integers(1, 12)), e.SELL, e.LAST)
    return tape.events()


def fills_of(reports):
    return [line for line in reports if line["kind"] == FILL]


class OneBid:
    """Sends one post-only bid at 99 with the first row known after `after`, and nothing else."""

    def __init__(self, size: int = 10, after: int = START_NS + 10) -> None:
        self.size, self.after, self.sent = size, after, False

    def decide(self, row, line):
        if self.sent or row is None or row["ts_recv"] < self.after:
            return []
        self.sent = True
        blank = {n: 0 for n in c.COMMAND.names if n != "reserved"}
        fields = {"kind": c.PLACE, "type": c.LIMIT, "tif": c.POST_ONLY, "side": 1, "order": 1}
        now = int(row["ts_recv"])
        return [blank | fields | {"price": 99, "size": self.size, "ts_send": now}]


@settings(max_examples=25, deadline=None)
@given(SEEDS, MODELS)
def test_fills_never_exceed_the_volume_printed_at_the_price(seed, model):
    events = still_tape(seed, 60)
    trader = Trader(seed, 1, rate=0.3)
    trader.command = lambda now, make=trader.command: make(now) | {
        "kind": c.PLACE, "type": c.LIMIT, "tif": c.POST_ONLY, "side": 1, "price": 99, "flags": 0
    }  # fmt: skip
    reports = simulated(
        events, 1, Latency(feed_ns=2, order_ns=3, response_ns=1), Queue(model), trader
    )
    printed: dict[int, int] = {}
    for row in events[events["kind"] == e.TRADE]:
        printed[int(row["ts_recv"]) - 2] = printed.get(int(row["ts_recv"]) - 2, 0) + int(
            row["size"]
        )
    for line in fills_of(reports):
        printed[line["ts_venue"]] -= line["size"]
    assert all(left >= 0 for left in printed.values())


@settings(max_examples=25, deadline=None)
@given(SEEDS, MODELS)
def test_no_fill_is_better_than_allowed(seed, model):
    events = Tape(seed, 1, 120).events()
    trader = Trader(seed, 1, rate=0.4)
    trader.command = lambda now, make=trader.command: make(now) | {"type": c.LIMIT, "kind": c.PLACE}
    latency = Latency(feed_ns=2, order_ns=3, response_ns=4)
    reports = simulated(events, 1, latency, Queue(model), trader)
    limits: dict[int, int] = {}
    for line in reports:
        if line["kind"] == ACK:
            limits[line["order"]] = line["price"]
        elif line["kind"] == FILL:
            gain = (limits[line["order"]] - line["price"]) * line["side"]
            assert gain == 0 if line["flags"] & MAKER else gain >= 0


def fronts(events, queue, order_ns, sizes=(10,)):
    """Return (venue time, front of each order by id) after every row, for bids at 99 sent at one
    time."""
    sim = sim_state(
        1, Latency(feed_ns=0, order_ns=order_ns), queue, book=book_state(1, window=64, levels=64)
    )
    now = int(events[0]["ts_recv"])
    for number, size in enumerate(sizes, start=1):
        send_place(sim, now, number, 0, 1, 99, size, c.POST_ONLY)
    course = []
    for i in range(len(events)):
        advance_venue(events, i + 1, sim, int(events[i]["ts_recv"]) - order_ns, END)
        standing = {
            int(o["order"]): float(o["front"]) for o in sim.orders[: sim.clock[0]["orders"]]
        }
        course.append((int(events[i]["ts_recv"]), standing, int(sim.head[0]["position"])))
    return course


@settings(max_examples=25, deadline=None)
@given(SEEDS, MODELS, st.sampled_from([1.0, 2.0]))
def test_a_front_never_rises_while_the_order_rests(seed, model, power):
    last: dict[int, float] = {}
    for _, standing, _ in fronts(Tape(seed, 1, 80).events(), Queue(model, power), 5, (10, 3, 7)):
        for order, front in standing.items():
            assert 0.0 <= front <= last.get(order, front)
        last = standing


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_more_latency_never_improves_a_place(seed):
    """While the level is told of: after a CLEAR a front stays until its level is seen again."""
    events = still_tape(seed, 80)
    early = fronts(events, Queue(RISK_AVERSE), 2)
    late = fronts(events, Queue(RISK_AVERSE), 30)
    for (_, first, _), (_, second, _) in zip(early, late, strict=True):
        if 1 in first and 1 in second:
            assert first[1] <= second[1]


@settings(max_examples=25, deadline=None)
@given(SEEDS, MODELS, st.sampled_from([1.0, 2.0]))
def test_risk_averse_fills_least_and_front_cancel_most(seed, model, power):
    events = still_tape(seed, 60)
    least = fronts(events, Queue(RISK_AVERSE), 5)
    found = fronts(events, Queue(model, power), 5)
    most = fronts(events, Queue(FRONT_CANCEL), 5)
    printed = np.cumsum(np.where(events["kind"] == e.TRADE, events["size"], 0))
    for a, b, z, front_of_queue in zip(least, found, most, printed, strict=True):
        assert a[2] <= b[2] <= z[2] <= min(front_of_queue, 10)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.2, 0.9))
def test_later_rows_never_change_earlier_reports(seed, share):
    events = Tape(seed, 1, 120).events()
    cut = int(len(events) * share)
    now = int(events[cut - 1]["ts_recv"])
    noise = Tape(seed + 7, 1, 120).events()
    later = noise[: len(noise) // 2].copy()
    later["ts_recv"] = now + 1 + np.arange(len(later))
    later["ts_venue"] = later["ts_recv"]
    other = np.concatenate((events[events["ts_recv"] <= now], later))
    latency = Latency(feed_ns=5, order_ns=3, response_ns=5)
    first = simulated(events, 1, latency, Queue(), Trader(seed, 1))
    second = simulated(other, 1, latency, Queue(), Trader(seed, 1))
    assert [x for x in first if x["ts_recv"] <= now] == [x for x in second if x["ts_recv"] <= now]


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from([1, 5, 64]), st.integers(0, 99))
def test_the_same_seed_fills_the_same_however_it_is_cut(seed, chunk, cut):
    events = Tape(seed, 2, 120).events()
    latency = Latency(feed_ns=4, order_ns=6, response_ns=3)
    whole = simulated(events, 2, latency, Queue(), Trader(seed, 2))
    assert whole == simulated(events, 2, latency, Queue(), Trader(seed, 2), chunk=chunk, cut=cut)


def test_one_bid_waits_its_turn():
    events = still_tape(3, 60)
    latency = Latency(feed_ns=0, order_ns=0, response_ns=0)
    reports = simulated(events, 1, latency, Queue(), OneBid())
    assert sum(line["size"] for line in fills_of(reports)) == 10
