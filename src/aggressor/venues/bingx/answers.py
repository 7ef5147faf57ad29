"""What BingX answers to our requests: verdicts by one table of codes, and answers to questions.

Errors come with HTTP 200 and a code of their own. A code that is not in the table leaves the state
of the order open, and so do codes for a busy or broken venue; a client id that was used before says
that the order was taken the first time. In both cases the order is asked for by our id.

Taken means accepted for matching: a post-only order that would cross is taken, and cancelled by the
private stream a moment later.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

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
    PRICE_BAND,
    REDUCE_ONLY_EMPTY,
    REJECTED,
    TOO_MANY_ORDERS,
    TRIGGERED,
    UNKNOWN_ORDER,
    WOULD_CROSS,
)
from aggressor.venues.bingx.instruments import MS, read_data, read_list
from aggressor.venues.bingx.messages import Answer as Body
from aggressor.venues.bingx.replies import (
    Balance,
    Commission,
    Fill,
    Fills,
    Key,
    Order,
    Orders,
    Position,
    Result,
    Rights,
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

SECOND_NS = 1_000_000_000

REASONS = {
    **dict.fromkeys((101215,), WOULD_CROSS),
    **dict.fromkeys((80016, 80017, 80018, 109421, 109422), UNKNOWN_ORDER),
    **dict.fromkeys((101205, 101290, 109420, 110203), REDUCE_ONLY_EMPTY),
    **dict.fromkeys((80012, 100202, 101204, 101206, 101212, 101253, 110424), NO_MARGIN),
    **dict.fromkeys((101209, 101429, 110287, 112414), NO_MARGIN),  # the position's cap
    **dict.fromkeys((101211, 101460, 101461, 110402), PRICE_BAND),
    **dict.fromkeys((80001, 80014, 100204, 100400, 100404), BAD_FIELD),
    **dict.fromkeys((101202, 101400, 101414, 109400, 109425, 110422, 110425), BAD_FIELD),
    **dict.fromkeys((100001, 100004, 100401, 100412, 100413, 100414, 100419), FORBIDDEN),
    **dict.fromkeys((100421, 104103, 109403), FORBIDDEN),
    **dict.fromkeys((101413, 101415, 109415, 109417, 109418, 110280), FORBIDDEN),  # not trading
    101419: TOO_MANY_ORDERS,
}
THROTTLES = {100410: 10 * SECOND_NS, 101214: 5 * SECOND_NS, 109429: 60 * SECOND_NS}
CLOCK_CODES = (80014, 100421)  # where the text is about the timestamp
BUSY = "busy"

_DONE = ("", "true", "SUCCESS")
_TOO_FAST = 429
_BANNED = 418
_BROKEN = 500
_BAN_NS = 300 * SECOND_NS
_KINDS = {
    "NEW": ACK,
    "PENDING": ACK,
    "WORKING": ACK,
    "PARTIALLY_FILLED": ACK,
    "TRIGGERED": TRIGGERED,
    "FILLED": FILL,
    "CANCELED": CANCELED,
    "CANCELLED": CANCELED,
    "EXPIRED": EXPIRED,
    "FAILED": REJECTED,
    "REJECTED": REJECTED,
}
_SIDES = {"BUY": BUY, "SELL": SELL}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TRADES, _WITHDRAWS = 3, 5

_body = msgspec.json.Decoder(Body)
_result = msgspec.json.Decoder(Result)


def answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
    """Return what became of a request."""
    known = _verdict(status, body)
    if isinstance(known, Answer):
        return known
    result = _result_of(known)
    if result is None:
        return Answer(Verdict.ACCEPTED)
    if result.cancel_result not in _DONE or result.replace_result not in _DONE:
        said = result.cancel_msg or result.replace_msg
        return Answer(Verdict.REFUSED, NO_REASON, "", said)
    return Answer(Verdict.ACCEPTED, venue_id=_id_of(result))


def answers(status: int, headers: dict[str, str], body: bytes, count: int) -> list[Answer]:
    """Return what became of the orders of a batch.

    The venue does not say which of them failed when only some did: all are to be asked for then.
    """
    known = _verdict(status, body)
    if isinstance(known, Answer):
        return [known] * count
    result = _result_of(known)
    taken = 0 if result is None or result.orders is None else len(result.orders)
    if taken == count:
        return [Answer(Verdict.ACCEPTED)] * count
    return [Answer(Verdict.UNKNOWN, text=f"{taken} of {count} orders were taken")] * count


def _verdict(status: int, body: bytes) -> Answer | Body:
    """Return the verdict where it is known without the data, else the body."""
    if status in (_TOO_FAST, _BANNED):
        wait = _BAN_NS if status == _BANNED else SECOND_NS
        return Answer(Verdict.THROTTLED, code=str(status), wait_ns=wait)
    if status >= _BROKEN:
        return Answer(Verdict.UNKNOWN, code=str(status), text=_shown(body))
    if not body:
        done = Verdict.ACCEPTED if status < 400 else Verdict.REFUSED
        return Answer(done, code=str(status))
    try:
        whole = _body.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Answer(Verdict.UNKNOWN, code=str(status), text=_shown(body))
    if whole.code == 0:
        return whole
    return _refusal(whole.code, whole.msg)


def _refusal(code: int, text: str) -> Answer:
    low = text.lower()
    if code in CLOCK_CODES and "timestamp" in low:
        return Answer(Verdict.BAD_CLOCK, code=str(code), text=text)
    if code in THROTTLES and BUSY not in low:
        return Answer(Verdict.THROTTLED, code=str(code), text=text, wait_ns=THROTTLES[code])
    reason = REASONS.get(code)
    if reason is None:
        return Answer(Verdict.UNKNOWN, code=str(code), text=text)
    return Answer(Verdict.REFUSED, reason, str(code), text)


def _result_of(body: Body) -> Result | None:
    try:
        return _result.decode(body.data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _id_of(result: Result) -> str:
    """Return the venue's id of the order that was taken, "" where the answer does not say."""
    placed = result.order or result.new_order_response or result
    try:
        return placed.order_id_text or text_of(placed.order_id)
    except MessageError:
        return ""


