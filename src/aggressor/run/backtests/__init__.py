"""Strategies and single orders on what was recorded or made."""
