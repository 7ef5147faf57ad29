"""Bybit's instruments as its messages show them, where a recording came without instruments-info.

The grid is the greatest common step of all prices (sizes) in books and prints: the coarsest that
holds them, never finer than the true one. Inferred instruments carry `inferred=True`: good for
study, not for orders.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from math import gcd
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.instrument import ContractKind, Instrument

_QUOTES = ("USDT", "USDC", "PERP", "USD")
_SCALE = 12
_BOOKS, _PRINTS = "orderbook.", "publicTrade."


def infer(
    name: str,
    kind: ContractKind,
    text: NDArray[np.uint8],
    valid_from_ns: int,
    symbol: str = "",
) -> list[Instrument]:
    """Return an inferred instrument for every symbol in a text of lines `[<time> ]<json>`."""
    steps: dict[str, list[int]] = {}
    for line in text.tobytes().split(b"\n"):
        begin = line.find(b"{")
        if begin < 0:
            continue
        try:
            for own, price, size in _levels(msgspec.json.decode(line[begin:])):
                known = steps.setdefault(own, [0, 0])
                known[0] = gcd(known[0], _units(price))
                known[1] = gcd(known[1], _units(size))
        except (msgspec.MsgspecError, InvalidOperation, ValueError, TypeError, KeyError):
            continue
    return [
        _inferred(name, kind, own, found[0], found[1], valid_from_ns)
        for own, found in steps.items()
        if all(found)
    ]


def _levels(message: Any) -> Iterator[tuple[str, str, str]]:
    """Yield symbol, price and size of every level and print of a message."""
    topic = message.get("topic", "") if isinstance(message, dict) else ""
    if topic.startswith(_BOOKS):
        content = message["data"]
        for price, size, *_ in (*content["b"], *content["a"]):
            yield content["s"], price, size
    elif topic.startswith(_PRINTS):
        for one in message["data"]:
            yield one["s"], one["p"], one["v"]


def _units(text: str) -> int:
    scaled = Decimal(text).scaleb(_SCALE)
    if scaled != int(scaled):
        raise ValueError(text)
    return int(scaled)


def _inferred(
    name: str, kind: ContractKind, symbol: str, tick: int, lot: int, valid_from_ns: int
) -> Instrument:
    quote = next((one for one in _QUOTES if symbol.rstrip("0123456789HMUZ-").endswith(one)), "")
    base = symbol[: symbol.index(quote)] if quote else ""
    quote = "USDC" if quote == "PERP" else quote
    return Instrument(
        venue=name,
        symbol=symbol,
        kind=kind,
        tick=Decimal(tick).scaleb(-_SCALE).normalize(),
        lot=Decimal(lot).scaleb(-_SCALE).normalize(),
        base=base,
        quote=quote,
        settle=base if kind is ContractKind.INVERSE else quote,
        valid_from_ns=valid_from_ns,
        inferred=True,
    )
