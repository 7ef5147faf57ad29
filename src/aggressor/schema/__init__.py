"""What flows: the records, their units, and what a thing traded is."""
