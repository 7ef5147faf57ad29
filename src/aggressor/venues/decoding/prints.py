"""Which prints came before: by the venue's key, or by counting those that nothing tells apart.

A stream that was lost is asked for its last prints again, and two connections overlap: each print
is to count once. What is from before the stream began never was part of the tape. What a message
that turns out to be unreadable had taught is forgotten again.

Of prints that nothing tells apart no stream says whether it told one twice. An answer to a question
does: for the time between its first and its last print it names each as often as it happened.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from aggressor.schema.event import NO_TIME

KEYS_MAX = 8_192  # of an instrument; the oldest are forgotten


class PrintKeys:
    """The keys of the prints of each instrument."""

    def __init__(self, lanes: int) -> None:
        self._keys: list[dict[str, int]] = [{} for _ in range(lanes)]  # -> venue time
        self._fresh: list[tuple[int, str]] = []  # keys first met in the message in hand
        self._alike: list[dict[str, int]] = [{} for _ in range(lanes)]  # prints of a key so far
        self._counted: list[tuple[int, str]] = []  # those of the message in hand
        self._answered: Counter[tuple[int, str]] = Counter()  # prints of a key in the answer
        self._first: list[int | None] = [None] * lanes  # venue time of the first that was streamed
        self._begun: list[int] = []  # lanes whose first is in the message in hand
        self.asked = False  # the message in hand answers a request

    def begin(self, *, asked: bool) -> None:
        """A message begins: what was learned before it stays. `asked`: it answers a request."""
        self._fresh.clear()
        self._counted.clear()
        self._answered.clear()
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

    def is_known(self, k: int, key: str, ts_venue: int) -> bool:
        """Say whether a print of this key was written before; remember it."""
        keys = self._keys[k]
        if not key:
            return False
        if key in keys:
            return True
        keys[key] = ts_venue
        self._fresh.append((k, key))
        if len(keys) > KEYS_MAX:
            del keys[next(iter(keys))]
        return False

    def nth(self, k: int, key: str) -> tuple[str, int]:
        """Return the key of a print that others of its connection or answer may equal, and its n.

        The key is `key#n`: the n-th of a connection is the n-th of any other and of an answer.
        """
        if self.asked:
            self._answered[k, key] += 1
            return f"{key}#{self._answered[k, key]}", self._answered[k, key]
        alike = self._alike[k]
        count = alike[key] = alike.get(key, 0) + 1
        self._counted.append((k, key))
        if len(alike) > KEYS_MAX:
            del alike[next(iter(alike))]
        return f"{key}#{count}", count

    def held_against(self, k: int, told: Sequence[tuple[str, int]]) -> tuple[int, list[str]]:
        """Compare what was written with an answer's prints, by key and venue time.

        Returns how many were written of the time strictly within the answer, and the keys of those
        which the answer does not name; of prints that are alike, or not as often.
        """
        times = [ts_venue for _, ts_venue in told]
        first, last = min(times), max(times)
        named = Counter(key for key, _ in told)
        ours = [key for key, at in self._keys[k].items() if first < at < last]
        return len(ours), [key for key in ours if not _is_among(key, named)]

    def forget(self, k: int, keys: Sequence[str]) -> None:
        """Forget keys: what they stood for was told twice, and is to be counted once."""
        for key in keys:
            self._keys[k].pop(key, None)

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
        kept = {"keys": dict(self._keys[k]), "alike": dict(self._alike[k])}
        return kept | {"first": self._first[k]}

    def resume(self, k: int, kept: dict[str, Any]) -> None:
        """Go on from a state."""
        keys = kept["keys"]  # a list where an earlier version wrote them: without times
        self._keys[k] = dict(keys) if isinstance(keys, dict) else dict.fromkeys(keys, NO_TIME)
        self._alike[k] = dict(kept.get("alike", {}))
        self._first[k] = kept.get("first")


def is_counted(key: str) -> bool:
    """Say whether a key counts prints that are alike (`PrintKeys.nth`)."""
    return "#" in key


def _is_among(key: str, named: Counter[str]) -> bool:
    name, _, n = key.rpartition("#")
    return named[name] >= int(n) if name else named[key] > 0
