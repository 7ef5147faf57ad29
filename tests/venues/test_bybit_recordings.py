"""Bybit's recordings and other people's fixtures through the live code path."""

import io
import json
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from aggressor.market.book import book_state, lots_at, run_book
from aggressor.schema.event import (
    ASK,
    BID,
    BUY,
    KIND_NAMES,
    LAST,
    LIQUIDATION,
    SELL,
    TRADE,
    Events,
    empty_events,
)
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.schema.report import ACK, CANCELED, FILL
from aggressor.venues.session import ControlKind
from aggressor.venues.trading import (
    BalanceUpdate,
    FillUpdate,
    OrderUpdate,
    PositionUpdate,
    TradingVenue,
    Update,
)
from aggressor.venues.venue import DONE, MarketDecoder
from tests.recordings import recording
from tests.venues.bybit_samples import INVERSE, LINEAR, decode, rows

pytestmark = pytest.mark.recording

SESSION = "sessions/bybit_v5_20260809.jsonl.zst"
NET = "fixtures/Bybit.Net_futures_fixtures.tar.zst"
ADAPTER = "fixtures/adapter_fixtures_binance_bybit_json.tar.zst"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


@cache
def _session() -> tuple[tuple[dict[str, Any], ...], tuple[Instrument, ...]]:
    """Return the records of the linear connection and the instruments they are about."""
    records = [json.loads(line) for line in _unpacked(recording(SESSION)).splitlines()]
    listed = next(one["data"] for one in records if "category=linear" in one.get("url", ""))
    found = {one.symbol: one for one in LINEAR.instruments(listed.encode(), 0)}
    linear = tuple(one for one in records if one.get("conn") == "BYBIT.ws.2")
    return linear, tuple(found[symbol] for symbol in SYMBOLS)


def _frames() -> Iterator[tuple[int, bytes]]:
    for record in _session()[0]:
        if record["t"] == "recv":
            yield int(Decimal(repr(record["ts"])) * 10**9), record["data"].encode()


def _decoder() -> MarketDecoder:
    return LINEAR.market_decoder([(one, k) for k, one in enumerate(_session()[1])])


@cache
def _decoded() -> tuple[MarketDecoder, Events]:
    one = _decoder()
    return one, np.concatenate([decode(one, frame, ns) for ns, frame in _frames()])


def test_the_session_decodes_whole_and_its_ids_have_no_hole() -> None:
    one, events = _decoded()
    counts = one.counts
    assert (counts["messages"], counts["lines_bad"], counts["unknown_symbols"]) == (2546, 0, 0)
    assert (counts["gaps"], counts["dropped"], counts["snapshots"]) == (0, 0, 4)
    assert (counts["applied"], counts["trades"], counts["trades_dropped"]) == (1594, 327, 0)
    assert one.ignored == {"control": 17, "kline": 71, "ticker without news": 651}
    kinds = Counter(KIND_NAMES[int(kind)] for kind in events["kind"])
    assert kinds == {
        "level": 17_734,
        "trade": 327,
        "mark": 89,
        "interest": 20,
        "funding": 6,
        "clear": 4,
    }


def test_the_sessions_book_never_crosses_and_holds_its_depth() -> None:
    _, events = _decoded()
    book = book_state(len(SYMBOLS))
    at = 0
    for end in np.flatnonzero(events["flags"] & LAST) + 1:
        at = run_book(events, at, int(end), book)
        assert at == end
        heads = book.head[book.head["messages"] > 0]
        assert not heads["crossed"].any()
        assert heads["valid"].all()
        assert (heads["bid_levels"] <= 200).all()
        assert (heads["ask_levels"] <= 200).all()
    assert at == len(events)
    assert not book.head["crossings"].any()


def test_the_sessions_last_book_is_that_of_a_dictionary() -> None:
    _, events = _decoded()
    book = book_state(len(SYMBOLS))
    run_book(events, 0, len(events), book)
    for k, instrument in enumerate(_session()[1]):
        for side, key in ((BID, "b"), (ASK, "a")):
            plain = _plain_side(instrument, key)
            assert len(plain) == 200
            held = {price: int(lots_at(book, k, side, price)) for price in plain}
            assert held == plain
        assert book.head[k]["bid_levels"] == book.head[k]["ask_levels"] == 200


