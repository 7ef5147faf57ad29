"""How an account at a venue is run, and whom it tells what is not a REPORT."""

from typing import Protocol

import msgspec

from aggressor.account.reconcile import Correction
from aggressor.venues.orders.departures import GatewayRules
from aggressor.venues.orders.tracked import Tracked


class Keeper(Protocol):
    """Whoever keeps the account's record."""

    def corrected(self, one: Correction) -> None:
        """A difference was put right."""
        ...

    def adopted(self, order: Tracked) -> None:
        """An order of ours is held that nobody had told us of."""
        ...

    def leg(self, order: Tracked) -> None:
        """A further leg of an order leaves next: keep that first."""
        ...

    def heard(self) -> None:
        """There are reports."""
        ...


class LiveRules(msgspec.Struct, frozen=True, kw_only=True):
    """How an account is run."""

    gateway: GatewayRules = GatewayRules()
    deadline_s: float = 5.0  # of a request
    picture_every_s: float = 60.0
    dead_man_s: float = 0.0  # the venue cancels all when we are silent for so long; 0: never
    cancel_on_close: bool = True
