"""MEXC's answers to calls: what became of them, and its codes in our words, in one table.

Failures come with HTTP 200 and a code. What does not say whether the order lives is UNKNOWN: an
internal error, "busy", the generic failure, and "repeated request" (an earlier one may have been
taken). Document: error-code; read November 2026.
"""

import msgspec

from aggressor.schema import report
from aggressor.venues.trading import Answer, Verdict

_SECOND_NS = 1_000_000_000
_TOO_MANY_REQUESTS = 429
_FIREWALL = 403

_GOOD = (0, 200)
_THROTTLED = (510, 2037)
_BAD_CLOCK = (513,)
_UNKNOWN = (500, 501, 603, 9999)
_WAIT_NS = 2 * _SECOND_NS  # every limit is so long

_FORBIDDEN = (401, 402, 406, 506, 511, 602, 604, 701, 702, 703, 704, 801, 1000, 1002, 2019, 2024)
_BAD_FIELD = (600, 601, 1001, 1004, 2001, 2002, 2006, 2007, 2011, 2013, 2014, 2015, 2016, 2021)

REASONS = {
    **dict.fromkeys((*_FORBIDDEN, 2026, 2027, 6001, 6002, 6005), report.FORBIDDEN),
    **dict.fromkeys((*_BAD_FIELD, 2022, 2028, 2029, 2030, 2034, 4001), report.BAD_FIELD),
    **dict.fromkeys((3001, 3002, 3003, 3004, 5001, 5002, 5003, 5004), report.BAD_FIELD),
    **dict.fromkeys((6003, 6004), report.BAD_FIELD),
    **dict.fromkeys((2003, 2004, 2032, 2033), report.PRICE_BAND),
    **dict.fromkeys((1003, 2005, 2018, 2023, 2025, 2031, 2038), report.NO_MARGIN),
    **dict.fromkeys((2008, 2009), report.REDUCE_ONLY_EMPTY),
    **dict.fromkeys((2035,), report.NO_LIQUIDITY),
    **dict.fromkeys((2036,), report.TOO_MANY_ORDERS),
    **dict.fromkeys((2040, 2041), report.UNKNOWN_ORDER),
}


class _Body(msgspec.Struct, frozen=True):
    """{"success":true,"code":0,"data":{"orderId":"739113577038255616","ts":1761888808839}}."""

    success: bool = False
    code: int | str = 0
    message: str = ""
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    """{"orderId":101716841474621953,"errorCode":2040,"errorMsg":"order not exist"}."""

    order_id: int | str | None = None
    error_code: int | str = 0
    error_msg: str = ""


_body = msgspec.json.Decoder(_Body)
_item = msgspec.json.Decoder(_Item)
_items = msgspec.json.Decoder(list[_Item])
_plain_id = msgspec.json.Decoder(int | str)
_NOT_READ = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def answer(status: int, headers: dict[str, str], text: bytes) -> Answer:
    """Return what became of a call."""
    trouble, body = _opened(status, text)
    if body is None:
        return trouble
    raw = bytes(body.data)
    if raw[:1] == b"[":
        try:
            items = _items.decode(raw)
        except _NOT_READ:
            return Answer(Verdict.ACCEPTED)  # a question's list of something else
        return _judged(items[0]) if len(items) == 1 else Answer(Verdict.ACCEPTED)
    try:
        if raw[:1] == b"{":
            return _judged(_item.decode(raw))
        theirs = _plain_id.decode(raw) if raw not in (b"", b"null") else ""
    except _NOT_READ:
        theirs = ""
    return Answer(Verdict.ACCEPTED, venue_id=str(theirs))


def answers(status: int, headers: dict[str, str], text: bytes, count: int) -> list[Answer]:
    """Return what became of each of `count` orders of a batch."""
    trouble, body = _opened(status, text)
    if body is None:
        return [trouble] * count
    try:
        items = _items.decode(bytes(body.data))
    except _NOT_READ:
        items = []
    if len(items) == count:
        return [_judged(item) for item in items]
    return [Answer(Verdict.UNKNOWN, text="the answer has another number of orders")] * count


def _opened(status: int, text: bytes) -> tuple[Answer, _Body | None]:
    """Return the body of an answer that succeeded, else what became of its call."""
    try:
        body = _body.decode(text)
    except _NOT_READ:
        body = None
    words = text[:200].decode(errors="replace") if body is None else body.message or body.msg
    said = "" if body is None else str(body.code)
    if status in (_TOO_MANY_REQUESTS, _FIREWALL):
        wait = _WAIT_NS if status == _TOO_MANY_REQUESTS else 60 * _SECOND_NS
        return Answer(Verdict.THROTTLED, code=said, text=words, wait_ns=wait), None
    if body is None or status >= 500:
        refused = 400 <= status < 500 and status != 408
        return Answer(Verdict.REFUSED if refused else Verdict.UNKNOWN, code=said, text=words), None
    code = _code(body.code)
    if body.success and code in _GOOD:
        return Answer(Verdict.ACCEPTED), body
    return _refusal(code, words), None


def _refusal(code: int, words: str) -> Answer:
    said = str(code)
    if code in _THROTTLED:
        return Answer(Verdict.THROTTLED, code=said, text=words, wait_ns=_WAIT_NS)
    if code in _BAD_CLOCK:
        return Answer(Verdict.BAD_CLOCK, code=said, text=words)
    if code in _UNKNOWN or code in _GOOD:
        return Answer(Verdict.UNKNOWN, code=said, text=words)
    return Answer(Verdict.REFUSED, REASONS.get(code, report.NO_REASON), said, words)


def _judged(item: _Item) -> Answer:
    """Return what became of one order of an answer that succeeded as a whole."""
    code = _code(item.error_code)
    if code in _GOOD:
        return Answer(
            Verdict.ACCEPTED, venue_id="" if item.order_id is None else str(item.order_id)
        )
    return _refusal(code, item.error_msg)


def _code(code: int | str) -> int:
    """Return a code as a number; 9999, the generic failure, for one that is none."""
    try:
        return int(code)
    except ValueError:
        return 9999
