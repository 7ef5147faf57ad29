"""What execution must know of one instrument's market at a decision point: nothing more.

The engine's View has these names; a test needs only a small object that has them too. Everything
that may be absent is `None` here (this is a Python value at a decision point, not a record). Prices
are ticks, sizes are lots, times are nanoseconds since the epoch.
"""

from typing import Protocol


class Market(Protocol):
    """The top of one book, and how far it may be believed."""

    @property
    def instrument(self) -> int:
        """Index into the engine's table of instruments."""
        ...

    @property
    def now_ns(self) -> int:
        """`ts_recv` of the event in hand."""
        ...

    @property
    def valid(self) -> bool:
        """True when the book is whole: snapshot seen, no gap, not crossed, two-sided, not stale."""
        ...

    @property
    def book_age_ns(self) -> int:
        """`now_ns` less `ts_recv` of the last change of the book."""
        ...

    @property
    def bid(self) -> int:
        """Best bid; meaningless unless `valid`."""
        ...

    @property
    def ask(self) -> int:
        """Best ask; meaningless unless `valid`."""
        ...

    @property
    def bid_lots(self) -> int:
        """Lots displayed at the best bid."""
        ...

    @property
    def ask_lots(self) -> int:
        """Lots displayed at the best ask."""
        ...

    @property
    def traded_lots(self) -> tuple[int, int]:
        """Lots (bought, sold) by aggressors since the beginning: running sums."""
        ...

    @property
    def taker_rates(self) -> tuple[float, float]:
        """Lots per second (bought, sold) by aggressors over the last minute, or what was seen."""
        ...

    @property
    def mean_print(self) -> float:
        """Mean lots of a print since the beginning; 1 before the first."""
        ...

    @property
    def last_price(self) -> int | None:
        """Price of the last print."""
        ...

    @property
    def funding_in_ns(self) -> int | None:
        """Venue time until funding settles; None where the venue has not said."""
        ...
