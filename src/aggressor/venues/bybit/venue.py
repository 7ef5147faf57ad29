"""Bybit's two derivatives categories as venue values: linear (USDT, USDC) and inverse (coin)."""

from functools import partial

from aggressor.features.forced import COMPLETE
from aggressor.market.align import CONTIGUOUS, NATIVE
from aggressor.venues.bybit import inferring, instruments, market
from aggressor.venues.bybit.trading import trading
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.venue import RestLimit, Venue


def _category(name: str, category: str) -> Venue:
    return Venue(
        name=name,
        kind=instruments.KINDS[category],
        policy=NATIVE,
        chain=CONTIGUOUS,
        rest=instruments.REST,
        streams=market.STREAMS,
        instruments=partial(instruments.instruments, name, category),
        infer=partial(inferring.infer, name, instruments.KINDS[category]),
        market_decoder=partial(PartsDecoder, read=market.read, policy=NATIVE, chain=CONTIGUOUS),
        subscribe=partial(market.subscribe, category),
        snapshot_request=None,
        definitions_request=partial(instruments.definitions_request, category),
        definitions_next=partial(instruments.definitions_next, category),
        resubscribe=market.resubscribe,
        control=market.control,
        link=market.LINK,
        rest_limit=RestLimit(500, 5_000_000_000),  # 600, but one too many costs 10 minutes
        clock_request=instruments.clock_request,
        read_clock=instruments.read_clock,
        candles_request=partial(instruments.candles_request, category),
        read_candles=instruments.read_candles,
        trades_request=partial(instruments.trades_request, category),
        margin_request=partial(instruments.margin_request, category),
        read_margin=instruments.read_margin,
        publication=COMPLETE,
        trading=trading(category),
    )


BYBIT_LINEAR = _category("bybit-linear", "linear")
BYBIT_INVERSE = _category("bybit-inverse", "inverse")
