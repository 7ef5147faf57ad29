"""What the market means in words: state machines with evidence."""
