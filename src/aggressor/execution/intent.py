"""What is wanted, and the answer: Intent, Request, Approved, Refused.

A strategy wants something of the market: an `Intent` (enter, re-place, protect, cancel, exit) with
how to place it, how it is to be protected, why, and on what evidence. Execution turns an intent
into order `Request`s over time. A request becomes a COMMAND only inside `Approved`, and only
`limits.check` makes one: what was not checked has the wrong type. A refusal is a value that is
recorded, never an exception.

Prices ticks, sizes lots, times ns.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from aggressor.schema import command
from aggressor.schema.event import NO_PRICE


class Action(StrEnum):
    """What a strategy may want."""

    ENTER = "enter"
    REPLACE = "replace"  # the unfilled part of an entry, with another placement
    PROTECT = "protect"  # what is held, with a stop that is nearer
    CANCEL = "cancel"  # the unfilled part of an entry
    EXIT = "exit"  # all that is held


class Policy(StrEnum):
    """How an order meets the market (R8.4)."""

    JOIN = "join"  # post-only at the own best, re-pegged
    CROSS = "cross"  # marketable limit with a cap, immediate or cancel


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with its bounds."""

    policy: Policy
    cap_ticks: int = 0  # CROSS: beyond the opposite best
    wait_ns: int = 0  # JOIN: give up after
    repeg_ns: int = 0  # JOIN: least time between two amends
    chase_ticks: int = 0  # JOIN: never further than this from the first price
    limit: int = NO_PRICE  # never a price worse than this


class Target(msgspec.Struct, frozen=True):
    """A passive exit of `share` parts of the position."""

    price: int
    share: int = 1


class Protection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a position is given up and where it is taken (R8.8)."""

    stop: int  # trigger, last price
    targets: tuple[Target, ...]


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy wants now. `parent` is its own id for the whole trade, never used twice."""

    action: Action
    instrument: int
    strategy: int
    parent: int
    side: int = 0  # ENTER: +1 buy, -1 sell
    lots: int = 0  # ENTER
    placement: Placement | None = None  # ENTER, REPLACE
    protection: Protection | None = None  # ENTER, PROTECT; REPLACE while nothing has been filled
    reason: str = ""
    evidence: Mapping[str, float | str | None] = {}
    ts_decided: int = 0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One order message on its way to the checks. `size` of an amend is the whole order."""

    kind: int  # PLACE, AMEND or CANCEL of schema.command
    order: int
    parent: int
    instrument: int
    strategy: int
    side: int = 0
    type: int = command.LIMIT
    tif: int = command.GTC
    price: int = NO_PRICE
    trigger: int = NO_PRICE
    size: int = 0
    reduce_only: bool = False

    @property
    def new_risk(self) -> bool:
        """True when its fill could open or grow a position."""
        return self.kind != command.CANCEL and not self.reduce_only


class Approved(msgspec.Struct, frozen=True):
    """A request that passed every check; made by `limits.check` alone."""

    request: Request


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What was not done, by which check of R8.7, and why."""

    check: int
    reason: str
    ts_ns: int
    instrument: int
    parent: int
    request: Request | None = None  # None: the intent itself was refused
