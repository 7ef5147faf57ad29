"""The desk over live markets: a run that trades, looked at and acted on by a person.

The run is that of `paper`, or with keys and limits that of `live`: the same lines, journal,
recording, account and guards, so it goes on where it ended and can be replayed; what a person asks
for is an act of its journal. Here is only the screen it is given: a feed cut at TIMERs, frames for
the hub, and who answers browsers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from aggressor.engine.ports import Feed
from aggressor.run.accounts.account import Account
from aggressor.run.accounts.live import LivePlan, live
from aggressor.run.accounts.paper import PaperPlan, paper
from aggressor.run.accounts.trading import Trading
from aggressor.run.accounts.trading_run import TradingRun
from aggressor.run.desk.acts import Acts
from aggressor.run.desk.desk import MINUTE_NS, DeskPlan, ready
from aggressor.run.desk.hand import Hand
from aggressor.run.desk.markets import synthetic_market, synthetic_settings
from aggressor.run.desk.slices import Slices
from aggressor.run.lines.keys import Found, find_keys
from aggressor.run.lines.record import by_venue
from aggressor.schema.event import NO_TIME, TIMER
from aggressor.store.replay import TIMER_NS
from aggressor.web.hub import Hub
from aggressor.web.picture import Picture
from aggressor.web.protocol import WHOLE_DESK, Kind, json_frame
from aggressor.web.words import hello
from aggressor.wire.clock import Clock

LOOK_S = 0.1  # at most between two looks at what changes by itself


def live_desk(plan: PaperPlan | LivePlan, *, read_only: bool) -> "LiveDesk":
    """Return a desk over live markets; what it needs is compiled before its lines are opened.

    Raises ConfigError, StoreError for a market that is named in a way that no venue's is.
    """
    by_venue(plan.names)
    ready(synthetic_market(1), DeskPlan(synthetic_settings("")))
    return LiveDesk(plan, read_only=read_only)


def desk_folder(store: Path | None) -> Path:
    """Return where the paper account of a desk lives."""
    return store if store is not None else platformdirs.user_data_path("aggressor") / "desk"


class LiveDesk(Acts):
    """See the module text: a `trading_run.Screen`."""

    def __init__(
        self,
        plan: PaperPlan | LivePlan,
        *,
        read_only: bool,
        keys: Callable[[str], Found | None] = find_keys,
    ) -> None:
        super().__init__(Hub(), len(plan.names), read_only=read_only)
        self.plan = plan
        self._keys = keys
        self.result: dict[str, Any] | None = None  # of the run, when it is over
        self._slices: Slices
        self._run: TradingRun | None = None
        self._picture: Picture
        self._clock = Clock()
        self._looked_s = 0.0

    async def run(self) -> None:
        """Trade until told to stop."""
        if isinstance(self.plan, LivePlan):
            self.result = await live(
                self.plan, show=_unseen, notice=self._notice, keys=self._keys, screen=self
            )
        else:
            self.result = await paper(self.plan, show=_unseen, notice=self._notice, screen=self)

    def use(self, hub: Hub) -> None:
        """Tell what is new to another hub, that has adopted the one before."""
        self.hub = hub

    # -- what acts stand on ----------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        """Whether the account stands."""
        return self._run is not None

    @property
    def trading(self) -> Trading:
        """The loop that acts go to."""
        assert self._run is not None, "nothing is acted on before it has begun"
        return self._run.account.trading

    @property
    def now_ns(self) -> int | None:
        """The time of an act: ours."""
        return self._clock.now() if self.begun else None

    # -- what a paper run asks of its screen -----------------------------------------------------

    def feed(self, feed: Feed) -> Feed:
        """Return the feed cut at its TIMERs."""
        self._slices = Slices(feed, live=True)
        return self._slices

    def begin(self, run: TradingRun) -> None:
        """Look at the account from now on."""
        account = run.account
        engine = account.assembly.engine
        self._run, self._clock = run, run.market.clock
        self.hand = Hand(engine)
        self._picture = Picture(
            engine,
            self.hub,
            profile=self.plan.settings.profile,
            ahead=run.ahead,
            more=self._more,
            strategy=self.plan.settings.strategy or None,
        )
        self.hub.greet(self._hello(account))
        self.hub.wake()

    def turn(self) -> None:
        """Let the account use what has arrived, and tell what is new."""
        trading, picture = self.trading, self._picture
        while self._slices.let():
            while trading.turn():
                pass
            picture.events = trading.events
            if self._slices.ends_with == TIMER:
                picture.timer(self._slices.last_ns)
        while trading.turn():  # reports that came with nothing else
            pass
        self.follow()
        now_s = self._clock.now() / 1e9
        if not self.hub.hurried or now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s  # else a signal is on its way: nothing is made before it leaves
            picture.moment(now_s)
        self.hub.wake()

    # -- what is told ----------------------------------------------------------------------------

    def _hello(self, account: Account) -> dict[str, Any]:
        instruments, settings = account.instruments, self.plan.settings
        return hello(
            instruments,
            mode="live",
            title=", ".join(one.id for one in instruments),
            read_only=self._read_only,
            abilities={
                "orders": not self._read_only,
                "pace": False,
                "seek": False,
                "step": False,
            },
            span_ns=None,
            strategy=settings.strategy or None,
            account={
                "currency": account.desk.books.currency(0),
                "equity": settings.equity,
                "paper": isinstance(self.plan, PaperPlan),
            },
            row_ticks=[lane.bars.row_ticks for lane in self._picture.lanes],
            heat_ms=TIMER_NS / 1e6,
            bar_ns=MINUTE_NS,
        )

    def _more(self) -> dict[str, Any]:
        """Return what ACCOUNT says of time and lines."""
        run = self._run
        assert run is not None, "only what has begun is told"
        now = run.account.assembly.engine.now_ns
        behind = 0 if now == NO_TIME else max(0, self._clock.now() - now)
        return {
            "clock": {
                "now_ms": None if now == NO_TIME else now / 1e6,
                "playing": True,
                "speed": 1.0,
                "at_end": False,
                "seeking": None,
                "behind_ms": behind / 1e6,
            },
            "lines": run.market.health(),
        }

    def _notice(self, words: str) -> None:
        content = {"level": "info", "text": words}
        self.hub.publish(json_frame(Kind.NOTICE, WHOLE_DESK, self._clock.now(), content))
        self.hub.wake()


def _unseen(_: dict[str, Any]) -> None:
    """Show nothing: the desk looks for itself."""
