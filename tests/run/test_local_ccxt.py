"""ccxt against the local venue: a third party's client finds nothing amiss.

It runs in a process and an environment of its own (`ccxt_peer`).
"""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.run.venue_stage import MONEY, serving
from tests.venues.ccxt_peer import ccxt_python

BYBIT: dict[str, Any] = {
    "id": "bybit",
    "options": {"defaultType": "swap", "fetchMarkets": {"types": ["linear", "inverse"]}},
    "params": {"fetch_order": {"acknowledged": True}},  # ccxt asks whether we know its limits
}
MEXC: dict[str, Any] = {
    "id": "mexc",
    "symbol": "BTC/USDT:USDT",
    "size": 500,
    "options": {"defaultType": "swap"},
    "params": {
        "leverage": {"openType": 2, "positionType": 1},
        "create_stop": {"triggerType": 2},  # at or below
        "create_take_profit": {"triggerType": 1},
        "cancel_all_stops": {"method": "contractPrivatePostPlanorderCancelAll"},
    },
    "more": [
        *("fetch_orders", "fetch_closed_orders", "fetch_canceled_orders", "fetch_leverage"),
        *("fetch_position_mode", "fetch_mark_ohlcv", "watch_ticker", "watch_ohlcv"),
    ],
}
BINGX: dict[str, Any] = {
    "id": "bingx",
    "options": {"defaultType": "swap"},
    "params": {"leverage": {"side": "BOTH"}},
}
WEEX: dict[str, Any] = {"id": "weex", "options": {"defaultType": "swap"}}
IDS: dict[str, dict[str, Any]] = {
    "bingx": BINGX | {"symbol": "BTC/USDT:USDT", "size": 0.05},
    "binance-usdm": {"id": "binanceusdm", "symbol": "BTC/USDT:USDT", "size": 0.05},
    "binance-coinm": {"id": "binancecoinm", "symbol": "BTC/USD:BTC", "size": 50},
    "bybit-linear": BYBIT | {"symbol": "BTC/USDT:USDT", "size": 0.05},
    "bybit-inverse": BYBIT | {"symbol": "BTC/USD:BTC", "size": 5000},
    "mexc": MEXC,
    "weex": WEEX | {"symbol": "BTC/USDT:USDT", "size": 0.05},
}
DEPOSITS = {"binance-coinm": 1, "bybit-inverse": 1}


@pytest.mark.parametrize("name", sorted(IDS))
def test_ccxt_watches_and_trades(name: str) -> None:
    python = ccxt_python()

    async def play() -> dict[str, str]:
        deposit = DEPOSITS.get(name, 10_000) * MONEY
        async with serving(name, deposit=deposit) as server:
            process = await asyncio.create_subprocess_exec(
                python,
                str(Path(__file__).parent / "ccxt_calls.py"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            )
            text = json.dumps(server.document | IDS[name]).encode() + b"\n"
            out, err = await asyncio.wait_for(process.communicate(text), 180)
            assert process.returncode == 0, err.decode()[-2000:]
            return json.loads(out)

    said = asyncio.run(play())
    assert {call: words for call, words in said.items() if words != "ok"} == {}
    assert len(said) >= 24
