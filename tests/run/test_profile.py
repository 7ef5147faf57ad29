"""`aggressor profile`: sums of the tape by price, whatever the rows."""

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from aggressor.run.studies.profile import row_height
from aggressor.schema.event import NOT_FLOW, TRADE
from tests.made import MINUTE, cached_beside, command, document, made


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def flow():
    rows = made().events
    return rows[(rows["kind"] == TRADE) & (rows["flags"] & NOT_FLOW == 0)]


def test_rows_are_the_tape_by_price(capsys):
    lot, trades = made().instrument.lot, flow()
    found = document(capsys, "profile", "--row-ticks", 1)
    held = {row["price"]: row for row in found["rows"]}
    for ticks in set(trades["price"].tolist()):
        own = trades[trades["price"] == ticks]
        row = held.pop(made().instrument.price_text(ticks))
        assert Decimal(row["sold"]) == lot * int(own["size"][own["side"] == -1].sum())
        assert Decimal(row["bought"]) == lot * int(own["size"][own["side"] == 1].sum())
        assert row["trades"] == own.size
    assert held == {}
    assert Decimal(found["volume"]) == lot * int(trades["size"].sum())
    busiest = max(found["rows"], key=lambda row: Decimal(row["sold"]) + Decimal(row["bought"]))
    assert found["poc"] == busiest["price"]
    assert Decimal(found["val"]) <= Decimal(found["poc"]) <= Decimal(found["vah"])
    assert {node["kind"] for node in found["nodes"]} <= {"HVN", "LVN"}


def test_taller_rows_hold_the_same_and_a_span_less(capsys):
    fine, tall = (document(capsys, "profile", "--row-ticks", n) for n in (1, 10))
    assert tall["row_ticks"] == 10
    assert len(tall["rows"]) < len(fine["rows"])
    assert tall["volume"] == fine["volume"]
    start = int(made().events["ts_venue"][0]) // MINUTE * MINUTE + 3 * MINUTE
    part = document(capsys, "profile", "--from", start, "--to", start + MINUTE)
    assert part["bars"] == 1
    trades = flow()
    inside = (trades["ts_venue"] >= start) & (trades["ts_venue"] < start + MINUTE)
    lots = int(trades["size"][inside].sum())
    assert Decimal(part["volume"]) == made().instrument.lot * lots


def test_rows_are_chosen_to_fit():
    assert [row_height(n, 100) for n in (1, 100, 101, 201, 501, 1001)] == [1, 1, 2, 5, 10, 20]


def test_a_span_without_trades_and_wrong_rows_are_answered(capsys):
    late = int(made().events["ts_venue"][-1]) + 10 * MINUTE
    empty = document(capsys, "profile", "--from", late)
    assert (empty["poc"], empty["rows"], empty["nodes"]) == (None, [], [])
    words = ("profile", made().store, "--instrument", made().id)
    assert "nothing traded" in command(capsys, *words, "--from", late)[1]
    assert command(capsys, *words, "--row-ticks", 0)[0] == 1


def test_the_parquet_file_and_the_table(capsys, tmp_path):
    found = document(capsys, "profile", "--row-ticks", 2)
    document(capsys, "profile", "--row-ticks", 2, "--parquet", tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    assert table["trades"].to_pylist() == [row["trades"] for row in found["rows"]]
    assert table.schema.field("volume").metadata[b"unit"] == b"lots"
    _, out, _ = command(capsys, "profile", made().store, "--instrument", made().id)
    assert "POC" in out
