"""MEXC's contracts, tiers, candles and clock."""

from decimal import Decimal

import msgspec
import pytest

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.venues.mexc.instruments import API_FEES
from aggressor.venues.table import venue_named
from tests.venues.mexc_samples import BTC, CONTRACT, answer

MEXC = venue_named("mexc")


def contracts(*changed: dict) -> bytes:
    return answer(msgspec.json.encode([CONTRACT | one for one in changed]).decode())


def test_a_contract_takes_its_units_not_its_scales() -> None:
    (one,) = MEXC.instruments(contracts({}), 0)
    assert one == BTC
    (fine,) = MEXC.instruments(contracts({"priceUnit": 0.5, "volUnit": 10}), 77)
    assert (fine.tick, fine.lot, fine.valid_from_ns) == (Decimal("0.5"), 10, 77)
    assert fine.notional(2 * 60_000, 3) == 60_000 * 30 * Decimal("0.0001") * 10**8
    alone = answer(msgspec.json.encode(CONTRACT).decode())
    assert MEXC.instruments(alone, 0) == [BTC]


def test_small_numbers_with_exponents_are_exact() -> None:
    text = contracts({}).replace(b'"priceUnit":0.1', b'"priceUnit":1E-9')
    (one,) = MEXC.instruments(text, 0)
    assert one.tick == Decimal("1E-9")


def test_what_cannot_be_used_is_left_out() -> None:
    odd = ({"settleCoin": "BTC"}, {"priceUnit": 0}, {"contractSize": 0}, {"volUnit": None})
    assert MEXC.instruments(contracts(*odd), 0) == []
    for text in (
        b'{"success":false,"code":510,"message":"too fast"}',
        b"[]",
        answer("5"),
        answer('[{"symbol":"A","priceUnit":"x"}]'),
        b'{"x":' + b"[" * 100_000,
    ):
        with pytest.raises(MessageError):
            MEXC.instruments(text, 0)


def test_which_contracts_take_orders_by_api() -> None:
    assert MEXC.read_tradable is not None
    some = (
        {},
        {"symbol": "A_USDT", "apiAllowed": False},
        {"symbol": "B_USDT", "state": 4},
        {"symbol": "C_USDT"},
    )
    assert MEXC.read_tradable(contracts(*some)) == {"BTC_USDT", "C_USDT"}
    assert len(MEXC.instruments(contracts(*some), 0)) == 4


def test_margin_tiers_in_equal_steps_and_listed() -> None:
    assert MEXC.read_margin is not None
    assert MEXC.margin_request is not None
    assert MEXC.margin_request(BTC).url.endswith("/contract/detail?symbol=BTC_USDT")
    tiers = MEXC.read_margin(contracts({}))
    assert len(tiers) == 5
    first, last = tiers[0], tiers[-1]
    assert (first.size_max, first.maintenance, first.initial) == (
        10_000,
        Decimal("0.004"),
        Decimal("0.008"),
    )
    assert first.leverage_max == 125
    assert (last.size_max, last.maintenance, last.initial) == (
        810_000,
        Decimal("0.020"),
        Decimal("0.024"),
    )
    listed = [{"level": 1, "maxVol": 7, "mmr": 0.01, "imr": 0.02, "maxLeverage": 50}]
    (only,) = MEXC.read_margin(contracts({"riskLimitCustom": listed}))
    assert (only.size_max, only.maintenance, only.leverage_max) == (7, Decimal("0.01"), 50)
    with pytest.raises(MessageError, match="initial"):
        MEXC.read_margin(contracts({"initialMarginRate": 0}))


def test_api_orders_cost_more_than_the_web_shows() -> None:
    assert (API_FEES.maker, API_FEES.taker) == (Decimal("0.0006"), Decimal("0.0008"))
    assert MEXC.trading is not None
    assert MEXC.trading.read_fees is not None
    shown = '{"level":0,"makerFee":0,"takerFee":0.0002,"makerFeeDiscount":1}'
    assert MEXC.trading.read_fees(answer(shown)) == [API_FEES]
    (dear,) = MEXC.trading.read_fees(answer('{"makerFee":0.001,"takerFee":0.002}'))
    assert (dear.maker, dear.taker) == (Decimal("0.001"), Decimal("0.002"))


COLUMNS = (
    '{"time":[0,60,120,180],"open":[100.05,100.0,100.5,1],"high":[101,101.0,100.6,1],'
    '"low":[99,99.5,1.004E+2,1],"close":[100,100.5,100.5,1],"vol":[5,6,0,1],"amount":[1,1,1,1]}'
)


def test_candles_are_closed_and_on_the_grid() -> None:
    assert MEXC.read_candles is not None
    assert MEXC.candles_request is not None
    candles = MEXC.read_candles(answer(COLUMNS), BTC)
    assert candles.tolist() == [
        (60_000_000_000, 6, 1000, 1010, 995, 1005),
        (120_000_000_000, 0, 1005, 1006, 1004, 1005),
    ]
    assert MEXC.candles_request(BTC, 14_400, 5).url == (
        "https://api.mexc.com/api/v1/contract/kline/BTC_USDT?interval=Hour4"
    )
    with pytest.raises(ConfigError, match="14400"):
        MEXC.candles_request(BTC, 86_400, 5)
    for odd in (b"{}", answer("[]"), answer('{"time":["x"]}')):
        with pytest.raises(MessageError):
            MEXC.read_candles(odd, BTC)


def test_the_clock() -> None:
    assert MEXC.read_clock is not None
    assert MEXC.clock_request is not None
    assert MEXC.clock_request().url == "https://api.mexc.com/api/v1/contract/ping"
    assert MEXC.read_clock(answer("1790134590000")) == 1_790_134_590_000_000_000
    with pytest.raises(MessageError):
        MEXC.read_clock(b'{"success":false,"code":500}')


def test_a_grid_is_not_guessed() -> None:
    with pytest.raises(ConfigError, match="grid"):
        MEXC.infer(b"", 0)
