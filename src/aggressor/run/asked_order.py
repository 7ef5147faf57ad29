"""One order as a person asks for it, and what became of it: replayed, on paper and live."""

import math
from pathlib import Path
from typing import Any

import msgspec

from aggressor.engine.engine import Engine
from aggressor.execution.fill_chance import FillModel
from aggressor.execution.intent import Choice, Policy
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.strategies.one_order import OneOrder, Order
from aggressor.study.tca import cost_document, order_cost

SIDES = {"buy": 1, "sell": -1}
ONE_ORDER = "execute"  # in the place of a strategy's name, of a run that works one order


def order_of(
    one: Instrument,
    side: str,
    size: str,
    *,
    policy: str,
    max_slippage_bp: float | None,
    wait_s: float,
    cross_at_end: bool,
    fill_model: Path | None,
    maker_bp: float,
    taker_bp: float,
    seed: int,
) -> Order:
    """Read what a person asked for. Raises ConfigError, or UnitError for a size off the grid."""
    if side not in SIDES:
        raise ConfigError(f"An order is to buy or to sell, not to {side!r}.")
    check_order(policy, max_slippage_bp, wait_s)
    lots = one.lots(size)
    if lots <= 0:
        raise ConfigError(f"The size must be above zero, not {size}.")
    choice = None
    if policy == Policy.CHOOSE.value:
        if fill_model is None:
            raise ConfigError(
                "cross-or-wait needs a model of fills: fit one with `aggressor slippage ... "
                "--save-model FILE` and name it with --fill-model FILE."
            )
        choice = Choice(model=load_model(fill_model), maker_bp=maker_bp, taker_bp=taker_bp)
    return Order(
        side=SIDES[side],
        lots=lots,
        policy=Policy(policy),
        max_slippage_bp=max_slippage_bp,
        wait_ns=int(wait_s * 1e9),
        cross_at_end=cross_at_end,
        choice=choice,
        seed=seed,
    )


def check_order(policy: str, max_slippage_bp: float | None, wait_s: float) -> None:
    """Raise ConfigError for what cannot be, whatever is traded: before a market is opened."""
    if policy not in {p.value for p in Policy}:
        names = ", ".join(p.value for p in Policy)
        raise ConfigError(f"There is no policy {policy!r}; there is {names}.")
    if max_slippage_bp is not None and not 0 <= max_slippage_bp <= 10_000:
        raise ConfigError("The largest slippage must be within 0 and 10000 basis points.")
    if not 0 <= wait_s < math.inf:
        raise ConfigError(f"The time that an order may take must be 0 s or more, not {wait_s}.")


def load_model(file: Path) -> FillModel:
    """Read a fitted model of fills. Raises ConfigError where there is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=FillModel)
    except (OSError, msgspec.DecodeError, AssertionError) as trouble:
        raise ConfigError(f"{file} holds no model of fills: {trouble}") from None


def execution_document(order: OneOrder, engine: Engine, one: Instrument) -> dict[str, Any]:
    """Return what an order did and cost. Raises ConfigError where it never began."""
    done = order.account
    if order.why or done is None:
        found = [r.reason for r in engine.desk.refusals] or [
            order.why or "the book was never known"
        ]
        raise ConfigError(f"The order was not worked: {found[-1]}.")
    assert order.placement is not None
    last = order.mids[-1][0]
    cost = order_cost(done, one, order.mid2_at, strategy=ONE_ORDER, end_ns=done.ended_ns or last)
    limit = order.placement.limit
    tick = float(one.tick)
    return {
        "instrument": one.id,
        "cost": cost_document(cost, one),
        "filled_share": done.filled / done.lots,
        "average": None if cost.average is None else round(cost.average * tick, 8),
        "arrival": None if done.decision_mid2 is None else done.decision_mid2 / 2 * tick,
        "limit": None if limit == NO_PRICE else one.price_text(limit),
        "seconds": ((done.ended_ns or last) - done.decided_ns) / 1e9,
        "currency": engine.desk.books.currency(0),
        "refusals": [r.reason for r in engine.desk.refusals],
        "digest": engine.journal.digest,
    }
