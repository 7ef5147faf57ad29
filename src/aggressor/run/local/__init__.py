"""A venue on this machine."""
