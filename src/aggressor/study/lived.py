"""What an account lived through, read from its journal: the accounts of its orders (R8.3).

The rows of a journal are what happened; nothing here trusts what a process made of them, so a run
that was killed, and orders that outlived it, are accounted for like any other. Orders are lived
through by a blotter, which knows a repeated fill. What only the process knew (what a policy
expected to pay, answers it gave up waiting for) stays unknown.

The market at the decision is that of the intent's evidence, where it has one; else, and at the
first send, it is asked of the recording. An entry ends with the last report of its last order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggressor.account.blotter import Blotter
from aggressor.execution.intent import Action
from aggressor.execution.parent import Account, PartFill
from aggressor.execution.working import Counts
from aggressor.schema import command, report
from aggressor.schema.event import NO_TIME
from aggressor.store.journal_reader import Lived, Wanted
from aggressor.study.tops import interval_of, mid2_of

ENTRY_LEGS = ("entry", "order")
Rows = Callable[[int, int], Any]  # (lane, ns) -> row of study.tops.TOP, None: not known


@dataclass
class Worked:
    """One parent order: what was wanted, asked and told."""

    wanted: Wanted
    orders: list[int] = field(default_factory=list)
    sent_ns: int | None = None
    ended_ns: int | None = None
    fills: list[PartFill] = field(default_factory=list)
    exits: list[PartFill] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    reason: str = ""
    acks: list[int] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    open: bool = False  # an order of its entry works

    @property
    def key(self) -> tuple[int, int]:
        """Lane and number: houses of several instruments number alike."""
        return self.wanted.intent.instrument, self.wanted.intent.parent

    @property
    def filled(self) -> int:
        """Lots filled by its entry."""
        return sum(fill.lots for fill in self.fills)


def worked_orders(
    lived: Iterable[Lived],
    intents: Sequence[Wanted],
    refused: Mapping[tuple[int, int], int],
) -> list[Worked]:
    """Return every parent order that sent something or was refused, in order of decision.

    `lived` in order, `refused` by (lane, parent): how often our own checks said no.
    """
    found: dict[tuple[int, int], Worked] = {}
    for one in intents:
        intent = one.intent
        key = intent.instrument, intent.parent
        if intent.action in (Action.ENTER, Action.WORK):
            found.setdefault(key, Worked(one))
        elif key in found and intent.action in (Action.CANCEL, Action.EXIT):
            found[key].reason = intent.reason
    blotter, legs = Blotter(), dict[int, str]()
    for one in lived:
        if one.sent:
            _sent(one, found, legs)
            blotter.sent(one.row)
        else:
            _told(one.row, found, legs, blotter)
    for key, done in found.items():
        done.counts = done.counts._replace(refused=refused.get(key, 0))
        if done.open:
            done.ended_ns = None
        elif done.sent_ns is None:
            done.ended_ns = done.wanted.ts_ns  # refused where it was wanted
        if done.filled == done.wanted.intent.lots:
            done.reason = "filled"
    return [one for one in found.values() if one.sent_ns is not None or one.counts.refused]


def _sent(one: Lived, found: Mapping[tuple[int, int], Worked], legs: dict[int, str]) -> None:
    row = one.row
    order = int(row["order"])
    if one.leg:
        legs[order] = one.leg
    worked = found.get((int(row["instrument"]), int(row["parent"])))
    if worked is None or legs.get(order) not in ENTRY_LEGS:
        return
    kind, counts = int(row["kind"]), worked.counts
    if kind == command.PLACE:
        worked.counts = counts._replace(orders=counts.orders + 1)
        worked.orders.append(order)
        worked.open = True
        if worked.sent_ns is None:
            worked.sent_ns = int(row["ts_send"])
    elif kind == command.AMEND:
        worked.counts = counts._replace(reprices=counts.reprices + 1)
    else:
        worked.counts = counts._replace(cancels=counts.cancels + 1)


def _told(
    row: Any,
    found: Mapping[tuple[int, int], Worked],
    legs: Mapping[int, str],
    blotter: Blotter,
) -> None:
    order_id = int(row["order"])
    fresh = order_id in blotter and blotter[order_id].ts_first_fill == NO_TIME
    acked = order_id in blotter and blotter[order_id].acknowledged
    applied = blotter.apply(row)
    order = applied.order
    worked = None if order is None else found.get((order.instrument, order.parent))
    if order is None or worked is None:
        return
    entry = legs.get(order.id) in ENTRY_LEGS
    ts_recv = int(row["ts_recv"])
    if applied.lots:
        maker = bool(int(row["flags"]) & report.MAKER)
        part = PartFill(ts_recv, int(row["price"]), applied.lots, maker, int(row["fee"]))
        (worked.fills if entry else worked.exits).append(part)
    if not entry:
        return
    if order.acknowledged and not acked:
        worked.acks.append(order.ts_ack - order.ts_send)
    if applied.lots and fresh and order.acknowledged:
        worked.waits.append(max(0, order.ts_first_fill - order.ts_ack))
    if order.ended:
        worked.ended_ns, worked.open = ts_recv, False
    if int(row["kind"]) == report.REJECTED:
        worked.counts = worked.counts._replace(rejected=worked.counts.rejected + 1)


def moments_of(worked: Iterable[Worked]) -> set[int]:
    """Return when the market must be known, beside the fills: decisions, sends and ends."""
    wanted: set[int] = set()
    for one in worked:
        moments = (one.wanted.ts_ns, one.sent_ns, one.ended_ns)
        wanted.update(ts_ns for ts_ns in moments if ts_ns is not None)
    return wanted


def account_of(one: Worked, rows: Rows) -> Account:
    """Return the account of an order, with what the recording says of its market."""
    intent, decided_ns = one.wanted.intent, one.wanted.ts_ns
    lane = intent.instrument
    assert intent.placement is not None, "an order says how it is placed"
    bid, ask = intent.evidence.get("bid"), intent.evidence.get("ask")
    decided = mid2_of(rows(lane, decided_ns), decided_ns)
    if isinstance(bid, int | float) and isinstance(ask, int | float):
        decided = int(bid + ask)
    arrival = None if one.sent_ns is None else rows(lane, one.sent_ns)
    known = mid2_of(arrival, one.sent_ns) if one.sent_ns is not None else None
    if one.sent_ns == decided_ns and decided is not None:
        known = decided
    if known is None:
        arrival = None
    meanwhile = interval_of(rows(lane, decided_ns), rows(lane, one.ended_ns or decided_ns))
    return Account(
        parent=intent.parent,
        instrument=lane,
        strategy=intent.strategy,
        policy=intent.placement.policy.value,
        side=intent.side,
        lots=intent.lots,
        filled=one.filled,
        decided_ns=decided_ns,
        sent_ns=one.sent_ns,
        ended_ns=one.ended_ns,
        decision_mid2=decided,
        arrival_mid2=known,
        arrival_spread=int(arrival["ask"] - arrival["bid"]) if arrival is not None else None,
        arrival_depth=(int(arrival["bid_lots"]), int(arrival["ask_lots"]))
        if arrival is not None
        else None,
        volume=0 if meanwhile is None else meanwhile.lots,
        fills=tuple(one.fills),
        exits=tuple(one.exits),
        fees=sum(fill.fee for fill in one.fills),
        counts=one.counts,
        send_to_ack_ns=tuple(one.acks),
        ack_to_fill_ns=tuple(one.waits),
        expected_bp=None,
        reason=one.reason,
    )
