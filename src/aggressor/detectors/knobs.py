"""Knobs: which thresholds of a detector set how often it speaks, and what each may be set to.

A detector has one or two knobs (R10.6): the conditions that most of what it looks at fails. Turned
by a *looseness* from -1 (`strict`) over 0 (the profile's value) to +1 (`loose`), both at once. On
the way a knob is multiplied, not added to: half way is the geometric mean of its two ends, and of a
quantile it is its tail that is multiplied (990,000 and 900,000 ppm: 968,377). Whether more is said
of what is looser is not proved for every knob (`calibrate` measures it); that the condition itself
lets more pass is.
Source: R10.6.
"""

from typing import NamedTuple

from aggressor.detectors.ranges import Number
from aggressor.features.baseline import PPM


class Knob(NamedTuple):
    """A threshold that sets the rate, with the ends of the way it is turned."""

    name: str
    strict: Number
    loose: Number

    def at(self, looseness: float, value: Number) -> Number:
        """Return the threshold at a looseness in [-1, 1], where 0 is `value`, the profile's.

        A value that already lies beyond an end is not turned back to it.
        """
        end, other = (self.loose, self.strict) if looseness > 0 else (self.strict, self.loose)
        if (value - end) * (other - end) <= 0:
            return value
        tail = self.name.endswith("_ppm") and self.strict > self.loose
        first, last = (PPM - value, PPM - end) if tail else (value, end)
        found = first * (last / first) ** abs(looseness)
        turned = PPM - found if tail else found
        return round(turned) if isinstance(value, int) else float(f"{turned:.6g}")


KNOBS: dict[str, tuple[Knob, ...]] = {
    "exhaustion": (Knob("run_range", 4.0, 0.5), Knob("run_effective_ticks", 30, 3)),
    "absorption": (Knob("quantile_ppm", 999_000, 900_000), Knob("range_ratio", 2.0, 0.25)),
    "iceberg": (Knob("alarms_an_hour", 0.02, 8.0), Knob("volume_ratio", 6.0, 1.5)),
    "pull": (Knob("size_ppm", 999_000, 900_000), Knob("cancelled_share", 0.95, 0.6)),
    "vacuum": (Knob("low_ppm", 500, 50_000), Knob("thin_ratio", 0.1, 0.5)),
    "push_through": (Knob("size_ppm", 998_000, 800_000), Knob("burst_ppm", 999_000, 900_000)),
    "stop_run": (Knob("volume_ratio", 8.0, 1.25), Knob("small_ratio", 3.0, 1.0)),
    "cascade": (Knob("fall", 0.02, 0.0015), Knob("velocity", 10.0, 2.0)),
    "trapped": (Knob("volume_ppm", 980_000, 500_000), Knob("usual_ratio", 8, 1)),
    "divergence": (Knob("chance_ppm", 990_000, 500_000), Knob("near", 1.0, 10.0)),
    "stacking": (Knob("ratio", 6.0, 1.5), Knob("minimum_ppm", 950_000, 300_000)),
}
