"""A setup: what a strategy has heard and waits to act on, in a frame of its own (`facing`)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self


@dataclass(slots=True, kw_only=True)
class Setup(ABC):
    """What all setups have; prices and sides of those that follow are the frame's."""

    up: int  # the frame
    episode: int  # of the signal
    ts_known: int
    provisional: int
    e: float  # effective tick, ticks
    seen: dict[str, float]  # the signal's evidence, as it was written

    @abstractmethod
    def moved(self, ticks: int, now_ns: int) -> Self:
        """Return the same setup `ticks` of the frame further up, told of at `now_ns`."""