def _plain_side(instrument: Instrument, key: str) -> dict[int, int]:
    plain: dict[int, int] = {}
    for _, frame in _frames():
        message = json.loads(frame)
        if message.get("topic") != f"orderbook.200.{instrument.symbol}":
            continue
        if message["type"] == "snapshot":
            plain.clear()
        for price, size in message["data"][key]:
            plain[instrument.ticks(price)] = instrument.lots(size)
    return {price: lots for price, lots in plain.items() if lots}


def test_the_sessions_trades_say_the_aggressor() -> None:
    _, events = _decoded()
    told = events[events["kind"] == TRADE]
    sides = Counter()
    for _, frame in _frames():
        message = json.loads(frame)
        if message.get("topic", "").startswith("publicTrade"):
            sides.update(one["S"] for one in message["data"])
    assert Counter(int(side) for side in told["side"]) == {BUY: sides["Buy"], SELL: sides["Sell"]}


@pytest.mark.parametrize("cut", [1, 40, 700, 2000])
def test_two_halves_of_the_session_are_the_whole(cut: int) -> None:
    frames = list(_frames())
    first, second = _decoder(), _decoder()
    told = [decode(first, frame, ns) for ns, frame in frames[:cut]]
    second.resume(json.loads(json.dumps(first.state())))
    told += [decode(second, frame, ns) for ns, frame in frames[cut:]]
    assert np.array_equal(np.concatenate(told), _decoded()[1])


def test_the_session_as_lines_is_the_session() -> None:
    text = b"".join(b"%d %s\n" % line for line in _frames())
    one, out = _decoder(), empty_events(1 << 16)
    progress = one.decode_lines(np.frombuffer(text, np.uint8), 0, len(text), out)
    assert (progress.reason, progress.lines) == (DONE, 2546)
    assert np.array_equal(out[: progress.rows], _decoded()[1])


def test_every_frame_is_data_or_a_word_about_the_connection() -> None:
    words = Counter(
        word.kind for _, frame in _frames() if (word := LINEAR.control(frame)) is not None
    )
    assert words == {ControlKind.ACK: 17}


def test_our_subscription_asks_for_the_sessions_topics() -> None:
    asked = {
        topic
        for record in _session()[0]
        if record["t"] == "send"
        for topic in json.loads(record["data"])["args"]
    }
    (one,) = LINEAR.subscribe(_session()[1])
    ours = {topic for message in one.messages for topic in json.loads(message)["args"]}
    assert {topic for topic in asked if not topic.startswith("kline")} < ours
    assert {topic.split(".")[0] for topic in ours - asked} == {"orderbook"}  # level 1


def test_all_instruments_of_the_session_have_a_grid() -> None:
    records = [json.loads(line) for line in _unpacked(recording(SESSION)).splitlines()]
    listed = next(one["data"] for one in records if "category=linear" in one.get("url", ""))
    found = LINEAR.instruments(listed.encode(), 0)
    assert len(found) == len(json.loads(listed)["result"]["list"]) == 800
    assert {one.kind for one in found} == {ContractKind.LINEAR}
    assert {one.settle for one in found} == {"USDT", "USDC"}


# ---- the archive of ob500 ----


def test_the_archive_of_books_decodes_without_a_hole() -> None:
    with zipfile.ZipFile(recording("fixtures/xrpusdt-ob500.data.zip")) as archive:
        (name,) = archive.namelist()
        lines = archive.read(name).splitlines()
    xrp = Instrument(
        venue="bybit-linear",
        symbol="XRPUSDT",
        kind=ContractKind.LINEAR,
        tick=Decimal("0.0001"),
        lot=Decimal(1),
    )
    one = LINEAR.market_decoder([(xrp, 0)])
    events = np.concatenate([decode(one, line, ns) for ns, line in enumerate(lines)])
    assert (one.counts["gaps"], one.counts["snapshots"]) == (0, 1)
    assert one.counts["applied"] == len(lines) - 1 == 49
    book = book_state(1)
    assert run_book(events, 0, len(events), book) == len(events)
    head = book.head[0]
    assert (head["valid"], head["crossings"]) == (1, 0)
    assert (head["bid_levels"], head["ask_levels"]) == (500, 500)


