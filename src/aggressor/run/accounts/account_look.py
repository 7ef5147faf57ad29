"""An account as people see it: one document, money as exact decimal strings."""

from typing import TYPE_CHECKING, Any

from aggressor.account.blotter import Order
from aggressor.account.books import Heading
from aggressor.execution.halt import HaltLevel
from aggressor.reports.moments import moment_text
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.instrument import money_text

if TYPE_CHECKING:
    from aggressor.run.accounts.account import Account

_MS = 1e6


def account_document(account: "Account") -> dict[str, Any]:
    """Return where the account stands; money as exact decimal strings."""
    engine, journal = account.assembly.engine, account.journal
    latencies = sorted(account.trading.latencies)
    return {
        "mode": account.mode.value,
        "strategy": account.settings.strategy,
        "run": journal.run,
        "journal": str(journal.path),
        "config": journal.config_hash,
        "now_ns": None if engine.now_ns == NO_TIME else engine.now_ns,
        "events": account.trading.events,
        "decisions": engine.decisions,
        "orders": journal.placed,
        "fills": journal.fills,
        "fills_maker": journal.maker_fills,
        "refused": account.desk.refused_total,
        "digest": journal.digest,
        "halt": account.halt.level.name.lower().replace("_", " "),
        "halt_reason": account.halt.reason if account.halt.level > HaltLevel.OPEN else "",
        "ended": account.ended,
        "latency_ms": {
            name: latencies[min(len(latencies) - 1, int(share * len(latencies)))] / _MS
            for name, share in (("p50", 0.5), ("p99", 0.99))
        }
        if latencies
        else None,
        "money": [_money(account, currency) for currency in _currencies(account)],
        "instruments": [_holding(account, k) for k in range(len(account.instruments))],
        "working": [_order(account, one) for one in account.desk.blotter.open_orders()],
        "signals": list(account.signals),
    }


def _currencies(account: "Account") -> list[str]:
    books = account.desk.books
    return sorted({books.currency(k) for k in range(len(account.instruments))})


def _money(account: "Account", currency: str) -> dict[str, Any]:
    books = account.desk.books
    lane = next(k for k in range(len(account.instruments)) if books.currency(k) == currency)
    put_in = -books.balance(currency, Heading.CAPITAL)
    equity = account.desk.equity(lane)
    return {
        "currency": currency or "settlement currency",
        "equity": money_text(equity),
        "pnl": money_text(equity - put_in),
        "realised": money_text(-books.balance(currency, Heading.REALISED)),
        "fees": money_text(books.balance(currency, Heading.FEES)),
        "funding": money_text(books.balance(currency, Heading.FUNDING)),
        "corrections": money_text(-books.balance(currency, Heading.CORRECTIONS)),
    }


def _holding(account: "Account", k: int) -> dict[str, Any]:
    one, position = account.instruments[k], account.desk.position(k)
    trade = account.desk.trade(k)
    average = None if position.average is None else round(position.average)
    return {
        "instrument": one.id,
        "position": one.size_text(position.lots),
        "entry": None if average is None else one.price_text(average),
        "trade": None if trade is None else str(trade.state.value),
        "protected": protected(account, k),
    }


def protected(account: "Account", k: int) -> bool | None:
    """Whether acknowledged stops cover what is held; None: nothing is held."""
    lots = account.desk.position(k).lots
    if not lots:
        return None
    stops = sum(
        one.leaves
        for one in account.desk.blotter.open_orders(k)
        if one.type == command.STOP_MARKET and one.acknowledged and one.side * lots < 0
    )
    return stops >= abs(lots)


def left_words(account: "Account") -> list[str]:
    """Return in words what a run that ends leaves at its venues, as far as we were told."""
    words = []
    for k, one in enumerate(account.instruments):
        lots, covered = account.desk.position(k).lots, protected(account, k)
        if covered is not None:
            how = "covered by a stop at the venue" if covered else "NOT COVERED by a known stop"
            words.append(f"{one.id}: {one.size_text(lots)} is left, {how}")
        orders = account.desk.blotter.open_orders(k)
        entries = [str(order.id) for order in orders if not order.reduce_only]
        flying = [str(order.id) for order in orders if order.in_flight]
        if entries:
            words.append(f"{one.id}: entries may still stand at the venue: {', '.join(entries)}")
        if flying:
            words.append(
                f"{one.id}: what became of {', '.join(flying)} is not known: asked at the next run"
            )
    return words


def _order(account: "Account", order: Order) -> dict[str, Any]:
    one = account.instruments[order.instrument]
    trade = account.desk.trade(order.instrument)
    price = order.price if order.type != command.STOP_MARKET else order.trigger
    return {
        "instrument": one.id,
        "order": order.id,
        "leg": trade.leg_of(order.id) if trade is not None else "",
        "side": "buy" if order.side > 0 else "sell",
        "price": None if price == NO_PRICE else one.price_text(price),
        "left": one.size_text(order.leaves),
        "state": order.state.name.lower().replace("_", " "),
        "sent": moment_text(order.ts_send),
    }
