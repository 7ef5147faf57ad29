"""Lee and Ready's rule over whole lists of mids and prints."""

from collections.abc import Sequence

Mid = tuple[int, int | None]  # ts_venue, half ticks; None: not known


def sign(mids: Sequence[Mid], prices: Sequence[int], ts_venue: int) -> int:
    """Return the side of the last of `prices`, given the mids received before it."""
    before = [mid2 for ts, mid2 in mids if ts < ts_venue]
    price = prices[-1]
    if before and before[-1] is not None and 2 * price != before[-1]:
        return 1 if 2 * price > before[-1] else -1
    for one, other in zip(reversed(prices[:-1]), reversed(prices[1:]), strict=True):
        if one != other:
            return 1 if other > one else -1
    return 0
