"""ccxt, REST and Pro, trades and watches at a local venue; run by `test_local_ccxt` on its own.

Reads the venue's document on standard input, with `id` (ccxt's name of the exchange) and `symbol`;
prints {call: "ok" or what went wrong}. Only scheme, host and port of ccxt's addresses are changed.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro as pro

SECONDS = 20


def moved(urls: Any, rest: str, sockets: str) -> Any:
    if isinstance(urls, dict):
        return {name: moved(one, rest, sockets) for name, one in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    parts = urlsplit(urls)
    base = sockets if parts.scheme in ("ws", "wss") else rest
    return base + parts.path + (f"?{parts.query}" if parts.query else "")


class Calls:
    def __init__(self, exchange: Any, symbol: str) -> None:
        self.x = exchange
        self.symbol = symbol
        self.said: dict[str, str] = {}
        self.more: list[str] = []  # further calls that this venue serves, of a symbol
        self.params: dict[str, dict[str, Any]] = {}  # by call: what this venue must be told

    async def do(self, name: str, call: Awaitable[Any], true: Any = None) -> Any:
        try:
            answer = await asyncio.wait_for(call, SECONDS)
            good = true is None or true(answer)
            self.said[name] = "ok" if good else f"unexpected: {str(answer)[:300]}"
        except Exception as trouble:
            self.said[name] = f"{type(trouble).__name__}: {str(trouble)[:300]}"
            return None
        return answer

    async def fails(self, name: str, call: Awaitable[Any], kind: str) -> None:
        try:
            answer = await asyncio.wait_for(call, SECONDS)
            self.said[name] = f"accepted: {str(answer)[:200]}"
        except Exception as trouble:
            kinds = [one.__name__ for one in type(trouble).__mro__]
            self.said[name] = "ok" if kind in kinds else f"{kinds[0]}: {str(trouble)[:300]}"


async def public(calls: Calls) -> tuple[float, float]:
    x, symbol = calls.x, calls.symbol
    await calls.do("load_markets", x.load_markets(), lambda all: symbol in all)
    watched = x.watch_order_book(symbol)
    await calls.do("watch_order_book", watched, lambda book: book["bids"] and book["asks"])
    for _ in range(20):
        book = await asyncio.wait_for(x.watch_order_book(symbol), SECONDS)
        assert book["bids"][0][0] < book["asks"][0][0]
    await calls.do("watch_trades", x.watch_trades(symbol), lambda found: found[-1]["price"] > 0)
    await calls.do("fetch_trades", x.fetch_trades(symbol), lambda found: len(found) > 0)
    await calls.do("fetch_funding_rate", x.fetch_funding_rate(symbol))
    await calls.do("fetch_funding_rate_history", x.fetch_funding_rate_history(symbol))
    rises = lambda rows: rows and all(low <= top for _, _, top, low, _, _ in rows)  # noqa: E731
    await calls.do("fetch_ohlcv", x.fetch_ohlcv(symbol, "1m"), rises)
    traded = lambda one: one["low"] <= one["last"] <= one["high"] and one["baseVolume"] > 0  # noqa: E731
    await calls.do("fetch_ticker", x.fetch_ticker(symbol), traded)
    book = await calls.do("fetch_order_book", x.fetch_order_book(symbol, 20))
    return book["bids"][0][0], book["asks"][0][0]


async def orders(calls: Calls, bid: float, size: float) -> None:
    x, symbol = calls.x, calls.symbol
    tick = x.market(symbol)["precision"]["price"]
    heard = asyncio.ensure_future(x.watch_orders(symbol))
    await asyncio.sleep(1.5)
    price = float(x.price_to_precision(symbol, bid - 500 * tick))
    made = await calls.do("create_limit", x.create_order(symbol, "limit", "buy", size, price))
    await calls.do("watch_orders", heard, lambda found: found[-1]["id"] == made["id"])
    lower = float(x.price_to_precision(symbol, bid - 600 * tick))
    edit = x.edit_order(made["id"], symbol, "limit", "buy", 2 * size, lower)
    edited = await calls.do("edit_order", edit) or made
    number = edited["id"] or made["id"]
    asked = x.fetch_order(number, symbol, calls.params.get("fetch_order", {}))
    await calls.do("fetch_order", asked, lambda one: one["price"] == lower)
    maker = {"postOnly": True}
    await calls.do("create_post_only", x.create_order(symbol, "limit", "buy", size, price, maker))
    await calls.do("fetch_open_orders", x.fetch_open_orders(symbol), lambda all: len(all) == 2)
    await calls.do("cancel_order", x.cancel_order(number, symbol))
    await calls.do("cancel_all_orders", x.cancel_all_orders(symbol))
    await calls.do("no_open_orders", x.fetch_open_orders(symbol), lambda all: not all)
    await calls.fails("cancel_unknown", x.cancel_order(number, symbol), "ExchangeError")


async def account(calls: Calls, bid: float, ask: float, size: float) -> None:
    x, symbol = calls.x, calls.symbol
    tick = x.market(symbol)["precision"]["price"]
    await calls.do("fetch_balance", x.fetch_balance(), lambda one: sum(one["total"].values()) > 0)
    await calls.do("set_leverage", x.set_leverage(10, symbol, calls.params.get("leverage", {})))
    heard = asyncio.ensure_future(x.watch_my_trades(symbol))
    await asyncio.sleep(1.5)
    await calls.do("create_market", x.create_order(symbol, "market", "buy", size, ask))
    await calls.do("watch_my_trades", heard, lambda found: found[-1]["fee"]["cost"] > 0)
    held = lambda all: [one["contracts"] for one in all if one["side"] == "long"] == [size]  # noqa: E731
    await calls.do("fetch_positions", x.fetch_positions([symbol]), held)
    await calls.do("fetch_my_trades", x.fetch_my_trades(symbol), lambda found: len(found) >= 1)
    reduce = {"reduceOnly": True}
    low = float(x.price_to_precision(symbol, bid - 400 * tick))
    high = float(x.price_to_precision(symbol, ask + 400 * tick))
    for name, param, trigger in (
        ("create_stop", "stopLossPrice", low),
        ("create_take_profit", "takeProfitPrice", high),
    ):
        said = calls.params.get(name, {})  # where a venue's stops are not ccxt's unified ones
        params = reduce | said | {"triggerPrice" if said else param: trigger}
        await calls.do(name, x.create_order(symbol, "market", "sell", size, None, params))
    await calls.do(
        "fetch_open_stops",
        x.fetch_open_orders(symbol, params={"trigger": True}),
        lambda all: len(all) == 2,
    )
    all_stops = calls.params.get("cancel_all_stops", {"trigger": True})
    await calls.do("cancel_all_stops", x.cancel_all_orders(symbol, all_stops))
    none = x.fetch_open_orders(symbol, params={"trigger": True})
    await calls.do("no_open_stops", none, lambda all: not all)
    await calls.do("close", x.create_order(symbol, "market", "sell", size, bid, reduce))
    for name in calls.more:
        await calls.do(name, getattr(x, name)(symbol), lambda found: len(found) > 0)
    await calls.fails(
        "no_margin",
        x.create_order(symbol, "limit", "buy", 1000 * size, bid),
        "ExchangeError",
    )


async def main(document: dict[str, Any]) -> dict[str, str]:
    exchange = getattr(pro, document["id"])(
        {
            "apiKey": document["api_key"],
            "secret": document["api_secret"],
            "password": document["passphrase"],
            "options": {"fetchCurrencies": False, **document.get("options", {})},
        }
    )
    urls = exchange.urls["api"]
    exchange.urls["api"] = moved(urls, document["rest"], document["ws"])
    calls = Calls(exchange, document["symbol"])
    calls.params = document.get("params", {})
    calls.more = document.get("more", [])
    try:
        bid, ask = await public(calls)
        await orders(calls, bid, document["size"])
        await account(calls, bid, ask, document["size"])
    finally:
        await exchange.close()
    return calls.said


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.loads(sys.stdin.readline())))))
