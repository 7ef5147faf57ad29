"""Samples that other clients keep of Binance's account side, through our readers."""

from collections import Counter

import msgspec
import pytest

from aggressor.schema import report
from aggressor.venues.table import venue_named
from aggressor.venues.trading import (
    BalanceUpdate,
    FillUpdate,
    OrderUpdate,
    PositionUpdate,
    TradingVenue,
    Verdict,
)
from tests.venues.fixtures import answer, members, pushed

pytestmark = pytest.mark.recording

NET = "Binance.Net_futures_fixtures"
ADAPTER = "adapter_fixtures_binance_bybit_json"
USDM, COINM = "Endpoints/UsdFutures/", "Endpoints/CoinFutures/"
EVENTS = "binance/test_data/futures/user_data_json/"


def trading(name: str = "binance-usdm") -> TradingVenue:
    found = venue_named(name).trading
    assert found is not None
    return found


def test_every_private_event_that_is_kept_is_understood() -> None:
    kinds: Counter[str] = Counter()
    for path, text in members(ADAPTER).items():
        if EVENTS in path:
            kinds.update(type(one).__name__ for one in trading().decode_private(text))
    assert kinds == {
        "OrderUpdate": 7,
        "FillUpdate": 7,
        "BalanceUpdate": 2,
        "PositionUpdate": 3,
    }


def test_the_private_subscriptions_of_another_client() -> None:
    def updates(name: str) -> list[object]:
        (message,) = pushed(NET, f"UsdFutures/{name}.txt")
        return list(trading().decode_private(message))

    account = updates("AccountUpdate")
    assert [type(one) for one in account] == [BalanceUpdate] * 2 + [PositionUpdate] * 3
    assert [one.leg for one in account[2:]] == [0, 1, -1]  # type: ignore[attr-defined]
    (order,) = updates("OrderUpdate")
    assert isinstance(order, OrderUpdate)
    assert (order.kind, order.side, order.trigger) == (report.ACK, -1, "7103.04")
    (algo,) = updates("AlgoOrderUpdate")
    assert isinstance(algo, OrderUpdate)
    assert (algo.kind, algo.price, algo.trigger) == (report.CANCELED, "750", "750")
    for silent in ("TradeUpdate", "ConditionalTrigger", "Leverage", "MarginUpdate", "GridUpdate"):
        assert updates(silent) == []


@pytest.mark.parametrize("market", [USDM, COINM])
def test_answers_of_both_markets(market: str) -> None:
    ours = trading("binance-usdm" if market == USDM else "binance-coinm")
    for name in ("GetOpenOrders", "GetOrder", "PlaceOrder", "GetOrders"):
        for one in ours.read_orders(answer(NET, f"{market}Trading/{name}.txt")):
            assert one.client_id
            assert one.size
    (fill,) = ours.read_fills(answer(NET, f"{market}Trading/GetUserTrades.txt"))
    assert isinstance(fill, FillUpdate)
    where = "Trading/GetPositions" if market == USDM else "Account/GetPositionInformation"
    legs = [one.leg for one in ours.read_positions(answer(NET, f"{market}{where}.txt"))]
    assert legs[-2:] == [1, -1]
    (held,) = ours.read_balances(answer(NET, f"{market}Account/GetBalances.txt"))
    assert held.free
    assert ours.read_fees is not None
    assert ours.read_fees(answer(NET, f"{market}Account/GetUserCommissionRate.txt"))[0].taker > 0
    assert ours.read_margin is not None
    (tier,) = ours.read_margin(answer(NET, f"{market}Account/GetBrackets.txt"))
    assert tier.value_max
    batch = answer(NET, f"{market}Trading/PlaceMultipleOrders.txt")
    assert ours.answers is not None
    verdicts = [one.verdict for one in ours.answers(200, {}, batch, 2)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.REFUSED]
    for name in ("CancelAllOrders", "CancelOrder", "CancelAllOrdersAfterTimeout"):
        text = answer(NET, f"{market}Trading/{name}.txt")
        assert ours.answer(200, {}, text).verdict is Verdict.ACCEPTED
    assert ours.listen_key is not None
    assert ours.listen_key.read(answer(NET, f"{market}Account/StartUserStream.txt"))


def test_orders_with_a_trigger() -> None:
    read = trading().read_orders
    for name, kind in (
        ("PlaceConditionalOrder", report.ACK),
        ("GetOpenConditionalOrders", report.ACK),
        ("GetConditionalOrder", report.TRIGGERED),
    ):
        (one,) = read(answer(NET, f"{USDM}Trading/{name}.txt"))
        assert one.kind == kind
        assert one.trigger
    (other,) = read(members(ADAPTER)[_path("http_json/open_algo_orders.json")])
    assert (other.client_id, other.trigger) == ("test-algo-order-1", "45000.00")


def _path(ending: str) -> str:
    (path,) = [
        one for one in members(ADAPTER) if one.endswith(f"binance/test_data/futures/{ending}")
    ]
    return path


def test_candles_and_clock_of_another_client() -> None:
    for name, market, closed in (("binance-usdm", USDM, 0), ("binance-coinm", COINM, 1)):
        venue = venue_named(name)
        text = answer(NET, f"{market}ExchangeData/GetKlines.txt")
        (info, *_) = venue.instruments(answer(NET, f"{market}ExchangeData/GetExchangeInfo.txt"), 0)
        assert venue.read_candles is not None
        assert venue.read_candles(text, info).size == 0  # one alone still runs
        doubled = msgspec.json.encode(msgspec.json.decode(text) * 2)
        candles = venue.read_candles(doubled, info)
        assert candles.size == closed  # the other is of spot: off the grid of futures
        assert venue.read_clock is not None
        assert venue.read_clock(answer(NET, f"{market}ExchangeData/GetServerTime.txt")) > 0
