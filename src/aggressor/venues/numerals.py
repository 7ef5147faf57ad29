"""Numbers of JSON as the venue wrote them: text out of a value that is bare or in quote marks.

A venue writes the same number as 30000, 30000.0 or "30000.0" from one endpoint to the next, and ids
beyond 2^53: a float would lose them. What has no number is "".
"""

import msgspec

NOTHING = msgspec.Raw(b"")

_ABSENT = (b"", b"null")


def text_of(value: msgspec.Raw) -> str:
    """Return a number or a string as its text, "" for null and for what is absent."""
    raw = bytes(value)
    if raw in _ABSENT:
        return ""
    if raw[0] == 34:
        return msgspec.json.decode(raw, type=str)
    return raw.decode()
