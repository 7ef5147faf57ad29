"""The tape of a storm: which prints of the venue's came, by which way, and why the others did not.

A print is told apart by its time, price, lots and side. What is missing was either beyond what the
venue answers (`beyond`: it answers so many and no more; `dropped`: it no longer keeps them), or not
asked for (`unasked`), or in an answer that we read and yet not in our rows (`unread`): the last two
are ours.
"""

from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from aggressor.schema.event import LAST, STALE, TRADE
from aggressor.sim.local.board import TradeNews
from aggressor.venues.served.answering import stamp
from aggressor.venues.served.dialect import Ask, House, Reply
from aggressor.venues.venue import Request
from tests.run.live_stage import Dealer

_MS = 1_000_000
_NOT_ANSWERED = ("beyond", "dropped")
_PRINTS = ("/aggtrades", "/recent-trade", "/quote/trades", "/market/trades", "/contract/deals/")

Print = tuple[int, int, int, int]  # ms, ticks, lots, side


class Answered(NamedTuple):
    """One question for prints that was answered: the numbers in it, and the oldest kept then."""

    first: int
    last: int
    kept: int
    newest: int


class TapeFound(NamedTuple):
    """Prints in all, told by the stream, by answers; twice; and missing, by reason.

    `alike`: the venue gives prints no ids, so nobody knows which of them it told twice.
    """

    prints: int
    streamed: int
    recovered: int
    doubled: int
    beyond: int
    dropped: int
    unasked: int
    unread: int
    alike: bool

    @property
    def ours(self) -> int:
        """What is missing, or stands twice, by our own fault."""
        return self.unasked + self.unread + (0 if self.alike else self.doubled)

    @property
    def missing(self) -> int:
        """All that is missing."""
        return self.beyond + self.dropped + self.unasked + self.unread


class StormTape:
    """Both sides' prints from now on."""

    def __init__(self, dealer: Dealer) -> None:
        self._dealer = dealer
        self._lane = dealer.truth.board.lanes[0]
        self._theirs: dict[int, Print] = {}
        self._ours: Counter[Print] = Counter()
        self._late: Counter[Print] = Counter()  # of these, by answers
        self._lots = 0  # of a print that is written in two rows, so far
        self._answers: list[Answered] = []
        self._served: Answered | None = None  # what the venue last answered
        self._watch_venue()
        self._watch_line()

    def _watch_venue(self) -> None:
        server, house, lane = self._dealer.server, self._dealer.server.house, self._lane
        drain, serve = server.exchange.drain, server.dialect.serve

        def drained() -> list[Any]:
            found = drain()
            for one in found:
                if isinstance(one, TradeNews) and one.lane == 0:
                    self._theirs[one.number] = (stamp(house, one), one.price, one.lots, one.side)
            return found

        def served(house: House, ask: Ask) -> Reply:
            if _asks_prints(ask.path):
                query = parse_qs(ask.query)
                kept = lane.trades[0].number if lane.trades else lane.trade_number + 1
                first, last = lane.trade_number - int(query["limit"][0]) + 1, lane.trade_number
                if "fromId" in query:
                    first = int(query["fromId"][0])
                    last = first + int(query["limit"][0]) - 1
                self._served = Answered(max(first, kept), last, kept, lane.trade_number)
            return serve(house, ask)

        server.exchange.drain = drained  # type: ignore[method-assign]
        server.dialect = msgspec.structs.replace(server.dialect, serve=served)

    def _watch_line(self) -> None:
        line = self._dealer.line
        fetch = line._fetch

        async def noted(request: Request, symbol: str) -> bool:
            done = await fetch(request, symbol)
            if done and self._served is not None and _asks_prints(urlsplit(request.url).path):
                self._answers.append(self._served)
            return done

        line._fetch = noted  # type: ignore[method-assign]

    def take(self, rows: Any) -> None:
        """Take rows of ours."""
        for row in rows[rows["kind"] == TRADE]:
            self._lots += int(row["size"])
            if not row["flags"] & LAST:
                continue
            at, price, side = int(row["ts_venue"]), int(row["price"]), int(row["side"])
            key = (at // _MS, price, self._lots, side)
            self._lots = 0
            self._ours[key] += 1
            self._late[key] += bool(row["flags"] & STALE)

    def found(self, began: int, ended: int) -> TapeFound:
        """Return what became of the prints after number `began` up to `ended`."""
        late, sums, doubled = self._late.copy(), Counter[str](), 0
        first_ms = min((key[0] for key in self._theirs.values()), default=0)
        numbers: dict[Print, list[int]] = {key: [] for key in self._ours}
        for number, key in self._theirs.items():
            numbers.setdefault(key, []).append(number)
        for key, equal in numbers.items():
            missing = max(len(equal) - self._ours[key], 0)
            if key[0] > first_ms:  # else it was told before, and came since
                doubled += max(self._ours[key] - len(equal), 0)
            reasons = {number: self._why(number) for number in equal} if missing else {}
            equal.sort(key=lambda number: reasons.get(number) not in _NOT_ANSWERED)
            for place, number in enumerate(equal):  # of equal ones those were not answered
                by = "recovered" if late[key] > 0 else "streamed"
                if place < missing:
                    by = reasons[number]
                late[key] -= by == "recovered"
                sums[by] += began < number <= ended
        names = ("streamed", "recovered", *_NOT_ANSWERED, "unasked", "unread")
        alike = self._dealer.line.decoder.counts.get("trades_alike", 0) > 0
        found = {name: sums[name] for name in names}
        prints = sum(found.values())
        return TapeFound(prints=prints, doubled=doubled, alike=alike, **found)

    def _why(self, number: int) -> str:
        later = [one for one in self._answers if one.newest >= number]
        if any(one.first <= number <= one.last for one in later):
            return "unread"
        if not later:
            return "unasked"
        if number < later[0].kept:
            return "dropped"
        if self._dealer.line.venue.prints_request is not None:  # by number, however old
            return "dropped" if number < later[-1].kept else "unasked"
        return "beyond"


def _asks_prints(path: str) -> bool:
    return any(part in path.lower() for part in _PRINTS)