def _shown(body: bytes) -> str:
    return body[:120].decode(errors="replace")


def order_kind(status: str) -> int:
    """Return the REPORT kind of an order's status; raise MessageError for one not documented."""
    kind = _KINDS.get(status)
    if kind is None:
        raise MessageError(
            f"BingX calls an order {status!r}, which it does not document - look at the order at "
            "the venue, then add the status to its table."
        )
    return kind


def side_of(text: str) -> int:
    """Return the side of an order; raise MessageError for one that is none."""
    side = _SIDES.get(text)
    if side is None:
        raise MessageError(f"BingX says {text!r} for a side - check that the message is of BingX.")
    return side


def price_of(value: msgspec.Raw) -> str:
    """Return a price, "" where the venue writes 0 for none."""
    text = text_of(value)
    return text if text.strip("0.") else ""


def paid(value: msgspec.Raw) -> str:
    """Return a commission as a fee: the venue writes what is paid as a negative number."""
    text = text_of(value)
    if not text:
        return ""
    return format(-number_of(text) + 0, "f")


def key_of_fill(venue_id: str, filled: Decimal) -> str:
    """Return what tells a fill apart by stream and by question: how far its order was filled."""
    return f"{venue_id}:{filled.normalize():f}"


def read_orders(body: bytes) -> list[OrderUpdate]:
    """Return the orders of an answer."""
    found = read_data(body, Orders, "orders")
    rows = found.orders or ([] if found.order is None else [found.order])
    return [_order(one) for one in rows]


def _order(one: Order) -> OrderUpdate:
    return OrderUpdate(
        symbol=one.symbol,
        client_id=one.client_order_id or one.client_order_id_old,
        venue_id=text_of(one.order_id),
        kind=order_kind(one.status),
        side=side_of(one.side),
        price=price_of(one.price),
        size=text_of(one.orig_qty),
        filled=text_of(one.executed_qty),
        ts_venue=one.update_time * MS if one.update_time else NO_TIME,
        trigger=price_of(one.stop_price),
        reduce_only=one.reduce_only,
    )


