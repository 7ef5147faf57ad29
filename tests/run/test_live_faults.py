"""What goes wrong between us and a venue: at the end orders, positions and money agree.

Each test runs for every venue that has a server. After it `Dealer.agree` holds our books against
the venue's, and what reached its matching against what we meant to send: nothing twice.
"""

import asyncio
from typing import Any

import pytest

from aggressor.account.blotter import Order
from aggressor.account.lifecycle import State
from aggressor.run.local.faults import FaultPlan, Faults
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.venues.orders.tracked import Stage
from aggressor.venues.table import venue_named
from tests.run.live_stage import RULES, SIZE, Dealer, every_venue, played, replaced_rules


async def answered(dealer: Dealer, order: Order, kind: str) -> None:
    """Wait until the venue has answered like that and we have read it; then let all be right."""
    faults, place = dealer.server.faults, dealer.exchange.gateway.hearing.orders[order.id].place
    await dealer.until(lambda: faults.counts[kind] > 0 and place.stage is not Stage.SENT)
    dealer.right()


def wrong(dealer: Dealer, **fields: Any) -> None:
    """Let this go wrong from now on."""
    dealer.server.faults = Faults(FaultPlan(**fields))


@every_venue
def test_an_answer_that_is_lost_is_asked_for(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        wrong(dealer, lost=1.0)
        order = dealer.place(price=bid - 500)
        bought = dealer.market()
        await dealer.until(lambda: order.acknowledged and bought.ended)
        dealer.change(c.AMEND, order, price=bid - 520, size=SIZE)
        await dealer.until(lambda: not order.in_flight)
        assert order.price == bid - 520
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        assert order.state is State.CANCELED
        assert bought.filled
        assert dealer.server.faults.counts["lost"] >= 3  # two placings may share a request
        await dealer.agree()

    played(name, play)


@every_venue
def test_an_answer_that_is_lost_while_the_stream_is_away_is_asked_for(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        wrong(dealer, lost=1.0)
        order, bought = dealer.place(price=bid - 500), dealer.market()
        cut(dealer)
        await dealer.until(lambda: order.acknowledged and bought.ended)
        rows = [row for row in dealer.reports if row["kind"] == report.FILL]
        assert sum(int(row["size"]) for row in rows) == bought.filled
        dealer.right()
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        await dealer.agree()

    played(name, play)


def cut(dealer: Dealer) -> None:
    """Cut the account's stream without a word."""
    for client in list(dealer.server.clients):
        if client.channel.private:
            client.cut()


@every_venue
def test_a_slow_answer_comes_behind_what_the_stream_told(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        wrong(dealer, slow=1.0, slow_s=0.8)
        order, bought = dealer.place(price=bid - 500), dealer.market()
        await dealer.until(lambda: order.acknowledged and bought.ended, 0.7)
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        wrong(dealer, slow=1.0, slow_s=RULES.deadline_s + 0.5)  # later than we wait
        late = dealer.place(price=bid - 510)
        await dealer.until(lambda: late.acknowledged)
        await dealer.until(lambda: not dealer.exchange.gateway.in_flight, 20.0)
        dealer.right()
        dealer.cancel(late)
        await dealer.agree()

    played(name, play)


@every_venue
def test_done_but_answered_with_503_is_found_and_not_done_is_known(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        wrong(dealer, unknown=1.0)
        order, bought = dealer.place(price=bid - 500), dealer.market()
        await dealer.until(lambda: order.acknowledged and bought.ended)
        wrong(dealer, outage=1.0)
        never = dealer.place(price=bid - 510)
        await asyncio.sleep(0.3)
        dealer.pump()
        assert not never.acknowledged
        dealer.right()
        # known not to have been applied, it is sent again; in doubt, it is asked for
        await dealer.until(lambda: never.acknowledged or never.ended)
        if never.ended:
            assert never.reason in (report.NEVER_ARRIVED, report.RATE_LIMIT)
        assert dealer.doubles == {}
        dealer.take(dealer.command(c.CANCEL_ALL))
        await dealer.until(lambda: not list(dealer.blotter.open_orders()))
        await dealer.agree()

    played(name, play)


@every_venue
def test_fills_and_cancels_while_the_stream_is_away_are_told_once(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        resting = [dealer.place(price=bid - 500 - i) for i in range(3)]
        working = dealer.place(price=bid, side=1)
        await dealer.until(lambda: all(one.acknowledged for one in (*resting, working)))
        dealer.server._away_until_s = asyncio.get_running_loop().time() + 1.0
        cut(dealer)
        gone = dealer.exchange.gateway.hearing.orders[resting[0].id].wire_number
        truth, ours = dealer.truth, dealer.exchange.venue.trading.client_id(gone)
        truth.cancel(truth.find(client_id=ours).number)
        name_of = dealer.exchange.venue.trading.client_id
        mine = truth.find(client_id=name_of(working.id))
        if mine is not None and mine.lives:
            truth.amend(mine.number, mine.size, min(dealer.truth.board.lanes[0].asks) + 30)
        await dealer.until(lambda: resting[0].ended and working.filled > 0)
        for row in dealer.reports:
            if row["order"] == resting[0].id and row["kind"] == report.CANCELED:
                assert row["flags"] & report.CORRECTED
        dealer.take(dealer.command(c.CANCEL_ALL))
        await dealer.until(lambda: not list(dealer.blotter.open_orders()))
        await dealer.agree()

    played(name, play)


@every_venue
@pytest.mark.parametrize("answer", ["told", "lost"])
def test_a_stop_that_is_triggered_while_the_stream_is_away_is_known_with_its_fills(
    name: str, answer: str
) -> None:
    async def play(dealer: Dealer) -> None:
        truth, loop = dealer.truth, asyncio.get_running_loop()
        held = dealer.market(size=2 * SIZE)
        await dealer.until(lambda: held.ended)
        truth.pace(0.01)
        if answer == "lost":
            wrong(dealer, lost=1.0)
        stop = dealer.place(
            type=c.STOP_MARKET, tif=c.IOC, side=-1, trigger=dealer.best[0] - 2,
            flags=report.REDUCE_ONLY,
        )  # fmt: skip
        told = answer == "told"
        await dealer.until(lambda: stop.acknowledged if told else bool(truth.living))
        assert all(one.waits for one in truth.living.values())
        dealer.server._away_until_s = loop.time() + 1e9
        cut(dealer)
        truth.pace(20.0)
        await dealer.until(lambda: truth.account.net(0) != held.filled, 60.0)
        dealer.server._away_until_s = 0.0
        await dealer.agree()
        assert stop.filled == held.filled - truth.account.net(0)

    played(name, play)


@every_venue
def test_news_told_twice_and_out_of_turn_count_once(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        send = dealer.server._to_owners
        held: list[Any] = []

        def twice(frame: Any) -> None:
            send(frame)
            held.append(frame)
            if len(held) == 3:  # and the last three once more, the newest first
                for one in reversed(held):
                    send(one)
                held.clear()

        dealer.server._to_owners = twice  # type: ignore[method-assign]
        bid, _ = dealer.best
        order = dealer.place(price=bid - 500)
        orders = [dealer.market(side) for side in (1, 1, -1)]
        await dealer.until(lambda: order.acknowledged and all(one.ended for one in orders))
        dealer.change(c.AMEND, order, price=bid - 520, size=2 * SIZE)
        await dealer.until(lambda: report.AMENDED in dealer.kinds(order))
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        assert dealer.kinds(order) == [report.ACK, report.AMENDED, report.CANCELED]
        fills = [row for row in dealer.reports if row["kind"] == report.FILL]
        assert len(fills) == len(dealer.truth.fills)
        assert dealer.exchange.gateway.hearing.duplicates > 0
        await dealer.agree()

    played(name, play)


@every_venue
def test_too_fast_is_waited_for_or_refused_and_cancels_go_first(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        order = dealer.place(price=bid - 500)
        await dealer.until(lambda: order.acknowledged)
        wrong(dealer, too_many=1.0)
        waits = dealer.place(price=bid - 510)
        await answered(dealer, waits, "too_many")
        await dealer.until(lambda: waits.acknowledged or waits.ended)
        budget = dealer.exchange.gateway.budget
        if waits.ended:  # the venue's wait (WEEX: 10 s) is longer than the order is wanted
            assert waits.reason == report.RATE_LIMIT
            assert budget.paused_until("any") > dealer.server.clock.now()
            budget._until.clear()
        wrong(dealer, banned=1.0)
        refused = dealer.place(price=bid - 520)
        await answered(dealer, refused, "banned")
        now = dealer.server.clock.now()
        assert budget.paused_until("any") > now  # shut out: nothing at all leaves
        seconds = (budget.paused_until("any") - now) / 1e9
        await dealer.until(lambda: refused.acknowledged or refused.ended)
        assert refused.reason in (report.NO_REASON, report.RATE_LIMIT)
        if seconds > 5:  # longer than a test may last: refused at once, with the reason
            assert refused.reason == report.RATE_LIMIT
            budget._until.clear()
        dealer.take(dealer.command(c.CANCEL_ALL))
        await dealer.until(lambda: not list(dealer.blotter.open_orders()))
        await dealer.agree()

    played(name, play)


@every_venue
def test_a_clock_that_jumps_is_measured_and_the_order_sent_once_more(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        dealer.server.house.skew_ns = 40 * 10**9
        order = dealer.place(price=bid - 500)
        await dealer.until(lambda: order.acknowledged)
        dealer.server.house.skew_ns = -40 * 10**9
        bought = dealer.market()
        await dealer.until(lambda: bought.ended)
        assert bought.filled
        dealer.server.house.skew_ns = 0
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        assert dealer.exchange.gateway.hearing.orders[order.id].place.bad_clocks == 1
        await dealer.agree()

    played(name, play)


@every_venue
def test_a_restart_of_the_venue_is_outlived(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        order = dealer.place(price=bid - 500)
        await dealer.until(lambda: order.acknowledged)
        dealer.server._away_until_s = asyncio.get_running_loop().time() + 0.8
        for client in list(dealer.server.clients):
            client.cut()
        await dealer.until(lambda: not dealer.exchange.gateway.listening)
        blind = dealer.place(price=bid - 510)
        await dealer.until(lambda: blind.ended)
        assert (blind.state, blind.reason) == (State.REJECTED, report.NOT_LISTENING)
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        await dealer.until(lambda: dealer.exchange.gateway.listening)
        again = dealer.market()
        await dealer.until(lambda: again.ended)
        await dealer.agree()

    played(name, play)


@every_venue
def test_a_key_of_the_stream_that_ends_is_replaced(name: str) -> None:
    side = venue_named(name).trading
    if side is None or side.listen_key is None:
        pytest.skip("the stream of this venue has no key")

    async def play(dealer: Dealer) -> None:
        keys = dealer.server.house.listen_keys
        assert len(keys) == 1
        for key in keys:
            keys[key] = 0
        await dealer.until(lambda: dealer.exchange.private.losses == 1)
        await dealer.until(lambda: dealer.exchange.gateway.listening)
        order = dealer.place(price=dealer.best[0] - 500)
        await dealer.until(lambda: order.acknowledged)
        dealer.cancel(order)
        await dealer.agree()

    played(name, play, rules=replaced_rules())
