"""Fill rules R9.3 told as small scenes: a book, our orders, what happens, what is reported."""

import numpy as np
import pytest

from aggressor.market.book import book_state
from aggressor.schema import command as c
from aggressor.schema import event as e
from aggressor.schema import report as r
from aggressor.schema.report import REPORT_NAMES
from aggressor.sim.latency import Latency
from aggressor.sim.loop import END, REACHED, advance_venue, submit
from aggressor.sim.queue import Queue
from aggressor.sim.state import sim_state
from tests.sim.streams import as_commands

BIDS = [(100, 30), (99, 20), (98, 25)]
ASKS = [(101, 10), (102, 15), (103, 40)]


class Scene:
    """Rows at t = 1, 2, 3 ... ns; commands may be sent at any time and arrive at once."""

    def __init__(self, queue: Queue | None = None) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.commands: list[dict[str, int]] = []
        self.queue = queue or Queue()
        self.now = 0
        self.row(e.CLEAR, e.NO_PRICE, 0, 0, 0)
        levels = [(1, *level) for level in BIDS] + [(-1, *level) for level in ASKS]
        for i, (side, price, lots) in enumerate(levels):
            self.row(e.LEVEL, price, lots, side, e.SNAPSHOT | (e.LAST if i == 5 else 0))

    def row(self, kind: int, price: int, size: int, side: int, flags: int = e.LAST) -> None:
        self.now += 1
        self.rows.append((self.now, self.now, size, price, kind, side, flags, 0))

    def print(self, price: int, size: int, side: int, flags: int = 0) -> None:
        self.row(e.TRADE, price, size, side, e.LAST | flags)

    def level(self, side: int, price: int, size: int) -> None:
        self.row(e.LEVEL, price, size, side)

    def send(self, order: int, side: int, price: int, size: int, **more: int) -> None:
        fields = {"kind": c.PLACE, "type": c.LIMIT, "tif": c.GTC, "trigger": e.NO_PRICE, "flags": 0}
        fields |= {"ts_send": self.now, "order": order, "side": side, "price": price, "size": size}
        self.commands.append(fields | {"instrument": 0, "parent": 0, "strategy": 0} | more)

    def play(self) -> list[tuple]:
        """Return (kind, order, price, size, leaves, maker) of every report."""
        latency = Latency(feed_ns=0, order_ns=0, response_ns=0)
        sim = sim_state(1, latency, self.queue, book=book_state(1, window=64, levels=64))
        events = np.array(self.rows, e.EVENT)
        for command in as_commands(self.commands):
            assert submit(sim, command)
        self.told = []
        while True:
            assert advance_venue(events, events.size, sim, 2**62, END) == REACHED
            if sim.clock[0]["reports"] == 0:
                break
            for i in range(int(sim.clock[0]["reports"])):
                self.told.append(sim.reports[int(sim.clock[0]["first_report"]) + i].copy())
            sim.clock[0]["first_report"] += sim.clock[0]["reports"]
            sim.clock[0]["reports"] = 0
        self.sim = sim
        return [
            (
                REPORT_NAMES[int(t["kind"])],
                *(int(t[name]) for name in ("order", "price", "size", "leaves")),
                int(t["flags"]) & r.MAKER,
            )
            for t in self.told
        ]


ACK = ("ack", 1, 100, 8, 8, 0)


def test_only_what_a_print_takes_beyond_our_front_is_ours():
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.print(100, 29, e.SELL)
    scene.print(100, 4, e.SELL)  # 30 were ahead: 3 of these 4 are ours
    scene.print(100, 50, e.BUY)  # a buyer at our price is nobody we could meet
    scene.print(100, 50, e.SELL)
    assert scene.play() == [ACK, ("fill", 1, 100, 3, 5, 1), ("fill", 1, 100, 5, 0, 1)]


def test_a_print_beyond_our_price_fills_all_of_it():
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.print(99, 1, e.SELL)
    assert scene.play() == [ACK, ("fill", 1, 100, 8, 0, 1)]


@pytest.mark.parametrize("flag", [e.RPI, e.NOT_FLOW])
def test_prints_that_met_nobody_in_the_book_fill_nothing(flag):
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.print(99, 100, e.SELL, flag)
    scene.print(100, 100, e.SELL, flag)
    assert scene.play() == [ACK]


def test_a_batched_print_counts_from_its_row():
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.print(100, 38, e.SELL, e.BATCHED)
    assert scene.play() == [ACK, ("fill", 1, 100, 8, 0, 1)]


