"""Venues bound to sockets: markets, accounts, and what is recorded of them."""
