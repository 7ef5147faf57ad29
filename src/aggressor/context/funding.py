"""Funding: what a position pays, what the rate comes from, and whether one side is crowded.

    payment      position notional at mark x rate; longs pay a rate above 0
    rate         F = P + clamp(I - P, +-c): P the time-weighted premium index of the interval, I the
                 interest of 0.01 % and c 0.05 % a settlement in the 8-hour style; then venue caps
    annualised   F x 24 / interval in hours x 365, simple
    crowded      above the 0.95 or below the 0.05 quantile of the last 30 days' settled rates

Rates and premiums are integers in 1e-8 (0.01 % is 10,000), money 1e-8 of the settlement currency,
times ns of venue time. Intervals and caps vary by symbol and are the caller's to read. Below 30
settled rates crowding is not known. Source: R6.2.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from aggressor.schema.event import NO_TIME
from aggressor.schema.instrument import Instrument

PER_ONE = 100_000_000  # rates are in 1e-8
INTEREST_RATE = 10_000  # 0.01 % a settlement
CLAMP = 50_000  # 0.05 %
HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
HISTORY_NS = 30 * DAY_NS
SETTLED_MIN = 30

CROWDED_LONG, NOT_CROWDED, CROWDED_SHORT = 1, 0, -1


class Settled(NamedTuple):
    """A rate that was paid."""

    settle_ns: int
    rate: int  # 1e-8


class Crowding(NamedTuple):
    """Where a rate stands among those of the last 30 days."""

    side: int | None  # +1 longs pay unusually much, -1 shorts do; None not known
    low: int | None  # the quantiles it was held against, 1e-8
    high: int | None
    settled: int  # rates in the window
    young: bool  # they cover less than 30 days
    reason: str


class Funding(NamedTuple):
    """What is known of an instrument's funding at one time."""

    rate: int | None  # 1e-8, of the coming settlement
    annualised: Fraction | None  # of one
    seconds: Fraction | None  # to the settlement
    crowding: Crowding
    reason: str  # why rate or time are not known


def payment(instrument: Instrument, mark: int, rate: int, position: int) -> Fraction:
    """Return what `position` lots (+ long) pay at a settlement, exactly, 1e-8 of settlement.

    `mark` is the mark price and `rate` the funding rate, both in 1e-8. Below 0 the position is
    paid.
    """
    ticks = Fraction(mark, PER_ONE) / Fraction(instrument.tick)
    return instrument.notional(ticks, position) * Fraction(rate, PER_ONE)


def weighted_premium(
    times: Sequence[int], premiums: Sequence[int], start_ns: int, stop_ns: int
) -> Fraction | None:
    """Return the time-weighted mean of a premium index over [start, stop), 1e-8.

    Each value holds from its time to the next one's; None where the first came after the start.
    """
    assert start_ns < stop_ns, "an interval"
    if not times or times[0] > start_ns:
        return None
    total = 0
    for i, premium in enumerate(premiums):
        begin = max(times[i], start_ns)
        end = min(times[i + 1] if i + 1 < len(times) else stop_ns, stop_ns)
        total += premium * max(end - begin, 0)
    return Fraction(total, stop_ns - start_ns)


def funding_rate(
    premium: Fraction | int,
    *,
    interest: int = INTEREST_RATE,
    clamp: int = CLAMP,
    floor: int | None = None,
    cap: int | None = None,
) -> Fraction:
    """Return the rate that follows from the mean premium, all in 1e-8; `floor` and `cap` last."""
    rate = premium + min(max(Fraction(interest) - premium, Fraction(-clamp)), Fraction(clamp))
    if floor is not None:
        rate = max(rate, Fraction(floor))
    if cap is not None:
        rate = min(rate, Fraction(cap))
    return rate


def annualised(rate: int | Fraction, interval_ns: int) -> Fraction:
    """Return a rate (1e-8) paid every `interval_ns` as a simple share of one a year."""
    return Fraction(rate) / PER_ONE * Fraction(DAY_NS, interval_ns) * 365


def crowding(rate: int, history: Sequence[Settled], venue_ns: int) -> Crowding:
    """Hold a rate against those settled in the 30 days before `venue_ns`; oldest first."""
    stop = bisect_left(history, venue_ns, key=lambda one: one.settle_ns)
    start = bisect_left(history, venue_ns - HISTORY_NS, key=lambda one: one.settle_ns)
    rates = sorted(one.rate for one in history[start:stop])
    if len(rates) < SETTLED_MIN:
        reason = f"{len(rates)} settled rates, fewer than {SETTLED_MIN}"
        return Crowding(None, None, None, len(rates), True, reason)
    low, high = _nearest_rank(rates, 5), _nearest_rank(rates, 95)
    side = CROWDED_LONG if rate > high else CROWDED_SHORT if rate < low else NOT_CROWDED
    # one interval of grace: the first rate in a full window may be almost one interval inside it
    covered = history[stop - 1].settle_ns - history[start].settle_ns
    interval = Fraction(covered, len(rates) - 1)
    young = venue_ns - history[start].settle_ns + interval < HISTORY_NS
    return Crowding(side, low, high, len(rates), young, "")


def _nearest_rank(ordered: Sequence[int], percent: int) -> int:
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]


def funding_now(
    rate: int,
    settle_ns: int,
    venue_ns: int,
    interval_ns: int | None = None,
    history: Sequence[Settled] = (),
) -> Funding:
    """Return what is known at `venue_ns` from the newest statement (`market.contract`).

    A statement whose settlement has passed says nothing of the next one.
    """
    if settle_ns == NO_TIME:
        missing = Crowding(None, None, None, 0, True, "no rate was stated")
        return Funding(None, None, None, missing, "no rate was stated")
    if settle_ns <= venue_ns:
        passed = "the settlement it was stated for has passed"
        return Funding(None, None, None, Crowding(None, None, None, 0, True, passed), passed)
    yearly = annualised(rate, interval_ns) if interval_ns is not None else None
    seconds = Fraction(settle_ns - venue_ns, 10**9)
    return Funding(rate, yearly, seconds, crowding(rate, history, venue_ns), "")
