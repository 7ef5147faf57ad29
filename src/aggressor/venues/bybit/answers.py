"""Bybit's answers and private streams in our words: verdicts, orders, fills, positions, money.

An accepted request is accepted for processing, no more: whether an order rests, filled or was
refused comes as an update. So a post-only order that would cross is first ACCEPTED, then REJECTED;
a Rejected order that has fills ended like a cancelled one; Filled may come twice. Updates of the
unified account arrive for all categories on one stream; those of the other category are left out.

Money: what is free of a coin is its wallet (or its equity, if that is less) without the margin of
positions and orders and what is locked; so the venue counts in isolated mode. In cross mode, where
all coins stand security for all, it is an estimate. Documents: see account_messages.py.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.schema.report import (
    ACK,
    CANCELED,
    EXPIRED,
    FILL,
    NO_REASON,
    REJECTED,
    TRIGGERED,
    WOULD_CROSS,
)
from aggressor.venues.bybit.account_messages import (
    FeeRow,
    FeeRows,
    FillRow,
    Fills,
    ItemCodes,
    KeyRow,
    OrderRow,
    Orders,
    Placed,
    PlacedMany,
    PositionRow,
    Positions,
    PrivateHead,
    WalletRow,
    Wallets,
)
from aggressor.venues.bybit.codes import BAN_NS, CODES, ENDS, meaning_of
from aggressor.venues.bybit.instruments import result_of
from aggressor.venues.bybit.market import control
from aggressor.venues.bybit.messages import Answer as Envelope
from aggressor.venues.margin import Fees
from aggressor.venues.trading import (
    Answer,
    BalanceUpdate,
    FillUpdate,
    FundingUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
    Update,
    Verdict,
)

Row = TypeVar("Row")
Made = TypeVar("Made")

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)
_MS = 1_000_000
_RESET = "x-bapi-limit-reset-timestamp"
_NO_WORD = ("", "EC_NoError", "UNKNOWN", "None")
_SIDES = {"Buy": BUY, "Sell": SELL}
_STATES = {
    "Created": ACK,
    "New": ACK,
    "PartiallyFilled": ACK,
    "Untriggered": ACK,
    "Triggered": TRIGGERED,
    "Filled": FILL,
    "Rejected": REJECTED,
    "Cancelled": CANCELED,
    "PartiallyFilledCanceled": CANCELED,
    "Deactivated": CANCELED,
}
_LEGS = {0: 0, 1: 1, 2: -1}
_NO_FILL = frozenset({"Funding", "Settle"})  # they pay, and no position moves

_envelope = msgspec.json.Decoder(Envelope)
_placed = msgspec.json.Decoder(Placed)
_placed_many = msgspec.json.Decoder(PlacedMany)
_item_codes = msgspec.json.Decoder(ItemCodes)
_head = msgspec.json.Decoder(PrivateHead)


def answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
    """Return what became of a request that was answered."""
    shown = body[:200].decode(errors="replace")
    if status == 403:
        return Answer(Verdict.THROTTLED, code="403", text=shown, wait_ns=BAN_NS)
    if status == 429:
        return Answer(Verdict.THROTTLED, code="429", text=shown, wait_ns=CODES[429].wait_ns)
    try:
        envelope = _envelope.decode(body)
    except _UNREADABLE:
        refused = 400 <= status < 500
        verdict = Verdict.REFUSED if refused else Verdict.UNKNOWN
        return Answer(verdict, code=str(status), text=shown)
    if status >= 500 or (status >= 400 and envelope.ret_code == 0):
        return Answer(Verdict.UNKNOWN, code=str(envelope.ret_code), text=envelope.ret_msg)
    placed = Placed()
    if envelope.ret_code == 0:
        try:
            placed = _placed.decode(envelope.result)
        except _UNREADABLE:
            placed = Placed()
    return _judged(envelope.ret_code, envelope.ret_msg, placed, _wait_ns(headers, envelope))


def answers(status: int, headers: dict[str, str], body: bytes, count: int) -> list[Answer]:
    """Return what became of each of `count` orders of a batch; the outer code may be 0 for all."""
    whole = answer(status, headers, body)
    if whole.verdict is not Verdict.ACCEPTED:
        return [whole] * count
    envelope = _envelope.decode(body)
    try:
        placed = _placed_many.decode(envelope.result).rows
        codes = _item_codes.decode(envelope.ret_ext_info).rows
    except _UNREADABLE:
        placed, codes = [], []
    if len(placed) != count or len(codes) != count:
        unknown = whole._replace(verdict=Verdict.UNKNOWN, text="the batch's items are not told")
        return [unknown] * count
    wait_ns = _wait_ns(headers, envelope)
    return [
        _judged(code.code, code.msg, one, wait_ns) for one, code in zip(placed, codes, strict=True)
    ]


def _judged(code: int, text: str, placed: Placed, wait_ns: int) -> Answer:
    meaning = meaning_of(code)
    throttled = meaning.verdict is Verdict.THROTTLED
    return Answer(
        meaning.verdict,
        meaning.reason,
        "" if code == 0 else str(code),
        "" if code == 0 else text,
        placed.order_id,
        max(meaning.wait_ns, wait_ns) if throttled else 0,
    )


def _wait_ns(headers: dict[str, str], envelope: Envelope) -> int:
    """Return how long to stay away, by the venue's own clock; 0 where it does not say."""
    for name, value in headers.items():
        if name.lower() == _RESET and value.isdigit() and envelope.time:
            return max(int(value) - envelope.time, 0) * _MS
    return 0


