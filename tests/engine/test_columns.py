"""Columns against slow sums over the events received so far."""

from math import isnan

import numpy as np
import pytest

from aggressor.engine.columns import COLUMNS, column_indices, empty_row, read_columns
from aggressor.run.studies.studying import Study
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import (
    BUY,
    CLEAR,
    FUNDING,
    INTEREST,
    LAST,
    LEVEL,
    MARK,
    QUOTE,
    SELL,
    TRADE,
)
from tests.made import cached_beside, made
from tests.naive.book import NaiveBook
from tests.naive.pressure import Top, window

SECOND = 10**9


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def sampled(every_ns):
    """Return (time, columns by name) at every point of the grid."""
    study = Study(made().store, made().id, profile="micro")
    row = empty_row()
    for moment in study.moments(every_ns):
        if not moment.last:
            read_columns(moment.pipe, 0, moment.now_ns, row)
            names = (one.name for one in COLUMNS)
            yield moment.now_ns, dict(zip(names, row.tolist(), strict=True))


def imbalance(book, count):
    bid, ask = (sum(first(book, side, count)) for side in (1, -1))
    return (bid - ask) / (bid + ask)


def first(book, side, count):
    """Return the lots within the first `count` grid prices of a side."""
    ladder = book.ladder(side)
    return [lots for price, lots in ladder if side * (ladder[0][0] - price) < count]


def near(book, side, bp):
    mid = (book.ladder(1)[0][0] + book.ladder(-1)[0][0]) / 2
    return [lots for price, lots in book.ladder(side) if abs(price - mid) <= mid * bp / 10_000]


def test_every_column_against_slow_sums():
    events, at = made().events, 0
    book, tops, times = NaiveBook(), [], []
    looked = 0
    for now, row in sampled(31 * SECOND):
        while at < events.size and events[at]["ts_recv"] < now:
            event = events[at]
            if event["kind"] in (LEVEL, CLEAR, QUOTE):
                book.on_event(event)
                if book.valid and event["flags"] & LAST:
                    tops.append(Top(*book.fused[1], *book.fused[-1]))
                    times.append(int(event["ts_recv"]))
            at += 1
        assert row["book_valid"] == 1.0
        top = tops[-1]
        assert (row["bid"], row["bid_lots"]) == book.fused[1]
        assert (row["ask"], row["ask_lots"]) == book.fused[-1]
        assert row["mid"] == (top.bid + top.ask) / 2
        assert row["spread"] == top.ask - top.bid
        assert row["weighted_mid"] == pytest.approx(float(top.weighted_mid), rel=1e-12)
        for count in (3, 5):
            assert row[f"imbalance_{count}"] == pytest.approx(imbalance(book, count))
        for side, name in ((1, "bid"), (-1, "ask")):
            for count in (3, 10):
                assert row[f"{name}_lots_{count}"] == sum(first(book, side, count))
            for bp in (5, 10):
                assert row[f"{name}_lots_{bp}bp"] == sum(near(book, side, bp))
        for seconds in (1, 10):
            begin = now - seconds * SECOND
            before = [i for i, time in enumerate(times) if time < begin]
            flow = row[f"ofi_{seconds}s"]
            assert flow == window(tops[before[-1] :])[0] if before else isnan(flow)
        said = events[:at]
        check_trades(row, now, said[said["kind"] == TRADE])
        check_statements(row, now, said)
        looked += 1
    assert looked > 10


def check_trades(row, now, trades):
    for name, side in (("bought", BUY), ("sold", SELL)):
        assert row[f"{name}_total"] == trades["size"][trades["side"] == side].sum()
    assert row["trades_total"] == trades.size
    assert row["cvd"] == (trades["size"] * trades["side"]).sum()
    assert row["last_price"] == trades["price"][-1]
    recent = trades[trades["ts_recv"] > now - 60 * SECOND]
    began = now - int(made().events["ts_recv"][0]) >= 60 * SECOND
    wanted = (recent["size"] * recent["side"]).sum() if began else None
    assert isnan(row["delta_1m"]) if wanted is None else row["delta_1m"] == wanted
    assert isnan(row["volume_1m"]) if wanted is None else row["volume_1m"] == recent["size"].sum()


def check_statements(row, now, said):
    marks = said[said["kind"] == MARK]
    assert row["mark_price"] == pytest.approx(marks["size"][-1] / 1e8)
    assert row["mark_age"] == pytest.approx((now - marks["ts_recv"][-1]) / 1e9)
    interest = said[said["kind"] == INTEREST]
    assert row["open_interest"] == interest["size"][-1] if interest.size else True
    funding = said[said["kind"] == FUNDING]
    if funding.size:
        assert row["funding_rate"] == pytest.approx(funding["size"][-1] / 1e8)
        settles = int(funding["price"][-1]) * 60 * SECOND
        assert row["funding_due"] == pytest.approx((settles - said["ts_venue"][-1]) / 1e9)


def test_the_ledger_columns_are_its_identity():
    """What was added less what went is what stands, whatever it was called."""
    last = None
    for _, row in sampled(60 * SECOND):
        if last is not None:
            for side in ("bid", "ask"):
                for name in ("added", "pulled", "traded", "hidden", "refilled"):
                    assert row[f"{side}_{name}_total"] >= last[f"{side}_{name}_total"] or (
                        name == "pulled"  # a trade may take back what was called pulled
                    )
                assert (
                    row[f"{side}_hidden_total"] + row[f"{side}_refilled_total"]
                    <= (row[f"{side}_added_total"])
                )
        last = row


def test_nothing_is_known_before_a_book():
    pipe = Study(made().store, made().id).pipeline()
    row = empty_row()
    row[:] = 7.0
    read_columns(pipe, 0, 10**18, row)
    known = {COLUMNS[i].name for i in np.flatnonzero(np.isfinite(row))}
    totals = {one.name for one in COLUMNS if one.name.endswith("_total")}
    assert known == (totals | {"book_valid"}) - {
        "liquidated_longs_total",
        "liquidated_shorts_total",
    }
    assert all(row[column_indices(sorted(known))] == 0.0)


def test_names_are_unique_and_an_unknown_one_is_answered():
    names = [one.name for one in COLUMNS]
    assert len(set(names)) == len(names)
    assert all(one.unit and one.meaning for one in COLUMNS)
    assert column_indices(["ask", "bid"]) == [names.index("ask"), names.index("bid")]
    with pytest.raises(ConfigError, match="weighted_mid"):
        column_indices(["weightedmid"])


def test_what_is_unknown_is_nan_and_codes_are_codes():
    """Columns that need long histories are blank on a short one, and none is a sentinel."""
    last = dict[str, float]()
    for _, last in sampled(120 * SECOND):
        for name, value in last.items():
            assert isnan(value) or abs(value) < 2**53, name
    assert isnan(last["bias_4h"])
    assert isnan(last["micro_price"])  # nobody has fitted it
    assert last["session_low"] <= last["session_poc"] <= last["session_high"]
    assert last["session_val"] <= last["session_poc"] <= last["session_vah"]
    assert last["organic_delta"] == last["organic_delta"]
    codes = (one.name for one in COLUMNS if one.unit == "code")
    assert all(isnan(last[name]) or last[name] == int(last[name]) for name in codes)
    flows = [last[f"depth_flow_{rank}_10s"] for rank in range(1, 11)]
    assert all(np.isfinite(flows)) or all(np.isnan(flows))
