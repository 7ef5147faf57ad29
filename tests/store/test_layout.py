from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.schema.errors import StoreError
from aggressor.store.layout import DAY_NS, Layout, day_of, safe_name, split_id, symbol_of


@given(st.text(min_size=1, max_size=30))
def test_any_symbol_survives_as_a_file_name(symbol: str) -> None:
    name = safe_name(symbol)
    assert symbol_of(name) == symbol
    assert name.isascii()
    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\:*?"<>|=~ ')


def test_plain_symbols_stay_readable() -> None:
    assert safe_name("BTCUSD_PERP") == "BTCUSD_PERP"
    assert safe_name("币安人生USDT") == "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"


def test_days_are_utc() -> None:
    assert day_of(0) == "1970-01-01"
    assert day_of(1_723_161_599_999_999_999) == "2024-08-08"
    assert day_of(1_723_161_599_999_999_999 + 1) == "2024-08-09"
    assert day_of(-1) == "1969-12-31"
    assert day_of(19_000 * DAY_NS) == "2022-01-08"


def test_paths() -> None:
    layout = Layout(Path("/s"))
    part = layout.part("binance-usdm", "BTCUSDT", 1_723_161_255_030_314_667, "abc")
    assert layout.relative(part) == (
        "events/venue=binance-usdm/symbol=BTCUSDT/date=2024-08-08/1723161255030314667-abc.parquet"
    )
    capture = layout.capture("binance-usdm", 1_723_161_255_030_314_667, "abc")
    assert layout.relative(capture) == "raw/venue=binance-usdm/date=2024-08-08/abc.zst"
    assert layout.relative(layout.state("abc")) == "state/abc.state"


@pytest.mark.parametrize("name", ["BTCUSDT", ":BTCUSDT", "binance-usdm:", ""])
def test_a_name_without_venue_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="venue:SYMBOL"):
        split_id(name)
    assert split_id("a:B:C") == ("a", "B:C")
