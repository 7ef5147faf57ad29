"""`aggressor execute` and `slippage` from the command line, on a made store."""

import json
from typing import Any, get_args

import pytest

from aggressor.cli.execution import PolicyName
from aggressor.execution.intent import Policy
from aggressor.strategies.one_order import limit_of
from tests.made import cached_beside, command, document, made


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch) -> None:
    cached_beside(monkeypatch)


def execute(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    one = made()
    code, out, err = command(
        capsys, "execute", one.id, *words, "--replay", one.store, "--wait", 20, "--json"
    )
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize("policy", ["peg", "iceberg", "capped"])
def test_an_order_is_worked_alone_within_its_slippage(
    capsys: pytest.CaptureFixture[str], policy: str
) -> None:
    found = execute(capsys, "buy", "0.2", "--policy", policy, "--max-slippage-bp", 3)
    cost = found["cost"]
    assert cost["reason"]
    assert cost["policy"] == policy
    assert 0 < found["filled_share"] <= 1
    assert cost["slippage_bp"] <= 3.0
    assert found["average"] <= float(found["limit"]) <= found["arrival"] * 1.0003
    assert cost["shortfall"] == pytest.approx(
        cost["delay"] + cost["trading"] + cost["opportunity"] + cost["fees"]
    )
    assert found == execute(capsys, "buy", "0.2", "--policy", policy, "--max-slippage-bp", 3)


def test_a_sale(capsys: pytest.CaptureFixture[str]) -> None:
    found = execute(capsys, "sell", "0.1", "--policy", "cross")
    assert (found["cost"]["side"], found["cost"]["maker_share"]) == ("sell", 0.0)
    assert found["cost"]["counts"]["orders"] == 1
    assert 0 < found["filled_share"] <= 1
    assert found["limit"] is None


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    one = made()
    code, out, _ = command(capsys, "execute", one.id, "buy", "0.1", "--replay", one.store)
    assert code == 0
    assert "buy 0.100 of" in out
    assert "shortfall" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("buy", "0.0001"), "0.0001"),
        (("buy", "0"), "above zero"),
        (("buy", "1", "--max-slippage-bp", "-1"), "within 0 and 10000"),
        (("buy", "1", "--policy", "cross-or-wait"), "--fill-model"),
        (("buy", "1", "--policy", "cross-or-wait", "--fill-model", "none.json"), "none.json"),
        (("buy", "1000000000"), "refused"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    one = made()
    code, out, err = command(capsys, "execute", one.id, *words, "--replay", one.store)
    assert said in out + err
    assert code in (0, 1)


def test_without_a_market_to_work_on_it_is_a_mistake_of_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, err = command(capsys, "execute", made().id, "buy", "1")
    assert code == 2
    assert "--replay" in err


def test_policies_have_one_set_of_names() -> None:
    assert set(get_args(PolicyName)) == {p.value for p in Policy}


def test_the_limit_never_allows_more_than_was_said() -> None:
    assert limit_of(2 * 60_000, 1, 3.0) == 60_018
    assert limit_of(2 * 60_000, -1, 3.0) == 59_982
    assert limit_of(2 * 60_001 + 1, 1, 3.0) == 60_019
    assert limit_of(2 * 60_001 + 1, -1, 3.0) == 59_984


def test_slippage_and_the_model_it_keeps(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    file = tmp_path / "model.json"
    found = document(
        capsys, "slippage", "--sizes", "0.02,0.2", "--times", 3, "--wait", 5, "--save-model", file
    )
    assert {row["size"] for row in found["rows"]} == {"0.020", "0.200"}
    assert found["fill_model"]["in_sample"]
    assert found["rows"][0]["saving"] is None
    again = execute(capsys, "buy", "0.05", "--policy", "cross-or-wait", "--fill-model", file)
    assert again["cost"]["expected_bp"] is not None
    assert again["filled_share"] == 1.0


def test_a_backtest_tells_what_its_orders_cost(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "backtest", "--profile", "micro", "--equity", 1000000)
    tca = found["tca"]
    assert {"orders", "groups", "exits"} <= set(tca)
    if tca["orders"]:
        assert tca["groups"][0]["by"] == "all"
        assert tca["groups"][0]["orders"] == len(tca["orders"])
