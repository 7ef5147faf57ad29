"""Aggressor: order flow of crypto futures, read, decided on, executed with the least slippage.

    import aggressor as ag

    day = ag.open("store", "binance-usdm:BTCUSDT")
    bars = day.footprint("1m")

Everything behind these names is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from aggressor._version import VERSION

if TYPE_CHECKING:
    from aggressor.api import Day, composite, in_units, open

__version__ = VERSION

__all__ = ["Day", "__version__", "composite", "in_units", "open"]


def __getattr__(name: str) -> Any:
    """Import what is asked for out of `api`."""
    if name in ("Day", "composite", "in_units", "open"):
        return getattr(import_module("aggressor.api"), name)
    raise AttributeError(f"module 'aggressor' has no attribute {name!r}")
