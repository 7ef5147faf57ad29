"""A venue made of history, and a market with known truth."""
