"""The desk: a market that is looked at and acted on in a browser."""
