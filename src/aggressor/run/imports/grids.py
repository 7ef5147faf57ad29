"""On which grid each instrument of a recording stands, and where that is known from.

In this order: the recording's own exchangeInfo; what the user gave (--tick, --lot, --multiplier);
what the store knows of the instrument already; the coarsest plain grid that holds every value seen,
stated as inferred. An exchangeInfo grid that does not hold the recording's own values is made finer
and then stated as inferred too; a value off a given grid is an error. Nothing is ever rounded.

A grid is inferred from the beginning of a recording. A later value off an inferred grid makes the
import start again with the grid of the whole recording: the greatest common step of a part of the
values is a multiple of that of all, so where no value is off the grid, both are the same, and the
result does not depend on how much was looked at.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from math import gcd
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import ConfigError, MessageError
from aggressor.schema.instrument import Instrument
from aggressor.store.catalog import Catalog
from aggressor.store.importers.lines import Lines
from aggressor.store.importers.sessions import SessionFile
from aggressor.store.importers.source import Recording
from aggressor.venues.venue import Venue

_SNAPSHOT = b'@snapshot"'


class Given(NamedTuple):
    """What the user said of the grid; None where nothing was said."""

    tick: Decimal | None = None
    lot: Decimal | None = None
    multiplier: Decimal | None = None


def given_grid(tick: str | None, lot: str | None, multiplier: str | None) -> Given:
    """Return the user's numbers; raise ConfigError for one that is not a number above zero."""
    return Given(
        _number("--tick", tick), _number("--lot", lot), _number("--multiplier", multiplier)
    )


def _number(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0:
        raise ConfigError(f"{option} must be a decimal number above zero, not {text!r}.")
    return value


def survey(venue: Venue, recordings: Sequence[Recording], whole: bool) -> list[list[Instrument]]:
    """Return, for each recording, the instruments in it with their inferred grids.

    Read from the beginning of each recording, or from the `whole` of it. An instrument has one grid
    in all of them: the coarsest that holds the values of each. Exact, whatever the order.
    """
    steps: dict[str, tuple[Decimal, Decimal]] = {}
    found: list[dict[str, Instrument]] = []
    for recording in recordings:
        found.append({})
        for lines in recording.chunks():
            for one in _infer(venue, lines, found[-1]):
                tick, lot = steps.get(one.symbol, (one.tick, one.lot))
                steps[one.symbol] = common_step(tick, one.tick), common_step(lot, one.lot)
                found[-1].setdefault(one.symbol, one)
            if not whole:
                break
    return [
        [
            msgspec.structs.replace(
                one, tick=plain_step(steps[symbol][0], (1, 5, 25)), lot=plain_step(steps[symbol][1])
            )
            for symbol, one in sorted(instruments.items())
        ]
        for instruments in found
    ]


def _infer(venue: Venue, lines: Lines, known: dict[str, Instrument]) -> list[Instrument]:
    """Return what is in some lines; answers that name no symbol belong to one that is alone."""
    first_ns = int(lines.times[0])
    if len(known) == 1:
        found = venue.infer(lines.text, first_ns, next(iter(known)))
    else:
        found = venue.infer(lines.text, first_ns)
        if not known and len(found) == 1:
            found = venue.infer(lines.text, first_ns, found[0].symbol)
    for answer, symbol in _answers(lines.text):
        found.extend(venue.infer(answer, first_ns, symbol))
    return found


def _answers(text: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Yield the lines that hold a depth answer in an envelope, and the symbol it names."""
    content = text.tobytes()
    at = content.find(_SNAPSHOT)
    while at >= 0:
        begin, end = content.rfind(b"\n", 0, at) + 1, content.find(b"\n", at)
        symbol = content[content.rfind(b'"', begin, at) + 1 : at].decode(errors="replace")
        yield text[begin : end if end >= 0 else text.size], symbol
        at = content.find(_SNAPSHOT, at + 1)


def stated_in(venue: Venue, recording: Recording) -> list[Instrument]:
    """Return what the answers with instruments in a recording say, of all the venue's."""
    bodies = recording.definitions if isinstance(recording, SessionFile) else []
    try:
        return [one for ts_recv, body in bodies for one in venue.instruments(body, ts_recv)]
    except MessageError as trouble:
        raise MessageError(
            f"{recording.file.path} holds a list of instruments that is not of {venue.name} "
            f"({trouble}). Markets of one venue name their streams alike, so a recording must hold "
            "one of them only."
        ) from None


def common_step(one: Decimal, other: Decimal) -> Decimal:
    """Return the greatest step of which both are whole multiples, exactly."""
    scale = min(int(one.as_tuple().exponent), int(other.as_tuple().exponent))
    return Decimal(gcd(int(one.scaleb(-scale)), int(other.scaleb(-scale)))).scaleb(scale)


def choose(
    inferred: Sequence[Instrument],
    stated: Sequence[Instrument],
    given: Given,
    catalog: Catalog,
) -> list[Instrument]:
    """Return the definition to decode each symbol with, in order of symbol."""
    by_symbol = {instrument.symbol: instrument for instrument in stated}
    chosen: list[Instrument] = []
    for instrument in inferred:
        if instrument.symbol in by_symbol:
            start_ns = instrument.valid_from_ns
            own = msgspec.structs.replace(by_symbol[instrument.symbol], valid_from_ns=start_ns)
            chosen.append(_refined(own, instrument))
        elif given != Given():
            chosen.append(_as_given(instrument, given))
        else:
            chosen.append(catalog.instruments.get(instrument.id, [instrument])[-1])
    return chosen


def _refined(stated: Instrument, seen: Instrument) -> Instrument:
    """Return a stated grid, made finer where the recording holds values between its steps.

    Orders from before a change of the grid rest on, and an exchangeInfo may be older than its
    recording.
    """
    if seen.tick % stated.tick == 0 and seen.lot % stated.lot == 0:
        return stated
    return msgspec.structs.replace(
        stated,
        tick=common_step(stated.tick, seen.tick),
        lot=common_step(stated.lot, seen.lot),
        inferred=True,
    )


def plain_step(step: Decimal, heads: tuple[int, ...] = (1,)) -> Decimal:
    """Return the largest step of at most 1 that divides `step` and is a head times a power of ten.

    A common divisor of a few values may be any number (0.0003); venues use plain steps.
    """
    digits = max(-int(step.normalize().as_tuple().exponent), 0)
    steps = [Decimal(head).scaleb(-n) for head in heads for n in range(digits + 3)]
    return max(one for one in steps if one <= 1 and step % one == 0).normalize()


def _as_given(instrument: Instrument, given: Given) -> Instrument:
    return msgspec.structs.replace(
        instrument,
        tick=given.tick or instrument.tick,
        lot=given.lot or instrument.lot,
        multiplier=given.multiplier or instrument.multiplier,
        inferred=given.tick is None or given.lot is None,
    )


def off_grid(
    venue: Venue, text: NDArray[np.uint8], definitions: Sequence[Instrument]
) -> str | None:
    """Return the id of an instrument whose grid some value in `text` does not fit, if any."""
    known = {one.symbol: one for one in definitions}
    symbol = definitions[0].symbol if len(definitions) == 1 else ""
    for _, named in _answers(text):
        symbol = named
    for found in venue.infer(text, 0, symbol):
        grid = known.get(found.symbol)
        if grid is not None and (found.tick % grid.tick or found.lot % grid.lot):
            return grid.id
    return None
