"""Aggressor: order flow of crypto futures, read, decided on, and executed with the least slippage."""

from aggressor._version import VERSION as __version__

__all__ = ["__version__"]
