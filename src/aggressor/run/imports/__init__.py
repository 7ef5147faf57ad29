"""Recordings, archives and what a recorder left behind, brought into a store."""
