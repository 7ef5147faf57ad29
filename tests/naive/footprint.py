"""Slow, obvious twins of bars, footprint cells, point of control, value area and VWAP."""

from fractions import Fraction

from aggressor.features.bars import (
    CLOCK,
    DELTA,
    DOLLAR,
    ENDS_INSIDE,
    GAP_AT_EDGE,
    GAP_INSIDE,
    IMBALANCE_TICKS,
    IMBALANCE_VOLUME,
    LATE,
    RANGE,
    RENKO,
    RUN_TICKS,
    RUN_VOLUME,
    SILENT,
    STARTS_INSIDE,
    TICKS,
    TIME,
    UNKNOWN_SIDE,
    VOLUME,
)
from aggressor.schema.event import BAD_CLOCK, GAP, NO_PRICE, NOT_FLOW, STALE, TRADE

DAY = 86_400 * 10**9


def naive_poc(volume):
    """{row: lots} -> row of most volume; ties nearest the middle, then the lower."""
    low, high = min(volume), max(volume)
    most = max(volume.values())
    tied = [row for row, lots in volume.items() if lots == most]
    return min(tied, key=lambda row: (abs(2 * row - low - high), row))


def naive_value_area(volume, share, step=2, both=False):
    """{row: lots} -> (lowest, highest, lots before the last step, lots)."""
    first, last = min(volume), max(volume)
    total = sum(volume.values())
    low = high = naive_poc(volume)
    held, before = volume[low], 0
    while held < share * total and (low > first or high < last):
        above = [row for row in range(high + 1, high + step + 1) if row <= last]
        below = [row for row in range(low - step, low) if row >= first]
        up = sum(volume.get(row, 0) for row in above)
        down = sum(volume.get(row, 0) for row in below)
        before = held
        if above and below and up == down and both:
            chosen = above + below
        elif above and (not below or up >= down):
            chosen = above
        else:
            chosen = below
        held += sum(volume.get(row, 0) for row in chosen)
        low, high = min([low, *chosen]), max([high, *chosen])
    return low, high, before, held


class _Expected:
    """E[T] and E[b] of imbalance and run bars, in exact fractions."""

    def __init__(self, kind, items, sign, fade):
        self.kind, self.first = kind, Fraction(items)
        self.items, self.sign, self.fade = Fraction(items), Fraction(sign), Fraction(fade)
        self.clamps = 0
        self.learnt = False

    def threshold(self):
        if self.kind in (RUN_TICKS, RUN_VOLUME):
            buys = (1 + self.sign) / 2
            return self.items * max(buys, 1 - buys)
        return self.items * max(abs(self.sign), Fraction(1, 20))

    def learn(self, items, sign):
        keep = 1 - self.fade
        if not self.learnt:
            self.sign *= (sign > 0) - (sign < 0)
        self.learnt = True
        wanted = keep * self.items + self.fade * items
        self.items = min(max(wanted, self.first / 5), 5 * self.first)
        self.sign = keep * self.sign + self.fade * sign
        self.clamps += self.items != wanted
        self.clamps += self.kind in (IMBALANCE_TICKS, IMBALANCE_VOLUME) and 20 * abs(self.sign) < 1


class _Bar:
    def __init__(self, open_ns, close):
        self.open_ns = open_ns
        self.prints = []  # (price, lots, side, ts)
        self.reasons = 0
        self.previous = close
        self.brick = None  # (open, close)


