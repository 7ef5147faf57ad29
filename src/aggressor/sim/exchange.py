"""SimExchange: any Feed becomes an Exchange that matches our commands against what really happened.

    poll   next events and reports, each in order of ts_recv (at equal times events go first)
    take   commands, sent at their `ts_send`, which is the local time of the decision

The venue is the kernels of this package; here is only the buffer of events between its two cursors,
growth of arrays, and money: fees and funding are computed exactly when a report is handed out
(`costs.py`).

What one `poll` returns never reaches further than a report to a decision on its first item could
(`loop.py`), so the caller may step through it, taking commands on the way. With nothing of ours at
the venue it returns up to `limit` events; a caller that then takes commands in mid-batch must
`unread` the events behind the decision first.

Over a live feed (paper trading) what has arrived is handed out at once. A report is then in time as
long as the response latency is no shorter than the feed latency, which is also what makes paper
equal to backtest.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from aggressor.account.blotter import Order
from aggressor.account.books import Books
from aggressor.engine.parts import Pipeline
from aggressor.engine.ports import Feed
from aggressor.kernel import compiled_for
from aggressor.market.book import BookState, grow_book
from aggressor.schema.command import STOP_MARKET, Commands
from aggressor.schema.event import EVENT, NO_PRICE, Events, empty_events
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import (
    FILL,
    FUNDED,
    MAKER,
    REDUCE_ONLY,
    Reports,
    empty_reports,
)
from aggressor.sim.costs import Charges, Costs, funding_fee
from aggressor.sim.drive import DECIDE, PIPELINE_ROOM, REPORT_DUE, TAPE_ENDED, drive
from aggressor.sim.latency import Latency, RoundTrips
from aggressor.sim.liquidation import cancel_lane, close_out
from aggressor.sim.loop import (
    END,
    MORE,
    NO_REPORTS,
    NO_ROOM,
    PAUSE,
    STARVED,
    UNSETTLED,
    advance_venue,
    quiet,
    release_until,
    row_after,
    submit,
)
from aggressor.sim.margin import Margin, VenueAccount
from aggressor.sim.queue import Queue
from aggressor.sim.state import (
    NEVER,
    RESTING,
    STOPPED,
    UNKNOWN_LOTS,
    SimState,
    next_due,
    refresh_bounds,
    report_room,
    sim_state,
)

_CHUNK = 65_536  # events asked of the feed at once
_PRICED = ["instrument", "price", "size", "flags"]
_BEHIND_ALL = 2.0**62  # lots ahead of an order whose place in its queue is not known
NOTHING_REPORTED = empty_reports(0)

DECISION = 1  # why `drive` came back
NEEDS_ROOM = 2
ENDED = 3


class Turn(NamedTuple):
    """What `drive` came back with."""

    reason: int
    reports: Reports  # due now
    event: Any  # the row the pipeline has no room for


_NOTHING_DUE = Turn(DECISION, NOTHING_REPORTED, None)


class SimExchange:
    """A venue made of history."""

    def __init__(
        self,
        feed: Feed,
        instruments: Sequence[Instrument],
        *,
        latency: Latency | None = None,
        queue: Queue | None = None,
        costs: Costs | Sequence[Costs] | None = None,
        trips: RoundTrips | None = None,
        orders: int = 256,
        book: BookState | None = None,
        live: bool = False,
        chunk: int = _CHUNK,
        margin: Margin | None = None,
    ) -> None:
        """Simulate `instruments` (in the order of the events' indices) on what `feed` gives.

        `orders` of ours may stand at once. `live`: an empty poll of the feed means "nothing yet",
        not the end. `margin`: the venue watches the account's margin and liquidates it; None: the
        account can lose more than it has.
        """
        self._feed = feed
        self._instruments = tuple(instruments)
        costs = costs if costs is not None else Costs()
        shared = isinstance(costs, Costs)
        self._costs = (costs,) * len(self._instruments) if shared else tuple(costs)
        assert len(self._costs) == len(self._instruments)
        self._charges = [
            Charges(cost, one) for cost, one in zip(self._costs, self._instruments, strict=True)
        ]
        self.account = None if margin is None else VenueAccount(self._instruments, margin)
        self._live = live
        self._chunk = chunk
        self._ended = False
        self._events = empty_events(0)
        self._local = 0  # index of the next event to hand out
        self._dropped = 0  # events handed out and no longer in the buffer
        self.sim: SimState = sim_state(
            len(self._instruments),
            latency if latency is not None else Latency(),
            queue if queue is not None else Queue(),
            trips=trips,
            orders=orders,
            book=book,
        )
        self._code: tuple[tuple[Any, ...] | None, Any] = (None, None)
        self.sim.clock["margin"] = 0 if margin is None else 1

    def poll(self, limit: int) -> tuple[Events, Reports]:
        """Return up to `limit` next events, and the reports that go between and behind them.

        Both empty: the feed has ended and nothing is under way (live: nothing has arrived).
        """
        assert limit > 0
        if self._live:
            self._load()
        local_ns = self._advance()
        until = NEVER if quiet(self.sim) else int(release_until(self.sim, local_ns))
        most = min(self._local + limit, self._events.size)
        count = row_after(self._events, self._local, most, until) - self._local
        if self._local + count == self._events.size and not self._ended and not self._live:
            self._load()  # whether a report goes before the next event needs the next event
        start = self._local
        self._local += count
        return self._events[start : self._local], self._release(until)

    def take(self, commands: Commands) -> None:
        """Send commands; what becomes of them comes back as reports."""
        if commands.size == 0:
            return
        clock = self.sim.clock[0]
        answer = min(commands["ts_send"].tolist())
        answer += int(clock["order_ns_min"]) + int(clock["response_ns_min"])
        handed_out = self._events["ts_recv"].item(self._local - 1) if self._local else answer
        assert handed_out <= answer, (
            "unread the events behind a decision before taking its commands"
        )
        for i in range(commands.size):
            while not submit(self.sim, commands[i]):
                self._grow_flying()

    def unread(self, count: int) -> None:
        """Take back the last `count` events handed out by the last `poll`."""
        assert 0 <= count <= self._local
        self._local -= count

    def reinstate(
        self, orders: Iterable[Order], positions: Sequence[int], books: Books | None = None
    ) -> None:
        """Begin with orders that stand at the venue and positions held there, lots by lane.

        Where we stand in a queue is not known after a pause: behind everything that is displayed.
        A stop waits for the next print at or through its trigger. `books`: the account's money and
        entries, for a venue that watches its margin.
        """
        sim, clock = self.sim, self.sim.clock[0]
        if self.account is not None and books is not None:
            self.account.reinstate(books)
        for order in orders:
            assert order.leaves > 0, "an order that is over does not stand"
            place = int(clock["orders"])
            assert place < sim.orders.size - 1, "more orders than the venue may hold"
            line = sim.orders[place]
            line["order"], line["size"], line["filled"] = order.id, order.size, order.filled
            line["shown"], line["traded"], line["front"] = UNKNOWN_LOTS, 0, _BEHIND_ALL
            line["price"], line["trigger"], line["bound"] = order.price, order.trigger, NO_PRICE
            line["type"], line["tif"], line["side"] = order.type, order.tif, order.side
            line["flags"], line["instrument"] = order.flags & REDUCE_ONLY, order.instrument
            line["state"] = STOPPED if order.type >= STOP_MARKET else RESTING
            clock["orders"] += 1
        for k, lots in enumerate(positions):
            sim.head[k]["position"] = lots
            refresh_bounds(sim, k)
        clock["held"] = np.count_nonzero(sim.head["position"])

    def truth(self) -> tuple[list[int], dict[int, tuple[int, int]]]:
        """Return (position in lots by lane, order id -> (lots left, lane)) as the venue has them.

        Reports of it may still be under way.
        """
        sim = self.sim
        standing = sim.orders[: int(sim.clock[0]["orders"])]
        orders = {
            int(one["order"]): (int(one["size"] - one["filled"]), int(one["instrument"]))
            for one in standing
        }
        return sim.head["position"].tolist(), orders

    def ahead(self, order: int) -> float | None:
        """Return the lots that stand in front of an order; None where that is not known."""
        standing = self.sim.orders[: int(self.sim.clock[0]["orders"])]
        found = standing[(standing["order"] == order) & (standing["state"] == RESTING)]
        if not found.size or found[0]["front"] >= _BEHIND_ALL:
            return None
        return max(0.0, float(found[0]["front"]))

    @property
    def under_way(self) -> bool:
        """Whether a command or a report is on its way."""
        clock = self.sim.clock[0]
        return bool(clock["flying"] + clock["reports"])

    @property
    def handed_out(self) -> int:
        """Events handed out so far, TIMERs included."""
        return int(self._dropped + self._local)

    def drive(self, pipe: Pipeline) -> Turn:
        """Run pipeline and venue together to the next decision; see `drive`.

        After DECISION the caller decides with `reports` and may `take` its commands; after
        NEEDS_ROOM it grows the pipeline for `event` and calls again. For feeds that end; a live
        feed is polled.
        """
        assert not self._live, "a live feed is polled"
        while True:
            size = self._events.size
            ending = END if self._ended else MORE
            given = (self._events, self._local, size, self.sim, pipe, ending)
            cursor, why, status = self._driving(given)
            self._local = int(cursor)
            if why == DECIDE:
                return _NOTHING_DUE
            if why == REPORT_DUE:
                return Turn(DECISION, self._hand_out(None), None)
            if why == PIPELINE_ROOM:
                return Turn(NEEDS_ROOM, NOTHING_REPORTED, self._events[self._local])
            if why == TAPE_ENDED and self._ended:
                return Turn(ENDED, NOTHING_REPORTED, None)
            if status == NO_ROOM:
                self.sim = self.sim.replace(book=grow_book(self.sim.book))
            elif status == NO_REPORTS:
                self._grow_reports()
            elif status == UNSETTLED:
                self._settle()
            else:
                self._catch_up()
                self._load()

    def _driving(self, given: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        """Call `drive` by its machine code, without Numba's look at each argument.

        The code is looked up anew where an array or a state is another than the last time.
        """
        events, _, _, sim, pipe, _ = given
        known, code = self._code
        same = known is not None and known[0] is events and known[1] is sim and known[2] is pipe
        if not same:
            code = compiled_for(drive, *given)
            self._code = (events, sim, pipe), code
        return code(*given)

    def _catch_up(self) -> None:
        """Bring a venue that lagged to what has been handed out, so that the buffer can go."""
        if self._local == 0 or not quiet(self.sim):
            return
        local_ns = int(self._events["ts_recv"][self._local - 1])
        while True:
            status = advance_venue(self._events, self._events.size, self.sim, local_ns, MORE)
            if status != NO_ROOM:
                return
            self.sim = self.sim.replace(book=grow_book(self.sim.book))

    def _advance(self) -> int:
        """Let the venue run as far as it may; return the local time of the next event, or NEVER."""
        while True:
            size = self._events.size
            local_ns = int(self._events["ts_recv"][self._local]) if self._local < size else NEVER
            ending = PAUSE if self._live else END if self._ended else MORE
            if ending == MORE and self._local == size:
                self._load()
                continue
            status = advance_venue(self._events, size, self.sim, local_ns, ending)
            if status == NO_ROOM:
                self.sim = self.sim.replace(book=grow_book(self.sim.book))
            elif status == NO_REPORTS:
                self._grow_reports()
            elif status == UNSETTLED:
                self._settle()
            elif status == STARVED and ending == MORE:
                self._load()
            else:
                return local_ns

    def _load(self) -> None:
        """Put the feed's next events behind the buffer, and drop what both cursors have passed."""
        fresh = self._feed.poll(self._chunk)
        assert fresh.dtype == EVENT
        if fresh.size == 0:
            self._ended = not self._live
            return
        clock = self.sim.clock[0]
        done = min(int(clock["cursor"]), self._local)
        clock["cursor"] -= done
        self._local -= done
        self._dropped += done
        rest = self._events[done:]
        self._events = np.concatenate((rest, fresh)) if rest.size else fresh

    def _release(self, until: int) -> Reports:
        """Hand out the reports that precede the next event, with their money."""
        sim, clock = self.sim, self.sim.clock[0]
        events = self._events
        before = NEVER + 1
        if self._local < events.size:
            before = int(events["ts_recv"][self._local])
        elif not self._ended:
            before = int(events["ts_recv"][-1]) if events.size else 0
        if clock["reports"] == 0 or next_due(sim) >= before:
            return NOTHING_REPORTED
        return self._hand_out(min(until, before - 1))

    def _hand_out(self, until: int | None) -> Reports:
        """Hand out the reports due by `until`, or (None) with the first, with their money."""
        ring, clock = self.sim.reports, self.sim.clock[0]
        first, made = int(clock["first_report"]), int(clock["reports"])
        start = first & (ring.size - 1)
        if start + made <= ring.size:
            waiting = ring[start : start + made]
        else:
            waiting = ring[np.arange(first, first + made) & (ring.size - 1)]
        dues = waiting["ts_recv"]
        count = int(dues.searchsorted(dues[0] if until is None else until, side="right"))
        reports = np.frombuffer(bytearray(waiting[:count].tobytes()), waiting.dtype)
        clock["first_report"] = first + count
        clock["reports"] = made - count
        if self.account is None:  # else it was done as they were made
            self._price(reports)
        return reports

    def _price(self, reports: Reports) -> None:
        """Write the money of reports: the fee of fills, the amount of funding."""
        for i, kind in enumerate(reports["kind"].tolist()):
            if kind == FILL:
                k, price, lots, flags = reports[_PRICED][i].item()
                fee = self._charges[k].fill(price, lots, maker=bool(flags & MAKER))
                reports["fee"][i] = fee
            elif kind == FUNDED:
                line = reports[i]
                held = int(line["size"]) * int(line["side"])
                one = self._instruments[int(line["instrument"])]
                line["fee"] = funding_fee(one, int(line["leaves"]), int(line["fee"]), held)
                line["leaves"] = 0

    def _settle(self) -> None:
        """Take the newest reports to the venue's account, and liquidate it where it must be.

        Of several instruments the one that needs most margin goes first, then the rest is judged.
        """
        assert self.account is not None
        self._take_to_account()
        while True:
            marks = self.sim.head["mark"].tolist()
            k = self.account.short(marks)
            if k is None:
                return
            if not report_room(self.sim):
                self._grow_reports()
            now = self.sim.clock["venue_ns"].item()
            currency = self.account.books.currency(k)
            for lane in range(len(self._instruments)):
                if self.account.books.currency(lane) == currency:
                    cancel_lane(self.sim, lane, now)
            close_out(self.sim, k, self.account.last_price(k, marks), now)
            self._take_to_account()

    def _take_to_account(self) -> None:
        """Price the reports that were made since the last time, and book them."""
        assert self.account is not None
        ring, clock = self.sim.reports, self.sim.clock[0]
        end = int(clock["first_report"]) + int(clock["reports"])
        for number in range(end - int(clock["unsettled"]), end):
            place = number & (ring.size - 1)
            line = ring[place : place + 1]
            self._price(line)
            self.account.take(line[0])
        clock["unsettled"] = clock["marked"] = 0

    def _grow_flying(self) -> None:
        """Double the ring of commands on their way."""
        sim, clock = self.sim, self.sim.clock[0]
        first, count = int(clock["first_flying"]), int(clock["flying"])
        places = np.arange(first, first + count) & (sim.flying.size - 1)
        flying = np.zeros(2 * sim.flying.size, sim.flying.dtype)
        arrivals = np.zeros(flying.size, np.int64)
        flying[:count], arrivals[:count] = sim.flying[places], sim.arrivals[places]
        clock["first_flying"] = 0
        self.sim = sim.replace(flying=flying, arrivals=arrivals)

    def _grow_reports(self) -> None:
        """Double the ring of reports under way."""
        sim, clock = self.sim, self.sim.clock[0]
        first, count = int(clock["first_report"]), int(clock["reports"])
        places = np.arange(first, first + count) & (sim.reports.size - 1)
        reports = empty_reports(2 * sim.reports.size)
        reports[:count] = sim.reports[places]
        clock["first_report"] = 0
        self.sim = sim.replace(reports=reports)
