"""The trading side of Binance's two futures markets as values.

Both share one pool of weight (2400 a minute for an address) and one of orders (1200 a minute and
300 in 10 s for an account) since 2026-06-30: who trades both counts both against one. Orders are
counted at 200 in 10 s, which keeps either limit.
"""

from functools import partial

from aggressor.venues.binance import account, requests
from aggressor.venues.binance.answers import answer, answers
from aggressor.venues.binance.control import PRIVATE_LINK
from aggressor.venues.binance.private import decode_private
from aggressor.venues.binance.signing import sign
from aggressor.venues.trading import Credentials, PrivateLink, TradingVenue, order_of

_SECOND_NS = 1_000_000_000
WEIGHT_PER_MINUTE = 2400


def _private(address: str, credentials: Credentials, now_ms: int, key: str) -> PrivateLink:
    """Return the private stream of a listen key."""
    return PrivateLink(address + key, {}, rules=PRIVATE_LINK)


def trading_venue(host: str, api: str, private: str) -> TradingVenue:
    """Return the trading side; `private` is the address that a listen key follows."""
    return TradingVenue(
        host=host,
        sign=sign,
        limits={
            requests.WEIGHT: (WEIGHT_PER_MINUTE, 60 * _SECOND_NS),
            requests.ORDERS: (200, 10 * _SECOND_NS),
        },
        settles_ns=7 * _SECOND_NS,  # the window of 5 s, and what lags behind
        client_id=requests.client_id,
        order_id=partial(order_of, requests.PREFIX),
        place=partial(requests.place, api),
        amend=partial(requests.amend, api),
        cancel=partial(requests.cancel, api),
        cancel_all=partial(requests.cancel_all, api),
        place_many=partial(requests.place_many, api),
        many_max=requests.MANY_MAX,
        order=partial(requests.order, api),
        open_orders=partial(requests.open_orders, api),
        fills=partial(requests.fills, api),
        positions=partial(requests.positions, api),
        balances=partial(requests.balances, api),
        rights=requests.rights,
        fees=partial(requests.fees, api),
        margin=partial(requests.margin, api),
        next_page=account.next_page,
        set_leverage=partial(requests.set_leverage, api),
        set_margin=partial(requests.set_margin, api),
        set_mode=partial(requests.set_mode, api),
        dead_man=partial(requests.dead_man, api),
        answer=answer,
        answers=answers,
        read_orders=account.read_orders,
        read_fills=account.read_fills,
        read_positions=account.read_positions,
        read_balances=account.read_balances,
        read_rights=account.read_rights,
        read_fees=account.read_fees,
        read_margin=account.read_margin,
        listen_key=requests.listen_key(api, account.read_listen_key),
        private=partial(_private, private),
        decode_private=decode_private,
    )
