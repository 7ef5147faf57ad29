"""BingX's signature: HMAC-SHA256 of the parameters as raw text, in hex, behind the parameters.

The venue checks the text in the order in which it came, and documents the order of the alphabet:
sorted text satisfies both. Values are signed as they are and encoded only for the URL. Every
parameter goes into the query, of POST and DELETE too. Document: bingx-api.github.io/docs-v3,
Signature, and its worked example of 2023.
"""

import hashlib
import hmac
from urllib.parse import quote, urlencode

from aggressor.venues.trading import Call, Credentials, Signed


def signature_of(text: str, secret: str) -> str:
    """Return the signature of a text of parameters."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def sign(call: Call, credentials: Credentials, now_ms: int, host: str) -> Signed:
    """Return a call as it goes over the wire, `now_ms` by the venue's clock."""
    assert not call.body, "BingX takes all parameters in the query"
    query = sorted([*call.query, ("timestamp", str(now_ms))])
    encoded = urlencode(query, quote_via=quote)
    headers = {}
    if call.signed:
        raw = "&".join(f"{name}={value}" for name, value in query)
        encoded += f"&signature={signature_of(raw, credentials.secret)}"
        headers["X-BX-APIKEY"] = credentials.key
    return Signed(call.method, f"{host}{call.path}?{encoded}", headers, b"")
