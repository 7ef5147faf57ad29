"""WEEX: perpetual futures, contract API v3."""
