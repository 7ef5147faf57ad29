"""What WEEX answers to our requests: verdicts by one table of codes, and answers to questions.

A refusal comes as HTTP 400 with a code, or as HTTP 200 with `success` false and a code of its own.
`success` false is certain; a code that is not in the table leaves the state of the order open. Code
-1054 stands for a broken system as well as for refusals of the account: its text decides.

The name of the status of an order filled in part is not documented, nor are the codes for a client
id used before, for missing margin and for a post-only order that would cross.
"""

from collections.abc import Sequence

import msgspec

from aggressor.schema.errors import MessageError
from aggressor.schema.event import BUY, NO_TIME, SELL
from aggressor.schema.report import (
    ACK,
    BAD_FIELD,
    CANCELED,
    EXPIRED,
    FILL,
    FORBIDDEN,
    NO_MARGIN,
    NO_REASON,
    REJECTED,
    TRIGGERED,
    UNKNOWN_ORDER,
)
from aggressor.venues.margin import Fees
from aggressor.venues.text.numerals import number_of, text_of
from aggressor.venues.trading import (
    Answer,
    BalanceUpdate,
    FillUpdate,
    KeyRights,
    OrderUpdate,
    PositionUpdate,
    Verdict,
)
from aggressor.venues.weex.instruments import MS, read_body, read_list
from aggressor.venues.weex.replies import (
    Balance,
    Commission,
    Config,
    Fill,
    Order,
    Orders,
    Position,
    Result,
)

SECOND_NS = 1_000_000_000

REASONS = {
    **dict.fromkeys(("-2200", "-3200", "FAILED_ORDER_NOT_FOUND"), UNKNOWN_ORDER),
    **dict.fromkeys(("-1045", "-1115", "-1116", "-1117", "-1121", "-1128", "-1135"), BAD_FIELD),
    **dict.fromkeys(("-1140", "-1141", "-1142", "-1150", "-1160", "-1170", "-1171"), BAD_FIELD),
    **dict.fromkeys(("-1180", "-2007", "-3006", "-3007", "-3313", "-3613"), BAD_FIELD),
    **dict.fromkeys(("-1040", "-1041", "-1042", "-1044", "-1047", "-1049"), FORBIDDEN),
    **dict.fromkeys(("-1050", "-1051", "-1052", "-1053", "-1055", "-1056"), FORBIDDEN),
    **dict.fromkeys(("-1057", "-1058", "-1190", "-3235", "-3236"), FORBIDDEN),
}
CLOCK_CODES = ("-1043", "-1046")
SYSTEM = "-1054"
NOT_ENOUGH = "not enough"

_DONE = (None, "200")
_TOO_FAST = 429
_BROKEN = 500
_BAN_NS = 10 * SECOND_NS
_KINDS = {
    "PENDING": ACK,
    "NEW": ACK,
    "UNTRIGGERED": ACK,
    "CANCELING": ACK,
    "TRIGGERED": TRIGGERED,
    "FILLED": FILL,
    "CANCELED": CANCELED,
    "EXPIRED": EXPIRED,
    "FAILED": REJECTED,
    "REJECTED": REJECTED,
}
_FIRED = ("TRIGGERED", "FILLED")  # before, the venue names an id that nothing else has
_PART = "PARTIAL"  # however it goes on
_SIDES = {"BUY": BUY, "SELL": SELL}
_LEGS = {"LONG": 1, "SHORT": -1}

_result = msgspec.json.Decoder(Result)
_results = msgspec.json.Decoder(list[Result])


def answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
    """Return what became of a request; of a list of cancels all must have been done."""
    if status == _TOO_FAST:
        return Answer(Verdict.THROTTLED, code=str(status), wait_ns=_BAN_NS)
    if status >= _BROKEN:
        return Answer(Verdict.UNKNOWN, code=str(status), text=_shown(body))
    try:
        many = body.lstrip().startswith(b"[")
        results = _results.decode(body) if many else [_result.decode(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Answer(Verdict.UNKNOWN, code=str(status), text=_shown(body))
    verdicts = [_verdict(one) for one in results]
    for one in verdicts:
        if one.verdict is not Verdict.ACCEPTED:
            return one
    return verdicts[0] if len(verdicts) == 1 else Answer(Verdict.ACCEPTED)


def _verdict(result: Result) -> Answer:
    code = None if result.code is None else str(result.code)
    if code not in _DONE:
        return _refusal(code or "", result.msg, False)
    if result.success is False or result.error_code not in (None, ""):
        text = result.error_message or ""
        return _refusal(str(result.error_code or ""), text, result.success is False)
    venue_id = _id_of(result)
    if result.success or venue_id or code or result.symbol or result.asset or result.orders:
        return Answer(Verdict.ACCEPTED, venue_id=venue_id)
    return Answer(Verdict.UNKNOWN, text="the answer says nothing")


def _refusal(code: str, text: str, certain: bool) -> Answer:
    if code in CLOCK_CODES:
        return Answer(Verdict.BAD_CLOCK, code=code, text=text)
    reason = REASONS.get(code, NO_REASON)
    if NOT_ENOUGH in text.lower() and code in (SYSTEM, ""):
        reason = NO_MARGIN
    known = certain or reason != NO_REASON
    return Answer(Verdict.REFUSED if known else Verdict.UNKNOWN, reason, code, text)


def _id_of(result: Result) -> str:
    try:
        return text_of(result.order_id)
    except MessageError:
        return ""


def _shown(body: bytes) -> str:
    return body[:120].decode(errors="replace")


def order_kind(status: str) -> int:
    """Return the REPORT kind of an order's status; raise MessageError for one not known."""
    kind = ACK if _PART in status.upper() else _KINDS.get(status)
    if kind is None:
        raise MessageError(
            f"WEEX calls an order {status!r}, which it does not document - look at the order at "
            "the venue, then add the status to its table."
        )
    return kind


def side_of(text: str) -> int:
    """Return the side of an order; raise MessageError for one that is none."""
    side = _SIDES.get(text)
    if side is None:
        raise MessageError(f"WEEX says {text!r} for a side - check that the message is of WEEX.")
    return side


def reduces(side: int, position_side: str, said: bool) -> bool:
    """Say whether an order can only reduce: it is on the other side than its position."""
    return said or _LEGS.get(position_side, side) != side


def price_of(value: msgspec.Raw) -> str:
    """Return a price, "" where the venue writes 0 for none."""
    text = text_of(value)
    return text if text.strip("0.") else ""


def time_of(value: msgspec.Raw) -> int:
    """Return a time in ns of one in ms, bare or a string; NO_TIME where there is none."""
    text = text_of(value)
    return int(number_of(text)) * MS if text.strip("0.") else NO_TIME


def read_orders(body: bytes) -> list[OrderUpdate]:
    """Return the orders of an answer: one, a list, or a page of algo orders."""
    if body.lstrip().startswith(b"["):
        rows: Sequence[Order] = read_list(body, Order, "orders")
    elif b'"orders"' in body:
        rows = read_body(body, Orders, "algo orders").orders
    else:
        rows = (read_body(body, Order, "order"),)
    return [_order(one) for one in rows]


def _order(one: Order) -> OrderUpdate:
    side = side_of(one.side)
    algo = text_of(one.algo_id)
    return OrderUpdate(
        symbol=one.symbol,
        client_id=(one.client_algo_id if algo else one.client_order_id) or "",
        venue_id=algo or text_of(one.order_id),
        kind=order_kind(one.algo_status if algo else one.status),
        side=side,
        price=price_of(one.price),
        size=text_of(one.quantity if algo else one.orig_qty),
        filled=text_of(one.executed_qty) or "0",
        ts_venue=one.update_time * MS if one.update_time else NO_TIME,
        trigger=price_of(one.trigger_price if algo else one.stop_price),
        reduce_only=reduces(side, one.position_side, one.reduce_only),
        became=_became(one) if algo else "",
    )


def _became(one: Order) -> str:
    text = text_of(one.actual_order_id)
    return text if one.algo_status in _FIRED and text.strip("0") else ""


def read_fills(body: bytes) -> list[FillUpdate]:
    """Return fills, oldest first."""
    rows = sorted(read_list(body, Fill, "fills"), key=lambda one: one.time)
    return [
        FillUpdate(
            symbol=one.symbol,
            client_id="",
            venue_id=text_of(one.order_id),
            trade_id=text_of(one.id),
            side=side_of(one.side),
            price=text_of(one.price),
            size=text_of(one.qty),
            fee=text_of(one.commission),
            fee_asset=one.commission_asset,
            maker=one.maker,
            ts_venue=one.time * MS,
        )
        for one in rows
    ]


def read_positions(body: bytes) -> list[PositionUpdate]:
    """Return positions, one for each leg that is held."""
    return [position_of(one) for one in read_list(body, Position, "positions")]


def position_of(one: Position) -> PositionUpdate:
    """Return a position; the entry is its value by its size."""
    leg = _LEGS.get(one.side)
    if leg is None:
        raise MessageError(f"WEEX says {one.side!r} for the side of a position of {one.symbol}.")
    text = text_of(one.size)
    size = number_of(text)
    entry = f"{number_of(text_of(one.open_value)) / size:f}" if size else ""
    return PositionUpdate(
        symbol=one.symbol,
        size=f"-{text}" if leg < 0 and size else text,
        entry=entry,
        liquidation=price_of(one.liquidate_price),
        leverage=text_of(one.leverage),
        isolated="ISOLATED" in (one.margin_type, one.margin_mode),
        ts_venue=time_of(one.updated_time),
        leg=leg,
    )


def read_balances(body: bytes) -> list[BalanceUpdate]:
    """Return what the account holds."""
    return [
        BalanceUpdate(one.asset, text_of(one.balance), text_of(one.available_balance))
        for one in read_list(body, Balance, "balances")
    ]


def read_fees(body: bytes) -> list[Fees]:
    """Return the account's fees of one contract."""
    one = read_body(body, Commission, "fees")
    maker, taker = text_of(one.maker_commission_rate), text_of(one.taker_commission_rate)
    return [Fees(one.symbol, number_of(maker), number_of(taker))]


def read_rights(body: bytes) -> KeyRights:
    """Return what is certain of a key: it may not do what its account may not do."""
    said = read_body(body, Config, "account")
    return KeyRights(
        trade=False if said.can_trade is False else None,
        withdraw=False if said.can_withdraw is False else None,
    )
