"""Limits in TOML: strict about names, types and ranges; exact in units; whole in its example."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from aggressor.execution.halt import HaltLevel
from aggressor.execution.limits import Limits
from aggressor.run.accounts.limits_example import EXAMPLE
from aggressor.run.accounts.rules import DEFAULT_RULES, LimitsTable, rules_in, rules_of
from aggressor.schema.errors import ConfigError
from tests.store.stores import an_instrument

BTC = an_instrument()


def test_the_example_is_the_defaults() -> None:
    assert rules_in(EXAMPLE, "example") == DEFAULT_RULES


def test_the_example_names_everything() -> None:
    for name, table in DEFAULT_RULES.document().items():
        assert f"[{name}]" in EXAMPLE
        for field in table:
            assert f"\n{field} = " in EXAMPLE or f"\n# {field} = " in EXAMPLE, field


def test_no_file_is_the_limits_of_before_with_triggers() -> None:
    rule = DEFAULT_RULES.desk([BTC])
    assert rule.limits == {0: Limits()}
    assert rule.triggers is not None


def test_units_become_ticks_lots_and_ns() -> None:
    text = """
    [default]
    book_age_ms_max = 250
    order_value_max = "1234.56789"
    [instruments."binance-usdm:BTCUSDT"]
    order_size_max = "0.0205"
    position_size_max = 0.04
    [account]
    stops_window_s = 1.5
    [triggers]
    data_loss_level = 2
    """
    rule = rules_in(text, "x").desk([BTC])
    limits = rule.limits[0]
    assert limits.book_age_ns_max == 250_000_000
    assert limits.order_notional_max == 123_456_789_000
    assert (limits.order_lots_max, limits.position_lots_max) == (20, 40)  # never rounded up
    assert rule.losses.stops_window_ns == 1_500_000_000
    assert rule.triggers is not None
    assert rule.triggers.data_level is HaltLevel.CANCEL


def test_a_rule_survives_json() -> None:
    rule = rules_in('[default]\nvalue_min = "5.5"\n', "x").desk([BTC])
    plain = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(rule, str_keys=True)))
    assert msgspec.convert(plain, type(rule), strict=False) == rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[acount]\n", "no table 'acount'"),
        ("[account]\nday_los_bp = 1\n", "account: Object contains unknown field `day_los_bp`"),
        ("[account]\nday_loss_bp = '1'\n", "account.day_loss_bp: Expected `int`, got `str`"),
        ("[account]\nday_loss_bp = 10001\n", "account.day_loss_bp: Expected `int` <= 10000"),
        ("[pace]\nmessages_window_s = 0\n", "pace.messages_window_s"),
        ("[triggers]\nlosses_level = 5\n", "triggers.losses_level"),
        ("[default]\nenabled = 1\n", "default.enabled: Expected `bool`"),
        ('[instruments."a:B"]\ncolar_bp = 1\n', 'instruments."a:B": Object contains unknown field'),
        ("instruments = 3\n", "instruments is a table"),
        ("[instruments]\nx = 3\n", 'instruments."x" must be a table'),
        ("[account\n", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as trouble:
        rules_in(text, "my.toml")
    assert said in str(trouble.value)
    assert "my.toml" in str(trouble.value)


def test_limits_for_what_is_not_traded_are_refused() -> None:
    rules = rules_in('[instruments."binance-usdm:BTCUSDC"]\n', "x")
    with pytest.raises(ConfigError, match="BTCUSDC, which is not traded"):
        rules.desk([BTC])


@pytest.mark.parametrize("size", ["-1", "nan", "inf"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    table = LimitsTable(order_size_max=Decimal(size))
    with pytest.raises(ConfigError, match="order_size_max"):
        msgspec.structs.replace(DEFAULT_RULES, default=table).desk([BTC])


def test_live_asks_for_bounds() -> None:
    assert len(DEFAULT_RULES.unbounded([BTC])) == 3
    text = "[default]\norder_size_max = 1\nposition_size_max = 2\nallow_inferred = false\n"
    assert rules_in(text, "x").unbounded([BTC]) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read the limits"):
        rules_of(tmp_path / "none.toml")
