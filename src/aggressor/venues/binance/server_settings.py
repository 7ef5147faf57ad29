"""Binance's signed side: leverage, margin type, position mode, and what they are set to."""

from typing import Any

from aggressor.schema import report
from aggressor.venues.binance.server_forms import LEVERAGE_MAX
from aggressor.venues.binance.server_market import Params, lane_of, missing, whole
from aggressor.venues.binance.server_questions import lane_number
from aggressor.venues.served.answering import cannot_switch
from aggressor.venues.served.dialect import CodeError, House


def set_leverage(house: House, params: Params) -> Any:
    """Set the leverage of an instrument."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    leverage = whole(params, "leverage", 0)
    if not 1 <= leverage <= LEVERAGE_MAX:
        raise CodeError(-4028, f"Leverage {leverage} is not valid")
    house.exchange.account.leverage[lane] = leverage
    return {"leverage": leverage, "maxNotionalValue": "1000000000", "symbol": params["symbol"]}


def set_margin(house: House, params: Params) -> Any:
    """Choose isolated or cross margin; what is isolated is carried as if it were cross."""
    lane = house.exchange.by_symbol[lane_of(house, params).instrument.symbol]
    isolated = {"ISOLATED": True, "CROSSED": False}.get(params.get("marginType", ""))
    if isolated is None:
        raise missing("marginType")
    exchange = house.exchange
    if exchange.account.isolated[lane] == isolated:
        raise CodeError(-4046, "No need to change margin type.")
    if exchange.open_orders(lane):
        raise CodeError(-4047, "Margin type cannot be changed if there exists open orders.")
    if exchange.account.net(lane):
        raise CodeError(-4048, "Margin type cannot be changed if there exists position.")
    exchange.account.isolated[lane] = isolated
    return {"code": 200, "msg": "success"}


def position_mode(house: House, params: Params) -> Any:
    """Answer whether there are two positions."""
    return {"dualSidePosition": house.exchange.account.hedge}


def set_mode(house: House, params: Params) -> Any:
    """Choose one position or two."""
    hedge = {"true": True, "false": False}.get(params.get("dualSidePosition", "").lower())
    if hedge is None:
        raise missing("dualSidePosition")
    exchange = house.exchange
    if hedge == exchange.account.hedge:
        raise CodeError(-4059, "No need to change position side.")
    why = cannot_switch(house)
    if why == report.TOO_MANY_ORDERS:
        raise CodeError(-4067, "Position side cannot be changed if there exists open orders.")
    if why:
        raise CodeError(-4068, "Position side cannot be changed if there exists position.")
    exchange.account.hedge = hedge
    return {"code": 200, "msg": "success"}


def symbol_config(house: House, params: Params) -> Any:
    """Answer leverage and margin type."""
    exchange = house.exchange
    asked = lane_number(house, params)
    lanes = range(len(exchange.instruments)) if asked is None else (asked,)
    return [
        {
            "symbol": exchange.instruments[lane].symbol,
            "marginType": "ISOLATED" if exchange.account.isolated[lane] else "CROSSED",
            "isAutoAddMargin": False,
            "leverage": exchange.account.leverage[lane],
            "maxNotionalValue": "1000000000",
        }
        for lane in lanes
    ]


def account_config(house: House, params: Params) -> Any:
    """Answer the account's settings."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": False,
        "dualSidePosition": house.exchange.account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }
