"""The accounts of a run at one or several venues, over one market, as one Exchange.

A venue's instruments stand together in the order of the run (`record.open_lines`), so each account
numbers its own from 0, and here an offset is added. Reports of all accounts come in order of
`ts_recv`, behind the events of that time.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aggressor.account.books import currencies_of
from aggressor.account.reconcile import Correction, Held
from aggressor.engine.ports import Feed
from aggressor.run.lines.line import Line, Wires
from aggressor.run.lines.venue_exchange import Keeper, LiveRules, VenueExchange
from aggressor.schema.command import Commands
from aggressor.schema.errors import MessageError
from aggressor.schema.event import Events, empty_events
from aggressor.schema.report import Reports, empty_reports
from aggressor.venues.margin import MarginTier
from aggressor.venues.orders.standing import Left
from aggressor.venues.orders.tracked import Tracked
from aggressor.venues.trading import Credentials, Terms

_NO_EVENTS = empty_events(0)
_LOOK_S = 0.01


class _NoMarket:
    """The market comes once for all accounts."""

    def poll(self, limit: int) -> Events:
        """Return nothing."""
        return _NO_EVENTS


class _Shifted:
    """Tells the keeper of a run what one account says, with the run's numbers."""

    def __init__(self, keeper: Keeper, first: int, currencies: dict[str, str]) -> None:
        self._keeper = keeper
        self._first = first
        self._currencies = currencies

    def corrected(self, one: Correction) -> None:
        """A difference was put right."""
        lane = one.instrument + self._first if one.instrument >= 0 else one.instrument
        currency = self._currencies.get(one.currency, one.currency)
        self._keeper.corrected(one._replace(instrument=lane, currency=currency))

    def adopted(self, order: Tracked) -> None:
        """An order of ours is held that nobody had told us of."""
        order.row["instrument"] += self._first
        self._keeper.adopted(order)
        order.row["instrument"] -= self._first

    def leg(self, order: Tracked) -> None:
        """A further leg of an order leaves next."""
        self._keeper.leg(order)

    def heard(self) -> None:
        """There are reports."""
        self._keeper.heard()


class Accounts:
    """See the module text; an `engine.ports.Exchange`."""

    def __init__(
        self,
        lines: Sequence[Line],
        feed: Feed,
        wires: Wires,
        keys: Callable[[str], Credentials],
        terms: Terms,
        rules: LiveRules,
    ) -> None:
        """`keys` returns a venue's or raises ConfigError."""
        self._feed = feed
        self._clock = wires.clock
        self.exchanges: list[VenueExchange] = []
        self._first: list[int] = []
        first = 0
        for line in lines:
            one = VenueExchange(
                line.venue,
                line.instruments,
                wires.to(line.venue.name),
                keys(line.venue.name),
                _NoMarket(),
                terms=terms,
                rules=rules,
            )
            self.exchanges.append(one)
            self._first.append(first)
            first += len(line.instruments)
        traded = [grid for line in lines for grid in line.instruments]
        names = currencies_of(traded, apart=True)
        self._currencies = [  # of each account: what it settles in -> the currency of the run
            {grid.settle: names[first + k] for k, grid in enumerate(one.instruments)}
            for one, first in zip(self.exchanges, self._first, strict=True)
        ]

    @property
    def first_id(self) -> int:
        """The first id of an order of this run."""
        return max(one.first_id for one in self.exchanges)

    @property
    def tiers(self) -> dict[int, tuple[MarginTier, ...]]:
        """The margin tiers that venues have told, by the lanes of the run."""
        return {
            first + k: rows
            for one, first in zip(self.exchanges, self._first, strict=True)
            for k, rows in one.found.tiers.items()
        }

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way, waits to be sent, or is in doubt, anywhere."""
        return all(one.quiet for one in self.exchanges)

    def kept_by(self, keeper: Keeper) -> None:
        """Tell what happens beside reports to `keeper`."""
        for one, first, names in zip(self.exchanges, self._first, self._currencies, strict=True):
            one.pictures.keeper = _Shifted(keeper, first, names)

    def resume(
        self, left: Sequence[Left], positions: Sequence[Held], money: dict[str, int]
    ) -> None:
        """Begin with what an earlier process left and knew."""
        for one, first, names in zip(self.exchanges, self._first, self._currencies, strict=True):
            lanes = range(first, first + len(one.instruments))
            own = [each for each in left if each.order.instrument in lanes]
            for each in own:
                for row in each.asked.values():
                    row["instrument"] -= first
            one.resume(own)
            held = {k - first: positions[k] for k in lanes}
            known = {settle: money[name] for settle, name in names.items() if name in money}
            one.pictures.reconciler.recall(held, known)

    async def level(self, running: Sequence[asyncio.Task[None]], within_s: float) -> None:
        """Wait until every account is level with its venue, and what is in doubt a little longer.

        Raises what a task has failed with, and MessageError where it takes too long.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + within_s
        for one in self.exchanges:
            while not one.pictures.ready.is_set():
                for task in running:
                    if task.done():
                        task.result()
                if loop.time() > until:
                    raise MessageError(
                        f"{one.venue.name} did not tell the state of the account within "
                        f"{within_s:.0f} s - see `aggressor doctor {one.venue.name}`."
                    )
                await asyncio.sleep(_LOOK_S)

    async def settle(self, within_s: float) -> None:
        """Wait, not for long, until nothing is in doubt and positions and money agree.

        Where a position differs it takes another picture to believe it: twice as long. What is held
        is bare meanwhile, so no longer: the loop protects what we know of, and a stop only reduces.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not all(one.gateway.certain and one.pictures.agreed for one in self.exchanges):
            apart = any(one.pictures.reconciler.pending for one in self.exchanges)
            if loop.time() - began > within_s * (2 if apart else 1):
                return
            await asyncio.sleep(_LOOK_S)

    # -- the protocol ----------------------------------------------------------------------------

    def poll(self, limit: int) -> tuple[Events, Reports]:
        """Return up to `limit` next events and the reports that stand among and behind them."""
        events = self._feed.poll(limit)
        until = int(events["ts_recv"][-1]) if events.size == limit else self._clock.now()
        return events, self.heard(until)

    def heard(self, until: int) -> Reports:
        """Return the reports that have come up to a time, in order; each once."""
        parts: list[Any] = []
        for one, first in zip(self.exchanges, self._first, strict=True):
            rows = one.heard(until)
            if rows.size:
                rows["instrument"] += first
                parts.append(rows)
        if not parts:
            return empty_reports(0)
        rows = np.concatenate(parts)
        return rows[np.argsort(rows["ts_recv"], kind="stable")]

    def take(self, commands: Commands) -> None:
        """Accept COMMANDs; what becomes of them comes back as reports."""
        for one, first in zip(self.exchanges, self._first, strict=True):
            stop = first + len(one.instruments)
            own = (commands["instrument"] >= first) & (commands["instrument"] < stop)
            if own.any():
                rows = commands[own]
                rows["instrument"] -= first
                one.take(rows)

    async def close(self, within_s: float) -> None:
        """End: the venues' timers are let go, resting orders stay as they are."""
        for one in self.exchanges:
            await one.close(within_s)