# ---- single frames ----


def test_live_frames() -> None:
    lines = recording("fixtures/live_frames.jsonl").read_text().splitlines()
    frames = [one for one in map(json.loads, lines) if one["venue"] == "bybit"]
    assert len(frames) == 5
    sides = []
    for one in frames:
        body = json.loads(one["frame"])
        data = body["data"][0]["s"] if isinstance(body["data"], list) else body["data"]["symbol"]
        coin = Instrument(
            venue="bybit-linear",
            symbol=data,
            kind=ContractKind.LINEAR,
            tick=Decimal("0.01"),
            lot=Decimal("0.001"),
        )
        decoder = LINEAR.market_decoder([(coin, 0)])
        told = decode(decoder, one["frame"].encode())
        sides += [int(row["side"]) for row in told if row["kind"] == LIQUIDATION]
        assert len(told) or decoder.ignored == {"ticker without news": 1}
    assert sides == [SELL, SELL, SELL, BUY]  # three longs died, then a short


@cache
def _archive(name: str) -> dict[str, bytes]:
    """Return the texts of an archive by the last part of their name."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(_unpacked(recording(name)))) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member)
            if file is not None and "bybit" in member.name.lower():
                found["/".join(Path(member.name).parts[-2:])] = file.read()
    return found


def _net(name: str) -> tuple[list[bytes], bytes]:
    """Return the acknowledgements and the message, or the answer, of a sample of Bybit.Net."""
    text = _archive(NET)[name].decode("utf-8-sig").replace("\r", "")
    acknowledged = [line[1:].strip().encode() for line in text.split("\n") if line[:1] == "<"]
    body = re.split(r"^=\s*", text, maxsplit=1, flags=re.M)[-1]
    return acknowledged, body[body.index("{") :].encode()


def _adapter(name: str) -> bytes:
    return _archive(ADAPTER)[f"test_data/{name}.json"]


def _any(symbol: str, venue: Any = LINEAR) -> MarketDecoder:
    coin = Instrument(
        venue=venue.name,
        symbol=symbol,
        kind=venue.kind,
        tick=Decimal("0.01"),
        lot=Decimal("0.00001"),
    )
    return venue.market_decoder([(coin, 0)])


def _compact(text: bytes) -> bytes:
    return json.dumps(json.loads(text)).encode()


@pytest.mark.parametrize(
    ("name", "symbol", "kinds"),
    [
        ("Linear/Trades.txt", "BTCUSDT", ["trade"]),
        ("Linear/Ticker.txt", "BTCUSDT", ["mark", "funding", "interest"]),
        ("Linear/Liquidations.txt", "ETHUSDT", ["liquidation"]),
    ],
)
def test_market_samples_of_bybit_net(name: str, symbol: str, kinds: list[str]) -> None:
    acknowledged, message = _net(name)
    for word in acknowledged:
        control = LINEAR.control(word)
        assert control is not None
        assert control.kind is ControlKind.ACK
    for form in (message, _compact(message)):
        told = decode(_any(symbol), form)
        assert [KIND_NAMES[int(kind)] for kind in told["kind"]] == kinds


def _private(name: str, category: str = "linear") -> list[Update]:
    acknowledged, message = _net(name)
    words = [LINEAR.control(word) for word in acknowledged]
    assert [word.kind for word in words if word] == [ControlKind.LOGGED_IN, ControlKind.ACK]
    trading = LINEAR.trading if category == "linear" else INVERSE.trading
    assert trading is not None
    return list(trading.decode_private(message))


def test_private_samples_of_bybit_net() -> None:
    (fill,) = _private("Private/UserTrades.txt")
    assert isinstance(fill, FillUpdate)
    assert (fill.symbol, fill.side, fill.price, fill.fee) == ("XRPUSDT", SELL, "0.3374", "0.005061")
    (position,) = _private("Private/Position.txt")
    assert isinstance(position, PositionUpdate)
    assert (position.symbol, position.size, position.leg) == ("BTCUSDT", "0", -1)
    (balance,) = _private("Private/Balance.txt")
    assert balance == BalanceUpdate("BTC", "0.00102964", "0.00102964", 1_700_034_722_104_000_000)
    assert _private("Private/Order.txt") == []  # an option's
    assert _private("Private/Position.txt", "inverse") == []
    assert _private("Private/MinimalUserTrades.txt") == []
    assert _private("Private/Greeks.txt") == []


def _trading() -> TradingVenue:
    assert LINEAR.trading is not None
    return LINEAR.trading


def test_answers_of_bybit_net() -> None:
    trading = _trading()
    (order,) = trading.read_orders(_net("Trading/GetOrders.txt")[1])
    assert (order.client_id, order.kind, order.size) == ("test-000005", ACK, "0.10")
    (order,) = trading.read_orders(_net("Trading/GetOrderHistory.txt")[1])
    assert (order.symbol, order.text) == ("BTCUSDT", "EC_PostOnlyWillTakeLiquidity")
    (fill,) = trading.read_fills(_net("Trading/GetUserTrades.txt")[1])
    assert (fill.symbol, fill.fee, fill.fee_asset) == ("ETHPERP", "0.071409", "")
    (position,) = trading.read_positions(_net("Trading/GetPositions.txt")[1])
    assert (position.symbol, position.size) == ("BTCUSD", "-300")
    assert [one.asset for one in trading.read_balances(_net("Account/GetBalances.txt")[1])] == [
        "BTC"
    ]
    assert trading.read_rights is not None
    rights = trading.read_rights(_net("Account/GetApiKeyInfo.txt")[1])
    assert (rights.trade, rights.withdraw, rights.addresses_bound) == (True, False, False)
    assert trading.read_fees is not None
    assert trading.read_fees(_net("Account/GetFeeRate.txt")[1])[0].taker == Decimal("0.0006")


@pytest.mark.parametrize(
    "name",
    [
        "Trading/PlaceOrder.txt",
        "Trading/EditOrder.txt",
        "Trading/CancelOrder.txt",
        "Trading/CancelAllOrder.txt",
        "Trading/SetDisconnectCancelAll.txt",
        "Account/SetLeverage.txt",
        "Account/SwitchPositionMode.txt",
    ],
)
def test_requests_accepted_in_bybit_net(name: str) -> None:
    assert _trading().answer(200, {}, _net(name)[1]).verdict.name == "ACCEPTED"


def test_other_verdicts_of_bybit_net() -> None:
    trading = _trading()
    refused = trading.answer(200, {}, _net("Account/SetMarginMode.txt")[1])
    assert (refused.verdict.name, refused.code) == ("REFUSED", "3400045")
    assert trading.answers is not None
    batch = trading.answers(200, {}, _net("Trading/CancelMultipleOrders.txt")[1], 2)
    assert [one.verdict.name for one in batch] == ["ACCEPTED", "REFUSED"]
    batch = trading.answers(200, {}, _net("Trading/PlaceMultipleOrders.txt")[1], 2)
    assert [one.venue_id[-2:] for one in batch] == ["28", "29"]


def test_public_answers_of_bybit_net() -> None:
    (one,) = LINEAR.instruments(_net("ExchangeData/GetLinearInverseSymbols.txt")[1], 0)
    assert (one.symbol, one.tick, one.lot) == ("BTCUSDT", Decimal("0.1"), Decimal("0.001"))
    (tier,) = _read_margin(_net("ExchangeData/GetRiskLimit.txt")[1])
    assert (tier.initial, tier.maintenance) == (Decimal("0.01"), Decimal("0.005"))
    inverse = Instrument(
        venue="bybit-inverse",
        symbol="BTCUSD",
        kind=ContractKind.INVERSE,
        tick=Decimal("0.5"),
        lot=Decimal(1),
    )
    assert INVERSE.read_candles is not None
    candles = INVERSE.read_candles(_net("ExchangeData/GetKlines.txt")[1], inverse)
    assert candles["volume"].tolist() == [6356, 4177, 268611]
    trades = decode(_any("BTCUSDT"), _net("ExchangeData/GetTradeHistory.txt")[1])
    assert [row[4:6] for row in rows(trades)] == [(TRADE, BUY)]


def _read_margin(body: bytes) -> list[Any]:
    assert LINEAR.read_margin is not None
    return list(LINEAR.read_margin(body))


# ---- fixtures of another adapter ----


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ws_account_order", 1),
        ("ws_account_order_buy_stop_market", 1),
        ("ws_account_order_filled", 1),
        ("ws_account_order_limit_if_touched", 1),
        ("ws_account_order_market_if_touched", 1),
        ("ws_account_order_partially_filled_rejected", 0),  # of spot
        ("ws_account_order_sell_market_if_touched", 1),
        ("ws_account_order_stop_limit", 1),
        ("ws_account_order_stop_loss", 1),
        ("ws_account_order_stop_market", 1),
        ("ws_account_order_take_profit", 1),
        ("ws_account_execution", 1),
        ("ws_account_execution_adl", 1),
        ("ws_account_execution_fast", 0),
        ("ws_account_position", 1),
        ("ws_account_wallet", 2),
        ("ws_account_wallet_locked_exceeds_total", 1),
        ("ws_account_wallet_small_order", 1),
    ],
)
def test_private_samples_of_the_adapter(name: str, count: int) -> None:
    assert len(_trading().decode_private(_adapter(name))) == count


def test_orders_of_the_adapter() -> None:
    (told,) = _trading().decode_private(_adapter("ws_account_order_stop_loss"))
    assert isinstance(told, OrderUpdate)
    assert (told.kind, told.trigger, told.reduce_only) == (ACK, "48000.00", True)
    (told,) = _trading().decode_private(_adapter("ws_account_order_filled"))
    assert isinstance(told, OrderUpdate)
    assert (told.kind, told.filled) == (FILL, "0.100")
    (told,) = _trading().read_orders(_adapter("http_get_order_partially_filled_rejected"))
    assert (told.kind, told.filled, told.text) == (CANCELED, "0.005", "INSUFFICIENT_MARGIN")


@pytest.mark.parametrize(
    ("name", "reader", "count"),
    [
        ("http_get_orders_realtime", "read_orders", None),
        ("http_get_orders_realtime_tp_sl", "read_orders", 2),
        ("http_get_orders_history", "read_orders", None),
        ("http_get_orders_history_with_duplicate", "read_orders", None),
        ("http_get_executions", "read_fills", None),
        ("http_get_positions", "read_positions", 3),
        ("http_get_wallet_balance", "read_balances", 3),
        ("http_get_wallet_balance_with_spot_borrow", "read_balances", None),
        ("http_get_fee_rate", "read_fees", 3),
    ],
)
def test_answers_of_the_adapter(name: str, reader: str, count: int | None) -> None:
    told = getattr(_trading(), reader)(_adapter(name))
    assert len(told) == (count or len(told)) > 0


def test_market_samples_of_the_adapter() -> None:
    inverse = INVERSE.instruments(_adapter("http_get_instruments_inverse"), 0)
    assert [(one.symbol, one.tick, one.lot) for one in inverse] == [("BTCUSD", Decimal("0.5"), 1)]
    linear = LINEAR.instruments(_adapter("http_get_instruments_linear"), 0)
    assert all(one.kind is ContractKind.LINEAR for one in linear)
    assert linear
    ticker = decode(_any("BTCUSDT"), _adapter("ws_ticker_linear"))
    assert [KIND_NAMES[int(kind)] for kind in ticker["kind"]] == ["mark", "funding", "interest"]
    one = _any("BTCUSDT")
    assert len(decode(one, _adapter("ws_orderbook_delta"))) == 0  # level 1 of before 2025-03-20
    assert one.ignored == {"level 1 as changes": 1}
    trades = decode(one, _adapter("http_get_trades_recent"))
    assert [int(kind) for kind in trades["kind"]] == [TRADE]
    failed = LINEAR.control(_adapter("ws_subscription_failure"))
    assert failed is not None
    assert failed.kind is ControlKind.REFUSED
    for name, kind in (("success", ControlKind.LOGGED_IN), ("failure", ControlKind.REFUSED)):
        word = LINEAR.control(_compact(_adapter(f"ws_auth_{name}")))
        assert word is not None
        assert word.kind is kind
