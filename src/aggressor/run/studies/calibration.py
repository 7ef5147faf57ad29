"""`aggressor calibrate`: thresholds by how often a detector speaks, never by profit.

Each detector's knobs (`detectors/knobs`) are turned until its confirmed episodes a day come into
the goal on the span given (R10.6): first the profile's value; then, looser where it speaks less
than the geometric middle of the goal and stricter where more, the end of the way; then by halves,
on a grid of STEPS a side, until the whole interval of the rate is in the goal: five values a
detector at most. Detectors are turned side by side, one run through the store a round: a detector's
rate hangs on its own thresholds, but that push-through and stop run end the breaks of R5.9. So at
the end one run more is made with all that was chosen, and its rates are those told as `after`.

Of the trials that of a whole interval in the goal is chosen, the one nearest to the profile; else
that of an estimate in the goal, nearest to its middle. Where there is none the profile's value
stays, and the state says so:

    in the goal, already in the goal        chosen, or nothing to be chosen
    estimate in the goal                    the interval is wider than it: more data would tell
    below the goal at the widest value, above the goal at the narrowest value
    between two values                      one is below it, the next above
    not enough data                         the span is shorter than LEAST_DAYS

Every trial is listed with its rate, its interval and the hash of its thresholds (R10.4): they are
the number of variants tried. What was chosen on a span is in sample there: see what it does behind
it (`rates --from`), and whether it still agrees with labelled scenarios (`score`).
"""

from collections.abc import Callable
from itertools import pairwise
from math import inf, log, sqrt
from pathlib import Path
from typing import Any, Unpack

from aggressor.detectors.knobs import KNOBS, Knob
from aggressor.detectors.outbox import params_hash
from aggressor.detectors.ranges import Number
from aggressor.detectors.thresholds import (
    UNCHANGED,
    Changes,
    Thresholds,
    thresholds_of,
    values_of,
)
from aggressor.features.parameters import PERP
from aggressor.reports.moments import moment_text
from aggressor.run.progress import Step, silent
from aggressor.run.studies.rates import GOAL_A_DAY, IN, LEAST_DAYS, UNKNOWN, Heard, listen
from aggressor.run.studies.studying import Asked, Study
from aggressor.schema.errors import ConfigError
from aggressor.schema.signal import SIGNAL_NAMES
from aggressor.store.files import replace_content

STEPS = 8  # from the profile's value to each end of the way
_KINDS = {name: kind for kind, name in SIGNAL_NAMES.items()}
Goal = tuple[float, float]


