"""What ccxt would send: its clock stopped, its socket taken away, its calls caught.

ccxt is no dependency, only a second opinion, in the environment that `make test` makes for it or in
that of the Python which AGGRESSOR_CCXT_PYTHON names; where it is in neither the comparisons skip.
`sent` takes a request where the socket would begin; `asked` takes a call before it is signed, for
venues where ccxt and we name the same parameters in another way.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggressor.venues.trading import Credentials, Signed

NOW_MS = 1_700_000_000_000
CREDENTIALS = Credentials("testKey", "testSecret")


class Asked(NamedTuple):
    """A call of ccxt before it is signed."""

    path: str
    api: Any
    method: str
    params: dict[str, Any]


class _CaughtError(Exception):
    """Ends a call of ccxt where its socket would begin."""


def ccxt_python() -> str:
    """Return the Python beside which ccxt is installed; skip where there is none."""
    made = Path(__file__).parents[2] / ".venv-ccxt"
    python = str(made / "bin" / "python") if (made / ".ready").exists() else ""
    python = os.environ.get("AGGRESSOR_CCXT_PYTHON", python)
    if not python:
        pytest.skip("no ccxt here: `make test` sets it up, or AGGRESSOR_CCXT_PYTHON names it")
    return python


@cache
def _look_there(python: str) -> None:
    """Let imports also be found where that Python finds them, behind all of our own."""
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    sys.path.append(subprocess.run(asked, capture_output=True, text=True, check=True).stdout[:-1])


def ccxt_or_skip() -> Any:
    """Return the module ccxt."""
    _look_there(ccxt_python())
    return import_module("ccxt")


def _at_rest(name: str, keys: dict[str, Any]) -> Any:
    ccxt = ccxt_or_skip()
    one = getattr(ccxt, name)({**keys, "enableRateLimit": False})
    one.nonce = one.milliseconds = lambda: NOW_MS
    return one


def client(name: str, markets: list[dict[str, Any]], **more: Any) -> Any:
    """Return an exchange of ccxt with its markets parsed from the venue's rows."""
    one = _at_rest(name, {"apiKey": CREDENTIALS.key, "secret": CREDENTIALS.secret, **more})
    one.set_markets([one.parse_market(row) for row in markets])
    return one


def exchange(name: str, answers: dict[str, Any], **options: Any) -> Any:
    """Return an exchange of ccxt that knows its markets from `answers` (part of URL -> body)."""
    one = _at_rest(name, {"apiKey": CREDENTIALS.key, "secret": CREDENTIALS.secret})
    one.options.update(options)
    one.sent = []

    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        for part, answer in answers.items():
            if part in url:
                return json.loads(json.dumps(answer))
        one.sent.append((method, url, dict(headers or {}), body))
        raise _CaughtError

    one.fetch = fetch
    one.load_markets()
    return one


def sent(one: Any, call: Callable[[], Any]) -> Signed:
    """Return the one request that a call of ccxt sends first."""
    one.sent.clear()
    with pytest.raises(_CaughtError):
        call()
    method, url, headers, body = one.sent[0]
    return Signed(method, url, headers, (body or "").encode())


def asked(one: Any, call: Callable[[Any], Any]) -> Asked:
    """Return what a call of ccxt asks for."""
    seen: list[Asked] = []

    def request(path: str, api: Any, method: str, params: dict[str, Any], **_: Any) -> None:
        seen.append(Asked(path, api, method, dict(params)))
        raise _CaughtError

    one.request = request
    try:
        with pytest.raises(_CaughtError):
            call(one)
    finally:
        del one.request
    (only,) = seen
    return only


def signed(one: Any, call: Asked, renamed: dict[str, str] | None = None) -> dict[str, Any]:
    """Return ccxt's own signature of a call: url, method, headers, body."""
    names = renamed or {}
    params = {names.get(name, name): value for name, value in call.params.items()}
    return one.sign(call.path, call.api, call.method, params)