def read_orders(body: bytes) -> list[OrderUpdate]:
    """Return the orders of a page; raise MessageError."""
    return _read(body, Orders, lambda page, _: [_order(row) for row in page.rows])


def read_fills(body: bytes) -> list[FillUpdate]:
    """Return the fills of a page, oldest first, without payments of funding; raise MessageError."""
    return _read(
        body,
        Fills,
        lambda page, _: [_fill(row) for row in page.rows[::-1] if row.exec_type not in _NO_FILL],
    )


def read_positions(body: bytes) -> list[PositionUpdate]:
    """Return the positions of a page, flat ones too; raise MessageError."""
    return _read(body, Positions, lambda page, _: [_position(row) for row in page.rows])


def read_balances(body: bytes) -> list[BalanceUpdate]:
    """Return what the account holds; raise MessageError."""
    return _read(body, Wallets, lambda page, now_ms: _balances(page.rows, now_ms))


def read_fees(body: bytes) -> list[Fees]:
    """Return the account's own fee rates; raise MessageError."""
    return _read(body, FeeRows, lambda page, _: [_fees(row) for row in page.rows])


def read_rights(body: bytes) -> KeyRights:
    """Return what a key may do; the right to withdraw is a word among those of the wallet."""
    key, _ = result_of(body, KeyRow)
    trades = key.read_only == 0 and "Order" in key.permissions.get("ContractTrade", [])
    wallet = [word.lower() for word in key.permissions.get("Wallet", [])]
    return KeyRights(
        trade=trades,
        withdraw=key.read_only == 0 and any(word.startswith("withdraw") for word in wallet),
        addresses_bound=bool(key.ips) and "*" not in key.ips,
    )


def _read(body: bytes, form: type[Row], make: Callable[[Row, int], list[Made]]) -> list[Made]:
    """Return what an answer says; raise MessageError, also for a number that is none."""
    page, now_ms = result_of(body, form)
    try:
        return make(page, now_ms)
    except MessageError:
        raise
    except (ValueError, ArithmeticError) as trouble:
        raise _odd(body, trouble) from None


def decode_private(category: str, message: bytes) -> Sequence[Update]:
    """Return what a private stream says of one category; raise MessageError."""
    if control(message) is not None:
        return ()
    try:
        head = _head.decode(message)
        reader = _STREAMS.get(head.topic.partition(".")[0])
        if reader is None or head.topic.startswith("execution.fast"):
            return ()
        return reader(head, category)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, ArithmeticError) as trouble:
        if isinstance(trouble, MessageError):
            raise
        raise _odd(message, trouble) from None


def _rows(head: PrivateHead, form: type[Row]) -> list[Row]:
    return msgspec.json.decode(head.data, type=list[form])


def _order_stream(head: PrivateHead, category: str) -> Sequence[Update]:
    rows = _rows(head, OrderRow)
    return [_order(row) for row in rows if row.category in (category, "")]


def _fill_stream(head: PrivateHead, category: str) -> Sequence[Update]:
    """Read fills, and funding, which comes among them; a settlement of profit is neither."""
    found: list[Update] = []
    for row in _rows(head, FillRow):
        if row.category not in (category, ""):
            continue
        if row.exec_type == "Funding":
            asset, paid = row.fee_currency or "", row.exec_fee or ""
            found.append(FundingUpdate(row.symbol, asset, paid, _time(row.exec_time)))
        elif row.exec_type not in _NO_FILL:
            found.append(_fill(row))
    return found


