"""Numbers of JSON as the venue wrote them: text out of a value that is bare or in quote marks.

A venue writes the same number as 30000, 30000.0 or "30000.0" from one endpoint to the next, and ids
beyond 2^53: a float would lose them. What has no number is "".
"""

from decimal import Decimal, InvalidOperation

import msgspec

from aggressor.schema.errors import MessageError

NOTHING = msgspec.Raw(b"")

_ABSENT = (b"", b"null")
_QUOTE_MARK = 34
_EXPONENT_MAX = 40


def text_of(value: msgspec.Raw) -> str:
    """Return a number or a string as its text, "" for null and what is absent; MessageError."""
    raw = bytes(value)
    if raw in _ABSENT:
        return ""
    try:
        return msgspec.json.decode(raw, type=str) if raw[0] == _QUOTE_MARK else raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError) as trouble:
        raise MessageError(
            f"The venue writes {raw[:40]!r} where a text belongs ({trouble}) - the message was "
            "left out; check that it is of this venue."
        ) from None


def number_of(text: str) -> Decimal:
    """Return a text as a number that can be written out; raise MessageError."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _EXPONENT_MAX:
        raise MessageError(
            f"The venue writes {text[:40]!r} where a number belongs - the message was left out; "
            "check that it is of this venue."
        )
    return number
