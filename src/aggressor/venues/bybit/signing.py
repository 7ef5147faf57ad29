"""Bybit's signatures: HMAC-SHA256 in lower-case hex over the bytes exactly as they are sent.

    answer-and-request   time in ms + key + window + (query of a GET | body of a POST)
    private stream       "GET/realtime" + time in ms until which the login holds

The venue takes a request from `window` before its clock to 1 s behind it, so a clock that is ahead
fails first. Documents: B:guide (authentication), B:ws/connect.
"""

import hashlib
import hmac
from urllib.parse import quote, urlencode

import msgspec

from aggressor.venues.trading import Call, Credentials, Signed

WINDOW_MS = 5_000
LOGIN_MS = 10_000  # one second ahead is refused in practice


def seal(secret: str, text: bytes) -> str:
    """Return the signature of a text."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def sign(call: Call, credentials: Credentials, now_ms: int, host: str) -> Signed:
    """Return what goes over the wire for a call at `now_ms` of the venue's clock."""
    query = urlencode(call.query, quote_via=quote, safe="")
    url = f"{host}{call.path}?{query}" if query else f"{host}{call.path}"
    headers = {"Content-Type": "application/json"} if call.method == "POST" else {}
    if call.signed:
        payload = call.body if call.method == "POST" else query.encode()
        head = f"{now_ms}{credentials.key}{WINDOW_MS}".encode()
        headers |= {
            "X-BAPI-API-KEY": credentials.key,
            "X-BAPI-TIMESTAMP": str(now_ms),
            "X-BAPI-RECV-WINDOW": str(WINDOW_MS),
            "X-BAPI-SIGN": seal(credentials.secret, head + payload),
        }
    return Signed(call.method, url, headers, call.body)


def login(credentials: Credentials, now_ms: int) -> bytes:
    """Return the login of a private stream at `now_ms` of the venue's clock."""
    until = now_ms + LOGIN_MS
    signature = seal(credentials.secret, f"GET/realtime{until}".encode())
    args = [credentials.key, until, signature]
    return msgspec.json.encode({"req_id": "auth", "op": "auth", "args": args})
