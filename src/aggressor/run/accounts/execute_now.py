"""`aggressor execute` on the market as it is: on paper, or live with every guard of a live run.

The order is the errand of a run (`run.paper`, `run.live`): the run ends when the order has ended
and what followed was watched for a while, or when it is stopped; what is left is given up then.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from aggressor.engine.engine import Engine
from aggressor.engine.ports import Strategy
from aggressor.run.accounts.alerts import Alerts
from aggressor.run.accounts.live import LivePlan, live
from aggressor.run.accounts.paper import PaperPlan, paper
from aggressor.run.accounts.rules import DEFAULT_RULES, Rules
from aggressor.run.accounts.trading_run import Show
from aggressor.run.asked_order import ONE_ORDER, check_order, execution_document, order_of
from aggressor.run.assemble import Settings
from aggressor.run.lines.keys import Found, find_keys
from aggressor.run.lines.recorded_market import Notice
from aggressor.schema.errors import ConfigError
from aggressor.schema.instrument import Instrument
from aggressor.strategies.one_order import OneOrder

ON_PAPER = "On paper: the market does not react to the order; queue places are estimates."
_PROFILE = "perp"


class Wish(NamedTuple):
    """What a person asks for."""

    instrument: str
    side: str
    size: str
    policy: str = "peg"
    max_slippage_bp: float | None = None
    wait_s: float = 60.0
    cross_at_end: bool = True
    watch_s: float = 10.0  # behind its end, for the mids that markouts need
    fill_model: Path | None = None
    maker_bp: float = 2.0
    taker_bp: float = 5.0
    seed: int = 1


class OrderErrand:
    """One order, as what a run is begun for."""

    def __init__(self, wish: Wish) -> None:
        self.order: OneOrder | None = None
        self._wish = wish
        self._one: Instrument | None = None

    def strategies(self, instruments: Sequence[Instrument]) -> Sequence[tuple[int, Strategy]]:
        """Return the order as the only thing that decides; raise ConfigError, UnitError."""
        (self._one,) = instruments
        wish = self._wish
        asked = order_of(
            self._one,
            wish.side,
            wish.size,
            policy=wish.policy,
            max_slippage_bp=wish.max_slippage_bp,
            wait_s=wish.wait_s,
            cross_at_end=wish.cross_at_end,
            fill_model=wish.fill_model,
            maker_bp=wish.maker_bp,
            taker_bp=wish.taker_bp,
            seed=wish.seed,
        )
        self.order = OneOrder(asked, watch_ns=int(wish.watch_s * 1e9))
        return [(0, self.order)]

    @property
    def over(self) -> bool:
        """Whether it has ended and was watched for long enough."""
        return self.order is not None and self.order.over

    def document(self, engine: Engine) -> dict[str, Any]:
        """Return how far it is."""
        order, one = self.order, self._one
        done = order.account if order is not None else None
        if order is None or one is None or done is None:
            return {"side": self._wish.side, "size": self._wish.size, "filled": "0", "share": 0.0}
        value = sum(fill.price * fill.lots for fill in done.fills)
        live_orders = list(engine.desk.blotter.open_orders(0))
        return {
            "side": self._wish.side,
            "size": one.size_text(done.lots),
            "policy": self._wish.policy,
            "filled": one.size_text(done.filled),
            "share": done.filled / done.lots,
            "average": None if not done.filled else round(value / done.filled * float(one.tick), 8),
            "arrival": None
            if done.decision_mid2 is None
            else done.decision_mid2 / 2 * float(one.tick),
            "resting": [one.price_text(each.price) for each in live_orders],
            "ended": done.reason,
        }

    def result(self, engine: Engine) -> dict[str, Any]:
        """Return what it did and cost; raise ConfigError where it never began."""
        assert self.order is not None, "a run makes its strategies first"
        assert self._one is not None, "and they are of an instrument"
        return execution_document(self.order, engine, self._one)


class _Kept(OrderErrand):
    """Keeps the engine, for the report at the end."""

    engine: Engine | None = None

    def document(self, engine: Engine) -> dict[str, Any]:
        """Return how far it is."""
        self.engine = engine
        return super().document(engine)


async def execute_on_paper(
    wish: Wish, *, store: Path | None, at: str, latency_ms: str, queue: str, equity: float,
    show: Show, notice: Notice,
) -> dict[str, Any]:  # fmt: skip
    """Work an order on paper; without a store what was recorded of it is thrown away."""
    _check(wish)
    errand = _Kept(wish)
    settings = Settings(
        strategy=ONE_ORDER,
        profile=_PROFILE,
        latency_ms=latency_ms,
        queue=queue,
        maker_bp=wish.maker_bp,
        taker_bp=wish.taker_bp,
        equity=equity or 1.0,
    )
    with tempfile.TemporaryDirectory(prefix="aggressor-execute-") as folder:
        plan = PaperPlan(
            [wish.instrument],
            settings,
            DEFAULT_RULES,
            store or Path(folder),
            None,
            at,
            errand,
            deposit=equity > 0,
        )
        look = await paper(plan, show=show, notice=notice)
    return _report(errand, look, [ON_PAPER])


async def execute_live(
    wish: Wish,
    rules: Rules,
    *,
    store: Path | None,
    at: str,
    show: Show,
    notice: Notice,
    alerts: Alerts | None = None,
    keys: Callable[[str], Found | None] = find_keys,
    watchdog: bool = True,
) -> dict[str, Any]:
    """Work an order live, with the limits, the journal and the watchdog of a live run."""
    _check(wish)
    errand = _Kept(wish)
    name = wish.instrument.replace(":", "-").replace("/", "-")
    folder = store or platformdirs.user_data_path("aggressor") / "execute" / name
    settings = Settings(strategy=ONE_ORDER, profile=_PROFILE)
    plan = LivePlan(
        [wish.instrument], settings, rules, folder, None, at, watchdog=watchdog, errand=errand
    )
    look = await live(plan, show=show, notice=notice, alerts=alerts, keys=keys)
    return _report(errand, look, [])


def _check(wish: Wish) -> None:
    """Raise ConfigError for what cannot be, before a market is opened."""
    check_order(wish.policy, wish.max_slippage_bp, wish.wait_s)
    if not 0 <= wish.watch_s < math.inf:
        raise ConfigError(f"What follows an order is watched for 0 s or more, not {wish.watch_s}.")


def _report(errand: _Kept, look: dict[str, Any], caveats: list[str]) -> dict[str, Any]:
    if errand.engine is None:
        raise ConfigError("The order was not worked: the run ended before it began.")
    return errand.result(errand.engine) | {
        "mode": look["mode"],
        "run": look["run"],
        "journal": look["journal"],
        "ended": look["ended"],
        "caveats": caveats,
    }
