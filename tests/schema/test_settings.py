"""Settings say what they are and refuse what is not known, by its path."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from aggressor.schema.errors import ConfigError
from aggressor.schema.settings import Parameter, about, changed, parameters_of, read_table


class Part(msgspec.Struct, frozen=True, kw_only=True):
    deep_ns: Annotated[int, about("how deep", "ns")] = 7


class Group(msgspec.Struct, frozen=True, kw_only=True):
    hidden: int = 1
    share: Annotated[float, about("of all", "of 1")] = 0.5
    part: Part = Part()
    words: Annotated[dict[str, str], about("words")] = {}


def test_what_is_said_of_settings() -> None:
    assert list(parameters_of(Group())) == [
        Parameter("share", 0.5, "of 1", "of all"),
        Parameter("part.deep_ns", 7, "ns", "how deep"),
        Parameter("words", {}, "", "words"),
    ]


def test_a_table_changes_what_it_names() -> None:
    group = changed(Group(), {"share": 1, "part": {"deep_ns": 9}, "words": {"a": "b"}}, "x")
    assert group == Group(share=1.0, part=Part(deep_ns=9), words={"a": "b"})
    assert changed(Group(), {}, "x") == Group()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"shares": 1}, "f.toml: shares is not known; allowed here: share, part, words."),
        ({"hidden": 2}, "f.toml: hidden is not known; allowed here: share, part, words."),
        ({"part": {"deep": 1}}, "f.toml: part.deep is not known; allowed here: deep_ns."),
        ({"part": 3}, "f.toml: part is a table of settings, not 3."),
        ({"share": "half"}, "f.toml: share = 'half': Expected `float`, got `str`."),
        ({"part": {"deep_ns": 1.5}}, "f.toml: part.deep_ns = 1.5: Expected `int`, got `float`."),
        ({"words": {"a": 1}}, "f.toml: words = {'a': 1}: Expected `str`, got `int` - at `$[...]`."),
    ],
)
def test_what_is_wrong_is_named_by_its_path(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as trouble:
        changed(Group(), table, "f.toml")
    assert str(trouble.value) == said


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_table(tmp_path / "nothing.toml")
    (tmp_path / "bad.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match="is no TOML"):
        read_table(tmp_path / "bad.toml")
    (tmp_path / "good.toml").write_text("[part]\ndeep_ns = 1_000\n")
    assert read_table(tmp_path / "good.toml") == {"part": {"deep_ns": 1000}}
