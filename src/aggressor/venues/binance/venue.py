"""Binance's three markets as venue values: USD-M and COIN-M futures, and spot."""

from collections.abc import Callable, Sequence
from functools import partial

from aggressor.features.forced import ONE_PER_SECOND, UNPUBLISHED
from aggressor.market.align import CONTIGUOUS, PREVIOUS_LINK, REST_SNAPSHOT
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.venues.binance.candles import (
    CANDLES_MAX,
    candles_request,
    read_candles,
    read_clock,
)
from aggressor.venues.binance.control import LINK, control
from aggressor.venues.binance.holes import prints_request
from aggressor.venues.binance.instruments import infer_instruments, instruments_from_exchange_info
from aggressor.venues.binance.market import MarketDecoder
from aggressor.venues.binance.streams import (
    interest_poll,
    snapshot_request,
    subscribe_derivatives,
    subscribe_routed,
    subscribe_spot,
)
from aggressor.venues.binance.trading import WEIGHT_PER_MINUTE, trading_venue
from aggressor.venues.trading import TradingVenue
from aggressor.venues.venue import Request, RestLimit, Subscription, Venue

_MINUTE_NS = 60_000_000_000


def _market(
    name: str,
    kind: ContractKind,
    *,
    market: int,
    rest: str,
    path: str,
    streams: str,
    subscribe: Callable[[str, Sequence[Instrument]], list[Subscription]],
    weight: int,
    candles_max: int,
    rest_weight: int,
    trading: TradingVenue | None = None,
) -> Venue:
    """Return one Binance market; `path` is where its REST calls live, `weight` of a snapshot."""
    spot = kind is ContractKind.SPOT
    chain = CONTIGUOUS if spot else PREVIOUS_LINK
    return Venue(
        name=name,
        kind=kind,
        policy=REST_SNAPSHOT,
        chain=chain,
        rest=rest,
        streams=streams,
        instruments=partial(instruments_from_exchange_info, name, kind),
        infer=partial(infer_instruments, name, kind),
        market_decoder=partial(MarketDecoder, policy=REST_SNAPSHOT, chain=chain, market=market),
        subscribe=partial(subscribe, streams),
        control=control,
        link=LINK,
        rest_limit=RestLimit(rest_weight, _MINUTE_NS),
        clock_request=partial(Request, "GET", f"{rest}{path}/time", 1),
        read_clock=read_clock,
        candles_request=partial(candles_request, rest, f"{path}/klines", candles_max),
        read_candles=read_candles,
        snapshot_request=partial(snapshot_request, rest, f"{path}/depth", weight=weight),
        polls=None if spot else partial(interest_poll, rest, f"{path}/openInterest"),
        prints_request=None if spot else partial(prints_request, rest, f"{path}/aggTrades"),
        publication=UNPUBLISHED if spot else ONE_PER_SECOND,
        definitions_request=partial(
            Request, "GET", f"{rest}{path}/exchangeInfo", 20 if spot else 1
        ),
        trading=trading,
    )


BINANCE_USDM = _market(
    "binance-usdm",
    ContractKind.LINEAR,
    market=1,
    rest="https://fapi.binance.com",
    path="/fapi/v1",
    streams="wss://fstream.binance.com",
    subscribe=subscribe_routed,
    weight=20,
    candles_max=CANDLES_MAX,
    rest_weight=WEIGHT_PER_MINUTE,
    trading=trading_venue(
        "https://fapi.binance.com", "/fapi", "wss://fstream.binance.com/private/ws?listenKey="
    ),
)
BINANCE_COINM = _market(
    "binance-coinm",
    ContractKind.INVERSE,
    market=2,
    rest="https://dapi.binance.com",
    path="/dapi/v1",
    streams="wss://dstream.binance.com",
    subscribe=subscribe_derivatives,
    weight=20,
    candles_max=CANDLES_MAX,
    rest_weight=WEIGHT_PER_MINUTE,
    trading=trading_venue("https://dapi.binance.com", "/dapi", "wss://dstream.binance.com/ws/"),
)
BINANCE_SPOT = _market(
    "binance-spot",
    ContractKind.SPOT,
    market=0,
    rest="https://api.binance.com",
    path="/api/v3",
    streams="wss://stream.binance.com:9443",
    subscribe=subscribe_spot,
    weight=50,
    candles_max=1000,
    rest_weight=6000,
)
