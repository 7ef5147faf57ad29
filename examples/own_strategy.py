"""A strategy of your own: one class with `decide(view)`, backtested with queues and latency.

On a recording of yours, with the numbers in a TOML file (`lean = 0.4`):

    aggressor backtest DIR --instrument binance-usdm:BTCUSDT \
        --strategy examples/own_strategy.py:Leaning --params numbers.toml
"""

# %%
import tempfile
from pathlib import Path

from aggressor.engine.view import View
from aggressor.execution.intent import Intent
from aggressor.run.assemble import Settings
from aggressor.run.backtests.backtest import run_backtest
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.making import make_store
from aggressor.strategies.wants import enter, leave


# %% It buys when the bid is far larger than the ask, unless it was just sold; and the other way.
class Leaning:
    """Follows a lopsided touch; `waiting` asks for a decision every 100 ms."""

    waiting = True

    def __init__(self, lean: float = 0.8, stop_ticks: int = 6, hold_s: float = 20.0) -> None:
        self.lean, self.stop_ticks, self.hold_s = lean, stop_ticks, hold_s

    # %% Asked at every decision point; every want is checked before it becomes an order.
    def decide(self, view: View) -> Intent | None:
        """Return what is wanted now, or nothing."""
        if not view.valid:
            return None
        if view.trade is not None:
            held = view.now_ns - view.trade.began_ns
            return leave(view, "time") if held > self.hold_s * 1e9 else None
        lean = (view.bid_lots - view.ask_lots) / (view.bid_lots + view.ask_lots)
        if abs(lean) < self.lean or lean * view.delta_now < 0:
            return None
        side = 1 if lean > 0 else -1
        touch = view.ask if side > 0 else view.bid
        stop, target = touch - side * self.stop_ticks, touch + side * self.stop_ticks
        return enter(view, side, lots=1, stop=stop, targets=[target], cap_ticks=1, reason="leans")


# %% Eight minutes of a made market; what it earns there says nothing about any real one.
if __name__ == "__main__":
    instrument, events, _ = demo_market(seed=1, minutes=8)
    with tempfile.TemporaryDirectory() as folder:
        store = make_store(Path(folder, "store"), {instrument: events})
        settings = Settings(strategy=f"{__file__}:Leaning", profile="micro")
        result = run_backtest(store, instrument.id, settings)
    print(f"{result['strategy']}: {result['trades']} trades, net {result['pnl']}")
    for trade in result["trade_list"][:3]:
        print(trade["side"], trade["entry"], trade["exit_reason"], trade["markouts_ticks"])
