"""Limits in TOML: the bounds of an account, in the units of people, read strictly.

Names end in their unit: `_bp` basis points, `_s` and `_ms` seconds and milliseconds. A `_value` is
money of the settlement currency, a `_size` is in the venue's own unit of size; both may be written
as texts to be exact. What is not given has the default; a name that is not known, a value of
another type or out of its range is an error that says where. `[instruments."venue:SYMBOL"]` changes
`[default]` for one instrument.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from aggressor.execution.bracket import BracketRule
from aggressor.execution.desk import DeskRule
from aggressor.execution.halt import HaltLevel
from aggressor.execution.limits import Limits
from aggressor.execution.losses import LossRule
from aggressor.execution.pace import PaceRule
from aggressor.execution.triggers import TriggerRule
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.venues.margin import MarginTier

_MONEY = 100_000_000
_MS = 1_000_000
_S = 1_000_000_000

Share = Annotated[int, Meta(ge=0, le=10_000)]  # basis points
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Millis = Annotated[float, Meta(gt=0, le=3_600_000)]
Level = Annotated[int, Meta(ge=1, le=4)]


class AccountTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When enough is lost (check 13)."""

    day_loss_bp: Share = 100  # of equity at the day's start (UTC)
    drawdown_bp: Share = 500  # of the highest equity seen
    losses_in_a_row_max: Count = 5
    stops_max: Count = 3
    stops_window_s: Seconds = 600


class PaceTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is said (checks 8 and 9)."""

    messages_max: Count = 300
    messages_window_s: Seconds = 10
    new_risk_share_bp: Share = 8_000  # of them; the rest is for cancels and what reduces
    entries_max: Count = 5  # of one strategy, instrument and side
    entries_window_s: Seconds = 60


class ProtectionTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How positions are protected and left."""

    unprotected_ms_max: Millis = 1_000
    retry_ms: Millis = 200
    exit_cap_ticks: Count = 10  # an exit crosses by the larger of the two, wider at each try
    exit_cap_bp: Share = 2
    exit_widenings_max: Count = 8
    orphan_s: Seconds = 600  # a position of a process that is gone is closed when so old


class TriggersTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What pulls the kill switch by itself, and to which level (1 to 4)."""

    losses_level: Level = 1
    reject_share_bp: Share = 2_000
    reject_least: Count = 10  # answers within the window before a share is judged
    reject_window_s: Seconds = 60
    reject_level: Level = 1
    data_loss_s: Seconds = 5  # with a position
    data_loss_level: Level = 3
    mismatch_lots: Count = 1  # more than so many, against the venue
    mismatch_s: Seconds = 2
    mismatch_level: Level = 2
    latency_p99_ms: Millis = 2_000
    latency_level: Level = 1
    heartbeat_s: Seconds = 5  # the engine stands still (watchdog)
    heartbeat_level: Level = 3
    clock_ms: Millis = 100
    clock_level: Level = 1
    exception_level: Level = 2


class VenueTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a live account is set at the venue, for every instrument. One position, which nets."""

    leverage: Annotated[int, Meta(ge=1, le=125)] = 1
    isolated: bool = False  # margin: each position by itself, else the whole account
    dead_man_s: Annotated[float, Meta(ge=0, le=3_600)] = 0  # its timer cancels all; 0: never
    request_s: Seconds = 5  # a request is given up and asked for behind so long
    picture_s: Seconds = 60  # the whole account is asked for and compared, at least so often


class TierTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A margin tier, as a venue's pages state it, where it does not tell its tiers to programs."""

    value_max: Decimal | None = None  # of a position; None: no bound
    initial: Decimal  # shares of value: 0.01 is 1 %
    maintenance: Decimal
    deduction: Decimal = Decimal(0)  # of the maintenance, money


class LimitsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of the orders of one instrument (checks 1 to 7, 12, 14)."""

    enabled: bool = True
    allow_inferred: bool = True  # trade on a grid that was read off a recording: never live
    book_age_ms_max: Millis = 60_000  # whatever silence is usual; what is stale is refused anyway
    collar_bp: Share = 50  # from mid and last price
    cross_bp_max: Share = 10  # an entry, beyond the opposite best
    exit_cross_bp_max: Share = 100
    value_min: Decimal = Decimal(0)
    order_size_max: Decimal | None = None  # None: no bound; live asks for one
    order_value_max: Decimal | None = None
    position_size_max: Decimal | None = None
    open_orders_max: Count = 10
    open_orders_reserve: Count = 4  # of them for what reduces risk
    open_value_max: Decimal | None = None
    leverage_max: Annotated[int, Meta(ge=1, le=125)] = 5  # of the worst case to equity
    stop_multiple: Count = 3  # liquidation is at least so many stop distances away
    funding_window_s: Annotated[float, Meta(ge=0, le=3_600)] = 60  # no new risk before it settles
    margin_tiers: tuple[TierTable, ...] = ()  # the smallest first; used where the venue tells none


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file."""

    account: AccountTable = AccountTable()
    pace: PaceTable = PaceTable()
    protection: ProtectionTable = ProtectionTable()
    triggers: TriggersTable = TriggersTable()
    venue: VenueTable = VenueTable()
    default: LimitsTable = LimitsTable()
    instruments: Mapping[str, LimitsTable] = {}

    def desk(self, instruments: Sequence[Instrument]) -> DeskRule:
        """Return the rules of a desk of `instruments`; raise ConfigError."""
        unknown = sorted(set(self.instruments) - {one.id for one in instruments})
        if unknown:
            raise ConfigError(
                f"The limits name {unknown[0]}, which is not traded here: mend the name or take "
                "the table out."
            )
        limits = {
            k: _limits(self.instruments.get(one.id, self.default), one)
            for k, one in enumerate(instruments)
        }
        return DeskRule(
            limits=limits,
            bracket=_bracket(self.protection),
            losses=_losses(self.account),
            pace=_pace(self.pace),
            triggers=_triggers(self.triggers),
            orphan_ns=round(self.protection.orphan_s * _S),
        )

    def tiers(self, instruments: Sequence[Instrument]) -> dict[int, tuple[MarginTier, ...]]:
        """Return the margin tiers that a person stated, by number of the instrument."""
        stated = {
            k: self.instruments.get(one.id, self.default).margin_tiers
            for k, one in enumerate(instruments)
        }
        return {k: tuple(_tier(one) for one in rows) for k, rows in stated.items() if rows}

    def unbounded(self, instruments: Sequence[Instrument]) -> list[str]:
        """Return the bounds that live trading asks for and that are not given."""
        found = []
        for one in instruments:
            table = self.instruments.get(one.id, self.default)
            for name in ("order_size_max", "position_size_max"):
                if getattr(table, name) is None:
                    found.append(f'[instruments."{one.id}"] {name}')
            if table.allow_inferred:
                found.append(f'[instruments."{one.id}"] allow_inferred = false')
        return found

    def document(self) -> dict[str, Any]:
        """Return every bound by table, as plain values."""
        found = {name: msgspec.to_builtins(getattr(self, name)) for name in _TABLES}
        for name, table in self.instruments.items():
            found[f'instruments."{name}"'] = msgspec.to_builtins(table)
        return found


DEFAULT_RULES = Rules()
_TABLES: dict[str, Any] = {
    "account": AccountTable,
    "pace": PaceTable,
    "protection": ProtectionTable,
    "triggers": TriggersTable,
    "venue": VenueTable,
    "default": LimitsTable,
}
Table = TypeVar("Table")


