"""`aggressor book`: the levels of the moment, and a ledger that adds up at each."""

from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from aggressor.schema.event import CLEAR, LEVEL, QUOTE
from tests.made import cached_beside, command, document, made
from tests.naive.book import NaiveBook


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    cached_beside(monkeypatch)


def test_levels_are_those_of_a_slow_book(capsys):
    book = NaiveBook()
    for event in made().events:
        if event["ts_recv"] > made().middle_ns:
            break
        if event["kind"] in (LEVEL, CLEAR, QUOTE):
            book.on_event(event)
    found = document(capsys, "book", "--at", made().middle_ns, "--levels", 7)
    one = made().instrument
    for name, side in (("bids", 1), ("asks", -1)):
        wanted = [(one.price_text(p), one.size_text(n)) for p, n in book.ladder(side)[:7]]
        assert [(row["price"], row["size"]) for row in found[name]] == wanted
    assert (found["valid"], found["faults"]) == (True, [])
    assert (found["bid"], found["ask"]) == tuple(
        one.price_text(book.fused[side][0]) for side in (1, -1)
    )
    assert found["levels"] == {"bid": len(book.ladder(1)), "ask": len(book.ladder(-1))}
    assert found["received_ns"] <= made().middle_ns


def test_a_level_is_its_ledger(capsys):
    """lots = start + added - pulled - traded: nothing left a level unaccounted for."""
    found = document(capsys, "book", "--at", made().middle_ns, "--levels", 30)
    for row in found["bids"] + found["asks"]:
        sizes = {name: Decimal(row[name]) for name in ("size", "added", "pulled", "traded", "peak")}
        start = sizes["size"] - sizes["added"] + sizes["pulled"] + sizes["traded"]
        assert start >= 0
        assert sizes["peak"] >= sizes["size"]
        assert Decimal(row["provisional"]) <= sizes["pulled"]
        assert Decimal(row["hidden"]) + Decimal(row["refilled"]) <= sizes["added"]
        assert row["age_seconds"] >= 0


def test_what_cannot_be_is_answered(capsys):
    words = ("book", made().store, "--instrument", made().id)
    early = int(made().events["ts_recv"][0]) - 1
    code, out, err = command(capsys, *words, "--at", early, "--json")
    assert (code, out) == (1, "")
    assert "later --at" in err
    assert command(capsys, *words)[0] == 2
    assert command(capsys, *words, "--at", "noon")[0] == 1
    assert command(capsys, *words, "--at", made().middle_ns, "--levels", 0)[0] == 1


def test_the_parquet_file_and_the_table(capsys, tmp_path):
    at = ("--at", made().middle_ns, "--levels", 4)
    document(capsys, "book", *at, "--parquet", tmp_path / "b.parquet")
    rows = pq.read_table(tmp_path / "b.parquet").to_pylist()
    assert [row["side"] for row in rows] == [1] * 4 + [-1] * 4
    found = document(capsys, "book", *at)
    prices = [row["price"] for row in found["bids"] + found["asks"]]
    assert [made().instrument.price_text(row["price"]) for row in rows] == prices
    _, out, _ = command(capsys, "book", made().store, "--instrument", made().id, *at)
    assert out.index(found["asks"][-1]["price"]) < out.index(found["bids"][-1]["price"])
