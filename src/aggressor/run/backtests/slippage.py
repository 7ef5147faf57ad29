"""`aggressor slippage`: what each policy of execution costs on a recording, and the model of fills.

The model that cross-or-wait uses is fitted on another instrument where one is named (`fit_on`), so
that nothing of the orders under study is in it; fitted on the same tape it is said to be in sample.
"""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from aggressor.execution.fill_chance import FillModel
from aggressor.run.assemble import latency_of
from aggressor.run.progress import Step, silent
from aggressor.schema.errors import ConfigError
from aggressor.sim.costs import Costs
from aggressor.sim.latency import Latency
from aggressor.sim.queue import Queue, queue_of
from aggressor.store.reader import Store
from aggressor.study.alone import Tape
from aggressor.study.fill_model import fit_fills, reliability
from aggressor.study.shadow import join_waits, shadow_orders
from aggressor.study.slippage import Rule, moments, slippage, summarise

_NEVER = 2**63 - 1
_ROWS = 1 << 20
HORIZON_S = 10.0
CAVEATS = (
    "The recorded market does not react to these orders, and an order is filled whole when price "
    "trades through it: sizes beyond a small part of the level come out too well.",
    "Orders that overlap share one market; the intervals say nothing of other hours.",
)


def load_tape(store: Path, instrument: str, progress: Step = silent) -> Tape:
    """Read an instrument of a store into memory, with TIMERs."""
    opened = Store(store)
    definition = opened.definition(instrument, -_NEVER, _NEVER)
    feed = opened.replay([instrument], -_NEVER, _NEVER)
    parts = []
    progress(f"reading {instrument}", None)
    while (events := feed.poll(_ROWS)).size:
        parts.append(events)
    if not parts:
        raise ConfigError(f"The store holds nothing of {instrument}.")
    return Tape(np.concatenate(parts), definition)


def fit_tape(tape: Tape, latency: Latency, queue: Queue) -> FillModel | str:
    """Fit the model of fills on a tape; return why there is none."""
    both = [shadow_orders(tape, side, latency=latency, queue=queue) for side in (1, -1)]
    return fit_fills(join_waits(both), tape.instrument.id)


def run_slippage(
    store: Path,
    instrument: str,
    sizes: Sequence[str],
    rule: Rule,
    *,
    latency_ms: str = "50,100,100",
    queue: str = "risk-averse",
    maker_bp: float = 2.0,
    taker_bp: float = 5.0,
    fit_on: str | None = None,
    save_model: Path | None = None,
    progress: Step = silent,
) -> dict[str, Any]:
    """Return the document of the command. Raises ConfigError for what cannot be."""
    latency, model_of_queue = latency_of(latency_ms), queue_of(queue)
    costs = Costs(maker_bp=Decimal(str(maker_bp)), taker_bp=Decimal(str(taker_bp)))
    tape = load_tape(store, instrument, progress)
    lots = [tape.instrument.lots(size) for size in sizes]
    if min(lots, default=0) <= 0:
        raise ConfigError("Name sizes above zero, in the venue's unit of size.")
    fitted_on = fit_on or instrument
    other = tape if fitted_on == instrument else load_tape(store, fitted_on, progress)
    progress("fitting the chance of a fill", None)
    model = fit_tape(other, latency, model_of_queue)
    usable = model if isinstance(model, FillModel) else None
    if save_model is not None:
        if usable is None:
            raise ConfigError(f"There is no model to keep: {model}.")
        save_model.write_bytes(msgspec.json.encode(usable))
    outcomes = slippage(
        tape,
        lots,
        rule,
        latency=latency,
        queue=model_of_queue,
        costs=costs,
        model=usable,
        progress=progress,
    )
    if not outcomes:
        raise ConfigError(f"The recording of {instrument} is too short for orders of that length.")
    return {
        "instrument": instrument,
        "span_s": (tape.span_ns[1] - tape.span_ns[0]) / 1e9,
        "moments": len(moments(tape, rule)),
        "rows": summarise(outcomes, tape, rule),
        "fill_model": _model_document(model, fitted_on, instrument, tape, latency, model_of_queue),
        "parameters": {
            **msgspec.to_builtins(rule),
            "sizes": list(sizes),
            "latency_ms": latency_ms,
            "queue": queue,
            "maker_bp": maker_bp,
            "taker_bp": taker_bp,
        },
        "caveats": list(CAVEATS),
    }


def _model_document(
    model: FillModel | str,
    fitted_on: str,
    instrument: str,
    tape: Tape,
    latency: Latency,
    queue: Queue,
) -> dict[str, Any]:
    if isinstance(model, str):
        return {"fitted_on": fitted_on, "why_none": model}
    waits = join_waits([shadow_orders(tape, s, latency=latency, queue=queue) for s in (1, -1)])
    held = reliability(model, waits, HORIZON_S)
    return {
        "fitted_on": fitted_on,
        "in_sample": fitted_on == instrument,
        "beta": dict(zip(("one", "queue", "imbalance", "spread", "rate"), model.beta, strict=True)),
        "errors": [float(np.sqrt(row[i])) for i, row in enumerate(model.covariance)],
        "shape": model.shape,
        "adverse_bp": model.adverse_bp,
        "drift_bp": model.drift_bp,
        "orders": model.orders,
        "filled": model.filled,
        "horizon_s": HORIZON_S,
        "brier": held.brier,
        "brier_of_the_share": held.base,
        "deciles": held.deciles,
    }
