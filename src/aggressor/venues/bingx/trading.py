"""BingX's trading side as a value: requests, answers, the private stream."""

from functools import partial

from aggressor.venues.bingx import answers, requests
from aggressor.venues.bingx.instruments import margin_of
from aggressor.venues.bingx.signing import sign
from aggressor.venues.bingx.stream import decode_private, private
from aggressor.venues.trading import ListenKey, TradingVenue

_KEEP_EVERY_NS = 1_800_000_000_000


def trading_side(rest: str, streams: str) -> TradingVenue:
    """Return the trading side at these addresses."""
    return TradingVenue(
        host=rest,
        sign=sign,
        limits=requests.LIMITS,
        settles_ns=7_000_000_000,  # the window of 5 s, and what lags behind
        client_id=requests.client_id,
        order_id=requests.order_id,
        place=requests.place,
        amend=None,
        resize=requests.resize,
        replace=requests.replace,
        cancel=requests.cancel,
        cancel_all=requests.cancel_all,
        place_many=requests.place_many,
        many_max=requests.MANY_MAX,
        order=requests.order,
        open_orders=requests.open_orders,
        fills=requests.fills,
        positions=requests.positions,
        balances=requests.balances,
        rights=requests.rights,
        fees=requests.fees,
        margin=requests.margin,
        set_leverage=requests.set_leverage,
        set_margin=requests.set_margin,
        set_mode=requests.set_mode,
        dead_man=requests.dead_man,
        answer=answers.answer,
        answers=answers.answers,
        read_orders=answers.read_orders,
        read_fills=answers.read_fills,
        read_positions=answers.read_positions,
        read_balances=answers.read_balances,
        read_rights=answers.read_rights,
        read_fees=answers.read_fees,
        read_margin=margin_of,
        listen_key=ListenKey(
            requests.create_key(), requests.keep_key, _KEEP_EVERY_NS, answers.read_key
        ),
        private=partial(private, streams),
        decode_private=decode_private,
    )
