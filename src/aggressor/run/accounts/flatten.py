"""Closing what is open at venues by plain requests: the watchdog's hands.

Every account has a connection to its market of its own, for the best prices, and asks for orders
and positions each time anew; nothing is remembered that could be wrong. Orders of other programs
are left alone, positions are not: an account that is to be flat is flat. Everything sent is
reduce-only, so a second hand that closes at the same time can do no harm. Where a venue keeps no
name for a stop (MEXC) nobody can say whose it is: it is cancelled when the account is flat, for
then it protects nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from decimal import Decimal
from types import TracebackType
from typing import Any

from aggressor.market.book import book_state, run_book
from aggressor.run.accounts.guard import Watch
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.keys import Found
from aggressor.run.lines.line import Line, Wires
from aggressor.run.lines.record import open_lines
from aggressor.run.lines.venue_calls import Caller
from aggressor.run.stopping import end_tasks
from aggressor.schema.command import CANCEL, IOC, LIMIT, PLACE, STOP_MARKET, empty_commands
from aggressor.schema.errors import AggressorError, ConfigError
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REDUCE_ONLY
from aggressor.venues.budget import Budget
from aggressor.venues.orders.tracked import first_id
from aggressor.venues.trading import OrderUpdate, Terms, TradingVenue, Verdict

_TRIES = 60
_QUIET_S = 0.2  # between two attempts, at least
_END_S = 5.0  # of the connections
_TROUBLE = (OSError, TimeoutError, AggressorError)


class Closer:
    """The accounts of a run, each with its hands; a context that holds the connections."""

    def __init__(self, orders: Watch, wires: Wires, lines: Sequence[Line], backlog: Backlog):
        self._orders = orders
        self._wires = wires
        self._lines = lines
        self._backlog = backlog
        self._books = book_state(sum(len(line.instruments) for line in lines))
        self._hands: list[_Hand] = []
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def opened(
        cls, orders: Watch, wires: Wires, keys: Callable[[str], Found | None]
    ) -> "Closer":
        """Reach every venue and try its key; raise ConfigError, MessageError."""
        backlog = Backlog()
        lines, _ = await open_lines(orders.names, wires, backlog)
        closer = cls(orders, wires, lines, backlog)
        first = 0
        for line in lines:
            found = keys(line.venue.name)
            if found is None or line.venue.trading is None:
                raise ConfigError(f"There is no key for {line.venue.name}: the watchdog needs it.")
            side = line.venue.trading
            caller = Caller(
                line.venue, side, wires.to(line.venue.name), found.credentials, Budget(side.limits),
                deadline_s=orders.request_s,
            )  # fmt: skip
            await caller.measure()
            await caller.question(side.balances(), side.read_balances)
            for one in line.instruments:
                closer._hands.append(_Hand(closer, side, caller, one, first))
                first += 1
        return closer

    async def __aenter__(self) -> "Closer":
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(line.run()) for line in self._lines]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await end_tasks(self._tasks, _END_S, self._wires.notice)

    def follow(self) -> None:
        """Bring the books up to now."""
        while (rows := self._backlog.take(50_000)).size:
            used = run_book(rows, 0, rows.size, self._books)
            if used < rows.size:  # no room: these books are no longer to be believed
                self._books = book_state(self._books.head.size)

    def best(self, lane: int, side: int) -> int | None:
        """Return the best price that an order of `side` could take, None where it is not known."""
        self.follow()
        head = self._books.head[lane]
        if not head["valid"]:
            return None
        return int(head["ask"] if side > 0 else head["bid"])

    async def cancel_entries(self) -> int:
        """Cancel our orders that could open or grow a position; return how many there were."""
        found = await asyncio.gather(*(hand.cancel(entries=True) for hand in self._hands))
        return sum(found)

    async def flatten(self) -> bool:
        """Close every position, then cancel what protected them; say whether all is flat."""
        return all(await asyncio.gather(*(hand.flatten() for hand in self._hands)))

    def say(self, words: str) -> None:
        """Say words for a person."""
        self._wires.notice(words)

    @property
    def orders(self) -> Watch:
        """What the watchdog was told."""
        return self._orders

    @property
    def now(self) -> int:
        """The time, ns."""
        return self._wires.clock.now()


class _Hand:
    """One instrument of one account."""

    def __init__(
        self, closer: Closer, side: TradingVenue, caller: Caller, one: Instrument, lane: int
    ) -> None:
        self._closer = closer
        self._side = side
        self._caller = caller
        self._one = one
        self._lane = lane
        self._terms = Terms(isolated=closer.orders.isolated, leverage=closer.orders.leverage)

    async def cancel(self, *, entries: bool) -> int:
        """Cancel our orders (`entries`: not those that only reduce), until there are none."""
        gone: set[str] = set()
        for _ in range(_TRIES):
            try:
                found = [
                    one
                    for one in await self._living()
                    if not entries or not (one.reduce_only or one.trigger)
                ]
            except _TROUBLE as trouble:
                self._closer.say(f"{self._one.id}: its orders are not told: {trouble}")
                await asyncio.sleep(_QUIET_S)
                continue
            if not found:
                break
            gone |= {one.client_id or one.venue_id for one in found}
            for one in found:
                await self._cancel(one)
            await asyncio.sleep(_QUIET_S)
        return len(gone)

    async def _living(self) -> list[OrderUpdate]:
        found: list[OrderUpdate] = []
        for call in self._side.open_orders(self._one):
            found += await self._caller.pages(call, self._side.read_orders)
        return [one for one in found if one.symbol == self._one.symbol and self._may_be_ours(one)]

    def _may_be_ours(self, one: OrderUpdate) -> bool:
        if not one.client_id:
            return one.reduce_only and bool(one.trigger)
        return self._side.order_id(one.client_id) is not None

    async def _cancel(self, one: OrderUpdate) -> None:
        row = empty_commands(1)[0]
        row["kind"], row["order"] = CANCEL, self._side.order_id(one.client_id) or 0
        row["side"], row["price"], row["trigger"] = one.side, NO_PRICE, NO_PRICE
        row["type"] = LIMIT
        if one.trigger:
            row["type"], row["trigger"] = STOP_MARKET, self._one.ticks(one.trigger)
        call = self._side.cancel(row, self._one, self._terms)
        if call is None and self._side.cancel_theirs is not None and one.venue_id:
            call = self._side.cancel_theirs(row, self._one, one.venue_id)
        if call is not None:
            with suppress(*_TROUBLE):
                await self._caller.ask(call, tries=2)

    async def flatten(self) -> bool:
        """Close the position; when it is flat, cancel what is left; say whether it is."""
        tries = 0
        for _ in range(_TRIES):
            try:
                held = await self._held()
            except _TROUBLE as trouble:
                self._closer.say(f"{self._one.id}: its position is not told: {trouble}")
                await asyncio.sleep(_QUIET_S)
                continue
            if not held:
                await self.cancel(entries=False)
                return True
            if await self._close(held, tries):
                tries += 1
            await asyncio.sleep(max(_QUIET_S, self._closer.orders.retry_ns / 1e9))
        self._closer.say(f"{self._one.id}: it is NOT flat; what protects it is left standing")
        return False

    async def _held(self) -> int:
        rows = await self._caller.pages(self._side.positions(self._one), self._side.read_positions)
        return sum(
            self._one.lots(one.size)
            for one in rows
            if one.symbol == self._one.symbol and one.size and Decimal(one.size)
        )

    async def _close(self, held: int, tries: int) -> bool:
        """Send one order against a position; say whether it left."""
        orders, side = self._closer.orders, -1 if held > 0 else 1
        best = self._closer.best(self._lane, side)
        if best is None:
            self._closer.say(f"{self._one.id}: its book is not known: waits for a price")
            return False
        cap = max(orders.cap_ticks, orders.cap_bp * abs(best) // 10_000)
        cap *= 1 + min(tries, orders.widenings_max)
        row = empty_commands(1)[0]
        row["kind"], row["order"] = PLACE, first_id(self._closer.now) + tries
        row["type"], row["tif"], row["side"] = LIMIT, IOC, side
        row["price"], row["trigger"] = best + side * cap, NO_PRICE
        row["size"], row["flags"] = abs(held), REDUCE_ONLY
        self._closer.say(
            f"{self._one.id}: closes {self._one.size_text(held)} within "
            f"{self._one.price_text(int(row['price']))}"
        )
        call = self._side.place(row, self._one, self._terms)
        answer: Any = None
        try:
            answer, _ = await self._caller.send(call)  # once: the next try asks what is held
        except _TROUBLE as trouble:
            self._closer.say(f"{self._one.id}: no answer: {trouble}")
        if answer is not None and answer.verdict is Verdict.REFUSED:
            self._closer.say(f"{self._one.id}: refused: {answer.code} {answer.text}")
        return True
