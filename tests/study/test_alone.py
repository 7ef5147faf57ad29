"""An order alone on a tape does what it does in a backtest, and looks at the same market."""

import numpy as np
import pytest

from aggressor.engine.view import Fees
from aggressor.execution.desk import Desk
from aggressor.execution.fill_chance import FillModel
from aggressor.execution.intent import Policy
from aggressor.market.state import market_state
from aggressor.market.state import run_market as run_all
from aggressor.run.backtests.execute import engine_for, replay_on, work_on
from aggressor.schema.event import NO_PRICE, NOT_FLOW, TIMER, TRADE
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.queue import Queue
from aggressor.store.replay import replay_of
from aggressor.strategies.one_order import OneOrder, Order, placement_of
from aggressor.study.alone import Tape, copied, run_alone
from aggressor.study.fill_model import Waits, fit_fills
from aggressor.study.shadow import join_waits, shadow_orders
from aggressor.study.slippage import Rule, slippage, summarise
from aggressor.study.tops import Tops, mids_at
from tests.made import made

MS = 1_000_000
SECOND = 1_000 * MS
LATENCY = Latency(feed_ns=50 * MS, order_ns=100 * MS, response_ns=100 * MS)
COSTS = Costs()


@pytest.fixture(scope="module")
def tape() -> Tape:
    events = replay_of([made().events]).poll(10**8)
    return Tape(events, made().instrument)


def first_decision(tape: Tape) -> int:
    """Return the row of the first TIMER at which the book is known."""
    for row in tape.timers:
        now = int(tape.events["ts_recv"][row])
        if tape.tops.at(now, before=True) is not None and tape.tops.mid2(now) is not None:
            return int(row)
    raise AssertionError("the book is never known")


@pytest.mark.parametrize("policy", [Policy.PEG, Policy.TWAP, Policy.CAPPED])
def test_alone_is_the_backtest_of_that_order(tape: Tape, policy: Policy) -> None:
    wanted = Order(side=1, lots=300, policy=policy, wait_ns=20 * SECOND, cap_bp=3.0)
    order = OneOrder(wanted, watch_ns=SECOND)
    one = made().instrument
    engine = engine_for(one, order, Fees(2.0, 5.0))
    exchange = SimExchange(
        replay_of([made().events]), [one], latency=LATENCY, queue=Queue(), costs=COSTS
    )
    replay_on(exchange, engine, order, lambda account: None)
    assert order.account is not None
    whole = order.account
    begun = int(np.searchsorted(tape.events["ts_recv"][tape.timers], whole.decided_ns))
    row = int(tape.timers[begun])
    (book,) = tape.books([row])
    assert whole.decision_mid2 is not None
    alone = run_alone(
        tape, row, copied(book), side=1, lots=300,
        placement=placement_of(wanted, whole.decision_mid2), latency=LATENCY, queue=Queue(),
        costs=COSTS, until_ns=whole.decided_ns + 60 * SECOND,
    )  # fmt: skip
    assert alone.filled == whole.filled > 0
    assert alone.fills == whole.fills
    assert alone.counts == whole.counts
    assert (alone.decided_ns, alone.ended_ns) == (whole.decided_ns, whole.ended_ns)
    assert alone.arrival_mid2 == whole.arrival_mid2


def test_the_polled_exchange_gives_the_same_account_as_the_compiled_loop(tape: Tape) -> None:
    accounts = []
    for polled in (False, True):
        order = OneOrder(Order(side=-1, lots=100, wait_ns=10 * SECOND), watch_ns=SECOND)
        one = made().instrument
        engine = engine_for(one, order, Fees(2.0, 5.0))
        exchange = SimExchange(
            replay_of([made().events]), [one], latency=LATENCY, queue=Queue(), costs=COSTS
        )
        if polled:
            work_on(_Careful(exchange), engine, order, tell=lambda _: None, wait=lambda: False)
        else:
            replay_on(exchange, engine, order, lambda _: None)
        accounts.append(order.account)
    assert accounts[0] == accounts[1]
    assert accounts[0] is not None
    assert accounts[0].filled == 100


class _Careful:
    """Hands out one item at a time, so that a command never comes from the middle of a batch."""

    def __init__(self, exchange: SimExchange) -> None:
        self._exchange = exchange
        self.take = exchange.take

    def poll(self, limit: int):
        del limit
        return self._exchange.poll(1)


