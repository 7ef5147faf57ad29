"""How long to stay away after a failure: exponential, with full jitter.

The n-th wait in a row is uniform between 0 and min(cap, first x 2^n): many clients that lost the
same venue at the same moment do not come back at the same moment (M. Brooker, "Exponential backoff
and jitter", 2015). What has worked for a while begins anew.
"""

import random


class Backoff:
    """Waits of one connection or request."""

    def __init__(
        self, first_s: float = 0.25, cap_s: float = 30.0, chance: random.Random | None = None
    ) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._chance = chance or random.Random()
        self.failures = 0

    def failed(self) -> float:
        """Return how many seconds to wait after one more failure."""
        most = min(self._cap_s, self._first_s * 2.0 ** min(self.failures, 40))
        self.failures += 1
        return self._chance.uniform(0.0, most)

    def worked(self) -> None:
        """Forget the failures."""
        self.failures = 0
