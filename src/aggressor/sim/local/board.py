"""What the local venue publishes of its market: rows become news, and the book is as last told.

A message of history (rows up to LAST) becomes one piece of news. Each change of a book gets the
next numbers of one axis that quotes share: `previous` and `version` chain the changes without a
gap, `number` counts them. How a venue writes that as its own ids is the venue's business.

A picture of the book in mid-history is told as the difference from what was told before, so a
stream never breaks by itself; where the history has a gap, the book stands still until its next
picture. Own orders of an account never show in the book or the tape: the market is what it was.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from aggressor.schema.event import (
    BID,
    CLEAR,
    FUNDING,
    GAP,
    INTEREST,
    LAST,
    LEVEL,
    LIQUIDATION,
    MARK,
    NOT_FLOW,
    QUOTE,
    RPI,
    STALE,
    STATUS,
    TRADE,
    Events,
)
from aggressor.schema.instrument import Instrument

_MINUTE_NS = 60_000_000_000
TRADES_KEPT = 10_000  # a venue answers them for hours; this is some seconds at 20x
_SETTLED_KEPT = 1000

Levels: TypeAlias = list[tuple[int, int]]  # (ticks, lots); 0 lots remove


class BookNews(NamedTuple):
    """A change of the book: absolute lots."""

    lane: int
    ts: int
    previous: int
    version: int
    number: int
    bids: Levels
    asks: Levels


class TradeNews(NamedTuple):
    """One print; `plain_lots` of it rested in the public book."""

    lane: int
    ts: int
    number: int
    price: int
    lots: int
    plain_lots: int
    side: int
    flow: bool


class QuoteNews(NamedTuple):
    """The best of both sides, newer than the book before it."""

    lane: int
    ts: int
    version: int
    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


class MarkNews(NamedTuple):
    """A mark price in 1e-8."""

    lane: int
    ts: int
    price: int


class FundingNews(NamedTuple):
    """A funding rate in 1e-8 and when it settles, in ns of market time."""

    lane: int
    ts: int
    rate: int
    settles: int


class InterestNews(NamedTuple):
    """Open interest in lots."""

    lane: int
    ts: int
    lots: int


class LiquidationNews(NamedTuple):
    """A forced order."""

    lane: int
    ts: int
    price: int
    lots: int
    side: int


class Settled(NamedTuple):
    """Funding that was paid: when, its rate and the mark price by then, both in 1e-8."""

    ts: int
    rate: int
    mark: int


class StatusNews(NamedTuple):
    """A change of an instrument's trading."""

    lane: int
    ts: int
    status: int


MarketNews: TypeAlias = (
    BookNews
    | TradeNews
    | QuoteNews
    | MarkNews
    | FundingNews
    | InterestNews
    | LiquidationNews
    | StatusNews
)


class Lane:
    """One instrument as published. Times are market times."""

    def __init__(self, instrument: Instrument, trades_kept: int = TRADES_KEPT) -> None:
        self.instrument = instrument
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.version = 1  # of the axis that book and quotes share
        self.book_version = 1  # of the last change of the book
        self.number = 0
        self.ts = 0  # of the last change
        self.trades: deque[TradeNews] = deque(maxlen=trades_kept)
        self.trade_number = 0
        self.quote: QuoteNews | None = None
        self.mark = 0  # 1e-8; 0 not known
        self.rate = 0
        self.settles = 0
        self.settled: deque[Settled] = deque(maxlen=_SETTLED_KEPT)
        self.interest = 0  # lots

    def levels(self, side: int, most: int) -> Levels:
        """Return the best `most` levels of a side, the best first."""
        book = self.bids if side == BID else self.asks
        prices = sorted(book, reverse=side == BID)[:most]
        return [(price, book[price]) for price in prices]

    def last_price(self) -> int | None:
        """Return the price in ticks that stands for the market: last print, else the middle."""
        if self.trades:
            return self.trades[-1].price
        if self.bids and self.asks:
            return (max(self.bids) + min(self.asks)) // 2
        return None


