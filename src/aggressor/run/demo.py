"""The demo: a synthetic market with known truth through the whole path, with no network and no
keys.

What is injected is known, so every signal can be held against it: a label is found when a
confirmed signal of its kind and side was known while it lasted or shortly after. Labels whose
detector does not exist yet are shown as not judged, and confirmed signals that meet no label are
shown too. The trades are those of the exhaustion scalp; what they earn on a market that we made
ourselves says nothing about any real one.
"""

import time
from collections.abc import Sequence
from typing import Any

from aggressor.engine.engine import Engine
from aggressor.engine.reading import Signal, read_signals
from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import footprint_bars
from aggressor.run.assemble import Settings, assemble
from aggressor.run.backtest import play, summary
from aggressor.run.footprint import bar_document
from aggressor.run.progress import Step, silent
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import CONFIRMED, EXHAUSTION, SIGNAL_NAMES, WALL
from aggressor.sim.synthetic.labels import Label
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode

KIND_OF_LABEL = {"exhaustion": EXHAUSTION, "wall_pull": WALL, "push_through": WALL}
GRACE_NS = 5_000_000_000  # a signal may be known this long after its scenario has ended
CAVEATS = (
    "A market that we made ourselves: what the strategy earns here says nothing about a real one.",
    "Scenarios are far denser here than in any market, so baselines hold many of them.",
)


def run_demo(seed: int, progress: Step = silent) -> dict[str, Any]:
    """Run the whole path on the demo's market; return the document of the command."""
    began = time.perf_counter()
    progress("making the market", None)
    instrument, events, labels = demo_market(seed)
    settings = Settings(profile="micro", maker_bp=0.5, taker_bp=2.0, equity=100_000.0)
    assembly = assemble([instrument], settings, Mode.BACKTEST)
    exchange = play(assembly, replay_of([events]), [instrument], progress, events.size)
    signals = _signals(assembly.engine)
    seconds = time.perf_counter() - began
    return {
        **summary(assembly, instrument, 0),
        "instrument": instrument.id,
        "seed": seed,
        "bars": _bars(instrument, events),
        "labels": [_label_document(one, signals, instrument) for one in labels],
        "unlabelled": _unlabelled(signals, labels),
        "events": exchange.handed_out,
        "seconds": seconds,
        "events_per_second": exchange.handed_out / seconds,
        "parameters": {name: getattr(settings, name) for name in settings.__struct_fields__},
        "caveats": list(CAVEATS),
    }


def _signals(engine: Engine) -> list[Signal]:
    """Return the confirmed signals."""
    every = read_signals(engine.journal.signals)
    return [one for one in every if one.phase == CONFIRMED]


def _bars(instrument: Instrument, events: Events) -> list[dict[str, Any]]:
    """Return one-minute footprint bars without their cells."""
    series = BarSeries(0, bar_spec("1m", instrument))
    documents = (bar_document(instrument, one) for one in footprint_bars([events], series))
    return [{name: bar[name] for name in bar if name != "cells"} for bar in documents]


def meets(signal: Signal, label: Label) -> bool:
    """Return whether a signal says what a label says: kind, side, zone, time."""
    if KIND_OF_LABEL.get(label.kind) != signal.kind:
        return False
    inside = label.start_ns <= signal.ts_confirmed <= label.stop_ns + GRACE_NS
    if signal.kind == WALL:
        return inside and signal.side == label.side and label.low <= signal.low <= label.high
    return inside and signal.side == label.direction


def _label_document(
    label: Label, signals: Sequence[Signal], instrument: Instrument
) -> dict[str, Any]:
    found = [one for one in signals if meets(one, label)]
    judged = label.kind in KIND_OF_LABEL
    first = min(found, key=lambda one: one.ts_confirmed) if found else None
    return {
        "kind": label.kind,
        "difficulty": label.difficulty,
        "side": label.side,
        "direction": label.direction,
        "start_ns": label.start_ns,
        "stop_ns": label.stop_ns,
        "low": instrument.price_text(label.low),
        "high": instrument.price_text(label.high),
        "judged": judged,
        "found": None if not judged else first is not None,
        "signal": None if first is None else SIGNAL_NAMES[first.kind],
        "after_seconds": None if first is None else (first.ts_confirmed - label.start_ns) / 1e9,
        "score": None if first is None else first.score,
        "provisional": None if first is None else bool(first.provisional),
    }


def _unlabelled(signals: Sequence[Signal], labels: Sequence[Label]) -> dict[str, int]:
    """Count confirmed signals per kind that meet no label."""
    counts: dict[str, int] = {}
    for one in signals:
        if not any(meets(one, label) for label in labels):
            name = SIGNAL_NAMES[one.kind]
            counts[name] = counts.get(name, 0) + 1
    return counts
