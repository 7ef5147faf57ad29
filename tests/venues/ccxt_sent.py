"""What ccxt would send, with its clock stopped and its socket taken away."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from aggressor.venues.trading import Credentials, Signed

NOW_MS = 1_700_000_000_000
CREDENTIALS = Credentials("testKey", "testSecret")


class _SentError(Exception):
    """Ends a call of ccxt where its socket would begin."""


def exchange(name: str, answers: dict[str, Any], **options: Any) -> Any:
    """Return an exchange of ccxt that knows its markets from `answers` (part of URL -> body).

    Skips the test where ccxt is not installed: it is no dependency, only a second opinion.
    """
    ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed: nothing to compare with")
    one = getattr(ccxt, name)({"apiKey": CREDENTIALS.key, "secret": CREDENTIALS.secret})
    one.options.update(options)
    one.nonce = one.milliseconds = lambda: NOW_MS
    one.enableRateLimit = False
    one.sent = []

    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        for part, answer in answers.items():
            if part in url:
                return json.loads(json.dumps(answer))
        one.sent.append((method, url, dict(headers or {}), body))
        raise _SentError

    one.fetch = fetch
    one.load_markets()
    return one


def sent(one: Any, call: Callable[[], Any]) -> Signed:
    """Return the one request that a call of ccxt sends first."""
    one.sent.clear()
    with pytest.raises(_SentError):
        call()
    method, url, headers, body = one.sent[0]
    return Signed(method, url, headers, (body or "").encode())
