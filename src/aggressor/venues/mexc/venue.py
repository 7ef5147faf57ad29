"""MEXC's perpetual futures as a venue value."""

from functools import partial

from aggressor.features.forced import UNPUBLISHED
from aggressor.market.align import CONTIGUOUS, REST_SNAPSHOT
from aggressor.schema.instrument import ContractKind
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.mexc.instruments import (
    candles_of,
    candles_request,
    clock_of,
    instruments_of,
    margin_request,
    read_margin,
    read_tradable,
)
from aggressor.venues.mexc.market import (
    LINK,
    control,
    polls,
    read,
    snapshot_request,
    subscribe,
    trades_request,
)
from aggressor.venues.mexc.trading import trading_venue
from aggressor.venues.text.packed import unzipped
from aggressor.venues.venue import Request, RestLimit, Venue, cannot_infer

REST = "https://api.mexc.com"
STREAMS = "wss://contract.mexc.com/edge"

MEXC = Venue(
    name="mexc",
    kind=ContractKind.LINEAR,
    policy=REST_SNAPSHOT,
    chain=CONTIGUOUS,
    rest=REST,
    streams=STREAMS,
    instruments=instruments_of,
    infer=cannot_infer,
    market_decoder=partial(PartsDecoder, read=read, policy=REST_SNAPSHOT, chain=CONTIGUOUS),
    subscribe=partial(subscribe, STREAMS),
    snapshot_request=partial(snapshot_request, REST),
    definitions_request=partial(Request, "GET", f"{REST}/api/v1/contract/detail", 1),
    polls=partial(polls, REST),
    control=control,
    unpack=unzipped,
    link=LINK,
    rest_limit=RestLimit(10, 2_000_000_000),
    clock_request=partial(Request, "GET", f"{REST}/api/v1/contract/ping", 1),
    read_clock=clock_of,
    candles_request=partial(candles_request, REST),
    read_candles=candles_of,
    trades_request=partial(trades_request, REST),
    margin_request=partial(margin_request, REST),
    read_margin=read_margin,
    tradable_request=partial(Request, "GET", f"{REST}/api/v1/contract/detail", 1),
    read_tradable=read_tradable,
    publication=UNPUBLISHED,
    trading=trading_venue(REST, STREAMS),
)
