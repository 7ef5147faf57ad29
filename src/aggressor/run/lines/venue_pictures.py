"""The venue's word on an account: fetched, taken in, held against our books, differences said.

A picture is asked for at the start, behind every loss of the account's stream, when a message of it
could not be read, and now and then; soon again while something differs or is not settled. Until one
has come since the last loss nobody listens to the account (`Gateway.listening`).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aggressor.account.reconcile import Correction, Reconciler, What
from aggressor.run.lines.account_picture import account_picture
from aggressor.run.lines.line import Wires
from aggressor.run.lines.venue_calls import Caller
from aggressor.run.lines.venue_keeping import Keeper
from aggressor.run.lines.venue_setup import Setup
from aggressor.schema.errors import AggressorError
from aggressor.schema.instrument import Instrument
from aggressor.venues.orders.gateway import Gateway
from aggressor.venues.orders.picture import Picture, held, level, money
from aggressor.venues.session import SECOND_NS
from aggressor.venues.trading import TradingVenue

_AGAIN_S = 0.3
_OPENINGS = (What.OPENING_MONEY, What.OPENING_POSITION)


class Pictures:
    """Pictures of one account, and what our books make of them."""

    def __init__(
        self,
        name: str,
        side: TradingVenue,
        instruments: Sequence[Instrument],
        wires: Wires,
        caller: Caller,
        gateway: Gateway,
        setup: Setup,
        *,
        every_s: float,
        keeper: Keeper | None,
        collect: Callable[[], None],
    ) -> None:
        """`name` of the venue, for words; `collect` books the reports that were made (`book`)."""
        self.reconciler = Reconciler(instruments)
        self.taken = 0
        self.agreed = False  # positions and money were last seen as we have them
        self.ready = asyncio.Event()  # level with the venue for the first time
        self.keeper = keeper
        self._name = name
        self._side = side
        self._instruments = tuple(instruments)
        self._wires = wires
        self._caller = caller
        self._gateway = gateway
        self._setup = setup
        self._every_s = every_s
        self._collect = collect
        self._due_ns = 0
        self._asking = False
        self._level_ns = 0  # when the last picture that we are level with was asked for
        self._connection = 0  # counts the losses of the stream

    def lost(self) -> None:
        """The account's stream was lost: nobody listens until a picture has come."""
        self._connection += 1
        self._gateway.listening = False
        self.want()

    def want(self) -> None:
        """Ask for a picture as soon as may be."""
        self._due_ns = 0

    def claim(self, now: int) -> bool:
        """Say whether a picture is to be taken now; it is then under way until `take` ends."""
        if self._asking or now < self._due_ns:
            return False
        self._asking = True
        return True

    def book(self, row: Any) -> None:
        """Book one REPORT."""
        self.reconciler.take(row)

    def book_late(self) -> None:
        """Book fills of orders that were over by all that the venue had said, and say so."""
        late = self._gateway.hearing.late
        for one in late:
            now = self._wires.clock.now()
            self.reconciler.books.fill(one.instrument, one.side, one.price, one.lots, one.fee, now)
            lots = one.side * one.lots
            self._correct(
                Correction(
                    What.FILL, now, one.instrument, "", one.order, 0, lots, one.price, one.fee
                )
            )
        late.clear()

    async def take(self) -> None:
        """Fetch the account and become level with it."""
        connection, moves = self._connection, self.reconciler.moves
        clock, gateway = self._wires.clock, self._gateway
        try:
            picture = await account_picture(
                self._caller, self._side, self._instruments, clock.now(), self._level_ns
            )
        except (OSError, TimeoutError, AggressorError) as trouble:
            self._wires.notice(f"{self._name}: the account is not told: {trouble}")
            self._due_ns = clock.now() + int(_AGAIN_S * SECOND_NS)
            return
        finally:
            self._asking = False
        now = clock.now()
        for order in level(gateway, picture, now):
            if self.keeper is not None:
                self.keeper.adopted(order)
            self._correct(
                Correction(
                    What.ORDER, now, order.instrument, "", order.id, 0, order.size, order.price
                )
            )
        self._collect()
        self._compare(picture, moves, now)
        if not self.taken:
            for words in self._setup.differences(picture.positions):
                self._wires.notice(f"{self._name}: {words}, which is not what was set")
        self.taken += 1
        if connection == self._connection:
            self._level_ns = picture.asked_ns
            gateway.listening = True
            self.ready.set()

    def _compare(self, picture: Picture, moves: int, now: int) -> None:
        """Compare positions and money, if nothing moved while they were asked for."""
        sure = self._gateway.certain if self.taken else self._gateway.settled
        quiet = moves == self.reconciler.moves and sure
        if quiet:
            hearing = self._gateway.hearing
            theirs = held(hearing, picture.positions)
            wallets = money(hearing, picture.positions, picture.balances, self.reconciler.books)
            for one in self.reconciler.compare(theirs, wallets, now):
                self._say(one)
            self.agreed = not self.reconciler.pending
        again = self.reconciler.pending or not quiet
        wait_s = _AGAIN_S if again else self._every_s
        self._due_ns = now + int(wait_s * SECOND_NS)

    def _correct(self, correction: Correction) -> None:
        self._say(self.reconciler.note(correction))

    def _say(self, correction: Correction) -> None:
        if correction.what not in _OPENINGS:
            self._wires.notice(f"{self._name}: corrected: {correction}")
        if self.keeper is not None:
            self.keeper.corrected(correction)
