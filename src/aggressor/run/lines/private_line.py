"""The stream of one account: its key made, kept and renewed, its login signed for each connection.

The connection itself is held as those of the market are (`run.holder`): opened again after a loss,
replaced before the venue cuts it. What differs: the address may hold a key that lives for an hour,
a login is signed with the time, and what was missed is not sent again. So whoever listens is told
when the stream is live (`live`) and when it was lost, and asks for the account in between.
"""

import asyncio
from collections.abc import Callable, Sequence

from aggressor.run.lines.holder import Door, Holder
from aggressor.run.lines.line import Wires, relocated
from aggressor.run.lines.venue_calls import Caller
from aggressor.schema.errors import AggressorError
from aggressor.venues.session import ControlKind, Link, State
from aggressor.venues.trading import Credentials, TradingVenue, Update, Verdict
from aggressor.venues.venue import Venue

_NS = 1_000_000_000
_LONGEST_WAIT_S = 5.0
_KEEP_AGAIN_S = 20.0


class PrivateLine:
    """The account's stream, held until cancelled."""

    def __init__(
        self,
        venue: Venue,
        side: TradingVenue,
        wires: Wires,
        credentials: Credentials,
        caller: Caller,
        *,
        on_updates: Callable[[Sequence[Update], int], None],
        on_lost: Callable[[str, int], None],
        on_bad: Callable[[], None],
    ) -> None:
        """`on_bad`: a message could not be read, so what it told must be asked for."""
        self.losses = 0
        self.messages = 0
        self.bad = 0
        self.example = ""  # the last message that was not understood
        self._venue = venue
        self._side = side
        self._wires = wires
        self._credentials = credentials
        self._caller = caller
        self._on_updates = on_updates
        self._on_lost = on_lost
        self._on_bad = on_bad
        self._key = ""
        self._holder = Holder(
            side.private(credentials, 0, "").address.partition("?")[0],
            lambda: Link(venue.link, ()),
            wires.clock.now,
            self._received,
            self._lost,
            wires.notice,
            deflate=venue.deflate,
            door=self._door,
            longest_wait_s=min(_LONGEST_WAIT_S, wires.longest_wait_s),
        )

    @property
    def live(self) -> bool:
        """Whether the account's news are coming."""
        return self._holder.link.state is State.LIVE

    async def run(self) -> None:
        """Hold the stream, and keep its key alive."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._holder.run())
            if self._side.listen_key is not None:
                group.create_task(self._keep())

    async def _door(self) -> Door:
        """Return where to connect to now; raise OSError, TimeoutError or MessageError."""
        keys = self._side.listen_key
        if keys is not None:
            self._key = await self._caller.question(keys.create, keys.read)
        link = self._side.private(self._credentials, self._caller.venue_ms, self._key)
        rules = link.rules or self._venue.link
        address = relocated(link.address, self._wires.at)
        return Door(address, link.headers, Link(rules, link.messages, login=link.login))

    async def _keep(self) -> None:
        """Keep the key alive; where the venue no longer knows it, connect with another."""
        keys = self._side.listen_key
        assert keys is not None, "only where there is a key"
        wait_s = keys.every_ns / _NS
        while True:
            await asyncio.sleep(wait_s)
            wait_s = keys.every_ns / _NS
            if not self._key:
                continue
            try:
                answer = (await self._caller.ask(keys.keep(self._key))).answer
            except (OSError, TimeoutError, AggressorError) as trouble:
                self._wires.notice(
                    f"{self._venue.name}: the key of the stream is not kept: {trouble}"
                )
                wait_s = _KEEP_AGAIN_S
                continue
            if answer.verdict is not Verdict.ACCEPTED:
                self._key = ""
                self._holder.renew("the key of the stream is no longer known")

    def _received(self, link: Link, frame: bytes, ts_recv: int) -> None:
        """Take one frame; never raises."""
        self.messages += 1
        link.heard(ts_recv)
        try:
            message = self._venue.unpack(frame)
            control = self._venue.control(message)
            if control is not None:
                link.received(control, ts_recv)
                if control.kind is ControlKind.REFUSED:
                    self._wires.notice(f"{self._venue.name} refused: {control.text}")
                return
            updates = self._side.decode_private(message)
        except AggressorError as trouble:
            self.bad += 1
            self.example = str(trouble)
            self._wires.notice(self.example)
            self._on_bad()
            return
        if updates:
            self._on_updates(updates, ts_recv)

    def _lost(self, why: str, now: int) -> None:
        self.losses += 1
        self._wires.notice(f"{self._venue.name}: account: {why}; connecting again")
        self._on_lost(why, now)