class Search:
    """The search for one detector's place on the way of its knobs, from -STEPS to STEPS."""

    def __init__(self, detector: str, values: dict[str, Number], goal: Goal) -> None:
        """Begin at the profile's `values`."""
        self.detector = detector
        self.knobs: tuple[Knob, ...] = KNOBS[detector]
        self.values = values
        self.goal = goal
        self.middle = sqrt(goal[0] * goal[1])
        self.tried: dict[int, dict[str, Any]] = {}  # place -> rate, in the order of trials

    def at(self, place: int) -> dict[str, Number]:
        """Return the knobs' values at a place."""
        return {one.name: one.at(place / STEPS, self.values[one.name]) for one in self.knobs}

    def note(self, place: int, rate: dict[str, Any]) -> None:
        """Keep the rate that was found at a place."""
        self.tried[place] = rate

    def following(self) -> int | None:
        """Return the place to try next; None where nothing more is to be tried."""
        if 0 not in self.tried:
            return 0
        if any(rate["verdict"] == IN for rate in self.tried.values()):
            return None
        if self.tried[0]["per_day"] is None:
            return None
        way = 1 if self._is_low(0) else -1
        for place in (way * STEPS, way * STEPS // 2):
            if place not in self.tried:
                return place
        near, far = self._bracket()
        return None if abs(far - near) <= 1 else (near + far) // 2

    def _is_low(self, place: int) -> bool:
        return bool(self.tried[place]["per_day"] < self.middle)

    def _bracket(self) -> tuple[int, int]:
        """Return two neighbours among the places tried, one on each side of the middle, if any."""
        places = sorted(self.tried, key=abs)
        for near, far in pairwise(places):
            if self._is_low(near) != self._is_low(far):
                return near, far
        return 0, 0

    def chosen(self) -> int | None:
        """Return the place whose rate is in the goal; None where none is."""
        whole = [place for place, rate in self.tried.items() if rate["verdict"] == IN]
        if whole:
            return min(whole, key=abs)
        inside = [
            place
            for place, rate in self.tried.items()
            if rate["per_day"] and self.goal[0] <= rate["per_day"] <= self.goal[1]
        ]
        return min(inside, key=self._distance) if inside else None

    def _distance(self, place: int) -> float:
        return abs(log(self.tried[place]["per_day"] / self.middle))

    def state(self) -> str:
        """Say in words how the search ended."""
        place = self.chosen()
        if place is not None:
            if self.tried[place]["verdict"] != IN:
                return "estimate in the goal"
            return "already in the goal" if place == 0 else "in the goal"
        low = [rate["per_day"] < self.goal[0] for rate in self.tried.values()]
        if all(low):
            return "below the goal at the widest value"
        return "between two values" if any(low) else "above the goal at the narrowest value"


def calibrate(
    store: Path | str,
    instrument: str,
    out: Path,
    *,
    goal: Goal = GOAL_A_DAY,
    progress: Step = silent,
    **asked: Unpack[Asked],
) -> dict[str, Any]:
    """Choose thresholds on a span, write them to `out`, and return the document of the command.

    Raises ConfigError for a goal, span or folder of `out` that cannot be, StoreError for what the
    store does not hold.
    """
    if not 0 < goal[0] < goal[1] < inf:
        raise ConfigError(f"The goal must be two rates a day as 5..50, not {goal[0]}..{goal[1]}.")
    if not out.parent.is_dir():
        raise ConfigError(f"There is no folder {out.parent} for {out.name}: make it first.")
    profile, base = asked.get("profile", PERP), asked.get("thresholds", UNCHANGED)
    records = thresholds_of(profile, base)
    searches = [Search(name, values_of(getattr(records, name)), goal) for name in KNOBS]
    runs = 0

    def hear(places: dict[str, int]) -> Heard:
        nonlocal runs
        turned = {one.detector: one.at(places.get(one.detector, 0)) for one in searches}
        runs += 1
        study = Study(store, instrument, **(asked | Asked(thresholds=_merged(base, turned))))
        return listen(study, _told(progress, runs))

    heard = _search(searches, hear, goal)
    found = {one.detector: one.chosen() or 0 for one in searches if heard.days >= LEAST_DAYS}
    if any(found.values()):
        heard = hear(found)
    study = Study(store, instrument, **asked)
    rows = [_row(one, found.get(one.detector), heard) for one in searches]
    chosen = {one["detector"]: one["values"] for one in rows if one["looseness"]}
    document = {
        "store": str(store),
        "instrument": study.definition.id,
        "profile": profile,
        "covered_ns": study.covered_ns,
        "hours": 24 * heard.days,
        "goal_per_day": list(goal),
        "runs": runs,
        "detectors": rows,
        "thresholds": _merged(base, chosen),
        "out": str(out),
        "next": f"aggressor score --thresholds {out}",
    }
    replace_content(out, thresholds_text(document).encode())
    return document


def _search(searches: list[Search], hear: Callable[[dict[str, int]], Heard], goal: Goal) -> Heard:
    """Run round after round until no detector has anything left to try; return the last."""
    heard = hear({})
    for one in searches:
        one.note(0, heard.rate(_KINDS[one.detector], goal))
    while heard.days >= LEAST_DAYS:
        places = {one.detector: place for one in searches if (place := one.following()) is not None}
        if not places:
            break
        heard = hear(places)
        for one in searches:
            if one.detector in places:
                one.note(places[one.detector], heard.rate(_KINDS[one.detector], goal))
    return heard


def _merged(base: Changes, turned: dict[str, dict[str, Number]]) -> dict[str, dict[str, Any]]:
    """Return the changes of `base` with those of the knobs on top."""
    return {
        name: {**base.get(name, {}), **turned.get(name, {})}
        for name in Thresholds._fields
        if name in base or name in turned
    }


def _told(progress: Step, number: int) -> Step:
    """Return a Step that says which run it is of."""
    return lambda _, share: progress(f"run {number} through the store", share)


def _row(one: Search, place: int | None, heard: Heard) -> dict[str, Any]:
    """Return what is told of one detector; `place` is None where there was not enough data."""
    at = place or 0
    return {
        "detector": one.detector,
        "state": UNKNOWN if place is None else one.state(),
        "looseness": at / STEPS,
        "values": one.at(at),
        "before": one.tried[0],
        "after": heard.rate(_KINDS[one.detector], one.goal),
        "trials": [
            {
                "looseness": tried / STEPS,
                "values": one.at(tried),
                "params": f"{params_hash(one.values | one.at(tried)):016x}",
                **rate,
            }
            for tried, rate in one.tried.items()
        ],
    }


def thresholds_text(found: dict[str, Any]) -> str:
    """Return the file of thresholds: TOML, with how it came about in comments."""
    low, high = found["goal_per_day"]
    first, last = found["covered_ns"] or (None, None)
    trials = sum(len(one["trials"]) for one in found["detectors"])
    lines = [
        "# Thresholds of detectors by event rate, never by profit (R10.6).",
        f"# store       {found['store']}",
        f"# instrument  {found['instrument']}",
        f"# span        {_moment(first)} to {_moment(last)}, {found['hours']:.1f} h",
        f"# goal        {low:g} to {high:g} confirmed episodes a day",
        f"# tried       {trials} values in {found['runs']} runs through the store",
        "# Rates: episodes a day, [95 % interval]. They are in sample: see `aggressor rates",
        "# --thresholds` on another span. Does it agree with labelled scenarios?",
        f"#     {found['next']}",
        "",
        f'profile = "{found["profile"]}"',
    ]
    tables = found["thresholds"]
    for one in found["detectors"]:
        lines += ["", *_told_of(one), *_table(one["detector"], tables.get(one["detector"], {}))]
    named = {one["detector"] for one in found["detectors"]}
    for name, table in tables.items():
        lines += [] if name in named else ["", *_table(name, table)]
    return "\n".join(lines) + "\n"


def _moment(ns: int | None) -> str:
    return "(nothing)" if ns is None else moment_text(ns)


def _table(name: str, table: dict[str, Any]) -> list[str]:
    if not table:
        return []
    return [f"[{name}]", *(f"{field} = {_toml(value)}" for field, value in table.items())]


def _toml(value: Number) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _told_of(one: dict[str, Any]) -> list[str]:
    """Return the comments on one detector."""
    return [
        f"# {one['detector']}: {one['state']}; before {rate_text(one['before'])}, "
        f"after {rate_text(one['after'])}",
        *(
            f"#   {trial['looseness']:+.3f}  {values_text(trial['values'])}: {rate_text(trial)}, "
            f"{trial['params']}"
            for trial in one["trials"]
        ),
    ]


def values_text(values: dict[str, Number]) -> str:
    """Return knobs with their values."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def rate_text(rate: dict[str, Any]) -> str:
    """Return a rate a day with its interval, or that there is none."""
    if rate["per_day"] is None:
        return UNKNOWN
    low, high = rate["per_day_interval"]
    return f"{rate['per_day']:.1f} [{low:.1f}, {high:.1f}]"
