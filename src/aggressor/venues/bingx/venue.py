"""BingX's perpetual futures as a venue value."""

from functools import partial

from aggressor.features.forced import UNPUBLISHED
from aggressor.market.align import NATIVE, SKIPPING
from aggressor.schema.instrument import ContractKind
from aggressor.venues.bingx.instruments import (
    candles_of,
    candles_request,
    clock_of,
    instruments_of,
)
from aggressor.venues.bingx.market import (
    LINK,
    control,
    polls,
    read,
    resubscribe,
    subscribe,
    trades_request,
)
from aggressor.venues.bingx.trading import trading_side
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.text.packed import unzipped
from aggressor.venues.venue import Request, RestLimit, Venue, cannot_infer

REST = "https://open-api.bingx.com"
STREAMS = "wss://open-api-swap.bingx.com/swap-market"

BINGX = Venue(
    name="bingx",
    kind=ContractKind.LINEAR,
    policy=NATIVE,
    chain=SKIPPING,
    rest=REST,
    streams=STREAMS,
    instruments=instruments_of,
    infer=cannot_infer,
    market_decoder=partial(PartsDecoder, read=read, policy=NATIVE, chain=SKIPPING),
    subscribe=partial(subscribe, STREAMS),
    snapshot_request=None,
    definitions_request=partial(Request, "GET", f"{REST}/openApi/swap/v2/quote/contracts", 1),
    polls=partial(polls, REST),
    resubscribe=resubscribe,
    control=control,
    unpack=unzipped,
    link=LINK,
    rest_limit=RestLimit(50, 10_000_000_000),
    clock_request=partial(Request, "GET", f"{REST}/openApi/swap/v2/server/time", 1),
    read_clock=clock_of,
    candles_request=partial(candles_request, REST),
    read_candles=candles_of,
    trades_request=partial(trades_request, REST),
    skips=True,
    publication=UNPUBLISHED,
    trading=trading_side(REST, STREAMS),
)
