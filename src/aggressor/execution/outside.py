"""What only the outside knows and check 14 asks: maintenance and the clock."""

import msgspec


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """As the runner of the venue's line last stated it; the defaults say that nothing is known."""

    maintenance: str = ""  # what the venue announced, empty where nothing is
    clock_offset_ns: int | None = None  # of our clock to the venue's, None: not measured
