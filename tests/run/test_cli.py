"""The command line: one JSON document, errors on standard error, exit codes 0, 1 and 2."""

import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aggressor.cli.words import DEMO_SEED
from tests.run.command_line import Command, run
from tests.wire_samples import Market

__all__ = ["run"]  # a fixture of another module

BTC = "binance-usdm:BTCUSDT"


@pytest.fixture
def store(tmp_path: Path, run: Command) -> Path:
    """Return a store with two minutes of a made-up market."""
    file = tmp_path / "btc.gz"
    file.write_bytes(gzip.compress(b"".join(Market(seed=3).lines(1300))))
    root = tmp_path / "store"
    code, out, _ = run("import", file, "--venue", "binance-usdm", "--store", root, "--json")
    assert code == 0
    assert json.loads(out)["instruments"][0]["instrument"] == BTC
    return root


def test_every_command_has_help(run: Command) -> None:
    for name in ("demo", "import", "export", "inspect", "footprint", "backtest", "warm"):
        code, out, _ = run(name, "--help")
        assert code == 0
        assert name in out


def test_wrong_usage_is_two_and_goes_to_standard_error(run: Command) -> None:
    for wrong in (
        ("footprint",),
        ("frobnicate",),
        ("import", "--venue", "binance-usdm", "--store", "x"),
        ("import", "f", "--venue", "nowhere", "--store", "x"),
        ("backtest", "x", "--instrument", BTC, "--maker-bp", "cheap"),
    ):
        code, out, err = run(*wrong)
        assert code == 2, wrong
        assert out == ""
        assert err


def test_export_says_what_it_wrote_and_left_out(run: Command, store: Path) -> None:
    file = store.parent / "x.npz"
    code, out, _ = run("export", store, file, "--instrument", BTC, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["events"] > 0
    assert set(told["left_out"]) == {"quote"}
    again = ("import", file, "--venue", "binance-usdm", "--store", store.parent / "again")
    code, out, err = run(*again, "--json")
    assert (code, out) == (1, "")
    assert "give --symbol" in err
    code, out, _ = run(*again, "--symbol", "BTCUSDT")
    assert code == 0
    assert "binance-usdm:BTCUSDT" in out
    code, out, _ = run("export", store, file, "--instrument", BTC)
    assert code == 0
    assert "hftbacktest 2" in out


def test_a_failure_is_one_sentence_that_says_how_to_mend_it(run: Command, tmp_path: Path) -> None:
    code, out, err = run("inspect", tmp_path / "nothing", "--json")
    assert (code, out) == (1, "")
    assert err.startswith("aggressor: ")
    assert "Traceback" not in err


def test_footprint_prints_exact_strings(run: Command, store: Path) -> None:
    code, out, err = run("footprint", store, "--instrument", BTC, "--bar", "1m", "--json")
    assert (code, err) == (0, "")
    bars = json.loads(out)["bars"]
    assert bars
    for bar in bars:
        bought = sum(int(float(cell["bought"]) * 1000 + 0.5) for cell in bar["cells"])
        sold = sum(int(float(cell["sold"]) * 1000 + 0.5) for cell in bar["cells"])
        assert bought + sold == round(float(bar["volume"]) * 1000)
        assert bought - sold == round(float(bar["delta"]) * 1000)


def test_footprint_of_a_span_and_as_parquet(run: Command, store: Path, tmp_path: Path) -> None:
    _, out, _ = run("footprint", store, "--instrument", BTC, "--bar", "5s", "--json")
    every = json.loads(out)["bars"]
    start = every[3]["open_ns"]
    _, out, _ = run(
        "footprint", store, "--instrument", BTC, "--bar", "5s", "--from", start, "--json"
    )
    assert json.loads(out)["bars"] == every[3:]
    file = tmp_path / "bars.parquet"
    code, out, _ = run(
        "footprint", store, "--instrument", BTC, "--bar", "5s", "--parquet", file, "--json"
    )
    assert code == 0
    assert json.loads(out)["bars"] == len(every) == pq.read_table(file).num_rows


def test_moments_and_bars_that_are_none_are_refused(run: Command, store: Path) -> None:
    code, _, err = run("footprint", store, "--instrument", BTC, "--from", "yesterday")
    assert code == 1
    assert "is not a moment" in err
    code, _, err = run("footprint", store, "--instrument", BTC, "--bar", "7x")
    assert code == 1
    assert "'7x'" in err


def test_backtest_says_what_it_did_and_on_what(run: Command, store: Path) -> None:
    documents = []
    for _ in range(2):
        code, out, err = run("backtest", store, "--instrument", BTC, "--json")
        assert (code, err) == (0, "")
        documents.append(json.loads(out))
    first, second = documents
    asked = ("orders", "fills", "fills_maker", "pnl", "fees", "slippage_bp", "events", "seconds")
    for name in (*asked, "events_per_second", "digest", "refused", "parameters"):
        assert name in first
    assert first["digest"] == second["digest"]
    assert first["parameters"]["latency_ms"] == "5,20,20"
    assert first["parameters"]["queue"] == "risk-averse"


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--strategy", "moonshot", "There is no strategy 'moonshot'"),
        ("--queue", "magic", "There is no queue model 'magic'"),
        ("--latency-ms", "fast", "is no latency"),
        ("--equity", "0", "equity must be above zero"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    run: Command, store: Path, option: str, value: str, said: str
) -> None:
    code, out, err = run("backtest", store, "--instrument", BTC, option, value)
    assert (code, out) == (1, "")
    assert said in err


def test_tables_for_people(run: Command, store: Path) -> None:
    for words in (
        ("inspect", store),
        ("footprint", store, "--instrument", BTC),
        ("backtest", store, "--instrument", BTC),
    ):
        code, out, _ = run(*words)
        assert code == 0
        assert BTC in out


def test_demo_is_the_same_for_a_seed_and_other_for_another(run: Command) -> None:
    found = {}
    for seed in (DEMO_SEED, DEMO_SEED, 2):
        code, out, err = run("demo", "--seed", seed, "--json")
        assert (code, err) == (0, "")
        document = json.loads(out)
        for name in ("seconds", "events_per_second"):
            del document[name]
        assert found.setdefault(seed, document) == document
    assert found[DEMO_SEED] != found[2]
    for document in found.values():
        assert document["labels"]
        assert any(one["found"] for one in document["labels"])
    code, out, _ = run("demo", "--headless")
    assert code == 0
    assert "digest " + found[DEMO_SEED]["digest"] in out