def read_fills(body: bytes) -> list[FillUpdate]:
    """Return fills, oldest first; ask from before the first fill of an order, or it counts anew."""
    rows = read_data(body, Fills, "fills").fill_history_orders or []
    timed = sorted(((_time_of(one.filled_time), one) for one in rows), key=_order_of_fills)
    filled: dict[str, Decimal] = {}
    updates = []
    for time, one in timed:
        venue_id, size = text_of(one.order_id), text_of(one.qty)
        filled[venue_id] = filled.get(venue_id, Decimal(0)) + number_of(size)
        updates.append(
            FillUpdate(
                symbol=one.symbol,
                client_id="",
                venue_id=venue_id,
                trade_id=key_of_fill(venue_id, filled[venue_id]),
                side=side_of(one.side),
                price=text_of(one.price),
                size=size,
                fee=paid(one.commission),
                fee_asset=one.commission_asset,
                maker={"maker": True, "taker": False}.get(one.role),
                ts_venue=time,
            )
        )
    return updates


def _order_of_fills(timed: tuple[int, Fill]) -> tuple[int, int, str]:
    trade_id = text_of(timed[1].trade_id)
    return timed[0], len(trade_id), trade_id


def _time_of(text: str) -> int:
    """Return a time as 2006-01-02T15:04:05.999+0800 in ns."""
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1_000
    except (ValueError, TypeError) as trouble:
        raise MessageError(f"BingX says {text!r} for a time ({trouble}) - it is none.") from None


def read_positions(body: bytes) -> list[PositionUpdate]:
    """Return positions; the venue tells long from short beside the amount."""
    return [
        PositionUpdate(
            symbol=one.symbol,
            size=signed(text_of(one.position_amt), one.position_side),
            entry=price_of(one.avg_price),
            liquidation=price_of(one.liquidation_price),
            leverage=text_of(one.leverage),
            isolated=one.isolated,
            ts_venue=one.update_time * MS if one.update_time else NO_TIME,
            leg=0 if one.only_one_position else leg_of(one.position_side),
        )
        for one in read_list(body, Position, "positions")
    ]


def signed(amount: str, position_side: str) -> str:
    """Return an amount with the sign of its position."""
    if position_side == "SHORT" and not amount.startswith("-") and amount.strip("0."):
        return f"-{amount}"
    return amount


def leg_of(position_side: str) -> int:
    """Return +1 for the long of two positions, -1 for the short, 0 for the one that nets."""
    return {"LONG": 1, "SHORT": -1}.get(position_side, 0)


def read_balances(body: bytes) -> list[BalanceUpdate]:
    """Return what the account holds; assets that were never used are left out."""
    return [
        BalanceUpdate(one.asset, text_of(one.balance), text_of(one.available_margin))
        for one in read_list(body, Balance, "balances")
        if text_of(one.balance)
    ]


def read_fees(body: bytes) -> list[Fees]:
    """Return the account's fees, which hold for all contracts."""
    rates = read_data(body, Commission, "fees").commission
    try:
        maker, taker = rates["makerCommissionRate"], rates["takerCommissionRate"]
    except KeyError as trouble:
        raise MessageError(f"The answer holds no {trouble} - ask for the fees again.") from None
    return [Fees("", number_of(text_of(maker)), number_of(text_of(taker)))]


def read_rights(body: bytes) -> KeyRights:
    """Return what a key may do; what the answer does not say is not known."""
    try:
        whole = _body.decode(body)
        said = (
            msgspec.json.decode(body, type=Rights)
            if whole.code == 0 and not bytes(whole.data).startswith(b"{")
            else read_data(body, Rights, "rights")
        )
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise MessageError(f"The answer holds no rights ({trouble}) - ask again.") from None
    bound = said.ip_restrict
    if bound is None and said.ip_addresses is not None:
        bound = bool(said.ip_addresses)
    if said.permissions is None:
        return KeyRights(said.enable_futures, said.enable_withdrawals, bound)
    return KeyRights(_TRADES in said.permissions, _WITHDRAWS in said.permissions, bound)


def read_key(body: bytes) -> str:
    """Return a key of the private stream; raise MessageError where there is none."""
    try:
        key = msgspec.json.decode(body, type=Key).listen_key
    except (msgspec.MsgspecError, UnicodeDecodeError):
        key = ""
    if not key:
        raise MessageError(
            f"BingX gave no key for the private stream: {_shown(body)} - check the API key and "
            "its rights."
        )
    return key
