"""Accounts that trade on paper or live, and go on after the process."""
