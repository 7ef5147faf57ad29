"""One suite for every venue that has a server: our exchange, over real sockets, against it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from aggressor.account.lifecycle import State
from aggressor.account.reconcile import What
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import ContractKind
from aggressor.venues.bybit.server_forms import order_form
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Terms
from tests.run.live_stage import (
    SIZE,
    Dealer,
    by_hand,
    dealing,
    every_venue,
    local_venue,
    played,
    replaced_rules,
)
from tests.run.venue_stage import MONEY, serving

SILENT = ("bingx", "weex")  # they cancel what cannot be and do not say why


@every_venue
def test_an_order_lives_is_amended_and_cancelled(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, _ = dealer.best
        order = dealer.place(price=bid - 500)
        assert order.in_flight
        await dealer.until(lambda: order.acknowledged)
        (ack,) = dealer.reports
        assert (ack["size"], ack["leaves"], ack["price"]) == (SIZE, SIZE, bid - 500)
        dealer.change(c.AMEND, order, price=bid - 600, size=2 * SIZE)
        await dealer.until(lambda: report.AMENDED in dealer.kinds(order))
        assert (order.size, order.price, order.state) == (2 * SIZE, bid - 600, State.WORKING)
        (theirs,) = dealer.truth.living.values()
        assert (theirs.size, theirs.price) == (2 * SIZE, bid - 600)
        dealer.cancel(order)
        await dealer.until(lambda: order.ended)
        assert dealer.kinds(order) == [report.ACK, report.AMENDED, report.CANCELED]
        dealer.exchange.take(_one(dealer.command(c.CANCEL, order=order.id)))
        await dealer.until(lambda: len(dealer.reports) == 4)
        assert dealer.reports[-1]["kind"] == report.CANCEL_REJECTED
        assert dealer.reports[-1]["reason"] == report.UNKNOWN_ORDER
        await dealer.agree()

    played(name, play)


def _one(line: Any) -> Any:
    rows = c.empty_commands(1)
    rows[0] = line
    return rows


@every_venue
def test_fills_positions_and_money_agree(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        assert dealer.exchange.costs[0].taker_bp == dealer.truth.costs.taker_bp
        bought = dealer.market(size=2 * SIZE)
        await dealer.until(lambda: bought.ended)
        assert (bought.state, bought.filled) == (State.FILLED, 2 * SIZE)
        assert bought.fee == dealer.truth.account.fees
        _, ask = dealer.best
        taken = dealer.place(price=ask + 20, size=SIZE, tif=c.IOC)
        await dealer.until(lambda: taken.ended)
        top = dealer.truth.board.lanes[0].asks
        deep = sum(lots for price, lots in top.items() if price <= ask) + 50 * SIZE
        some = dealer.place(price=dealer.best[1], size=deep, tif=c.IOC)
        await dealer.until(lambda: some.ended)
        assert some.state in (State.EXPIRED, State.FILLED)
        assert some.state is State.FILLED or dealer.kinds(some)[-1] == report.EXPIRED
        sold = dealer.market(-1, SIZE, flags=report.REDUCE_ONLY)
        await dealer.until(lambda: sold.ended)
        assert sold.state is State.FILLED
        for order in (bought, taken, some, sold):
            kinds = dealer.kinds(order)
            assert kinds[0] in (report.ACK, report.FILL, report.EXPIRED)
            assert kinds.count(report.ACK) <= 1
            fills = [row for row in dealer.reports if row["order"] == order.id]
            leaves = [int(row["leaves"]) for row in fills if row["kind"] == report.FILL]
            assert leaves == sorted(leaves, reverse=True)
        await dealer.agree()
        whats = {one.what for one in dealer.exchange.pictures.reconciler.corrections}
        assert whats == {What.OPENING_MONEY}

    inverse = DIALECTS[name].example.kind is ContractKind.INVERSE
    played(name, play, deposit=(1_000 if inverse else 10_000_000) * MONEY)


@every_venue
def test_what_cannot_be_is_refused_with_the_reason(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, ask = dealer.best
        refused: list[tuple[dict[str, int], int]] = [
            ({"price": ask + 50, "tif": c.POST_ONLY}, report.WOULD_CROSS),
            ({"price": bid - 90, "tif": c.FOK}, report.NO_LIQUIDITY),
            ({"price": bid, "size": 500_000_000}, report.NO_MARGIN),
        ]
        for fields, reason in refused:
            order = dealer.place(**fields)
            await dealer.until(lambda order=order: order.ended)
            assert order.state in (State.REJECTED, State.EXPIRED, State.CANCELED), fields
            silent = name in SILENT and reason in (report.WOULD_CROSS, report.NO_LIQUIDITY)
            assert order.reason == (report.NO_REASON if silent else reason), fields
        flat = dealer.market(-1, SIZE, flags=report.REDUCE_ONLY)
        await dealer.until(lambda: flat.ended)
        assert not flat.filled
        if name == "weex":  # it has no documented code for this: its words are told instead
            assert (flat.state, flat.reason) == (State.REJECTED, report.NO_REASON)
            assert any("position size exceeded" in words for words in dealer.notices)
        else:
            assert flat.reason == report.REDUCE_ONLY_EMPTY
        await dealer.agree()

    inverse = DIALECTS[name].example.kind is ContractKind.INVERSE
    played(name, play, deposit=(100 if inverse else 1000) * MONEY)


@every_venue
def test_stops_rest_are_triggered_and_all_is_cancelled_at_once(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, ask = dealer.best
        held = dealer.market(size=3 * SIZE)
        await dealer.until(lambda: held.ended)
        stop = _protect(dealer, c.STOP_MARKET, bid - 800)
        profit = _protect(dealer, c.TAKE_PROFIT_MARKET, ask + 800)
        plain = dealer.place(price=bid - 700)
        await dealer.until(lambda: all(one.acknowledged for one in (stop, profit, plain)))
        dealer.take(dealer.command(c.CANCEL_ALL))
        await dealer.until(lambda: all(one.ended for one in (stop, profit, plain)))
        assert [one.state for one in (stop, profit, plain)] == [State.CANCELED] * 3
        assert not dealer.truth.living
        near = await _triggered(dealer, c.STOP_MARKET)
        far = await _triggered(dealer, c.TAKE_PROFIT_MARKET)
        assert dealer.books.positions[0].lots == held.filled - near.filled - far.filled
        await dealer.agree()

    played(name, play, speed=20.0)


async def _triggered(dealer: Dealer, kind: int) -> Any:
    """Place one close to the market until one was triggered; some venues refuse one behind it."""
    for _ in range(10):
        bid, ask = dealer.best
        order = _protect(dealer, kind, bid - 2 if kind == c.STOP_MARKET else ask + 2)
        await dealer.until(lambda order=order: order.ended, 60.0)
        assert dealer.kinds(order).count(report.TRIGGERED) == order.triggered
        if order.filled:
            assert order.triggered or order.state is State.FILLED
            return order
        assert order.state is State.REJECTED
    raise AssertionError("none was triggered")


def _protect(dealer: Dealer, kind: int, trigger: int) -> Any:
    return dealer.place(
        type=kind, tif=c.IOC, side=-1, size=SIZE // 4, trigger=trigger, price=NO_PRICE,
        flags=report.REDUCE_ONLY,
    )  # fmt: skip


@every_venue
def test_many_orders_go_at_once_and_each_is_answered(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        bid, ask = dealer.best
        lines = [dealer.command(price=bid - 500 - i) for i in range(6)]
        lines.append(dealer.command(price=ask + 90, tif=c.POST_ONLY))
        dealer.take(*lines)
        orders = [dealer.blotter[int(line["order"])] for line in lines]
        await dealer.until(lambda: all(one.acknowledged for one in orders[:6]))
        await dealer.until(lambda: orders[6].ended)
        assert orders[6].reason == (report.NO_REASON if name in SILENT else report.WOULD_CROSS)
        assert len(dealer.truth.living) == 6
        assert await dealer.exchange.close()
        dealer.pump()
        assert all(one.state is State.CANCELED for one in orders[:6])
        await dealer.agree()

    played(name, play)


@every_venue
def test_settings_are_made_and_what_the_venue_refuses_is_said(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server:
            account = server.exchange.account
            hedge_only = local_venue(server).trading.set_mode is None
            async with dealing(server, terms=Terms(leverage=7)) as dealer:
                assert account.leverage == [7]
                held = dealer.market()
                await dealer.until(lambda: held.ended)
            terms = Terms(leverage=7, hedge=True)
            if not hedge_only:
                with pytest.raises(ConfigError, match="position"):
                    async with dealing(server, terms=terms):
                        raise AssertionError("a mode that cannot be was set")
            side = venue_named(name).trading
            assert side is not None
            if side.margin is not None or venue_named(name).margin_request is not None:
                with pytest.raises(ConfigError, match="leverage"):
                    async with dealing(server, terms=Terms(leverage=900)):
                        raise AssertionError("a leverage that cannot be was set")

    asyncio.run(play())


@every_venue
def test_another_hand_on_the_account_is_found_and_put_right(name: str) -> None:
    async def play(dealer: Dealer) -> None:
        by_hand(dealer.server, "web1", type=c.MARKET, tif=c.IOC)
        by_hand(dealer.server, "web2", price=dealer.best[0] - 900)
        corrections = dealer.exchange.pictures.reconciler.corrections
        await dealer.until(lambda: What.POSITION in {one.what for one in corrections})
        (found,) = [one for one in corrections if one.what is What.POSITION]
        assert (found.ours, found.theirs) == (0, SIZE)
        assert dealer.exchange.pictures.reconciler.books.positions[0].lots == SIZE
        wallet = dealer.truth.account.wallets[dealer.instrument.settle]
        books = dealer.exchange.pictures.reconciler.books
        await dealer.until(lambda: books.cash(books.currency(0)) == wallet)
        assert any("corrected" in words for words in dealer.notices)
        assert len(dealer.truth.living) == 1  # the order of the other hand is left alone
        assert not dealer.exchange.gateway.hearing.active

    played(name, play)


@every_venue
def test_a_second_run_holds_what_the_first_one_left(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server:
            first: list[Any] = []
            async with dealing(server) as dealer:
                bid, _ = dealer.best
                order = dealer.place(price=bid - 500)
                bought = dealer.market()
                await dealer.until(lambda: order.acknowledged and bought.ended)
                first = [dealer.command(order=order.id, price=bid - 500)]
                lost = dealer.command(price=bid - 510)  # in the journal, never sent
                before = dealer.exchange.first_id
            async with dealing(server, sent_before=[lost]) as dealer:
                assert dealer.exchange.first_id > before + 2
                dealer.blotter.sent(lost)
                dealer.blotter.sent(first[0])
                whats = [one.what for one in dealer.exchange.pictures.reconciler.corrections]
                assert What.ORDER in whats
                assert What.OPENING_POSITION in whats
                assert dealer.exchange.pictures.reconciler.books.positions[0].lots == SIZE
                missing = dealer.blotter[int(lost["order"])]
                await dealer.until(lambda: missing.ended)
                assert missing.reason == report.NEVER_ARRIVED
                dealer.cancel(dealer.blotter[order.id])
                await dealer.until(lambda: dealer.blotter[order.id].ended)
                assert not server.exchange.living
                assert not dealer.doubles

    asyncio.run(play())


@every_venue
def test_more_orders_than_a_page_holds_are_all_found(name: str) -> None:
    async def play() -> None:
        async with serving(name) as server:
            side = venue_named(name).trading
            assert side is not None
            bid = max(server.exchange.board.lanes[0].bids)
            for i in range(120):
                by_hand(server, side.client_id(1000 + i), price=bid - 500 - i)
            async with dealing(server) as dealer:
                held = dealer.exchange.gateway.hearing.active
                assert sorted(held) == list(range(1000, 1120))
                assert await dealer.exchange.close(20.0)
                assert not server.exchange.living

    asyncio.run(play())


@every_venue
def test_the_venue_cancels_all_when_we_are_gone(name: str) -> None:
    side = venue_named(name).trading
    if side is None or side.dead_man is None:
        pytest.skip("the venue has no timer")
    rules = replaced_rules(dead_man_s=10.0)

    async def play() -> None:
        async with serving(name) as server:
            async with dealing(server, rules=rules) as dealer:
                order = dealer.place(price=dealer.best[0] - 500)
                await dealer.until(lambda: order.acknowledged)
                await dealer.until(lambda: bool(server.house.dead_man))
                until = max(server.house.dead_man.values())
                await dealer.until(lambda: max(server.house.dead_man.values()) > until, 8.0)
                assert server.exchange.living
            await _while(lambda: any(one.channel.private for one in server.clients))
            server.house.dead_man = dict.fromkeys(server.house.dead_man, 0)  # its time has come
            await _while(lambda: bool(server.exchange.living))
            if name.startswith("bybit"):  # it says that it was this
                (ended,) = server.exchange.orders.values()
                assert order_form(server.house, ended)["cancelType"] == "CancelByDCP"

    asyncio.run(play())


async def _while(true: Callable[[], bool]) -> None:
    for _ in range(300):
        if not true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it went on")
