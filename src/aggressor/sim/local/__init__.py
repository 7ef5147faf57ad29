"""The core of the local venue: an account that trades on a market, past or made."""
