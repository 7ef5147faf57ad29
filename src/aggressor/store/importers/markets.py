"""Whose market a file is of, in our words, as far as the file tells."""

import re
from collections.abc import Sequence
from decimal import Decimal

EXCHANGES = {  # as Tardis names them
    "binance-futures": "binance-usdm",
    "binance-delivery": "binance-coinm",
    "binance": "binance-spot",
}
_COIN_MARGINED = re.compile(r"USD_(PERP|\d+)$")
_BYBIT_INVERSE = re.compile(r"USD([HMUZ]\d\d)?$")


def venue_of(exchange: str, symbol: str) -> str:
    """Return the venue of an exchange's symbol; an exchange that is unknown here keeps its name."""
    if exchange == "bybit":
        return "bybit-inverse" if _BYBIT_INVERSE.search(symbol) else "bybit-linear"
    return EXCHANGES.get(exchange, exchange)


def binance_market(symbol: str, columns: Sequence[str]) -> str:
    """Return which of Binance's markets an archive of these columns is of."""
    if "is_best_match" in columns:
        return "binance-spot"
    return "binance-coinm" if _COIN_MARGINED.search(symbol) else "binance-usdm"


def multiplier_of(venue: str, symbol: str) -> Decimal:
    """Return what a contract is worth where the venue's contracts are all alike."""
    if venue == "binance-coinm":
        return Decimal(100 if symbol.startswith("BTCUSD") else 10)
    return Decimal(1)
