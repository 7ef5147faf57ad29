"""Aggressor: order flow of crypto futures, read, decided on, executed with the least slippage."""

from aggressor._version import VERSION

__version__ = VERSION

__all__ = ["__version__"]
