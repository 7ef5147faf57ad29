"""The local venue's core: what an account holds adds up, and orders live legal lives."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema import report as r
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import Events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.local import exchange as local
from aggressor.sim.local.board import BookNews, TradeNews
from aggressor.sim.local.exchange import LocalExchange
from aggressor.sim.local.orders import AccountNews, LocalOrder, OrderNews, Refused, Ticket
from aggressor.sim.local.paced import MarketClock, PacedFeed
from tests.sim.streams import START_NS, Tape

MONEY = 100_000_000
NOW = 1_800_000_000_000_000_000


class Rows:
    """A Feed of an array."""

    def __init__(self, rows: Events) -> None:
        self.rows = rows

    def poll(self, limit: int) -> Events:
        rows, self.rows = self.rows[:limit], self.rows[limit:]
        return rows


def instrument(kind: ContractKind = ContractKind.LINEAR) -> Instrument:
    return Instrument(
        venue="local", symbol="ABC", kind=kind, tick=Decimal("0.5"), lot=Decimal("0.1"),
        base="A", quote="B", settle="B",
    )  # fmt: skip


def exchange(seed: int, deposit: int = 10_000, messages: int = 80) -> LocalExchange:
    rows = Tape(seed, 1, messages).events()
    return LocalExchange([instrument()], [Rows(rows)], now=NOW, deposit=deposit * MONEY)


def ticket(number: int, **fields: int) -> Ticket:
    given = {"lane": 0, "side": 1, "size": 5, "price": 100, "type": c.LIMIT, "tif": c.GTC} | fields
    return Ticket(client_id=f"x{number}", **given)  # pyright: ignore[reportArgumentType]


ACTS = st.tuples(
    st.sampled_from(["wait", "limit", "market", "post", "fok", "stop", "take", "amend", "cancel"]),
    st.integers(0, 60),  # time, or which order
    st.sampled_from([1, -1]),
    st.integers(93, 107),
    st.integers(1, 40),
    st.booleans(),
)


def act(x: LocalExchange, number: int, what: tuple[str, int, int, int, int, bool]) -> None:
    kind, which, side, price, size, reduces = what
    if kind == "wait":
        x.advance(x.now + which)
        return
    standing = sorted(x.orders)
    if kind in ("amend", "cancel"):
        if standing:
            chosen = standing[which % len(standing)]
            x.amend(chosen, size, price) if kind == "amend" else x.cancel(chosen)
        return
    kinds = {
        "limit": {},
        "market": {"type": c.MARKET, "tif": c.IOC, "price": e.NO_PRICE},
        "post": {"tif": c.POST_ONLY},
        "fok": {"tif": c.FOK},
        "stop": {"type": c.STOP_MARKET, "price": e.NO_PRICE, "trigger": price},
        "take": {"type": c.TAKE_PROFIT_MARKET, "price": e.NO_PRICE, "trigger": price},
    }
    fields = {"side": side, "price": price, "size": size, "reduce_only": reduces} | kinds[kind]
    x.place(ticket(number, **fields))


@given(st.integers(0, 1000), st.lists(ACTS, max_size=40))
@settings(max_examples=60, deadline=None)
def test_balances_positions_and_fills_add_up_whatever_is_done(seed: int, acts: list) -> None:
    x = exchange(seed)
    told: dict[int, list[OrderNews]] = {}
    wallet, held = x.account.wallets["B"], x.account.held(0)
    for number, what in enumerate(acts):
        act(x, number, what)
        for news in x.drain():
            if isinstance(news, OrderNews):
                told.setdefault(news.order.number, []).append(news)
            elif isinstance(news, AccountNews):
                held = news.held
                wallet = news.wallet
        account = x.account
        assert (wallet, held) == (account.wallets["B"], account.held(0))
        earned = account.realised - account.fees - account.funding
        assert account.wallets["B"] == account.deposit + earned
        assert account.net(0) == sum(one.side * one.lots for one in x.fills)
        assert account.net(0) == int(x._sim.sim.head[0]["position"])
        assert x.free("B") >= 0
        assert {one.number for one in x.orders.values() if one.lives} == set(x.living)
        standing = x._sim.sim.orders[: int(x._sim.sim.clock[0]["orders"])]
        assert set(standing["order"].tolist()) == set(x.living)
    for number, news in told.items():
        legal_life(x, number, news)


def legal_life(x: LocalExchange, number: int, news: list[OrderNews]) -> None:
    """First taken, then alive, then over: nothing follows an end, and fills sum up."""
    kinds = [one.kind for one in news]
    assert kinds[0] == r.ACK
    assert kinds.count(r.ACK) == 1
    ends = [i for i, one in enumerate(news) if not one.order.lives]
    assert ends in ([], [len(news) - 1])
    filled = sum(one.fill.lots for one in news if one.fill is not None)
    assert x.orders[number].filled == filled <= x.orders[number].size
    times = [one.ts for one in news]
    assert times == sorted(times)
    if x.orders[number].waits and filled:
        assert r.TRIGGERED in kinds


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_what_is_told_of_the_book_is_the_book(seed: int) -> None:
    rows = Tape(seed, 1, 120).events()
    x = LocalExchange([instrument()], [Rows(rows)], now=NOW)
    bids, asks = dict(x.board.lanes[0].bids), dict(x.board.lanes[0].asks)
    version = x.board.lanes[0].book_version
    prints = sum(isinstance(news, TradeNews) for news in x.drain())
    while not x.paced.over:
        x.advance(x.now + 37)
        for news in x.drain():
            if isinstance(news, BookNews):
                assert news.previous == version < news.version
                version = news.version
                for book, changes in ((bids, news.bids), (asks, news.asks)):
                    book.update(changes)
            prints += isinstance(news, TradeNews)
        lane = x.board.lanes[0]
        assert {price: lots for price, lots in bids.items() if lots} == lane.bids
        assert {price: lots for price, lots in asks.items() if lots} == lane.asks
    assert prints == int(np.sum((rows["kind"] == e.TRADE) & (rows["flags"] & e.STALE == 0)))


def test_the_same_calls_give_the_same_fills_however_time_is_cut() -> None:
    def fills(cuts: list[int]) -> list[tuple[int, int, int]]:
        x = exchange(7, messages=300)
        for number in range(6):
            x.place(ticket(number, side=1 if number % 2 else -1, price=98 + number, size=9))
        for cut in cuts:
            x.advance(x.now + cut)
        return [(one.price, one.lots, one.maker) for one in x.fills]

    whole = fills([4000])
    assert len(whole) >= 3
    assert fills([1] * 500 + [3500]) == whole


def test_an_account_cannot_carry_more_than_its_equity() -> None:
    x = exchange(3, deposit=50)
    refused = x.place(ticket(1, size=1000, price=99))
    assert isinstance(refused, Refused)
    assert refused.reason == r.NO_MARGIN
    taken = x.place(ticket(2, size=150, price=94))
    assert isinstance(taken, LocalOrder)
    before = x.free("B")
    needed = Fraction(150) / 10 * x.price(0) / 2 / 20 * MONEY
    assert 50 * MONEY - before == pytest.approx(needed)
    assert isinstance(x.amend(taken.number, 1000, 94), Refused)
    assert x.orders[taken.number].size == 150
    x.account.leverage[0] = 100
    assert isinstance(x.amend(taken.number, 600, 94), LocalOrder)


def test_an_id_of_a_living_order_is_taken_and_free_again_when_it_has_ended() -> None:
    x = exchange(3)
    first = x.place(ticket(1, price=94))
    assert isinstance(first, LocalOrder)
    again = x.place(ticket(1, price=93))
    assert isinstance(again, Refused)
    assert again.words == "duplicate id"
    x.cancel(first.number)
    assert isinstance(x.place(ticket(1, price=93)), LocalOrder)


def test_nothing_is_kept_of_orders_that_were_refused() -> None:
    x = exchange(3)
    nothing = [x.place(ticket(one, price=94, reduce_only=True)) for one in range(1, 20)]
    assert all(isinstance(one, Refused) for one in nothing)
    assert x.orders == x._client_ids == {}


def test_what_has_ended_is_forgotten_with_its_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "ENDED_KEPT", 5)
    x = exchange(3)
    for one in range(1, 20):
        placed = x.place(ticket(one, price=94))
        assert isinstance(placed, LocalOrder)
        x.cancel(placed.number)
    assert len(x.orders) == len(x._client_ids) == 5


def test_time_is_told_by_the_venues_clock_and_runs_faster() -> None:
    clock = MarketClock(NOW, START_NS, 20.0)
    assert clock.market(NOW + 1_000) == START_NS + 20_000
    assert clock.venue(START_NS + 20_000) == NOW + 1_000
    with pytest.raises(ConfigError):
        MarketClock(NOW, START_NS, 0.0)


def test_several_feeds_are_one_in_order_of_time() -> None:
    feeds = [Rows(Tape(seed, 1, 50).events()) for seed in (1, 2)]
    paced = PacedFeed(feeds)
    rows = []
    for until in range(paced.first_ns, paced.first_ns + 5000, 40):
        paced.release(until)
        rows.append(paced.poll(10_000))
    joined = np.concatenate(rows)
    assert np.all(np.diff(joined["ts_recv"]) >= 0)
    assert set(joined["instrument"][joined["kind"] != e.TIMER]) == {0, 1}
    with pytest.raises(ConfigError):
        _ = PacedFeed([Rows(e.empty_events(0))]).first_ns
