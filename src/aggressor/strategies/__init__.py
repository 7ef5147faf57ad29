"""Plug-ins to the engine's strategy protocol."""
