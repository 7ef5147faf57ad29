"""The trading side of MEXC as a value.

The key of an account says nothing of its own rights, there is no dead man's timer, and nothing is
amended. Orders are placed at 4 in 2 s, the careful reading of limits that are not published.
"""

from functools import partial

from aggressor.venues.mexc import account, requests
from aggressor.venues.mexc.answers import answer, answers
from aggressor.venues.mexc.signing import login, sign
from aggressor.venues.trading import Credentials, PrivateLink, TradingVenue, order_of

_TWO_SECONDS_NS = 2_000_000_000


def _private(address: str, credentials: Credentials, now_ms: int, key: str) -> PrivateLink:
    """Return the private stream: on login everything is subscribed."""
    return PrivateLink(address, {}, login(credentials, now_ms))


def trading_venue(host: str, streams: str) -> TradingVenue:
    """Return the trading side of a host."""
    return TradingVenue(
        host=host,
        sign=sign,
        limits={
            requests.ORDERS: (4, _TWO_SECONDS_NS),
            requests.MANY: (1, _TWO_SECONDS_NS),
            requests.PRIVATE: (20, _TWO_SECONDS_NS),
        },
        settles_ns=12_000_000_000,  # the window of 10 s, and what lags behind
        client_id=requests.client_id,
        order_id=partial(order_of, requests.PREFIX),
        place=requests.place,
        amend=None,
        cancel=requests.cancel,
        cancel_theirs=requests.cancel_theirs,
        cancel_all=requests.cancel_all,
        place_many=requests.place_many,
        many_max=requests.MANY_MAX,
        order=requests.order,
        open_orders=requests.open_orders,
        fills=requests.fills,
        positions=requests.positions,
        balances=requests.balances,
        fees=requests.fees,
        next_page=account.next_page,
        set_leverage=requests.set_leverage,
        set_margin=None,
        set_mode=requests.set_mode,
        answer=answer,
        answers=answers,
        read_orders=account.read_orders,
        read_fills=account.read_fills,
        read_positions=account.read_positions,
        read_balances=account.read_balances,
        read_fees=account.read_fees,
        private=partial(_private, streams),
        decode_private=account.decode_private,
    )
