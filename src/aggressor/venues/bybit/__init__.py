"""Bybit v5: linear and inverse perpetuals and futures."""
