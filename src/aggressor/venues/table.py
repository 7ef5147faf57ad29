"""The venues by name: a further venue is one more line here."""

from aggressor.features.forced import UNPUBLISHED
from aggressor.schema.errors import ConfigError
from aggressor.venues.binance.venue import BINANCE_COINM, BINANCE_SPOT, BINANCE_USDM
from aggressor.venues.bingx.venue import BINGX
from aggressor.venues.bybit.venue import BYBIT_INVERSE, BYBIT_LINEAR
from aggressor.venues.mexc.venue import MEXC
from aggressor.venues.venue import Venue
from aggressor.venues.weex.venue import WEEX

_ALL = (
    *(BINANCE_USDM, BINANCE_COINM, BINANCE_SPOT),
    *(BYBIT_LINEAR, BYBIT_INVERSE),
    *(BINGX, WEEX, MEXC),
)
VENUES: dict[str, Venue] = {venue.name: venue for venue in _ALL}


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
