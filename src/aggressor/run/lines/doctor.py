"""`aggressor doctor`: what stands between this machine and a venue, and how to mend it.

Every check says what was measured, whether that will do, and if not what to do. A check that could
not be made says so; it is never counted as passed.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.keys import Found, find_keys
from aggressor.run.lines.line import Line, Wires, definitions_of, relocated
from aggressor.schema.errors import AggressorError
from aggressor.schema.instrument import Instrument
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Call, TradingVenue
from aggressor.venues.venue import Venue
from aggressor.wire.clock import Clock, VenueClock
from aggressor.wire.rest import Limits, Response, Rest

GOOD, WARN, BAD, UNKNOWN = "good", "warning", "bad", "not known"
CLOCK_WARN_MS = 250.0
CLOCK_BAD_MS = 1000.0
_STREAM_S = 20.0
_FREE_BYTES = 5 << 30
_CLOCK_ASKS = 5


class Check(NamedTuple):
    """One finding; `mend` is what to do about it, "" if nothing."""

    venue: str
    what: str
    state: str
    found: str
    mend: str = ""


async def doctor(
    venues: Sequence[str],
    *,
    at: str = "",
    store: Path | None = None,
    keys: Callable[[str], Found | None] = find_keys,
) -> dict[str, Any]:
    """Look at every venue named; return the document of the command."""
    checks: list[Check] = []
    if store is not None:
        checks.append(_disk(store))
    async with Rest() as rest:
        for name in venues:
            wires = Wires(rest, Clock(), lambda _: None, at)
            checks += await _Patient(venue_named(name), wires, keys).examine()
    worst = next((state for state in (BAD, WARN, UNKNOWN) if _any(checks, state)), GOOD)
    return {"state": worst, "checks": [check._asdict() for check in checks]}


def _any(checks: Sequence[Check], state: str) -> bool:
    return any(check.state == state for check in checks)


def _disk(store: Path) -> Check:
    folder = store
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / (1 << 30):.1f} GiB free at {folder}"
    if free < _FREE_BYTES:
        return Check("", "disk", WARN, text, "free some space: a busy market fills 1 GiB a day")
    return Check("", "disk", GOOD, text)


class _Patient:
    """One venue being looked at."""

    def __init__(self, venue: Venue, wires: Wires, keys: Callable[[str], Found | None]) -> None:
        self._venue = venue
        self._wires = wires
        self._keys = keys
        self._limits = Limits({"rest": venue.rest_limit})
        self._clock = VenueClock()

    async def examine(self) -> list[Check]:
        """Make every check; later ones rest on earlier ones."""
        reached, instruments = await self._reach()
        checks = [reached]
        if reached.state == BAD:
            return checks
        checks.append(await self._time())
        checks.append(await self._stream(instruments))
        return checks + await self._account()

    def _check(self, what: str, state: str, found: str, mend: str = "") -> Check:
        return Check(self._venue.name, what, state, found, mend)

    async def _reach(self) -> tuple[Check, list[Instrument]]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            found = await definitions_of(self._venue, self._wires, self._limits)
        except (OSError, TimeoutError, AggressorError) as trouble:
            why = str(trouble) or "no answer in time"
            mend = "check network and proxy; 403 or 451 means that the venue refuses your region"
            return self._check("requests", BAD, why, mend), []
        text = f"{len(found)} instruments in {loop.time() - began:.2f} s"
        return self._check("requests", GOOD, text), found

    async def _time(self) -> Check:
        request, read = self._venue.clock_request, self._venue.read_clock
        if request is None or read is None:
            return self._check("clock", UNKNOWN, "the venue does not tell its time")
        for _ in range(_CLOCK_ASKS):
            with suppress(OSError, TimeoutError, AggressorError, ValueError):
                asked = request()
                sent = self._wires.clock.now()
                answer = await self._wires.rest.ask(
                    asked.method, relocated(asked.url, self._wires.at), limits=self._limits
                )
                self._clock.add(sent, read(answer.body), self._wires.clock.now())
        best = self._clock.offset
        if best is None:
            return self._check("clock", UNKNOWN, "the venue did not tell its time")
        off, within = best.offset_ns / 1e6, best.within_ns / 1e6
        text = f"the venue's clock is {off:+.1f} ms from ours, within {within:.1f} ms"
        sure = abs(off) - within
        mend = "let the system keep its clock (chrony, ntpd, w32time)"
        if sure > CLOCK_BAD_MS:
            return self._check("clock", BAD, text, mend + "; orders will be refused")
        if sure > CLOCK_WARN_MS:
            return self._check("clock", WARN, text, mend)
        return self._check("clock", GOOD, text)

    async def _stream(self, instruments: Sequence[Instrument]) -> Check:
        """Open the streams of the first instrument and wait until its book is aligned."""
        heard: list[str] = []
        wires = self._wires._replace(notice=heard.append)
        line = Line(self._venue, [(instruments[0], 0)], wires, Backlog())
        task = asyncio.create_task(line.run())
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            while not line.live and loop.time() - began < _STREAM_S:
                await asyncio.sleep(0.05)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        what, symbol = "streams", instruments[0].symbol
        if line.live:
            text = f"the book of {symbol} stood after {loop.time() - began:.1f} s"
            return self._check(what, GOOD, text)
        mend = "check that a firewall or proxy lets web sockets through"
        text = f"the book of {symbol} did not stand after {_STREAM_S:.0f} s: "
        return self._check(what, BAD, text + (heard[-1] if heard else "nothing came"), mend)

    async def _account(self) -> list[Check]:
        trading = self._venue.trading
        try:
            found = self._keys(self._venue.name)
        except AggressorError as trouble:
            return [self._check("keys", BAD, str(trouble), "mend the key's place as it says")]
        if found is None:
            return [self._check("keys", UNKNOWN, "there are none; market data needs none")]
        if trading is None:
            return [self._check("keys", UNKNOWN, "this venue is not traded here")]
        checks = [self._check("keys", GOOD, f"found: {found.source}")]
        checks.append(await self._balance(trading, found))
        checks.append(await self._rights(trading, found))
        return checks

    async def _ask(self, trading: TradingVenue, found: Found, call: Call) -> Response:
        host = relocated(trading.host, self._wires.at)
        now_ms = self._clock.venue_ms(self._wires.clock.now())
        signed = trading.sign(call, found.credentials, now_ms, host)
        return await self._wires.rest.ask(
            signed.method, signed.url, limits=self._limits, headers=signed.headers, body=signed.body
        )

    async def _balance(self, trading: TradingVenue, found: Found) -> Check:
        what = "account"
        try:
            answer = await self._ask(trading, found, trading.balances())
            held = trading.read_balances(answer.body)
        except (OSError, TimeoutError, AggressorError) as trouble:
            mend = "check key, secret, passphrase, bound addresses and the machine's clock"
            return self._check(what, BAD, str(trouble) or "no answer in time", mend)
        text = ", ".join(f"{one.wallet} {one.asset}" for one in held[:4]) or "no assets"
        return self._check(what, GOOD, text)

    async def _rights(self, trading: TradingVenue, found: Found) -> Check:
        what = "rights of the key"
        if trading.rights is None or trading.read_rights is None:
            mend = "see that the key on the venue's site may not withdraw"
            return self._check(what, UNKNOWN, "the venue does not tell them", mend)
        try:
            answer = await self._ask(trading, found, trading.rights())
            rights = trading.read_rights(answer.body)
        except (OSError, TimeoutError, AggressorError) as trouble:
            return self._check(what, UNKNOWN, str(trouble) or "no answer in time")
        if rights.withdraw:
            mend = "make a key without that right: whoever steals this one takes the money"
            return self._check(what, BAD, "it may withdraw", mend)
        if rights.trade is False:
            return self._check(what, WARN, "it may not trade", "allow it to trade futures")
        if rights.addresses_bound is False:
            mend = "bind the key to this machine's address on the venue's site"
            return self._check(what, WARN, "it works from any address", mend)
        told = {"trade": rights.trade, "withdraw": rights.withdraw}
        text = ", ".join(f"{name}: {_word(value)}" for name, value in told.items())
        return self._check(what, GOOD if rights.withdraw is False else UNKNOWN, text)


def _word(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
