"""Bybit v5's payloads about our own account, by answer and by private stream; no logic.

Source: the v5 documents, `https://bybit-exchange.github.io/docs/v5/` ("B:"), pages named below, as
of 2026-07-24. Numbers and times are strings, "" or null where they do not apply. The rows of the
streams are those of the answers, with `category` and without the enclosing list.
"""

from typing import Literal, TypeAlias

import msgspec

from aggressor.venues.bybit.messages import Ms, Side

Text: TypeAlias = str | None


class Placed(msgspec.Struct, frozen=True, rename="camel"):
    """Reply to create, amend and cancel: accepted for processing, no more. B:order/create-order.

    {"orderId":"1321003749386327552","orderLinkId":"x-1"}
    """

    order_id: str = ""
    order_link_id: str = ""


class PlacedMany(msgspec.Struct, frozen=True):
    """Reply to a batch; parallel to `retExtInfo`. B:order/batch-place.

    {"list":[{"category":"linear","symbol":"BTCUSDT","orderId":"16668004943305","orderLinkId":"a1",
     "createAt":"1713434102752"}]}
    """

    rows: list[Placed] = msgspec.field(name="list")


class ItemCode(msgspec.Struct, frozen=True):
    """{"code":0,"msg":"OK"}."""

    code: int
    msg: str = ""


class ItemCodes(msgspec.Struct, frozen=True):
    """`retExtInfo` of a batch: {"list":[{"code":0,"msg":"OK"},{"code":110007,"msg":"…"}]}."""

    rows: list[ItemCode] = msgspec.field(default_factory=list, name="list")


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """Any answer in pages: {"list":[…],"nextPageCursor":"page_args%3Dfd43…%26symbol%3D6%26"}."""

    rows: list[msgspec.Raw] = msgspec.field(name="list")
    next_page_cursor: str | None = ""


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """One order. B:order/open-order, B:order/order-list, B:websocket/private/order.

    {"orderId":"fd4300ae-…","orderLinkId":"test-000005","symbol":"ETHUSDT","price":"1600.00",
     "qty":"0.10","side":"Buy","positionIdx":1,"orderStatus":"New","cancelType":"UNKNOWN",
     "rejectReason":"EC_NoError","avgPrice":"0","leavesQty":"0.10","cumExecQty":"0.00",
     "timeInForce":"GTC","orderType":"Limit","stopOrderType":"UNKNOWN","triggerPrice":"0.00",
     "triggerDirection":0,"reduceOnly":false,"createdTime":"1684738540559",
     "updatedTime":"1684738540561"}
    """

    order_id: str
    symbol: str
    side: Side
    qty: str
    order_status: str
    order_link_id: Text = ""
    price: Text = ""
    cum_exec_qty: Text = ""
    trigger_price: Text = ""
    order_type: str = "Limit"
    time_in_force: Text = ""
    cancel_type: Text = ""
    reject_reason: Text = ""
    reduce_only: bool = False
    updated_time: Text = ""
    category: str = ""


class FillRow(msgspec.Struct, frozen=True, rename="camel"):
    """One fill, or what else moved the account. B:order/execution, B:websocket/private/execution.

    {"category":"linear","symbol":"BTCUSDT","closedSize":"0.5","execFee":"26.3725275",
     "execId":"0ab1bdf7-…","execPrice":"95900.1","execQty":"0.5","execType":"Trade",
     "feeRate":"0.00055","leavesQty":"0","orderId":"9aac161b-…","orderLinkId":"","side":"Sell",
     "execTime":"1746270400353","isMaker":false,"seq":140612148849382,"feeCurrency":"USDT"}
    """

    symbol: str
    exec_id: str
    exec_price: str
    exec_qty: str
    exec_time: str
    side: Side
    order_id: Text = ""
    order_link_id: Text = ""
    exec_type: str = "Trade"
    exec_fee: Text = ""
    fee_currency: Text = ""
    is_maker: bool = False
    category: str = ""


class PositionRow(msgspec.Struct, frozen=True, rename="camel"):
    """One position; flat: side "", size "0". B:position, B:websocket/private/position.

    {"positionIdx":0,"symbol":"BTCUSD","side":"Sell","size":"300","avgPrice":"27464.50441675",
     "tradeMode":0,"positionStatus":"Normal","leverage":"10","liqPrice":"","seq":5723621632,
     "updatedTime":"1697673600012"}; the stream says entryPrice instead of avgPrice
    """

    symbol: str
    size: str
    side: Literal["Buy", "Sell", "", "None"] | None = ""
    position_idx: int = 0
    avg_price: Text = ""
    entry_price: Text = ""
    liq_price: Text = ""
    leverage: Text = ""
    trade_mode: int = 0
    updated_time: Text = ""
    category: str = ""


class CoinRow(msgspec.Struct, frozen=True, rename="camel"):
    """One coin of the account.

    {"coin":"USDT","equity":"10226.20575506","walletBalance":"9647.75537647","totalOrderIM":"0",
     "totalPositionIM":"127.8573161","locked":"0","bonus":"0"}
    """

    coin: str
    wallet_balance: Text = ""
    equity: Text = ""
    total_order_im: Text = msgspec.field(default="", name="totalOrderIM")
    total_position_im: Text = msgspec.field(default="", name="totalPositionIM")
    locked: Text = ""
    bonus: Text = ""


class WalletRow(msgspec.Struct, frozen=True, rename="camel"):
    """An account. B:account/wallet-balance, B:websocket/private/wallet.

    {"totalEquity":"10262.91","accountIMRate":"0","totalAvailableBalance":"9556.6056555",
     "accountType":"UNIFIED","coin":[…]}
    """

    coin: list[CoinRow]


class Orders(msgspec.Struct, frozen=True):
    """GET /v5/order/realtime, /v5/order/history, the `result`."""

    rows: list[OrderRow] = msgspec.field(name="list")


class Fills(msgspec.Struct, frozen=True):
    """GET /v5/execution/list, the `result`: newest first."""

    rows: list[FillRow] = msgspec.field(name="list")


class Positions(msgspec.Struct, frozen=True):
    """GET /v5/position/list, the `result`."""

    rows: list[PositionRow] = msgspec.field(name="list")


class Wallets(msgspec.Struct, frozen=True):
    """GET /v5/account/wallet-balance, the `result`."""

    rows: list[WalletRow] = msgspec.field(name="list")


class FeeRow(msgspec.Struct, frozen=True, rename="camel"):
    """{"symbol":"ETHUSDT","takerFeeRate":"0.0006","makerFeeRate":"0.0001"}."""

    symbol: str
    maker_fee_rate: str
    taker_fee_rate: str


class FeeRows(msgspec.Struct, frozen=True):
    """GET /v5/account/fee-rate, the `result`. B:account/fee-rate."""

    rows: list[FeeRow] = msgspec.field(name="list")


class KeyRow(msgspec.Struct, frozen=True, rename="camel"):
    """GET /v5/user/query-api, the `result`. B:user/apikey-info.

    {"readOnly":0,"permissions":{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],
     "Wallet":["AccountTransfer","SubMemberTransfer"]},"ips":["*"],"deadlineDay":66,"uta":1}
    """

    read_only: int
    permissions: dict[str, list[str]]
    ips: list[str] = msgspec.field(default_factory=list)


class PrivateHead(msgspec.Struct, frozen=True, rename="camel"):
    """The envelope of the private streams. B:websocket/private/order.

    {"id":"5923240c6880ab-…","topic":"order","creationTime":1672364262474,"data":[{…}]}
    """

    topic: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")
    creation_time: Ms = 0
