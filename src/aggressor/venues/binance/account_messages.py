"""Binance's account payloads as they come over the wire, REST and private stream; no logic.

Source of every form: Derivatives documents, `developers.binance.com/docs/derivatives`, pages named
below, read 2026-05-28, changes up to 2026-08-19. Samples are constructed in the documents' shape.
Numbers are decimal strings; ids are whole numbers; times are ms since 1970. Fields that one of the
two markets lacks, or that came later, have a default.
"""

import msgspec


class Order(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An order, plain or with a trigger. trade/rest-api/Query-Order, Query-Algo-Order.

    {"orderId":1917641,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"abc","price":"7100.0",
     "origQty":"0.40","executedQty":"0","side":"BUY","type":"LIMIT","stopPrice":"0",
     "reduceOnly":false,"time":1579276756075,"updateTime":1579276756075}
    {"algoId":2148627,"clientAlgoId":"abc","algoType":"CONDITIONAL","orderType":"STOP_MARKET",
     "symbol":"BNBUSDT","side":"SELL","quantity":"0.01","algoStatus":"NEW","actualOrderId":"",
     "actualQty":"0.00","triggerPrice":"750.000","price":"0.000","reduceOnly":false,
     "createTime":1750514941540,"updateTime":1750514941540}
    """

    symbol: str
    side: str
    price: str = "0"
    reduce_only: bool = False
    update_time: int = 0
    time: int = 0

    order_id: int | str = ""
    client_order_id: str = ""
    status: str = ""
    orig_qty: str = ""
    executed_qty: str = "0"
    stop_price: str = "0"

    algo_id: int | str = ""
    client_algo_id: str = ""
    algo_status: str = ""
    quantity: str = ""
    actual_order_id: int | str = ""
    actual_qty: str = "0"
    trigger_price: str = "0"


class Fill(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of our fills. trade/rest-api/Account-Trade-List.

    {"symbol":"BTCUSDT","id":698759,"orderId":25851813,"side":"SELL","price":"7819.01",
     "qty":"0.002","commission":"0.00781901","commissionAsset":"USDT","maker":false,
     "time":1569514978020}
    """

    symbol: str
    id: int
    order_id: int
    side: str
    price: str
    qty: str
    commission: str
    commission_asset: str
    maker: bool
    time: int


class Position(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A position. trade/rest-api/Position-Information-V3; COIN-M says leverage and marginType.

    {"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"30","entryPrice":"0.385",
     "liquidationPrice":"0","isolatedMargin":"0","updateTime":1720736417660}
    """

    symbol: str
    position_amt: str
    entry_price: str
    position_side: str = "BOTH"
    liquidation_price: str = ""
    leverage: str = ""
    margin_type: str = ""
    isolated_margin: str = "0"
    update_time: int = 0


class Balance(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is held of one asset. account/rest-api/Futures-Account-Balance-V3.

    {"accountAlias":"SgsR","asset":"USDT","balance":"122607.35137903",
     "availableBalance":"23.72469206","updateTime":1617939110373}
    """

    asset: str
    balance: str
    available_balance: str
    update_time: int = 0


class Restrictions(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do. wallet/account/api-key-permission (GET /sapi/v1/account/apiRestrictions).

    {"ipRestrict":true,"createTime":1623840271000,"enableReading":true,"enableFutures":true,
     "enableWithdrawals":false,"enableInternalTransfer":false}
    """

    ip_restrict: bool = msgspec.field(name="ipRestrict")
    enable_futures: bool = msgspec.field(name="enableFutures")
    enable_withdrawals: bool = msgspec.field(name="enableWithdrawals")


class ListenKey(msgspec.Struct, frozen=True):
    """The key of a private stream. user-data-streams/Start-User-Data-Stream.

    {"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8a65a1"}
    """

    listen_key: str = msgspec.field(name="listenKey")


class CommissionRate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The account's fees. account/rest-api/User-Commission-Rate.

    {"symbol":"BTCUSDT","makerCommissionRate":"0.0002","takerCommissionRate":"0.0005"}
    """

    symbol: str
    maker_commission_rate: str
    taker_commission_rate: str


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """One margin tier; USD-M caps the value, COIN-M (`qtyCap`) the value in coins."""

    leverage: msgspec.Raw = msgspec.field(name="initialLeverage")
    maintenance: msgspec.Raw = msgspec.field(name="maintMarginRatio")
    deduction: msgspec.Raw = msgspec.field(name="cum", default=msgspec.Raw(b"0"))
    notional_cap: msgspec.Raw = msgspec.field(name="notionalCap", default=msgspec.Raw(b""))
    qty_cap: msgspec.Raw = msgspec.field(name="qtyCap", default=msgspec.Raw(b""))


class Brackets(msgspec.Struct, frozen=True):
    """Margin tiers of a symbol. account/rest-api/Notional-and-Leverage-Brackets.

    {"symbol":"ETHUSDT","notionalCoef":1.5,"brackets":[{"bracket":1,"initialLeverage":75,
     "notionalCap":10000,"notionalFloor":0,"maintMarginRatio":0.0065,"cum":0.0}]}
    """

    symbol: str
    brackets: list[Bracket]


class OrderEventBody(msgspec.Struct, frozen=True, kw_only=True):
    """The order of an ORDER_TRADE_UPDATE; the letters are the venue's."""

    s: str
    c: str  # our id
    S: str  # side
    q: str  # size
    p: str  # price
    x: str  # what happened
    X: str  # how the order stands
    i: int  # its id
    T: int
    last: str = msgspec.field(name="l")  # size of this fill
    z: str  # filled so far
    L: str  # price of this fill
    t: int = 0  # id of this fill
    N: str = ""  # fee's asset
    n: str = "0"  # fee
    m: bool = False  # maker
    R: bool = False  # reduces only
    sp: str = "0"  # trigger
    er: str = ""  # why it expired


class OrderEvent(msgspec.Struct, frozen=True):
    """What happened to an order. user-data-streams/Event-Order-Update.

    {"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{"s":"BTCUSDT","c":"x1",
     "S":"BUY","o":"LIMIT","f":"GTC","q":"0.002","p":"7100.5","ap":"7100.5","sp":"0","x":"TRADE",
     "X":"PARTIALLY_FILLED","i":8886774,"l":"0.001","z":"0.001","L":"7100.5","N":"USDT",
     "n":"0.0014","T":1568879465650,"t":12345678,"m":true,"R":false,"ps":"BOTH","rp":"0",
     "er":"0"}}
    """

    o: OrderEventBody


class AlgoEventBody(msgspec.Struct, frozen=True, kw_only=True):
    """The order of an ALGO_UPDATE; `ai` is the order it became."""

    caid: str
    aid: int
    s: str
    S: str
    q: str
    X: str
    tp: str
    p: str = "0"
    ai: int | str = ""
    aq: str = "0"
    R: bool = False
    rm: str = ""


class AlgoEvent(msgspec.Struct, frozen=True):
    """What happened to an order with a trigger. user-data-streams/Event-Algo-Order-Update.

    {"e":"ALGO_UPDATE","T":1750515742297,"E":1750515742303,"o":{"caid":"a1","aid":2148719,
     "at":"CONDITIONAL","o":"STOP_MARKET","s":"BNBUSDT","S":"SELL","ps":"BOTH","f":"GTC",
     "q":"0.01","X":"TRIGGERED","ai":"8886774","ap":"0.00000","aq":"0.00000","act":"MARKET",
     "tp":"750","p":"0","R":true,"tt":1750515742290,"gtd":0,"rm":""}}
    """

    T: int
    o: AlgoEventBody


class HeldBalance(msgspec.Struct, frozen=True):
    """A changed balance: wallet, and by how much it changed but for profit and fees."""

    a: str
    wb: str
    bc: str = "0"


class HeldPosition(msgspec.Struct, frozen=True):
    """A changed position."""

    s: str
    pa: str
    ep: str
    mt: str = ""
    ps: str = "BOTH"


class AccountEventBody(msgspec.Struct, frozen=True):
    """Why, and what changed; `S` is the symbol of a funding fee (since 2026-08)."""

    m: str
    B: list[HeldBalance] = []
    P: list[HeldPosition] = []
    S: str = ""


class AccountEvent(msgspec.Struct, frozen=True):
    """What changed of the account. user-data-streams/Event-Balance-and-Position-Update.

    {"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{"m":"ORDER","B":[{"a":"USDT",
     "wb":"122624.1","cw":"100.1","bc":"0"}],"P":[{"s":"BTCUSDT","pa":"0.020","ep":"6563.6",
     "bep":"6566.2","cr":"0","up":"2.85","mt":"cross","iw":"0","ps":"BOTH"}]}}
    """

    T: int
    a: AccountEventBody