def _position_stream(head: PrivateHead, category: str) -> Sequence[Update]:
    rows = _rows(head, PositionRow)
    return [_position(row) for row in rows if row.category in (category, "")]


def _wallet_stream(head: PrivateHead, category: str) -> Sequence[Update]:
    return _balances(_rows(head, WalletRow), head.creation_time)


_STREAMS: dict[str, Callable[[PrivateHead, str], Sequence[Update]]] = {
    "order": _order_stream,
    "execution": _fill_stream,
    "position": _position_stream,
    "wallet": _wallet_stream,
}


def _order(row: OrderRow) -> OrderUpdate:
    kind = _STATES.get(row.order_status)
    if kind is None:
        raise MessageError(
            f"Bybit says that order {row.order_id} is {row.order_status!r}, which is unknown "
            "here - look at the order on the venue; docs/venues/bybit.md lists the states."
        )
    filled = row.cum_exec_qty or "0"
    words = (row.reject_reason or "", row.cancel_type or "")
    reason = next((ENDS[word] for word in words if word in ENDS), NO_REASON)
    if kind == REJECTED and _above_zero(filled):
        kind = CANCELED
    elif kind == CANCELED:
        kind = _end_of(row, reason, filled)
    ended = kind in (CANCELED, REJECTED, EXPIRED)
    return OrderUpdate(
        symbol=row.symbol,
        client_id=row.order_link_id or "",
        venue_id=row.order_id,
        kind=kind,
        side=_SIDES[row.side],
        price="" if row.order_type == "Market" else row.price or "",
        size=row.qty,
        filled=filled,
        ts_venue=_time(row.updated_time),
        trigger=row.trigger_price or "" if _above_zero(row.trigger_price or "0") else "",
        reason=reason if ended else NO_REASON,
        reduce_only=row.reduce_only,
        text=next((word for word in words if ended and word not in _NO_WORD), ""),
    )


def _end_of(row: OrderRow, reason: int, filled: str) -> int:
    """Return whether a cancelled order was refused, expired by its own terms, or cancelled."""
    if reason == WOULD_CROSS and not _above_zero(filled):
        return REJECTED
    asked = row.cancel_type in ("CancelByUser", "CancelBySmp")
    return EXPIRED if row.time_in_force in ("IOC", "FOK") and not asked else CANCELED


def _fill(row: FillRow) -> FillUpdate:
    return FillUpdate(
        symbol=row.symbol,
        client_id=row.order_link_id or "",
        venue_id=row.order_id or "",
        trade_id=row.exec_id,
        side=_SIDES[row.side],
        price=row.exec_price,
        size=row.exec_qty,
        fee=row.exec_fee or "",
        fee_asset=row.fee_currency or "",
        maker=row.is_maker,
        ts_venue=_time(row.exec_time),
    )


def _fees(row: FeeRow) -> Fees:
    return Fees(row.symbol, Decimal(row.maker_fee_rate), Decimal(row.taker_fee_rate))


def _position(row: PositionRow) -> PositionUpdate:
    return PositionUpdate(
        symbol=row.symbol,
        size=f"-{row.size}" if row.side == "Sell" else row.size,
        entry=row.avg_price or row.entry_price or "",
        liquidation=row.liq_price or "",
        leverage=row.leverage or "",
        isolated=row.trade_mode == 1,
        ts_venue=_time(row.updated_time),
        leg=_LEGS.get(row.position_idx, 0),
    )


def _balances(wallets: Sequence[WalletRow], now_ms: int) -> list[BalanceUpdate]:
    ts_venue = now_ms * _MS if now_ms else NO_TIME
    found = []
    for coin in (coin for wallet in wallets for coin in wallet.coin):
        wallet = Decimal(coin.wallet_balance or 0)
        equity = Decimal(coin.equity) if coin.equity else wallet
        used = (coin.total_order_im, coin.total_position_im, coin.locked, coin.bonus)
        free = min(wallet, equity) - sum(Decimal(one or 0) for one in used)
        text = format(max(free, Decimal(0)), "f")
        found.append(BalanceUpdate(coin.coin, coin.wallet_balance or "", text, ts_venue))
    return found


def _time(text: str | None) -> int:
    return int(text) * _MS if text else NO_TIME


def _above_zero(number: str) -> bool:
    return Decimal(number) > 0


def _odd(message: bytes, trouble: Exception) -> MessageError:
    shown = message[:120].decode(errors="replace")
    return MessageError(
        f"A message about the account is not what Bybit documents ({trouble}): {shown} - ask the "
        "account's state again; if it stays so, the venue has changed its form."
    )
