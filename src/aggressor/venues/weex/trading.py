"""WEEX's trading side as a value: requests, answers, the private stream."""

from functools import partial

from aggressor.venues.budget import SHUT_OUT
from aggressor.venues.trading import TradingVenue
from aggressor.venues.weex import answers, requests
from aggressor.venues.weex.pages import next_page
from aggressor.venues.weex.signing import sign
from aggressor.venues.weex.stream import decode_private, private


def trading_side(rest: str, stream: str) -> TradingVenue:
    """Return the trading side at these addresses."""
    return TradingVenue(
        host=rest,
        sign=sign,
        limits=requests.LIMITS,
        settles_ns=33_000_000_000,  # a request holds for 30 s
        client_id=requests.client_id,
        order_id=requests.order_id,
        place=requests.place,
        amend=None,
        cancel=requests.cancel,
        cancel_all=requests.cancel_all,
        order=requests.order,
        open_orders=requests.open_orders,
        fills=requests.fills,
        next_page=next_page,
        positions=requests.positions,
        balances=requests.balances,
        rights=requests.rights,
        fees=requests.fees,
        set_leverage=requests.set_leverage,
        set_margin=requests.set_margin,
        set_mode=None,
        shut_out=(*SHUT_OUT, 429),  # too fast is a ban of some ten seconds here
        answer=answers.answer,
        read_orders=answers.read_orders,
        read_fills=answers.read_fills,
        read_positions=answers.read_positions,
        read_balances=answers.read_balances,
        read_rights=answers.read_rights,
        read_fees=answers.read_fees,
        private=partial(private, stream),
        decode_private=decode_private,
    )
