"""A storm: everything that can go wrong between us and a venue, at once, again and again.

A seeded hand trades on a local venue at many times the speed of its market while every kind of
fault happens until each has happened often enough and the market has run long enough. Then the
faults end, and what we believe is held against the venue: book, tape, orders, position, money, and
how often each order reached the matching. Of prints that are missing it says why (`storm_tape`):
what the venue does not answer is not held against us.

Bans that would last longer than `BAN_MS` are served as that long: else one of them would be the
whole storm.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import msgspec

from aggressor.account.lifecycle import Move, can
from aggressor.market.book import BookState, book_state, grow_book, run_book
from aggressor.run.local.faults import FaultPlan, Faults
from aggressor.schema import command as c
from aggressor.schema import report
from aggressor.schema.event import ASK, BID
from aggressor.venues.trading import Answer
from aggressor.venues.venue import Venue
from tests.run.live_stage import RULES, SIZE, Dealer, dealing, local_venue
from tests.run.storm_tape import StormTape, TapeFound
from tests.run.venue_stage import serving

BAN_MS = 500
KINDS = (
    "gap", "duplicate", "reorder", "disconnect", "silent", "slow", "lost", "too_many", "banned",
    "outage", "unknown", "skew", "restart", "told twice",
)  # fmt: skip
PLAN = FaultPlan(
    gap=0.01, duplicate=0.01, reorder=0.01, disconnect=0.35, silent=0.4, silent_s=1.0,
    slow=0.08, slow_s=0.6, lost=0.15, too_many=0.07, banned=0.07, outage=0.07, unknown=0.15,
    skew=0.4, skew_ms=3000.0, restart=0.3, restart_s=0.2,
)  # fmt: skip
_PULSE_S = 0.06
TRADES_KEPT = 1_000_000  # Binance answers those of 24 hours: all of a storm
_NOTICES = 200
_TAPE_TURNS = 10  # of half a second, in which what was printed last, and is still asked for, comes
_LIVING_MAX = 8
_HELD_MAX = 6 * SIZE


class Outcome(NamedTuple):
    """What a storm left."""

    venue: str
    market_minutes: float
    faults: dict[str, int]
    orders: int
    fills: int
    losses: int
    asked: int  # reports that were learnt by asking
    doubles: int  # orders that reached the matching more than once
    book: bool
    tape: TapeFound
    orders_agree: bool
    position_agrees: bool
    money_agrees: bool
    funding_untold: int  # that the account paid and no message said, 1e-8; found by its pictures
    corrections: int
    late_s: float  # by how much a turn of the storm was late, at most: the market of one was made
    parted: tuple[str, ...]  # where money or positions differ: the fills that they differ by

    @property
    def good(self) -> bool:
        """Whether everything agrees at the end."""
        agree = self.book and self.orders_agree and self.position_agrees and self.money_agrees
        return agree and self.doubles == 0 and self.tape.ours == 0


class Market:
    """The book and the tape as the line brings them."""

    def __init__(self) -> None:
        self.book: BookState = book_state(1)
        self.tape: StormTape | None = None  # from the beginning of the storm on

    def take(self, rows: Any) -> None:
        if self.tape is not None:
            self.tape.take(rows)
        at = 0
        while at < rows.size:
            at = run_book(rows, at, rows.size, self.book)
            if at < rows.size:
                self.book = grow_book(self.book)

    def levels(self) -> tuple[dict[int, int], dict[int, int]]:
        found: dict[int, dict[int, int]] = {BID: {}, ASK: {}}
        for level in self.book.levels[self.book.levels["lots"] > 0]:
            found[int(level["side"])][int(level["price"])] = int(level["lots"])
        return found[BID], found[ASK]


class Hand:
    """Seeded whims of somebody who trades."""

    def __init__(self, dealer: Dealer, seed: int) -> None:
        self._dealer = dealer
        self._chance = random.Random(seed)

    def move(self) -> None:
        """Do one thing."""
        dealer, chance = self._dealer, self._chance
        lane = dealer.truth.board.lanes[0]
        if not lane.bids or not lane.asks:
            return
        held, draw = dealer.books.positions[0].lots, chance.random()
        living = list(dealer.blotter.open_orders())
        if draw < 0.3 and len(living) < _LIVING_MAX:
            self._rest(chance.choice((1, -1)))
        elif draw < 0.5 and abs(held) < _HELD_MAX and len(living) < _LIVING_MAX:
            dealer.market(chance.choice((1, -1)), SIZE + chance.randrange(50))
        elif draw < 0.58 and held:
            dealer.market(-1 if held > 0 else 1, min(abs(held), SIZE), flags=report.REDUCE_ONLY)
        elif draw < 0.66 and len(living) < _LIVING_MAX:
            self._stop(chance.choice((1, -1)))
        elif draw < 0.68:
            dealer.take(dealer.command(c.CANCEL_ALL))
        elif living:
            self._change(chance.choice(living), draw < 0.8)

    def _rest(self, side: int) -> None:
        bid, ask = self._dealer.best
        away = self._chance.choice((0, 0, 5, 300))
        tif = self._chance.choice((c.GTC, c.POST_ONLY))
        price = bid - away if side > 0 else ask + away
        self._dealer.place(side=side, price=price, size=SIZE + self._chance.randrange(50), tif=tif)

    def _stop(self, side: int) -> None:
        bid, ask = self._dealer.best
        away = self._chance.choice((8, 60, 400))
        trigger = ask + away if side > 0 else bid - away
        self._dealer.place(type=c.STOP_MARKET, tif=c.IOC, side=side, trigger=trigger)

    def _change(self, order: Any, amend: bool) -> None:
        if amend and can(order.state, Move.ASK_AMEND) and order.type == c.LIMIT:
            price = order.price - order.side * self._chance.randrange(1, 40)
            self._dealer.change(c.AMEND, order, price=price, size=order.size + 1)
        elif can(order.state, Move.ASK_CANCEL):
            self._dealer.cancel(order)


def short_bans(venue: Venue) -> Venue:
    """Return a venue whose bans are short."""
    side = venue.trading
    assert side is not None
    one, many = side.answer, side.answers

    def short(found: Answer) -> Answer:
        return found._replace(wait_ns=min(found.wait_ns, BAN_MS * 1_000_000))

    def answer(status: int, headers: dict[str, str], body: bytes) -> Answer:
        return short(one(status, headers, body))

    def answers(status: int, headers: dict[str, str], body: bytes, count: int) -> list[Answer]:
        assert many is not None, "only where there are batches"
        return [short(found) for found in many(status, headers, body, count)]

    changed = msgspec.structs.replace(side, answer=answer, answers=answers if many else None)
    return msgspec.structs.replace(venue, trading=changed)


@asynccontextmanager
async def staged(name: str, seed: int, speed: float) -> AsyncIterator[tuple[Dealer, Market]]:
    plan = msgspec.structs.replace(PLAN, seed=seed)
    more = {"deposit": 10**15, "trades_kept": TRADES_KEPT}
    async with serving(name, seed=seed, speed=speed, faults=plan, **more) as server:
        server.faults.began_s = math.inf  # nothing goes wrong yet
        venue = short_bans(local_venue(server))
        rules = msgspec.structs.replace(RULES, picture_every_s=3.0)
        async with dealing(server, rules=rules, venue=venue, longest_wait_s=0.5) as dealer:
            shorten_bans(dealer)
            yield dealer, Market()


def shorten_bans(dealer: Dealer) -> None:
    """Let the market's questions stay away no longer than the account's."""
    limits = dealer.line.limits
    stay_away = limits.stay_away
    limits.stay_away = lambda seconds: stay_away(min(seconds, BAN_MS / 1000))  # type: ignore


def count_doubles(dealer: Dealer, chance: random.Random) -> None:
    """Tell some news of the account twice, the second time a little later."""
    send, kept = dealer.server._to_owners, []

    def twice(frame: Any) -> None:
        send(frame)
        if kept and dealer.server.faults.plan.duplicate and chance.random() < 0.1:
            dealer.server.faults.counts["told twice"] += 1
            send(kept.pop())
        kept[:] = [frame]

    dealer.server._to_owners = twice  # type: ignore[method-assign]


async def storm(
    name: str, *, minutes: float, least: int, seed: int = 1, speed: float = 20.0
) -> Outcome:
    """Run a storm and return what it left."""
    async with staged(name, seed, speed) as (dealer, market):
        dealer.market_rows = market.take
        line = dealer.line
        await dealer.until(lambda: line.live, 30.0)
        skewed_s = PLAN.skew_ms / 1000  # the venue restamps what it told: not across the beginning
        with suppress(AssertionError):
            await dealer.until(lambda: False, skewed_s + 0.5)
        dealer.truth.board.lanes[0].trades.clear()  # what was before is not to be asked for
        began = dealer.truth.board.lanes[0].trade_number
        dealer.pump()
        market.tape = StormTape(dealer)
        faults = dealer.server.faults
        loop = asyncio.get_running_loop()
        start = faults.began_s = loop.time()
        count_doubles(dealer, random.Random(seed + 1))
        hand = Hand(dealer, seed + 2)
        late_s = 0.0
        while not _over(faults, loop.time() - start, minutes, least, speed):
            dealer.pump()
            hand.move()
            before = loop.time()
            await asyncio.sleep(_PULSE_S)
            late_s = max(late_s, loop.time() - before - _PULSE_S)
        ran = (loop.time() - start) * speed / 60
        faults.began_s = math.inf
        outcome = await _outcome(name, dealer, market, faults, ran, began)
        return outcome._replace(late_s=late_s)


def _over(faults: Faults, seconds: float, minutes: float, least: int, speed: float) -> bool:
    enough = all(faults.counts[kind] >= least for kind in KINDS)
    return enough and seconds * speed / 60 >= minutes


async def _outcome(
    name: str, dealer: Dealer, market: Market, faults: Faults, ran: float, began: int
) -> Outcome:
    dealer.right()
    lane = dealer.truth.board.lanes[0]
    with suppress(AssertionError):
        await dealer.quiet(60.0)
        await dealer.until(lambda: dealer.line.live and market.levels() == (lane.bids, lane.asks))
    ended, tape = lane.trade_number, market.tape
    assert tape is not None, "since the storm began"
    for _ in range(_TAPE_TURNS):
        if tape.found(began, ended).missing == 0:
            break
        with suppress(AssertionError):
            await dealer.until(lambda: False, 0.5)
    with suppress(AssertionError):
        await dealer.until(lambda: market.levels() == (lane.bids, lane.asks), 5.0)
    account = dealer.truth.account
    return Outcome(
        venue=name,
        market_minutes=ran,
        faults={kind: faults.counts[kind] for kind in KINDS},
        orders=sum(1 for _ in dealer.sent),
        fills=len(dealer.truth.fills),
        losses=dealer.line.counts.losses + dealer.exchange.private.losses,
        asked=sum(1 for row in dealer.reports if row["flags"] & report.CORRECTED),
        doubles=len(dealer.doubles),
        book=market.levels() == (lane.bids, lane.asks),
        tape=tape.found(began, ended),
        orders_agree=dealer.living() == dealer.theirs(),
        position_agrees=dealer.books.positions[0].lots == account.net(0),
        money_agrees=abs(dealer.cash_differs - _untold(dealer)) <= len(dealer.truth.fills),
        funding_untold=_untold(dealer),
        corrections=len(dealer.exchange.pictures.reconciler.corrections) - 1,
        late_s=0.0,
        parted=_parted(dealer),
    )


def _untold(dealer: Dealer) -> int:
    """Return what was paid as funding and not told: WEEX and MEXC say nothing of it."""
    told = sum(int(row["fee"]) for row in dealer.reports if row["kind"] == report.FUNDED)
    return dealer.truth.account.funding - told


def _parted(dealer: Dealer) -> tuple[str, ...]:
    """Return the fills that only one side has, and the last words that were said about orders."""
    truth = dealer.truth
    names = {one.number: one.ticket.client_id for one in truth.orders.values()}
    theirs = Counter((one.side, one.price, one.lots) for one in truth.fills)
    fills = [row for row in dealer.reports if row["kind"] == report.FILL]
    ours = Counter((int(row["side"]), int(row["price"]), int(row["size"])) for row in fills)
    unheard, unknown = theirs - ours, ours - theirs
    said = [
        f"not heard: {one} of {names.get(one.order, one.order)}"
        for one in truth.fills
        if (one.side, one.price, one.lots) in unheard
    ]
    said += [f"only heard: {one} x {many}" for one, many in unknown.items()]
    differs = dealer.cash_differs
    if abs(differs - _untold(dealer)) > len(truth.fills):
        said.append(f"money differs by {differs}, funding not told: {_untold(dealer)}")
    if dealer.living() != dealer.theirs():
        said.append(f"living here: {dealer.living()}, there: {dealer.theirs()}")
    return (*said, *dealer.notices[-_NOTICES:]) if said else ()
