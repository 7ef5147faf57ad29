"""What happened, and how do we know.

A synthetic market with known truth is written to a store in a temporary folder; the store is read
as any recording would be. Nothing here needs a network.
"""

# %%
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

import aggressor as ag
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.making import make_store

MINUTES = 8
instrument, events, labels = demo_market(seed=1, minutes=MINUTES)
folder = tempfile.TemporaryDirectory()
store = make_store(Path(folder.name, "store"), {instrument: events}, name="synthetic, seed 1")
day = ag.open(store, instrument.id, profile="micro")
print(day, f"{events.size:,} events, {len(labels)} injected scenarios")

# %% The bars: who was aggressive, and where. Integers inside; `in_units` makes prices of them.
bars = day.footprint("1m")
columns = ["open_ns", "open", "close", "volume", "delta", "cvd", "quality"]
print(ag.in_units(bars.select(columns)))
largest = int(np.argmax(np.abs(bars["delta"].to_numpy())))
print("the most one-sided minute:", bars["delta"][largest], "lots")

# %% What the detectors said, each with its evidence, and what they nearly said.
said = day.signals(near_misses=True)
for phase in ("confirmed", "rejected", "expired"):
    rows = said.filter(pc.equal(said["phase"], phase))
    print(f"{rows.num_rows} {phase}")
for row in said.slice(0, 3).to_pylist():
    why = row["failed"] or ", ".join(f"{name} {value:g}" for name, value in row["evidence"][:3])
    print(row["kind"], row["phase"], row["low_text"], "-", row["high_text"], why)

# %% The book at one moment, with what the ledger saw at each level.
middle = int(bars["open_ns"][largest].as_py())
print(ag.in_units(day.book(middle, levels=3).drop_columns(["since_ns"])))

# %% What was injected: the truth that the signals may be held against.
for label in labels:
    print(label.kind, label.difficulty, label.low, label.high)
folder.cleanup()