class NaiveSeries:
    """One series of bars; `use` every event in turn, read `bars`."""

    def __init__(
        self, kind, limit, row_ticks=1, lane=0, grace=10**9, silence=60 * 10**9, sign=0, fade=0
    ):
        self.kind, self.limit, self.row_ticks, self.lane = kind, limit, row_ticks, lane
        self.grace, self.silence = grace, silence
        self.bar, self.bars = None, []
        self.seen = self.heard = None
        self.tape = []  # (ts that counts for the day, signed lots), of the CVD
        self.day = None
        self.cvd = 0
        self.excluded = 0
        self.close_price = NO_PRICE
        self.last_ns = 0
        self.expected = _Expected(kind, limit, sign, fade)
        self.brick_close, self.trend = None, 0

    def use(self, event):
        if event["instrument"] != self.lane:
            return
        flags, ts, recv = int(event["flags"]), int(event["ts_venue"]), int(event["ts_recv"])
        bad = bool(flags & BAD_CLOCK)
        if not bad:
            self.seen = ts if self.seen is None else min(self.seen, ts)
        silent = self.heard is not None and recv > self.heard + self.silence
        self.heard = recv
        touched = SILENT if silent else 0
        if self.bar is not None:
            self.bar.reasons |= touched
        flow = event["kind"] == TRADE and not flags & NOT_FLOW and event["size"] > 0
        if event["kind"] == TRADE and not flow:
            self.excluded += 1
        if not flow:
            if self.kind == TIME and self.bar is not None and not bad:
                self._close_until(ts - self.grace, recv, touched)
            return
        self._use_trade(event, flags, ts, recv, bad, touched)

    def _use_trade(self, event, flags, ts, recv, bad, touched):
        if self.kind == TIME and self.bar is None:
            self.bar = _Bar(ts // self.limit * self.limit, NO_PRICE)
            if self.seen is None or self.seen >= self.bar.open_ns:
                self.bar.reasons |= STARTS_INSIDE
        if flags & GAP and self.bar is not None:
            late = self.kind == TIME and ts >= self.bar.open_ns + self.limit
            if late or self._leaves_range(int(event["price"])):
                self.bar.reasons |= GAP_AT_EDGE
                touched |= GAP_AT_EDGE
            elif self.bar.prints:
                self.bar.reasons |= GAP_INSIDE
            else:
                self.bar.reasons |= GAP_AT_EDGE
        marks = 0
        if bad:
            marks |= CLOCK
        else:
            if self.kind == TIME:
                self._close_until(ts, recv, touched)
                marks |= LATE if ts < self.bar.open_ns else 0
            self._roll(ts)
        marks |= SILENT if flags & STALE else 0
        marks |= UNKNOWN_SIDE if event["side"] == 0 else 0
        left, price, side = int(event["size"]), int(event["price"]), int(event["side"])
        if self._leaves_range(price):
            self._close(recv)
            self.bar = _Bar(ts, self.close_price)
            self.bar.reasons = touched & GAP_AT_EDGE
        while left:
            if self.bar is None:
                self.bar = _Bar(ts, self.close_price)
            piece = self._piece(left, price)
            self.bar.prints.append((price, piece, side, ts))
            self.bar.reasons |= marks
            self.cvd += side * piece
            self.close_price, self.last_ns = price, ts
            left -= piece
            if self.kind == RENKO:
                self._lay_bricks(price, ts, recv)
            elif self._is_complete():
                self._close(recv)
                self.bar = None

    def _leaves_range(self, price):
        if self.kind != RANGE or self.bar is None or not self.bar.prints:
            return False
        prices = [price] + [one[0] for one in self.bar.prints]
        return max(prices) - min(prices) > self.limit

    def _lay_bricks(self, price, ts, recv):
        if self.brick_close is None:
            self.brick_close = self.bar.prints[0][0]
        while True:
            up = self.brick_close + self.limit * (2 if self.trend < 0 else 1)
            down = self.brick_close - self.limit * (2 if self.trend > 0 else 1)
            if down < price < up:
                return
            self.trend = 1 if price >= up else -1
            self.brick_close = up if price >= up else down
            self.bar = self.bar or _Bar(ts, None)
            self.bar.brick = (self.brick_close - self.trend * self.limit, self.brick_close)
            self._close(recv)
            self.bar = None

    def _is_complete(self):
        if self.kind in (TIME, RANGE):
            return False
        if self.kind in (TICKS, VOLUME, DOLLAR):
            return self._measure() >= self.limit
        by_lots = self.kind in (DELTA, IMBALANCE_VOLUME, RUN_VOLUME)
        sides = [s for _, lots, s, _ in self.bar.prints for _ in range(lots if by_lots else 1)]
        bought, sold = sides.count(1), sides.count(-1)
        if self.kind == DELTA:
            return abs(bought - sold) >= self.limit
        run = self.kind in (RUN_TICKS, RUN_VOLUME)
        reached = max(bought, sold) if run else abs(bought - sold)
        if reached < self.expected.threshold():
            return False
        self.expected.learn(len(sides), Fraction(bought - sold, len(sides)))
        return True

    def _measure(self):
        weigh = {
            TICKS: lambda price, lots: 1,
            VOLUME: lambda price, lots: lots,
            DOLLAR: lambda price, lots: abs(price) * lots,
        }[self.kind]
        return sum(weigh(price, lots) for price, lots, _, _ in self.bar.prints)

    def _piece(self, left, price):
        if self.kind == VOLUME:
            return min(left, self.limit - self._measure())
        if self.kind == DOLLAR:
            piece = 1
            while piece < left and self._measure() + piece * abs(price) < self.limit:
                piece += 1
            return piece
        return left

    def _roll(self, ts):
        if self.day is None or ts // DAY > self.day:
            self.day = ts // DAY
            self.cvd = 0

    def _close_until(self, now, recv, touched):
        while self.bar.open_ns + self.limit <= now:
            self._roll(self.bar.open_ns + self.limit - 1)
            self._close(recv)
            self.bar = _Bar(self.bar.open_ns + self.limit, self.close_price)
            self.bar.reasons = touched

    def _close(self, recv):
        self.bars.append(self._written(recv, self.bar.reasons))
        self.excluded = 0

    def unfinished(self):
        """Return the open bar as it stands, or None when nothing traded in it."""
        if self.bar is None or not self.bar.prints:
            return None
        return self._written(0, self.bar.reasons | ENDS_INSIDE)

    def _written(self, recv, reasons):
        prints = self.bar.prints
        prices = [price for price, _, _, _ in prints] or [self.bar.previous]
        if self.kind == RENKO:
            began = prices[0] if self.brick_close is None else self.brick_close
            began, ended = self.bar.brick or (began, prices[-1])
            prices = [began, *(price for price, _, _, _ in prints), ended]
        running, path = 0, [0]
        cells = {}
        for price, lots, side, _ in prints:
            running += side * lots
            path.append(running)
            row = cells.setdefault(price // self.row_ticks, {-1: 0, 0: 0, 1: 0, "trades": 0})
            row[side] += lots
            row["trades"] += 1
        volume = sum(lots for _, lots, _, _ in prints)
        written = {
            "open_ns": self.bar.open_ns,
            "close_ns": self.bar.open_ns + self.limit if self.kind == TIME else self.last_ns,
            "known_ns": recv,
            "open": prices[0],
            "high": max(prices),
            "low": min(prices),
            "close": prices[-1],
            "volume": volume,
            "delta": running,
            "delta_min": min(path),
            "delta_max": max(path),
            "cvd": self.cvd,
            "trades": len(prints),
            "unknown": sum(lots for _, lots, side, _ in prints if side == 0),
            "excluded": self.excluded,
            "reasons": reasons,
            "poc": NO_PRICE,
            "val": NO_PRICE,
            "vah": NO_PRICE,
        }
        written["cells"] = [
            (row * self.row_ticks, one["trades"], one[-1], one[1], one[0])
            for row, one in sorted(cells.items())
        ]
        if volume:
            rows = {row: one[-1] + one[0] + one[1] for row, one in cells.items()}
            low, high, _, _ = naive_value_area(rows, Fraction(7, 10))
            written["poc"] = naive_poc(rows) * self.row_ticks
            written["val"], written["vah"] = low * self.row_ticks, high * self.row_ticks
            written["vwap"] = Fraction(sum(p * lots for p, lots, _, _ in prints), volume)
            written["variance"] = sum(
                lots * (p - written["vwap"]) ** 2 for p, lots, _, _ in prints
            ) / Fraction(volume)
        return written
