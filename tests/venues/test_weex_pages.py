"""Lists that WEEX cuts at their limit: the way on by time, in whichever direction they come."""

from typing import Any

import msgspec
import pytest

from aggressor.schema.errors import MessageError
from aggressor.venues.trading import Call
from aggressor.venues.weex.pages import next_page
from aggressor.venues.weex.requests import open_orders, order
from tests.venues.weex_samples import BTC

LIMIT = 4


def asked(times: list[int], newest_first: bool, call: Call) -> bytes:
    """Answer a list as a venue does that knows bounds of time and a limit."""
    query = dict(call.query)
    low, high = int(query.get("startTime", 0)), int(query.get("endTime", 10**9))
    rows = sorted((one for one in times if low <= one <= high), reverse=newest_first)
    return msgspec.json.encode([{"orderId": one, "time": one} for one in rows[:LIMIT]])


def everything(times: list[int], newest_first: bool) -> set[int]:
    call: Call | None = Call("GET", "/capi/v3/openOrders", (("limit", str(LIMIT)),))
    found: set[int] = set()
    while call is not None:
        body = asked(times, newest_first, call)
        found |= {row["orderId"] for row in msgspec.json.decode(body)}
        call = next_page(call, body)
    return found


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("many", [0, 3, 4, 5, 11, 40])
def test_all_rows_are_found_in_either_order(newest_first: bool, many: int) -> None:
    times = [1000 + 7 * i for i in range(many)]
    assert everything(times, newest_first) == set(times)


@pytest.mark.parametrize("newest_first", [True, False])
def test_rows_of_one_time_on_the_border_are_found(newest_first: bool) -> None:
    times = [10, 20, 30, 30, 40, 50, 50, 60]
    assert everything(times, newest_first) == set(times)


def rows(times: list[int]) -> bytes:
    return msgspec.json.encode([{"time": one} for one in times])


@pytest.mark.parametrize(
    ("times", "query"),
    [
        ([5, 5, 5, 5], {}),  # one time: which way is on?
        ([5, 9, 2, 7], {}),  # no order at all
        ([0, 0, 0, 0], {}),
        ([9, 8, 7, 6], {"endTime": "6"}),  # the bound was not heeded
    ],
)
def test_where_there_is_no_way_on_it_is_said(times: list[int], query: dict[str, str]) -> None:
    call = Call("GET", "/capi/v3/openOrders", (("limit", "4"), *query.items()))
    with pytest.raises(MessageError, match="not known"):
        next_page(call, rows(times))


def test_a_page_of_algo_orders_is_read_by_their_creation() -> None:
    body = msgspec.json.encode({"orders": [{"createTime": t} for t in (4, 3, 2, 1)]})
    call = next_page(Call("GET", "/capi/v3/allAlgoOrders", (("limit", "4"),)), body)
    assert call is not None
    assert dict(call.query) == {"limit": "4", "endTime": "1"}


def test_what_is_no_list_has_no_next_page_and_what_cannot_be_read_is_said() -> None:
    assert next_page(Call("GET", "/capi/v3/account/balance"), b"[{}]") is None
    with pytest.raises(MessageError, match="cannot be read"):
        next_page(Call("GET", "/x", (("limit", "4"),)), b"[[")


def test_the_questions_say_their_limit_and_since_when() -> None:
    queries: list[dict[str, Any]] = [dict(call.query) for call in order(BTC, "ag1", "", 77)]
    assert [one["startTime"] for one in queries] == ["77"] * 4
    assert {one["limit"] for one in queries} == {"100"}
    assert all("startTime" not in dict(call.query) for call in order(BTC, "ag1", "", 0))
    assert [dict(call.query)["limit"] for call in open_orders(BTC)] == ["100"] * 2
