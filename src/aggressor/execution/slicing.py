"""Plans that cut an order: iceberg, TWAP, POV (R8.4).

    ICEBERG  rests a small part at the own best: `show_lots`, or a share of the level (5 to 10 %),
             varied by `jitter_bp`; when a part is filled the next follows after a random delay.
    TWAP     n slices; the times of their beginning vary by `jitter_bp` of an interval and their
             sizes by as much. What is due rests at the own best.
    POV      what is due is `rate_bp` of what others traded since the beginning: T8.4. Never more
             than `rate_max_bp` of it, catching up included.

TWAP and POV share the rest: what is due and not filled rests; what should have been filled and lies
beyond the band (`band_bp` of the whole order) is crossed, with the cap, at once. A slice should be
filled when the next one begins. So a schedule is kept to within
the band as long as the market lets it, and nothing is ever bought ahead of it. When the time is
over what is left is crossed or given up, as with PEG. Chance is a hash of `seed`: the same order
does the same again.
"""

from aggressor.execution.intent import Placement, Policy
from aggressor.execution.plans import Finish, Passive, crossing, jitter, spread_around
from aggressor.execution.quotes import Market
from aggressor.execution.working import Entry, Stay, Want
from aggressor.schema import command

NEVER = 2**62


class Iceberg:
    """See the module text."""

    def __init__(self) -> None:
        self._passive = Passive()
        self._finish = Finish()
        self._parts = 0
        self._show = 0  # of the part that rests
        self._upto = 0  # filled lots at which it is done
        self._next_ns = 0

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        rule = entry.placement
        if self._finish.since_ns is not None:
            return self._finish.want(entry, market, "")
        over = market.now_ns - entry.since_ns >= rule.wait_ns
        if over or self._passive.ran_away:
            why = "not filled in time" if over else "price ran away"
            return self._finish.want(entry, market, why)
        if entry.live is None:
            if entry.filled >= self._upto and self._show:
                self._rest_a_while(rule, market.now_ns)
            if market.now_ns < self._next_ns:
                return Stay.NOTHING
            if not self._show:
                self._show = self._part(entry, market)
                self._upto = entry.filled + self._show
        want = self._passive.want(entry, market, self._upto - entry.filled)
        if self._passive.ran_away:
            return self._finish.want(entry, market, "price ran away")
        return want

    def _rest_a_while(self, rule: Placement, now_ns: int) -> None:
        cut = rule.slicing
        wide = cut.refill_max_ns - cut.refill_min_ns
        self._next_ns = now_ns + cut.refill_min_ns + int(wide * jitter(rule.seed, 2 * self._parts))
        self._show = 0

    def _part(self, entry: Entry, market: Market) -> int:
        cut = entry.placement.slicing
        level = market.bid_lots if entry.side > 0 else market.ask_lots
        lots = cut.show_lots or level * cut.level_bp / 10_000
        self._parts += 1
        varied = lots * spread_around(entry.placement.seed, 2 * self._parts + 1, cut.jitter_bp)
        return min(max(1, int(varied)), entry.left)


class Scheduled:
    """TWAP and POV: rest what is due, cross what is late."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._passive = Passive(chases=False)
        self._finish = Finish()
        self._times: list[int] = []  # TWAP: when so much is due
        self._due: list[int] = []
        self._volume_start: int | None = None  # POV

    def want(self, entry: Entry, market: Market) -> Want | Stay:
        """See `Plan`."""
        rule = entry.placement
        if self._finish.since_ns is not None:
            return self._finish.want(entry, market, "")
        due, owed, most = self.due(entry, market)
        if market.now_ns - entry.since_ns >= rule.wait_ns:
            return self._finish.want(entry, market, "not filled in time")
        order = entry.live
        if order is not None and order.tif == command.IOC:
            return Stay.KEEP
        band = entry.lots * rule.slicing.band_bp // 10_000
        late = min(owed - band, most) - entry.filled
        soon = bool(entry.orders) and market.now_ns - entry.changed_ns < rule.repeg_ns
        if late > 0 and (order is not None or not soon):
            want = crossing(entry, market, late)  # what rests is cancelled first
            if isinstance(want, Want):
                return want
        return self._passive.want(entry, market, min(due, most) - entry.filled)

    def due(self, entry: Entry, market: Market) -> tuple[int, int, int]:
        """Return lots that (may rest, should be filled, may at most be filled) by now."""
        if self.policy is Policy.TWAP:
            return (*self._by_time(entry, market), entry.lots)
        return self._by_volume(entry, market)

    def _by_time(self, entry: Entry, market: Market) -> tuple[int, int]:
        """A slice may rest from its beginning and should be filled when the next begins."""
        if not self._times:
            self._plan_slices(entry)
        past = sum(1 for t in self._times if t <= market.now_ns - entry.since_ns)
        return (self._due[past - 1] if past else 0, self._due[past - 2] if past > 1 else 0)

    def _plan_slices(self, entry: Entry) -> None:
        rule, cut = entry.placement, entry.placement.slicing
        count = max(1, min(cut.slices, entry.lots))
        step = rule.wait_ns / count
        share = cut.jitter_bp / 10_000
        late = [step * share * jitter(rule.seed, 2 * i) for i in range(count)]
        self._times = [0, *(int(i * step + late[i]) for i in range(1, count))]
        parts = [spread_around(rule.seed, 2 * i + 1, cut.jitter_bp) for i in range(count)]
        total, done = sum(parts), 0.0
        for part in parts:
            done += part
            self._due.append(min(entry.lots, round(entry.lots * done / total)))
        self._due[-1] = entry.lots

    def _by_volume(self, entry: Entry, market: Market) -> tuple[int, int, int]:
        cut = entry.placement.slicing
        volume = sum(market.traded_lots) - (entry.filled if cut.own_on_tape else 0)
        if self._volume_start is None:
            self._volume_start = volume
        others = volume - self._volume_start
        due = min(entry.lots, others * cut.rate_bp // 10_000)
        return due, due, min(entry.lots, others * cut.rate_max_bp // 10_000)
