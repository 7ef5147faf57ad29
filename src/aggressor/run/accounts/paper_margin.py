"""What a paper account must keep as margin: the venue's public tiers, else those of the limits.

A flat rate of the settings (`maintenance_bp`) stands in place of both. Some venues tell their tiers
only to an account (Binance, BingX) or not at all (WEEX): without `margin_tiers` in the limits their
margin is not watched, and a run says so as it begins.
"""

from aggressor.run.accounts.rules import Rules
from aggressor.run.assemble import Settings
from aggressor.run.lines.recorded_market import Notice, RecordedMarket
from aggressor.run.lines.venue_setup import ask_public
from aggressor.schema.errors import MessageError
from aggressor.schema.instrument import Instrument
from aggressor.venues.margin import MarginTier
from aggressor.venues.venue import Venue


async def paper_tiers(
    market: RecordedMarket, rules: Rules, settings: Settings, notice: Notice
) -> dict[int, tuple[MarginTier, ...]]:
    """Return the margin tiers by number of the instrument; what nobody states is said, and absent.

    Raises ConfigError for tiers in the limits that cannot be.
    """
    if settings.maintenance_bp:
        return {}
    found = rules.tiers(market.instruments)
    lanes = {one.id: k for k, one in enumerate(market.instruments)}
    for line in market.lines:
        for one in line.instruments:
            try:
                told = await _told(market, line.venue, one)
            except MessageError as trouble:
                notice(f"{one.id}: its margin tiers were not told: {trouble}")
                told = ()
            if told:
                found[lanes[one.id]] = told
    unknown = [one.id for one in market.instruments if lanes[one.id] not in found]
    if unknown:
        notice(
            f"the margin tiers of {', '.join(unknown)} are not known: nothing is liquidated - give "
            "--maintenance-bp, or margin_tiers in the limits"
        )
    return found


async def _told(market: RecordedMarket, venue: Venue, one: Instrument) -> tuple[MarginTier, ...]:
    """Return the tiers that a venue tells anybody, the smallest first."""
    if venue.margin_request is None or venue.read_margin is None:
        return ()
    rows = venue.read_margin(await ask_public(market.wires, venue.margin_request(one)))
    return tuple(row for row in rows if row.symbol in ("", one.symbol))
