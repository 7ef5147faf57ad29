"""Which prints came before: by the venue's key, or by counting those that nothing tells apart.

A stream that was lost is asked for its last prints again, and two connections overlap: each print
is to count once. What is from before the stream began never was part of the tape. What a message
that turns out to be unreadable had taught is forgotten again.
"""

from typing import Any

KEYS_MAX = 8_192  # of an instrument; the oldest are forgotten


class PrintKeys:
    """The keys of the prints of each instrument."""

    def __init__(self, lanes: int) -> None:
        self._keys: list[dict[str, None]] = [{} for _ in range(lanes)]
        self._fresh: list[tuple[int, str]] = []  # keys first met in the message in hand
        self._alike: list[dict[str, int]] = [{} for _ in range(lanes)]  # prints of a key so far
        self._counted: list[tuple[int, str]] = []  # those of the message in hand
        self._first: list[int | None] = [None] * lanes  # venue time of the first that was streamed
        self._begun: list[int] = []  # lanes whose first is in the message in hand
        self.asked = False  # the message in hand answers a request

    def begin(self, *, asked: bool) -> None:
        """A message begins: what was learned before it stays. `asked`: it answers a request."""
        self._fresh.clear()
        self._counted.clear()
        self._begun.clear()
        self.asked = asked

    def is_history(self, k: int, ts_venue: int) -> bool:
        """Say whether a print that was asked for is from before the stream began to tell them."""
        first = self._first[k]
        if self.asked:
            return first is not None and ts_venue < first
        if first is None:
            self._first[k] = ts_venue
            self._begun.append(k)
        return False

    def is_known(self, k: int, key: str) -> bool:
        """Say whether a print of this key was written before; remember it."""
        keys = self._keys[k]
        if not key:
            return False
        if key in keys:
            return True
        keys[key] = None
        self._fresh.append((k, key))
        if len(keys) > KEYS_MAX:
            del keys[next(iter(keys))]
        return False

    def nth(self, k: int, key: str) -> str:
        """Return the key of a print that others of its connection may equal: `key#n`."""
        alike = self._alike[k]
        count = alike[key] = alike.get(key, 0) + 1
        self._counted.append((k, key))
        if len(alike) > KEYS_MAX:
            del alike[next(iter(alike))]
        return f"{key}#{count}"

    def unlearn(self) -> None:
        """Forget what the message in hand taught."""
        for k, key in self._fresh:
            self._keys[k].pop(key, None)
        for k, key in self._counted:
            count = self._alike[k].pop(key, 1) - 1
            if count:
                self._alike[k][key] = count
        for k in self._begun:
            self._first[k] = None

    def interrupt(self) -> None:
        """The connection was lost: prints that are alike are counted from its beginning."""
        for alike in self._alike:
            alike.clear()

    def state(self, k: int) -> dict[str, Any]:
        """Return what is known of one instrument as plain values."""
        kept = {"keys": list(self._keys[k]), "alike": dict(self._alike[k])}
        return kept | {"first": self._first[k]}

    def resume(self, k: int, kept: dict[str, Any]) -> None:
        """Go on from a state."""
        self._keys[k] = dict.fromkeys(kept["keys"])
        self._alike[k] = dict(kept.get("alike", {}))
        self._first[k] = kept.get("first")
