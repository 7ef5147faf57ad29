"""What we are willing to do."""
