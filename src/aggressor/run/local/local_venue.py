"""`aggressor venue`: a venue on this machine, with a past or a made market."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from aggressor.engine.ports import Feed
from aggressor.run.imports.importing import import_files
from aggressor.run.local.faults import fault_plan
from aggressor.run.local.own_certificate import own_certificate, their_certificate
from aggressor.run.local.venue_server import VenueServer
from aggressor.run.stopping import told_to_stop
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.sim.synthetic.config import MarketConfig, lively
from aggressor.sim.synthetic.market import SyntheticFeed
from aggressor.store.reader import Store
from aggressor.venues.dialects import dialect_named
from aggressor.venues.served.dialect import Dialect

_MONEY = 100_000_000
_START_PRICE = 600_000  # ticks
_UNIT_VALUE = 600  # of the smallest order of a made market, in the quote currency
SYNTHETIC_LEAD_S = 65.0  # by then a made market has told mark, funding and open interest


def synthetic_feed(instrument: Instrument, seed: int) -> SyntheticFeed:
    """Return an endless lively market on an instrument's grid; its orders are worth alike."""
    value = instrument.lot * instrument.multiplier  # of one lot, in the quote currency
    if instrument.kind is not ContractKind.INVERSE:
        value *= _START_PRICE * instrument.tick
    unit_lots = max(1, round(_UNIT_VALUE / value))
    return SyntheticFeed(
        lively(
            MarketConfig(
                seed=seed,
                rate=6.0,
                unit_lots=unit_lots,
                quotes=True,
                mark_interval_ms=1000,
                interest_interval_ms=10_000,
                funding_interval_ms=60_000,
                liquidation_interval_ms=1000,
                start_price=_START_PRICE,
                tick_money=int(instrument.tick * _MONEY),
            )
        )
    )


def markets_of(
    dialect: Dialect, replay: Path | None, instruments: Sequence[str], seed: int, folder: Path
) -> tuple[list[Instrument], list[Feed]]:
    """Return what is traded and its feeds; raise ConfigError or StoreError.

    A recording is imported into `folder` first, as one of its instruments' own venue, which is the
    dialect's where nothing else is named.
    """
    if replay is None:
        if instruments:
            raise ConfigError("--instrument names what to replay: it needs --replay STORE.")
        return [dialect.example], [synthetic_feed(dialect.example, seed)]
    if replay.is_file():
        venues = {one.partition(":")[0] for one in instruments} or {dialect.venue}
        if len(venues) > 1:
            raise ConfigError("A recording is of one venue: import it into a store, and play that.")
        import_files([replay], venues.pop(), folder)
        replay = folder
    store = Store(replay)
    names = list(instruments) or [
        one for one in store.instruments if one.startswith(f"{dialect.venue}:")
    ]
    if not names:
        held = ", ".join(store.instruments) or "nothing"
        raise ConfigError(f"The store holds nothing of {dialect.venue} but {held}: name it.")
    found = [store.definition(name) for name in names]
    ours = [msgspec.structs.replace(one, venue=dialect.venue) for one in found]
    return ours, [store.replay([name], timer_ns=0) for name in names]


async def serve_venue(
    name: str,
    *,
    replay: Path | None,
    instruments: Sequence[str],
    seed: int,
    speed: float,
    port: int,
    balance: Decimal,
    faults: str,
    tls: bool,
    certificate: tuple[Path, Path] | None,
    ready: Callable[[dict[str, str]], None],
) -> None:
    """Serve until the process is told to stop; what `ready` gets says where and with which key."""
    dialect = dialect_named(name)
    plan = fault_plan(faults)
    with TemporaryDirectory(prefix="aggressor-venue-") as folder:
        traded, feeds = markets_of(dialect, replay, instruments, seed, Path(folder) / "store")
        server = VenueServer(
            dialect,
            traded,
            feeds,
            speed=speed,
            lead_s=SYNTHETIC_LEAD_S if replay is None else 0.0,
            deposit=int(balance * _MONEY),
            faults=plan,
        )
        context, more = None, {}
        if certificate is not None:
            context = their_certificate(*certificate)
        elif tls:
            context, authority = own_certificate(Path(folder))
            more = {"ca": str(authority)}
        await server.start(port, context)
        ready(server.document | more)
        await _until_told(server)


async def _until_told(server: VenueServer) -> None:
    """Serve until a signal, or until the server fails."""
    async with told_to_stop() as stop:
        running, ending = asyncio.create_task(server.wait()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        finally:
            running.cancel()
            ending.cancel()
            await server.stop()
