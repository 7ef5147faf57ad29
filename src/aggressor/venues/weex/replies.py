"""WEEX's private payloads as it sends them: field names, types, one sample each.

Documents: www.weex.com/api-doc/contract (Transaction_API, Account_API, Websocket/private), version
3, read 2026-11-22. Numbers and ids come bare or as strings: they stay raw. Ids are beyond 2^53.
"""

import msgspec

from aggressor.venues.text.numerals import NOTHING
from aggressor.venues.weex.messages import Payload


class Result(Payload):
    """What became of an order or a cancel; an error has `code` instead.

    {"orderId":"702345678901234567","clientOrderId":"my-order-0001","success":true,
     "errorCode":"","errorMessage":""}
    {"code":"200","msg":"success","requestTime":1764505777345}     {"code":-1121,"msg":"..."}
    """

    symbol: str = ""  # settings answer with what is set
    asset: str | None = None  # of a balance
    order_id: msgspec.Raw = NOTHING
    success: bool | None = None
    error_code: str | int | None = None
    error_message: str | None = None
    code: str | int | None = None
    msg: str = ""
    orders: msgspec.Raw = NOTHING  # a page of algo orders, which is an answer like a list


class Order(Payload):
    """A plain order or an algo order as questions answer it.

    {"avgPrice":"68990.5","clientOrderId":"my-order-0001","cumQuote":"689.905",
     "executedQty":"0.01","orderId":702345678901234567,"origQty":"0.01","price":"69000",
     "reduceOnly":false,"side":"BUY","positionSide":"LONG","status":"FILLED","stopPrice":"0",
     "symbol":"BTCUSDT","type":"LIMIT","updateTime":1764505701456}
    {"algoId":812345678901234500,"clientAlgoId":"algo-20240201-1","orderType":"STOP",
     "symbol":"BTCUSDT","side":"BUY","positionSide":"LONG","quantity":"0.01",
     "algoStatus":"UNTRIGGERED","actualOrderId":null,"triggerPrice":"68900","price":"68800",
     "updateTime":1764505800123}
    """

    symbol: str
    side: str
    position_side: str = ""
    order_id: msgspec.Raw = NOTHING
    algo_id: msgspec.Raw = NOTHING
    client_order_id: str | None = None
    client_algo_id: str | None = None
    status: str = ""
    algo_status: str = ""
    orig_qty: msgspec.Raw = NOTHING
    quantity: msgspec.Raw = NOTHING
    executed_qty: msgspec.Raw = NOTHING
    price: msgspec.Raw = NOTHING
    stop_price: msgspec.Raw = NOTHING
    trigger_price: msgspec.Raw = NOTHING
    update_time: int = 0
    reduce_only: bool = False
    actual_order_id: msgspec.Raw = NOTHING  # the plain order that an algo order became


class Orders(Payload):
    """{"orders":[...],"hasMore":false}: how the history of algo orders comes."""

    orders: list[Order]


class Fill(Payload):
    """One fill; a positive commission is paid.

    {"id":801234567890123456,"orderId":702345678901234567,"symbol":"BTCUSDT","buyer":true,
     "commission":"0.138","commissionAsset":"USDT","maker":false,"price":"69000","qty":"0.01",
     "quoteQty":"690","side":"BUY","positionSide":"LONG","time":1764506000456}
    """

    id: msgspec.Raw
    order_id: msgspec.Raw
    symbol: str
    side: str
    price: msgspec.Raw
    qty: msgspec.Raw
    time: int
    commission: msgspec.Raw = NOTHING
    commission_asset: str = ""
    maker: bool | None = None


class Position(Payload):
    """One of the two positions of a contract; its entry is openValue / size.

    {"id":689987235755328154,"asset":"USDT","symbol":"BTCUSDT","side":"LONG",
     "marginType":"CROSSED","leverage":"100","size":"0.020000","openValue":"1801.0670000",
     "updatedTime":1764588886461,"liquidatePrice":"0"}
    """

    symbol: str
    side: str
    size: msgspec.Raw
    open_value: msgspec.Raw
    margin_type: str = ""
    margin_mode: str = ""  # its name on the stream
    leverage: msgspec.Raw = NOTHING
    liquidate_price: msgspec.Raw = NOTHING
    updated_time: msgspec.Raw = NOTHING


class Balance(Payload):
    """{"asset":"USDT","balance":"5696.49","availableBalance":"5413.06","frozen":"81.28"}."""

    asset: str
    balance: msgspec.Raw
    available_balance: msgspec.Raw = NOTHING


class Commission(Payload):
    """{"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0004"}."""

    symbol: str
    maker_commission_rate: msgspec.Raw
    taker_commission_rate: msgspec.Raw


class Config(Payload):
    """{"canTrade":true,"canDeposit":true,"canWithdraw":true,"dualSidePosition":true}."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None


class OrderPush(Payload):
    """One of our orders on the private stream.

    {"id":"617414920861909658","coin":"USDT","symbol":"BTCUSDT","marginMode":"CROSSED",
     "positionSide":"LONG","orderSide":"BUY","price":"0.0","size":"0.10000",
     "clientOrderId":"1747203186927FPIZRP","type":"MARKET","timeInForce":"IOC",
     "reduceOnly":false,"triggerPrice":"0","status":"PENDING",
     "cancelReason":"UNKNOWN_ORDER_CANCEL_REASON","latestFillPrice":"0","cumFillSize":"0",
     "updatedTime":"1747203188148"}
    """

    id: msgspec.Raw
    symbol: str
    order_side: str
    status: str
    position_side: str = ""
    client_order_id: str | None = None
    price: msgspec.Raw = NOTHING
    size: msgspec.Raw = NOTHING
    cum_fill_size: msgspec.Raw = NOTHING
    trigger_price: msgspec.Raw = NOTHING
    reduce_only: bool = False
    cancel_reason: str = ""
    updated_time: msgspec.Raw = NOTHING


class FillPush(Payload):
    """One fill on the private stream; it carries no price.

    {"id":"617414920887075482","coin":"USDT","symbol":"BTCUSDT","orderId":"617414920861909658",
     "positionSide":"LONG","orderSide":"BUY","fillSize":"0.10000","fillValue":"10381.27",
     "fillFee":"6.228762","direction":"TAKER","createdTime":"1747203188154"}
    """

    id: msgspec.Raw
    symbol: str
    order_id: msgspec.Raw
    order_side: str
    fill_size: msgspec.Raw
    fill_value: msgspec.Raw
    fill_fee: msgspec.Raw = NOTHING
    coin: str = ""
    direction: str = ""
    created_time: msgspec.Raw = NOTHING


class Push(msgspec.Struct):
    """Any message of the private stream.

    {"e":"orders","E":1773295738939,"v":46654,"msgEvent":"OrderUpdate","d":[...]}
    """

    e: str = ""
    E: int = 0
    d: msgspec.Raw = NOTHING
