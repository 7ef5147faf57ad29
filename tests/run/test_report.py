"""A run's report from its journal and its market: the same figures as the desk's own, one page."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aggressor.account.books import Heading
from aggressor.reports.run_page import page_of, write_page
from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import backtest_of
from aggressor.run.backtests.kept_run import BACKTEST
from aggressor.run.backtests.market_source import stored
from aggressor.run.reporting.report import Reported
from aggressor.run.reporting.report_pictures import pictures_of
from aggressor.run.reporting.run_market import journal_of
from aggressor.run.reporting.sweep import SWEEP_MS, sweep
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import LEVEL
from aggressor.sim.synthetic.presets import demo_instrument
from aggressor.store.making import make_store
from aggressor.study.depth_rows import DEAD_NS, depth_at
from tests.properties.tapes import market, within

ONE = demo_instrument()
OTHER = msgspec.structs.replace(ONE, symbol="OTHER")
EXAMPLE = f"{Path(__file__).parents[2] / 'examples' / 'own_strategy.py'}:Leaning"
SETTINGS = Settings(
    strategy=EXAMPLE,
    profile="micro",
    equity=1e6,
    rule={"lean": 0.6, "hold_s": 5, "ungated": True},
)


class Ran:
    """A backtest of two instruments that was kept, and its report."""

    def __init__(self, root: Path) -> None:
        self.root = root
        tapes = {ONE: within(market(1), 150.0), OTHER: within(market(2), 150.0)}
        make_store(root / "store", tapes)
        source = stored(root / "store", [ONE.id, OTHER.id])
        self.found = backtest_of(source, SETTINGS, {}, journal=root / "run")
        self.told = Reported(root / "run")
        self.document = self.told.document()
        self.page = page_of(self.document, pictures_of(self.told))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("report"))


def test_costs_read_from_the_journal_are_those_the_desk_kept(ran: Ran) -> None:
    ours = {(one["instrument"], one["parent"]): one for one in ran.document["tca"]["orders"]}
    theirs = {(one["instrument"], one["parent"]): one for one in ran.found["tca"]["orders"]}
    assert len(theirs) > 30
    assert set(theirs) <= set(ours)  # and those that still worked when the market was over
    same = (
        "strategy", "policy", "side", "size", "filled", "maker_share", "decided_ns", "sent_ns",
        "arrival_mid2_ticks", "average_ticks", "slippage_bp", "fees_bp", "delay", "trading", "fees",
        "regime", "counts", "send_to_ack_ns", "ack_to_fill_ns", "fills",
    )  # fmt: skip
    for key, one in theirs.items():
        assert {name: ours[key][name] for name in same} == {name: one[name] for name in same}
    filled = [key for key, one in theirs.items() if one["filled"] == one["size"]]
    assert len(filled) > 15
    for key in filled:
        assert ours[key]["shortfall"] == pytest.approx(theirs[key]["shortfall"])


def test_money_is_that_of_the_books(ran: Ran) -> None:
    (money,) = ran.document["money"]
    pnl = float(ran.found["money"][0]["pnl"])  # marked at the last decision, not at the end
    assert money["pnl"] == pytest.approx(pnl, abs=0.01)
    fees = ran.told.course.books.balance(money["currency"], Heading.FEES)
    assert fees / 1e8 == pytest.approx(sum(float(one["fees"]) for one in ran.found["instruments"]))
    assert money["drawdown"] >= -money["pnl"] > 0
    assert 0 < money["exposure_mean"] < money["exposure_max"]
    whole = ran.document["trades"]["groups"][0]
    listed = sum(float(one["net"]) for one in ran.document["trades"]["list"])
    assert float(whole["net"][money["currency"]]) == pytest.approx(listed, abs=1e-7)
    for one in ran.document["instruments"]:
        assert one["fills"] > 10
        assert 0 < one["held_share"] < 1


def test_every_grouping_adds_up(ran: Ran) -> None:
    for table, count in (("trades", "trades"), ("tca", "orders")):
        sums: dict[str, int] = {}
        for row in ran.document[table]["groups"]:
            sums[row["by"]] = sums.get(row["by"], 0) + row[count]
        assert {"strategy", "venue", "instrument", "hour", "regime"} <= set(sums)
        assert len(set(sums.values())) == 1


def test_the_curve_is_never_below_its_drawdown(ran: Ran) -> None:
    course = ran.told.course
    (profit,), (fall,) = course.profit.values(), [course.drawdown(name) for name in course.profit]
    assert np.isfinite(profit).all()
    highest = np.maximum(np.maximum.accumulate(profit), 0.0)
    np.testing.assert_allclose(fall, highest - profit)
    assert profit[0] == 0.0


def test_the_page_asks_nobody_for_anything(ran: Ran) -> None:
    for source in re.findall(r'(?:src|href)="([^"]*)"', ran.page):
        assert source.startswith("data:image/")
    assert ran.page.count("<img ") == 5  # equity, markouts, slippage, fills of both
    assert "<script" not in ran.page
    assert "url(" not in ran.page
    assert "default-src 'none'" in ran.page


def test_depth_is_not_known_where_nobody_listened() -> None:
    first = within(market(1), 10.0)
    later = first.copy()
    gap_ns = 10 * DEAD_NS
    later["ts_recv"] += gap_ns
    later["ts_venue"] += gap_ns
    start = int(first["ts_recv"][0])
    times = start + np.array([9 * 10**9, DEAD_NS // 2, gap_ns // 2, gap_ns + 9 * 10**9])
    low = int(first["price"][first["kind"] == LEVEL].min())
    depth = depth_at([first, later], times, low, 1, 400)
    known = ~np.isnan(depth).any(axis=0)
    assert known.tolist() == [True, True, False, True]
    assert depth[:, 0].sum() > 0
    np.testing.assert_array_equal(depth[:, 0], depth[:, 3])


def test_text_is_escaped(ran: Ran) -> None:
    evil = {**ran.document, "strategy": "<script>alert(1)</script>"}
    page = page_of(evil, [])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_document_is_plain_json(ran: Ran) -> None:
    again = json.loads(msgspec.json.encode(ran.document))
    assert again["strategy"] == "Leaning"
    assert again["market"] == "known"


def test_what_the_market_does_not_tell_is_not_known(ran: Ran, tmp_path: Path) -> None:
    moved = tmp_path / "run"
    shutil.copytree(ran.root / "run", moved)
    hidden = ran.root / "store"
    hidden.rename(ran.root / "away")
    try:
        told = Reported(moved)
        document = told.document()
        page = page_of(document, pictures_of(told))
    finally:
        (ran.root / "away").rename(hidden)
    assert document["market"] != "known"
    assert document["money"][0]["pnl"] is None or document["money"][0]["unknown_share"] > 0
    assert document["tca"]["groups"][0]["markout_bp"]["1s"]["mean"] is None
    assert "The market is not fully known" in page
    assert "not known" in page


def test_a_journal_is_found_or_said_to_be_missing(ran: Ran, tmp_path: Path) -> None:
    assert journal_of(ran.root / "run") == ran.root / "run" / BACKTEST
    with pytest.raises(StoreError, match="no journal in"):
        journal_of(tmp_path)
    with pytest.raises(ConfigError, match="no run 9; it has 1"):
        Reported(ran.root / "run", 9)
    for name in ("a.sqlite", "b.sqlite"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError, match="several journals"):
        journal_of(tmp_path)


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Choose another place"):
        write_page(tmp_path / "nowhere" / "page.html", "")


def test_a_sweep_is_compared_with_the_shortest(ran: Ran, tmp_path: Path) -> None:
    source = stored(ran.root / "store", ONE.id)
    found = sweep(source, SETTINGS, tmp_path)
    assert [row["delay_ms"] for row in found["rows"]] == list(SWEEP_MS)
    first, *others = found["rows"]
    assert first["money"][0]["less_than_shortest"] is None
    for row in others:
        less: dict[str, Any] = row["money"][0]["less_than_shortest"]
        mine, base = row["money"][0]["pnl"], first["money"][0]["pnl"]
        assert less["value"] == pytest.approx(mine - base, abs=1e-6)
        assert less["low"] is None or less["low"] <= less["value"] <= less["high"]
    backtest_of(source, SETTINGS, {}, journal=tmp_path)
    told = Reported(tmp_path).document()
    assert [row["delay_ms"] for row in told["sweep"]["rows"]] == [0, 20, 50, 100, 250, 500]
    assert [row for row in told["sweep"]["rows"] if row["delay_ms"] in SWEEP_MS][1:] == others


def test_another_strategy_is_no_sibling(ran: Ran, tmp_path: Path) -> None:
    source = stored(ran.root / "store", ONE.id)
    backtest_of(source, SETTINGS, {}, journal=tmp_path)
    other = msgspec.structs.replace(SETTINGS, rule={**SETTINGS.rule, "hold_s": 6})
    backtest_of(source, other, {}, journal=tmp_path)
    assert Reported(tmp_path).document()["sweep"] is None
