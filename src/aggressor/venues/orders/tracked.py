"""One order of ours on its way: what was asked of the venue, and what is known of each request.

A request (to place, to amend, to cancel) stands in one of five stages; the table says what may
happen to it. A placing or an amending that is DOUBTED is never sent again: it is asked for, and
found, or known not to be there and never to come. A cancel may be sent as often as one likes.

    QUEUED   not sent: it waits for its turn, for the limits, or for the venue's clock
    SENT     on the wire, no answer yet
    TAKEN    accepted; what came of it is told by the stream, or asked for
    DOUBTED  sent, and whether it was applied is not known
    DONE     decided

Where a venue cannot amend, the order is cancelled and placed again for what is left: a further
*leg* of the same order, under a number of its own (`wire_number`), so that no id is used twice.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from aggressor.schema.command import AMEND, CANCEL, COMMAND_NAMES, PLACE
from aggressor.schema.event import NO_TIME
from aggressor.schema.report import REDUCE_ONLY

NEVER = 2**63 - 1
ORDER_BITS = 48
ORDER_MAX = (1 << ORDER_BITS) - 1  # our ids stay below, so that legs have room above
LEGS_MAX = 1 << 14
_EPOCH_NS = 1_577_836_800_000_000_000  # 2020-01-01
_IDS_PER_MS = 256


class Stage(IntEnum):
    """What is known of a request."""

    QUEUED = 1
    SENT = 2
    TAKEN = 3
    DOUBTED = 4
    DONE = 5


class Word(IntEnum):
    """What happens to a request."""

    SEND = 1
    TAKE = 2  # the venue accepted it
    REFUSE = 3  # the venue refused it, or we did
    HOLD = 4  # it was certainly not applied and may be sent again
    DOUBT = 5  # no answer, or one that leaves it open
    TELL = 6  # its effect was told
    MISS = 7  # it is certain that it had none and will have none


_S, _W = Stage, Word
_TABLE: dict[Stage, dict[Word, Stage]] = {
    _S.QUEUED: {_W.SEND: _S.SENT, _W.REFUSE: _S.DONE, _W.TELL: _S.DONE, _W.MISS: _S.DONE},
    _S.SENT: {
        _W.TAKE: _S.TAKEN,
        _W.REFUSE: _S.DONE,
        _W.HOLD: _S.QUEUED,
        _W.DOUBT: _S.DOUBTED,
        _W.TELL: _S.DONE,
    },
    _S.TAKEN: {_W.TELL: _S.DONE, _W.MISS: _S.DONE, _W.REFUSE: _S.DONE},
    _S.DOUBTED: {_W.TELL: _S.DONE, _W.MISS: _S.DONE, _W.REFUSE: _S.DONE},
    # an answer may come behind what the stream told
    _S.DONE: dict.fromkeys(Word, _S.DONE),
}
MOVES: dict[int, dict[Stage, dict[Word, Stage]]] = {
    PLACE: _TABLE,
    AMEND: _TABLE,
    CANCEL: _TABLE  # asked twice it does the same: it may be sent again
    | {
        _S.TAKEN: _TABLE[_S.TAKEN] | {_W.HOLD: _S.QUEUED},
        _S.DOUBTED: _TABLE[_S.DOUBTED] | {_W.HOLD: _S.QUEUED},
    },
}


@dataclass(slots=True, eq=False)
class Request:
    """One thing asked of the venue about one order."""

    kind: int  # PLACE, AMEND or CANCEL
    wanted_ns: int
    leg: int = 0  # of its order
    stage: Stage = Stage.QUEUED
    sent_ns: int = NO_TIME  # the last time; in doubt: when it can last have left
    not_before_ns: int = 0
    sends: int = 0
    bad_clocks: int = 0
    size: int = 0  # of an AMEND: the whole new size, price and trigger
    price: int = 0
    trigger: int = 0
    by_cancel: bool = False  # the venue cannot amend: cancel, then place
    refusal: int = -1  # why a cancel was refused, while that is not told yet
    unasked: bool = False  # a cancel that no COMMAND asked for: nobody waits for its answer
    replaced: bool = False  # and the leg that replaces is under way

    def can(self, word: Word) -> bool:
        """Return whether the table has this move."""
        return word in MOVES[self._table][self.stage]

    def move(self, word: Word) -> None:
        """Take a word; what the table has not is our own mistake."""
        moves = MOVES[self._table][self.stage]
        assert word in moves, (
            f"a {COMMAND_NAMES[self.kind]} that is {self.stage.name} cannot {word.name}"
        )
        self.stage = moves[word]

    @property
    def _table(self) -> int:
        return CANCEL if self.by_cancel else self.kind

    @property
    def open(self) -> bool:
        """Whether it is sent and not decided."""
        return self.stage in (Stage.SENT, Stage.TAKEN, Stage.DOUBTED)


@dataclass(slots=True)
class Inquiry:
    """When an order is asked for, and how that went."""

    at_ns: int = NEVER
    tries: int = 0
    misses: int = 0  # questions in a row that did not find it
    since_ns: int = 0  # when the doubt began
    alerted: bool = False
    asking: bool = False
    checking: bool = False  # whether it still lives is to be asked, though nothing is in doubt

    def soon(self, at_ns: int, now: int) -> None:
        """Ask at that time, or earlier if that was planned."""
        self.since_ns = self.since_ns or now
        self.at_ns = min(self.at_ns, at_ns)

    def over(self) -> None:
        """Nothing is to be asked."""
        self.at_ns = NEVER
        self.tries = self.misses = self.since_ns = 0
        self.alerted = self.checking = False


@dataclass(slots=True, eq=False)
class Tracked:
    """One order of ours. Prices ticks, sizes lots, times ns."""

    id: int
    row: Any  # the COMMAND that placed it
    instrument: int
    side: int
    type: int
    size: int  # of all legs, what is filled included
    price: int
    trigger: int
    place: Request
    amend: Request | None = None
    cancel: Request | None = None
    leg: int = 0
    leg_size: int = 0
    leg_base: int = 0  # what earlier legs have filled
    leg_filled: int = 0  # the fills of this leg that we have
    leg_told: int = 0  # what the venue says is filled of it
    leg_seen: bool = False  # the venue has told of this leg
    filled: int = 0
    leaves_told: int = 1  # by the last fill that was reported
    acked: bool = False
    triggered: bool = False
    over: bool = False
    missed: bool = False  # over, because it was not there
    end_kind: int = 0  # how this leg ended, as told; its fills may still be missing
    end_reason: int = 0
    end_ns: int = NO_TIME
    terms_ns: int = NO_TIME  # venue time at which size and price were told
    venue_id: str = ""  # of this leg
    venue_ids: list[str] = field(default_factory=list)  # of all legs, and what triggers became
    since_ns: int = 0  # when we were told to send it
    unsure: bool = False  # it is gone, and whether it filled before is to be asked
    fills_at_ns: int = NEVER  # when the fills that are missing are asked for
    inquiry: Inquiry = field(default_factory=Inquiry)
    # fills that an earlier process has booked: (venue time, price, lots) -> how many
    recalled: Counter[tuple[int, int, int]] = field(default_factory=Counter)

    @property
    def wire_number(self) -> int:
        """The number under which the venue knows this leg."""
        return self.id | (self.leg << ORDER_BITS)

    @property
    def reduces(self) -> bool:
        """Whether it can only reduce a position."""
        return bool(int(self.row["flags"]) & REDUCE_ONLY)

    @property
    def missing(self) -> bool:
        """Whether there are fills, or may be, that we do not have."""
        return self.unsure or self.leg_told > self.leg_filled

    def wire_row(self, kind: int) -> Any:
        """Return the COMMAND as this leg is to be asked for."""
        row = self.row.copy()
        row["kind"], row["order"] = kind, self.wire_number
        row["size"], row["price"], row["trigger"] = self.leg_size, self.price, self.trigger
        if kind == AMEND and self.amend is not None:
            asked = self.amend
            row["size"], row["price"], row["trigger"] = asked.size, asked.price, asked.trigger
        return row

    def next_leg(self, now: int) -> None:
        """Begin the leg that places anew what the amended order leaves."""
        assert self.amend is not None, "a further leg comes of an amendment"
        self.leg += 1
        assert self.leg < LEGS_MAX, "an order has no more legs"
        self.size, self.price = self.amend.size, self.amend.price
        self.trigger = self.amend.trigger
        self.leg_base = self.filled
        self.leg_size = self.size - self.filled
        self.leg_filled = self.leg_told = self.end_kind = self.end_reason = 0
        self.leg_seen = False
        self.venue_id = ""
        self.place = Request(PLACE, now, self.leg)
        self.amend.replaced = True
        self.inquiry.over()


def split_number(number: int) -> tuple[int, int]:
    """Return our id and the leg of a number that the venue was told."""
    return number & ORDER_MAX, number >> ORDER_BITS


def first_id(now: int) -> int:
    """Return an id that no earlier run has used, if the clock did not go back between them.

    Ids count on from the time of the start at 256 a millisecond, faster than anybody sends; they
    stay below ORDER_MAX until 2054.
    """
    number = max(now - _EPOCH_NS, 0) // 1_000_000 * _IDS_PER_MS + 1
    assert number < ORDER_MAX, "the clock is beyond the year 2054"
    return number


def new_tracked(row: Any, now: int) -> Tracked:
    """Return an order as a COMMAND wants it placed."""
    order_id, size = int(row["order"]), int(row["size"])
    assert 0 < order_id <= ORDER_MAX, f"an order's id is within 1 and {ORDER_MAX}"
    return Tracked(
        id=order_id,
        row=row.copy(),
        instrument=int(row["instrument"]),
        side=int(row["side"]),
        type=int(row["type"]),
        size=size,
        price=int(row["price"]),
        trigger=int(row["trigger"]),
        place=Request(PLACE, now),
        leg_size=size,
        leaves_told=size,
        since_ns=now,
    )
