"""MEXC's perpetual futures (contract API v1)."""
