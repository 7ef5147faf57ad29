"""What trading cost: the worked examples T8.1, T8.2 and T10.1, inverse contracts, groups."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest

from aggressor.execution.parent import Account, PartFill
from aggressor.execution.working import Counts
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.study.tca import (
    HORIZONS_S,
    aggregate,
    fill_cost,
    mean_of,
    order_cost,
    quantiles,
    tca_document,
    times_of,
)

ONE = Instrument(
    venue="v", symbol="X", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal(1),
    base="X", quote="USD", settle="USD",
)  # fmt: skip
COIN = Instrument(
    venue="v", symbol="Y", kind=ContractKind.INVERSE, tick=Decimal(1), lot=Decimal(1),
    multiplier=Decimal(100), base="BTC", quote="USD", settle="BTC",
)  # fmt: skip
MONEY = 10**8
S = 1_000_000_000


def ticks(price: float) -> int:
    return round(10 * price)


def done(**fields: Any) -> Account:
    defaults: dict[str, Any] = {
        "parent": 1, "instrument": 0, "strategy": 1, "policy": "capped", "side": 1, "lots": 10,
        "filled": 0, "decided_ns": 0, "sent_ns": 0, "ended_ns": 10 * S, "decision_mid2": 1_200_000,
        "arrival_mid2": 1_200_000, "arrival_spread": 1, "arrival_depth": (5, 5), "volume": 100,
        "fills": (), "exits": (), "fees": 0, "counts": Counts(orders=1), "send_to_ack_ns": (),
        "ack_to_fill_ns": (), "expected_bp": None, "reason": "filled",
    }  # fmt: skip
    return Account(**{**defaults, **fields})


def t8_1(side: int = 1) -> Account:
    """Buy 10: Pd 60 000, Pa 60 006, fills 3 @ 60 008, 4 @ 60 010, 1 @ 60 015, 5 bp."""

    def at(price: float) -> int:
        return ticks(60_000 + side * (price - 60_000))

    parts = ((3, 60_008), (4, 60_010), (1, 60_015))
    fills = tuple(
        PartFill(S, at(price), lots, False, lots * at(price) * MONEY // 10 * 5 // 10_000)
        for lots, price in parts
    )
    return done(
        side=side, filled=8, fills=fills, fees=sum(f.fee for f in fills),
        decision_mid2=2 * at(60_000), arrival_mid2=2 * at(60_006), reason="not filled in time",
    )  # fmt: skip


def test_t8_1() -> None:
    cost = order_cost(t8_1(), ONE, lambda ns: 2 * ticks(60_020))
    assert cost.average == pytest.approx(600_098.75)
    assert cost.delay == 48 * MONEY
    assert cost.trading == 31 * MONEY
    assert cost.opportunity == 40 * MONEY
    assert cost.fees / MONEY == pytest.approx(240.0395)
    assert cost.total is not None
    assert float(cost.total / MONEY) == pytest.approx(359.0395)
    assert cost.total_bp == pytest.approx(5.98399, abs=5e-6)
    assert cost.slippage_bp == pytest.approx(0.64577, abs=5e-6)
    assert cost.fees_bp == pytest.approx(5.0)
    assert cost.participation == 0.08


def test_a_sale_in_the_mirrored_market_costs_the_same() -> None:
    cost = order_cost(t8_1(-1), ONE, lambda ns: 2 * ticks(59_980))
    assert (cost.delay, cost.trading, cost.opportunity) == (48 * MONEY, 31 * MONEY, 40 * MONEY)


def test_t8_2() -> None:
    mids = {S: 2 * ticks(60_000), 2 * S: 2 * 600_003}
    fill = PartFill(S, 600_005, 1, False, 0)
    cost = fill_cost(fill, 1, ONE, mids.get)
    to_price = 60_000 / 1e4
    assert cost.effective_bp is not None
    assert cost.effective_bp * to_price == pytest.approx(1.0)
    assert cost.realised_bp[1] == pytest.approx(0.4 / to_price)
    assert cost.impact_bp[1] == pytest.approx(0.6 / to_price)
    assert cost.effective_bp == pytest.approx((cost.realised_bp[1] or 0) + (cost.impact_bp[1] or 0))
    assert cost.markout_bp[1] == pytest.approx(-0.2 / to_price)
    assert cost.markout_bp[5] is None  # the tape is over: not known


def test_t10_1_mean_markouts_of_three_fills() -> None:
    told = (
        (1, 100, (100.2, 100.1, 99.8)),
        (-1, 101, (101.1, 100.9, 100.4)),
        (1, 99, (99.1, 98.9, 98.8)),
    )
    summed = dict.fromkeys(HORIZONS_S, 0.0)
    for side, price, later in told:
        mids = {S: 2 * ticks(price)}
        mids |= {S + h * S: 2 * ticks(one) for h, one in zip(HORIZONS_S, later, strict=True)}
        cost = fill_cost(PartFill(S, ticks(price), 1, False, 0), side, ONE, mids.get)
        for horizon in HORIZONS_S:
            summed[horizon] += (cost.markout_bp[horizon] or 0.0) * price / 1e4
    means = [summed[horizon] / 3 for horizon in HORIZONS_S]
    assert means == pytest.approx([0.2 / 3, 0.1 / 3, 0.2 / 3])


def test_an_inverse_contract_costs_coin() -> None:
    fills = (PartFill(S, 50_100, 10, False, 1000),)
    one = done(
        lots=10, filled=10, fills=fills, fees=1000, decision_mid2=100_000, arrival_mid2=100_000
    )
    cost = order_cost(one, COIN, lambda ns: 100_000)
    assert cost.trading == MONEY * 1000 * (Fraction(1, 50_000) - Fraction(1, 50_100))
    assert cost.opportunity == 0


def test_what_is_not_known_is_not_a_number() -> None:
    unfilled = order_cost(done(decision_mid2=None, arrival_mid2=None), ONE, lambda ns: None)
    assert (unfilled.opportunity, unfilled.total, unfilled.slippage_bp) == (None, None, None)
    nothing = order_cost(done(), ONE, lambda ns: 2 * ticks(60_010))
    assert nothing.opportunity == 100 * MONEY
    assert (nothing.average, nothing.slippage_bp, nothing.fees_bp) == (None, None, None)


def test_groups_have_n_mean_median_and_an_interval_or_the_reason() -> None:
    costs = [
        order_cost(
            msgspec.structs.replace(t8_1(), parent=n, decided_ns=n * 3600 * S), ONE,
            lambda ns: 2 * ticks(60_020), strategy="s", regime=("thin" if n % 2 else "normal"),
        )
        for n in range(8)
    ]  # fmt: skip
    rows = {(row["by"], row["group"]): row for row in aggregate(costs)}
    whole = rows["all", "all"]
    assert (whole["orders"], whole["fills"], whole["filled_share"]) == (8, 24, 0.8)
    assert whole["slippage_bp"]["n"] == 8
    assert whole["slippage_bp"]["low"] == pytest.approx(whole["slippage_bp"]["mean"])
    assert rows["regime", "thin"]["orders"] == 4
    assert rows["regime", "thin"]["slippage_bp"]["why"] == "fewer than 5"
    assert rows["hour", "03 UTC"]["orders"] == 1
    assert ("policy", "capped") in rows
    assert rows["venue", "v"]["orders"] == rows["size", "100,000 to 1,000,000 USD"]["orders"] == 8


def test_an_interval_holds_the_mean_and_widens_with_the_spread() -> None:
    values: list[float | None] = [float(i % 7) for i in range(70)]
    found = mean_of([*values, None])
    assert (found["n"], found["mean"], found["median"]) == (70, 3.0, 3.0)
    assert found["low"] < 3.0 < found["high"]
    wide = mean_of([10 * (v or 0.0) for v in values])
    assert wide["high"] - wide["low"] > 5 * (found["high"] - found["low"])


def test_the_document_is_plain_json_and_asks_for_the_mids_it_needs() -> None:
    one = t8_1()
    wanted = times_of([one])
    assert wanted == {0, S, 2 * S, 6 * S, 61 * S, 10 * S}
    cost = order_cost(one, ONE, dict.fromkeys(wanted, 1_200_400).get)
    found = tca_document([cost], [])
    again = msgspec.json.decode(msgspec.json.encode(found))
    assert again["orders"][0]["shortfall"] == pytest.approx(359.0395)
    assert len(again["orders"][0]["fills"]) == 3
    assert again["exits"]["fills"] == 0


def test_quantiles_are_nearest_rank() -> None:
    assert quantiles(range(1, 101)) == {"p50": 50, "p95": 95, "p99": 99}
    assert quantiles([7]) == {"p50": 7, "p95": 7, "p99": 7}
    assert quantiles([]) is None
