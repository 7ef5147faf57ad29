"""Orders on their way, by values: every fate of a request, every order of arrival."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.account.blotter import Blotter
from aggressor.account.lifecycle import Move, can
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.event import NO_PRICE
from aggressor.venues.orders.departures import Send
from aggressor.venues.orders.doubts import AskFills, AskOrder
from aggressor.venues.orders.gateway import AskClock, Gateway, Sweep
from aggressor.venues.orders.tracked import MOVES, Request, Stage, Word, first_id
from aggressor.venues.trading import Answer, FillUpdate, OrderUpdate, Terms, Verdict
from tests.venues.toy_account import GRID, SYMBOL, ToyAccount, toy_side

MS = 1_000_000
_REFUSALS = (report.AMEND_REJECTED, report.CANCEL_REJECTED)
FATES = ("told", "lost", "never", "throttled", "clock", "slow")


class Desk:
    """A gateway, a blotter that is strict about its reports, and a toy venue between them."""

    def __init__(self, **side: Any) -> None:
        self.gateway = Gateway(toy_side(**side), [GRID], Terms())
        self.gateway.listening = True
        self.account = ToyAccount()
        self.blotter = Blotter()
        self.reports: list[Any] = []
        self.now = 10**18
        self.fates: list[str] = []
        self.late: list[tuple[int, Any]] = []  # answers on their way: (when, what to do)
        self.asked_at: list[int] = []

    def command(self, kind: int, order: int = 0, **fields: int) -> int:
        rows = c.empty_commands(1)
        row = rows[0]
        row["kind"], row["order"] = kind, order or self.blotter.next_id()
        row["type"], row["tif"], row["side"] = c.LIMIT, c.GTC, 1
        row["size"], row["price"], row["trigger"] = 10, 100, NO_PRICE
        for name, value in fields.items():
            row[name] = value
        if kind != c.CANCEL_ALL:
            self.blotter.sent(row)
        self.gateway.take(rows, self.now)
        self.book()
        return int(row["order"])

    def book(self) -> None:
        for row in self.gateway.drain():
            self.reports.append(row)
            self.blotter.apply(row)

    def fate(self) -> str:
        return self.fates.pop(0) if self.fates else "told"

    def turn(self, step_ns: int = 10 * MS) -> None:
        """Let time pass once, and do what is due."""
        self.now += step_ns
        for when, act in [one for one in self.late if one[0] <= self.now]:
            self.late.remove((when, act))
            act()
        for action in self.gateway.due(self.now):
            if isinstance(action, Send):
                self._send(action)
            elif isinstance(action, Sweep):
                self.gateway.swept(action, self.account.apply(action.call), self.now)
            elif isinstance(action, AskClock):
                self.gateway.clock_known()
            elif isinstance(action, AskOrder):
                self._ask(action)
            elif isinstance(action, AskFills):
                self.gateway.doubts.filled(0, list(self.account.fills), self.now, self.now)
        self.book()

    def _send(self, action: Send) -> None:
        gateway = self.gateway
        for order, request in action.items:
            fate = self.fate()
            if fate == "throttled":
                answer = Answer(Verdict.THROTTLED, wait_ns=40 * MS)
                gateway.answered(order, request, answer, self.now, 429)
            elif fate == "clock":
                gateway.answered(order, request, Answer(Verdict.BAD_CLOCK), self.now)
            elif fate == "never":
                gateway.failed(order, request, self.now)
            else:
                answer = self.account.apply(action.call)
                if fate == "lost":
                    gateway.failed(order, request, self.now)
                elif fate == "slow":
                    self._answer_later(order, request, answer)
                else:
                    gateway.answered(order, request, answer, self.now)

    def _answer_later(self, order: Any, request: Any, answer: Answer) -> None:
        def act() -> None:
            self.gateway.answered(order, request, answer, self.now)

        self.late.append((self.now + 700 * MS, act))

    def _ask(self, ask: AskOrder) -> None:
        self.asked_at.append(self.now)
        fate = self.fate()
        if fate in ("lost", "never"):
            doubts, order = self.gateway.doubts, ask.order
            doubts.told(order, order.leg, [], self.now, self.now, whole=False)
            return
        found = self.account.ask(self.gateway.doubts.calls(ask.order, 0)[0])
        self.gateway.doubts.told(ask.order, ask.order.leg, found, self.now, self.now)

    def hear(self, *updates: Any) -> None:
        self.gateway.hear(updates, self.now)
        self.book()

    def hear_all(self) -> None:
        told, self.account.tells = self.account.tells, []
        self.hear(*told)

    def until_quiet(self, most: int = 4000) -> None:
        for _ in range(most):
            self.turn()
            self.hear_all()
            if self.gateway.quiet and not self.late:
                return
        raise AssertionError("it never came to rest")

    def kinds(self, order: int) -> list[int]:
        return [int(row["kind"]) for row in self.reports if row["order"] == order]


# -- the table -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [c.PLACE, c.AMEND, c.CANCEL])
def test_the_table_is_whole_and_a_doubted_placing_never_goes_back_to_the_queue(kind: int) -> None:
    assert set(MOVES[kind]) == set(Stage)
    assert all(after in Stage for moves in MOVES[kind].values() for after in moves.values())
    assert set(MOVES[kind][Stage.DONE].values()) == {Stage.DONE}
    for stage in Stage:
        assert Word.TELL in MOVES[kind][stage]  # the venue may tell of it at any time
    back = {stage for stage in Stage if MOVES[kind][stage].get(Word.HOLD) is Stage.QUEUED}
    again = {Stage.SENT, Stage.TAKEN, Stage.DOUBTED} if kind == c.CANCEL else {Stage.SENT}
    assert back == again


def test_what_the_table_has_not_is_refused() -> None:
    request = Request(c.PLACE, 0)
    with pytest.raises(AssertionError, match="QUEUED cannot TAKE"):
        request.move(Word.TAKE)


def test_ids_of_a_later_run_are_above_those_of_an_earlier_one() -> None:
    now = 1_795_000_000_000_000_000
    assert first_id(now + MS) - first_id(now) == 256
    assert 0 < first_id(now) < 2**47


# -- each fate of a placing ------------------------------------------------------------------------


def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again() -> None:
    desk = Desk()
    desk.fates = ["lost"]
    order = desk.command(c.PLACE)
    for _ in range(100):
        desk.turn()
    assert desk.account.applied == [order]
    assert desk.kinds(order) == [report.ACK]
    assert desk.reports[0]["flags"] & report.CORRECTED
    assert desk.gateway.quiet


def test_an_order_that_never_arrived_is_declared_so_only_when_it_can_no_longer_come() -> None:
    desk = Desk()
    desk.fates = ["never"]
    order, sent = desk.command(c.PLACE), desk.now
    while not desk.blotter[order].ended:
        desk.turn()
        assert desk.now < sent + 20_000 * MS
    assert desk.account.applied == []
    assert desk.blotter[order].reason == report.NEVER_ARRIVED
    assert desk.now - sent >= desk.gateway.side.settles_ns
    waits = [b - a for a, b in zip(desk.asked_at, desk.asked_at[1:], strict=False)]
    assert len(waits) >= 2
    assert waits == sorted(waits)  # ever slower
    assert any("never arrived" in words for words in desk.gateway.hearing.alerts)


def test_a_request_that_failed_late_may_arrive_late() -> None:
    desk = Desk()
    number = desk.command(c.PLACE)
    (send,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    order, request = send.items[0]
    sent, failed = desk.now, desk.now + 4_000 * MS  # it waited for the wire, then for an answer
    desk.gateway.failed(order, request, failed)
    doubts, settles = desk.gateway.doubts, desk.gateway.side.settles_ns
    for asked in (failed + 100 * MS, sent + settles, failed + settles - 1):
        doubts.told(order, 0, [], asked, asked)
        assert not order.over
    doubts.told(order, 0, [], failed + settles, failed + settles)
    desk.book()
    assert desk.blotter[number].reason == report.NEVER_ARRIVED


def test_an_order_that_comes_to_life_after_all_is_cancelled() -> None:
    desk = Desk()
    desk.fates = ["never"]
    order = desk.command(c.PLACE)
    while not desk.blotter[order].ended:
        desk.turn()
    call = desk.gateway.side.place(desk.gateway.hearing.orders[order].row, GRID, Terms())
    desk.account.apply(call)
    desk.hear_all()
    desk.turn()
    assert not desk.account.orders[order].lives
    assert any("lives now" in words for words in desk.gateway.hearing.alerts)


def test_a_venue_that_does_not_answer_is_asked_on_and_a_person_is_told() -> None:
    desk = Desk()
    desk.fates = ["lost"] * 60
    order = desk.command(c.PLACE)
    for _ in range(4000):
        desk.turn()
    assert any("is not known" in words for words in desk.gateway.hearing.alerts)
    assert len([w for w in desk.gateway.hearing.alerts if "is not known" in w]) == 1
    assert not desk.blotter[order].ended
    desk.fates = []
    for _ in range(600):
        desk.turn()
    assert desk.blotter[order].acknowledged
    assert desk.account.applied == [order]


def test_a_refused_clock_is_measured_and_the_order_sent_once_more() -> None:
    desk = Desk()
    desk.fates = ["clock"]
    order = desk.command(c.PLACE)
    desk.until_quiet()
    assert desk.account.applied == [order]
    desk.fates = ["clock"] * 10
    hopeless = desk.command(c.PLACE)
    desk.until_quiet()
    assert desk.blotter[hopeless].reason == report.FORBIDDEN
    assert desk.account.applied == [order]


def test_a_throttled_order_waits_as_long_as_it_is_wanted_and_no_longer() -> None:
    desk = Desk()
    desk.fates = ["throttled", "throttled"]
    order = desk.command(c.PLACE)
    desk.until_quiet()
    assert desk.kinds(order) == [report.ACK]
    row = c.empty_commands(1)[0]
    row["order"] = order
    assert row["kind"] == 0
    placing = desk.command(c.PLACE)
    tracked = desk.gateway.hearing.orders[placing]
    (send,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    answer = Answer(Verdict.THROTTLED, wait_ns=60_000 * MS, text="banned")
    desk.gateway.answered(tracked, send.items[0][1], answer, desk.now, 418)
    desk.book()
    assert desk.blotter[placing].reason == report.RATE_LIMIT
    desk.command(c.CANCEL, order)
    desk.turn()
    assert desk.account.orders[order].lives  # shut out is shut out, for cancels too
    desk.now += 61_000 * MS
    desk.turn()
    assert not desk.account.orders[order].lives


def test_limits_are_kept_a_part_is_for_what_reduces_and_cancels_leave_first() -> None:
    desk = Desk(orders_per_second=10)
    first = desk.command(c.PLACE)
    desk.until_quiet()
    desk.now += 1_000 * MS
    opening = [desk.command(c.PLACE) for _ in range(12)]
    closing = [desk.command(c.PLACE, flags=report.REDUCE_ONLY, side=-1) for _ in range(2)]
    desk.command(c.CANCEL, first)
    sends = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    numbers = [one.items[0][0].id for one in sends]
    assert numbers[0] == first
    assert numbers[1:3] == closing
    assert numbers[3:] == opening[:6]  # eight of ten, two of them are used
    for one in sends:
        answer = desk.account.apply(one.call)
        desk.gateway.answered(*one.items[0], answer, desk.now)
    desk.until_quiet()
    assert (
        len(desk.account.applied)
        + sum(desk.blotter[one].reason == report.RATE_LIMIT for one in opening)
        == 15
    )


def test_new_risk_is_refused_while_nobody_listens_and_what_reduces_goes() -> None:
    desk = Desk()
    desk.gateway.listening = False
    opening = desk.command(c.PLACE)
    closing = desk.command(c.PLACE, flags=report.REDUCE_ONLY)
    desk.until_quiet()
    assert desk.blotter[opening].reason == report.NOT_LISTENING
    assert desk.account.applied == [closing]


def test_an_instrument_that_takes_no_orders_is_refused_without_a_word_to_the_venue() -> None:
    desk = Desk()
    desk.gateway.tradable = {0: False}
    order = desk.command(c.PLACE)
    assert desk.blotter[order].reason == report.FORBIDDEN
    desk.until_quiet()
    assert desk.account.applied == []


def test_several_orders_go_in_one_request_and_are_answered_one_by_one() -> None:
    desk = Desk(many=True)
    orders = [desk.command(c.PLACE, price=price) for price in (100, 13, 101)]
    (send,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    assert send.batch
    assert [order.id for order, _ in send.items] == orders
    verdicts = [
        Answer(Verdict.ACCEPTED, venue_id="a"),
        Answer(Verdict.REFUSED, report.BAD_FIELD),
        Answer(Verdict.UNKNOWN),
    ]
    for (order, request), answer in zip(send.items, verdicts, strict=True):
        desk.gateway.answered(order, request, answer, desk.now)
    desk.book()
    assert [one.place.stage for one, _ in send.items] == [Stage.TAKEN, Stage.DONE, Stage.DOUBTED]
    assert desk.blotter[orders[1]].reason == report.BAD_FIELD


# -- changes ---------------------------------------------------------------------------------------


def test_an_order_that_was_not_sent_yet_is_dropped_by_its_cancel() -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.command(c.CANCEL, order)
    desk.until_quiet()
    assert desk.account.applied == []
    assert desk.kinds(order) == [report.CANCELED]


def test_a_cancel_waits_for_the_answer_to_the_placing() -> None:
    desk = Desk()
    desk.fates = ["slow"]
    order = desk.command(c.PLACE)
    desk.turn()
    desk.command(c.CANCEL, order)
    for _ in range(50):
        desk.turn()
    assert desk.account.orders[order].lives
    desk.until_quiet()
    assert not desk.account.orders[order].lives


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("heard", [True, False])
def test_every_fate_of_a_cancel_ends_the_order(fate: str, heard: bool) -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.fates = [fate]
    desk.command(c.CANCEL, order)
    for _ in range(300):
        desk.turn()
        if heard:
            desk.hear_all()
    assert desk.kinds(order) == [report.ACK, report.CANCELED]
    assert desk.gateway.quiet


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("amends", [True, False])
@pytest.mark.parametrize("heard", [True, False])
def test_every_fate_of_an_amendment_is_known_in_the_end(
    fate: str, amends: bool, heard: bool
) -> None:
    desk = Desk(amends=amends)
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.account.fill(order, 4)
    desk.hear_all()
    desk.fates = [fate]
    desk.command(c.AMEND, order, size=20, price=105)
    for _ in range(900):
        desk.turn()
        if heard:
            desk.hear_all()
    assert desk.gateway.quiet
    ours = desk.blotter[order]
    (theirs,) = [one for one in desk.account.orders.values() if one.lives]
    if amends and fate == "never":
        assert desk.kinds(order)[-1] == report.AMEND_REJECTED
        assert (ours.size, ours.price, theirs.price) == (10, 100, 100)
    else:
        assert desk.kinds(order)[-1] == report.AMENDED
        assert (ours.size, ours.leaves, ours.price) == (20, 16, 105)
        assert (theirs.size - theirs.filled, theirs.price) == (16, 105)
    assert sorted(set(desk.account.applied)) == sorted(desk.account.applied)


@pytest.mark.parametrize("amends", [True, False])
def test_a_refused_cancel_is_told_behind_the_amendment_it_overtook(amends: bool) -> None:
    desk = Desk(amends=amends)
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.account.fill(order, 10)  # and we have not heard of it
    desk.fates = ["slow"]
    desk.command(c.AMEND, order, size=20)
    desk.turn()
    desk.command(c.CANCEL, order)
    for _ in range(90):
        desk.turn()  # the cancel is refused at once, the amendment 0.7 s later
    told = [kind for kind in desk.kinds(order) if kind in _REFUSALS]
    assert told == [report.AMEND_REJECTED, report.CANCEL_REJECTED]
    desk.until_quiet()
    assert desk.blotter[order].filled == 10
    assert desk.blotter[order].ended


def test_a_cancel_behind_a_cancel_all_is_answered() -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.account.fill(order, 10)
    desk.command(c.CANCEL_ALL, 1)
    desk.command(c.CANCEL, order)
    desk.turn()
    assert report.CANCEL_REJECTED in desk.kinds(order)
    desk.until_quiet()
    assert desk.blotter[order].ended


def test_where_nothing_is_amended_what_is_left_is_placed_under_another_number() -> None:
    desk = Desk(amends=False)
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.command(c.AMEND, order, size=6, price=99)
    desk.until_quiet()
    first, second = desk.account.applied
    assert (first, second & (1 << 48) - 1, second >> 48) == (order, order, 1)
    desk.account.fill(second, 6)
    desk.hear_all()
    assert desk.blotter[order].filled == 6
    assert desk.kinds(order) == [report.ACK, report.AMENDED, report.FILL]


def test_an_amendment_that_is_overtaken_by_the_last_fill_places_nothing_more() -> None:
    desk = Desk(amends=False)
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.account.fill(order, 10)
    desk.command(c.AMEND, order, size=20, price=99)
    desk.until_quiet()
    assert desk.account.applied == [order]
    assert desk.blotter[order].ended
    assert desk.blotter[order].filled == 10


@pytest.mark.parametrize("applied", [True, False])
def test_a_fill_in_front_of_its_amendment_ends_nothing_too_early(applied: bool) -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.fates = ["lost" if applied else "never"]
    desk.command(c.AMEND, order, size=20)
    desk.turn()
    desk.account.fill(order, 10)
    amended, *rest = desk.account.tells if applied else [None, *desk.account.tells]
    desk.account.tells = []
    desk.hear(rest[0])  # the fill alone: whether more than ten was ever ordered is open
    assert desk.blotter[order].leaves == 10
    assert not desk.blotter[order].ended
    desk.hear(*rest[1:])
    if amended is not None:
        desk.hear(amended)
    desk.until_quiet()
    assert desk.blotter[order].filled == 10
    assert desk.blotter[order].ended is not applied
    assert desk.blotter[order].leaves == (10 if applied else 0)


def test_cancel_all_ends_all_and_is_repeated_until_it_is_done() -> None:
    desk = Desk()
    orders = [desk.command(c.PLACE) for _ in range(3)]
    desk.until_quiet()
    desk.command(c.CANCEL_ALL, 1)
    (sweep,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Sweep)]
    desk.gateway.swept(sweep, None, desk.now)
    desk.until_quiet()
    assert all(desk.blotter[one].ended for one in orders)


def test_a_cancel_all_without_an_answer_is_repeated_ever_slower_and_never_twice_at_once() -> None:
    desk = Desk()
    desk.command(c.PLACE)
    desk.until_quiet()
    desk.command(c.CANCEL_ALL, 1)
    sent: list[int] = []
    for _ in range(2000):
        sweeps = [one for one in desk.gateway.due(desk.now) if isinstance(one, Sweep)]
        assert len(sweeps) <= 1
        for sweep in sweeps:
            sent.append(desk.now)
            desk.gateway.swept(sweep, None, desk.now)
            if len(sent) == 6:
                desk.command(c.CANCEL_ALL, 1)  # one waits already: it goes now
        desk.now += 10_000_000
    waits = [later - before for before, later in itertools.pairwise(sent)]
    asks = desk.gateway.rules.asks
    assert waits[:5] == [asks.first_ns << n for n in range(5)]
    assert waits[5] == 10_000_000
    assert max(waits) == waits[-1] == asks.longest_ns


# -- every order of arrival ------------------------------------------------------------------------


@st.composite
def _lives(draw: st.DrawFn) -> tuple[list[int], bool, list[int], int]:
    """Return fills, whether it is cancelled, an order of arrival, the place of the answer."""
    fills = draw(st.lists(st.integers(1, 4), max_size=4))
    cancelled = draw(st.booleans())
    many = 1 + 2 * len(fills) + cancelled
    doubles = draw(st.lists(st.integers(0, many - 1), max_size=4))
    order = draw(st.permutations([*range(many), *doubles]))
    return fills, cancelled, order, draw(st.integers(0, len(order)))


@settings(max_examples=200, deadline=None)
@given(_lives(), st.sampled_from(["told", "lost"]))
def test_whatever_arrives_in_whichever_order_each_fact_is_told_once(
    life: tuple[list[int], bool, list[int], int], fate: str
) -> None:
    fills, cancelled, arrival, answer_at = life
    desk = Desk()
    order = desk.command(c.PLACE, size=sum(fills) + 1 if cancelled else max(sum(fills), 1))
    (send,) = [one for one in desk.gateway.due(desk.now) if isinstance(one, Send)]
    answer = desk.account.apply(send.call)
    for lots in fills:
        desk.account.fill(order, lots)
    if cancelled:
        row = desk.gateway.hearing.orders[order].row
        desk.account.apply(desk.gateway.side.cancel(row, GRID, Terms()))
    told = list(desk.account.tells)
    for i, one in enumerate(arrival):
        if i == answer_at:
            _answer(desk, send, answer, fate)
        if one < len(told):
            desk.hear(told[one])
    if answer_at >= len(arrival):
        _answer(desk, send, answer, fate)
    desk.account.tells = []
    desk.until_quiet()
    assert desk.gateway.hearing.late == []
    ours, kinds = desk.blotter[order], desk.kinds(order)
    rows = [row for row in desk.reports if row["kind"] == report.FILL]
    assert sum(int(row["size"]) for row in rows) == ours.filled == sum(fills)
    assert len(rows) == len(fills)
    assert kinds.count(report.ACK) <= 1
    assert kinds.count(report.CANCELED) == cancelled
    assert ours.ended == (cancelled or (bool(fills) and desk.account.orders[order].filled > 0))
    if ours.ended:
        assert kinds[-1] in (report.CANCELED, report.FILL, report.ACK)
        assert not can(ours.state, Move.FILL_PART)


def _answer(desk: Desk, send: Send, answer: Answer, fate: str) -> None:
    if fate == "lost":
        desk.gateway.failed(*send.items[0], desk.now)
    else:
        desk.gateway.answered(*send.items[0], answer, desk.now)
    desk.book()


_STEP = st.one_of(
    st.tuples(st.just("place"), st.integers(1, 10)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("amend"), st.integers(0, 5)),
    st.tuples(st.just("fill"), st.integers(0, 5)),
    st.tuples(st.just("hear"), st.integers(0, 3)),
    st.tuples(st.just("pass"), st.integers(1, 40)),
    st.tuples(st.just("all"), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_STEP, min_size=1, max_size=25),
    st.lists(st.sampled_from(FATES), max_size=20),
    st.booleans(),
)
def test_any_session_ends_with_the_venue_and_us_agreeing(
    steps: list[tuple[str, int]], fates: list[str], amends: bool
) -> None:
    desk = Desk(amends=amends)
    desk.fates = list(fates)
    orders: list[int] = []
    for what, number in steps:
        _step(desk, orders, what, number)
    desk.fates = []
    desk.until_quiet()
    assert sorted(set(desk.account.applied)) == sorted(desk.account.applied)
    filled: dict[int, int] = {}
    for one in desk.account.fills:
        number = int(one.client_id[1:], 36) & ((1 << 48) - 1)
        filled[number] = filled.get(number, 0) + int(one.size)
    living = {one.number & ((1 << 48) - 1) for one in desk.account.orders.values() if one.lives}
    for order in orders:
        assert desk.blotter[order].filled == filled.get(order, 0)
        assert (not desk.blotter[order].ended) == (order in living)
    for one in desk.account.orders.values():
        if one.lives:
            ours = desk.blotter[one.number & ((1 << 48) - 1)]
            assert (ours.leaves, ours.price) == (one.size - one.filled, one.price)


def _step(desk: Desk, orders: list[int], what: str, number: int) -> None:
    living = [one.id for one in desk.blotter.open_orders()]
    if what == "place":
        orders.append(desk.command(c.PLACE, size=number))
    elif what == "cancel" and number < len(living):
        if can(desk.blotter[living[number]].state, Move.ASK_CANCEL):
            desk.command(c.CANCEL, living[number])
    elif what == "amend" and number < len(living):
        order = desk.blotter[living[number]]
        if can(order.state, Move.ASK_AMEND):
            desk.command(c.AMEND, order.id, size=order.size + number, price=101 + number)
    elif what == "fill" and desk.account.orders:
        theirs = list(desk.account.orders)
        desk.account.fill(theirs[number % len(theirs)], 1 + number % 3)
    elif what == "hear":
        for _ in range(min(number, len(desk.account.tells))):
            desk.hear(desk.account.tells.pop(0))
    elif what == "all":
        desk.command(c.CANCEL_ALL, 1)
    else:
        for _ in range(number):
            desk.turn()


def test_a_fill_without_a_price_is_asked_for() -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.until_quiet()
    desk.account.fill(order, 3)
    (fill,) = desk.account.fills
    desk.account.tells = [
        one._replace(price="") if isinstance(one, FillUpdate) else one for one in desk.account.tells
    ]
    desk.until_quiet()
    (row,) = [row for row in desk.reports if row["kind"] == report.FILL]
    assert (row["size"], row["price"]) == (3, int(fill.price))
    assert row["flags"] & report.CORRECTED


@pytest.mark.parametrize("fate", ["lost", "never"])
def test_while_many_orders_are_in_doubt_no_new_risk_leaves(fate: str) -> None:
    desk = Desk()
    desk.fates = [fate] * desk.gateway.rules.doubts_max
    doubted = [desk.command(c.PLACE) for _ in desk.fates]
    desk.turn()
    further = desk.command(c.PLACE)
    closing = desk.command(c.PLACE, side=-1, flags=report.REDUCE_ONLY)
    desk.turn()
    assert closing in desk.account.orders
    assert further not in desk.account.orders
    desk.until_quiet()
    there = fate == "lost"
    assert [one in desk.account.orders for one in doubted] == [there] * len(doubted)
    assert (further in desk.account.orders) is there  # found soon: else it is too late for it
    assert desk.kinds(further) == [report.ACK if there else report.REJECTED]


@pytest.mark.parametrize("heard", [True, False])
def test_a_triggered_order_that_goes_on_under_another_id_claims_its_fills(heard: bool) -> None:
    desk = Desk()
    order = desk.command(c.PLACE, type=c.STOP_MARKET, trigger=90, price=NO_PRICE)
    desk.until_quiet()
    theirs = desk.account.orders[order]
    fired, ts = theirs.update(report.TRIGGERED), theirs.ts + 2
    plain = OrderUpdate(SYMBOL, "", "plain", report.FILL, 1, "", "10", "10", ts)
    fill = FillUpdate(SYMBOL, "", "plain", "f9", 1, "91", "10", "0.01", "USD", False, ts)
    desk.hear(fired, *((fill, plain) if heard else ()))  # nothing says yet that it is ours
    assert desk.kinds(order) == [report.ACK, report.TRIGGERED]
    asked = []
    for _ in range(300):
        desk.now += 10 * MS
        for action in desk.gateway.due(desk.now):
            asked.append(type(action))
            if isinstance(action, AskFills):
                desk.gateway.doubts.filled(0, [fill], desk.now, desk.now)
            else:
                assert isinstance(action, AskOrder)
                found = [fired._replace(became="plain")] if len(asked) == 1 else [plain]
                desk.gateway.doubts.told(action.order, 0, found, desk.now, desk.now)
            desk.book()
    assert asked == ([AskOrder] if heard else [AskOrder, AskOrder, AskFills])
    assert desk.kinds(order) == [report.ACK, report.TRIGGERED, report.FILL]
    assert desk.blotter[order].filled == 10
    assert desk.gateway.quiet


def test_a_ban_by_429_stops_all_where_the_venue_means_the_address() -> None:
    for shuts, others in (((403, 418), True), ((403, 418, 429), False)):
        desk = Desk()
        side = msgspec.structs.replace(desk.gateway.side, shut_out=shuts)
        desk.gateway.side = side
        order = desk.command(c.PLACE)
        (send,) = desk.gateway.due(desk.now)
        answer = Answer(Verdict.THROTTLED, wait_ns=500 * MS)
        desk.gateway.answered(*send.items[0], answer, desk.now, 429)
        assert desk.gateway.budget.take("orders", 1, desk.now) is False
        assert desk.gateway.budget.take("cancels", 1, desk.now) is others
        assert desk.kinds(order) == []


def test_fills_that_are_asked_for_are_heard_in_turn() -> None:
    desk = Desk()
    order = desk.command(c.PLACE)
    desk.until_quiet()
    for lots in (3, 4):
        desk.account.fill(order, lots)
    desk.account.tells.clear()
    newest_first = list(reversed(desk.account.fills))
    desk.gateway.doubts.filled(0, newest_first, desk.now, desk.now)
    desk.book()
    sizes = [int(row["size"]) for row in desk.reports if row["kind"] == report.FILL]
    assert sizes == [3, 4]
