"""One conformance suite for every local venue: our trading side against their dialect."""

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import pytest

from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.instrument import ContractKind
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    Credentials,
    FillUpdate,
    OrderUpdate,
    PositionUpdate,
    Terms,
    TradingVenue,
    Verdict,
)
from tests.run.venue_stage import MONEY, Trader, serving, trading, until

SIZE = 200  # lots: worth more than the least value of any venue
VENUES = sorted(DIALECTS)
WORDLESS = ("weex",)  # it has no code for a position that is too small
SILENT = ("bingx", "weex")  # their streams do not say why an order ended


def _side(name: str) -> TradingVenue:
    side = venue_named(name).trading
    assert side is not None
    return side


def played(name: str, play: Callable[[Trader], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        async with serving(name, **more) as server, trading(server) as trader:
            await play(trader)

    asyncio.run(run())


@pytest.mark.parametrize("name", VENUES)
def test_an_order_is_placed_amended_asked_for_and_cancelled(name: str) -> None:
    async def play(trader: Trader) -> None:
        side, one = trader.side, trader.instrument
        bid, _ = trader.best
        answer, line = await trader.place(price=bid - 500, size=SIZE)
        assert answer.verdict is Verdict.ACCEPTED, answer
        ours = side.client_id(int(line["order"]))
        await until(lambda: [x.kind for x in trader.of(line)] == [report.ACK])
        assert one.lots(trader.of(line)[0].size) == SIZE
        assert await trader.living() == {ours}
        call = (
            side.amend(trader.order(c.AMEND, price=bid - 600, size=2 * SIZE), one, trader.terms)
            if side.amend is not None
            else None
        )
        if call is not None:
            answer, _ = await trader.ask(call)
            assert answer.verdict is Verdict.ACCEPTED, answer
            await until(lambda: len(trader.of(line)) >= 2)
            assert one.ticks(trader.of(line)[-1].price) == bid - 600
            assert one.lots(trader.of(line)[-1].size) == 2 * SIZE
        _, body = await trader.ask(side.order(one, ours, "", 0)[0])
        (found,) = side.read_orders(body)
        assert (found.client_id, found.kind) == (ours, report.ACK)
        assert (await trader.cancel(line)).verdict is Verdict.ACCEPTED
        await until(lambda: trader.of(line)[-1].kind == report.CANCELED)
        assert await trader.living() == set()
        answer = await trader.cancel(line)
        assert (answer.verdict, answer.reason) == (Verdict.REFUSED, report.UNKNOWN_ORDER)

    played(name, play)


@pytest.mark.parametrize("name", [x for x in VENUES if _side(x).resize or _side(x).replace])
def test_an_order_gets_another_size_and_is_replaced_by_another_price(name: str) -> None:
    async def play(trader: Trader) -> None:
        side, one = trader.side, trader.instrument
        bid, _ = trader.best
        answer, line = await trader.place(price=bid - 500, size=SIZE)
        assert answer.verdict is Verdict.ACCEPTED, answer
        if side.resize is not None:
            line["size"] = 2 * SIZE
            answer, _ = await trader.ask(side.resize(line, one, trader.terms))
            assert answer.verdict is Verdict.ACCEPTED, answer
            await until(lambda: one.lots(trader.of(line)[-1].size) == 2 * SIZE)
        if side.replace is None:
            return
        other = trader.order(price=bid - 600, size=SIZE)
        answer, _ = await trader.ask(side.replace(other, int(line["order"]), one, trader.terms))
        assert answer.verdict is Verdict.ACCEPTED, answer
        await until(lambda: trader.of(line)[-1].kind == report.CANCELED)
        await until(lambda: bool(trader.of(other)))
        assert one.ticks(trader.of(other)[-1].price) == bid - 600
        assert await trader.living() == {side.client_id(int(other["order"]))}
        more = trader.order(price=bid - 700, size=SIZE)  # what is not there is not replaced
        answer, _ = await trader.ask(side.replace(more, int(line["order"]), one, trader.terms))
        assert answer.verdict is Verdict.REFUSED, answer
        assert not trader.of(more)
        assert len(trader.server.exchange.living) == 1

    played(name, play)


@pytest.mark.parametrize("name", [x for x in VENUES if _side(x).place_many is not None])
def test_a_batch_is_placed(name: str) -> None:
    async def play(trader: Trader) -> None:
        side, (bid, _) = trader.side, trader.best
        assert side.place_many is not None
        assert side.answers is not None
        lines = [trader.order(price=bid - 500 - k, size=SIZE) for k in range(3)]
        call = side.place_many(lines, trader.instrument, trader.terms)
        signed = await trader.send(call)
        answers = side.answers(signed.status, signed.headers, signed.body, len(lines))
        assert [one.verdict for one in answers] == [Verdict.ACCEPTED] * 3, answers
        assert await trader.living() == {side.client_id(int(one["order"])) for one in lines}

    played(name, play)


@pytest.mark.parametrize("name", VENUES)
def test_settings_are_taken_and_rights_fees_and_margin_are_told(name: str) -> None:
    async def play(trader: Trader) -> None:
        side, one, account = trader.side, trader.instrument, trader.server.exchange.account
        terms = Terms(leverage=7, hedge=account.hedge)
        for call in side.set_leverage(one, terms):
            answer, _ = await trader.ask(call)
            assert answer.verdict is Verdict.ACCEPTED, answer
        assert account.leverage == [7]
        if side.set_margin is not None:
            isolated = Terms(leverage=7, isolated=True, hedge=account.hedge)
            answer, _ = await trader.ask(side.set_margin(one, isolated))
            assert answer.verdict is Verdict.ACCEPTED, answer
            assert account.isolated == [True]
        if side.set_mode is not None:
            answer, _ = await trader.ask(side.set_mode(Terms(leverage=7, hedge=True)))
            assert answer.verdict is Verdict.ACCEPTED, answer
            assert account.hedge
        if side.rights is not None and side.read_rights is not None:
            _, body = await trader.ask(side.rights())
            assert side.read_rights(body).withdraw is not True
        if side.fees is not None and side.read_fees is not None:
            _, body = await trader.ask(side.fees(one))
            (fees,) = side.read_fees(body)
            costs = trader.server.exchange.costs
            assert (fees.maker * 10_000, fees.taker * 10_000) == (costs.maker_bp, costs.taker_bp)
        if side.margin is not None and side.read_margin is not None:
            _, body = await trader.ask(side.margin(one))
            assert side.read_margin(body)[0].maintenance > 0

    played(name, play)


@pytest.mark.parametrize("name", VENUES)
def test_a_market_order_fills_and_account_and_news_agree(name: str) -> None:
    async def play(trader: Trader) -> None:
        one, exchange = trader.instrument, trader.server.exchange
        answer, line = await trader.place(type=c.MARKET, tif=c.IOC, size=SIZE)
        assert answer.verdict is Verdict.ACCEPTED, answer
        await until(lambda: [x for x in trader.of(line) if x.kind == report.FILL])
        fills = [x for x in trader.updates if isinstance(x, FillUpdate)]
        assert sum(one.lots(x.size) for x in fills) == SIZE
        assert len({x.trade_id for x in fills}) == len(fills) == len(exchange.fills)
        fees = sum(Fraction(x.fee) for x in fills)
        assert fees * 10**8 == exchange.account.fees
        assert one.lots(await trader.position()) == SIZE
        held = [x for x in trader.updates if isinstance(x, PositionUpdate)]
        assert one.lots(held[-1].size) == SIZE
        wallets = [x.wallet for x in trader.updates if isinstance(x, BalanceUpdate)]
        wallet = wallets[-1] if wallets else ""
        _, body = await trader.ask(trader.side.balances())
        (balance,) = [x for x in trader.side.read_balances(body) if x.asset == one.settle]
        assert Fraction(balance.wallet) == Fraction(wallet or balance.wallet)  # some tell only free
        assert Fraction(balance.wallet) * 10**8 == exchange.account.wallets[one.settle]
        since = trader.server.house.now_ms - 60_000
        _, body = await trader.ask(trader.side.fills(one, since))
        asked = trader.side.read_fills(body)
        assert {x.trade_id for x in asked} == {x.trade_id for x in fills}
        answer, line = await trader.place(
            type=c.MARKET, tif=c.IOC, size=SIZE, side=-1, flags=report.REDUCE_ONLY
        )
        assert answer.verdict is Verdict.ACCEPTED, answer
        assert one.lots(await trader.position()) == 0
        answer, _ = await trader.place(
            type=c.MARKET, tif=c.IOC, size=SIZE, side=-1, flags=report.REDUCE_ONLY
        )
        why = report.NO_REASON if name in WORDLESS else report.REDUCE_ONLY_EMPTY
        assert (answer.verdict, answer.reason) == (Verdict.REFUSED, why)

    played(name, play)


@pytest.mark.parametrize("name", VENUES)
def test_what_cannot_be_is_refused_with_the_reason(name: str) -> None:
    async def play(trader: Trader) -> None:
        bid, ask = trader.best
        refused: list[tuple[dict[str, int], int]] = [
            ({"price": ask + 50, "size": SIZE, "tif": c.POST_ONLY}, report.WOULD_CROSS),
            ({"price": bid - 90, "size": SIZE, "tif": c.FOK}, report.NO_LIQUIDITY),
            ({"price": bid, "size": 500_000_000}, report.NO_MARGIN),
        ]
        for fields, reason in refused:
            answer, line = await trader.place(**fields)
            if answer.verdict is Verdict.ACCEPTED:  # some venues say it on the stream alone
                await until(lambda line=line: bool(trader.of(line)), 3.0)
                await asyncio.sleep(0.1)
                last = trader.of(line)[-1]
                assert last.kind in (report.CANCELED, report.EXPIRED, report.REJECTED), fields
                assert last.reason == (report.NO_REASON if name in SILENT else reason), fields
            else:
                assert (answer.verdict, answer.reason) == (Verdict.REFUSED, reason), answer
        assert await trader.living() == set()
        balances = trader.side.balances()
        answer, _ = await trader.ask(balances, Credentials("k" * 64, "wrong", "p"))
        assert (answer.verdict, answer.reason) == (Verdict.REFUSED, report.FORBIDDEN)
        trader.server.house.skew_ns = 60 * 10**9
        late = trader.server.house.now_ms - 60_000
        answer, _ = await trader.ask(balances, now_ms=late)
        assert answer.verdict is Verdict.BAD_CLOCK, answer

    inverse = DIALECTS[name].example.kind is ContractKind.INVERSE
    played(name, play, deposit=(100 if inverse else 1000) * MONEY)


@pytest.mark.parametrize("name", VENUES)
def test_stops_and_take_profits_rest_are_cancelled_and_triggered(name: str) -> None:
    async def play(trader: Trader) -> None:
        bid, ask = trader.best
        await trader.place(type=c.MARKET, tif=c.IOC, size=2 * SIZE)
        lines = []
        for kind, trigger in ((c.STOP_MARKET, bid - 400), (c.TAKE_PROFIT_MARKET, ask + 400)):
            answer, line = await trader.place(
                type=kind, tif=c.IOC, trigger=trigger, size=SIZE, side=-1, flags=report.REDUCE_ONLY
            )
            assert answer.verdict is Verdict.ACCEPTED, answer
            lines.append(line)
        ids = {trader.side.client_id(int(line["order"])) for line in lines}
        assert await trader.living() == ids
        for call in trader.side.cancel_all(trader.instrument):
            answer, _ = await trader.ask(call)
            assert answer.verdict is Verdict.ACCEPTED, answer
        assert await trader.living() == set()
        await until(lambda: all(trader.of(x)[-1].kind == report.CANCELED for x in lines))
        answer, line = await trader.place(
            type=c.STOP_MARKET, tif=c.IOC, trigger=trader.best[0] - 5, size=SIZE, side=-1,
            flags=report.REDUCE_ONLY,
        )  # fmt: skip
        assert answer.verdict is Verdict.ACCEPTED, answer
        exchange = trader.server.exchange
        bought = exchange.account.net(0)
        await until(lambda: report.TRIGGERED in [x.kind for x in trader.of(line)], 60.0)
        sold = sum(x.lots for x in exchange.fills if x.side < 0)
        assert 0 < sold <= SIZE  # a thin book may not hold all of it
        assert exchange.account.net(0) == bought - sold
        ended = report.FILL if sold == SIZE else report.EXPIRED
        await until(
            lambda: any(
                isinstance(x, OrderUpdate) and x.kind == ended and x.side < 0
                for x in trader.updates
            )
        )

    played(name, play, speed=20.0)
