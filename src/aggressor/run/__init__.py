"""The ways of running; each file picks an exchange and turns the handle."""
