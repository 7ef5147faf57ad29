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

    def take(
        self,
        group: str,
        weight: int,
        now: int,
        *,
        urgent: bool = False,
        also: tuple[str, int] | None = None,
    ) -> bool:
        """Count what leaves now; False, and nothing is counted, if it must wait.

        `also` is a second limit that it counts against, and its weight there.
        """
        asked = [(group, weight)] if also is None else [(group, weight), also]
        taken = []
        for one, much in asked:
            if now < self.paused_until(one):
                return False
            if one not in self._limits:
                continue
            room = self._room(one, urgent)
            much = min(much, room)
            self._expire(one, now)
            if self._used[one] + much > room:
                return False
            taken.append((one, much))
        for one, much in taken:
            self._left[one].append((now, much))
            self._used[one] += much
        return True

    def _room(self, group: str, urgent: bool) -> int:
        """Return how much of a limit may be used."""
        most, _ = self._limits[group]
        return most if urgent else max(1, most * _SHARE[0] // _SHARE[1])

    def _expire(self, group: str, now: int) -> None:
        """Forget what left longer ago than the window."""
        _, window_ns = self._limits[group]
        left = self._left[group]
        while left and now - left[0][0] >= window_ns:
            self._used[group] -= left.popleft()[1]

    def pause(self, group: str, until: int) -> None:
        """Let nothing of a group leave before that; "" is everything."""
        self._until[group] = max(until, self._until.get(group, 0))

    def paused_until(self, group: str) -> int:
        """Return from when on something of a group may leave; 0: at once."""
        return max(self._until.get(group, 0), self._until.get("", 0))
