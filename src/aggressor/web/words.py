"""What is told in words: the greeting, signals with their evidence, labelled scenarios."""

from collections.abc import Mapping, Sequence
from typing import Any

from aggressor.engine.columns import COLUMNS
from aggressor.engine.reading import CONDITION_NAMES, EVIDENCE_NAMES, Signal
from aggressor.schema.event import NO_PRICE
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import PHASE_NAMES, PROVISIONAL_NAMES, SIGNAL_NAMES
from aggressor.sim.synthetic.labels import Label
from aggressor.web.curves import LINES
from aggressor.web.heat import BOOK_LEVELS
from aggressor.web.hub import RINGS
from aggressor.web.protocol import VERSION, stated_ms
from aggressor.web.thresholds import held_against

MEANS: Mapping[str, str] = {
    "exhaustion": "A run whose takers grow weaker while price still moves: who pushed is running "
    "out.",
    "wall": "A level many times larger than its neighbours that has stood long enough.",
    "absorption": "Much is taken at a price and price does not give way: somebody takes the other "
    "side.",
    "iceberg": "A level is refilled again and again as it is taken: more rests than is shown.",
    "pull": "A large level is cancelled as price comes near: it was not meant to trade.",
    "vacuum": "Depth has gone on a side: little stands in the way.",
    "push_through": "A wall is taken by aggressors and price goes on behind it.",
    "stop_run": "Price breaks an extreme, small orders follow in a burst, and it comes back.",
    "cascade": "Forced orders drive price that forces more of them.",
    "trapped": "Who took the break of an extreme stands on the wrong side of it.",
    "divergence": "Price makes a new extreme and cumulative delta does not.",
    "stacking": "Imbalances of one side in adjacent price rows of a bar.",
}
SCENARIOS: Mapping[str, str] = {
    "iceberg": "An order far larger than it shows rests at one price and is refilled after each "
    "bite, until it is done.",
    "wall_pull": "A large wall draws the eye, then is cancelled before price can trade with it.",
    "push_through": "A wall is attacked, taken by one clearing sweep, and price goes on.",
    "exhaustion": "Takers run price one way with less and less behind each step, then it gives "
    "ticks back.",
    "cascade": "A fall forces positions out, whose orders make it fall further; open interest "
    "falls with it.",
    "absorption": "A level is filled up each time it is taken, and the attack dies there.",
    "vacuum": "Depth is taken away on one side before price moves through it.",
    "stop_run": "An extreme is broken by a few lots, stops go off behind it, and price returns.",
    "trapped": "Large buying or selling behind a break, which then fails.",
    "divergence": "A second swing reaches further than the first with weaker flow.",
    "stacking": "One side takes row after row of a bar with nothing against it.",
}


def hello(
    instruments: Sequence[Instrument],
    *,
    mode: str,
    title: str,
    read_only: bool,
    abilities: Mapping[str, bool],
    span_ns: tuple[int, int] | None,
    strategy: str | None,
    account: Mapping[str, Any],
    row_ticks: Sequence[int | None],
    heat_ms: float,
    bar_ns: int,
) -> dict[str, Any]:
    """Return HELLO."""
    return {
        "version": VERSION,
        "mode": mode,
        "title": title,
        "read_only": read_only,
        "heat_ms": heat_ms,
        "book_levels": BOOK_LEVELS,
        "rings": {kind.name.lower(): size for kind, size in RINGS.items()},
        "curve": [one._asdict() for one in LINES],
        "columns": [one._asdict() for one in COLUMNS],
        "instruments": [
            _instrument(one, k, rows, bar_ns)
            for k, (one, rows) in enumerate(zip(instruments, row_ticks, strict=True))
        ],
        "signals": [
            {
                "kind": name,
                "means": MEANS[name],
                "evidence": list(EVIDENCE_NAMES[number]),
                "conditions": [one for one in CONDITION_NAMES[number] if one],
            }
            for number, name in SIGNAL_NAMES.items()
        ],
        "scenarios": [{"kind": kind, "means": text} for kind, text in SCENARIOS.items()],
        "span": None
        if span_ns is None
        else {"start_ms": span_ns[0] / 1e6, "stop_ms": span_ns[1] / 1e6},
        "abilities": dict(abilities),
        "strategy": strategy,
        "account": dict(account),
    }


def _instrument(one: Instrument, k: int, row_ticks: int | None, bar_ns: int) -> dict[str, Any]:
    return {
        "lane": k,
        "id": one.id,
        "venue": one.venue,
        "symbol": one.symbol,
        "contract": one.kind.value,
        "base": one.base,
        "quote": one.quote,
        "settle": one.settle,
        "tick": str(one.tick),
        "tick_size": float(one.tick),
        "price_digits": one.price_grid.digits,
        "lot": str(one.lot),
        "lot_size": float(one.lot),
        "size_digits": one.size_grid.digits,
        "multiplier": float(one.multiplier),
        "inferred": one.inferred,
        "row_ticks": row_ticks,
        "bar_ms": bar_ns / 1e6,
    }


def signal_document(one: Signal, number: int, parameters: Any) -> dict[str, Any]:
    """Return a signal or near-miss as SIGNAL has it; `parameters`: its detector's record."""
    return {
        "number": number,
        "kind": SIGNAL_NAMES[one.kind],
        "phase": PHASE_NAMES[one.phase],
        "side": one.side,
        "direction": one.direction,
        "armed_ms": stated_ms(one.ts_armed),
        "confirmed_ms": stated_ms(one.ts_confirmed),
        "known_ms": stated_ms(one.ts_known),
        "low": None if one.low == NO_PRICE else one.low,
        "high": None if one.high == NO_PRICE else one.high,
        "score": one.score,
        "provisional": PROVISIONAL_NAMES[one.provisional],
        "episode": one.episode,
        "failed": one.failed,
        "said": one.described(),
        "evidence": {
            name: None if value != value else value for name, value in one.evidence.items()
        },
        "rules": held_against(one, parameters),
    }


def label_document(one: Label, number: int, *, over: bool) -> dict[str, Any]:
    """Return an injected scenario as LABEL has it; what became of it is told when it is over."""
    came_about = one.key_ns > 0
    return {
        "number": number,
        "kind": one.kind,
        "means": SCENARIOS[one.kind],
        "difficulty": one.difficulty,
        "side": one.side,
        "direction": one.direction,
        "low": one.low,
        "high": one.high,
        "start_ms": one.start_ns / 1e6,
        "stop_ms": one.stop_ns / 1e6 if over else None,
        "key_ms": one.key_ns / 1e6 if over and came_about else None,
        "came_about": came_about if over else None,
    }
