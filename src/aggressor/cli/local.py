"""The command that is a venue itself."""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from aggressor.cli.words import Json, show, usage


def venue(
    name: str,
    /,
    *,
    replay: Path | None = None,
    instrument: list[str] | None = None,
    synthetic: Annotated[bool, Parameter(negative="")] = False,
    seed: int = 1,
    speed: float = 1.0,
    port: int = 0,
    balance: Decimal = Decimal(100_000),
    faults: str = "",
    tls: Annotated[bool, Parameter(negative="")] = False,
    certificate: tuple[Path, Path] | None = None,
    json: Json = False,
) -> None:
    """Be a venue on this machine, in its own dialect: any client of that venue can trade here.

    The market is a store's or a made one; orders queue behind what is displayed and fill by the
    same rules as in a backtest. Nothing leaves this machine, and the key holds nothing of worth.

    Parameters
    ----------
    name
        The venue, as binance-usdm.
    replay
        Folder of a store, or one recording, to play; else a synthetic market. Behind its last row
        the market stands still.
    instrument
        What of the store, as venue:SYMBOL; may be given again.
    synthetic
        Play a made market (the default without --replay).
    seed
        Seed of the made market.
    speed
        How many times as fast as it happened.
    port
        Port on 127.0.0.1; 0 takes a free one.
    balance
        What the account holds of each settlement asset.
    faults
        What goes wrong on purpose: gap=0.01,disconnect=0.05,seed=7, or a file of JSON.
    tls
        Serve https and wss, with a certificate made for this run: the file of its authority, which
        a client must trust, is told as `ca` (needs the extra `tls`).
    certificate
        Serve https and wss with your own certificate and key files.
    """
    from aggressor.run.local.local_venue import serve_venue

    if synthetic and replay is not None:
        usage("a market is either replayed or synthetic: choose one of --replay and --synthetic")

    def ready(document: dict[str, str]) -> None:
        show(document, json, "show_venue")
        sys.stdout.flush()

    asyncio.run(
        serve_venue(
            name,
            replay=replay,
            instruments=instrument or [],
            seed=seed,
            speed=speed,
            port=port,
            balance=balance,
            faults=faults,
            tls=tls,
            certificate=certificate,
            ready=ready,
        )
    )
