"""What ccxt would send, without sending it: calls are caught before its signature.

ccxt is not a dependency: put it on PYTHONPATH to run the comparisons (install it
elsewhere).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

NOW_MS = 1_696_751_141_337


class Asked(NamedTuple):
    """A call of ccxt before it is signed."""

    path: str
    api: Any
    method: str
    params: dict[str, Any]


class _Caught(BaseException):
    pass


def client(name: str, markets: list[dict[str, Any]], **more: Any) -> Any:
    """Return a ccxt exchange with a fixed clock and its markets parsed from the venue's rows."""
    ccxt = pytest.importorskip("ccxt", reason="ccxt is not installed: its signing is not compared")
    made = getattr(ccxt, name)({"apiKey": "key", "secret": "testSecret", **more})
    made.milliseconds = lambda: NOW_MS
    made.nonce = lambda: NOW_MS
    made.set_markets([made.parse_market(row) for row in markets])
    return made


def asked(exchange: Any, call: Callable[[Any], Any]) -> Asked:
    """Return what a call of ccxt asks for."""
    seen: list[Asked] = []

    def request(path: str, api: Any, method: str, params: dict[str, Any], **_: Any) -> None:
        seen.append(Asked(path, api, method, dict(params)))
        raise _Caught

    exchange.request = request
    try:
        call(exchange)
    except _Caught:
        pass
    finally:
        del exchange.request
    (one,) = seen
    return one


def signed(exchange: Any, call: Asked, renamed: dict[str, str] | None = None) -> dict[str, Any]:
    """Return ccxt's own signature of a call: url, method, headers, body."""
    names = renamed or {}
    params = {names.get(name, name): value for name, value in call.params.items()}
    return exchange.sign(call.path, call.api, call.method, params)
