"""A strategy of one's own out of a file: it trades, and every mistake is one clear sentence."""

from pathlib import Path
from typing import Any

import pytest

from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import backtest_of
from aggressor.run.backtests.market_source import Source
from aggressor.run.own_strategy import is_own, own_strategy, strategy_class
from aggressor.schema.errors import ConfigError
from aggressor.store.replay import replay_of
from tests.properties.tapes import instruments, market, within

EXAMPLE = f"{Path(__file__).parents[2] / 'examples' / 'own_strategy.py'}:Leaning"


@pytest.fixture
def source() -> Source:
    events = within(market(1), 120.0)
    first, last = int(events["ts_recv"][0]), int(events["ts_recv"][-1])
    return Source((instruments()[0],), lambda: replay_of([events]), events.size, first, last)


def file_of(folder: Path, text: str) -> str:
    (folder / "mine.py").write_text(text, encoding="utf-8")
    return f"{folder / 'mine.py'}:Mine"


def test_a_name_with_a_file_is_ones_own() -> None:
    assert is_own("mine.py:Mine")
    assert is_own("somewhere/mine:Mine")
    assert not is_own("exhaustion_scalp")


def test_it_trades_and_its_trades_are_recorded(source: Source) -> None:
    settings = Settings(strategy=EXAMPLE, profile="micro", rule={"lean": 0.6, "hold_s": 5})
    first, again = (backtest_of(source, settings, {}) for _ in range(2))
    assert first["strategy"] == "Leaning"
    assert first["trades"] > 3
    assert first["digest"] == again["digest"]
    done = [one for one in first["trade_list"] if one["entry"]]
    assert len(done) == first["trades"]
    assert {one["exit_reason"] for one in done} <= {"time", "stop", "target 1"}
    assert done[0]["setup"] == "Leaning/synthetic:MICRO/1"
    assert set(done[0]["markouts_ticks"]) == {"1s", "5s", "30s", "60s"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mine.py", "", "names no class: write path/to/file.py:ClassName"),
        ("nowhere.py:Mine", "", "nowhere.py is not there"),
        ("", "class Other:\n    pass\n", "has no class Mine; it has Other"),
        ("", "Mine = 3\n", "has no class Mine; it has none"),
        ("", "class Mine:\n    pass\n", "has no method decide(view)"),
        ("", "class Mine:\n    def decide(self): ...\n", "must take one view"),
        ("", "import no_such_thing\n", "cannot be loaded: ModuleNotFoundError"),
        ("", "class Mine(:\n", "cannot be loaded: SyntaxError"),
    ],
)
def test_a_wrong_file_or_class(tmp_path: Path, name: str, text: str, said: str) -> None:
    named = file_of(tmp_path, text)
    with pytest.raises(ConfigError) as trouble:
        strategy_class(name or named)
    assert said in str(trouble.value)


MINE = """
class Mine:
    def __init__(self, size: int, far: float = 1.0):
        {}
    def decide(self, view): return {}
"""


@pytest.mark.parametrize(
    ("table", "body", "said"),
    [
        ({"size": 1, "sise": 2}, "pass", "f.toml: sise is not known; allowed here: size, far."),
        ({"size": "big"}, "pass", "f.toml: size = 'big': Expected `int`, got `str`."),
        ({}, "pass", "Mine needs size: give it with --params."),
        ({"size": 1}, "1 / 0", "cannot be made: ZeroDivisionError"),
    ],
)
def test_wrong_parameters(tmp_path: Path, table: dict[str, Any], body: str, said: str) -> None:
    name = file_of(tmp_path, MINE.format(body, "None"))
    with pytest.raises(ConfigError) as trouble:
        own_strategy(name, table, "f.toml", instruments()[0], 0)
    assert said in str(trouble.value)


@pytest.mark.parametrize("answer", ["3", "['buy']", "'buy'"])
def test_what_is_no_want(tmp_path: Path, answer: str, source: Source) -> None:
    name = file_of(tmp_path, MINE.format("pass", answer))
    with pytest.raises(ConfigError, match=r"Mine.decide returned .*: return nothing, an Intent"):
        backtest_of(source, Settings(strategy=name, profile="micro", rule={"size": 1}), {})
