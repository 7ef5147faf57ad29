"""The table of order states, read as a table."""

import pytest

from aggressor.account.lifecycle import ENDED, MOVES, IllegalMoveError, Move, State, can, moved

# One life a line: the moves in order, then the states they lead through. With a move written `+n`,
# n lots are filled in all when it has happened.
LIVES = {
    "rests, fills, done": ("ACK FILL_PART+3 FILL_ALL+10", "WORKING PARTIAL FILLED"),
    "fill before the ack": ("FILL_PART+3 ACK+3 CANCEL+3", "PARTIAL PARTIAL CANCELED"),
    "ack after the whole fill": ("FILL_ALL+5 ACK+5", "FILLED FILLED"),
    "ack twice": ("ACK ACK", "WORKING WORKING"),
    "rejected": ("REJECT", "REJECTED"),
    "immediate or cancel": ("ACK FILL_PART+2 EXPIRE+2", "WORKING PARTIAL EXPIRED"),
    "cancel races a fill": (
        "ACK ASK_CANCEL FILL_ALL+9 REFUSE_CANCEL+9",
        "WORKING PENDING_CANCEL FILLED FILLED",
    ),
    "cancel after part": (
        "ACK FILL_PART+2 ASK_CANCEL FILL_PART+4 CANCEL+4",
        "WORKING PARTIAL PENDING_CANCEL PENDING_CANCEL CANCELED",
    ),
    "cancel refused, still there": (
        "ACK ASK_CANCEL REFUSE_CANCEL",
        "WORKING PENDING_CANCEL WORKING",
    ),
    "cancel refused, part filled": (
        "ACK ASK_CANCEL FILL_PART+1 REFUSE_CANCEL+1",
        "WORKING PENDING_CANCEL PENDING_CANCEL PARTIAL",
    ),
    "amended": ("ACK ASK_AMEND AMEND", "WORKING PENDING_AMEND WORKING"),
    "amended with a fill on the way": (
        "ACK ASK_AMEND FILL_PART+1 AMEND+1",
        "WORKING PENDING_AMEND PENDING_AMEND PARTIAL",
    ),
    "amend refused": ("ACK ASK_AMEND REFUSE_AMEND", "WORKING PENDING_AMEND WORKING"),
    "cancelled while amending": (
        "ACK ASK_AMEND ASK_CANCEL AMEND CANCEL",
        "WORKING PENDING_AMEND PENDING_CANCEL PENDING_CANCEL CANCELED",
    ),
    "stop": ("ACK TRIGGER FILL_ALL+4", "WORKING WORKING FILLED"),
    "cancelled, told twice": ("ACK CANCEL CANCEL", "WORKING CANCELED CANCELED"),
    "cancel before the ack": ("ASK_CANCEL ACK CANCEL", "PENDING_CANCEL PENDING_CANCEL CANCELED"),
}


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_life(life: tuple[str, str]) -> None:
    moves, states = life
    state, seen = State.PENDING_NEW, []
    for step in moves.split():
        name, _, filled = step.partition("+")
        state = moved(state, Move[name], int(filled or 0))
        seen.append(state.name)
    assert " ".join(seen) == states


def test_every_move_outside_the_table_raises() -> None:
    for state in State:
        for move in Move:
            if can(state, move):
                assert moved(state, move, 1) in State
            else:
                with pytest.raises(IllegalMoveError, match=f"{state.name} cannot {move.name}"):
                    moved(state, move, 1)


def test_an_ended_order_stays_ended_and_cannot_be_asked_or_filled() -> None:
    for state in ENDED:
        assert set(MOVES[state].values()) == {state}
        for move in (Move.ASK_CANCEL, Move.ASK_AMEND, Move.FILL_PART, Move.FILL_ALL):
            assert not can(state, move)


def test_every_state_but_the_first_can_be_reached() -> None:
    reached = {State.PENDING_NEW}
    for _ in State:
        for state in list(reached):
            for move in MOVES[state]:
                reached |= {moved(state, move, 0), moved(state, move, 1)}
    assert reached == set(State)
