"""Prints of parts as TRADE rows: each once, and what is not known of the tape said in it.

- A print that was asked for is STALE: newer ones have come before it.
- The first print behind a lost connection carries GAP, unless it is one that was known: of what the
  connection did not bring, nobody knows how much it is.
- Prints that nothing tells apart (`TradePart.alike`) all count, and those that equal an earlier one
  of their connection are counted besides (`trades_alike`): whether they were told twice no stream
  says. An answer to a question does, for the time between its first and its last print. What stands
  there more often than it happened is counted (`trades_doubled`), and the next print carries GAP:
  the tape before it is not what was traded.
- An answer that does not name most of what the stream told of its time writes its prints in other
  words, or with other ids; none is taken from it (`trades_parted`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aggressor.schema.event import GAP, LAST, STALE, TRADE, Events
from aggressor.venues.decoding.books import ROW
from aggressor.venues.decoding.parts import Part, TradePart
from aggressor.venues.decoding.prints import PrintKeys, is_counted

_COUNTERS = (
    "trades",
    "trades_dropped",  # known, or without a price or a size
    "trades_late",
    "trades_alike",
    "trades_doubled",
    "trades_parted",
    "trade_gaps",
)


class _Judged(NamedTuple):
    """What an answer says of the prints of one instrument that were written."""

    believed: bool
    prints: int  # in the answer
    twice: Sequence[str]  # keys of what was written and did not happen as often


class PartTape:
    """The prints of up to 255 instruments, by lane; `numbers` are their EVENT.instrument."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.keys = PrintKeys(len(numbers))
        self.counts = [dict.fromkeys(_COUNTERS, 0) for _ in numbers]
        self._numbers = list(numbers)
        self._told = [False] * len(numbers)  # a stream has told prints
        self._torn = [False] * len(numbers)  # what is before the next print is not known
        self._judged: dict[int, _Judged] = {}  # by the message in hand

    def begin(self, *, asked: bool) -> None:
        """A message begins. `asked`: it answers a request."""
        self.keys.begin(asked=asked)
        self._judged.clear()

    def judge(self, parts: Sequence[Part], lanes: Mapping[str, int]) -> None:
        """Hold the prints of an answer against those that were written."""
        told: dict[int, list[tuple[str, int]]] = {}
        for part in parts:
            if isinstance(part, TradePart) and part.key and part.symbol in lanes:
                told.setdefault(lanes[part.symbol], []).append((part.key, part.ts_venue))
        for k, prints in told.items():
            ours, unnamed = self.keys.held_against(k, prints)
            believed = 2 * len(unnamed) <= ours
            twice = [key for key in unnamed if is_counted(key)] if believed else ()
            self._judged[k] = _Judged(believed, len(prints), twice)

    def judged(self) -> None:
        """The message in hand was good: keep what it said of the prints that were written."""
        for k, found in self._judged.items():
            counts = self.counts[k]
            counts["trades_doubled"] += len(found.twice)
            counts["trades_parted"] += 0 if found.believed else found.prints
            self.keys.forget(k, found.twice)
            self._torn[k] = self._torn[k] or bool(found.twice) or not found.believed

    def write(
        self, k: int, part: TradePart, price: int, lots: int, ts_recv: int, out: Events
    ) -> int:
        """Write one print; return its rows."""
        keys, counts = self.keys, self.counts[k]
        if k in self._judged and not self._judged[k].believed:
            return 0
        if keys.is_history(k, part.ts_venue):
            return 0
        key, count = keys.nth(k, part.key) if part.alike else (part.key, 1)
        if price <= 0 or lots <= 0 or keys.is_known(k, key, part.ts_venue):
            counts["trades_dropped"] += 1
            if not part.alike and not keys.asked:
                self._torn[k] = False  # it goes on from what is known
            return 0
        flags = part.flags | LAST
        if keys.asked:
            flags |= STALE
            counts["trades_late"] += 1
        elif self._torn[k]:
            flags |= GAP
            self._torn[k] = False
            counts["trade_gaps"] += 1
        counts["trades_alike"] += count > 1 and not keys.asked
        self._told[k] = self._told[k] or not keys.asked
        row = (ts_recv, part.ts_venue, lots, price, TRADE, part.side, flags, self._numbers[k])
        ROW.pack_into(out.data, 0, *row)
        counts["trades"] += 1
        return 1

    def interrupt(self) -> None:
        """The connection was lost, and prints perhaps with it."""
        self.keys.interrupt()
        self._torn = [torn or told for torn, told in zip(self._torn, self._told, strict=True)]
