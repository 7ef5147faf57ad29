"""Binance: USD-M and COIN-M futures, spot readable for study."""
