"""BingX: perpetual futures settled in USDT and USDC (its "swap v2")."""
