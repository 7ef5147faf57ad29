"""Going on where an earlier process ended: from the journal alone, to the last decision it sealed.

    1. every command, report and correction of earlier runs is lived through again: orders,
       positions, money
    2. the desk recalls the rest: trades and their protection, losses, pace, the kill switch
    3. what was in flight is settled: at a venue by asking it, in paper because the venue ended with
       the process: what it had not told had not happened

Order ids go on behind the highest that was ever sealed; an id that was drawn and not sealed was
never sent. The same three steps begin a replay of a run, so that it begins with what the run had.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aggressor.account.blotter import Order
from aggressor.account.lifecycle import State
from aggressor.engine.ports import Numbered, Strategy
from aggressor.execution.desk import Desk
from aggressor.schema import command, report
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import Reports, empty_reports
from aggressor.store.journal_reader import JournalReader
from aggressor.strategies.gates import Mode

_NUMBERS = (1 << 40) - 1  # a trade's number within its strategy: the low bits of its id


class Away(NamedTuple):
    """A market that nothing is known of yet: no row of it has come."""

    instrument: int
    now_ns: int
    valid: bool = False
    book_age_ns: int = 2**62
    bid: int = NO_PRICE
    ask: int = NO_PRICE
    bid_lots: int = 0
    ask_lots: int = 0
    traded_lots: tuple[int, int] = (0, 0)
    taker_rates: tuple[float, float] = (0.0, 0.0)
    mean_print: float = 1.0
    last_price: int | None = None
    funding_in_ns: int | None = None


class Resumed(NamedTuple):
    """What was found."""

    commands: int
    reports: int
    in_flight: tuple[int, ...]  # our ids of orders whose last request nobody has answered
    not_left: tuple[int, ...]  # of them: those that may never have been sent


def resume(
    desk: Desk, strategies: Sequence[Strategy], reader: JournalReader, run: int, mode: Mode
) -> Resumed:
    """Bring a fresh desk to where the runs before `run` left it; raise ConfigError.

    Live, nobody knows of what was in flight until the venue says something of it.
    """
    counts = [0, 0]
    for one in reader.lived(run):
        if one.correction is not None:
            desk.enter(one.correction)
            continue
        desk.relive(one.row, sent=one.sent)
        counts[one.sent] += 1
    memory = reader.memory(run)
    if memory is not None:
        desk.recall(memory)
    _number(strategies, reader, run)
    flying = tuple(order.id for order in desk.blotter.in_flight())
    if mode is Mode.LIVE:
        for order in flying:
            desk.blotter.doubt(order)
    unsent = set(reader.in_flight(run))
    return Resumed(counts[1], counts[0], flying, tuple(one for one in flying if one in unsent))


def _number(strategies: Sequence[Strategy], reader: JournalReader, run: int) -> None:
    """Let each strategy number its trades behind the highest of its code, on any instrument."""
    made: dict[int, int] = {}
    for (_, code), parent in reader.parents(run).items():
        if parent > 0:  # below are orders of the house
            made[code] = max(made.get(code, 0), parent & _NUMBERS)
    for one in strategies:
        if isinstance(one, Numbered):
            if one.code in made:
                one.count_from(made[one.code])
        elif made:
            raise ConfigError(
                f"The strategy {type(one).__name__} cannot go on behind trades of an earlier run: "
                "give it `code` and `count_from(made)`, or take another --store folder."
            )


def unanswered(desk: Desk, now_ns: int) -> Reports:
    """Return what a venue that ended with the process would answer to what was in flight.

    A placing that was not acknowledged never arrived; an amendment and a cancel changed nothing; of
    an order that does not rest the remainder is gone.
    """
    flying = [
        order
        for order in desk.blotter.open_orders()
        if order.in_flight or order.tif in (command.IOC, command.FOK)
    ]
    rows = empty_reports(len(flying))
    for row, order in zip(rows, flying, strict=True):
        _answer(row, order, now_ns)
    return rows


def _answer(row: np.void, order: Order, now_ns: int) -> None:
    arrived = order.acknowledged or order.filled > 0
    if order.tif in (command.IOC, command.FOK) and arrived:
        kind, reason = report.EXPIRED, report.NO_REASON
    elif not arrived:
        kind, reason = report.REJECTED, report.UNKNOWN_ORDER
    elif order.state is State.PENDING_CANCEL:
        kind, reason = report.CANCEL_REJECTED, report.NO_REASON
    else:
        assert order.state is State.PENDING_AMEND, f"{order.state.name} is not in flight"
        kind, reason = report.AMEND_REJECTED, report.NO_REASON
    row["ts_recv"] = row["ts_venue"] = now_ns
    row["order"], row["size"], row["leaves"] = order.id, order.size, order.leaves if arrived else 0
    row["price"], row["side"], row["flags"] = order.price, order.side, order.flags
    row["instrument"], row["kind"], row["reason"] = order.instrument, kind, reason


def hear(desk: Desk, reports: Reports) -> None:
    """Take reports before the first row of the market has come."""
    for row in reports:
        desk.report(row, Away(int(row["instrument"]), int(row["ts_recv"])))