def rules_of(file: Path) -> Rules:
    """Read a file of limits; raise ConfigError with the place of what is wrong."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as trouble:
        raise ConfigError(f"Cannot read the limits in {file}: {trouble}.") from None
    return rules_in(text, str(file))


def rules_in(text: str, where: str) -> Rules:
    """Read limits from TOML text; `where` names it in errors. Raises ConfigError."""
    try:
        tables: Any = msgspec.toml.decode(text)
    except msgspec.DecodeError as trouble:
        raise ConfigError(f"{where} is not TOML: {trouble}.") from None
    own = tables.pop("instruments", {})
    unknown = sorted(set(tables) - set(_TABLES))
    if unknown:
        known = ", ".join((*_TABLES, "instruments"))
        raise ConfigError(f"{where}: there is no table {unknown[0]!r}; there is {known}.")
    found = {
        name: _table(tables.get(name, {}), kind, where, name) for name, kind in _TABLES.items()
    }
    if not isinstance(own, dict):
        raise ConfigError(f"{where}: instruments is a table of tables, by venue:SYMBOL.")
    default = tables.get("default", {})
    by_name = {}
    for name, values in own.items():
        path = f'instruments."{name}"'
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: {path} must be a table.")
        by_name[name] = _table({**default, **values}, LimitsTable, where, path)
    return Rules(**found, instruments=by_name)


def _table(values: Any, kind: type[Table], where: str, path: str) -> Table:
    try:
        return msgspec.convert(values, kind, strict=True)
    except msgspec.ValidationError as trouble:
        words, _, place = str(trouble).partition(" - at `$")
        inner = place.rstrip("`")
        raise ConfigError(
            f"{where}: {path}{inner}: {words} - `aggressor limits --example` shows every name, "
            "type and unit."
        ) from None


def _limits(table: LimitsTable, one: Instrument) -> Limits:
    own = Limits()
    lots = {
        name: _lots(getattr(table, f"{name}_size_max"), one, name) for name in ("order", "position")
    }
    return Limits(
        enabled=table.enabled,
        allow_inferred=table.allow_inferred,
        notional_min=_money(table.value_min, 0),
        book_age_ns_max=round(table.book_age_ms_max * _MS),
        collar_bp=table.collar_bp,
        cross_bp_max=table.cross_bp_max,
        exit_cross_bp_max=table.exit_cross_bp_max,
        order_lots_max=own.order_lots_max if lots["order"] is None else lots["order"],
        order_notional_max=_money(table.order_value_max, own.order_notional_max),
        position_lots_max=own.position_lots_max if lots["position"] is None else lots["position"],
        open_orders_max=table.open_orders_max,
        open_orders_reserve=table.open_orders_reserve,
        open_notional_max=_money(table.open_value_max, own.open_notional_max),
        leverage_max=table.leverage_max,
        stop_multiple=table.stop_multiple,
        funding_window_ns=round(table.funding_window_s * _S),
    )


def _tier(table: TierTable) -> MarginTier:
    bounds = (table.value_max, None, table.initial, table.maintenance, table.deduction)
    return MarginTier("", *bounds)


def _lots(size: Decimal | None, one: Instrument, name: str) -> int | None:
    if size is None:
        return None
    if not size.is_finite() or size < 0:
        raise ConfigError(f"{one.id}: {name}_size_max must be a size, not {size}.")
    return int(size // one.lot)


def _money(amount: Decimal | None, without: int) -> int:
    if amount is None:
        return without
    if not amount.is_finite() or amount < 0:
        raise ConfigError(f"A value of the limits must be an amount of money, not {amount}.")
    return int(amount * _MONEY)


def _bracket(table: ProtectionTable) -> BracketRule:
    return BracketRule(
        unprotected_ns_max=round(table.unprotected_ms_max * _MS),
        retry_ns=round(table.retry_ms * _MS),
        exit_cap_ticks=table.exit_cap_ticks,
        exit_cap_bp=table.exit_cap_bp,
        exit_widenings_max=table.exit_widenings_max,
    )


def _losses(table: AccountTable) -> LossRule:
    return LossRule(
        day_bp=table.day_loss_bp,
        drawdown_bp=table.drawdown_bp,
        consecutive_max=table.losses_in_a_row_max,
        stops_max=table.stops_max,
        stops_window_ns=round(table.stops_window_s * _S),
    )


def _pace(table: PaceTable) -> PaceRule:
    return PaceRule(
        messages_max=table.messages_max,
        window_ns=round(table.messages_window_s * _S),
        share_bp=table.new_risk_share_bp,
        entries_max=table.entries_max,
        entries_window_ns=round(table.entries_window_s * _S),
    )


def _triggers(table: TriggersTable) -> TriggerRule:
    return TriggerRule(
        losses_level=HaltLevel(table.losses_level),
        reject_share_bp=table.reject_share_bp,
        reject_least=table.reject_least,
        reject_window_ns=round(table.reject_window_s * _S),
        reject_level=HaltLevel(table.reject_level),
        data_ns=round(table.data_loss_s * _S),
        data_level=HaltLevel(table.data_loss_level),
        mismatch_lots=table.mismatch_lots,
        mismatch_ns=round(table.mismatch_s * _S),
        mismatch_level=HaltLevel(table.mismatch_level),
        latency_ns=round(table.latency_p99_ms * _MS),
        latency_level=HaltLevel(table.latency_level),
        heartbeat_ns=round(table.heartbeat_s * _S),
        heartbeat_level=HaltLevel(table.heartbeat_level),
        clock_ns=round(table.clock_ms * _MS),
        clock_level=HaltLevel(table.clock_level),
        exception_level=HaltLevel(table.exception_level),
    )
