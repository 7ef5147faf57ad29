"""A backtest from a store on disk: the same each time, plain JSON, clear about mistakes."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aggressor.engine.engine import Engine
from aggressor.run.assemble import Assembly, Settings, assemble, latency_of
from aggressor.run.backtests.backtest import play, run_backtest
from aggressor.run.backtests.trade_records import arrival_slippage_bp, summary
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import TIMER
from aggressor.sim.latency import Latency
from aggressor.sim.queue import queue_of
from aggressor.store.making import make_store
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode
from tests.engine.course import engine_of
from tests.engine.trader import Trader
from tests.properties.tapes import instruments, market

SEED = 1
MINUTES = 8.0
NAME = "synthetic:MICRO"
SETTINGS = Settings(profile="micro", equity=1_000_000.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    make_store(root, {instruments()[0]: market(SEED, MINUTES)})
    return root


@pytest.fixture(scope="module")
def document(store: Path) -> dict[str, Any]:
    return run_backtest(store, NAME, SETTINGS)


def lasting(document: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in ("seconds", "events_per_second")}


def test_a_second_run_is_the_same(store: Path, document: dict[str, Any]) -> None:
    assert lasting(run_backtest(store, NAME, SETTINGS)) == lasting(document)


def test_it_is_one_json_document_with_the_names_promised(document: dict[str, Any]) -> None:
    again = json.loads(json.dumps(document))
    promised = {
        "orders", "fills", "fills_maker", "pnl", "fees", "slippage_bp", "events", "seconds",
        "events_per_second", "digest", "refused", "parameters",
    }  # fmt: skip
    assert promised <= set(again)
    assert again["instrument"] == NAME
    assert Decimal(again["pnl"]).is_finite()
    assert Decimal(again["fees"]) >= 0
    assert again["fills_maker"] <= again["fills"]
    assert again["events_per_second"] > 0
    assert len(again["trade_list"]) >= again["trades"]


def test_every_row_and_timer_was_handed_out(document: dict[str, Any]) -> None:
    events = market(SEED, MINUTES)
    replayed = replay_of([events]).poll(3 * events.size)
    assert document["events"] == replayed.size
    assert (replayed["kind"] == TIMER).sum() == replayed.size - events.size > 4000


def test_what_it_rests_on_is_stated(document: dict[str, Any]) -> None:
    parameters = document["parameters"]
    for name in SETTINGS.__struct_fields__:
        assert parameters[name] == getattr(SETTINGS, name)
    assert (parameters["tick"], parameters["lot"]) == ("5", "0.001")
    assert (parameters["from"], parameters["to"]) == (None, None)
    assert document["caveats"]


def test_signals_do_not_know_of_money(store: Path, document: dict[str, Any]) -> None:
    other = run_backtest(store, NAME, Settings(profile="micro", equity=2_000_000.0))
    assert other["signals"] == document["signals"]
    assert other["parameters"] != document["parameters"]


def test_progress_ends_at_one(store: Path) -> None:
    told: list[float | None] = []
    run_backtest(store, NAME, SETTINGS, progress=lambda _, share: told.append(share))
    assert (told[0], told[-1]) == (0.0, 1.0)
    shares = [share for share in told if share is not None]
    assert shares == sorted(shares)


@pytest.mark.parametrize(
    "wrong",
    [
        Settings(strategy="martingale"),
        Settings(queue="first"),
        Settings(latency_ms="5,20"),
        Settings(latency_ms="5,20,soon"),
        Settings(latency_ms="-1,20,20"),
        Settings(latency_ms="nan,20,20"),
        Settings(latency_ms="inf,20,20"),
        Settings(equity=0.0),
        Settings(equity=-1.0),
        Settings(equity=float("nan")),
        Settings(profile="spot"),
        Settings(maker_bp=float("nan")),
    ],
    ids=lambda one: ",".join(f"{getattr(one, n)}" for n in ("strategy", "queue", "latency_ms")),
)
def test_settings_that_cannot_be(store: Path, wrong: Settings) -> None:
    with pytest.raises(ConfigError):
        run_backtest(store, NAME, wrong)


def test_latency_is_read_in_milliseconds() -> None:
    expected = Latency(feed_ns=500_000, order_ns=20_000_000, response_ns=0)
    assert latency_of("0.5,20,0") == expected


def trading(seed: int) -> Assembly:
    (one,) = instruments()
    trader = Trader(seed)
    engine: Engine = engine_of([one], [trader])
    like = assemble([one], SETTINGS, Mode.BACKTEST)
    deposit = engine.desk.books.cash("USD")
    return like._replace(
        engine=engine, strategies=[trader], queue=queue_of("risk-averse"), deposit=deposit
    )


def test_the_summary_counts_what_happened() -> None:
    (one,) = instruments()
    assembly = trading(2)
    exchange = play(assembly, replay_of([market(2)]), [one])
    document = summary(assembly, one, 0)
    journal = assembly.engine.journal
    assert document["orders"] == journal.placed == int((journal.commands["kind"] == 1).sum()) > 50
    assert document["fills"] == int((journal.reports["kind"] == 2).sum()) > 20
    assert 0 < document["fills_maker"] < document["fills"]
    assert document["digest"] == journal.digest
    assert document["refused"] == assembly.engine.desk.refused_total > 0
    assert sum(document["signals"].values()) == journal.signal_count
    held = journal.reports[journal.reports["kind"] == 2]
    lots = int((held["size"] * held["side"].astype(np.int64)).sum())
    assert document["position_left"] == one.size_text(lots)
    fees = int(held["fee"].sum())
    assert Decimal(document["fees"]) == Decimal(fees) / 10**8
    assert document["currency"] == "USD"
    assert exchange.handed_out > market(2).size
    assert arrival_slippage_bp([]) is None
