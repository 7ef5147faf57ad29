"""Is it true: what the literature says of order flow, measured on recordings, with intervals."""
