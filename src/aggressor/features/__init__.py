"""What the market means in numbers."""
