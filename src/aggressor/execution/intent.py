"""What is wanted, and the answer: Intent, Request, Approved, Refused.

A strategy wants something of the market: an `Intent` (enter, work, re-place, protect, cancel, exit)
with how to place it, how it is to be protected, why, and on what evidence. Execution turns an
intent into order `Request`s over time. A request becomes a COMMAND only inside `Approved`, and only
`limits.check` makes one: what was not checked has the wrong type. A refusal is a value that is
recorded, never an exception.

Prices ticks, sizes lots, times ns.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from aggressor.execution.fill_chance import FillModel
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE


class Action(StrEnum):
    """What a strategy may want."""

    ENTER = "enter"
    WORK = "work"  # one parent order by itself: a placement, nothing that protects it
    REPLACE = "replace"  # the unfilled part of an order, with another placement
    PROTECT = "protect"  # what is held, with a stop that is nearer
    CANCEL = "cancel"  # the unfilled part of an order
    EXIT = "exit"  # all that is held


class Policy(StrEnum):
    """How an order meets the market (R8.4)."""

    JOIN = "join"  # post-only at the own best, re-pegged; leaves when its time or chase is over
    CROSS = "cross"  # one marketable limit with a cap, immediate or cancel
    CAPPED = "capped"  # the same again for what is left, until its time is over
    PEG = "peg"  # as JOIN; crosses at the end where it may
    ICEBERG = "iceberg"  # as PEG, a small part shown at a time
    TWAP = "twap"  # slices over its time
    POV = "pov"  # a share of what others trade
    CHOOSE = "cross-or-wait"  # whichever is expected to cost less, asked again and again


class Slicing(msgspec.Struct, frozen=True, kw_only=True):
    """How an order is cut (R8.4). Shares are basis points; times ns."""

    slices: int = 10  # TWAP
    jitter_bp: int = 2000  # of the times and sizes of slices, of what an ICEBERG shows
    band_bp: int = 1000  # of the whole order: further behind than this is crossed
    rate_bp: int = 1000  # POV: of the volume of others
    rate_max_bp: int = 2000  # POV: never more than this share, catching up included
    own_on_tape: bool = False  # POV: our fills are among the prints (live, not in a simulation)
    show_lots: int = 0  # ICEBERG: shown at a time; 0: a share of the level
    level_bp: int = 750  # ICEBERG: that share, 5 to 10 %
    refill_min_ns: int = 100_000_000  # ICEBERG
    refill_max_ns: int = 500_000_000  # ICEBERG


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What CHOOSE weighs: the chance of a fill and what both ways cost (R8.4, R8.5)."""

    model: FillModel
    maker_bp: float
    taker_bp: float
    horizon_ns: int = 10_000_000_000  # of one wait, before it is asked again
    caution: float = 1.0  # standard errors by which the chance of a fill is lowered
    margin_bp: float = 0.0  # crossing must be cheaper by this much


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """A policy with its bounds. Times ns, prices ticks.

    `limit` bounds every order there will be, passive or not. `answer_ns`, where it is not 0: an
    order whose answer has not come for so long is cancelled. `stale_ns`, where it is not 0: what
    rests is cancelled when the book has not been known for so long.
    """

    policy: Policy
    cap_ticks: int = 0  # crossing: beyond the opposite best
    wait_ns: int = 0  # give up (or cross what is left) after; the length of TWAP and POV
    repeg_ns: int = 0  # least time between two amends, or two crossing orders
    chase_ticks: int = 0  # JOIN, PEG: never further than this from the first price
    limit: int = NO_PRICE  # never a price worse than this
    fixed: bool = False  # JOIN, PEG: rest at the limit and nowhere else, wherever the best is
    cross_at_end: bool = False  # cross what is left when time or chase is over
    finish_ns: int = 2_000_000_000  # how long that may take
    places_max: int = 20  # orders it may place: a post-only may be rejected again and again
    answer_ns: int = 0
    stale_ns: int = 0
    seed: int = 0  # of all jitter
    slicing: Slicing = Slicing()
    choice: Choice | None = None  # CHOOSE


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
    side: int = 0  # ENTER, WORK: +1 buy, -1 sell
    lots: int = 0  # ENTER, WORK
    placement: Placement | None = None  # ENTER, WORK, REPLACE
    protection: Protection | None = None  # ENTER, PROTECT; REPLACE while nothing has been filled
    reduce_only: bool = False  # WORK: it may only shrink a position
    beside: bool = False  # WORK: it may stand beside others that were asked for so
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
    urgent: bool = False  # CANCEL: to shed risk, not to stand somewhere better

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
