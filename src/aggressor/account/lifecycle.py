"""The life of an order as one table: from a state, by a move, to a state.

Two parties move an order. We send it, ask to cancel and ask to amend; the venue acknowledges,
fills, cancels, rejects, expires, amends, or says no to what we asked. Messages cross on the way, so
the table is written for what can *arrive*, not for what one would like:

* a fill may come before the acknowledgement, while we ask to cancel, and while we ask to amend;
* the acknowledgement may come after fills, or twice;
* a cancel may be refused because the order is gone (its fill or end is then already under way to
  us) or because the venue would not; either way the order goes back to the state it rests in
  (`_RESTS`), and the report that explains it follows;
* the answer to a request may arrive after the end of the order: in the four end states late answers
  to our own requests, and a repetition of the end itself, leave the state as it is;
* asking again for what is under way (a second cancel, an amend while cancelling) is our own
  mistake, and so is asking anything of an order that is over. Those moves are not in the table.

Whatever is not in the table raises `IllegalMoveError` at once: either we have a fault, or the
venue's truth and ours have parted and must be reconciled before anything else is sent.

`_RESTS` in the table stands for WORKING where nothing is filled yet and PARTIAL otherwise.
"""

from enum import IntEnum

from aggressor.schema.errors import AggressorError


class State(IntEnum):
    """Where an order is in its life."""

    PENDING_NEW = 1  # sent, not yet acknowledged
    WORKING = 2  # rests at the venue, nothing filled
    PARTIAL = 3  # rests at the venue, some filled
    PENDING_CANCEL = 4  # we asked to cancel; still fills
    PENDING_AMEND = 5  # we asked to amend; still fills, at the old or the new terms
    FILLED = 6
    CANCELED = 7
    REJECTED = 8
    EXPIRED = 9  # the remainder of an IOC or market order

    __hash__ = int.__hash__  # that of an Enum goes by its name, in Python: asked at every decision


class Move(IntEnum):
    """What happens to an order."""

    ASK_CANCEL = 1
    ASK_AMEND = 2
    ACK = 3
    FILL_PART = 4
    FILL_ALL = 5
    CANCEL = 6
    REJECT = 7
    EXPIRE = 8
    AMEND = 9
    REFUSE_AMEND = 10
    REFUSE_CANCEL = 11
    TRIGGER = 12  # a stop became a market order

    __hash__ = int.__hash__


class IllegalMoveError(AggressorError):
    """An order was moved in a way its state does not allow."""


_RESTS = None

_S = State
_M = Move
MOVES: dict[State, dict[Move, State | None]] = {
    _S.PENDING_NEW: {
        _M.ASK_CANCEL: _S.PENDING_CANCEL,
        _M.ACK: _S.WORKING,
        _M.FILL_PART: _S.PARTIAL,
        _M.FILL_ALL: _S.FILLED,
        _M.CANCEL: _S.CANCELED,
        _M.REJECT: _S.REJECTED,
        _M.EXPIRE: _S.EXPIRED,
        _M.TRIGGER: _S.PENDING_NEW,
    },
    _S.WORKING: {
        _M.ASK_CANCEL: _S.PENDING_CANCEL,
        _M.ASK_AMEND: _S.PENDING_AMEND,
        _M.ACK: _S.WORKING,
        _M.FILL_PART: _S.PARTIAL,
        _M.FILL_ALL: _S.FILLED,
        _M.CANCEL: _S.CANCELED,
        _M.REJECT: _S.REJECTED,
        _M.EXPIRE: _S.EXPIRED,
        _M.TRIGGER: _S.WORKING,
    },
    _S.PARTIAL: {
        _M.ASK_CANCEL: _S.PENDING_CANCEL,
        _M.ASK_AMEND: _S.PENDING_AMEND,
        _M.ACK: _S.PARTIAL,
        _M.FILL_PART: _S.PARTIAL,
        _M.FILL_ALL: _S.FILLED,
        _M.CANCEL: _S.CANCELED,
        _M.EXPIRE: _S.EXPIRED,
        _M.TRIGGER: _S.PARTIAL,
    },
    _S.PENDING_CANCEL: {
        _M.ACK: _S.PENDING_CANCEL,
        _M.FILL_PART: _S.PENDING_CANCEL,
        _M.FILL_ALL: _S.FILLED,
        _M.CANCEL: _S.CANCELED,
        _M.REJECT: _S.REJECTED,
        _M.EXPIRE: _S.EXPIRED,
        _M.AMEND: _S.PENDING_CANCEL,
        _M.REFUSE_AMEND: _S.PENDING_CANCEL,
        _M.REFUSE_CANCEL: _RESTS,
        _M.TRIGGER: _S.PENDING_CANCEL,
    },
    _S.PENDING_AMEND: {
        _M.ASK_CANCEL: _S.PENDING_CANCEL,
        _M.ACK: _S.PENDING_AMEND,
        _M.FILL_PART: _S.PENDING_AMEND,
        _M.FILL_ALL: _S.FILLED,
        _M.CANCEL: _S.CANCELED,
        _M.REJECT: _S.REJECTED,
        _M.EXPIRE: _S.EXPIRED,
        _M.AMEND: _RESTS,
        _M.REFUSE_AMEND: _RESTS,
        _M.TRIGGER: _S.PENDING_AMEND,
    },
}
_LATE = (_M.ACK, _M.AMEND, _M.REFUSE_AMEND, _M.REFUSE_CANCEL)
MOVES[_S.FILLED] = dict.fromkeys(_LATE, _S.FILLED)
MOVES[_S.CANCELED] = dict.fromkeys((*_LATE, _M.CANCEL), _S.CANCELED)
MOVES[_S.REJECTED] = dict.fromkeys((*_LATE, _M.REJECT), _S.REJECTED)
MOVES[_S.EXPIRED] = dict.fromkeys((*_LATE, _M.EXPIRE), _S.EXPIRED)

ENDED = frozenset({State.FILLED, State.CANCELED, State.REJECTED, State.EXPIRED})
RESTING = frozenset({State.WORKING, State.PARTIAL})
IN_FLIGHT = frozenset({State.PENDING_NEW, State.PENDING_CANCEL, State.PENDING_AMEND})


def moved(state: State, move: Move, filled: int) -> State:
    """Return the state after `move`; `filled` lots (after the move) tell WORKING from PARTIAL.

    Raises IllegalMoveError where the table has no such move.
    """
    if move not in MOVES[state]:
        raise IllegalMoveError(
            f"An order that is {state.name} cannot {move.name}: our record and the venue's have "
            "parted; compare the open orders with the venue before sending anything more."
        )
    after = MOVES[state][move]
    if after is None:
        return State.PARTIAL if filled else State.WORKING
    return after


def can(state: State, move: Move) -> bool:
    """Return whether `move` is legal from `state`."""
    return move in MOVES[state]
