"""Short ways to write COMMAND and REPORT rows in tests."""

from typing import Any

from aggressor.schema import command, report
from aggressor.schema.event import NO_PRICE


def place(order: int, side: int, size: int, price: int = 1000, **fields: int) -> Any:
    row = command.empty_commands(1)[0]
    row["kind"], row["order"], row["side"], row["size"] = command.PLACE, order, side, size
    row["price"], row["trigger"] = price, NO_PRICE
    row["type"], row["tif"] = command.LIMIT, command.GTC
    for name, value in fields.items():
        row[name] = value
    return row


def ask(kind: int, order: int, **fields: int) -> Any:
    row = command.empty_commands(1)[0]
    row["kind"], row["order"] = kind, order
    row["price"], row["trigger"] = NO_PRICE, NO_PRICE
    for name, value in fields.items():
        row[name] = value
    return row


def told(kind: int, order: int, **fields: int) -> Any:
    row = report.empty_reports(1)[0]
    row["kind"], row["order"], row["price"] = kind, order, NO_PRICE
    for name, value in fields.items():
        row[name] = value
    return row


def fill(order: int, size: int, leaves: int, price: int = 1000, **fields: int) -> Any:
    return told(report.FILL, order, size=size, leaves=leaves, price=price, **fields)
