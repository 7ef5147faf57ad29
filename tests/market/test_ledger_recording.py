"""On whole recordings: the ledger identity of the touched level after every single event."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from aggressor.kernel import kernel
from aggressor.market.levels import NO_SLOT
from aggressor.market.state import MarketState, grow_market, has_room, market_state, on_event
from aggressor.run.imports.importing import import_files
from aggressor.schema.event import LEVEL, TRADE, Events
from aggressor.store.reader import Store
from tests.recordings import recording

RECORDINGS = [
    ("binance-usdm", "BTCUSDT", ["binance-usdm/btcusdt_20240808.gz"]),
    ("binance-coinm", "ETHUSD_PERP", ["binance-coinm/ethusd_perp_20240808.gz"]),
    ("binance-spot", "NEXOUSDT", ["binance-spot/nexousdt_20240723.dat.gz"]),
]


@kernel
def run_checked(
    events: Events, start: int, stop: int, market: MarketState, seen: NDArray[np.int64]
) -> int:
    """Run as `run_market` does; count checks in seen[0], broken identities in seen[1]."""
    for i in range(start, stop):
        event = events[i]
        if not has_room(market, event):
            return i
        slot = on_event(market, event)
        if slot != NO_SLOT and (event["kind"] == LEVEL or event["kind"] == TRADE):
            ledger = market.ledger.slots[slot]
            held = ledger["start_lots"] + ledger["added"] - ledger["pulled"] - ledger["traded"]
            seen[0] += 1
            if held != ledger["lots"] or ledger["lots"] != market.book.levels[slot]["lots"]:
                seen[1] += 1
            if ledger["hidden"] + ledger["refilled"] > ledger["added"]:
                seen[1] += 1
    return stop


@pytest.mark.recording
@pytest.mark.parametrize(("venue", "symbol", "files"), RECORDINGS)
def test_identity_after_every_event(
    venue: str, symbol: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))
    paths = [recording(name) for name in files]
    import_files(paths, venue, tmp_path / "store")
    replay = Store(tmp_path / "store").replay([f"{venue}:{symbol}"])
    market = market_state(1)
    seen = np.zeros(2, np.int64)
    levels = 0
    while (events := replay.poll(65_536)).size:
        levels += int((events["kind"] == LEVEL).sum())
        done = 0
        while (done := run_checked(events, done, events.size, market, seen)) < events.size:
            market = grow_market(market)
    assert seen[0] > levels // 2  # removing an unknown level touches no ledger
    assert seen[1] == 0
    open_slots = market.ledger.slots[market.ledger.slots["open"] != 0]
    held = (
        open_slots["start_lots"] + open_slots["added"] - open_slots["pulled"] - open_slots["traded"]
    )
    assert open_slots.size > 100
    assert (held == open_slots["lots"]).all()
