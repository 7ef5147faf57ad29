"""What Bybit's codes and words mean to us: refusals of requests, ends of orders. One table each.

Documents: B:error, B:enum. What leaves open whether a request was judged (time-outs, 5xx, 10000,
10016, 10014, and an id that is taken) is UNKNOWN: ask by our id. So is a code that is not here, if
it is one of the system's (10000 to 19999); others tell that trading's rules refused.
"""

from typing import NamedTuple

from aggressor.schema.report import (
    BAD_FIELD,
    FORBIDDEN,
    NO_LIQUIDITY,
    NO_MARGIN,
    NO_REASON,
    PRICE_BAND,
    REDUCE_ONLY_EMPTY,
    SELF_TRADE,
    TOO_MANY_ORDERS,
    UNKNOWN_ORDER,
    WOULD_CROSS,
)
from aggressor.venues.trading import Verdict


class Meaning(NamedTuple):
    """What a code says of a request."""

    verdict: Verdict
    reason: int = NO_REASON
    wait_ns: int = 0  # where the venue does not say how long


_MS_NS = 1_000_000
_SECOND_NS = 1_000_000_000
BAN_NS = 600 * _SECOND_NS  # an address over its limit must be silent for 10 minutes


def _refused(reason: int, *codes: int) -> dict[int, Meaning]:
    return dict.fromkeys(codes, Meaning(Verdict.REFUSED, reason))


CODES: dict[int, Meaning] = {
    0: Meaning(Verdict.ACCEPTED),
    **dict.fromkeys(  # already set, not modified
        (110025, 110026, 110043, 34040), Meaning(Verdict.ACCEPTED)
    ),
    **dict.fromkeys(  # server error or time-out; a request or an order id twice
        (10000, 10014, 10016, 110072), Meaning(Verdict.UNKNOWN)
    ),
    10002: Meaning(Verdict.BAD_CLOCK),
    **dict.fromkeys((10006, 10429, 429), Meaning(Verdict.THROTTLED, wait_ns=_SECOND_NS)),
    10018: Meaning(Verdict.THROTTLED, wait_ns=BAN_NS),
    110079: Meaning(Verdict.THROTTLED, wait_ns=100 * _MS_NS),  # the order is still being processed
    **_refused(BAD_FIELD, 10001, 110092, 110093, 110094, 110064),
    **_refused(
        FORBIDDEN,  # key, signature, permission, address; compliance, ban, account; not live
        *(10003, 10004, 10005, 10007, 10010, 10024, 10027, 10028, 10029),
        *(110023, 110024, 110028, 110066, 110074, 30228),
    ),
    **_refused(UNKNOWN_ORDER, 110001, 110008, 110010),
    **_refused(PRICE_BAND, 110003, 30208, 30209),
    **_refused(NO_MARGIN, 110004, 110006, 110007, 110012, 110044, 110045),
    **_refused(TOO_MANY_ORDERS, 110009, 110020),
    **_refused(REDUCE_ONLY_EMPTY, 110017),
}
_SYSTEM = range(10_000, 20_000)


def meaning_of(code: int) -> Meaning:
    """Return what a code says of a request."""
    known = CODES.get(code)
    if known is not None:
        return known
    return Meaning(Verdict.UNKNOWN if code in _SYSTEM else Verdict.REFUSED)


# why an order ended, by `rejectReason` and else by `cancelType`
ENDS: dict[str, int] = {
    "EC_PostOnlyWillTakeLiquidity": WOULD_CROSS,
    "EC_NoImmediateQtyToFill": NO_LIQUIDITY,
    "EC_NoEnoughQtyToFill": NO_LIQUIDITY,
    "EC_CancelForNoFullFill": NO_LIQUIDITY,
    "EC_BySelfMatch": SELF_TRADE,
    "EC_OrigClOrdIDDoesNotExist": UNKNOWN_ORDER,
    "CancelBySmp": SELF_TRADE,
    "CancelByReduceOnly": REDUCE_ONLY_EMPTY,
}
