"""WEEX's perpetual futures as a venue value."""

from functools import partial

from aggressor.features.forced import UNPUBLISHED
from aggressor.market.align import NATIVE, TOUCHING
from aggressor.schema.instrument import ContractKind
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.venue import Request, RestLimit, Venue, cannot_infer
from aggressor.venues.weex.instruments import (
    candles_of,
    candles_request,
    clock_of,
    instruments_of,
    tradable_of,
)
from aggressor.venues.weex.market import (
    LINK,
    WIDTH,
    control,
    polls,
    read,
    resubscribe,
    subscribe,
    trades_request,
)
from aggressor.venues.weex.trading import trading_side

REST = "https://api-contract.weex.com"
STREAMS = "wss://ws-contract.weex.com/v3/ws/public"
PRIVATE = "wss://ws-contract.weex.com/v3/ws/private"

_MARKET = f"{REST}/capi/v3/market"

WEEX = Venue(
    name="weex",
    kind=ContractKind.LINEAR,
    policy=NATIVE,
    chain=TOUCHING,
    rest=REST,
    streams=STREAMS,
    instruments=instruments_of,
    infer=cannot_infer,
    market_decoder=partial(PartsDecoder, read=read, policy=NATIVE, chain=TOUCHING, window=WIDTH),
    subscribe=partial(subscribe, STREAMS),
    snapshot_request=None,
    definitions_request=partial(Request, "GET", f"{_MARKET}/exchangeInfo", 1),
    polls=partial(polls, REST),
    resubscribe=resubscribe,
    control=control,
    link=LINK,
    rest_limit=RestLimit(100, 10_000_000_000),  # of 500: the rest is left to an account
    clock_request=partial(Request, "GET", f"{_MARKET}/time", 1),
    read_clock=clock_of,
    candles_request=partial(candles_request, REST),
    read_candles=candles_of,
    trades_request=partial(trades_request, REST),
    tradable_request=partial(Request, "GET", f"{_MARKET}/apiTradingSymbols", 5),
    read_tradable=tradable_of,
    publication=UNPUBLISHED,
    trading=trading_side(REST, PRIVATE),
)
