"""What a journal amounts to, reckoned plainly from its rows: orders, positions and money."""

import sqlite3
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aggressor.schema import command, report
from aggressor.schema.command import COMMAND
from aggressor.schema.instrument import Instrument
from aggressor.schema.report import REPORT

_ENDS = (report.CANCELED, report.REJECTED, report.EXPIRED)


class Reckoned(NamedTuple):
    """The plain sums; money in 1e-8, exact."""

    placed: Counter[int]  # order -> how often it was placed
    open: dict[int, int]  # order -> lots left
    positions: list[int]
    earned: Fraction  # cash flows of fills and the value of what is held, at `mark`
    fees: int


def reckoned(path: Path, instruments: list[Instrument], marks: dict[int, Fraction]) -> Reckoned:
    """Add up every row that was ever sealed."""
    line = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    rows: list[tuple[int, int, Any]] = [
        (seq, sent, np.frombuffer(row, COMMAND if sent else REPORT)[0])
        for seq, sent, row in line.execute(
            "SELECT seq, 1, row FROM commands UNION ALL SELECT seq, 0, row FROM reports ORDER BY 1"
        )
    ]
    line.close()
    placed: Counter[int] = Counter()
    sides: dict[int, int] = {}
    left: dict[int, int] = {}
    positions = [0] * len(instruments)
    earned, fees = Fraction(0), 0
    for _, sent, row in rows:
        order = int(row["order"])
        if sent:
            if row["kind"] == command.PLACE:
                placed[order] += 1
                sides[order], left[order] = int(row["side"]), int(row["size"])
            continue
        kind, k = int(row["kind"]), int(row["instrument"])
        if kind == report.FILL:
            side, lots, price = sides[order], int(row["size"]), int(row["price"])
            positions[k] += side * lots
            earned -= side * instruments[k].notional(price, lots)  # linear
            fees += int(row["fee"])
            left[order] = int(row["leaves"])
            if left[order] == 0:
                del left[order]
        elif kind == report.FUNDED:
            fees += int(row["fee"])
        elif kind in _ENDS:
            left.pop(order, None)
        elif kind == report.AMENDED and order in left:
            left[order] = int(row["leaves"])
    for k, lots in enumerate(positions):
        if lots:
            earned += instruments[k].notional(marks[k], lots)
    return Reckoned(placed, left, positions, earned, fees)
