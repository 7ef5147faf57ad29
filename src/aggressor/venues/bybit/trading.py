"""Bybit's trading side as a value, for each category; requests by REST, outcomes by stream.

The private stream carries all categories of the account, so its topics are asked for by category;
`wallet` and `dcp.future` have no such form, and forms may not be mixed in one message. The latter
tells nothing: being subscribed to it is what arms the protection of `requests.dead_man`, where the
venue has enabled it. `execution.fast` is not used: it lacks the fee.
"""

from functools import partial

from aggressor.venues.bybit import answers, requests
from aggressor.venues.bybit.instruments import REST
from aggressor.venues.bybit.market import order
from aggressor.venues.bybit.signing import login, sign
from aggressor.venues.trading import Credentials, PrivateLink, TradingVenue

PRIVATE = "wss://stream.bybit.com/v5/private"


def private(category: str, credentials: Credentials, now_ms: int, listen_key: str) -> PrivateLink:
    """Return the private stream; it needs no listen key."""
    rows = [f"{topic}.{category}" for topic in ("order", "execution", "position")]
    return PrivateLink(
        address=PRIVATE,
        headers={},
        login=login(credentials, now_ms),
        messages=(
            order("subscribe", rows, "p1"),
            order("subscribe", ["wallet"], "p2"),
            order("subscribe", ["dcp.future"], "p3"),
        ),
    )


def trading(category: str) -> TradingVenue:
    """Return the trading side of `linear` or `inverse`."""
    return TradingVenue(
        host=REST,
        sign=sign,
        limits=requests.LIMITS,
        settles_ns=7_000_000_000,  # the window of 5 s, and what lags behind
        client_id=requests.client_id,
        order_id=requests.order_id,
        place=partial(requests.place, category),
        amend=partial(requests.amend, category),
        cancel=partial(requests.cancel, category),
        cancel_all=partial(requests.cancel_all, category),
        place_many=partial(requests.place_many, category),
        many_max=requests.BATCH_MAX,
        order=partial(requests.order, category),
        open_orders=partial(requests.open_orders, category),
        fills=partial(requests.fills, category),
        positions=partial(requests.positions, category),
        balances=requests.balances,
        rights=requests.rights,
        fees=partial(requests.fees, category),
        next_page=requests.next_page,
        set_leverage=partial(requests.set_leverage, category),
        set_margin=requests.set_margin,
        set_mode=requests.set_mode if category == "linear" else None,
        dead_man=requests.dead_man,
        answer=answers.answer,
        answers=answers.answers,
        read_orders=answers.read_orders,
        read_fills=answers.read_fills,
        read_positions=answers.read_positions,
        read_balances=answers.read_balances,
        read_rights=answers.read_rights,
        read_fees=answers.read_fees,
        private=partial(private, category),
        decode_private=partial(answers.decode_private, category),
    )
