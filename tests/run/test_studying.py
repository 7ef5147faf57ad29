"""A study: the same signals and samples whatever span is asked for, in bounded steps."""

import numpy as np
import pytest

from aggressor.run.studies.studying import Study
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import CLEAR, LAST, LEVEL, SNAPSHOT, empty_events
from aggressor.store.making import make_store
from tests.made import MINUTE, cached_beside, made
from tests.store.stores import an_instrument

DAY = 86_400 * 10**9
HOUR = 3600 * 10**9


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def all_signals(**options):
    one = made()
    study = Study(one.store, one.id, profile="micro", **options)
    batches = [moment.signals for moment in study.moments()]
    return np.concatenate(batches)


def test_a_span_has_the_signals_of_the_whole():
    whole = all_signals()
    assert whole.size > 50
    assert (np.diff(whole["ts_known"]) >= 0).all()
    start = made().middle_ns
    stop = start + MINUTE // 2
    part = all_signals(start_ns=start, stop_ns=stop)
    inside = (whole["ts_known"] >= start) & (whole["ts_known"] < stop)
    assert part.size > 0
    assert part.tobytes() == whole[inside].tobytes()


def test_sampling_changes_no_signal_and_stands_on_the_grid():
    one = made()
    study = Study(one.store, one.id, profile="micro", start_ns=one.middle_ns)
    times, rows = [], []
    for moment in study.moments(every_ns=700_000_000):
        rows.append(moment.signals)
        if not moment.last:
            times.append(moment.now_ns)
            assert moment.now_ns == moment.pipe.head[0]["now"]
    assert times[0] >= one.middle_ns
    assert all(time % 700_000_000 == 0 for time in times)
    assert set(np.diff(times)) == {700_000_000}
    assert np.concatenate(rows).tobytes() == all_signals(start_ns=one.middle_ns).tobytes()


def test_what_cannot_be_is_said():
    one = made()
    with pytest.raises(ConfigError, match="multiple of 100 ms"):
        next(Study(one.store, one.id).moments(every_ns=50_000_000))
    with pytest.raises(ConfigError, match="before --to"):
        Study(one.store, one.id, start_ns=5, stop_ns=5)
    with pytest.raises(ConfigError, match="perp, micro"):
        Study(one.store, one.id, profile="mini")
    with pytest.raises(StoreError, match="not in the store"):
        Study(one.store, "binance-usdm:BTCUSDT")


def snapshot(at_ns):
    rows = empty_events(3)
    rows["kind"] = [CLEAR, LEVEL, LEVEL]
    rows["side"] = [0, 1, -1]
    rows["price"] = [0, 99, 101]
    rows["size"] = [0, 5, 5]
    rows["flags"] = [0, SNAPSHOT, SNAPSHOT | LAST]
    rows["ts_recv"] = rows["ts_venue"] = at_ns
    return rows


def test_reading_begins_at_the_last_snapshot_before_the_day_and_the_baselines(tmp_path):
    noon = 20_000 * DAY + DAY // 2
    times = [noon - DAY, noon - 14 * HOUR, noon - 30 * 60 * 10**9, noon]
    changes = snapshot(noon + 1)[1:2]
    changes["flags"] = LAST
    events = np.concatenate([*(snapshot(time) for time in times), changes])
    store = make_store(tmp_path / "store", {an_instrument(): events})

    def read_from(start_ns):
        return Study(store, "binance-usdm:BTCUSDT", start_ns=start_ns).read_from_ns

    assert read_from(noon) == noon - 14 * HOUR  # the snapshot of half past eleven came too late
    assert read_from(noon - 13 * HOUR - 1) == noon - DAY
    assert read_from(noon - DAY) == noon - DAY
    assert Study(store, "binance-usdm:BTCUSDT").read_from_ns < 0
