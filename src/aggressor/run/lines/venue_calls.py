"""Calls to a venue's account: signed by its clock, within its limits, each with a deadline.

`send` is for what the gateway has decided and counted: one try, whose outcome may be unknown.
`ask` is for questions and settings, which may be repeated: it waits for the limits, measures the
clock where a signature was refused for it, stays away as long as it is told, and tries again.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from aggressor.run.lines.line import Wires, relocated
from aggressor.schema.errors import MessageError
from aggressor.venues.budget import Budget
from aggressor.venues.trading import Answer, Call, Credentials, TradingVenue, Verdict
from aggressor.venues.venue import Venue
from aggressor.wire.backoff import Backoff
from aggressor.wire.clock import VenueClock
from aggressor.wire.rest import Response

Read = TypeVar("Read")

_NS = 1_000_000_000
_PAGES_MAX = 200
_CLOCK_SAMPLES = 3


class Answered(NamedTuple):
    """What a call came back with."""

    answer: Answer
    response: Response


class Caller:
    """One account's calls."""

    def __init__(
        self,
        venue: Venue,
        side: TradingVenue,
        wires: Wires,
        credentials: Credentials,
        budget: Budget,
        *,
        deadline_s: float = 5.0,
    ) -> None:
        self.clock = VenueClock()
        self.budget = budget
        self._venue = venue
        self._side = side
        self._wires = wires
        self._credentials = credentials
        self._host = relocated(side.host, wires.at)
        self._deadline_s = deadline_s

    @property
    def venue_ms(self) -> int:
        """The venue's clock now, as far as it is known."""
        return self.clock.venue_ms(self._wires.clock.now())

    def venue_ms_at(self, now: int) -> int:
        """Return the venue's clock at our time `now`, ns."""
        return self.clock.venue_ms(now)

    async def send(self, call: Call) -> Answered:
        """Send once; raise OSError, TimeoutError or MessageError: what was done is not known."""
        signed = self._side.sign(call, self._credentials, self.venue_ms, self._host)
        response = await self._wires.rest.ask(
            signed.method,
            signed.url,
            headers=signed.headers,
            body=signed.body,
            deadline_s=self._deadline_s,
        )
        answer = self._side.answer(response.status, response.headers, response.body)
        return Answered(answer, response)

    async def ask(self, call: Call, *, tries: int = 4) -> Answered:
        """Ask until there is an answer that says something; what may be asked twice only.

        Raises MessageError, OSError or TimeoutError behind the last try.
        """
        wait, answer = Backoff(first_s=0.2, cap_s=3.0), Answer(Verdict.UNKNOWN)
        for left in reversed(range(tries)):
            await self._turn(call)
            try:
                answered = await self.send(call)
            except (OSError, TimeoutError, MessageError):
                if not left:
                    raise
                await asyncio.sleep(wait.failed())
                continue
            answer = answered.answer
            if answer.verdict in (Verdict.ACCEPTED, Verdict.REFUSED):
                return answered
            if answer.verdict is Verdict.BAD_CLOCK:
                await self.measure(anew=True)
            elif answer.verdict is Verdict.THROTTLED:
                until = self._wires.clock.now() + answer.wait_ns
                shut = answered.response.status in self._side.shut_out
                self.budget.pause("" if shut else call.group, until)
            elif left:
                await asyncio.sleep(wait.failed())
        raise MessageError(
            f"{self._venue.name} does not answer {call.path}: {answer.code} {answer.text} - it is "
            "asked again where it must be."
        )

    async def question(self, call: Call, read: Callable[[bytes], Read]) -> Read:
        """Ask and read; raise MessageError also where the question is refused."""
        answered = await self.ask(call)
        if answered.answer.verdict is Verdict.REFUSED:
            answer = answered.answer
            raise MessageError(
                f"{self._venue.name} refuses {call.path}: {answer.code} {answer.text} - see what "
                "the key may do with `aggressor doctor`."
            )
        return read(answered.response.body)

    async def pages(self, call: Call, read: Callable[[bytes], list[Read]]) -> list[Read]:
        """Ask for all pages of a list and read them; raise as `question` does."""
        found: list[Read] = []
        following: Call | None = call
        for _ in range(_PAGES_MAX):
            if following is None:
                return found
            body = await self.question(following, lambda body: body)
            found += read(body)
            more = self._side.next_page
            following = more(following, body) if more is not None else None
        raise MessageError(
            f"{self._venue.name} answers {call.path} with over {_PAGES_MAX} pages - ask for less."
        )

    async def measure(self, *, anew: bool = False) -> bool:
        """Measure the venue's clock; `anew`: what was measured before no longer holds."""
        request, read = self._venue.clock_request, self._venue.read_clock
        if request is None or read is None:
            return True
        fresh = VenueClock()
        for _ in range(_CLOCK_SAMPLES):
            one = request()
            sent = self._wires.clock.now()
            try:
                answer = await self._wires.rest.ask(
                    one.method, relocated(one.url, self._wires.at), deadline_s=self._deadline_s
                )
                if answer.status == 200:
                    fresh.add(sent, read(answer.body), self._wires.clock.now())
            except (OSError, TimeoutError, ValueError):
                continue
        best = fresh.offset
        if best is None:
            return False
        if anew:
            self.clock.forget()
        self.clock.put(best)
        return True

    async def _turn(self, call: Call) -> None:
        """Wait until the limits let a call leave."""
        clock = self._wires.clock
        while not self.budget.take(call.group, call.weight, clock.now(), also=call.also):
            until = self.budget.paused_until(call.group) - clock.now()
            await asyncio.sleep(max(0.02, min(until / _NS, 1.0)))