class Board:
    """All instruments as published."""

    def __init__(self, instruments: Sequence[Instrument], trades_kept: int = TRADES_KEPT) -> None:
        self.trades_kept = trades_kept  # of each instrument
        self.lanes = [Lane(one, trades_kept) for one in instruments]
        self._open: dict[int, tuple[Levels, Levels]] = {}  # a message of the book not yet whole
        self._pictures: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self._prints: dict[int, TradeNews] = {}
        self._quotes: dict[int, tuple[int, int]] = {}

    def take(self, events: Events) -> list[MarketNews]:
        """Take rows in order and return what there is to tell."""
        news: list[MarketNews] = []
        for row in events.tolist():
            _, ts, size, price, kind, side, flags, lane = row
            if lane >= len(self.lanes) or flags & STALE:
                continue
            told: MarketNews | None = None
            if kind == LEVEL:
                told = self._level(lane, ts, price, size, side, flags)
            elif kind == TRADE:
                told = self._trade(lane, ts, price, size, side, flags)
            elif kind == QUOTE:
                told = self._quote(lane, ts, price, size, side)
            elif kind == CLEAR:
                self._open.pop(lane, None)
                self._quotes.pop(lane, None)
                if flags & GAP:
                    self._pictures.pop(lane, None)
                else:
                    self._pictures[lane] = ({}, {})
            else:
                told = self._rare(lane, ts, price, size, side, kind)
            if told is not None:
                news.append(told)
        return news

    def _level(
        self, lane: int, ts: int, price: int, lots: int, side: int, flags: int
    ) -> BookNews | None:
        picture = self._pictures.get(lane)
        if picture is not None:
            if lots:
                picture[0 if side == BID else 1][price] = lots
            return self._repaint(lane, ts) if flags & LAST else None
        changes = self._open.setdefault(lane, ([], []))
        changes[0 if side == BID else 1].append((price, lots))
        if not flags & LAST:
            return None
        del self._open[lane]
        return self._change(lane, ts, *changes)

    def _repaint(self, lane: int, ts: int) -> BookNews | None:
        """Tell a new picture as the difference from the one before."""
        new = self._pictures.pop(lane)
        changes: list[Levels] = []
        one = self.lanes[lane]
        for now, before in zip(new, (one.bids, one.asks), strict=True):
            gone = [(price, 0) for price in before if price not in now]
            moved = [(price, lots) for price, lots in now.items() if before.get(price) != lots]
            changes.append(gone + moved)
        return self._change(lane, ts, *changes) if any(changes) else None

    def _change(self, lane: int, ts: int, bids: Levels, asks: Levels) -> BookNews:
        one = self.lanes[lane]
        for changes, book in ((bids, one.bids), (asks, one.asks)):
            for price, lots in changes:
                if lots:
                    book[price] = lots
                else:
                    book.pop(price, None)
        previous = one.book_version
        one.version += max(1, len(bids) + len(asks))
        one.book_version = one.version
        one.number += 1
        one.ts = ts
        return BookNews(lane, ts, previous, one.version, one.number, bids, asks)

    def _trade(
        self, lane: int, ts: int, price: int, lots: int, side: int, flags: int
    ) -> TradeNews | None:
        one = self.lanes[lane]
        before = self._prints.pop(lane, None)
        plain = 0 if flags & RPI else lots
        if before is not None:
            lots, plain = lots + before.lots, plain + before.plain_lots
        flow = not flags & NOT_FLOW
        if not flags & LAST:
            self._prints[lane] = TradeNews(lane, ts, 0, price, lots, plain, side, flow)
            return None
        one.trade_number += 1
        news = TradeNews(lane, ts, one.trade_number, price, lots, plain, side, flow)
        one.trades.append(news)
        return news

    def _quote(self, lane: int, ts: int, price: int, lots: int, side: int) -> QuoteNews | None:
        if side == BID:
            self._quotes[lane] = (price, lots)
            return None
        bid = self._quotes.pop(lane, None)
        if bid is None:
            return None
        one = self.lanes[lane]
        one.version += 1
        one.quote = QuoteNews(lane, ts, one.version, *bid, price, lots)
        return one.quote

    def _rare(
        self, lane: int, ts: int, price: int, size: int, side: int, kind: int
    ) -> MarketNews | None:
        one = self.lanes[lane]
        if kind == MARK:
            one.mark = size
            return MarkNews(lane, ts, size)
        if kind == FUNDING:
            settles = price * _MINUTE_NS
            if 0 < one.settles < settles and one.settles <= ts:
                one.settled.append(Settled(one.settles, one.rate, one.mark))
            one.rate, one.settles = size, settles
            return FundingNews(lane, ts, size, one.settles)
        if kind == INTEREST:
            one.interest = size
            return InterestNews(lane, ts, size)
        if kind == LIQUIDATION:
            return LiquidationNews(lane, ts, price, size, side)
        return StatusNews(lane, ts, size) if kind == STATUS else None
