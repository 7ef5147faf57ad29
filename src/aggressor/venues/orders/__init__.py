"""Our orders at a venue: what leaves, what is in doubt, what is heard of them."""
