"""The orders of one account that are worked by themselves: by instrument, oldest first.

A strategy has one on an instrument at a time. Those that were asked to stand `beside` others (a
person's resting orders) may be several; each is a `Parent` with its own fills and its own end.
"""

from collections.abc import Sequence

from aggressor.execution.parent import Parent


class Parents:
    """Those under way, and those that have ended."""

    def __init__(self) -> None:
        self._under_way: dict[int, dict[int, Parent]] = {}
        self._ended: dict[int, list[Parent]] = {}

    def __iter__(self):
        """Go through all that are under way."""
        return (one for found in self._under_way.values() for one in tuple(found.values()))

    def of(self, instrument: int) -> tuple[Parent, ...]:
        """Return those under way on an instrument, oldest first."""
        return tuple(self._under_way.get(instrument, {}).values())

    def find(self, instrument: int, number: int) -> Parent | None:
        """Return the one of this number; None: it is not under way."""
        return self._under_way.get(instrument, {}).get(number)

    def ended(self, instrument: int) -> Sequence[Parent]:
        """Return those that have ended, oldest first."""
        return self._ended.get(instrument, ())

    def add(self, one: Parent) -> Parent:
        """Put one under way."""
        found = self._under_way.setdefault(one.instrument, {})
        assert one.parent not in found, "the number of an order is never used twice"
        found[one.parent] = one
        return one

    def end(self, one: Parent) -> None:
        """Put one among those that have ended."""
        del self._under_way[one.instrument][one.parent]
        self._ended.setdefault(one.instrument, []).append(one)
