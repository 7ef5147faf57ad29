"""MEXC's account payloads as they come over the wire, REST and private stream; no logic.

Source: www.mexc.com/api-docs/futures (account-and-trading-endpoints, websocket-api), read November
2026. Samples are constructed in the documents' shape. Numbers stand bare, ids now and then in quote
marks; times are ms since 1970. A fill by REST says `taker`, one of the stream `isTaker`.
"""

import msgspec

from aggressor.venues.mexc.messages import NOTHING


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A plain order; REST and push.personal.order.

    {"orderId":"102067003631907840","symbol":"CRV_USDT","positionId":1397818,"price":0.707,"vol":1,
     "leverage":15,"side":4,"category":1,"orderType":5,"dealAvgPrice":0.731,"dealVol":1,
     "takerFee":0.00004386,"makerFee":0,"feeCurrency":"USDT","openType":1,"state":3,"errorCode":0,
     "externalOid":"ag7","createTime":1610005069976,"updateTime":1610005069983}
    """

    order_id: int | str
    symbol: str
    side: int
    state: int
    vol: msgspec.Raw
    price: msgspec.Raw = NOTHING
    deal_vol: msgspec.Raw = NOTHING
    order_type: int = 1
    external_oid: str | None = ""
    error_code: int = 0
    reduce_only: bool | None = False
    update_time: int | str | None = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order with a trigger; REST and push.personal.plan.order. `orderId` is what it became.

    {"id":987654321,"symbol":"BTC_USDT","leverage":20,"side":4,"triggerPrice":46000.0,"price":0,
     "vol":5,"openType":1,"triggerType":2,"state":1,"executeCycle":2,"trend":1,"errorCode":0,
     "orderId":0,"orderType":5,"positionMode":2,"reduceOnly":true,"createTime":1760942212000,
     "updateTime":1760942212000}
    """

    id: int | str
    symbol: str
    side: int
    state: int
    vol: msgspec.Raw
    trigger_price: msgspec.Raw
    price: msgspec.Raw = NOTHING
    order_id: int | str | None = 0
    error_code: int = 0
    reduce_only: bool | None = False
    update_time: int | str | None = 0


class Fill(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of our fills; REST and push.personal.order.deal.

    {"id":987654321,"symbol":"BTC_USDT","side":1,"vol":10,"price":45000.5,"feeCurrency":"USDT",
     "fee":0.225,"timestamp":1760942212000,"profit":0,"isTaker":true,"category":1,
     "orderId":123456789,"isSelf":false,"externalOid":"ag7","positionMode":1,"reduceOnly":false}
    """

    id: int | str
    symbol: str
    side: int
    vol: msgspec.Raw
    price: msgspec.Raw
    fee: msgspec.Raw
    order_id: int | str
    fee_currency: str = ""
    timestamp: int | str | None = 0
    is_taker: bool | None = None
    taker: bool | None = None
    external_oid: str | None = ""


class Position(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A position; REST and push.personal.position.

    {"positionId":1394650,"symbol":"ETH_USDT","positionType":1,"openType":1,"state":1,"holdVol":1,
     "frozenVol":0,"closeVol":0,"holdAvgPrice":1217.3,"openAvgPrice":1217.3,"closeAvgPrice":0,
     "liquidatePrice":1211.2,"oim":0.1290338,"im":0.1290338,"holdFee":0,"realised":-0.0073,
     "leverage":100,"createTime":1609991676000,"updateTime":1609991676000,"autoAddIm":false}
    """

    symbol: str
    position_type: int
    hold_vol: msgspec.Raw
    hold_avg_price: msgspec.Raw
    open_type: int = 0
    liquidate_price: msgspec.Raw = NOTHING
    leverage: msgspec.Raw = NOTHING
    update_time: int | str | None = 0


class Asset(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is held of one currency; the stream says neither equity nor open profit.

    {"currency":"USDT","positionMargin":0,"availableBalance":0.03176562,"cashBalance":0.03176562,
     "frozenBalance":0,"equity":0.03176562,"unrealized":0,"bonus":0}
    """

    currency: str
    available_balance: msgspec.Raw
    equity: msgspec.Raw = NOTHING
    unrealized: msgspec.Raw = NOTHING


class FeeRate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The account's fees; `realMakerFee` where a discount is in it.

    {"level":0,"dealAmount":1786.2594,"walletBalance":0.03176562,"makerFee":0.0002,
     "takerFee":0.0006,"makerFeeDiscount":1,"takerFeeDiscount":1}
    """

    maker_fee: msgspec.Raw
    taker_fee: msgspec.Raw
    real_maker_fee: msgspec.Raw = NOTHING
    real_taker_fee: msgspec.Raw = NOTHING


class Push(msgspec.Struct, frozen=True):
    """The envelope of the private stream.

    {"channel":"push.personal.asset","data":{"currency":"USDT","availableBalance":0.7514236,
     "frozenBalance":0,"positionMargin":0,"bonus":0},"ts":1610005070083}
    """

    channel: str = ""
    data: msgspec.Raw = NOTHING
    ts: int | str = 0
