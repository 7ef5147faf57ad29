"""Who was the aggressor, where the venue does not say: Lee and Ready's rule (R2.6).

A print above the mid that stood just before it was a buy, below it a sell; at the mid, or while no
mid is known, the tick test decides: the sign of the last price change that was not zero. With no
change yet the answer is 0: not known.

"Just before" is a question of venue time. Streams of one venue reach us out of step: the quote that
a trade left behind often arrives before the trade. So the last mids are kept with their venue
stamps, and the one taken is the last *received* whose stamp lies *before* the trade's. Nothing that
arrives later is used.

    head     (lanes,)          SIGNING_HEAD
    mids     (lanes, MIDS)     MID: a ring of changes of the mid
    score    (lanes,)          SIGNING_SCORE, filled where the tape is flagged

Prices in ticks, `mid2` in half ticks. Mirror: negated prices give the opposite sign. Source: Lee &
Ready 1991, without their five seconds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.book import BookState, has_room, on_book_event
from aggressor.schema.event import CLEAR, LAST, LEVEL, NOT_FLOW, QUOTE, TRADE, Events
from aggressor.state import State

MIDS = 256  # changes of the mid kept per lane; a power of two
NO_MID = -(2**63)  # the top was not known

SIGNING_HEAD = np.dtype(
    [
        ("price", "<i8"),  # ticks, of the last print
        ("prints", "<i8"),
        ("tick_sign", "<i8"),  # of the last price change; 0 before the first
        ("mid2", "<i8"),  # half ticks, the newest in the ring
        ("changes", "<i8"),  # mids ever put into the ring
    ]
)

MID = np.dtype([("ts_venue", "<i8"), ("mid2", "<i8")])

SIGNING_SCORE = np.dtype(
    [
        ("quote_right", "<i8"),  # prints off the mid
        ("quote_wrong", "<i8"),
        ("tick_right", "<i8"),  # prints that the tick test decided
        ("tick_wrong", "<i8"),
        ("unsigned", "<i8"),
    ]
)


class SigningState(State, frozen=True):
    """The last mids and the last price change of every lane; see the module text."""

    head: NDArray[Any]
    mids: NDArray[Any]
    score: NDArray[Any]


def signing_state(lanes: int) -> SigningState:
    """Return the state of `lanes` instruments whose tops and prices are not known yet."""
    head = np.zeros(lanes, SIGNING_HEAD)
    head["mid2"] = NO_MID
    return SigningState(head, np.zeros((lanes, MIDS), MID), np.zeros(lanes, SIGNING_SCORE))


def accuracy(signing: SigningState, k: int) -> float:
    """Return the share of lane `k`'s flagged prints signed rightly; nan without any.

    A print that could not be signed counts as wrong.
    """
    score = signing.score[k]
    total = sum(int(score[name]) for name in score.dtype.names)
    return (int(score["quote_right"]) + int(score["tick_right"])) / total if total else np.nan


@kernel_inline
def note_top(signing: SigningState, k: Int, top: Any, ts_venue: Int) -> None:
    """Keep the mid of a lane's book head after the LAST row of a message, if it has changed."""
    head = signing.head[k]
    mid2 = np.int64(NO_MID)
    if top["valid"] != 0:
        mid2 = np.int64(top["bid"]) + np.int64(top["ask"])
    if mid2 != head["mid2"]:
        row = signing.mids[k, head["changes"] & (MIDS - 1)]
        row["ts_venue"], row["mid2"] = ts_venue, mid2
        head["mid2"] = mid2
        head["changes"] += 1


@kernel_inline
def sign_print(signing: SigningState, k: Int, ts_venue: Int, price: Int) -> tuple[Int, bool]:
    """Return (side of a print as far as it can be told, whether the mid decided it)."""
    head = signing.head[k]
    if head["prints"] > 0 and price != head["price"]:
        head["tick_sign"] = np.int64(1) if price > head["price"] else np.int64(-1)
    head["price"] = price
    head["prints"] += 1
    newest = head["changes"] - 1
    for back in range(min(head["changes"], MIDS)):
        row = signing.mids[k, (newest - back) & (MIDS - 1)]
        if row["ts_venue"] < ts_venue:
            if row["mid2"] == NO_MID or row["mid2"] == 2 * price:
                break
            return np.int64(1) if 2 * price > row["mid2"] else np.int64(-1), True
    return head["tick_sign"], False


@kernel
def run_signing(
    events: Events, start: Int, stop: Int, book: BookState, signing: SigningState
) -> Int:
    """Sign every print of events[start:stop] and score it where the venue says the side.

    Returns the index of the first event not used: stop, or the first whose level has no room in the
    book, so that the caller can grow it and call again.
    """
    for i in range(start, stop):
        event = events[i]
        kind = event["kind"]
        k = np.int64(event["instrument"])
        if kind in (LEVEL, CLEAR, QUOTE):
            if not has_room(book, k):
                return i
            on_book_event(book, k, event)
            if event["flags"] & LAST:
                note_top(signing, k, book.head[k], event["ts_venue"])
        elif kind == TRADE and (event["flags"] & NOT_FLOW) == 0:
            price = np.int64(event["price"])
            side, by_mid = sign_print(signing, k, event["ts_venue"], price)
            _mark(signing.score[k], np.int64(event["side"]), side, by_mid)
    return stop


@kernel_inline
def _mark(score: Any, told: Int, side: Int, by_mid: bool) -> None:
    if told == 0:
        return
    if side == 0:
        score["unsigned"] += 1
    elif by_mid:
        score["quote_right"] += np.int64(side == told)
        score["quote_wrong"] += np.int64(side != told)
    else:
        score["tick_right"] += np.int64(side == told)
        score["tick_wrong"] += np.int64(side != told)
