"""What venues write, read in place: JSON, numbers, packed frames, rows of candles."""
