"""11.G: what chance earns on a market that nothing predicts, through the simulated venue.

Entries come by a coin at moments that know nothing, both ways by market orders. On the martingale
null such trading must lose its costs and nothing else, and reach a target T before a stop S in
S / (S + T) of all cases.
"""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from aggressor.schema.command import IOC, MARKET, PLACE
from aggressor.schema.event import LAST, LEVEL, NO_PRICE, SNAPSHOT
from aggressor.schema.report import FILL
from aggressor.sim.costs import Costs
from aggressor.sim.exchange import SimExchange
from aggressor.sim.latency import Latency
from aggressor.sim.synthetic.martingale import MartingaleConfig, MartingaleFeed
from tests.sim.drive import drive, instrument

SECOND = 1_000_000_000
TAKER_BP = Decimal("0.5")  # of 12 000 ticks: 0.6 ticks a fill


class Placebo:
    """Enters by a coin, leaves `horizon_ns` later or at a distance of the mid from its entry."""

    def __init__(self, seed: int, horizon_ns: int = 0, target: int = 0, stop: int = 0) -> None:
        self.chance = np.random.default_rng(seed)
        self.horizon_ns, self.target, self.stop = horizon_ns, target, stop
        self.side = self.order = 0
        self.ask = 0  # ticks; the spread is one tick
        self.entry: tuple[int, int] | None = None  # receive time, ask
        self.gross: list[int] = []  # ticks
        self.fees: list[int] = []  # 1e-8
        self.hits = 0
        self.waiting = False
        self.entry_price = 0

    def decide(self, row: Any, report: Any) -> list[dict[str, int]]:
        if report is not None:
            if report["kind"] == FILL:
                self._filled(report)
            return []
        touch = row["kind"] == LEVEL and row["side"] < 0 and row["flags"] & LAST
        if not touch or row["flags"] & SNAPSHOT:
            return []
        self.ask = int(row["price"])
        if self.waiting:
            return []
        if self.entry is None:
            return self._send(row, int(self.chance.choice([-1, 1])))
        moved = self.side * (self.ask - self.entry[1])
        if self.target:
            if moved not in (self.target, -self.stop):
                return []
            self.hits += moved == self.target
        elif row["ts_recv"] - self.entry[0] < self.horizon_ns:
            return []
        return self._send(row, -self.side)

    def _send(self, row: Any, side: int) -> list[dict[str, int]]:
        if self.entry is None:
            self.side = side
        self.order += 1
        self.waiting = True
        self.sent = (int(row["ts_recv"]), self.ask)
        return [
            {
                "kind": PLACE,
                "type": MARKET,
                "tif": IOC,
                "order": self.order,
                "side": side,
                "size": 1,
                "price": NO_PRICE,
                "trigger": NO_PRICE,
                "ts_send": int(row["ts_recv"]),
            }
        ]

    def _filled(self, report: Any) -> None:
        self.waiting = False
        self.fees.append(int(report["fee"]))
        if self.entry is None:
            self.entry, self.entry_price = self.sent, int(report["price"])
        else:
            self.gross.append(self.side * (int(report["price"]) - self.entry_price))
            self.entry = None


def played(placebo: Placebo, seconds: float, seed: int) -> Placebo:
    feed = MartingaleFeed(MartingaleConfig(seed=seed, latency_ms=0.0), seconds)
    costs = Costs(maker_bp=Decimal(0), taker_bp=TAKER_BP)
    exchange = SimExchange(feed, [instrument()], latency=Latency(), costs=costs)
    drive(exchange, placebo.decide, iter(lambda: 1000, 0))
    return placebo


def test_11_g_random_entries_lose_the_spread_and_the_fees() -> None:
    found = played(Placebo(1, horizon_ns=SECOND), 4000, seed=11)
    gross = np.array(found.gross)
    assert gross.size > 1500
    error = gross.std() / gross.size**0.5
    assert error < 0.08
    assert gross.mean() == pytest.approx(-1.0, abs=3.5 * error)  # two half-spreads
    fees = np.array(found.fees[: 2 * gross.size]) / 1e8
    assert fees.mean() == pytest.approx(0.6, rel=0.02)
    net = gross - fees.reshape(-1, 2).sum(axis=1)
    assert net.mean() == pytest.approx(-(1.0 + 2 * 0.6), abs=3.5 * error + 0.03)


@pytest.mark.parametrize(("target", "stop"), [(6, 4), (2, 5)])
def test_11_g_a_target_is_reached_before_a_stop_as_the_gambler_is_not_ruined(
    target: int, stop: int
) -> None:
    found = played(Placebo(2, target=target, stop=stop), 7000, seed=12 + stop)
    rounds = len(found.gross)
    expected = stop / (stop + target)
    assert rounds > 400
    assert found.hits / rounds == pytest.approx(
        expected, abs=3.5 * (expected * (1 - expected) / rounds) ** 0.5
    )
    # What is gained at targets and lost at stops cancels: the spread remains.
    gross = np.array(found.gross)
    assert gross.mean() == pytest.approx(-1.0, abs=3.5 * gross.std() / rounds**0.5)
