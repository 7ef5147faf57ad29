"""Whose messages a recording holds, judged by its first lines: a wrong venue is said, not taken.

A line is a misfit of a venue if its decoder does not understand it or knows no kind of message like
it. Markets of one venue share most of their messages (trades and quotes of spot look like those of
futures), so a few misfits decide, if another venue has fewer. Two futures markets may share all:
there the quote currency decides, because inverse contracts, and only they, are quoted in USD.
"""

from collections.abc import Sequence

import numpy as np

from aggressor.run.imports.grids import survey
from aggressor.schema.errors import MessageError
from aggressor.schema.event import empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.store.importers.lines import Lines
from aggressor.store.importers.source import Recording
from aggressor.store.importers.tables import TableFile
from aggressor.venues.table import VENUES
from aggressor.venues.venue import BAD, FULL, Venue, cannot_infer

_EVENT_ROWS = 65_536
_FOREIGN = ("unnamed", "array")  # kinds of message that name no kind at all


def check_venue(venue: Venue, recording: Recording, inferred: Sequence[Instrument]) -> None:
    """Raise MessageError if a recording is not of `venue`, naming the venues that fit better.

    `inferred`: the instruments in it with the grids of its own values.
    """
    if isinstance(recording, TableFile) and recording.venue not in ("", venue.name):
        raise MessageError(
            f"{recording.file.path} is of {recording.venue}: use --venue {recording.venue}."
        )
    for lines in recording.chunks():
        own, trouble = misfits(venue, lines, inferred)
        if own == 0:
            return
        others = {
            other.name: misfits(other, lines, survey(other, [recording], whole=False)[0])[0]
            for other in VENUES.values()
            if other.name != venue.name and other.infer is not cannot_infer
        }
        least = min(others.values(), default=own)
        fitting = [f"--venue {name}" for name, count in others.items() if count == least < own]
        if not fitting and 2 * own <= len(lines.times):
            return
        mend = (
            f"use {' or '.join(fitting)}" if fitting else "no venue known here sends such messages"
        )
        raise MessageError(
            f"{recording.file.path} is not a recording of {venue.name}: of its first "
            f"{len(lines.times)} messages {own} do not fit ({trouble}); {mend}."
        )


def misfits(venue: Venue, lines: Lines, inferred: Sequence[Instrument]) -> tuple[int, str]:
    """Return how many of some lines are not of a venue, and an example in words."""
    strange = [one for one in inferred if one.quote and one.kind is not _kind_of(one, venue)]
    if strange and len(strange) == len(inferred):
        kind = "linear" if venue.kind is ContractKind.INVERSE else "inverse"
        return len(lines.times), f"{strange[0].symbol} is a symbol of {kind} contracts"
    decoder = venue.market_decoder([(one, lane) for lane, one in enumerate(inferred)])
    out = empty_events(max(_EVENT_ROWS, int(np.diff(lines.lines).max())))
    at = count = 0
    trouble = "a message that names no kind"
    while at < lines.text.size:
        progress = decoder.decode_lines(lines.text, at, lines.text.size, out)
        at = progress.stop
        if progress.reason == BAD:
            count += 1
            trouble = str(decoder.trouble)
        elif progress.reason != FULL:
            break
    return count + sum(decoder.ignored.get(kind, 0) for kind in _FOREIGN), trouble


def _kind_of(instrument: Instrument, venue: Venue) -> ContractKind:
    """Return what kind of contract a symbol with this quote currency would be."""
    if instrument.quote == "USD":
        return ContractKind.INVERSE
    return ContractKind.LINEAR if venue.kind is ContractKind.INVERSE else venue.kind
