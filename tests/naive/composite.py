"""The composite from dicts and lists: everything is recomputed from what was ever seen."""

import math
from collections.abc import Sequence
from typing import Any

from aggressor.market.composite_records import CompositeParameters
from aggressor.schema.event import CLEAR, LAST, LEVEL, TIMER, TRADE, Events
from aggressor.schema.instrument import ContractKind, Instrument

NAN = math.nan
UNANSWERED_NS = 2_000_000_000


def parameters(**changes: Any) -> CompositeParameters:
    return CompositeParameters(**changes)


def middle(values: Sequence[float]) -> float:
    """Nearest-rank median."""
    return sorted(values)[-(-len(values) // 2) - 1]


class Lane:
    def __init__(self, instrument: Instrument, limits: CompositeParameters) -> None:
        self.instrument, self.limits = instrument, limits
        self.books: dict[int, dict[int, int]] = {1: {}, -1: {}}
        self.synced = self.gapped = False
        self.message: int | None = None
        self.asked: int | None = None  # since when a trade waits for its book message
        self.deviations: list[int] = []
        self.out: set[str] = {"no book"}
        self.admitted = False
        self.clean: int | None = None
        self.away: int | None = None
        self.sigma = self.basis = self.mid = self.deviation = NAN
        self.basis_ns = 0

    def answered(self, now: int) -> None:
        """Take a word of the book."""
        self.message, self.asked = now, None

    def base(self, price: int, lots: int) -> float:
        worth = float(lots * self.instrument.lot * self.instrument.multiplier)
        if self.instrument.kind is ContractKind.INVERSE:
            return worth / abs(price * float(self.instrument.tick))
        return worth

    @property
    def top(self) -> tuple[int, int]:
        return max(self.books[1]), min(self.books[-1])

    def faults(self, now: int) -> set[str]:
        found = set()
        if not self.synced:
            found.add("no book")
        if self.gapped:
            found.add("gap")
        if self.synced and self.top[0] >= self.top[1]:
            found.add("crossed")
        # no tape here lasts the minute in which it is learned what silence is usual
        if self.message is not None and now - self.message > self.limits.stale_floor_ns:
            found.add("stale")
        if self.asked is not None and now - self.asked > UNANSWERED_NS:
            found.add("stale")
        return found

    def depth(self, side: int, reach_bp: float) -> float:
        bid, ask = self.top
        return sum(
            self.base(price, lots)
            for price, lots in self.books[side].items()
            if abs(2 * price - bid - ask) * 10_000 <= abs(bid + ask) * reach_bp
        )


class Composite:
    """One group of all lanes; the first is the reference."""

    def __init__(self, instruments: Sequence[Instrument], limits: CompositeParameters) -> None:
        self.limits = limits
        self.lanes = [Lane(one, limits) for one in instruments]
        self.cvd = self.volume = 0.0
        self.depth = [0.0, 0.0]
        self.buckets: list[dict[int, float]] = [{}, {}]
        self.second: int | None = None

    def run(self, events: Events) -> None:
        for event in events:
            kind, now = int(event["kind"]), int(event["ts_recv"])
            if kind == TIMER:
                self.timer(now)
                continue
            lane = self.lanes[int(event["instrument"])]
            price, lots, side = int(event["price"]), int(event["size"]), int(event["side"])
            if kind == CLEAR:
                lane.books = {1: {}, -1: {}}
                lane.synced, lane.gapped = False, lane.gapped or bool(event["flags"] & LAST)
                lane.answered(now)
            elif kind == LEVEL:
                lane.books[side][price] = lots
                if event["flags"] & LAST:
                    lane.synced, lane.gapped = True, False
                    lane.answered(now)
            elif kind == TRADE:
                lane.asked = now if lane.asked is None else lane.asked
                if not lane.out:
                    self.cvd += side * lane.base(price, lots)
                    self.volume += lane.base(price, lots)

    def timer(self, now: int) -> None:
        faults = [lane.faults(now) for lane in self.lanes]
        for lane, found in zip(self.lanes, faults, strict=True):
            lane.mid = NAN if found else sum(lane.top) / 2 * float(lane.instrument.tick)
        for lane, found in zip(self.lanes, faults, strict=True):
            self.compare(lane, now)
            if lane.away is not None and now - lane.away > self.limits.away_ns:
                found.add("price away from the others")
        before = [lane for lane in self.lanes if not lane.out]
        for lane, found in zip(self.lanes, faults, strict=True):
            self.admit(lane, found, now)
        second = now // self.limits.second_ns
        if second != self.second:
            self.learn(now)
        if second != self.second or before != [lane for lane in self.lanes if not lane.out]:
            self.second = second
            live = [lane for lane in self.lanes if not lane.out]
            self.depth = [
                sum(lane.depth(side, self.limits.reach_bp) for lane in live) for side in (1, -1)
            ]
            self.buckets = [self.fill(live, side) for side in (1, -1)]

    def fill(self, live: list[Lane], side: int) -> dict[int, float]:
        """Base units by whole buckets away from the mid of the first live lane."""
        found: dict[int, float] = {}
        for lane in live:
            mid = live[0].mid - live[0].basis
            for price, lots in lane.books[side].items():
                adjusted = price * float(lane.instrument.tick) - lane.basis
                if not math.isnan(adjusted) and lots:
                    away_bp = max(1e4 * side * (mid - adjusted) / abs(mid), 0.0)
                    bucket = int(away_bp / self.limits.bucket_bp)
                    found[bucket] = found.get(bucket, 0.0) + lane.base(price, lots)
        return found

    def compare(self, lane: Lane, now: int) -> None:
        others = [one.mid - one.basis for one in self.lanes if one is not lane]
        others = sorted(value for value in others if not math.isnan(value))
        mine = lane.mid - lane.basis
        lane.deviation = NAN
        if not others or math.isnan(mine):
            lane.away = None
            return
        low, high = others[(len(others) - 1) // 2], others[len(others) // 2]
        away = mine - high if mine > high else mine - low if mine < low else 0.0
        lane.deviation = 1e4 * away / abs((low + high) / 2)
        limit = self.limits.away_bp
        if not math.isnan(lane.sigma):
            limit = max(limit, self.limits.away_sigma * lane.sigma)
        if abs(lane.deviation) <= limit:
            lane.away = None
        elif lane.away is None:
            lane.away = now

    def admit(self, lane: Lane, found: set[str], now: int) -> None:
        waiting = "clean, but not for long enough"
        if found:
            lane.out = (lane.out - {waiting}) | found
            lane.clean = None
        elif lane.out:
            lane.clean = now if lane.clean is None else lane.clean
            lane.out.add(waiting)
            if not lane.admitted or now - lane.clean >= self.limits.clean_ns:
                lane.out, lane.admitted = set(), True

    def learn(self, now: int) -> None:
        reference = self.lanes[0]
        for lane in self.lanes:
            if not lane.out and not reference.out:
                difference = lane.mid - reference.mid
                past = 2.0 ** (-(now - lane.basis_ns) / self.limits.half_life_ns)
                if math.isnan(lane.basis):
                    past, lane.basis = 0.0, 0.0
                lane.basis = past * lane.basis + (1 - past) * difference
                lane.basis_ns = now
            if not lane.out and not math.isnan(lane.deviation):
                lane.deviations.append(round(1e4 * abs(lane.deviation)))
            if now // self.limits.second_ns % 8 == 0:
                self.read_limits(lane)

    def read_limits(self, lane: Lane) -> None:
        if len(lane.deviations) >= self.limits.median_min:
            lane.sigma = 1.4826 * middle(lane.deviations[-128:]) / 1e4
