"""`aggressor tape`: every lot is in one order, sizes filter, spans judge by what came before."""

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from aggressor.schema.event import NOT_FLOW, TRADE
from tests.made import cached_beside, command, document, made

ALL = ("--last", 1_000_000)


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def test_every_lot_of_the_tape_is_in_one_order(capsys):
    rows = made().events
    trades = rows[(rows["kind"] == TRADE) & (rows["flags"] & NOT_FLOW == 0)]
    found = document(capsys, "tape", *ALL)
    assert found["matching"] == len(found["orders"])
    for side in (1, -1):
        sizes = [Decimal(one["size"]) for one in found["orders"] if one["side"] == side]
        assert sum(sizes) == made().instrument.lot * int(
            trades["size"][trades["side"] == side].sum()
        )
    assert sum(one["prints"] for one in found["orders"]) == trades.size
    assert all(one["sweep"] == (one["levels"] > 1) for one in found["orders"])
    assert {one["class"] for one in found["orders"]} <= {"unknown", "ordinary", "large", "huge"}


def test_size_count_and_span(capsys):
    every = document(capsys, "tape", *ALL)["orders"]
    large = document(capsys, "tape", *ALL, "--min-size", "0.05")["orders"]
    assert large == [one for one in every if Decimal(one["size"]) >= Decimal("0.05")]
    assert document(capsys, "tape", "--last", 3)["orders"] == every[-3:]
    assert document(capsys, "tape", "--last", 0)["orders"] == []
    start = made().middle_ns
    later = document(capsys, "tape", *ALL, "--from", start)["orders"]
    assert later == [one for one in every if one["recv_ns"] >= start]


def test_the_parquet_file_holds_all(capsys, tmp_path):
    every = document(capsys, "tape", *ALL)["orders"]
    written = document(capsys, "tape", "--parquet", tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet")
    assert written["orders"] == table.num_rows == len(every)
    assert table["prints"].to_pylist() == [one["prints"] for one in every]
    assert table["venue_ns"].to_pylist() == [one["venue_ns"] for one in every]
    assert all(
        min(row["first"], row["last"]) <= row["vwap"] <= max(row["first"], row["last"])
        for row in table.to_pylist()
    )


def test_people_see_a_table_and_wrong_sizes_are_answered(capsys):
    words = ("tape", made().store, "--instrument", made().id)
    code, out, _ = command(capsys, *words, "--last", 2)
    assert code == 0
    assert "Taker orders of synthetic:MICRO" in out
    code, _, err = command(capsys, *words, "--min-size", "0.0001")
    assert code == 1
    assert err.startswith("aggressor: ")
    assert command(capsys, *words, "--last", "-1")[0] == 2
    assert "no taker orders" in command(capsys, *words, "--min-size", "1000")[1]
