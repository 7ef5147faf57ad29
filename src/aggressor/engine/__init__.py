"""The one path from events and reports to commands."""
