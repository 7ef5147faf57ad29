"""`aggressor composite`: venues side by side, who is left out and why, and who moves first."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import aggressor as ag
from aggressor.market.composite_records import OUT_CROSSED, OUT_NAMES
from aggressor.run.studies.composite import composite
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import CLEAR, LAST, LEVEL, SNAPSHOT, TRADE, Events, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.store.making import make_store
from tests.made import cached_beside, command

SECONDS = 60
START_NS = 1_700_000_000_000_000_000
LAG_NS = 50_000_000
STEP_NS = 125_000_000


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def an_instrument(venue: str, base: str = "XYZ") -> Instrument:
    return Instrument(
        venue=venue,
        symbol=f"{base}USDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        base=base,
        quote="USDT",
        settle="USDT",
    )


def walking(shift_ns: int, seed: int = 4, crossed: bool = False) -> Events:
    """A book whose mid walks, every message a whole picture; a trade of 10 lots each second."""
    random = np.random.default_rng(seed)
    steps = np.cumsum(random.integers(0, 2, SECONDS * 8) * 2 - 1)
    rows = []
    for n, step in enumerate(steps):
        at, mid = START_NS + n * STEP_NS + shift_ns, 100_000 + int(step)
        wide = -3 if crossed and n >= SECONDS * 4 else 1
        rows.append((CLEAR, 0, 0, 0, 0, at))
        rows += [(LEVEL, 1, mid - wide - d, 10, SNAPSHOT, at) for d in range(3)]
        rows += [(LEVEL, -1, mid + wide + d, 10, SNAPSHOT, at) for d in range(3)]
        rows[-1] = (*rows[-1][:4], SNAPSHOT | LAST, at)
        if n % 8 == 0:
            rows.append((TRADE, 1, mid + 1, 10, LAST, at))
    events = empty_events(len(rows))
    names = ("kind", "side", "price", "size", "flags", "ts_venue")
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        events[name] = column
    events["ts_recv"] = events["ts_venue"] + 1_000_000
    return events


def a_store(folder: Path, **crossed: bool) -> tuple[Path, list[str]]:
    first, second = an_instrument("alpha"), an_instrument("beta")
    lanes = {first: walking(0), second: walking(LAG_NS, **crossed)}
    return make_store(folder / "store", lanes), [first.id, second.id]


def test_two_venues_are_one_book_and_tape_and_the_first_one_leads(tmp_path: Path) -> None:
    store, names = a_store(tmp_path)
    found = composite(store, names, profile="micro")
    assert found["base"] == "XYZ"
    assert [one["live"] for one in found["venues"]] == [True, True]
    assert found["book"]["live"] == 2
    depth = sum(one["bid_base"] for one in found["venues"])
    assert found["book"]["bid_base"] == pytest.approx(depth)
    assert depth == pytest.approx(2 * 3 * 10 * 0.01)
    left_out = sum(one["left_out_base"] for one in found["venues"])
    assert found["tape"]["bought"] + left_out == pytest.approx(2 * SECONDS * 10 * 0.01)
    (lead,) = found["lead_lag"]
    assert (lead["leader"], lead["peak_ms"]) == (names[0], LAG_NS / 1e6)
    assert lead["clock_bound_ms"] == 1.0
    assert lead["changes"] == [SECONDS * 8 - 1, SECONDS * 8 - 1]


def test_a_crossed_venue_is_left_out_and_named(tmp_path: Path) -> None:
    store, names = a_store(tmp_path, crossed=True)
    found = composite(store, names, profile="micro")
    good, bad = found["venues"]
    assert not bad["live"]
    assert OUT_NAMES[OUT_CROSSED] in bad["why"]
    assert 0.3 < bad["live_share"] < 0.6
    assert bad["bid_base"] == 0.0
    assert found["book"]["bid_base"] == pytest.approx(good["bid_base"])


def test_the_command_prints_json_a_table_and_a_file(tmp_path: Path, capsys) -> None:
    store, names = a_store(tmp_path)
    asked = [part for name in names for part in ("--instrument", name)]
    code, out, _ = command(capsys, "composite", store, *asked, "--profile", "micro", "--json")
    assert code == 0
    assert json.loads(out) == composite(store, names, profile="micro")
    code, out, _ = command(capsys, "composite", store, *asked, "--profile", "micro")
    assert code == 0
    assert "alpha:XYZUSDT" in out
    assert "+50 ms" in out
    file = tmp_path / "composite.parquet"
    code, out, _ = command(
        capsys, "composite", store, *asked, "--profile", "micro", "--every", "5s",
        *("--parquet", file),
    )  # fmt: skip
    assert code == 0
    table = pq.read_table(file)
    assert table.equals(ag.composite(store, names, "5s", profile="micro"))
    assert table.num_rows == SECONDS // 5 - 1, "points of the grid between first and last event"
    live = table["live"].to_pylist()
    assert live[-1] == 2
    assert table[f"{names[1]} out"].to_pylist()[-1] == 0


def test_what_is_no_composite_is_refused(tmp_path: Path) -> None:
    store, names = a_store(tmp_path)
    with pytest.raises(ConfigError, match="at least two different"):
        composite(store, names[:1])
    with pytest.raises(ConfigError, match="at least two different"):
        composite(store, [names[0], names[0]])
    with pytest.raises(StoreError):
        composite(store, [names[0], "gamma:XYZUSDT"])
    other = an_instrument("beta", "QRS")
    lanes = {an_instrument("alpha"): walking(0), other: walking(LAG_NS)}
    mixed = make_store(tmp_path / "mixed", lanes)
    with pytest.raises(ConfigError, match="not of one underlying"):
        composite(mixed, ["alpha:XYZUSDT", other.id])
