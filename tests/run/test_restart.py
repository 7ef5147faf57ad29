"""Restart: killed at any moment, also between journal and send, an account goes on where it stood.

Every life plays a market of its own, behind the one before, and ends without a word at a drawn
place. After each: the desk rebuilt from the journal has the orders, positions and money that its
rows plainly add up to, the simulated venue stands as the desk does, no id is used twice, and what
is held is protected.
"""

import random
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aggressor.account.books import Heading
from aggressor.account.reconcile import Correction, What
from aggressor.execution.halt import HaltLevel
from aggressor.execution.intent import Action, Intent, Placement, Policy
from aggressor.run.accounts.account import Account
from aggressor.run.accounts.rules import Rules
from aggressor.run.assemble import Settings
from aggressor.schema.command import STOP_MARKET
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.exchange import SimExchange
from aggressor.store.journal import KeptJournal, connect
from aggressor.store.journal_reader import JournalReader, Runs, wish
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode
from tests.properties.tapes import instruments, market, within
from tests.run.journal_truth import reckoned
from tests.run.paper_stage import BUSY, FREE, SETTINGS, make_busy

SECOND = 1_000_000_000
GAP_NS = 3_600 * SECOND
LIVES = 20
PLACES = ("before the seal", "between seal and take", "between take and mark", "anywhere")


class KilledError(Exception):
    """The process is no more."""


class Tape:
    """A live feed: a part of the tape at each poll, then nothing."""

    def __init__(self, events: Events, chunk: int) -> None:
        self._replay = replay_of([events])
        self._chunk = chunk

    def poll(self, limit: int) -> Events:
        return self._replay.poll(min(limit, self._chunk))


