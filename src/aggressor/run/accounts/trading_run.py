"""How a run that trades turns, and how it ends: the same for paper and live.

    turn, again and again: rows and reports in, commands out (`run.trading`)
    a few times a second:  wishes of a person, health of the lines, the screen
    once a minute:         our record against the venue's

A clean stop takes no new risk, gives up unfilled entries, waits for the venue's word and leaves
what is held protected. Something that nobody expected pulls the kill switch, says so, and what that
asks for still leaves, where that can be.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

from aggressor.engine.engine import Engine
from aggressor.engine.ports import Feed, Strategy
from aggressor.execution.halt import HaltLevel
from aggressor.run.accounts.account import Account
from aggressor.run.accounts.alerts import Kind
from aggressor.run.accounts.trading import STOP
from aggressor.run.lines.recorded_market import RecordedMarket
from aggressor.schema.errors import AggressorError
from aggressor.schema.instrument import Instrument

LOOK_S = 0.25
RECONCILE_S = 60.0
STOP_S = 5.0

Show = Callable[[dict[str, Any]], None]
Turn = Callable[[], object]


class Errand(Protocol):
    """What a run is begun for, where that is not to trade until it is stopped."""

    def strategies(self, instruments: Sequence[Instrument]) -> Sequence[tuple[int, Strategy]]:
        """Return what decides, each with its lane; raise ConfigError."""
        ...

    @property
    def over(self) -> bool:
        """Whether it is done."""
        ...

    def document(self, engine: Engine) -> dict[str, Any]:
        """Return how far it is, or what came of it."""
        ...


class TradingRun(Protocol):
    """What differs between paper and live."""

    market: RecordedMarket
    account: Account

    @property
    def under_way(self) -> bool:
        """Whether something was sent that the venue has not answered."""
        ...

    @property
    def over(self) -> bool:
        """Whether what the run was begun for is done."""
        ...

    def turned(self) -> None:
        """The loop has turned: it lives."""
        ...

    def serve(self) -> None:
        """Do what is due a few times a second, beside what all runs do."""
        ...

    def compare(self) -> None:
        """Hold our record against the venue's."""
        ...

    def ahead(self, order: int) -> float | None:
        """Return the lots in front of an order of ours; None where that is not known."""
        ...

    def document(self) -> dict[str, Any]:
        """Return where everything stands."""
        ...


class Screen(Protocol):
    """Who looks closer than `show` does, and may act as a person: the desk."""

    def feed(self, feed: Feed) -> Feed:
        """Return the market's feed as the run should have it: the same rows, cut elsewhere."""
        ...

    def begin(self, run: TradingRun) -> None:
        """The account stands; the market begins."""
        ...

    def turn(self) -> None:
        """Let the account use what has arrived."""
        ...


async def run_until_over(
    run: TradingRun,
    stop: asyncio.Event,
    seconds: float | None,
    show: Show,
    screen: Screen | None = None,
) -> None:
    """Turn until stopped, out of time, done, disconnected by the kill switch, or failed."""
    loop, account, market = asyncio.get_running_loop(), run.account, run.market
    turn: Turn = account.trading.turn
    if screen is not None:
        screen.begin(run)
        turn = screen.turn
    ends = None if seconds is None else loop.time() + seconds
    looked, compared = 0.0, loop.time()
    watch = _Watch(run)
    try:
        while True:
            await market.rows()
            turn()
            run.turned()
            now = loop.time()
            if now - looked >= LOOK_S:
                looked = now
                watch.serve()
                run.serve()
                show(run.document())
            if now - compared >= RECONCILE_S:
                compared = now
                run.compare()
            late = ends is not None and now >= ends
            halted = account.halt.level >= HaltLevel.DISCONNECT
            if late or run.over or stop.is_set() or halted:
                break
            market.look_for_trouble()
        why = "the time is over" if late else "done" if run.over else "stopped"
        await _wind_down(run, account.halt.reason if halted else why, turn)
    except asyncio.CancelledError:
        account.close("ended at once", market.clock.now())
        raise
    except AggressorError as trouble:
        account.close(f"failed: {trouble}", market.clock.now())
        raise
    except Exception as trouble:
        account.fail(trouble, market.clock.now())
        with suppress(Exception):  # the first trouble is the one to tell
            await _settle(run, turn)
        account.close(f"failed: {type(trouble).__name__}: {trouble}", market.clock.now())
        raise


class _Watch:
    """What is looked at in every run."""

    def __init__(self, run: TradingRun) -> None:
        self._run = run
        self._losses = 0

    def serve(self) -> None:
        """Hear a person's wishes; watch latency, clocks and connections."""
        account, market = self._run.account, self._run.market
        now = market.clock.now()
        account.fulfil(now)
        account.watch_latency(now)
        losses = sum(line.counts.losses for line in market.lines)
        if losses > self._losses:
            account.tell(Kind.DATA, f"{losses - self._losses} connections were lost")
        self._losses = losses
        for line in market.lines:
            offset = line.clock.offset
            if offset is not None:
                account.watch_clock(offset, now)


async def _wind_down(run: TradingRun, why: str, turn: Turn) -> None:
    """Take no new risk, give up entries, and wait for the venue's word."""
    now = run.market.clock.now
    run.account.trading.act(STOP, f"stop: {why}", now())
    await _settle(run, turn)
    run.compare()
    run.account.close(why, now())


async def _settle(run: TradingRun, turn: Turn) -> None:
    """Turn until nothing is under way, but not for long."""
    loop = asyncio.get_running_loop()
    until = loop.time() + STOP_S
    while loop.time() < until and (run.under_way or run.account.entries_open):
        await run.market.rows()
        turn()
        run.turned()
