"""Books as they were told: the best levels of a stream, and what changed since its last frame.

Every topic that is followed has one view, shared by its followers: who comes later gets the view as
the others know it, and the next change fits all. A view that nobody follows is forgotten.
"""

from typing import NamedTuple

from aggressor.schema.event import ASK, BID
from aggressor.sim.local.board import Lane, Levels
from aggressor.venues.served.dialect import House


class View(NamedTuple):
    """The best levels of a book as told last."""

    number: int  # counts what was told of the topic
    version: int  # of the book as told
    seen: int  # of the book when it was looked at last; what had changed since lay deeper
    at: int  # venue's clock, ns
    bids: dict[int, int]  # ticks -> lots, the best first
    asks: dict[int, int]


class Change(NamedTuple):
    """What is to be told: the views before and after, and the levels that differ (0: gone)."""

    before: View
    now: View
    bids: Levels
    asks: Levels


def level_texts(lane: Lane, levels: Levels) -> list[tuple[str, str]]:
    """Return levels as venues write them: price and size as decimals."""
    one = lane.instrument
    return [(one.price_text(price), one.size_text(lots)) for price, lots in levels]


def opened(house: House, lane: Lane, topic: str, depth: int, first: int = 1) -> View:
    """Return a topic's view for a new follower; it begins at number `first`."""
    views: dict[str, View] = house.notes.setdefault("views", {})
    if topic not in views:
        views[topic] = _view(house, lane, depth, first)
    return views[topic]


def forget(house: House, topic: str) -> None:
    """Forget the view of a topic that nobody follows."""
    house.notes.setdefault("views", {}).pop(topic, None)


def forget_others(house: House, wanted: frozenset[str]) -> None:
    """Forget the views of all topics that nobody follows."""
    views: dict[str, View] = house.notes.setdefault("views", {})
    for topic in [one for one in views if one not in wanted]:
        del views[topic]


def moved(house: House, lane: Lane, topic: str, depth: int, every_ns: int = 0) -> Change | None:
    """Return what changed of a topic that is followed, None if nothing or not yet.

    At most one change in `every_ns` of market time.
    """
    views: dict[str, View] = house.notes.setdefault("views", {})
    before = views.get(topic)
    if before is None or before.seen == lane.book_version:
        return None
    if not _passed(house, before.at, every_ns):
        return None
    now = views[topic] = _view(house, lane, depth, before.number + 1)
    bids, asks = _difference(before.bids, now.bids), _difference(before.asks, now.asks)
    if not bids and not asks:  # what changed lies deeper
        views[topic] = before._replace(seen=now.seen)
        return None
    return Change(before, now, bids, asks)


def due(house: House, topic: str, every_ns: int) -> bool:
    """Say whether a topic may be told again, at most once in `every_ns` of market time."""
    told: dict[str, int] = house.notes.setdefault("told", {})
    if not _passed(house, told.get(topic, 0), every_ns):
        return False
    told[topic] = house.exchange.now
    return True


def _passed(house: House, since: int, every_ns: int) -> bool:
    return (house.exchange.now - since) * max(1.0, house.exchange.clock.speed) >= every_ns


def _view(house: House, lane: Lane, depth: int, number: int) -> View:
    sides = (dict(lane.levels(BID, depth)), dict(lane.levels(ASK, depth)))
    version = lane.book_version
    return View(number, version, version, house.exchange.now, *sides)


def _difference(before: dict[int, int], now: dict[int, int]) -> Levels:
    gone = [(price, 0) for price in before if price not in now]
    return gone + [(price, lots) for price, lots in now.items() if before.get(price) != lots]
