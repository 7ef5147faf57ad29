"""What the market is now: ladder, book, ledger, tape, alignment, health."""