class Life:
    """One process of an account, from its journal to its death."""

    def __init__(
        self, path: Path, number: int, *, rules: Rules = FREE, settings: Settings = SETTINGS
    ) -> None:
        events = within(market(1 + number % 3), 200.0).copy()
        shift = number * GAP_NS
        events["ts_recv"] += shift
        events["ts_venue"] += shift
        self.instruments: list[Instrument] = instruments()
        self.now_ns = int(events["ts_recv"][0])
        self.account = Account(
            path, self.instruments, settings, rules.desk(self.instruments), Mode.PAPER, self.now_ns
        )
        assembly = self.account.assembly
        self.exchange = SimExchange(
            Tape(events, 400),
            self.instruments,
            latency=assembly.latency,
            queue=assembly.queue,
            costs=assembly.costs,
            live=True,
        )
        self.account.settle_by_default(self.now_ns)
        self.desk = self.account.desk
        self.exchange.reinstate(self.desk.blotter.open_orders(), [self.desk.position(0).lots])
        self.account.begin(self.exchange, lambda: self.now_ns)

    def live(self, turns: int) -> None:
        for _ in range(turns):
            self.account.trading.turn()

    def kill_at(self, place: str, count: int) -> None:
        """Die at the `count`-th time that a place is reached."""
        left = [count]

        def dying(before: Any) -> Any:
            def act(*arguments: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    raise KilledError
                return before(*arguments)

            return act

        journal: Any = self.account.journal
        if place == "before the seal":
            journal._write = dying(journal._write)
        elif place == "between seal and take":
            self.exchange.take = dying(self.exchange.take)
        elif place == "between take and mark":
            journal.left = dying(journal.left)

    def die(self) -> None:
        self.account.journal._line.close()

    def marks(self) -> dict[int, Fraction]:
        return {k: Fraction(mid2, 2) for k, mid2 in self.desk._mids2.items()}


def agree(path: Path, life: Life) -> None:
    """Hold a life that has just begun against the rows of the journal."""
    desk = life.desk
    plain = reckoned(path, life.instruments, life.marks())
    assert max(plain.placed.values(), default=0) <= 1
    assert plain.positions == [desk.position(0).lots]
    orders = {one.id: one.leaves for one in desk.blotter.open_orders()}
    assert orders == plain.open
    positions, standing = life.exchange.truth()
    assert positions == plain.positions
    assert {order: left for order, (left, _) in standing.items()} == plain.open
    books = desk.books
    currency = books.currency(0)
    assert books.identity(currency)
    put_in = -books.balance(currency, Heading.CAPITAL)
    money = desk.equity(0) - put_in
    assert abs(money - (plain.earned - plain.fees)) <= len(plain.placed) + 1
    assert desk.blotter.next_id() > max(plain.placed, default=0)
    held = desk.position(0).lots
    trade = desk.trade(0)
    assert (trade.held * trade.side if trade is not None else 0) + 0 == held or (
        desk.unclaimed_lots
    )


@pytest.fixture(autouse=True)
def _busy(monkeypatch: pytest.MonkeyPatch) -> None:
    make_busy(monkeypatch)


def lives(path: Path, draw: random.Random, count: int) -> Iterator[tuple[str, Life]]:
    for number in range(count):
        life = Life(path, number)
        agree(path, life)
        place = draw.choice(PLACES)
        life.kill_at(place, draw.randrange(3, 40))
        with suppress(KilledError):
            life.live(draw.randrange(5, 60))
        yield place, life
        life.die()


def test_killed_again_and_again_it_goes_on_where_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    flying = unsent = held = 0
    for place, life in lives(path, random.Random(11), LIVES):
        found = life.account.resumed
        flying += len(found.in_flight)
        unsent += len(found.not_left)
        held += life.desk.position(0).lots != 0
        assert place in PLACES
    last = Life(path, LIVES)
    agree(path, last)
    plain = reckoned(path, last.instruments, last.marks())
    assert len(plain.placed) > 2 * LIVES
    assert min(flying, held) > 2  # it was killed with something under way, and with a position
    assert 0 < unsent <= flying
    last.die()


def test_what_was_sealed_and_not_taken_is_in_flight_and_never_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    first = Life(path, 0)
    first.kill_at("between seal and take", 2)
    with pytest.raises(KilledError):
        first.live(200)
    first.die()
    reader = JournalReader(path)
    lost = reader.in_flight(before=2)
    reader.close()
    assert lost
    second = Life(path, 1)
    assert set(lost) == set(second.account.resumed.not_left)
    agree(path, second)
    second.live(60)
    placed = second.account.journal.commands
    assert int(placed["order"][placed["kind"] == 1].min()) > max(lost)
    second.die()


def test_a_position_is_protected_within_a_second_of_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    draw, bare, held = random.Random(5), 0, 0
    for number in range(8):
        life = Life(path, number)
        if life.desk.position(0).lots:
            held += 1
            turns = 0
            while not protected(life) and turns < 200:
                life.account.trading.turn(1)
                turns += 1
            first, now = life.account.trading.first_ns, life.account.trading.last_ns
            bare += turns > 0
            assert now - max(first, 0) < SECOND or first < 0
        life.kill_at(draw.choice(PLACES), draw.randrange(3, 30))
        with suppress(KilledError):
            life.live(draw.randrange(10, 50))
        life.die()
    assert held > 1


def protected(life: Life) -> bool:
    lots = life.desk.position(0).lots
    stops = sum(
        one.leaves
        for one in life.desk.blotter.open_orders()
        if one.type == STOP_MARKET and one.acknowledged and one.side * lots < 0
    )
    return stops >= abs(lots)


def test_the_kill_switch_stays_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    first = Life(path, 0)
    first.live(30)
    wish(path, HaltLevel.FLATTEN, "a test", 1)
    first.account.fulfil(first.now_ns)
    assert first.desk.halt.level == HaltLevel.FLATTEN
    first.die()
    second = Life(path, 1)
    assert second.desk.halt.level == HaltLevel.FLATTEN
    assert "a test" in second.desk.halt.reason
    second.live(80)
    assert second.desk.position(0).lots == 0
    assert not any(not one.reduce_only for one in second.desk.blotter.open_orders())
    sent = second.account.journal.commands
    assert not np.any((sent["kind"] == 1) & (sent["flags"] == 0))  # nothing that opens
    wish(path, 0, "seen to", 2)
    second.account.fulfil(second.now_ns)
    second.die()
    third = Life(path, 2)
    assert third.desk.halt.level == HaltLevel.OPEN
    third.die()


def test_losses_of_the_day_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    first = Life(path, 0)
    first.live(5)
    first.desk.losses.closed(-5, stopped=True, ts_ns=first.now_ns)
    first.account.journal._urgent = True
    first.account.journal.seal(first.desk)
    before = first.desk.losses.memory()
    first.die()
    second = Life(path, 1)
    assert second.desk.losses.memory() == before
    assert second.desk.losses.consecutive >= 1
    second.die()


def test_an_account_is_of_one_set_of_instruments(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    Life(path, 0).die()
    other = [msgspec.structs.replace(instruments()[0], symbol="OTHER")]
    with pytest.raises(ConfigError, match="another --store"):
        Account(path, other, SETTINGS, FREE.desk(other), Mode.PAPER, 0)


def test_its_equity_is_that_of_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    Life(path, 0).die()
    richer = Settings(strategy=BUSY, profile="micro", equity=5.0)
    life = Life(path, 1, settings=richer)
    books = life.desk.books
    assert -books.balance(books.currency(0), Heading.CAPITAL) == 10**6 * 10**8
    life.die()


def test_a_difference_that_stays_is_corrected_and_pulls_the_switch(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    life = Life(path, 0)
    life.live(30)
    positions, orders = life.exchange.truth()
    ours = life.desk.position(0).lots
    theirs = [positions[0] + 7]
    account, now = life.account, life.now_ns
    account.compare(theirs, orders, now)
    assert life.desk.position(0).lots == ours  # it may be a report that is under way
    account.compare(theirs, orders, now + SECOND)
    assert life.desk.position(0).lots == ours + 7
    account.compare([ours + 20], orders, now + 2 * SECOND)
    account.compare([ours + 30], orders, now + 5 * SECOND)
    assert life.desk.halt.level == HaltLevel.CANCEL
    assert "the venue says" in life.desk.halt.reason
    life.die()
    again = Life(path, 1)
    assert again.desk.position(0).lots == ours + 7
    again.die()


def test_a_journal_that_cannot_be_written_stops_what_would_leave(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    life = Life(path, 0)
    taken: list[Any] = []
    take = life.exchange.take
    life.exchange.take = lambda rows: (taken.append(rows), take(rows))[1]  # type: ignore
    line = life.account.journal._line
    (pages,) = line.execute("PRAGMA page_count").fetchone()
    line.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(StoreError, match="Nothing was sent"):
        life.live(2000)
    sealed = int(line.execute("SELECT count(*) FROM commands").fetchone()[0])
    assert sum(rows.size for rows in taken) == sealed
    life.die()


def test_a_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    line = connect(path)
    line.execute("PRAGMA user_version=99")
    line.close()
    with pytest.raises(StoreError, match="version 99"):
        KeptJournal(path, "paper", {}, 0)
    with pytest.raises(StoreError, match="version 99"):
        JournalReader(path)


def test_corrections_of_money_are_lived_through_again(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    life = Life(path, 0)
    life.live(30)
    books = life.desk.books
    currency = books.currency(0)
    cash = books.cash(currency)
    life.account.correct(
        Correction(What.MONEY, life.now_ns, -1, currency, 0, cash, cash - 1234, words="a test")
    )
    life.account.journal.seal(life.desk)
    before = books.cash(currency)
    life.die()
    again = Life(path, 1)
    books = again.desk.books
    assert books.cash(currency) == before
    assert books.balance(currency, Heading.CORRECTIONS) == 1234
    assert books.identity(currency)
    reader = JournalReader(path)
    (kept,) = reader.corrections(Runs(1, 1))
    reader.close()
    assert (kept.what, kept.words) == (What.MONEY, "a test")
    again.die()


def test_what_a_person_wants_passes_the_desk_and_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    life = Life(path, 0, settings=msgspec.structs.replace(SETTINGS, strategy="exhaustion_scalp"))
    life.live(20)
    wanted = Intent(
        action=Action.WORK,
        instrument=0,
        strategy=0,
        parent=77,
        side=1,
        lots=3,
        placement=Placement(policy=Policy.CROSS, cap_ticks=50),
        reason="by hand",
    )
    quiet = life.account.journal.placed
    act = life.account.trading.want([wanted], "person: a test", life.now_ns)
    life.live(20)
    assert life.account.journal.placed > quiet
    assert life.desk.position(0).lots == 3
    reader = JournalReader(path)
    (kept,) = reader.acts(1)
    reader.close()
    assert kept == act
    assert msgspec.json.decode(kept.wanted, type=list[Intent]) == [wanted]
    life.die()
