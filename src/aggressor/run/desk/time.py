"""The time of a replay: where it should be now, however fast it runs and wherever it was moved.

Market time is wall time from an anchor on, times the speed. A machine that cannot keep up falls
behind; then the anchor is set anew, so that it does not rush to catch up later.
"""

from typing import Any

from aggressor.schema.event import NO_TIME

LATE_NS = 250_000_000  # behind by more than so much of a second of the wall: set anew


class DeskTime:
    """See the module text. Wall times in seconds of one clock, market times ns."""

    def __init__(self) -> None:
        self.playing = False
        self.speed = 1.0
        self.seeking_ns: int | None = None
        self.columns_from_ns = NO_TIME
        self.behind_ns = 0
        self._anchor_s = 0.0
        self._anchor_ns = 0
        self._began_ns = 0  # where a seek began

    def play(self, now_ns: int, wall_s: float) -> None:
        """Let it run from here."""
        self.playing = True
        self.anchor(now_ns, wall_s)

    def pause(self) -> None:
        """Let it stand."""
        self.playing, self.behind_ns = False, 0

    def pace(self, speed: float, now_ns: int, wall_s: float) -> None:
        """Run at another speed from here."""
        self.speed = speed
        self.anchor(now_ns, wall_s)

    def seek(self, to_ns: int, now_ns: int, columns_ns: int) -> None:
        """Go to a moment that lies ahead, as fast as can be; columns are made shortly before."""
        self.seeking_ns, self._began_ns = to_ns, now_ns
        self.columns_from_ns = to_ns - columns_ns

    def arrived(self, now_ns: int, wall_s: float) -> None:
        """The moment that was sought has come."""
        self.seeking_ns, self.columns_from_ns = None, NO_TIME
        self.anchor(now_ns, wall_s)

    def anchor(self, now_ns: int, wall_s: float) -> None:
        """Let market time count from here."""
        self._anchor_ns, self._anchor_s = now_ns, wall_s

    def target(self, wall_s: float) -> int:
        """Return where it should be now."""
        return self._anchor_ns + int((wall_s - self._anchor_s) * self.speed * 1e9)

    def fell_short(self, now_ns: int, wall_s: float) -> None:
        """The engine did not come as far as it should have."""
        self.behind_ns = max(0, self.target(wall_s) - now_ns)
        if self.behind_ns > LATE_NS * self.speed:
            self.anchor(now_ns, wall_s)

    def document(self, now_ns: int, *, at_end: bool) -> dict[str, Any]:
        """Return what ACCOUNT says of the clock."""
        seeking = None
        if self.seeking_ns is not None:
            way = max(1, self.seeking_ns - self._began_ns)
            gone = 0 if now_ns == NO_TIME else now_ns - self._began_ns
            seeking = {"to_ms": self.seeking_ns / 1e6, "share": min(1.0, max(0.0, gone / way))}
        return {
            "now_ms": None if now_ns == NO_TIME else now_ns / 1e6,
            "playing": self.playing,
            "speed": self.speed,
            "at_end": at_end,
            "seeking": seeking,
            "behind_ms": self.behind_ns / 1e6,
        }
