"""Slow, obvious twins of diagonal imbalances, stacks, their zones, and unfinished auctions."""

from collections import defaultdict
from fractions import Fraction


def naive_rows(cells, side, height, row_ticks=1):
    """{price: (sold, bought, unknown)} -> {index: [lots, facing, volume]} as `side` reads.

    Everything is mirrored for sells, so that reading always goes upwards from the lowest key.
    """
    keys = {}
    for price, (sold, bought, unknown) in cells.items():
        key = price if side > 0 else -(price + row_ticks - 1)
        keys[key] = (bought, sold, unknown) if side > 0 else (sold, bought, unknown)
    first = min(keys)
    rows = defaultdict(lambda: [0, 0, 0])
    for key, (lots, facing, unknown) in keys.items():
        row = rows[(key - first) // height]
        row[0] += lots
        row[1] += facing
        row[2] += lots + facing + unknown
    return first, dict(rows)


def naive_imbalances(cells, side, rule, minimum, height=1, row_ticks=1):
    """(first key, {index: (lots, opposite, volume, kind)}), kind a word or None."""
    first, rows = naive_rows(cells, side, height, row_ticks)
    judged = {}
    for index, (lots, _, volume) in rows.items():
        opposite = rows[index - 1][1] if index - 1 in rows else 0
        counted = opposite if opposite else 1
        wide = lots > 0 and Fraction(lots, counted) >= Fraction(rule.ratio)
        if index == 0 and not rule.border_rows:
            wide = False
        if opposite == 0 and not rule.zero_as_one:
            wide = False
        kind = None
        if wide:
            kind = "opposed" if opposite else "unopposed"
            if lots - counted < minimum:
                kind = "short"
        judged[index] = (lots, opposite, volume, kind)
    return first, judged


def naive_stacks(cells, side, rule, minimum, height=1, row_ticks=1):
    """List of (what, low, high, rows, lots, opposite, unopposed) of one side, as read."""
    first, judged = naive_imbalances(cells, side, rule, minimum, height, row_ticks)

    def runs(kinds):
        """Maximal runs of adjacent rows of these kinds."""
        inside = sorted(index for index, one in judged.items() if one[3] in kinds)
        found = []
        for index in inside:
            if found and found[-1][-1] == index - 1:
                found[-1].append(index)
            else:
                found.append([index])
        return found

    def told(what, run):
        near = first + run[0] * height
        far = first + (run[-1] + 1) * height - 1
        low, high = (near, far) if side > 0 else (-far, -near)
        lots = sum(judged[index][0] for index in run)
        opposite = sum(judged[index][1] for index in run)
        unopposed = sum(judged[index][1] == 0 for index in run)
        return (what, low, high, len(run), lots, opposite, unopposed)

    full = runs(("opposed", "unopposed"))
    stacks = [told("stack", run) for run in full if len(run) >= rule.rows_min]
    if stacks:
        return stacks
    near = [told("too few", run) for run in full if len(run) == rule.rows_min - 1]
    wide = runs(("opposed", "unopposed", "short"))
    near += [told("too small", run) for run in wide if len(run) >= rule.rows_min]
    return [max(near, key=lambda one: one[4])] if near else []


class NaiveZones:
    """Zones of one lane; `bar` every closed bar, `trade` every price; read `told`."""

    def __init__(self, rule, minimum, height=1, row_ticks=1):
        self.rule, self.minimum, self.height, self.row_ticks = rule, minimum, height, row_ticks
        self.zones, self.told = [], []

    def bar(self, cells, close, known_ns):
        """`cells` is {price: (sold, bought, unknown)} of a bar with sound data."""
        if not cells:
            return
        for zone in self.zones:
            beyond = close < zone["low"] if zone["side"] > 0 else close > zone["high"]
            if beyond:
                zone["state"] = "broken"
                self._tell("broken", zone)
        self.zones = [zone for zone in self.zones if zone["state"] != "broken"]
        for side in (1, -1):
            for what, low, high, *measures in naive_stacks(
                cells, side, self.rule, self.minimum, self.height, self.row_ticks
            ):
                zone = {"side": side, "low": low, "high": high, "measures": tuple(measures)}
                zone |= {"state": "fresh", "known": known_ns, "left": not low <= close <= high}
                if what != "stack":
                    self._tell(what, zone)
                    continue
                if any(self._repeats(zone, other) for other in self.zones):
                    continue
                if close < low if side > 0 else close > high:
                    self._tell("wrong close", zone)
                    continue
                self.zones.append(zone)
                self._tell("formed", zone)

    def trade(self, price):
        """Take the price of one trade."""
        for zone in self.zones:
            inside = zone["low"] <= price <= zone["high"]
            if zone["state"] == "fresh" and inside and zone["left"]:
                zone["state"] = "retested"
                self._tell("retested", zone)
            zone["left"] = zone["left"] or not inside

    def _repeats(self, zone, other):
        over = other["low"] <= zone["high"] and zone["low"] <= other["high"]
        young = zone["known"] - other["known"] < self.rule.refractory_ns
        return zone["side"] == other["side"] and over and young

    def _tell(self, what, zone):
        self.told.append((what, zone["side"], zone["low"], zone["high"], *zone["measures"]))


class NaiveAuctions:
    """Unfinished auctions of one lane: `bar`, `trade`; read `open` and `resolved`."""

    def __init__(self, height=1, row_ticks=1):
        self.height, self.row_ticks = height, row_ticks
        self.open, self.resolved, self.undecided = [], [], 0

    def bar(self, cells, high, low):
        """`cells` is {price: (sold, bought, unknown)}."""
        for side, price in ((1, high), (-1, low)):
            extreme = max(cells) + self.row_ticks - 1 if side > 0 else min(cells)
            sold = bought = unknown = 0
            for at, lots in cells.items():
                near = at + self.row_ticks - 1 if side > 0 else at
                if abs(extreme - near) < self.height:
                    sold, bought, unknown = sold + lots[0], bought + lots[1], unknown + lots[2]
            if sold and bought:
                self.open.append((side, price, bought, sold))
            elif unknown:
                self.undecided += 1

    def trade(self, price):
        """Take the price of one trade."""
        beyond = [one for one in self.open if one[0] * (price - one[1]) > 0]
        self.resolved += beyond
        self.open = [one for one in self.open if one not in beyond]
