"""The market on disk."""
