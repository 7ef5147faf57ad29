"""A store made of events: reads back as it was, and counts what is in it."""

import numpy as np
import pytest

from aggressor.run.studies.inspection import inspect_store
from aggressor.schema.errors import StoreError
from aggressor.schema.event import TIMER, TRADE
from aggressor.store.making import make_store
from aggressor.store.reader import Store
from tests.store.stores import an_instrument, some_events

DAY = 86_400 * 10**9


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AGGRESSOR_CACHE", str(tmp_path / "cache"))


def test_events_read_back_as_they_were_over_two_days(tmp_path):
    lanes = {
        an_instrument("BTCUSDT"): some_events(400, DAY - 10**9, 10**7),
        an_instrument("ETHUSDT"): some_events(300, DAY - 10**8, 10**6, seed=2),
    }
    for rows in lanes.values():
        rows["kind"][7] = TRADE
    root = make_store(tmp_path / "store", lanes)
    store = Store(root)
    assert store.instruments == ["binance-usdm:BTCUSDT", "binance-usdm:ETHUSDT"]
    for instrument, rows in lanes.items():
        read = store.source(instrument.id).read_all()
        assert (read == rows).all()
        assert store.definition(instrument.id) == instrument
    days = inspect_store(root)["instruments"][0]["days"]
    assert len(days) == 2
    held = lanes[an_instrument("BTCUSDT")]
    assert sum(one["trades"] for one in days) == (held["kind"] == TRADE).sum()
    assert sum(one["events"] for one in days) == 400


def test_timers_are_left_out(tmp_path):
    rows = some_events(50, DAY, 10**7)
    rows["kind"][::5] = TIMER
    root = make_store(tmp_path / "store", {an_instrument(): rows})
    read = Store(root).source("binance-usdm:BTCUSDT").read_all()
    assert (read == rows[rows["kind"] != TIMER]).all()


def test_what_cannot_be_is_said(tmp_path):
    rows = some_events(10, DAY, 10**7)
    with pytest.raises(StoreError, match="there are none"):
        make_store(tmp_path / "none", {an_instrument(): rows[:0]})
    make_store(tmp_path / "store", {an_instrument(): rows})
    with pytest.raises(StoreError, match="another folder"):
        make_store(tmp_path / "store", {an_instrument(): rows})
    assert np.all(Store(tmp_path / "store").source("binance-usdm:BTCUSDT").read_all() == rows)
