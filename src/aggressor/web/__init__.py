"""What a trader sees in a browser, and what the browser may ask for: it draws, never computes."""
