"""WEEX's signature: base64 of HMAC-SHA256 over time, method, path, query and body, in a header.

The query is signed as it is sent, without sorting; the private stream is signed in the headers of
its handshake, over time and path alone. Document: www.weex.com/api-doc/contract, Signature; it has
no worked example.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote, urlencode

from aggressor.venues.trading import Call, Credentials, Signed

AGENT = "aggressor"  # the handshake and the venue's wall want to be told a program


def signature_of(text: str, secret: str) -> str:
    """Return the signature of a text."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def sign(call: Call, credentials: Credentials, now_ms: int, host: str) -> Signed:
    """Return a call as it goes over the wire, `now_ms` by the venue's clock."""
    path = call.path
    if call.query:
        path += "?" + urlencode(call.query, quote_via=quote)
    headers = {"User-Agent": AGENT}
    if call.signed:
        text = f"{now_ms}{call.method}{path}{call.body.decode()}"
        headers |= access_headers(credentials, now_ms, text)
        headers["Content-Type"] = "application/json"
    return Signed(call.method, f"{host}{path}", headers, call.body)


def access_headers(credentials: Credentials, now_ms: int, text: str) -> dict[str, str]:
    """Return the headers that carry a key and the signature of a text."""
    return {
        "ACCESS-KEY": credentials.key,
        "ACCESS-SIGN": signature_of(text, credentials.secret),
        "ACCESS-TIMESTAMP": str(now_ms),
        "ACCESS-PASSPHRASE": credentials.passphrase,
    }
