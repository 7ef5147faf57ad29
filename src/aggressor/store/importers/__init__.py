"""Recordings of other makes, read as lines of (receive time, message)."""
