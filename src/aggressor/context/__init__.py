"""What surrounds the moment: open interest, funding, liquidity regime, bias, lead and lag."""
