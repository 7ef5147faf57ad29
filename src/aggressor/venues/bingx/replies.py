"""BingX's private payloads as it sends them: field names, types, one sample each.

Documents: bingx-api.github.io/docs-v3 (Swap: Trades Endpoints, Account Endpoints, Websocket Account
Data), read 2026-11-22. Numbers come bare or as strings, by endpoint and by year: they stay raw.
Order ids are beyond 2^53; the bare form is exact as text.
"""

import msgspec

from aggressor.venues.bingx.messages import Payload
from aggressor.venues.text.numerals import NOTHING


class Placed(Payload):
    """An order that was taken, by whichever call; amendments answer without a wrapper.

    {"order":{"symbol":"BTC-USDT","orderId":1735950529123455000,"orderID":"1735950529123455000",
     "side":"BUY","positionSide":"LONG","type":"MARKET","clientOrderID":"","workingType":""}}
    """

    order_id: msgspec.Raw = NOTHING
    order_id_text: str = msgspec.field(default="", name="orderID")


class Result(Payload):
    """The data of an answer to an order, a batch, an amendment or a replacement.

    {"cancelResult":"true","cancelMsg":"","cancelResponse":{...},
     "replaceResult":"true","replaceMsg":"","newOrderResponse":{"orderId":987654321,...}}
    """

    order: Placed | None = None
    orders: list[Placed] | None = None
    order_id: msgspec.Raw = NOTHING
    order_id_text: str = msgspec.field(default="", name="orderID")
    cancel_result: str = ""
    cancel_msg: str = ""
    replace_result: str = ""
    replace_msg: str = ""
    new_order_response: Placed | None = None


class Order(Payload):
    """An order as questions answer it; PENDING rests, WORKING is a stop that waits.

    {"symbol":"PYTH-USDT","orderId":1736007506620112100,"side":"SELL","positionSide":"SHORT",
     "type":"LIMIT","origQty":"33","price":"0.3916","executedQty":"33","avgPrice":"0.3916",
     "stopPrice":"","status":"FILLED","time":1702731418000,"updateTime":1702731470000,
     "clientOrderId":"","reduceOnly":false}
    """

    symbol: str
    side: str
    status: str
    order_id: msgspec.Raw = NOTHING
    client_order_id: str = ""
    client_order_id_old: str = msgspec.field(default="", name="clientOrderID")
    orig_qty: msgspec.Raw = NOTHING
    price: msgspec.Raw = NOTHING
    executed_qty: msgspec.Raw = NOTHING
    stop_price: msgspec.Raw = NOTHING
    update_time: int = 0
    reduce_only: bool = False


class Orders(Payload):
    """{"order":{...}} of one question, {"orders":[...]} of another."""

    order: Order | None = None
    orders: list[Order] | None = None


class Fill(Payload):
    """One fill; commission is negative when paid.

    {"symbol":"LTC-USDT","qty":"0.1","price":"64.36","quoteQty":"6.436","commission":"-0.003218",
     "commissionAsset":"USDT","orderId":"1711312357852147712","tradeId":"81234567",
     "filledTime":"2023-10-09T17:27:15.470+0800","side":"BUY","positionSide":"LONG","role":"taker"}
    """

    symbol: str
    qty: msgspec.Raw
    price: msgspec.Raw
    order_id: msgspec.Raw
    filled_time: str
    trade_id: msgspec.Raw = NOTHING
    commission: msgspec.Raw = NOTHING
    commission_asset: str = ""
    side: str = ""
    role: str = ""


class Fills(msgspec.Struct):
    """{"fill_history_orders":[...],"total":1}; the list is null where there is none."""

    fill_history_orders: list[Fill] | None = None


