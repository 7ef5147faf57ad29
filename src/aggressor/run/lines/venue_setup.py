"""What must be so before an account trades: asked, set, and held against what was wanted.

In this order: the venue's clock; which instruments take orders; the account's fees and margin
tiers; position mode, margin type and leverage. A setting that the venue refuses is an error that a
person must mend: orders written for another mode would be refused, or worse, not be.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from aggressor.run.lines.line import Wires, relocated
from aggressor.run.lines.venue_calls import Caller
from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import Instrument
from aggressor.sim.costs import Costs
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.trading import Call, PositionUpdate, Terms, TradingVenue, Verdict
from aggressor.venues.venue import Request, Venue

_BP = Decimal(10_000)


class Found(NamedTuple):
    """What the venue says of our instruments, by their numbers; what it does not say is absent."""

    tradable: dict[int, bool]
    fees: dict[int, Fees]
    tiers: dict[int, tuple[MarginTier, ...]]


class Setup:
    """One account, made ready."""

    def __init__(
        self,
        venue: Venue,
        side: TradingVenue,
        instruments: Sequence[Instrument],
        terms: Terms,
        wires: Wires,
        caller: Caller,
    ) -> None:
        self._venue = venue
        self._side = side
        self._instruments = tuple(instruments)
        self._terms = terms
        self._wires = wires
        self._caller = caller

    async def run(self) -> Found:
        """Make the account ready; raise ConfigError for what a person must mend."""
        if not await self._caller.measure():
            raise MessageError(
                f"{self._venue.name} does not tell its time - run `aggressor doctor` to see why."
            )
        tradable = await self._tradable()
        closed = [
            one.symbol for k, one in enumerate(self._instruments) if not tradable.get(k, True)
        ]
        if closed:
            self._wires.notice(f"{self._venue.name}: {', '.join(closed)} take no orders now")
        found = Found(tradable, await self._fees(), await self._tiers())
        self._check_leverage(found.tiers)
        await self._set()
        return found

    # -- questions -------------------------------------------------------------------------------

    async def _tradable(self) -> dict[int, bool]:
        request, read = self._venue.tradable_request, self._venue.read_tradable
        if request is None or read is None:
            return {}
        symbols = read(await ask_public(self._wires, request()))
        return {k: one.symbol in symbols for k, one in enumerate(self._instruments)}

    async def _fees(self) -> dict[int, Fees]:
        found: dict[int, Fees] = {}
        if self._side.fees is None or self._side.read_fees is None:
            return found
        for k, one in enumerate(self._instruments):
            try:
                rows = await self._caller.question(self._side.fees(one), self._side.read_fees)
            except MessageError as trouble:
                self._wires.notice(f"{one.id}: the account's fees are not known: {trouble}")
                continue
            for row in rows:
                if row.symbol in ("", one.symbol):
                    found[k] = row
        return found

    async def _tiers(self) -> dict[int, tuple[MarginTier, ...]]:
        found: dict[int, tuple[MarginTier, ...]] = {}
        for k, one in enumerate(self._instruments):
            try:
                rows = await self._tiers_of(one)
            except MessageError as trouble:
                self._wires.notice(f"{one.id}: the margin tiers are not known: {trouble}")
                continue
            ours = tuple(row for row in rows if row.symbol in ("", one.symbol))
            if ours:
                found[k] = ours
        return found

    async def _tiers_of(self, one: Instrument) -> list[MarginTier]:
        venue, side = self._venue, self._side
        if side.margin is not None and side.read_margin is not None:
            return await self._caller.question(side.margin(one), side.read_margin)
        if venue.margin_request is not None and venue.read_margin is not None:
            return venue.read_margin(await ask_public(self._wires, venue.margin_request(one)))
        return []

    # -- settings --------------------------------------------------------------------------------

    def _check_leverage(self, tiers: dict[int, tuple[MarginTier, ...]]) -> None:
        for k, rows in tiers.items():
            most = rows[0].leverage_max
            if most is not None and self._terms.leverage > most:
                raise ConfigError(
                    f"{self._instruments[k].id} allows a leverage of {most} at most, not "
                    f"{self._terms.leverage} - set a lower one."
                )

    async def _set(self) -> None:
        side, terms = self._side, self._terms
        if side.set_mode is not None:
            mode = "two positions (hedge)" if terms.hedge else "one position (one-way)"
            await self._do(side.set_mode(terms), f"The account cannot be set to {mode}")
        for one in self._instruments:
            if side.set_margin is not None:
                kind = "isolated" if terms.isolated else "cross"
                call = side.set_margin(one, terms)
                await self._do(call, f"{one.id} cannot be set to {kind} margin")
            for call in side.set_leverage(one, terms):
                what = f"{one.id} cannot be set to a leverage of {terms.leverage}"
                await self._do(call, what)

    async def _do(self, call: Call, what: str) -> None:
        answer = (await self._caller.ask(call)).answer
        if answer.verdict is Verdict.REFUSED:
            raise ConfigError(
                f"{what}: {answer.code} {answer.text} - close its positions and cancel its orders, "
                "or set it on the venue's own pages."
            )

    def differences(self, positions: Sequence[PositionUpdate]) -> list[str]:
        """Return in which settings a position differs from what was wanted."""
        found = []
        symbols = {one.symbol for one in self._instruments}
        for one in positions:
            if one.symbol not in symbols or not one.leverage:
                continue
            if Decimal(one.leverage) != self._terms.leverage:
                found.append(f"{one.symbol} has a leverage of {one.leverage}")
            if one.isolated != self._terms.isolated and Decimal(one.size or 0):
                found.append(f"{one.symbol} has {'isolated' if one.isolated else 'cross'} margin")
        return found


async def ask_public(wires: Wires, request: Request) -> bytes:
    """Return what a venue answers to anybody; raise MessageError."""
    answer = await wires.rest.ask(request.method, relocated(request.url, wires.at))
    if answer.status != 200:
        words = answer.body[:120].decode(errors="replace")
        raise MessageError(
            f"{request.url.partition('?')[0]} answered {answer.status}: {words} - try again."
        )
    return answer.body


def costs_of(fees: Fees) -> Costs:
    """Return an account's fees as the cost model of sizing and simulation has them."""
    return Costs(maker_bp=fees.maker * _BP, taker_bp=fees.taker * _BP)
