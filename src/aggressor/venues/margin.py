"""What a venue charges and what it wants as security: fee rates and margin tiers, exact decimals.

Rates are fractions: 0.0002 is 0.02 %. A tier holds for positions up to its limit, which is a value
in the settlement currency on some venues and a size in the venue's size unit on others; None where
it sets none.

    initial margin      = value / leverage, at least value x initial
    maintenance margin  = value x maintenance - deduction

`deduction` makes the maintenance margin continuous where one tier ends and the next begins; a venue
that taxes the whole position at one rate says 0.
"""

from decimal import Decimal
from typing import NamedTuple


class Fees(NamedTuple):
    """What trading an instrument costs, of the value traded; below 0 is paid to us."""

    symbol: str  # "" all
    maker: Decimal
    taker: Decimal


class MarginTier(NamedTuple):
    """What a position up to a limit needs."""

    symbol: str
    value_max: Decimal | None  # in the settlement currency
    size_max: Decimal | None  # in the venue's size unit
    initial: Decimal
    maintenance: Decimal
    deduction: Decimal = Decimal(0)
    leverage_max: Decimal | None = None
