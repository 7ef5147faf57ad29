"""The demo: a synthetic market with known truth through the whole path, with no network and no
keys.

What is injected is known, so every signal can be held against it: a label is found when a
confirmed signal of its kind and side was known while it lasted or shortly after, by the rules of
`score`. Confirmed signals that meet no label are shown too. The trades are those of the exhaustion
scalp; what they earn on a market that we made ourselves says nothing about any real one.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aggressor.features.bars import bar_spec
from aggressor.features.series import BarSeries
from aggressor.features.table import footprint_bars
from aggressor.run.assemble import Settings, assemble
from aggressor.run.backtests.backtest import play
from aggressor.run.backtests.trade_records import summary
from aggressor.run.progress import Step, silent
from aggressor.run.studies.footprint import bar_document
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.schema.signal import SIGNAL_NAMES, WALL, Signals
from aggressor.sim.synthetic.labels import Label
from aggressor.sim.synthetic.presets import demo_market
from aggressor.sim.synthetic.scoring import (
    GRACE_NS,
    TOLERANCE_TICKS,
    agrees,
    first_confirmed,
    overlaps,
)
from aggressor.store.replay import replay_of
from aggressor.strategies.gates import Mode

CAVEATS = (
    "A market that we made ourselves: what the strategy earns here says nothing about a real one.",
    "Its runs are so steep that a cascade is watched for in most: the demo trades in WATCH, which "
    "the scalp's defaults refuse.",
    "Scenarios are far denser here than in any market, so baselines hold many of them.",
)


def run_demo(seed: int, progress: Step = silent) -> dict[str, Any]:
    """Run the whole path on the demo's market; return the document of the command."""
    began = time.perf_counter()
    progress("making the market", None)
    instrument, events, labels = demo_market(seed)
    settings = Settings(
        profile="micro",
        maker_bp=0.5,
        taker_bp=2.0,
        equity=100_000.0,
        rule={"trade_in_watch": True},
    )
    assembly = assemble([instrument], settings, Mode.BACKTEST)
    exchange = play(assembly, replay_of([events]), [instrument], progress, events.size)
    signals = first_confirmed(assembly.engine.journal.signals, 0)
    seconds = time.perf_counter() - began
    return {
        **summary(assembly, instrument, 0),
        "instrument": instrument.id,
        "seed": seed,
        "bars": _bars(instrument, events),
        "labels": [_label_document(one, signals, instrument) for one in labels if one.key_ns > 0],
        "unlabelled": _unlabelled(signals, labels),
        "events": exchange.handed_out,
        "seconds": seconds,
        "events_per_second": exchange.handed_out / seconds,
        "parameters": {name: getattr(settings, name) for name in settings.__struct_fields__},
        "caveats": list(CAVEATS),
    }


def _bars(instrument: Instrument, events: Events) -> list[dict[str, Any]]:
    """Return one-minute footprint bars without their cells."""
    series = BarSeries(0, bar_spec("1m", instrument))
    documents = (bar_document(instrument, one) for one in footprint_bars([events], series))
    return [{name: bar[name] for name in bar if name != "cells"} for bar in documents]


def meets(row: Any, label: Label) -> bool:
    """Return whether a SIGNAL row says what a label says: kind, side, zone, time."""
    return agrees(row, label) and overlaps(row, label, GRACE_NS, TOLERANCE_TICKS)


def _label_document(label: Label, signals: Signals, instrument: Instrument) -> dict[str, Any]:
    first = next((row for row in signals if meets(row, label)), None)
    after = None if first is None else (int(first["ts_confirmed"]) - label.start_ns) / 1e9
    return {
        "kind": label.kind,
        "difficulty": label.difficulty,
        "side": label.side,
        "direction": label.direction,
        "start_ns": label.start_ns,
        "stop_ns": label.stop_ns,
        "low": instrument.price_text(label.low),
        "high": instrument.price_text(label.high),
        "found": first is not None,
        "signal": None if first is None else SIGNAL_NAMES[int(first["kind"])],
        "after_seconds": after,
        "score": None if first is None else float(first["score"]),
        "provisional": None if first is None else bool(first["provisional"]),
    }


def _unlabelled(signals: Signals, labels: Sequence[Label]) -> dict[str, int]:
    """Count confirmed patterns that meet no label; a wall is no pattern of its own."""
    strangers = (
        SIGNAL_NAMES[int(row["kind"])]
        for row in signals
        if row["kind"] != WALL and not any(meets(row, label) for label in labels)
    )
    return dict(Counter(strangers).most_common())
