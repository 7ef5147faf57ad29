"""Liquidation by hand: T8.9 as a tape, what is closed where, and what the books say then."""

from decimal import Decimal

import numpy as np
import pytest

from aggressor.account.books import Books
from aggressor.execution.desk import Desk
from aggressor.execution.halt import HaltLevel
from aggressor.market.book import book_state
from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema import report as r
from aggressor.schema.errors import ConfigError
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.margin import Margin, Tier
from tests.execution.stage import Stage
from tests.sim.drive import FREE, ChunkFeed, drive, instrument, sizes

MONEY = 10**8
LEVELS = ((1, 49_999, 10), (1, 49_000, 10), (-1, 50_000, 10), (-1, 51_000, 10))


class Course:
    """Rows 10 ns apart: a book, then marks and changes of the book; orders at given rows."""

    def __init__(self, wallet: int = 5_000, charge: str = "0", shift: int = 0) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.orders: dict[int, dict[str, int]] = {}
        self.row(e.CLEAR, e.NO_PRICE, 0, 0, 0)
        for i, (side, price, lots) in enumerate(LEVELS):
            self.level(side, price + shift, lots, e.SNAPSHOT | (e.LAST if i == 3 else 0))
        terms = Margin(
            deposits={"": wallet * MONEY},
            tiers=(Tier(maintenance=Decimal("0.004")),),
            charge_bp=Decimal(charge),
        )
        self.exchange_terms = terms

    def row(self, kind: int, price: int, size: int, side: int, flags: int = e.LAST) -> None:
        now = 10 * (len(self.rows) + 1)
        self.rows.append((now, now, size, price, kind, side, flags, 0))

    def level(self, side: int, price: int, lots: int, flags: int = e.LAST) -> None:
        self.row(e.LEVEL, price, lots, side, flags)

    def mark(self, price: int) -> None:
        self.row(e.MARK, price, price * MONEY, 0)

    def send(self, side: int, price: int, lots: int = 1, **more: int) -> None:
        """Send an order with the row that comes next."""
        number = len(self.orders) + 1
        blank = {name: 0 for name in c.COMMAND.names or () if name != "reserved"}
        fields = {"kind": c.PLACE, "type": c.LIMIT, "tif": c.GTC, "order": number, "side": side}
        fields |= {"price": price, "size": lots, "trigger": e.NO_PRICE}
        self.orders[10 * len(self.rows)] = blank | fields | more

    def play(self) -> list[tuple[str, int, int, int, int]]:
        """Return (kind, side, price, lots, reason) of every report."""
        self.row(e.TIMER, e.NO_PRICE, 0, 0)
        self.exchange = SimExchange(
            ChunkFeed(np.array(self.rows, e.EVENT), 3),
            [instrument()],
            latency=Latency(feed_ns=0, order_ns=1, response_ns=1),
            costs=FREE,
            book=book_state(1, window=64, levels=64),
            margin=self.exchange_terms,
        )

        def decide(row, line):
            now = 0 if row is None else int(row["ts_recv"])
            return [self.orders[now] | {"ts_send": now}] if now in self.orders else []

        self.lines = drive(self.exchange, decide, sizes(1))
        return [
            (r.REPORT_NAMES[x["kind"]], x["side"], x["price"], x["size"], x["reason"])
            for x in self.lines
        ]

    @property
    def books(self) -> Books:
        assert self.exchange.account is not None
        return self.exchange.account.books


@pytest.mark.parametrize(("side", "safe", "gone"), [(1, 45_181, 45_180), (-1, 54_780, 54_781)])
def test_the_mark_of_t89_liquidates(side: int, safe: int, gone: int) -> None:
    course = Course(shift=0 if side > 0 else 1)
    course.send(side, 50_000)
    course.mark(50_000)
    course.mark(safe)
    quiet = len(course.rows)
    course.mark(gone)
    told = course.play()
    assert [one[0] for one in told] == ["ack", "fill", "liquidated"]
    assert course.lines[-1]["ts_venue"] == 10 * (quiet + 1)
    assert told[-1][1] == -side


def test_what_the_book_takes_better_than_bankruptcy_stays_ours_less_the_charge() -> None:
    course = Course(charge="50")
    course.send(1, 50_000)
    course.mark(50_000)
    course.mark(45_000)
    assert course.play()[-1] == ("liquidated", -1, 49_999, 1, 0)
    charge = 49_999 * MONEY // 200
    assert course.lines[-1]["fee"] == charge
    assert course.books.cash("") == 4_999 * MONEY - charge
    assert course.books.identity("")


def test_beyond_bankruptcy_the_venue_takes_over_and_nothing_is_left_to_charge() -> None:
    course = Course(charge="50")
    course.send(1, 50_000)
    course.mark(50_000)
    course.level(1, 49_999, 0, 0)
    course.level(1, 49_000, 0, 0)
    course.level(1, 40_000, 9)
    course.mark(41_000)
    assert course.play()[-1] == ("liquidated", -1, 45_000, 1, 0)
    assert course.lines[-1]["fee"] == 0
    assert course.books.cash("") == 0
    assert course.books.positions[0].lots == 0


def test_a_book_too_thin_is_taken_first() -> None:
    course = Course(wallet=15_000)
    course.send(1, 50_000, 3)
    course.mark(50_000)
    course.level(1, 49_999, 1, 0)
    course.level(1, 49_000, 0)
    course.mark(45_000)
    assert course.play()[-2:] == [
        ("liquidated", -1, 49_999, 1, 0),
        ("liquidated", -1, 45_000, 2, 0),  # the bankruptcy price of all three
    ]
    assert course.books.cash("") == 4_999 * MONEY


def test_orders_go_first_and_nothing_is_opened_any_more() -> None:
    course = Course()
    course.send(1, 50_000)
    course.mark(50_000)
    course.send(1, 48_000)
    course.mark(50_000)
    course.mark(45_000)
    course.send(1, 50_000)
    course.mark(45_000)
    course.mark(45_000)
    assert course.play()[2:] == [
        ("ack", 1, 48_000, 1, 0),
        ("canceled", 1, 48_000, 1, r.NO_MARGIN),
        ("liquidated", -1, 49_999, 1, 0),
        ("rejected", 1, 50_000, 1, r.NO_MARGIN),
    ]


def test_without_a_mark_nobody_is_liquidated() -> None:
    course = Course(wallet=1)
    course.send(1, 50_000)
    course.level(1, 30_000, 5)
    course.level(1, 30_001, 5)
    assert [one[0] for one in course.play()] == ["ack", "fill"]


def test_terms_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="maintenance"):
        Margin(deposits={}, tiers=(Tier(maintenance=Decimal(0)),))
    with pytest.raises(ConfigError, match="charge"):
        Margin(deposits={}, tiers=(Tier(maintenance=Decimal("0.1")),), charge_bp=Decimal(-1))


def test_the_desk_books_what_the_venue_closed_as_the_venue_does() -> None:
    course = Course(charge="50")
    course.send(1, 50_000)
    course.mark(50_000)
    course.mark(45_000)
    course.play()
    stage, one = Stage(), instrument()
    desk = Desk([one])
    desk.books.deposit("", 5_000 * MONEY)
    for command in course.orders.values():
        desk.blotter.sent(command | {"ts_send": 0})
    for line in course.lines:
        desk.report(line, stage.market)
    assert desk.books.cash("") == course.books.cash("")
    assert desk.position(0).lots == 0
    assert desk.halt.level is HaltLevel.FLATTEN
