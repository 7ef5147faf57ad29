"""Binance's answers to calls: what became of them, and its codes in our words, in one table.

An order is known to be refused only where the venue says so by a code. What it does not know itself
(-1006, -1007, 503 "Unknown error ...", 408, any other 5xx) is UNKNOWN: ask by our id. So is -4116
(our id is in use): the order of that id lives. Document: Error Code, General Info; read 2026-05-28.
"""

import re
from email.utils import parsedate_to_datetime

import msgspec

from aggressor.schema import report
from aggressor.venues.trading import Answer, Verdict

_SECOND_NS = 1_000_000_000
_TOO_MANY_REQUESTS = 429
_BANNED = 418
_FIREWALL = 403
_TIME_OUT = 408

_WAIT_NS = {
    _TOO_MANY_REQUESTS: 60 * _SECOND_NS,
    _BANNED: 120 * _SECOND_NS,
    _FIREWALL: 60 * _SECOND_NS,
}
_LATER_NS = _SECOND_NS

_THROTTLED = {
    -1001: _LATER_NS,
    -1003: 60 * _SECOND_NS,
    -1008: _LATER_NS,
    -1015: 10 * _SECOND_NS,
}
_UNKNOWN = (-1000, -1006, -1007, -4116)
_BAD_CLOCK = (-1021, -5028)
_ALREADY_SO = (-4046, -4059)  # margin type, position mode: no need to change

REASONS = {
    **dict.fromkeys((-5022,), report.WOULD_CROSS),
    **dict.fromkeys((-2011, -2013), report.UNKNOWN_ORDER),
    **dict.fromkeys((-2022, -4118), report.REDUCE_ONLY_EMPTY),
    **dict.fromkeys((-2020, -5021), report.NO_LIQUIDITY),
    **dict.fromkeys((-2025, -4045, -5026), report.TOO_MANY_ORDERS),
    **dict.fromkeys((-2018, -2019, -2027, -2028, -4050, -4051), report.NO_MARGIN),
    **dict.fromkeys((-4016, -4024, -4131), report.PRICE_BAND),
    **dict.fromkeys((-1002, -1022, -2014, -2015, -4400), report.FORBIDDEN),
    **dict.fromkeys((-4047, -4048, -4067, -4068), report.FORBIDDEN),
    **dict.fromkeys((-1102, -1111, -1116, -1121, -1125, -2021, -4003, -4004), report.BAD_FIELD),
    **dict.fromkeys((-4005, -4014, -4015, -4023, -4028, -4061, -4120), report.BAD_FIELD),
    **dict.fromkeys((-4164, -5025, -5027, -5029), report.BAD_FIELD),
}

_UNTIL = re.compile(r"banned until (\d{13})")


class _Body(msgspec.Struct, frozen=True):
    """{"code":-2019,"msg":"Margin is insufficient."}, {"orderId":22542179,...}, {"algoId":...}."""

    code: int | str | None = None
    msg: str = ""
    order_id: int | str | None = msgspec.field(default=None, name="orderId")
    algo_id: int | str | None = msgspec.field(default=None, name="algoId")


_body = msgspec.json.Decoder(_Body)
_bodies = msgspec.json.Decoder(list[_Body])


def answer(status: int, headers: dict[str, str], text: bytes) -> Answer:
    """Return what became of a call."""
    try:
        body = _body.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        listed = 200 <= status < 300 and text.lstrip()[:1] == b"["  # questions answer so
        body = _Body() if listed else None
    words = body.msg if body is not None else text[:200].decode(errors="replace")
    code = _code(body)
    if status in _WAIT_NS:
        wait = _wait(status, headers, words)
        return Answer(Verdict.THROTTLED, report.NO_REASON, _said(code), words, wait_ns=wait)
    if status == _TIME_OUT or status >= 500:
        return _outage(code, words)
    if body is None:
        refused = 400 <= status < 500
        return Answer(Verdict.REFUSED if refused else Verdict.UNKNOWN, text=words)
    return _judged(body)


def answers(status: int, headers: dict[str, str], text: bytes, count: int) -> list[Answer]:
    """Return what became of each of `count` orders of a batch."""
    if not 200 <= status < 300:
        return [answer(status, headers, text)] * count
    try:
        bodies = _bodies.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [answer(status, headers, text)] * count
    if len(bodies) == count:
        return [_judged(body) for body in bodies]
    return [Answer(Verdict.UNKNOWN, text="the answer has another number of orders")] * count


def _judged(body: _Body) -> Answer:
    """Return what a body says that came with an ordinary status."""
    code = _code(body)
    theirs = body.order_id if body.order_id is not None else body.algo_id
    if code is None or code >= 0:
        return Answer(Verdict.ACCEPTED, venue_id="" if theirs is None else str(theirs))
    said = _said(code)
    if code in _ALREADY_SO:
        return Answer(Verdict.ACCEPTED, code=said, text=body.msg)
    if code in _THROTTLED:
        wait = _THROTTLED[code]
        return Answer(Verdict.THROTTLED, report.NO_REASON, said, body.msg, wait_ns=wait)
    if code in _BAD_CLOCK:
        return Answer(Verdict.BAD_CLOCK, code=said, text=body.msg)
    if code in _UNKNOWN:
        return Answer(Verdict.UNKNOWN, code=said, text=body.msg)
    return Answer(Verdict.REFUSED, REASONS.get(code, report.NO_REASON), said, body.msg)


def _outage(code: int | None, words: str) -> Answer:
    """Tell an outage that applied nothing from one that may have."""
    said = _said(code)
    nothing = ("Service Unavailable", "Internal error; unable to process")
    if code == -1008 or words.startswith(nothing):
        return Answer(Verdict.THROTTLED, report.NO_REASON, said, words, wait_ns=_LATER_NS)
    return Answer(Verdict.UNKNOWN, report.NO_REASON, said, words)


def _code(body: _Body | None) -> int | None:
    try:
        return None if body is None or body.code is None else int(body.code)
    except ValueError:
        return None


def _said(code: int | None) -> str:
    return "" if code is None else str(code)


def _wait(status: int, headers: dict[str, str], words: str) -> int:
    """Return how long to stay away: as the venue says, else what its limits make certain."""
    lower = {name.lower(): value for name, value in headers.items()}
    after = lower.get("retry-after", "")
    if after.isdigit():
        return max(int(after), 1) * _SECOND_NS
    until = _UNTIL.search(words)
    try:
        now_ms = int(parsedate_to_datetime(lower["date"]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        now_ms = 0
    if until and now_ms:
        return max(int(until.group(1)) - now_ms, 1000) * 1_000_000
    return _WAIT_NS[status]
