"""Each check of R8.7, met and not met; who passes what."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aggressor.account.blotter import Order
from aggressor.account.lifecycle import State
from aggressor.execution.halt import Halt, HaltLevel
from aggressor.execution.intent import Approved, Refused, Request
from aggressor.execution.limits import CHECKS, Limits, check
from aggressor.execution.limits import Scene as CheckScene
from aggressor.execution.losses import Losses, LossRule
from aggressor.execution.outside import Outside
from aggressor.execution.pace import Pace, PaceRule
from aggressor.schema import command
from aggressor.schema.event import NO_PRICE
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.margin import MarginTier
from tests.execution.stage import CONTRACT, SECOND, START, Scene


def resting(side: int = 1, price: int = 1009, leaves: int = 5, **fields: Any) -> Order:
    defaults: dict[str, Any] = {
        "id": 50, "parent": 9, "instrument": 0, "strategy": 1, "type": command.LIMIT,
        "tif": command.GTC, "trigger": NO_PRICE, "flags": 0, "ts_send": 0,
        "state": State.WORKING,
    }  # fmt: skip
    order = {"side": side, "price": price, "leaves": leaves, "size": leaves, **fields}
    return Order(**{**defaults, **order})


def request(**fields: Any) -> Request:
    defaults: dict[str, Any] = {
        "kind": command.PLACE, "order": 1, "parent": 7, "instrument": 0, "strategy": 1,
        "side": 1, "tif": command.POST_ONLY, "price": 1010, "size": 5,
    }  # fmt: skip
    return Request(**{**defaults, **fields})


def scene(**fields: Any) -> CheckScene:
    defaults: dict[str, Any] = {
        "market": Scene(), "instrument": CONTRACT, "limits": Limits(), "position": 0,
        "orders": (), "halt": Halt(), "losses": Losses(), "pace": Pace(),
        "known": lambda order: False,
    }  # fmt: skip
    return CheckScene(**{**defaults, **fields})


def halted() -> Halt:
    halt = Halt()
    halt.pull(HaltLevel.NO_ENTRIES, "test", START)
    return halt


def lost() -> Losses:
    losses = Losses(LossRule(consecutive_max=1))
    losses.equity(10**10, START)
    losses.closed(-1, False, START)
    return losses


def spoken(count: int, side: int = 1) -> Pace:
    pace = Pace(PaceRule(messages_max=10))
    for parent in range(count):
        pace.note(request(parent=100 + parent // 2, side=side), START)
    return pace


def talkative(fills: int) -> Pace:
    pace = Pace(PaceRule(messages_max=10**6, ratio_from=50))
    for _ in range(51 * max(fills, 1)):
        pace.note(request(parent=7), START)
    for _ in range(fills):
        pace.filled(0, START)
    return pace


def tier(initial: str, maintenance: str) -> MarginTier:
    return MarginTier("X", None, None, Decimal(initial), Decimal(maintenance))


REFUSALS: dict[str, tuple[int, dict[str, Any], dict[str, Any]]] = {
    "halted": (1, {}, {"halt": halted()}),
    "switched off": (1, {}, {"limits": Limits(enabled=False)}),
    "inferred grid": (
        1,
        {},
        {
            "limits": Limits(allow_inferred=False),
            "instrument": type(CONTRACT)(
                **{
                    **{f: getattr(CONTRACT, f) for f in CONTRACT.__struct_fields__},
                    "inferred": True,
                }
            ),
        },
    ),
    "no side": (2, {"side": 0}, {}),
    "no size": (2, {"size": 0}, {}),
    "negative size": (2, {"size": -3}, {}),
    "no price": (2, {"price": NO_PRICE}, {}),
    "price zero": (2, {"price": 0}, {}),
    "a market order": (2, {"type": command.MARKET}, {}),
    "a stop that opens": (2, {"type": command.STOP_MARKET, "trigger": 1000}, {}),
    "reduce-only without position": (2, {"reduce_only": True}, {}),
    "reduce-only with the position": (2, {"reduce_only": True}, {"position": 3}),
    "too small a value": (2, {}, {"limits": Limits(notional_min=10**12)}),
    "no book": (3, {}, {"market": Scene(valid=False)}),
    "old book": (3, {}, {"market": Scene(book_age_ns=60 * SECOND + 1)}),
    "older than a person wants": (
        3,
        {},
        {"market": Scene(book_age_ns=4 * SECOND), "limits": Limits(book_age_ns_max=3 * SECOND)},
    ),
    "far below the mid": (4, {"price": 1000}, {}),
    "far from the last": (4, {}, {"market": Scene(last_price=900)}),
    "crosses too deep": (4, {"price": 1013}, {}),
    "exit crosses too deep": (4, {"price": 1030, "reduce_only": True}, {"position": -5}),
    "order too large": (5, {}, {"limits": Limits(order_lots_max=4)}),
    "order worth too much": (5, {}, {"limits": Limits(order_notional_max=10**11)}),
    "position too large": (6, {}, {"position": 6, "limits": Limits(position_lots_max=10)}),
    "position too large, worst case": (
        6,
        {},
        {"orders": (resting(leaves=6),), "limits": Limits(position_lots_max=10)},
    ),
    "too many orders": (
        7,
        {},
        {"orders": (resting(),) * 3, "limits": Limits(open_orders_max=5, open_orders_reserve=2)},
    ),
    "too many orders for anyone": (
        7,
        {"reduce_only": True},
        {"orders": (resting(side=1),) * 10, "position": -5},
    ),
    "open orders worth too much": (
        7,
        {},
        {"orders": (resting(),), "limits": Limits(open_notional_max=6 * 10**11)},
    ),
    "too many messages": (8, {}, {"pace": spoken(8, side=-1)}),
    "too many messages for anyone": (8, {"kind": command.CANCEL}, {"pace": spoken(10)}),
    "an id used twice": (9, {}, {"known": lambda order: True}),
    "the same again and again": (9, {}, {"pace": Pace(PaceRule(entries_max=0))}),
    "meets our own order": (10, {"price": 1011}, {"orders": (resting(side=-1, price=1011),)}),
    "a cancel sooner than half a second": (
        11,
        {"kind": command.CANCEL, "order": 50},
        {"orders": (resting(acknowledged=True, ts_ack=START - SECOND // 4),)},
    ),
    "away from the market as soon": (
        11,
        {"kind": command.AMEND, "order": 50, "price": 1008},
        {"orders": (resting(acknowledged=True, ts_ack=START - SECOND // 4),)},
    ),
    "less of it as soon": (
        11,
        {"kind": command.AMEND, "order": 50, "price": 1010, "size": 4},
        {"orders": (resting(acknowledged=True, ts_ack=START - SECOND // 4),)},
    ),
    "many messages and few fills": (11, {}, {"pace": talkative(fills=1)}),
    "a layer on the other side": (11, {}, {"orders": (resting(side=-1, price=1015, leaves=26),)}),
    "nothing to lose": (12, {}, {"equity": 0}),
    "equity not known": (12, {}, {"limits": Limits(margin_required=True)}),
    "more than five times equity": (12, {}, {"equity": 1009 * 10**8}),
    "more, with what rests": (12, {}, {"equity": 1500 * 10**8, "orders": (resting(),)}),
    "tiers not known": (12, {}, {"equity": 10**12, "limits": Limits(margin_required=True)}),
    "initial margin": (12, {}, {"equity": 1500 * 10**8, "tiers": (tier("0.5", "0.1"),)}),
    "liquidation too near": (
        12,
        {},
        {"equity": 1100 * 10**8, "tiers": (tier("0.1", "0.05"),), "stop": 950},
    ),
    "loss limits": (13, {}, {"losses": lost()}),
    "maintenance": (14, {}, {"outside": Outside(maintenance="at 10:00")}),
    "the clock is off": (14, {}, {"outside": Outside(clock_offset_ns=-100_000_001)}),
    "the clock is not measured": (14, {}, {"limits": Limits(clock_required=True)}),
    "funding is near": (
        14,
        {},
        {"market": Scene(funding_in_ns=SECOND), "limits": Limits(funding_window_ns=2 * SECOND)},
    ),
    "funding settles now": (
        14,
        {},
        {"market": Scene(funding_in_ns=0), "limits": Limits(funding_window_ns=2 * SECOND)},
    ),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_refused(case: tuple[int, dict[str, Any], dict[str, Any]]) -> None:
    number, asked, known = case
    answer = check(request(**asked), scene(**known))
    assert isinstance(answer, Refused)
    assert answer.check == number
    assert answer.reason


def test_every_check_of_the_table_is_shown_to_refuse() -> None:
    assert {number for number, _, _ in REFUSALS.values()} == {c.number for c in CHECKS}
    assert [c.number for c in CHECKS] == sorted(c.number for c in CHECKS)


def fifty_a_fill() -> Pace:
    pace = talkative(fills=1)
    pace.filled(0, START)
    return pace


APPROVALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a plain order": ({}, {}),
    "within the cap": ({"price": 1012, "tif": command.IOC}, {}),
    "an amend counts itself once": (
        {"kind": command.AMEND, "order": 50, "size": 10},
        {"orders": (resting(leaves=6),), "limits": Limits(position_lots_max=10)},
    ),
    "an amend of a part-filled order": (
        {"kind": command.AMEND, "order": 50, "size": 10},
        {
            "orders": (resting(leaves=6, filled=4),),
            "position": 4,
            "limits": Limits(position_lots_max=10),
        },
    ),
    "own opposite order that is being cancelled": (
        {"price": 1011},
        {"orders": (resting(side=-1, price=1011, state=State.PENDING_CANCEL),)},
    ),
    "an opposite order that does not meet": ({}, {"orders": (resting(side=-1, price=1011),)}),
    "reduce-only siblings do not count as risk": (
        {},
        {"orders": (resting(flags=REDUCE_ONLY, leaves=9),), "limits": Limits(position_lots_max=5)},
    ),
    "a cancel that sheds risk": (
        {"kind": command.CANCEL, "order": 50, "urgent": True},
        {"orders": (resting(acknowledged=True, ts_ack=START),)},
    ),
    "a cancel of what has rested": (
        {"kind": command.CANCEL, "order": 50},
        {"orders": (resting(acknowledged=True, ts_ack=START - SECOND // 2),)},
    ),
    "towards the market at once": (
        {"kind": command.AMEND, "order": 50},
        {"orders": (resting(acknowledged=True, ts_ack=START),)},
    ),
    "fifty messages a fill": ({}, {"pace": fifty_a_fill()}),
    "equity for it": (
        {},
        {"equity": 1400 * 10**8, "tiers": (tier("0.1", "0.05"),), "stop": 1000},
    ),
    "a clock that agrees": ({}, {"outside": Outside(clock_offset_ns=100_000_000)}),
    "funding near, and no window": (
        {},
        {"market": Scene(funding_in_ns=SECOND), "limits": Limits(funding_window_ns=0)},
    ),
    "funding at the window's edge": (
        {},
        {"market": Scene(funding_in_ns=2 * SECOND), "limits": Limits(funding_window_ns=2 * SECOND)},
    ),
    "funding that has settled": (
        {},
        {"market": Scene(funding_in_ns=-1), "limits": Limits(funding_window_ns=2 * SECOND)},
    ),
    "funding that nobody told": ({}, {"limits": Limits(funding_window_ns=2 * SECOND)}),
    "what reduces, near funding": (
        {"reduce_only": True, "side": -1},
        {
            "market": Scene(funding_in_ns=SECOND),
            "position": 10,
            "limits": Limits(funding_window_ns=2 * SECOND),
        },
    ),
    "re-pricing is not repeating": (
        {"parent": 100},
        {"pace": spoken(2)},
    ),
}


@pytest.mark.parametrize("case", APPROVALS.values(), ids=APPROVALS.keys())
def test_approved(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    asked, known = case
    assert check(request(**asked), scene(**known)) == Approved(request(**asked))


BAD_TIMES: dict[str, Callable[[], dict[str, Any]]] = {
    "halted": lambda: {"halt": halted()},
    "no book": lambda: {"market": Scene(valid=False)},
    "old book": lambda: {"market": Scene(book_age_ns=61 * SECOND)},
    "lost enough": lambda: {"losses": lost()},
    "much was said": lambda: {"pace": spoken(9)},
    "no equity": lambda: {"equity": -1},
    "maintenance": lambda: {"outside": Outside(maintenance="now", clock_offset_ns=10**10)},
    "many messages a fill": lambda: {"pace": talkative(fills=0)},
    "small limits": lambda: {"limits": Limits(order_lots_max=1, position_lots_max=1)},
}


@pytest.mark.parametrize("bad", BAD_TIMES.values(), ids=BAD_TIMES.keys())
def test_what_reduces_risk_passes_when_it_is_needed(bad: Callable[[], dict[str, Any]]) -> None:
    known = {**bad(), "position": -5}
    stop = request(
        type=command.STOP_MARKET, tif=command.GTC, price=NO_PRICE, trigger=1015, reduce_only=True
    )
    assert isinstance(check(stop, scene(**known)), Approved)
    cancel = request(kind=command.CANCEL)
    assert isinstance(check(cancel, scene(**known)), Approved)
    assert isinstance(check(request(), scene(**known)), Refused)


def test_a_silent_book_that_is_believed_is_no_reason() -> None:
    """The market layer knows what silence is usual there: `valid` is its word."""
    assert isinstance(check(request(), scene(market=Scene(book_age_ns=50 * SECOND))), Approved)
    stale = check(request(), scene(market=Scene(book_age_ns=2 * SECOND, valid=False)))
    assert isinstance(stale, Refused)
    assert stale.check == 3


def test_windows_slide() -> None:
    pace = Pace(PaceRule(messages_max=2, share_bp=10_000, entries_max=1))
    pace.note(request(parent=1), START)
    pace.note(request(parent=1), START)
    assert pace.room(START, reserve=False) == 0
    assert pace.room(START + 10 * SECOND, reserve=False) == 2
    assert pace.repeats(request(parent=2), START + 59 * SECOND)
    assert not pace.repeats(request(parent=2, side=-1), START)
    assert not pace.repeats(request(parent=2), START + 60 * SECOND)


DAY = 86_400 * SECOND


def test_five_losses_in_a_row_end_the_day() -> None:
    losses = Losses()
    losses.equity(10**12, START)
    for net in (-1, -1, 1, -1, -1, -1, -1):
        losses.closed(net, False, START)
        assert losses.tripped(START) is None
    losses.closed(-1, False, START)
    assert losses.tripped(START) == "5 losses in a row"
    losses.equity(10**12, START + DAY)
    assert losses.tripped(START + DAY) is None


def test_three_stops_in_ten_minutes_end_the_day() -> None:
    losses = Losses()
    losses.equity(10**12, START)
    for second in (0, 300, 601):
        losses.closed(1, True, START + second * SECOND)
        assert losses.tripped(START + second * SECOND) is None
    losses.closed(1, True, START + 700 * SECOND)
    assert losses.tripped(START + 700 * SECOND) == "3 stops within the window"


def test_a_day_that_lost_one_percent_ends_and_stays_ended() -> None:
    losses = Losses()
    losses.equity(10_000, START)
    losses.equity(9_901, START)
    assert losses.tripped(START) is None
    losses.equity(9_900, START)
    losses.equity(10_500, START)
    assert losses.tripped(START) == "the day has lost 100 bp of equity"


def test_drawdown_counts_from_the_highest_equity_over_days() -> None:
    losses = Losses(LossRule(day_bp=10_000))
    losses.equity(10_000, START)
    losses.equity(9_600, START + DAY)
    assert losses.tripped(START + DAY) is None
    losses.equity(9_500, START + 2 * DAY)
    assert "highest" in (losses.tripped(START + 2 * DAY) or "")


def test_money_of_two_currencies_is_not_one() -> None:
    losses = Losses()
    losses.equity(10**12, START, "USDT")
    losses.equity(10**9, START, "BTC")  # less of another is no loss
    losses.equity(10**12, START + 1, "USDT")
    assert losses.tripped(START + 1) is None
    assert (losses.peak("BTC"), losses.day_start("USDT")) == (10**9, 10**12)
    losses.equity(98 * 10**7, START + 2, "BTC")
    assert losses.tripped(START + 2) == "the day has lost 100 bp of equity"


def test_losses_of_a_journal_that_knew_one_currency_are_those_of_the_first() -> None:
    old = msgspec.structs.replace(
        Losses().memory(), day=START // DAY, day_start=10**12, peak=10**12
    )
    losses = Losses()
    losses.recall(old)
    losses.equity(98 * 10**10, START, "USDT")
    assert losses.tripped(START) == "the day has lost 100 bp of equity"
    assert losses.memory().peak == {"USDT": 10**12}
