"""Paper trading: the live market, a simulated venue over it, and the engine of every other run.

    recorded market -> SimExchange -> Trading -> journal

The simulated venue watches the account's margin where its tiers are known (`paper_margin`), and
liquidates it as a backtest's does.

The market is recorded as it is used, so that the run can be replayed (`parity`). The account lives
in the journal of the store: a run goes on where the last one ended, stopped or killed; the market
was not watched in between, so orders that stood then stand again behind everything displayed, and a
stop waits for the next print at or beyond its trigger. How it turns and ends: `run.trading_run`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from aggressor.run.accounts.account import PAPER_JOURNAL, Account
from aggressor.run.accounts.alerts import Alerts
from aggressor.run.accounts.paper_margin import paper_tiers
from aggressor.run.accounts.rules import DEFAULT_RULES, Rules
from aggressor.run.accounts.trading_run import Errand, Screen, Show, run_until_over
from aggressor.run.assemble import Settings, check_settings
from aggressor.run.lines.record import by_venue
from aggressor.run.lines.recorded_market import Notice, RecordedMarket, recorded_market
from aggressor.run.stopping import told_to_stop
from aggressor.schema.errors import ConfigError
from aggressor.sim.exchange import SimExchange
from aggressor.strategies.gates import Mode
from aggressor.venues.margin import MarginTier

JOURNAL = PAPER_JOURNAL
_FEED_ROWS = 4_096


class PaperPlan(NamedTuple):
    """What a paper run is to do."""

    names: Sequence[str]
    settings: Settings
    rules: Rules = DEFAULT_RULES
    store: Path | None = None
    seconds: float | None = None
    at: str = ""
    errand: Errand | None = None  # None: trade by the settings until stopped
    deposit: bool = True  # the equity of the settings is put in; else equity is not known


def paper_folder(store: Path | None) -> Path:
    """Return where a paper account lives."""
    return store if store is not None else platformdirs.user_data_path("aggressor") / "paper"


async def paper(
    plan: PaperPlan,
    *,
    show: Show,
    notice: Notice,
    alerts: Alerts | None = None,
    screen: Screen | None = None,
) -> dict[str, Any]:
    """Trade on paper until told to stop; return what came of it.

    Raises ConfigError, MessageError, StoreError.
    """
    by_venue(plan.names)
    check_settings(plan.settings)
    if plan.settings.latency_ms:
        _in_time(plan.settings)
    folder = paper_folder(plan.store)
    async with (
        told_to_stop(patient=False) as stop,
        recorded_market(plan.names, folder, plan.at, notice) as market,
    ):
        if screen is not None:
            market.feed = screen.feed(market.feed)
        tiers = await paper_tiers(market, plan.rules, plan.settings, notice)
        run = PaperRun(plan, folder, market, alerts, tiers=tiers, watched=screen is not None)
        run.begin(notice)
        if alerts is not None:
            market.beside(alerts.run(notice))
        stop.patient = True
        await run_until_over(run, stop, plan.seconds, show, screen)
        if alerts is not None:
            await alerts.flush(notice)
        result = run.document()
    return result | {"compacted": market.compacted, "dropped_rows": market.backlog.dropped}


def _in_time(settings: Settings) -> None:
    feed, _, response = (float(part) for part in settings.latency_ms.split(","))
    if response < feed:
        raise ConfigError(
            f"A response of {response} ms is faster than the feed of {feed} ms: on a live market "
            "reports would come too late. Give at least as much as the feed, as 5,20,20."
        )


class PaperRun:
    """A paper account with its simulated venue; a `TradingRun`."""

    def __init__(
        self,
        plan: PaperPlan,
        folder: Path,
        market: RecordedMarket,
        alerts: Alerts | None,
        *,
        tiers: Mapping[int, Sequence[MarginTier]] | None = None,
        watched: bool = False,
    ) -> None:
        self.market = market
        self._errand = errand = plan.errand
        instruments = market.instruments
        rule = plan.rules.desk(instruments)
        self.account = Account(
            folder / JOURNAL,
            instruments,
            plan.settings,
            rule,
            Mode.PAPER,
            market.began_ns,
            alerts,
            deposit=plan.deposit,
            tiers=tiers,
            made=None if errand is None else errand.strategies(instruments),
            watched=watched,
        )
        assembly = self.account.assembly
        self.exchange = SimExchange(
            market.feed,
            instruments,
            latency=assembly.latency,
            queue=assembly.queue,
            costs=assembly.costs,
            margin=assembly.margin,
            live=True,
            chunk=_FEED_ROWS,
        )

    @property
    def under_way(self) -> bool:
        """Whether something was sent that the venue has not answered."""
        return self.exchange.under_way

    @property
    def over(self) -> bool:
        """Whether what the run was begun for is done."""
        return self._errand is not None and self._errand.over

    def begin(self, notice: Notice) -> None:
        """Go on where the account stood, and compile what the loop needs."""
        account, desk, now = self.account, self.account.desk, self.market.clock.now
        account.settle_by_default(now())
        lanes = range(len(account.instruments))
        positions = [desk.position(k).lots for k in lanes]
        self.exchange.reinstate(desk.blotter.open_orders(), positions, desk.books)
        account.begin(self.exchange, now)
        account.trading.turn()
        for words in account.greetings():
            notice(words)

    def turned(self) -> None:
        """Nobody hears whether it lives."""

    def serve(self) -> None:
        """Nothing more is due."""

    def compare(self) -> None:
        """Hold our record against the venue's, unless something is on its way."""
        if not self.under_way:
            positions, orders = self.exchange.truth()
            self.account.compare(positions, orders, self.market.clock.now())

    def ahead(self, order: int) -> float | None:
        """Return the lots in front of an order, as the simulated queue has it."""
        return self.exchange.ahead(order)

    def _margin(self) -> dict[str, Any]:
        """Return whether the simulated venue watches the account, and what it has closed of it."""
        account = self.account
        marks = self.exchange.sim.head["mark"]
        closed = account.assembly.engine.journal.liquidations_by
        return {
            "watched": account.assembly.margin is not None,
            "without_mark": [one.id for k, one in enumerate(account.instruments) if not marks[k]],
            "liquidations": {account.instruments[k].id: many for k, many in closed.items()},
        }

    def document(self) -> dict[str, Any]:
        """Return where everything stands."""
        look = self.account.document() | {"data": self.market.health(), "margin": self._margin()}
        if self._errand is not None:
            look["errand"] = self._errand.document(self.account.assembly.engine)
        return look
