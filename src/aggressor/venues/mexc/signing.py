"""MEXC's signature: HMAC-SHA256 of key, time and parameters, in lower-case hex, in headers.

Of a POST the body is signed as it is sent; of a GET its query, sorted by name. A path is not part
of it. Document: integration-guide, "Authentication method"; read November 2026.
"""

import hashlib
import hmac
from urllib.parse import urlencode

import msgspec

from aggressor.venues.trading import Call, Credentials, Signed


def signature(credentials: Credentials, time_ms: int, text: str) -> str:
    """Return the signature of the parameters `text`, "" for none."""
    whole = f"{credentials.key}{time_ms}{text}".encode()
    return hmac.new(credentials.secret.encode(), whole, hashlib.sha256).hexdigest()


def sign(call: Call, credentials: Credentials, now_ms: int, host: str) -> Signed:
    """Return what goes over the wire."""
    query = urlencode(sorted(call.query))
    text = call.body.decode() if call.method == "POST" else query
    headers = {
        "ApiKey": credentials.key,
        "Request-Time": str(now_ms),
        "Signature": signature(credentials, now_ms, text),
        "Content-Type": "application/json",
    }
    url = f"{host}{call.path}"
    return Signed(call.method, f"{url}?{query}" if query else url, headers, call.body)


def login(credentials: Credentials, now_ms: int) -> bytes:
    """Return the message that logs a private stream in."""
    parameters = {
        "apiKey": credentials.key,
        "reqTime": str(now_ms),
        "signature": signature(credentials, now_ms, ""),
    }
    return msgspec.json.encode({"method": "login", "param": parameters})
