"""Alignment of snapshots and deltas: tables of verdicts, and random streams with losses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.align import (
    ALIGNED,
    APPLY,
    BUFFER,
    CONTIGUOUS,
    DROP,
    GAP,
    NATIVE,
    NO_ID,
    NONE,
    PREVIOUS_LINK,
    REST_SNAPSHOT,
    SKIPPING,
    SNAPSHOT_ONLY,
    TOO_OLD,
    TOUCHING,
    VERDICT_NAMES,
    WAITING,
    align_state,
    judge,
    restart,
)


def verdicts(policy: int, chain: int, messages: list[tuple[int, ...]]) -> list[str]:
    """Judge messages, offering again what waited: (id,) is a snapshot."""
    align = align_state(1, policy, chain)
    said, waiting = [], []
    queue = list(messages)
    while queue:
        message = queue.pop(0)
        steps = np.full((1, 3), NO_ID, np.int64)
        steps[0, 1 if len(message) == 1 else 0 :][: len(message)] = message
        got = np.zeros(1, np.int64)
        judge(align, 0, steps, got)
        said.append(VERDICT_NAMES[int(got[0])])
        if got[0] == GAP:
            waiting = [message] if policy == REST_SNAPSHOT else []
        elif got[0] == BUFFER:
            waiting.append(message)
        elif got[0] == APPLY and len(message) == 1:
            queue, waiting = waiting + queue, []
    return said


FUTURES = [
    ("buffered, anchored, chained", [(5, 8, 3), (10, 12, 8), (11,), (13, 15, 12)], "b b a d a a"),
    ("older than the snapshot", [(20,), (5, 8, 3), (15, 22, 8)], "a d a"),
    ("the letter: u == id is used", [(20,), (15, 20, 9), (23, 25, 20)], "a a a"),
    ("pu == id continues it", [(20,), (25, 30, 20)], "a a"),
    ("linked to one the snapshot holds", [(20,), (5, 8, 3), (25, 30, 8)], "a d a"),
    ("not linked behind the snapshot", [(20,), (25, 30, 24)], "a g"),
    ("snapshot too old, asked again", [(25, 30, 24), (20,), (26,), (33, 35, 30)], "b o a a a"),
    ("oldest waiting is told by pu", [(25, 30, 20), (20,)], "b a a"),
    ("duplicate and replay", [(20,), (15, 22, 9), (15, 22, 9), (5, 8, 3)], "a a d d"),
    (
        "gap, wait, new snapshot",
        [(20,), (18, 22, 9), (30, 32, 28), (33, 35, 32), (31,)],
        "a a g b a a a",
    ),
    ("second snapshot not newer", [(20,), (18, 25, 9), (22,), (26, 28, 25)], "a a d a"),
    ("second snapshot newer", [(20,), (18, 25, 9), (29,), (26, 28, 25), (29, 33, 28)], "a a a d a"),
    ("newer snapshot of a quiet symbol", [(20,), (18, 25, 9), (29,), (40, 44, 25)], "a a a a"),
    ("a break among those that wait", [(5, 8, 3), (20, 25, 18), (10,), (22,)], "b b o a d a"),
]
SPOT = [
    ("first event straddles id + 1", [(5, 8), (9, 12), (9,), (13, 15)], "b b a d a a"),
    ("u == id is old", [(8,), (5, 8), (9, 9)], "a d a"),
    ("next must be id + 1", [(8,), (9, 12), (14, 15)], "a a g"),
    ("an overlap is harmless", [(8,), (9, 12), (11, 15), (16, 16)], "a a a a"),
    ("too old by one", [(10, 12), (8,), (9,)], "b o a a"),
]
_WORDS = {"a": APPLY, "b": BUFFER, "d": DROP, "g": GAP, "o": TOO_OLD}


def expected(letters: str) -> list[str]:
    return [VERDICT_NAMES[_WORDS[letter]] for letter in letters.split()]


@pytest.mark.parametrize(("name", "messages", "letters"), FUTURES, ids=str)
def test_previous_link(name: str, messages: list[tuple[int, ...]], letters: str) -> None:
    assert verdicts(REST_SNAPSHOT, PREVIOUS_LINK, messages) == expected(letters), name


@pytest.mark.parametrize(("name", "messages", "letters"), SPOT, ids=str)
def test_contiguous(name: str, messages: list[tuple[int, ...]], letters: str) -> None:
    assert verdicts(REST_SNAPSHOT, CONTIGUOUS, messages) == expected(letters), name


def test_native_stream_waits_for_its_snapshot_and_starts_anew_with_each() -> None:
    messages = [(4, 4), (10,), (11, 11), (11, 11), (13, 13), (14, 14), (3,), (4, 4)]
    assert verdicts(NATIVE, CONTIGUOUS, messages) == expected("d a a d g d a a")


def test_touching_repeats_the_previous_id() -> None:
    messages = [(10,), (10, 14), (15, 16), (20,), (19, 22)]
    assert verdicts(NATIVE, TOUCHING, messages) == expected("a a g a g")


def test_no_chain_takes_every_newer_id() -> None:
    assert verdicts(NATIVE, NONE, [(10,), (11, 11), (19, 19), (12, 12)]) == expected("a a a d")


SKIPS = [
    ("the first follows the snapshot", [(10,), (11, 11), (15, 15), (24, 24)], "a a a a"),
    ("the first skips: resync", [(10,), (12, 12), (13, 13), (20,), (21, 21)], "a g d a a"),
    ("a repeat is a fault", [(10,), (11, 11), (11, 11), (12, 12), (12,), (13, 13)], "a a g d a a"),
    ("out of order is a fault", [(10,), (11, 11), (14, 14), (13, 13), (15, 15)], "a a a g d"),
    ("older than the snapshot is a fault", [(10,), (9, 9)], "a g"),
    ("nothing before the snapshot", [(3, 3), (4, 4), (4,), (5, 5)], "d d a a"),
    ("another snapshot asks for its own follower", [(10,), (11, 11), (30,), (32, 32)], "a a a g"),
    ("ids that start anew with a snapshot", [(10,), (11, 11), (3,), (4, 4), (8, 8)], "a a a a a"),
]


@pytest.mark.parametrize(("name", "messages", "letters"), SKIPS, ids=str)
def test_ids_that_skip_without_loss(
    name: str, messages: list[tuple[int, ...]], letters: str
) -> None:
    assert verdicts(NATIVE, SKIPPING, messages) == expected(letters), name


def test_skips_are_counted() -> None:
    align = align_state(1, NATIVE, SKIPPING)
    steps = np.array([[NO_ID, 10, NO_ID], [11, 11, NO_ID], [12, 12, NO_ID], [15, 15, NO_ID]])
    judge(align, 0, steps, np.zeros(4, np.int64))
    assert (align[0]["skips"], align[0]["gaps"], align[0]["applied"]) == (1, 0, 3)


@settings(max_examples=100, deadline=None)
@given(ids=st.lists(st.integers(1, 40), max_size=30), snapshots=st.sets(st.integers(0, 29)))
def test_ids_that_skip_are_applied_in_order_from_the_snapshot_on(
    ids: list[int], snapshots: set[int]
) -> None:
    """The rule of the venue, written as it stands there, gives the same verdicts."""
    align = align_state(1, NATIVE, SKIPPING)
    got = np.zeros(1, np.int64)
    last: int | None = None
    first = False
    for i, one in enumerate(ids):
        picture = i in snapshots
        steps = np.array([[NO_ID if picture else one, one, NO_ID]])
        judge(align, 0, steps, got)
        if picture:
            last, first, said = one, True, APPLY
        elif last is None:
            said = DROP
        elif one <= last or (first and one != last + 1):
            last, said = None, GAP
        else:
            last, first, said = one, False, APPLY
        assert got[0] == said


def test_snapshot_only_drops_what_is_not_newer_unless_there_are_no_ids() -> None:
    assert verdicts(SNAPSHOT_ONLY, NONE, [(10,), (10,), (9,), (11,)]) == expected("a d d a")
    assert verdicts(SNAPSHOT_ONLY, NONE, [(NO_ID,), (NO_ID,)]) == expected("a a")


def test_restart_forgets_ids() -> None:
    align = align_state(2, REST_SNAPSHOT, CONTIGUOUS)
    got = np.zeros(1, np.int64)
    judge(align, 1, np.array([[NO_ID, 100, NO_ID]]), got)
    restart(align, 1)
    assert align[1]["phase"] == WAITING
    judge(align, 1, np.array([[3, 4, NO_ID]]), got)
    assert got[0] == BUFFER


@settings(max_examples=60, deadline=None)
@given(
    spans=st.lists(st.integers(1, 4), min_size=4, max_size=30),
    anchor=st.integers(0, 40),
    at=st.integers(0, 29),
    lost=st.sets(st.integers(0, 29), max_size=3),
    again=st.lists(st.integers(0, 29), max_size=5),
    futures=st.booleans(),
)
def test_the_book_is_never_used_with_a_hole_in_it(
    spans: list[int], anchor: int, at: int, lost: set[int], again: list[int], futures: bool
) -> None:
    """Whatever is lost or repeated, the ids applied since the snapshot leave none out."""
    ends = np.cumsum(spans)
    deltas = [
        (int(end) - n + 1, int(end), int(end) - n) for n, end in zip(spans, ends, strict=True)
    ]
    stream = [i for i in range(len(deltas)) if i not in lost]
    for i in again:
        if stream:
            stream.insert(i % (len(stream) + 1), stream[i % len(stream)])
    align = align_state(1, REST_SNAPSHOT, PREVIOUS_LINK if futures else CONTIGUOUS)
    got = np.zeros(1, np.int64)
    waiting: list[tuple[int, int, int]] = []
    known: int | None = None

    def offer(delta: tuple[int, int, int]) -> None:
        nonlocal known, waiting
        judge(align, 0, np.array([delta]), got)
        if got[0] == APPLY:
            assert known is not None
            assert delta[0] <= known + 1
            known = max(known, delta[1])
        elif got[0] == GAP:
            known, waiting = None, [delta]
        elif got[0] == BUFFER:
            waiting.append(delta)

    for position, i in enumerate(stream):
        if position == at % len(stream):
            judge(align, 0, np.array([[NO_ID, anchor, NO_ID]]), got)
            if got[0] == APPLY:
                known = anchor
                old, waiting = waiting, []
                for delta in old:
                    offer(delta)
        offer(deltas[i])
    assert (known is not None) == (align[0]["phase"] != WAITING)
    if align[0]["phase"] == ALIGNED:
        assert known == align[0]["last"]
