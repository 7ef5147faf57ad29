"""Does order flow move the price here?

The order-flow imbalance of the touch (OFI) and the imbalance of trades, each held against the
change of the mid over the same interval. A concurrent R2 explains, it does not predict: the last
cell looks one interval ahead.
"""

# %%
import tempfile
from pathlib import Path

import numpy as np

import aggressor as ag
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.making import make_store

MINUTES = 8
instrument, events, _ = demo_market(seed=2, minutes=MINUTES)
folder = tempfile.TemporaryDirectory()
store = make_store(Path(folder.name, "store"), {instrument: events}, name="synthetic, seed 2")
day = ag.open(store, instrument.id, profile="micro")

# %% Columns on a grid, exactly as a live run would have them.
names = ["mid", "ofi_10s", "bought_total", "sold_total"]
table = day.features(names, every="10s")
mid, ofi, bought, sold = (table[name].to_numpy() for name in names)
print(table.num_rows, "samples of", table.schema.field("ofi_10s").metadata)


# %% R2 of a straight line through the known pairs.
def r2(x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variance of y that a line through x explains."""
    known = np.isfinite(x) & np.isfinite(y)
    return float(np.corrcoef(x[known], y[known])[0, 1] ** 2)


change = np.diff(mid)
trades = np.diff(bought - sold)
print(f"same 10 s:  OFI {r2(ofi[1:], change):.2f}   trade imbalance {r2(trades, change):.2f}")

# %% One interval ahead: what is left when the answer is not in the question.
print(f"next 10 s:  OFI {r2(ofi[1:-1], change[1:]):.2f}   trades {r2(trades[:-1], change[1:]):.2f}")
folder.cleanup()
