"""Bars of one minute and their swings, read from TRADE rows the slow way (R3.3b, R5.7)."""

from aggressor.schema.event import TRADE

MINUTE_NS = 60_000_000_000


def minutes(events):
    """Return {minute: (high, low, delta, {price: [sold, bought]})} of the trades."""
    bars = {}
    for row in events[events["kind"] == TRADE]:
        price, size, side = int(row["price"]), int(row["size"]), int(row["side"])
        bar = bars.setdefault(int(row["ts_venue"]) // MINUTE_NS, [price, price, 0, {}])
        bar[0], bar[1] = max(bar[0], price), min(bar[1], price)
        bar[2] += side * size
        bar[3].setdefault(price, [0, 0])[side > 0] += size
    return bars


def swings(bars, direction, k):
    """Return [(minute, price)] of swing highs (direction +1) or lows, in order."""
    names = sorted(bars)
    tops = [direction * bars[name][0 if direction > 0 else 1] for name in names]
    return [
        (names[i], direction * tops[i])
        for i in range(k, len(names) - k)
        if all(tops[i] > top for top in tops[i - k : i])
        and all(tops[i] >= top for top in tops[i + 1 : i + k + 1])
    ]
