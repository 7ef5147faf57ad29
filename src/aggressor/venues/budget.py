"""How much may still be asked of a venue now: counted by us, before anything leaves.

Venues count weight in windows. What left within the last window is remembered, so no window of that
length, wherever it begins, ever holds more than the limit. A fifth of each limit is kept for what
must not wait: cancels, and orders that reduce. When the venue says that we are too fast all the
same, nothing more leaves until it said we may; asking on would prolong a ban.
"""

from collections import deque
from collections.abc import Mapping

SHUT_OUT = (403, 418)  # HTTP: not one kind of request, the address
_SHARE = 4, 5  # of a limit, for what can wait


class Budget:
    """Windows of one address; times are the caller's, ns."""

    def __init__(self, limits: Mapping[str, tuple[int, int]]) -> None:
        """`limits`: group -> (weight, window in ns); another group is not limited."""
        self._limits = dict(limits)
        self._left: dict[str, deque[tuple[int, int]]] = {group: deque() for group in limits}
        self._used = dict.fromkeys(limits, 0)
        self._until: dict[str, int] = {}

    def take(self, group: str, weight: int, now: int, *, urgent: bool = False) -> bool:
        """Count what leaves now; False, and nothing is counted, if it must wait."""
        if now < self.paused_until(group):
            return False
        if group not in self._limits:
            return True
        most, window_ns = self._limits[group]
        left = self._left[group]
        while left and now - left[0][0] >= window_ns:
            self._used[group] -= left.popleft()[1]
        room = most if urgent else max(1, most * _SHARE[0] // _SHARE[1])
        weight = min(weight, room)
        if self._used[group] + weight > room:
            return False
        left.append((now, weight))
        self._used[group] += weight
        return True

    def pause(self, group: str, until: int) -> None:
        """Let nothing of a group leave before that; "" is everything."""
        self._until[group] = max(until, self._until.get(group, 0))

    def paused_until(self, group: str) -> int:
        """Return from when on something of a group may leave; 0: at once."""
        return max(self._until.get(group, 0), self._until.get("", 0))
