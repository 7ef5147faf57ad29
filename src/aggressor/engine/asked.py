"""Which measures a run computes: groups that its strategies ask for, the rest left out.

The market (book, ledger, tape, health), bars with their footprint, the windows of delta, pressure
at the touch and the yardsticks (volatility, effective tick, spread) are always there. The rest
comes in four groups, named in the field `needs` of a strategy:

    flow      taker orders with their sizes and speed, VPIN, impact, fade, forced orders
    depth     walls, near depth, flow over ten levels, resilience                 (with flow)
    profile   session, locations, auctions, swings, bias of higher time frames
    signals   all detectors, cascade, interest, liquidity                         (with all others)

A strategy that does not say what it needs gets everything. What is left out is not zero: the View
raises `NotComputedError` when it is asked for it. One bit a group, kept in the pipeline's head,
where the kernels look before a part; a run says in its result and in its journal what was on.
"""

from collections.abc import Iterable

from aggressor.schema.errors import AggressorError, ConfigError

FLOW = 1
DEPTH = 2
PROFILE = 4
SIGNALS = 8
EVERYTHING = FLOW | DEPTH | PROFILE | SIGNALS

_WITH = {
    "flow": FLOW,
    "depth": DEPTH | FLOW,
    "profile": PROFILE,
    "signals": EVERYTHING,
}
_NAMES = {"flow": FLOW, "depth": DEPTH, "profile": PROFILE, "signals": SIGNALS}


class NotComputedError(AggressorError):
    """A measure was asked for that this run leaves out."""


def asked_of(names: Iterable[str]) -> int:
    """Return the bits of groups by name, with those they rest on; ConfigError for a stranger."""
    bits = 0
    for name in names:
        if name not in _WITH:
            raise ConfigError(
                f"There is no group of measures {name!r}; there is {', '.join(_WITH)}."
            )
        bits |= _WITH[name]
    return bits


def asked_names(bits: int) -> tuple[str, ...]:
    """Return the names of the groups that are computed."""
    return tuple(name for name, bit in _NAMES.items() if bits & bit)


def refuse(what: str, group: int) -> None:
    """Raise: `what` belongs to a group that is left out."""
    (name,) = asked_names(group)
    raise NotComputedError(
        f"`{what}` is not computed in this run: no strategy asks for it. Name {name!r} in the "
        "`needs` of the strategy, or leave `needs` away to have everything."
    )