def test_tops_are_those_of_the_whole_market(tape: Tape) -> None:
    state = market_state(1)
    rows = tape.timers[::97]
    done = 0
    for row in rows:
        done = int(run_all(tape.events, done, int(row), state))
        assert done == row
        now = int(tape.events["ts_recv"][row])
        head, tops = state.book.head[0], tape.tops.at(now, before=True)
        if tops is None:
            continue
        names = ("bid", "ask", "bid_lots", "ask_lots", "valid")
        assert [int(tops[n]) for n in names] == [int(head[n]) for n in names]
        assert int(tops["bought"]) == int(state.tape.head[0]["bought"])
        assert int(tops["sold"]) == int(state.tape.head[0]["sold"])


def test_mids_do_not_depend_on_how_the_tape_is_cut(tape: Tape) -> None:
    first, last = tape.span_ns
    times = [first - 1, *range(first, last, (last - first) // 37), last + 1]
    whole = {t: tape.tops.mid2(t) for t in times}
    for cut in (1000, 77_777):
        batches = (tape.events[i : i + cut] for i in range(0, tape.events.size, cut))
        found = mids_at(batches, times)
        assert {t: v for t, v in found.items() if t < last} == {
            t: v for t, v in whole.items() if t < last
        }
    assert whole[first - 1] is None
    assert whole[last + 1] is None
    assert sum(v is not None for v in whole.values()) > 30


def test_a_print_that_is_no_flow_is_left_out(tape: Tape) -> None:
    trades = (tape.events["kind"] == TRADE) & (tape.events["flags"] & NOT_FLOW == 0)
    last = tape.tops.rows[-1]
    assert int(last["trades"]) == int(trades.sum())
    assert int(last["traded"]) == int(tape.events["size"][trades].sum())
    assert int(last["last"]) != NO_PRICE


def test_shadow_orders_fill_and_are_fitted(tape: Tape) -> None:
    waits = [
        shadow_orders(tape, side, latency=LATENCY, queue=Queue(), every_ns=2 * SECOND,
                      watched_ns=10 * SECOND)
        for side in (1, -1)
    ]  # fmt: skip
    both: Waits = join_waits(waits)
    assert both.x.shape == (both.filled.size, 5)
    assert both.filled.size > 300
    assert 0.05 < both.filled.mean() < 0.99
    assert (both.seconds <= 10.0).all()
    assert (both.seconds >= 0.0).all()
    assert np.isnan(both.adverse_bp[~both.filled]).all()
    model = fit_fills(both, "made")
    assert isinstance(model, FillModel)
    assert model.beta[1] < 0  # a longer queue fills later


def test_the_study_pairs_every_policy_with_the_same_moments(tape: Tape) -> None:
    rule = Rule(times=6, wait_s=5.0)
    outcomes = slippage(
        tape, [20, 200], rule, latency=LATENCY, queue=Queue(), costs=COSTS, model=None
    )
    assert len(outcomes) == 6 * 5 * 2 * 2
    again = slippage(tape, [20, 200], rule, latency=LATENCY, queue=Queue(), costs=COSTS, model=None)
    assert again == outcomes
    rows = summarise(outcomes, tape, rule)
    assert [r["policy"] for r in rows[:5]] == ["market", "capped", "peg", "peg-cross", "twap"]
    for row in rows:
        assert row["orders"] == 12
        assert 0.0 <= row["filled_share"] <= 1.0
        bounds = row["all_in_bp"]
        assert bounds["low"] <= bounds["value"] <= bounds["high"]
    market = [o for o in outcomes if o.policy == "market"]
    assert all(o.maker == 0 for o in market)
    whole = [o for o in market if o.filled == o.lots]
    assert len(whole) > 6
    assert all(o.fills_bp == pytest.approx(o.all_in_bp) for o in whole)
    assert min(o.all_in_bp for o in market) > 5.0  # half a spread and the taker's fee, at least
    pegged = [o for o in outcomes if o.policy == "peg-cross"]
    assert sum(o.maker for o in pegged) > 0
    assert sum(o.filled for o in pegged) >= sum(o.filled for o in outcomes if o.policy == "peg")


def test_a_tape_of_timers_alone_has_no_top() -> None:
    events = made().events[:0]
    tops = Tops(events)
    assert tops.at(0) is None
    assert tops.mid2(0) is None
    assert (events["kind"] == TIMER).sum() == 0
    assert Desk([made().instrument]).accounts == []