def test_the_displayed_other_side_reaching_us_fills_all():
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.row(e.LEVEL, 100, 0, e.BID, 0)
    scene.row(e.LEVEL, 100, 5, e.ASK)
    assert scene.play() == [ACK, ("fill", 1, 100, 8, 0, 1)]


def test_an_old_depth_message_is_judged_with_the_quote_restated_behind_it():
    scene = Scene()
    scene.row(e.QUOTE, 100, 30, e.BID, 0)
    scene.row(e.QUOTE, 103, 40, e.ASK)
    scene.send(1, e.BUY, 102, 8)
    scene.now += 1
    at = scene.now
    scene.level(e.ASK, 104, 5)  # older than the quote: still shows asks at 101 and 102
    scene.row(e.QUOTE, 100, 30, e.BID, 0)
    scene.row(e.QUOTE, 103, 40, e.ASK)
    scene.rows[-3:] = [(at, at, *row[2:]) for row in scene.rows[-3:]]
    assert scene.play() == [("ack", 1, 102, 8, 8, 0)]


def test_a_market_order_walks_the_book_and_does_not_take_the_same_lots_twice():
    scene = Scene()
    scene.send(1, e.BUY, e.NO_PRICE, 12, type=c.MARKET)
    scene.send(2, e.BUY, e.NO_PRICE, 4, type=c.MARKET)
    scene.level(e.ASK, 101, 9)  # no increase: the ten lots there stay taken
    scene.send(3, e.BUY, 101, 1, tif=c.IOC)
    scene.level(e.ASK, 101, 11)  # an increase gives them back
    scene.send(4, e.BUY, 101, 20, tif=c.IOC)
    told = scene.play()
    fills = [line[1:4] for line in told if line[0] == "fill"]
    assert fills == [(1, 101, 10), (1, 102, 2), (2, 102, 4), (4, 101, 11)]
    assert [line[:5] for line in told if line[0] == "expired"] == [
        ("expired", 3, 101, 1, 0),
        ("expired", 4, 101, 9, 0),
    ]


def test_the_rest_of_a_crossing_limit_order_joins_and_is_not_filled_by_what_it_took():
    scene = Scene()
    scene.send(1, e.BUY, 101, 15)
    scene.level(e.ASK, 103, 41)  # 101 still shows its ten lots: they are ours already
    scene.level(e.ASK, 101, 12)  # now somebody is there again
    assert scene.play() == [
        ("ack", 1, 101, 15, 15, 0),
        ("fill", 1, 101, 10, 5, 0),
        ("fill", 1, 101, 5, 0, 1),
    ]


def test_fill_or_kill_and_post_only():
    scene = Scene()
    scene.send(1, e.BUY, 102, 26, tif=c.FOK)
    scene.send(2, e.BUY, 102, 25, tif=c.FOK)
    scene.send(3, e.BUY, 101, 1, tif=c.POST_ONLY)
    scene.send(4, e.BUY, 100, 1, tif=c.POST_ONLY)
    assert [line[:5] for line in scene.play()] == [
        ("ack", 1, 102, 26, 26),
        ("expired", 1, 102, 26, 0),
        ("ack", 2, 102, 25, 25),
        ("fill", 2, 101, 10, 15),
        ("fill", 2, 102, 15, 0),
        ("rejected", 3, 101, 1, 0),
        ("ack", 4, 100, 1, 1),
    ]


def test_we_never_trade_with_ourselves():
    scene = Scene()
    scene.send(1, e.SELL, 102, 5)
    scene.send(2, e.BUY, 103, 50)
    scene.send(3, e.BUY, 102, 1, tif=c.POST_ONLY)
    told = scene.play()
    assert [line[:5] for line in told[1:4]] == [
        ("ack", 2, 103, 50, 50),
        ("fill", 2, 101, 10, 40),
        ("expired", 2, 103, 40, 0),
    ]
    assert scene.told[3]["reason"] == r.SELF_TRADE
    assert told[4][0] == "rejected"


def test_reduce_only_is_clipped_when_it_matches():
    scene = Scene()
    scene.send(1, e.BUY, 101, 10, tif=c.IOC)
    scene.send(2, e.SELL, 101, 25, flags=r.REDUCE_ONLY)
    scene.print(102, 1, e.BUY)
    scene.send(3, e.SELL, 99, 1, flags=r.REDUCE_ONLY)
    told = scene.play()
    assert [line[:5] for line in told[2:]] == [
        ("ack", 2, 101, 25, 25),
        ("fill", 2, 101, 10, 15),
        ("canceled", 2, 101, 15, 0),
        ("rejected", 3, 99, 1, 0),
    ]
    assert scene.sim.head[0]["position"] == 0


