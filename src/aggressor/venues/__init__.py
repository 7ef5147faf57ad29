"""Venues without sockets."""
