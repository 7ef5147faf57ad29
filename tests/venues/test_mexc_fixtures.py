"""Frames that MEXC has sent, and samples that another client keeps, through our readers."""

import json

import msgspec
import pytest

from aggressor.schema import report
from aggressor.schema.event import CLEAR, FUNDING, INTEREST, LEVEL, MARK, TRADE, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.venues.table import venue_named
from aggressor.venues.text.numerals import number_of
from aggressor.venues.trading import FillUpdate, OrderUpdate, PositionUpdate, Verdict
from tests.recordings import recording
from tests.venues.fixtures import answer, pushed
from tests.venues.mexc_samples import BTC, picture

pytestmark = pytest.mark.recording

MEXC = venue_named("mexc")
NET = "Mexc.Net_futures_fixtures"
FUTURES = "Endpoints/FuturesApi/"


def frames() -> list[dict]:
    lines = recording("fixtures/live_frames.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["venue"] == "mexc"]


def fine(symbol: str) -> Instrument:
    """An instrument whose grid holds what these frames show."""
    tick = "0.00001" if symbol in ("DOGE_USDT", "RIF_USDT", "PENGU_USDT") else "0.01"
    return msgspec.structs.replace(BTC, symbol=symbol, tick=number_of(tick))


def test_every_frame_that_was_received_decodes() -> None:
    kinds: dict[str, list[int]] = {}
    controls = []
    for one in frames():
        if one["dir"] != "recv":
            continue
        message = one["frame"].encode()
        found = MEXC.control(message)
        if found is not None:
            controls.append(found.kind.name)
            continue
        symbol = json.loads(message)["symbol"]
        decoder = MEXC.market_decoder([(fine(symbol), 0)])
        if one["channel"] == "push.depth":
            book = json.loads(message)["data"]
            version = book.get("begin", book["version"]) - 1
            out = empty_events(decoder.room(b" " * 999))
            decoder.decode(picture(version), 1, out, symbol)
        out = empty_events(decoder.room(message))
        rows = decoder.decode(message, 1, out)
        kinds.setdefault(one["channel"], []).extend(out[:rows]["kind"].tolist())
    assert controls == ["ACK", "REFUSED", "PONG"]
    assert {name: set(rows) for name, rows in kinds.items()} == {
        "push.depth": {LEVEL},
        "push.depth.full": set(),
        "push.index.price": set(),
        "push.fair.price": {MARK},
        "push.funding.rate": {FUNDING},
        "push.deal": {TRADE},
        "push.ticker": {MARK, INTEREST, FUNDING},
    }
    assert len(kinds["push.deal"]) == 4


def test_two_frames_in_a_row_follow_each_other() -> None:
    first, second = (one["frame"].encode() for one in frames() if "unmerged, con" in one["note"])
    decoder = MEXC.market_decoder([(fine("ETH_USDT"), 0)])
    out = empty_events(64)
    version = json.loads(first)["data"]["version"]
    decoder.decode(picture(version - 1), 1, out, "ETH_USDT")
    assert (decoder.decode(first, 1, out), decoder.decode(second, 1, out)) == (1, 1)
    assert CLEAR not in out[:1]["kind"]


def test_subscriptions_of_another_client() -> None:
    decoder = MEXC.market_decoder([(fine("BTC_USDT"), 0)])
    counts = {}
    for name in ("Trades", "Ticker", "MarkPrice", "FundingRate", "Book", "IndexPrice", "Klines"):
        (message,) = pushed(NET, f"Subscriptions/FuturesApi/{name}.txt")
        message = msgspec.json.format(message, indent=-1)  # as sent, on one line
        out = empty_events(decoder.room(message))
        counts[name] = decoder.decode(message, 1, out)
    assert counts == {
        "Trades": 1,
        "Ticker": 3,
        "MarkPrice": 1,
        "FundingRate": 1,
        "Book": 0,
        "IndexPrice": 0,
        "Klines": 0,
    }


def test_private_subscriptions_of_another_client() -> None:
    trading = MEXC.trading
    assert trading is not None

    def updates(name: str) -> list[object]:
        (message,) = pushed(NET, f"Subscriptions/FuturesApi/{name}.txt")
        return list(trading.decode_private(message))

    (order,) = updates("Order")
    assert isinstance(order, OrderUpdate)
    assert (order.kind, order.filled, order.side) == (report.FILL, "1", -1)
    (plan,) = updates("PlanOrder")
    assert isinstance(plan, OrderUpdate)
    assert (plan.kind, plan.trigger) == (report.ACK, "46000.0")
    (fill,) = updates("UserTrade")
    assert isinstance(fill, FillUpdate)
    assert (fill.fee, fill.maker) == ("0.225", False)
    (closed,) = updates("Position")
    assert isinstance(closed, PositionUpdate)
    assert (closed.size, closed.leg) == ("0", 1)
    assert len(updates("Balance")) == 1
    for silent in ("RiskLimit", "LeverageMode", "LiquidationRisk", "TrailingOrder", "TpSlOrder"):
        assert updates(silent) == []


def test_answers_of_another_client() -> None:
    trading = MEXC.trading
    assert trading is not None
    (order,) = trading.read_orders(answer(NET, f"{FUTURES}Trading/GetOrder.txt"))
    assert (order.kind, order.side) == (report.FILL, 1)
    (fill,) = trading.read_fills(answer(NET, f"{FUTURES}Trading/GetOrderTrades.txt"))
    assert (fill.maker, fill.fee) == (False, "0.0072501")
    (held,) = trading.read_positions(answer(NET, f"{FUTURES}Trading/GetPositions.txt"))
    assert (held.size, held.leg, held.isolated) == ("1", 1, True)
    (balance,) = trading.read_balances(answer(NET, f"{FUTURES}Account/GetBalances.txt"))
    assert balance.wallet == balance.free == "0.03176562"
    assert trading.read_fees is not None
    assert trading.read_fees(answer(NET, f"{FUTURES}Account/GetTradingFees.txt"))
    for name in ("PlaceOrder", "PlacePlanOrder", "CancelAllOrders", "CancelPlanOrders"):
        found = trading.answer(200, {}, answer(NET, f"{FUTURES}Trading/{name}.txt"))
        assert found.verdict is Verdict.ACCEPTED
        assert bool(found.venue_id) == name.startswith("Place")
    for name in ("GetSymbol", "GetSymbols"):
        text = answer(NET, f"{FUTURES}ExchangeData/{name}.txt")
        assert MEXC.instruments(text, 0)[0].symbol == "BTC_USDT"
        assert MEXC.read_margin is not None
        tiers = [one for one in MEXC.read_margin(text) if one.symbol == "BTC_USDT"]
        assert len(tiers) == 100
    decoder = MEXC.market_decoder([(fine("BTC_USDT"), 0)])
    text = answer(NET, f"{FUTURES}ExchangeData/GetFundingRate.txt")
    out = empty_events(decoder.room(text))
    assert decoder.decode(text, 1, out, "BTC_USDT") == 1
