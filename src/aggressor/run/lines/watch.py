"""Watching one live market in the terminal: book, tape, delta and signals as they are computed.

The pipeline runs over what the line brings, as it does in every other run; what is shown is read
from it. What is not known yet says why: it is never drawn as zero.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aggressor.detectors.outbox import drain
from aggressor.detectors.thresholds import UNCHANGED, Changes
from aggressor.engine.levels import book_levels
from aggressor.engine.pipeline import NEEDS_ROOM, advance, make_room
from aggressor.features.delta import window_delta, window_volume
from aggressor.features.prints import ORDERS
from aggressor.market.health import FAULT_NAMES
from aggressor.run.assemble import pipeline_of
from aggressor.run.lines.backlog import Backlog
from aggressor.run.lines.line import Line, Wires
from aggressor.run.lines.live_feed import LiveFeed
from aggressor.run.lines.record import open_lines
from aggressor.run.studies.signals import signals_document
from aggressor.run.studies.studying import drain_bars
from aggressor.run.studies.tape import order_document
from aggressor.schema.event import ASK, BID, NO_PRICE, NO_TIME, Events
from aggressor.schema.instrument import Instrument
from aggressor.wire.clock import Clock
from aggressor.wire.rest import Rest

POLL_ROWS = 65_536
_POLL_S = 0.005
_SCREEN_S = 0.25
_MINUTE_WINDOW = 1  # of the two windows a lane has


class Watcher:
    """The pipeline of one instrument over live rows, and a document of where it stands."""

    def __init__(
        self,
        instrument: Instrument,
        *,
        profile: str,
        thresholds: Changes = UNCHANGED,
        levels: int,
        orders: int,
        signals: int,
    ) -> None:
        self.instrument = instrument
        self.events = 0
        self._pipe = pipeline_of([instrument], profile, thresholds)
        self._levels = levels
        self._read = 0
        self._orders: deque[dict[str, Any]] = deque(maxlen=orders)
        self._signals: deque[dict[str, Any]] = deque(maxlen=signals)
        self._near_misses = 0

    def take(self, events: Events) -> None:
        """Run the pipeline over rows."""
        at = 0
        while at < events.size:
            at, reason = advance(events, at, events.size, self._pipe)
            drain_bars(self._pipe)
            self._collect()
            if reason == NEEDS_ROOM:
                self._pipe = make_room(self._pipe, events[at])
        self.events += events.size
        self._collect()

    def _collect(self) -> None:
        """Keep signals and taker orders before their rings go round."""
        if self._pipe.outbox.head[0]["written"] != self._pipe.outbox.head[0]["read"]:
            document = signals_document(self.instrument, drain(self._pipe.outbox))
            self._signals.extend(document["signals"])
            self._near_misses += len(document["near_misses"])
        closed = int(self._pipe.prints.head[0]["orders"])
        for number in range(max(self._read, closed - ORDERS + 1), closed):
            row = self._pipe.prints.orders[0, number & (ORDERS - 1)]
            self._orders.append(order_document(self.instrument, row))
        self._read = closed

    def document(self) -> dict[str, Any]:
        """Return where the market stands; None is what is not known."""
        pipe, one = self._pipe, self.instrument
        head, faults = pipe.market.book.head[0], int(pipe.market.health.head[0]["faults"])
        now = int(pipe.head[0]["now"])
        known = bool(head["valid"])
        rows = book_levels(pipe, 0, self._levels)
        spread = int(head["ask"]) - int(head["bid"]) if known else None
        return {
            "instrument": one.id,
            "now_ns": None if now == NO_TIME else now,
            "valid": known,
            "faults": [name for bit, name in FAULT_NAMES.items() if faults & bit],
            "spread_ticks": spread,
            "bids": [_level(one, row) for row in rows if row["side"] == BID],
            "asks": [_level(one, row) for row in rows if row["side"] == ASK],
            **self._minute(now),
            "orders": list(self._orders),
            "signals": list(self._signals),
            "near_misses": self._near_misses,
            "events": self.events,
        }

    def _minute(self, now: int) -> dict[str, str | None]:
        """Return delta and volume of the last minute."""
        if now == NO_TIME:
            return {"delta_1m": None, "volume_1m": None}
        one, windows = self.instrument, self._pipe.window
        return {
            "delta_1m": _signed(one, int(window_delta(windows, _MINUTE_WINDOW, now))),
            "volume_1m": one.size_text(int(window_volume(windows, _MINUTE_WINDOW, now))),
        }


def _signed(one: Instrument, lots: int) -> str:
    return ("-" if lots < 0 else "") + one.size_text(abs(lots))


def _level(one: Instrument, row: Any) -> dict[str, Any]:
    price = int(row["price"])
    return {
        "price": None if price == NO_PRICE else one.price_text(price),
        **{name: one.size_text(int(row[name])) for name in ("lots", "added", "pulled", "traded")},
    }


async def watch(
    name: str,
    *,
    show: Callable[[dict[str, Any]], None],
    notice: Callable[[str], None],
    seconds: float | None = None,
    at: str = "",
    profile: str = "perp",
    thresholds: Changes = UNCHANGED,
    levels: int = 12,
) -> dict[str, Any]:
    """Show one market until `seconds` have passed or the task is cancelled; return the last look.

    Raises ConfigError, MessageError.
    """
    clock, backlog = Clock(), Backlog()
    loop = asyncio.get_running_loop()
    async with Rest() as rest:
        lines, _ = await open_lines([name], Wires(rest, clock, notice, at), backlog)
        line: Line = lines[0]
        watcher = Watcher(
            line.instruments[0],
            profile=profile,
            thresholds=thresholds,
            levels=levels,
            orders=20,
            signals=20,
        )
        feed = LiveFeed(backlog, clock)
        task = loop.create_task(line.run())
        ends = None if seconds is None else loop.time() + seconds
        shown = 0.0
        try:
            while (ends is None or loop.time() < ends) and not task.done():
                await asyncio.sleep(_POLL_S)
                watcher.take(feed.poll(POLL_ROWS))
                if loop.time() - shown >= _SCREEN_S:
                    shown = loop.time()
                    show(watcher.document() | _health(line))
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    return watcher.document() | _health(line)


def _health(line: Line) -> dict[str, Any]:
    """Return what is known of the line itself."""
    counts, offset = line.counts, line.clock.offset
    return {
        "links": [link.state.name.lower().replace("_", " ") for link in line.links],
        "messages": counts.messages,
        "lag_ms": counts.lag_ns / 1e6 if counts.messages else None,
        "clock_offset_ms": None if offset is None else offset.offset_ns / 1e6,
        "gaps": int(line.decoder.counts.get("gaps", 0)),
        "losses": counts.losses,
        "bad_messages": counts.bad,
    }
