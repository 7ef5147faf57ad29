"""All venues whose own side we can take, by name. A further one is one more line here."""

from aggressor.schema.errors import ConfigError
from aggressor.venues.binance.server import COINM, USDM
from aggressor.venues.bingx.server import BINGX
from aggressor.venues.bybit.server import INVERSE, LINEAR
from aggressor.venues.mexc.server import MEXC
from aggressor.venues.served.dialect import Dialect
from aggressor.venues.weex.server import WEEX

_ALL = (USDM, COINM, LINEAR, INVERSE, BINGX, WEEX, MEXC)
DIALECTS: dict[str, Dialect] = {one.venue: one for one in _ALL}


def dialect_named(name: str) -> Dialect:
    """Return a venue's dialect; raise ConfigError for a name that is not known."""
    found = DIALECTS.get(name)
    if found is None:
        raise ConfigError(f"No local venue {name!r} - choose one of {', '.join(DIALECTS)}.")
    return found