def test_amending_down_keeps_the_place_and_anything_else_loses_it():
    scene = Scene()
    scene.send(1, e.BUY, 100, 8)
    scene.print(100, 28, e.SELL)  # two are left ahead of us
    scene.send(1, e.BUY, 100, 5, kind=c.AMEND)
    scene.print(100, 3, e.SELL)
    scene.level(e.BID, 100, 40)
    scene.send(1, e.BUY, 100, 9, kind=c.AMEND)  # behind 40 now, 8 leaves
    scene.print(100, 40, e.SELL)
    scene.print(100, 1, e.SELL)
    assert scene.play() == [
        ACK,
        ("amended", 1, 100, 5, 5, 0),
        ("fill", 1, 100, 1, 4, 1),
        ("amended", 1, 100, 9, 8, 0),
        ("fill", 1, 100, 1, 7, 1),
    ]


def test_a_stop_trades_no_better_than_the_print_that_triggered_it():
    scene = Scene()
    scene.send(1, e.SELL, e.NO_PRICE, 30, type=c.STOP_MARKET, trigger=99, tif=c.IOC)
    scene.print(100, 5, e.SELL)
    scene.print(99, 5, e.SELL)  # the book still shows 30 at 100: those are gone
    assert [line[:5] for line in scene.play()][1:] == [
        ("triggered", 1, 99, 30, 30),
        ("fill", 1, 99, 20, 10),
        ("fill", 1, 98, 10, 0),
    ]


def test_a_take_profit_waits_on_the_other_side_of_the_market():
    scene = Scene()
    scene.send(1, e.SELL, e.NO_PRICE, 5, type=c.TAKE_PROFIT_MARKET, trigger=102, tif=c.IOC)
    scene.send(2, e.BUY, e.NO_PRICE, 5, type=c.TAKE_PROFIT_MARKET, trigger=98, tif=c.IOC)
    scene.print(100, 1, e.SELL)
    scene.print(101, 1, e.BUY)
    scene.print(102, 1, e.BUY)
    scene.print(99, 1, e.SELL)
    scene.print(98, 1, e.SELL)
    told = scene.play()
    assert [line[:3] for line in told if line[0] == "triggered"] == [
        ("triggered", 1, 102),
        ("triggered", 2, 98),
    ]
    assert [line[1:4] for line in told if line[0] == "fill"] == [(1, 100, 5), (2, 101, 5)]


def test_a_take_profit_that_the_last_print_has_reached_is_triggered_on_arrival():
    scene = Scene()
    scene.print(102, 1, e.BUY)
    scene.send(1, e.SELL, e.NO_PRICE, 5, type=c.TAKE_PROFIT_MARKET, trigger=102, tif=c.IOC)
    scene.send(2, e.SELL, e.NO_PRICE, 5, type=c.TAKE_PROFIT_MARKET, trigger=103, tif=c.IOC)
    scene.print(102, 1, e.BUY)
    told = scene.play()
    assert [line[1] for line in told if line[0] == "fill"] == [1]


def test_nothing_is_taken_from_a_book_that_is_not_known():
    scene = Scene()
    scene.row(e.CLEAR, e.NO_PRICE, 0, 0, e.GAP | e.LAST)
    scene.send(1, e.BUY, e.NO_PRICE, 1, type=c.MARKET)
    assert scene.play() == [("rejected", 1, e.NO_PRICE, 1, 0, 0)]
    assert scene.told[0]["reason"] == r.NO_BOOK


def test_funding_is_paid_on_the_position_of_that_instant():
    scene = Scene()
    scene.now = 10
    scene.row(e.MARK, 101, 101 * 10**8, 0, 0)
    scene.row(e.FUNDING, 1, 10_000, 0)
    scene.send(1, e.BUY, 101, 10, tif=c.IOC)
    scene.rows.append((60_000_000_000, 60_000_000_000, 1, 100, e.TRADE, -1, e.LAST, 0))
    told = scene.play()
    assert told[-1] == ("funded", 0, 101, 10, 101 * 10**8, 0)
    assert scene.told[-1]["fee"] == 10_000
    assert scene.told[-1]["ts_venue"] == 60_000_000_000
