"""What every venue's own side tells of the past: candles that were asked for, the last day."""

from aggressor.sim.local.board import Lane
from aggressor.sim.local.minutes import Candle, Minutes
from aggressor.venues.served.dialect import House

DAY_S = 86_400


def last_span(house: House, lane: Lane, span_s: int = DAY_S) -> Candle:
    """Return the prints of the last `span_s` seconds as one candle; a flat one without any."""
    number = house.exchange.by_symbol[lane.instrument.symbol]
    found = house.exchange.minutes[number].day(house.exchange.now, span_s)
    last = lane.last_price() or 0
    return Candle(0, last, last, last, last) if found is None else found


def chosen(
    minutes: Minutes, span_s: int, start_ms: int, end_ms: int, most: int, *, first: bool
) -> list[Candle]:
    """Return candles that begin within two times, oldest first: the first `most`, or the last."""
    every = minutes.spans(span_s, 1 << 30)
    inside = [one for one in every if start_ms <= one.start_s * 1000 <= end_ms]
    return inside[:most] if first else inside[-most:]
