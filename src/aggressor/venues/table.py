"""The venues by name: a further venue is one more line here.

A venue is imported when it is first asked for: most commands need one of them, or none.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module

from aggressor.features.forced import UNPUBLISHED
from aggressor.schema.errors import ConfigError
from aggressor.venues.venue import Venue

_PLACES = {
    "binance-usdm": ("binance", "BINANCE_USDM"),
    "binance-coinm": ("binance", "BINANCE_COINM"),
    "binance-spot": ("binance", "BINANCE_SPOT"),
    "bybit-linear": ("bybit", "BYBIT_LINEAR"),
    "bybit-inverse": ("bybit", "BYBIT_INVERSE"),
    "bingx": ("bingx", "BINGX"),
    "weex": ("weex", "WEEX"),
    "mexc": ("mexc", "MEXC"),
}


class _Venues(Mapping[str, Venue]):
    """Each venue under its name."""

    def __getitem__(self, name: str) -> Venue:
        folder, value = _PLACES[name]
        return getattr(import_module(f"aggressor.venues.{folder}.venue"), value)

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


VENUES: Mapping[str, Venue] = _Venues()


def venue_named(name: str) -> Venue:
    """Return a venue; raise ConfigError with the names there are."""
    venue = VENUES.get(name)
    if venue is None:
        raise ConfigError(f"There is no venue {name!r} - use one of: {', '.join(VENUES)}.")
    return venue


def publication_of(name: str) -> int:
    """Return how a venue publishes forced orders; one that is not here is not known to."""
    venue = VENUES.get(name)
    return UNPUBLISHED if venue is None else venue.publication