class Position(Payload):
    """A position; the amount has no sign, `onlyOnePosition` says that the account nets.

    {"positionId":"1792480725958881280","symbol":"LTC-USDT","currency":"USDT","positionAmt":"0.1",
     "positionSide":"LONG","isolated":false,"avgPrice":"83.53","leverage":6,"liquidationPrice":0,
     "onlyOnePosition":true,"updateTime":1721088016688}
    """

    symbol: str
    position_amt: msgspec.Raw
    position_side: str
    isolated: bool = False
    avg_price: msgspec.Raw = NOTHING
    leverage: msgspec.Raw = NOTHING
    liquidation_price: msgspec.Raw = NOTHING
    only_one_position: bool = False
    update_time: int = 0


class Balance(Payload):
    """What the account holds of one asset; those never used have empty numbers.

    {"userId":"123","asset":"USDT","balance":"19.9003","equity":"19.9003",
     "availableMargin":"19.9003","usedMargin":"0.0000","freezedMargin":"0.0000"}
    """

    asset: str
    balance: msgspec.Raw = NOTHING
    available_margin: msgspec.Raw = NOTHING


class Commission(Payload):
    """{"commission":{"takerCommissionRate":0.0005,"makerCommissionRate":0.0002}}."""

    commission: dict[str, msgspec.Raw]


class Rights(Payload):
    """What a key may do, in either form the venue has; of the numbers 3 trades, 5 withdraws.

    {"apiKey":"x","permissions":[2,3],"ipAddresses":["203.0.113.5"],"note":"bot"}
    {"ipRestrict":false,"enableReading":true,"enableWithdrawals":false,"enableFutures":true}
    """

    permissions: list[int] | None = None
    ip_addresses: list[str] | None = None
    ip_restrict: bool | None = None
    enable_withdrawals: bool | None = None
    enable_futures: bool | None = None


class Update(msgspec.Struct):
    """One of our orders on the private stream; `x` what happened, `X` how the order stands.

    {"s":"LTC-USDT","c":"ag1","i":"1711312357852147712","S":"BUY","o":"MARKET","q":"0.10000000",
     "p":"64.35","sp":"0","ap":"64.36","x":"TRADE","X":"FILLED","N":"USDT","n":"-0.003218",
     "T":1696843635470,"wt":"MARK_PRICE","ps":"LONG","rp":"0","z":"0.1","l":"0.1","L":"64.36",
     "ro":false}
    """

    s: str
    i: msgspec.Raw
    S: str
    X: str
    x: str = ""
    c: str = ""
    q: msgspec.Raw = NOTHING
    p: msgspec.Raw = NOTHING
    sp: msgspec.Raw = NOTHING
    z: msgspec.Raw = NOTHING
    l: msgspec.Raw = NOTHING  # noqa: E741 - the venue's name
    L: msgspec.Raw = NOTHING
    n: msgspec.Raw = NOTHING
    N: str = ""
    ro: bool = False


class Wallet(msgspec.Struct):
    """{"a":"USDT","wb":"49.81","cw":"49.81","bc":"0"}: wallet, its crossed part, the change."""

    a: str
    wb: msgspec.Raw = NOTHING
    bc: msgspec.Raw = NOTHING


class Held(msgspec.Struct):
    """{"s":"LTC-USDT","pa":"0.1","ep":"64.36","up":"0","mt":"isolated","iw":"0.64","ps":"LONG"}."""

    s: str
    pa: msgspec.Raw
    ep: msgspec.Raw = NOTHING
    mt: str = ""
    ps: str = ""


class Account(msgspec.Struct):
    """{"m":"ORDER","B":[...],"P":[...]}: why, what changed of assets and of positions."""

    m: str = ""
    B: list[Wallet] | None = None
    P: list[Held] | None = None


class Event(msgspec.Struct):
    """Any message of the private stream; those of another `e` say nothing we need.

    {"e":"ORDER_TRADE_UPDATE","E":1696843635475,"T":1696843635470,"o":{...}}
    {"e":"ACCOUNT_UPDATE","E":1696244249320,"T":1696244249319,"a":{...}}
    """

    e: str = ""
    E: int = 0
    T: int = 0
    o: msgspec.Raw = NOTHING
    a: msgspec.Raw = NOTHING


class Key(Payload):
    """{"listenKey":"..."}, without the wrapper that other answers have."""

    listen_key: str = ""
