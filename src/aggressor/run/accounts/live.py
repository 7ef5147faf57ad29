"""Live trading: the engine, desk and loop of paper on accounts at venues, guarded.

    recorded market -> Accounts (a VenueExchange a venue) -> Trading -> journal

The limits must be given and must bound what is traded; position mode, margin and leverage are set
as they say. At the start each account is asked for everything: what an earlier process left is held
again and asked for, what differs is entered by name, and only then does the loop turn. A watchdog
in a process of its own hears the heartbeat (`run.watchdog`). How it turns and ends:
`run.trading_run`.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import platformdirs

from aggressor.account.reconcile import Correction, Held, What
from aggressor.execution.desk import DeskRule
from aggressor.execution.halt import HaltLevel
from aggressor.execution.outside import Outside
from aggressor.execution.triggers import Triggers
from aggressor.run.accounts.account import LIVE_JOURNAL, Account
from aggressor.run.accounts.account_look import left_words
from aggressor.run.accounts.accounts import Accounts
from aggressor.run.accounts.alerts import Alerts, Kind
from aggressor.run.accounts.guard import Guard
from aggressor.run.accounts.heartbeat import RunnerState
from aggressor.run.accounts.rules import Rules
from aggressor.run.accounts.trading_run import Errand, Screen, Show, run_until_over
from aggressor.run.assemble import Settings
from aggressor.run.lines.keys import Found, find_keys
from aggressor.run.lines.record import by_venue
from aggressor.run.lines.recorded_market import Notice, RecordedMarket, recorded_market
from aggressor.run.lines.venue_exchange import LiveRules
from aggressor.run.stopping import told_to_stop
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.gates import Mode
from aggressor.venues.margin import Fees, MarginTier
from aggressor.venues.orders.tracked import Tracked
from aggressor.venues.table import venue_named
from aggressor.venues.trading import Credentials, Terms

_READY_S = 60.0
_DOUBT_S = 0.35  # what an earlier process left is found by then, or replaced where it must be
_CLOSE_S = 5.0
_CLOCK_STEP_NS = 5_000_000  # smaller changes of the clock's offset are not news
_BP = Decimal(10_000)


class LivePlan(NamedTuple):
    """What a live run is to do."""

    names: Sequence[str]
    settings: Settings
    rules: Rules
    store: Path | None = None
    seconds: float | None = None
    at: str = ""  # speak to http(s)://host:port in the venues' place
    watchdog: bool = True  # begin one; else one must be there already
    errand: Errand | None = None  # None: trade by the settings until stopped


def live_folder(store: Path | None) -> Path:
    """Return where a live account lives."""
    return store if store is not None else platformdirs.user_data_path("aggressor") / "live"


async def live(
    plan: LivePlan,
    *,
    show: Show,
    notice: Notice,
    alerts: Alerts | None = None,
    keys: Callable[[str], Found | None] = find_keys,
    screen: Screen | None = None,
) -> dict[str, Any]:
    """Trade until told to stop; return what came of it.

    Raises ConfigError for what a person must mend, MessageError, StoreError.
    """
    found = {name: _keys_of(name, keys) for name in by_venue(plan.names)}
    folder = live_folder(plan.store)
    async with told_to_stop(patient=False) as stop:
        with Guard(folder, plan, notice) as guard:
            async with recorded_market(plan.names, folder, plan.at, notice) as market:
                _bounded(plan.rules, market.instruments)
                if screen is not None:
                    market.feed = screen.feed(market.feed)
                guard.begin()
                watched = screen is not None
                run = LiveRun(plan, folder, market, guard, alerts, notice, found, watched=watched)
                await run.begin()
                await guard.watched()
                stop.patient = True
                if alerts is not None:
                    market.beside(alerts.run(notice))
                try:
                    await run_until_over(run, stop, plan.seconds, show, screen)
                    await run.close()
                finally:
                    run.tell_left()
                if alerts is not None:
                    await alerts.flush(notice)
                result = run.document()
    return result | {"compacted": market.compacted, "dropped_rows": market.backlog.dropped}


def _keys_of(name: str, keys: Callable[[str], Found | None]) -> Credentials:
    if venue_named(name).trading is None:
        raise ConfigError(f"{name} is followed only: choose a venue that is traded.")
    found = keys(name)
    if found is None:
        prefix = f"AGGRESSOR_{name.replace('-', '_').upper()}"
        raise ConfigError(
            f"There is no key for {name}: set {prefix}_KEY and {prefix}_SECRET in the environment, "
            f"or write [{name}] into keys.toml; `aggressor doctor {name}` says whether it works."
        )
    return found.credentials


def _bounded(rules: Rules, instruments: Sequence[Instrument]) -> None:
    missing = rules.unbounded(instruments)
    if missing:
        raise ConfigError(
            f"Live trading asks for bounds that the limits do not give: {', '.join(missing)} - "
            "write them into the file; `aggressor limits --example` shows it whole."
        )


def live_rule(rules: Rules, instruments: Sequence[Instrument]) -> DeskRule:
    """Return the rules of a desk that trades live: equity, tiers and clock must be known."""
    rule = rules.desk(instruments)
    limits = {
        k: msgspec.structs.replace(one, margin_required=True, clock_required=True)
        for k, one in rule.limits.items()
    }
    return msgspec.structs.replace(rule, limits=limits)


class LiveRun:
    """Accounts at venues with their engine; a `TradingRun`."""

    def __init__(
        self,
        plan: LivePlan,
        folder: Path,
        market: RecordedMarket,
        guard: Guard,
        alerts: Alerts | None,
        notice: Notice,
        keys: dict[str, Credentials],
        *,
        watched: bool = False,
    ) -> None:
        self.market = market
        self._watched = watched
        self.account: Account
        self._plan = plan
        self._folder = folder
        self._guard = guard
        self._alerts = alerts
        self._notice = notice
        venue = plan.rules.venue
        self.terms = Terms(isolated=venue.isolated, leverage=venue.leverage)
        rules = LiveRules(
            deadline_s=venue.request_s,
            picture_every_s=venue.picture_s,
            dead_man_s=venue.dead_man_s,
            cancel_on_close=False,
        )
        self.accounts = Accounts(
            market.lines, market.feed, market.wires, lambda name: keys[name], self.terms, rules
        )
        self._outside = Outside()
        self._unpriced: list[Correction] = []

    # -- beginning -------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Make the accounts ready, go on where they stood, become level with the venues."""
        market, accounts = self.market, self.accounts
        for one in accounts.exchanges:
            await one.prepare()
            self._state(one.venue.name, await one.rights())
        self.account = self._opened(self._fees())
        now = market.clock.now
        accounts.kept_by(self)
        self._resume()
        tasks = [market.beside(one.run()) for one in accounts.exchanges]
        await accounts.level(tasks, _READY_S)
        await accounts.settle(_DOUBT_S)
        self.account.learn(accounts.heard(now()))
        self.account.begin(accounts, now)
        self._tell_outside()
        for words in self.account.greetings():
            self._notice(words)

    def _state(self, name: str, rights: Any) -> None:
        """Say how an account is set, and what its key may do; raise ConfigError."""
        kind = "isolated" if self.terms.isolated else "cross"
        self._notice(
            f"{name}: one position that nets, {kind} margin, leverage {self.terms.leverage}"
        )
        if rights is None:
            self._notice(f"{name}: what the key may do is not told")
            return
        if rights.trade is False:
            raise ConfigError(f"The key for {name} may not trade: allow it on the venue's pages.")
        if rights.withdraw:
            words = "the key may withdraw: whoever steals it takes the money; make one that may not"
            self._notice(f"{name}: WARNING: {words}")
            if self._alerts is not None:
                self._alerts.tell(Kind.RISK, f"{name}: {words}")

    def _fees(self) -> Fees | None:
        """Return the highest fees of what is traded, None where a venue does not tell them."""
        found = [fees for one in self.accounts.exchanges for fees in one.found.fees.values()]
        if not found:
            return None
        return Fees("", max(one.maker for one in found), max(one.taker for one in found))

    def _tiers(self) -> dict[int, tuple[MarginTier, ...]]:
        """Return the margin tiers: the venue's, and where it tells none those of the limits."""
        instruments = self.market.instruments
        tiers = self._plan.rules.tiers(instruments) | self.accounts.tiers
        for k, one in enumerate(instruments):
            if k not in tiers:
                self._notice(
                    f"{one.id}: its margin tiers are not known: check 12 refuses every entry; "
                    f'write margin_tiers into [instruments."{one.id}"] of the limits'
                )
        return tiers

    def _opened(self, fees: Fees | None) -> Account:
        settings, instruments = self._plan.settings, self.market.instruments
        if fees is not None:
            settings = msgspec.structs.replace(
                settings, maker_bp=float(fees.maker * _BP), taker_bp=float(fees.taker * _BP)
            )
        errand = self._plan.errand
        return Account(
            self._folder / LIVE_JOURNAL,
            instruments,
            settings,
            live_rule(self._plan.rules, instruments),
            Mode.LIVE,
            self.market.began_ns,
            self._alerts,
            first_id=self.accounts.first_id,
            deposit=False,
            tiers=self._tiers(),
            made=None if errand is None else errand.strategies(instruments),
            watched=self._watched,
        )

    def _resume(self) -> None:
        """Hold what an earlier process left; where it knew the account, begin with its books."""
        desk = self.account.desk
        lanes = range(len(self.account.instruments))
        money = {
            currency: desk.books.cash(currency)
            for currency in {desk.books.currency(k) for k in lanes}
            if desk.books.funded(currency)
        }
        if not money and not self.account.resumed.commands:
            return
        held = [Held(desk.position(k).lots, desk.position(k).average) for k in lanes]
        self.accounts.resume(self.account.left(), held, money)

    # -- what the accounts tell ------------------------------------------------------------------

    def corrected(self, one: Correction) -> None:
        """Enter a difference between the venue and us, and say it."""
        account = self.account
        opening = one.what in (What.OPENING_MONEY, What.OPENING_POSITION)
        if (
            one.what is What.POSITION
            and not one.price
            and account.desk.mark(one.instrument) is None
        ):
            self._unpriced.append(one)
            return
        account.correct(one, told=not opening)
        self._notice(
            f"{'the account opens with' if opening else 'corrected'}: {account.words_of(one)}"
        )
        change = abs(one.theirs - one.ours)
        triggers = account.desk.triggers or Triggers()
        if one.what is What.POSITION and change > triggers.rule.mismatch_lots:
            account.mismatched(one, self.market.clock.now())

    def adopted(self, order: Tracked) -> None:
        """Hold an order of ours that the journal does not have; the desk cancels it."""
        if order.id in self.account.desk.blotter:
            self._notice(f"order {order.id} was over by the journal and lives at the venue")
            return
        self.account.adopt(order.row, self.market.clock.now())

    def leg(self, order: Tracked) -> None:
        """Keep that an order is about to be placed anew."""
        self.account.keep_leg(order.id, order.leg, order.leg_base, self.market.clock.now())

    def heard(self) -> None:
        """There are reports: the loop has something to do."""
        self.market.wake()

    # -- turning ---------------------------------------------------------------------------------

    @property
    def under_way(self) -> bool:
        """Whether something was sent that the venue has not answered."""
        return not self.accounts.quiet

    @property
    def over(self) -> bool:
        """Whether what the run was begun for is done."""
        return self._plan.errand is not None and self._plan.errand.over

    def turned(self) -> None:
        """Beat: the loop lives."""
        self._guard.beat()

    def serve(self) -> None:
        """Tell the desk of the clock and of maintenance; see that somebody watches."""
        self._tell_outside()
        waiting, self._unpriced = self._unpriced, []
        for one in waiting:
            self.corrected(one)
        words = self._guard.missing()
        if words:
            self.account.tell(Kind.RISK, words)
            self._notice(words)
            self.account.pull(HaltLevel.NO_ENTRIES, words, self.market.clock.now())

    def compare(self) -> None:
        """The accounts compare by themselves (`venue_exchange`)."""

    def _tell_outside(self) -> None:
        """Tell the desk what only the outside knows, where that is news."""
        account, now = self.account, self.market.clock.now()
        offsets = [one.offset for one in self.accounts.exchanges]
        worst: int | None = None
        if all(one is not None for one in offsets):
            sure = [max(0, abs(o.offset_ns) - o.within_ns) for o in offsets if o is not None]
            worst = max(sure)
        closed = [
            one.instruments[k].id
            for one in self.accounts.exchanges
            for k, open_ in one.gateway.tradable.items()
            if not open_
        ]
        told = Outside(
            maintenance=f"{', '.join(closed)} take no orders" if closed else "",
            clock_offset_ns=None if worst is None else worst // _CLOCK_STEP_NS * _CLOCK_STEP_NS,
        )
        if told != self._outside:
            self._outside = told
            account.trading.tell(told, now)

    # -- ending ----------------------------------------------------------------------------------

    async def close(self) -> None:
        """Let go of the venues' timers, unless the kill switch wants them to run out."""
        if self.account.halt.level < HaltLevel.DISCONNECT:
            await self.accounts.close(_CLOSE_S)
        self._guard.end(RunnerState.ENDED)

    def tell_left(self) -> None:
        """Say what is left at the venues, and what of it is not known."""
        for words in left_words(self.account):
            self._notice(words)
        for one in self.accounts.exchanges:
            if not one.private.live:
                self._notice(f"{one.venue.name}: its stream is away: this is what it last told")

    def ahead(self, order: int) -> float | None:
        """Nobody says how many lots are in front of an order at a venue."""
        return None

    def document(self) -> dict[str, Any]:
        """Return where everything stands."""
        venues = [
            {
                "venue": one.venue.name,
                "stream": "live" if one.private.live else "away",
                "losses": one.private.losses,
                "pictures": one.pictures.taken,
                "corrections": one.pictures.reconciler.corrected,
                "requests": one.gateway.departures.sent,
            }
            for one in self.accounts.exchanges
        ]
        look = self.account.document() | {
            "data": self.market.health(),
            "accounts": venues,
            "watchdog": self._guard.words,
        }
        if self._plan.errand is not None:
            look["errand"] = self._plan.errand.document(self.account.assembly.engine)
        return look
