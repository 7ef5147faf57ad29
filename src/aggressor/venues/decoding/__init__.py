"""From what a venue says to EVENT rows, alike for all venues that are read into parts."""
