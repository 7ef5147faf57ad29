"""The rest of a list that WEEX cuts at its limit: the lists have no page, no cursor, no order.

What a list has are bounds of time, `startTime` and `endTime` (the sheet documents the first and the
limit, ccxt sends both). So a full list is asked for again up to the oldest time that it showed, or,
where it comes oldest first, from the newest one on; rows on the bound come twice, which is known by
their ids. Where a full list shows a single time, or no direction, there is no way on: what it does
not show is not known, and that is said rather than taken for the end.
"""

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.venues.trading import Call
from aggressor.venues.weex.replies import Payload


class _Row(Payload):
    time: int = 0  # of a plain order and of a fill
    create_time: int = 0  # of an algo order


class _Rows(Payload):
    orders: list[_Row]


_list = msgspec.json.Decoder(list[_Row])
_page = msgspec.json.Decoder(_Rows)


def next_page(call: Call, body: bytes) -> Call | None:
    """Return the call for what a full list does not show, None behind its end.

    Raises MessageError where the venue has no way to ask for it.
    """
    query = dict(call.query)
    limit = int(query.get("limit", "0"))
    if not limit:
        return None
    try:
        rows = _list.decode(body) if body.lstrip().startswith(b"[") else _page.decode(body).orders
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise MessageError(f"A list of WEEX cannot be read ({trouble}).") from None
    if len(rows) < limit:
        return None
    times = [one.time or one.create_time for one in rows]
    falling, rising = sorted(times, reverse=True) == times, sorted(times) == times
    bound = ("endTime", times[-1]) if falling else ("startTime", times[-1])
    stuck = falling == rising or not times[-1] or query.get(bound[0]) == str(bound[1])
    if stuck:
        raise MessageError(
            f"WEEX shows {limit} rows of {call.path} and has no way to ask for more - what else "
            "there is is not known: cancel orders, or wait."
        )
    query[bound[0]] = str(bound[1])
    return call._replace(query=tuple(query.items()))
