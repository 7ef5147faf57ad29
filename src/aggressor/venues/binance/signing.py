"""Binance's signature: HMAC-SHA256 of the parameters as they are sent, in lower-case hex.

Parameters travel in the query of GET and DELETE and in the form body of POST and PUT, `timestamp`
first, the signature last, of exactly the bytes before it. A key-only call (listen key) is not
signed. Document: General Info, "SIGNED endpoint security"; read 2026-05-28.
"""

import hashlib
import hmac
from urllib.parse import urlencode

from aggressor.venues.trading import Call, Credentials, Signed

RECV_WINDOW_MS = 5000

_SPOT_HOST = "https://api.binance.com"  # where the rights of a key are told
_HOSTS = ("https://fapi.binance.com", "https://dapi.binance.com")
_FORM = "application/x-www-form-urlencoded"


def signature(secret: str, text: str) -> str:
    """Return the signature of the parameters `text`."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sign(call: Call, credentials: Credentials, now_ms: int, host: str) -> Signed:
    """Return what goes over the wire. Elsewhere than at Binance one host has all paths."""
    if call.path.startswith("/sapi/") and host in _HOSTS:
        host = _SPOT_HOST
    headers = {"X-MBX-APIKEY": credentials.key}
    if not call.signed:
        return _carry(call, host, headers, urlencode(call.query))
    parameters = (
        ("timestamp", str(now_ms)),
        *call.query,
        ("recvWindow", str(RECV_WINDOW_MS)),
    )
    text = urlencode(parameters)
    return _carry(call, host, headers, f"{text}&signature={signature(credentials.secret, text)}")


def _carry(call: Call, host: str, headers: dict[str, str], text: str) -> Signed:
    """Put parameters where the method has them."""
    url = host + call.path
    if call.method in ("GET", "DELETE"):
        return Signed(call.method, f"{url}?{text}" if text else url, headers, b"")
    return Signed(call.method, url, headers | {"Content-Type": _FORM}, text.encode())
