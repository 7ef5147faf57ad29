"""What a browser may ask for: JSON, checked against these shapes before anything sees it.

The page `docs/DESK.md` says what each does. A text that is none of them raises CommandError with
the reason that goes back to the browser. Prices ticks, sizes lots, times ms since the epoch.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from aggressor.schema.errors import AggressorError

Lane = Annotated[int, Meta(ge=0, le=254)]
Ticks = Annotated[int, Meta(ge=-(2**31) + 1, le=2**31 - 1)]
Lots = Annotated[int, Meta(gt=0, le=2**53)]
OrderId = Annotated[int, Meta(ge=1, le=2**53)]  # as ACCOUNT has it
Words = Annotated[str, Meta(max_length=200)]


class CommandError(AggressorError):
    """A text that is no command of the desk's protocol."""


class _Command(msgspec.Struct, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    request: Annotated[int, Meta(ge=0, le=2**53)] = 0


class Watch(_Command, tag="watch"):
    """Be sent these lanes."""

    lanes: Annotated[list[Lane], Meta(min_length=1, max_length=32)]


class Play(_Command, tag="play"):
    """Let the time of a replay run."""


class Pause(_Command, tag="pause"):
    """Let it stand."""


class Pace(_Command, tag="pace"):
    """How fast it runs: seconds of the market a second."""

    speed: Annotated[float, Meta(ge=0.1, le=100.0)]


class Step(_Command, tag="step"):
    """Use so many more events while paused."""

    events: Annotated[int, Meta(ge=1, le=1000)] = 1


class Seek(_Command, tag="seek"):
    """Go to a moment, or to the event that made a signal known."""

    to_ms: float | None = None
    signal: Annotated[int, Meta(ge=0)] | None = None
    lane: Lane = 0  # of the signal

    def __post_init__(self) -> None:
        """Refuse a place that is none or two."""
        if (self.to_ms is None) == (self.signal is None):
            raise ValueError("seek takes either to_ms or signal")


class Arm(_Command, tag="arm"):
    """Allow this browser to give orders."""

    on: bool


class Bracket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where what is entered is given up and taken."""

    stop: Ticks
    target: Ticks


class Order(_Command, tag="order"):
    """Buy or sell: rest at a price, or take at the market within a cap."""

    lane: Lane
    side: Literal[1, -1]
    lots: Lots
    type: Literal["limit", "market"]
    price: Ticks | None = None  # limit
    cap_ticks: Annotated[int, Meta(ge=0, le=100_000)] | None = None  # market
    reduce_only: bool = False
    bracket: Bracket | None = None

    def __post_init__(self) -> None:
        """Refuse an order that does not say where."""
        if (self.type == "limit") != (self.price is not None):
            raise ValueError("a limit order has a price, a market order has none")
        if (self.type == "market") != (self.cap_ticks is not None):
            raise ValueError("a market order says by cap_ticks how far it may go, a limit does not")


class Move(_Command, tag="move"):
    """A working order to another price; none is named where only one works."""

    lane: Lane
    price: Ticks
    order: OrderId | None = None


class Protect(_Command, tag="protect"):
    """A bracket's stop, nearer."""

    lane: Lane
    stop: Ticks


class Cancel(_Command, tag="cancel"):
    """Give up what is not filled: of one order, or of all on the lane."""

    lane: Lane
    order: OrderId | None = None


class CancelAll(_Command, tag="cancel_all"):
    """Give up what is not filled, on every lane."""


class Flatten(_Command, tag="flatten"):
    """Give up what works and close what is held."""

    lane: Lane


class Kill(_Command, tag="kill"):
    """Pull the kill switch."""

    level: Literal["no_entries", "cancel", "flatten"]
    reason: Words = "pulled on the desk"


class Resume(_Command, tag="resume"):
    """Open the kill switch."""

    reason: Words = "opened on the desk"


class Ping(_Command, tag="ping"):
    """Be answered at once."""

    ms: float


Navigation = Play | Pause | Pace | Step | Seek
Acting = Order | Move | Protect | Cancel | CancelAll | Flatten | Resume  # what needs to be armed
Command = Watch | Navigation | Arm | Acting | Kill | Ping

_DECODER = msgspec.json.Decoder(Command)


def read_command(text: str) -> Command:
    """Return a command; raise CommandError with the reason."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as trouble:
        raise CommandError(f"no command of the desk: {trouble}") from None
