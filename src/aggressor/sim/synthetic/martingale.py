"""The martingale null: a market in which nothing predicts the mid (R11.I (b)).

Three independent Poisson streams: the mid moves one tick up or down with probability one half;
takers come with independent signs; and after every event both touch queues are drawn anew. The
spread is one tick. So every directional signal must show a zero markout, and every crossing
strategy must lose its costs and nothing else. A fill never exceeds the touch that stood before
it. Scenarios may run on top that leave the mid alone (`martingale_acts`).

Published as a venue would: CLEAR and snapshot, then for each event a TRADE row (takers) and a
depth message with the levels that changed. `ts_recv` is `ts_venue` plus a constant latency.

    params   (1,)   MARTINGALE   settings and state, written in place
    sizes    (2, levels)  int64  lots of bids and asks from the touch outward
    acts     (1,)   ACT          the scenario that runs
    before   (2, levels)  int64  scratch: `sizes` before the scenario acted
"""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.kernel import kernel
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import (
    ASK,
    BID,
    CLEAR,
    LAST,
    LEVEL,
    SNAPSHOT,
    TRADE,
    Events,
    empty_events,
)
from aggressor.sim.synthetic.chance import FLOW, SIGNS, below, exponential, seeded, uniform
from aggressor.sim.synthetic.config import DIFFICULTIES, MS, NS, SCENARIO_KINDS
from aggressor.sim.synthetic.labels import LABEL_ROW, Label, labels_of
from aggressor.sim.synthetic.martingale_acts import ACT, IDLE, MARTINGALE_KINDS, act_step
from aggressor.sim.synthetic.typed import Whole, typed

_ROWS = 1 << 15
_LABELS = 64
_LEVEL = typed(LEVEL)
_TRADE = typed(TRADE)
_NONE = typed(0)
_END = typed(LAST)

MARTINGALE = np.dtype(
    [
        (name, "<i8")
        for name in ("now", "bid", "latency_ns", "size_max", "instrument", "start_ns", "moves")
    ]
    + [("move_rate", "<f8"), ("taker_rate", "<f8")]
)


class MartingaleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the martingale null; rates are per second."""

    seed: int = 0
    start_ns: int = 1_700_000_000 * NS
    start_price: int = 12_000
    instrument: int = 0
    move_rate: float = 2.0
    taker_rate: float = 4.0
    levels: int = 10
    size_max: int = 20  # queues are uniform from 1 to this
    latency_ms: float = 5.0
    scenarios: tuple[str, ...] = ()  # of MARTINGALE_KINDS
    difficulties: tuple[str, ...] = DIFFICULTIES
    warmup_s: float = 600.0  # before the first scenario
    gap_s: float = 40.0  # least pause between scenarios

    def __post_init__(self) -> None:
        """Refuse settings that make no market."""
        for name in ("move_rate", "taker_rate", "levels", "size_max"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be above 0, not {getattr(self, name)}.")
        if unknown := set(self.scenarios) - set(MARTINGALE_KINDS):
            raise ConfigError(
                f"{min(unknown)} would move the mid; choose from {', '.join(MARTINGALE_KINDS)}."
            )
        if self.scenarios and self.levels < 10:
            raise ConfigError(f"Scenarios need 10 levels or more, not {self.levels}.")
        if not self.difficulties or set(self.difficulties) - set(DIFFICULTIES):
            raise ConfigError(f"difficulties must be some of {', '.join(DIFFICULTIES)}.")


@kernel
def _write(
    params: NDArray[Any],
    events: Events,
    row: Whole,
    kind: Whole,
    side: Whole,
    price: Whole,
    size: Whole,
    flags: Whole,
) -> Whole:
    state = params[0]
    event = events[row]
    event["ts_venue"] = state["now"]
    event["ts_recv"] = state["now"] + state["latency_ns"]
    event["kind"] = kind
    event["side"] = side
    event["price"] = price
    event["size"] = size
    event["flags"] = flags
    event["instrument"] = state["instrument"]
    return row + 1


@kernel
def _shift(
    params: NDArray[Any], chance: NDArray[Any], sizes: NDArray[Any], events: Events, row: Whole
) -> Whole:
    """Move the mid by one tick: the book moves with it, and each side gains and loses a level."""
    state = params[0]
    up = uniform(chance, SIGNS) < 0.5
    levels = sizes.shape[1]
    rising = 0 if up else 1  # the side that improves
    side = 1 - 2 * rising
    touch = state["bid"] + rising
    row = _write(params, events, row, _LEVEL, side, touch - side * (levels - 1), _NONE, _NONE)
    row = _write(params, events, row, _LEVEL, -side, touch + side, _NONE, _NONE)
    for i in range(levels - 1, 0, -1):
        sizes[rising, i] = sizes[rising, i - 1]
    for i in range(levels - 1):
        sizes[1 - rising, i] = sizes[1 - rising, i + 1]
    far = 1 + below(chance, FLOW, state["size_max"])
    sizes[1 - rising, levels - 1] = far
    state["bid"] += side
    state["moves"] += 1
    return _write(params, events, row, _LEVEL, -side, touch + side * (levels + 1), far, _NONE)


@kernel
def _tell(
    params: NDArray[Any],
    sizes: NDArray[Any],
    before: NDArray[Any],
    events: Events,
    row: Whole,
) -> Whole:
    """Publish the levels behind the touch that a scenario has changed."""
    for j in range(2):
        side = 1 - 2 * j
        for i in range(1, sizes.shape[1]):
            if sizes[j, i] != before[j, i]:
                price = params[0]["bid"] + j - side * i
                row = _write(params, events, row, _LEVEL, side, price, sizes[j, i], _NONE)
    return row


@kernel
def run_martingale(
    params: NDArray[Any],
    chance: NDArray[Any],
    sizes: NDArray[Any],
    until: Whole,
    acts: NDArray[Any],
    before: NDArray[Any],
    labels: NDArray[Any],
    events: Events,
) -> Whole:
    """Run to venue time `until`, or until `events` or `labels` is nearly full; return rows used."""
    state = params[0]
    act = acts[0]
    row = 0
    room = 8 + 2 * sizes.shape[1]
    while state["now"] < until and row + room <= events.size and act["labels"] < labels.size:
        takers = act["boost"] * state["taker_rate"]
        rate = state["move_rate"] + takers
        state["now"] += 1 + np.int64(exponential(chance, FLOW) / rate * 1e9)
        if uniform(chance, FLOW) * rate < takers:
            taken = 1 if uniform(chance, SIGNS) < act["tilt"] else 0  # a buyer takes asks
            lots = 1 + below(chance, FLOW, state["size_max"])
            lots = min(lots, sizes[taken, 0])
            price = state["bid"] + taken
            row = _write(params, events, row, _TRADE, 2 * taken - 1, price, lots, _END)
        else:
            row = _shift(params, chance, sizes, events, row)
        if act["kinds"] != 0:
            for i in range(sizes.shape[1]):
                before[0, i] = sizes[0, i]
                before[1, i] = sizes[1, i]
            act_step(acts, labels, chance, sizes, state["now"], state["bid"])
            row = _tell(params, sizes, before, events, row)
        for j in range(2):
            sizes[j, 0] = 1 + below(chance, FLOW, state["size_max"])
            price = state["bid"] + j
            flags = _END if j == 1 else _NONE
            row = _write(params, events, row, _LEVEL, 1 - 2 * j, price, sizes[j, 0], flags)
    return row


def _first_act(config: MartingaleConfig) -> NDArray[Any]:
    """Return the record of scenarios before the first one."""
    acts = np.zeros(1, ACT)
    acts["kind"] = IDLE
    acts["kinds"] = sum(1 << SCENARIO_KINDS.index(kind) for kind in config.scenarios)
    acts["difficulties"] = sum(1 << DIFFICULTIES.index(name) for name in config.difficulties)
    acts["begin_at"] = config.start_ns + int(config.warmup_s * NS)
    acts["gap_ns"] = int(config.gap_s * NS)
    acts["boost"], acts["tilt"] = 1.0, 0.5
    return acts


class MartingaleFeed:
    """A Feed of the martingale null; endless unless `duration_s` is given."""

    def __init__(self, config: MartingaleConfig, duration_s: float | None = None) -> None:
        self.config = config
        self._params = np.zeros(1, MARTINGALE)
        for name in ("latency_ns", "size_max", "instrument", "start_ns", "move_rate", "taker_rate"):
            value = config.latency_ms * MS if name == "latency_ns" else getattr(config, name)
            self._params[0][name] = value
        self._params[0]["now"] = config.start_ns
        self._params[0]["bid"] = config.start_price
        generator = np.random.default_rng(config.seed)
        self._chance = seeded(generator)
        self._sizes = generator.integers(1, config.size_max + 1, (2, config.levels))
        self.labels: list[Label] = []
        self._acts = _first_act(config)
        self._before = np.zeros_like(self._sizes)
        self._stop_ns = 2**62 if duration_s is None else config.start_ns + int(duration_s * NS)
        self._ready = self._snapshot()

    def poll(self, limit: Whole) -> Events:
        """Return up to `limit` next events; an empty array once the market's time is over."""
        if self._ready.size == 0:
            events = empty_events(_ROWS)
            labels = np.zeros(_LABELS, LABEL_ROW)
            self._acts["labels"] = 0
            count = run_martingale(
                self._params,
                self._chance,
                self._sizes,
                self._stop_ns,
                self._acts,
                self._before,
                labels,
                events,
            )
            self.labels += labels_of(labels[: int(self._acts[0]["labels"])])
            self._ready = events[:count]
        events, self._ready = self._ready[:limit], self._ready[limit:]
        return events

    def _snapshot(self) -> Events:
        rows = empty_events(1 + self._sizes.size)
        rows["ts_venue"] = self.config.start_ns
        rows["ts_recv"] = self.config.start_ns + int(self.config.latency_ms * MS)
        rows["instrument"] = self.config.instrument
        rows["kind"] = LEVEL
        rows["flags"] = SNAPSHOT
        levels = self.config.levels
        for j, side in enumerate((BID, ASK)):
            part = rows[1 + j * levels : 1 + (j + 1) * levels]
            part["side"] = side
            part["price"] = self.config.start_price + j - side * np.arange(levels)
            part["size"] = self._sizes[j]
        rows[0]["kind"] = CLEAR
        rows[0]["flags"] = 0
        rows[-1]["flags"] = SNAPSHOT | LAST
        return rows
