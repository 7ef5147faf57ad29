"""ACCOUNT and REPORT: what is held, owed, risked and working, and what became of orders.

Read from the desk of an engine; nothing is computed that it does not say. Money is in units of the
settlement currency as float64: for a screen.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from aggressor.account.blotter import Order
from aggressor.account.books import Heading
from aggressor.engine.engine import Engine
from aggressor.execution.desk import Desk
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Refused
from aggressor.execution.parent import Account, Parent
from aggressor.execution.trade import Trade
from aggressor.schema import command, report
from aggressor.schema.event import NO_PRICE
from aggressor.web.protocol import stated_ms

MONEY = 1e8
HAND = 250  # the number by which intents of a person name their strategy
Queue = Callable[[int], float | None]  # lots ahead of an order of ours, None: not known

_TYPES = {
    command.LIMIT: "limit",
    command.MARKET: "market",
    command.STOP_MARKET: "stop",
}


def account_document(engine: Engine, ahead: Queue, strategy: str | None) -> dict[str, Any]:
    """Return what ACCOUNT says of money, positions and orders."""
    desk = engine.desk
    lanes = range(len(engine.instruments))
    currency = desk.books.currency(0)
    return {
        "halt": {
            "level": desk.halt.level.name.lower(),
            "reason": desk.halt.reason if desk.halt.level > HaltLevel.OPEN else "",
        },
        "money": _money(desk, currency),
        "lanes": [_lane(engine, k, ahead) for k in lanes],
        "risk": _risk(desk),
        "refused_total": desk.refused_total,
        "strategy": strategy,
    }


def _money(desk: Desk, currency: str) -> dict[str, Any]:
    books = desk.books
    equity = desk.equity(0)
    put_in = -books.balance(currency, Heading.CAPITAL)
    realised = -books.balance(currency, Heading.REALISED)
    fees = books.balance(currency, Heading.FEES)
    funding = books.balance(currency, Heading.FUNDING)
    return {
        "currency": currency,
        "equity": equity / MONEY,
        "profit": (equity - put_in) / MONEY,
        "realised": realised / MONEY,
        "unrealised": (equity - books.cash(currency)) / MONEY,
        "fees": fees / MONEY,
        "funding": funding / MONEY,
    }


def _lane(engine: Engine, k: int, ahead: Queue) -> dict[str, Any]:
    desk = engine.desk
    position = desk.position(k)
    trade = desk.trade(k)
    average = position.average
    return {
        "lane": k,
        "position": position.lots,
        "entry": None if average is None else float(average),
        "unrealised": _unrealised(engine, k),
        "orders": [
            _order(one, desk.owner(k, one.parent), engine.now_ns, ahead(one.id))
            for one in desk.blotter.open_orders(k)
        ],
        "trade": None if trade is None else _trade(trade),
        "worked": [_worked(one) for one in desk.parents(k)],
    }


def _unrealised(engine: Engine, k: int) -> float | None:
    """Return what the position would earn at the mid; None while there is no valid book."""
    position, book = engine.desk.position(k), engine.pipeline.market.book.head[k]
    if not position.lots or position.average is None:
        return 0.0
    if not book["valid"]:
        return None
    mid = Fraction(int(book["bid"]) + int(book["ask"]), 2)
    return float(engine.instruments[k].profit(position.lots, position.average, mid)) / MONEY


def _order(
    order: Order, owner: Trade | Parent | None, now_ns: int, ahead: float | None
) -> dict[str, Any]:
    price = order.price if order.price != NO_PRICE else order.trigger
    known = ahead is not None and order.resting and order.type == command.LIMIT
    return {
        "id": order.id,
        "side": order.side,
        "price": None if price == NO_PRICE else price,
        "lots": order.size,
        "filled": order.filled,
        "left": order.leaves,
        "state": order.state.name.lower(),
        "leg": "" if owner is None else owner.leg_of(order.id),
        "type": _TYPES.get(order.type, "other"),
        "reduce_only": order.reduce_only,
        "ahead": ahead if known else None,
        "ahead_why": "" if known else _no_place(order),
        "age_ms": max(0, now_ns - order.ts_send) / 1e6,
        "by": _by(order.strategy),
    }


def _no_place(order: Order) -> str:
    if order.type != command.LIMIT:
        return "a stop stands in no queue"
    if not order.resting:
        return "the venue has not answered yet"
    return "the venue does not say, and no queue is simulated"


def _trade(trade: Trade) -> dict[str, Any]:
    protection = trade.bracket.protection
    return _wanted(trade) | {
        "state": str(trade.state.value),
        "stop": protection.stop,
        "targets": [one.price for one in protection.targets],
    }


def _worked(one: Parent) -> dict[str, Any]:
    return _wanted(one) | {"filled": one.entry.filled, "ending": one.entry.stop_reason}


def _wanted(one: Trade | Parent) -> dict[str, Any]:
    """Return what was asked for, as a trade and an order worked by itself tell it alike."""
    intent = one.intent
    return {
        "side": intent.side,
        "lots": intent.lots,
        "policy": intent.placement.policy.value if intent.placement is not None else "",
        "reason": intent.reason,
        "by": _by(intent.strategy),
        "began_ms": stated_ms(one.began_ns),
    }


def _risk(desk: Desk) -> list[dict[str, Any]]:
    """Return how much of each bound of the account is used."""
    losses, rule = desk.losses, desk.losses.rule
    equity, currency = desk.equity(0), desk.books.currency(0)

    def lost_bp(since: int) -> float:
        return max(0.0, (since - equity) / since * 10_000) if since > 0 else 0.0

    found = [
        _bound("loss of the day", lost_bp(losses.day_start(currency)), rule.day_bp, "bp"),
        _bound("drawdown", lost_bp(losses.peak(currency)), rule.drawdown_bp, "bp"),
        _bound("losses in a row", losses.consecutive, rule.consecutive_max, "trades"),
    ]
    for k, one in enumerate(desk.instruments):
        limits = desk.rule.limits.get(k, desk.rule.default)
        orders = list(desk.blotter.open_orders(k))
        lots = abs(desk.position(k).lots)
        found.append(_bound("open orders", len(orders), limits.open_orders_max, "orders", k))
        found.append(
            _bound(
                "position",
                lots * float(one.lot),
                limits.position_lots_max * float(one.lot),
                one.base,
                k,
            )
        )
    return found


def _bound(
    name: str, used: float, limit: float, unit: str, lane: int | None = None
) -> dict[str, Any]:
    return {"name": name, "lane": lane, "used": used, "limit": limit, "unit": unit}


def report_documents(engine: Engine, rows: Any) -> list[dict[str, Any]]:
    """Return what REPORT says of REPORT rows."""
    return [_report(engine.desk, row) for row in rows]


_WHAT = {
    report.ACK: "accepted",
    report.FILL: "fill",
    report.CANCELED: "cancelled",
    report.REJECTED: "rejected",
    report.EXPIRED: "expired",
}


def _report(desk: Desk, row: Any) -> dict[str, Any]:
    order = int(row["order"])
    code = desk.blotter[order].strategy if order in desk.blotter else None
    kind, price = int(row["kind"]), int(row["price"])
    return {
        "what": _WHAT.get(kind, report.REPORT_NAMES[kind]),
        "ms": stated_ms(int(row["ts_recv"])),
        "lane": int(row["instrument"]),
        "order": order,
        "side": int(row["side"]),
        "price": None if price == NO_PRICE else price,
        "lots": int(row["size"]),
        "maker": bool(int(row["flags"]) & report.MAKER),
        "fee": int(row["fee"]) / MONEY,
        "reason": report.REASON_NAMES.get(int(row["reason"]), ""),
        "by": "" if code is None else _by(code),
    }


def _by(strategy: int) -> str:
    return "hand" if strategy == HAND else "strategy"


def refusal_document(one: Refused) -> dict[str, Any]:
    """Return what REPORT says of something that the desk's checks refused."""
    request = one.request
    return {
        "what": "refused",
        "ms": stated_ms(one.ts_ns),
        "lane": one.instrument,
        "order": 0 if request is None else request.order,
        "side": None if request is None else request.side,
        "price": None if request is None or request.price == NO_PRICE else request.price,
        "lots": None if request is None else request.size,
        "maker": False,
        "fee": 0.0,
        "reason": one.reason,
        "check": one.check,
        "by": "" if request is None else _by(request.strategy),
    }


def ended_document(one: Account, now_ns: int) -> dict[str, Any]:
    """Return what REPORT says of an order that was worked to its end, and why it ended."""
    return {
        "what": "ended",
        "ms": stated_ms(now_ns if one.ended_ns is None else one.ended_ns),
        "lane": one.instrument,
        "order": 0,
        "side": one.side,
        "price": None,
        "lots": one.lots,
        "filled": one.filled,
        "maker": False,
        "fee": one.fees / MONEY,
        "reason": one.reason,
        "by": _by(one.strategy),
    }
