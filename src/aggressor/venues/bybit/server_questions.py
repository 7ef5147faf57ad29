"""Bybit's signed side: questions about orders, fills, positions, money, and the key."""

from typing import Any

from aggressor.sim.local.orders import LocalOrder
from aggressor.venues.bybit.server_account import chosen
from aggressor.venues.bybit.server_forms import fill_form, order_form, position_form, wallet_form
from aggressor.venues.bybit.server_guard import window_s
from aggressor.venues.bybit.server_market import Params, ours
from aggressor.venues.served.answering import rate_text
from aggressor.venues.served.dialect import MS, House


def _asked(house: House, params: Params, *, living: bool) -> list[LocalOrder]:
    if not ours(house, params):
        return []
    if params.get("orderId") or params.get("orderLinkId"):
        order = chosen(house, params)
        return [] if order is None else [order]
    lane = house.lane(params["symbol"]) if params.get("symbol") else None
    found = house.exchange.living if living else house.exchange.orders
    kind = {"Order": False, "StopOrder": True}.get(params.get("orderFilter", ""))
    return [
        one
        for one in reversed(found.values())
        if (lane is None or one.lane == lane)
        and (kind is None or one.waits == kind)
        and (living or not one.lives)
    ]


def _page(params: Params, rows: list[Any], default: int) -> dict[str, Any]:
    """Return one page of rows; the cursor is where the next one begins."""
    limit = int(params.get("limit") or default)
    first = int(params.get("cursor") or 0)
    more = first + limit < len(rows)
    return {
        "category": params.get("category", ""),
        "list": rows[first : first + limit],
        "nextPageCursor": str(first + limit) if more else "",
    }


def _formed(page: dict[str, Any], house: House) -> dict[str, Any]:
    """Return a page of orders written out: no other is."""
    return page | {"list": [order_form(house, one) for one in page["list"]]}


def realtime(house: House, params: Params) -> Any:
    """Answer living orders; by id also ended ones."""
    return _formed(_page(params, _asked(house, params, living=True), 20), house)


def history(house: House, params: Params) -> Any:
    """Answer ended orders."""
    return _formed(_page(params, _asked(house, params, living=False), 20), house)


def executions(house: House, params: Params) -> Any:
    """Answer our fills, newest first."""
    if not ours(house, params):
        return _page(params, [], 50)
    lane = house.lane(params["symbol"]) if params.get("symbol") else None
    since = int(params.get("startTime") or 0) * MS
    rows = [fill_form(house, one) for one in house.exchange.fills_of(lane, since)]
    if params.get("orderId"):
        rows = [row for row in rows if row["orderId"] == params["orderId"]]
    return _page(params, rows[::-1], 50)


def positions(house: House, params: Params) -> Any:
    """Answer positions; of a symbol that is named also a flat one."""
    exchange = house.exchange
    rows = []
    if ours(house, params):
        named = params.get("symbol", "")
        for lane, one in enumerate(exchange.instruments):
            for leg, lots, _ in exchange.account.held(lane):
                coin = params.get("settleCoin", one.settle)
                if named == one.symbol or (not named and lots and coin == one.settle):
                    rows.append(position_form(house, lane, leg))
    return _page(params, rows, 20)


def wallet(house: House, params: Params) -> Any:
    """Answer what the account holds."""
    return {"list": [wallet_form(house)]}


def fee_rate(house: House, params: Params) -> Any:
    """Answer the account's fees."""
    costs = house.exchange.costs
    rows = [
        {
            "symbol": one.symbol,
            "makerFeeRate": rate_text(costs.maker_bp),
            "takerFeeRate": rate_text(costs.taker_bp),
        }
        for one in house.exchange.instruments
        if params.get("symbol", one.symbol) == one.symbol
    ]
    return {"list": rows}


def query_api(house: House, params: Params) -> Any:
    """Answer what the key may do."""
    return {
        "id": "1",
        "apiKey": house.credentials.key,
        "readOnly": 0,
        "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []},
        "ips": ["127.0.0.1"],
        "unified": 0,
        "uta": 1,
        "isMaster": True,
    }


def account_info(house: House, params: Params) -> Any:
    """Answer the account's settings."""
    return {
        "unifiedMarginStatus": 5,
        "marginMode": "REGULAR_MARGIN",
        "dcpStatus": "ON" if window_s(house) else "OFF",
        "timeWindow": window_s(house) or 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
        "updatedTime": str(house.now_ms),
    }


def no_coins(house: House, params: Params) -> Any:
    """Answer that no coin can be moved."""
    return {"rows": []}
