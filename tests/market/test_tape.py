"""The tape: totals by aggressor, what is no flow, and the ring of the last prints."""

import numpy as np

from aggressor.market.state import advance, market_state
from aggressor.market.tape import PRINTS, last_prints
from aggressor.schema.event import LAST, NO_PRICE, NOT_FLOW, RPI, TRADE
from tests.market.streams import events_of, random_events


def test_totals_and_last_print() -> None:
    state = market_state(1, 64, 64)
    assert state.tape.head[0]["price"] == NO_PRICE
    rows = [
        (1, TRADE, 1, 100, 3, LAST),
        (2, TRADE, -1, 99, 4, LAST | RPI),
        (3, TRADE, 0, 98, 5, LAST),
        (4, TRADE, -1, 97, 6, LAST | NOT_FLOW),
    ]
    events = events_of(rows)
    head = advance(events, state).tape.head[0]
    assert (head["bought"], head["sold"], head["unknown"]) == (3, 4, 5)
    assert (head["price"], head["lots"], head["side"], head["ts_recv"]) == (98, 5, 0, 3_000_000)
    assert (head["trades"], head["not_flow"], head["prints"]) == (3, 1, 4)
    assert last_prints(state.tape, 0).tobytes() == events.tobytes()
    assert last_prints(state.tape, 0, 2).tobytes() == events[2:].tobytes()


def test_the_ring_keeps_the_last_prints_of_each_lane() -> None:
    events = random_events(3, 60_000)
    tape = advance(events, market_state(2, 512)).tape
    trades = events[events["kind"] == TRADE]
    for k in (0, 1):
        mine = trades[trades["instrument"] == k]
        assert mine.size > PRINTS
        assert last_prints(tape, k).tobytes() == mine[-PRINTS:].tobytes()
        assert tape.head[k]["bought"] == mine["size"][mine["side"] > 0].sum()
        assert tape.head[k]["sold"] == mine["size"][mine["side"] < 0].sum()
    assert np.array_equal(tape.head["trades"], tape.head["prints"])
