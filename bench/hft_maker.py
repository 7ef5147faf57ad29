"""The market maker of market_maker.py in hftbacktest: orders filled and money, on the same tape.

    PEERS_DIR=<scratch> PEERS_DATA=<generated> .venv-bench/bin/python hft_maker.py BENCH [UPDATES]

Run with the environment that has hftbacktest. Money is in ticks of one order, without fees, marked
at the mid, as market_maker.py prints it; one JSON line a queue model.
"""

import json
import sys
from pathlib import Path
from typing import Any

ORDER, POSITION_MAX, TICK = 0.01, 10, 0.1


def main() -> None:
    """Run the maker of peers/p_bt.py once with each queue model."""
    folder = Path(sys.argv[1])
    updates = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    sys.path.insert(0, str(folder / "peers"))
    import common  # pyright: ignore[reportMissingImports]
    from hftbacktest import (  # pyright: ignore[reportMissingImports]
        BUY,
        GTX,
        LIMIT,
        HashMapMarketDepthBacktest,
    )
    from hftdata import asset, events  # pyright: ignore[reportMissingImports]
    from numba import njit

    @njit
    def maker(h: Any, spread: int) -> float:
        mid = 0.0
        while h.elapse(100_000_000) == 0:
            h.clear_inactive_orders(0)
            depth = h.depth(0)
            bid, ask = depth.best_bid_tick, depth.best_ask_tick
            if bid <= 0 or ask > 10_000_000:
                continue
            mid = 0.5 * (bid + ask)
            below, above = bid - spread, ask + spread
            has_bid, has_ask = False, False
            orders = h.orders(0).values()
            while orders.has_next():
                one = orders.get()
                wanted = below if one.side == BUY else above
                if one.price_tick == wanted:
                    has_bid, has_ask = has_bid or one.side == BUY, has_ask or one.side != BUY
                elif one.cancellable:
                    h.cancel(0, one.order_id, False)
            held = round(h.position(0) / ORDER)  # a sum of floats: 10 orders come as 9.99...
            if not has_bid and held < POSITION_MAX:
                h.submit_buy_order(0, below, below * TICK, ORDER, GTX, LIMIT, False)
            if not has_ask and held > -POSITION_MAX:
                h.submit_sell_order(0, above, above * TICK, ORDER, GTX, LIMIT, False)
        return mid

    tape = events(common.book(updates))
    for queue in ("power_prob_queue_model2", "risk_adverse_queue_model"):
        backtest = HashMapMarketDepthBacktest([asset(tape, queue=queue)])
        mid = float(maker(backtest, 40))
        state = backtest.state_values(0)
        value = float(state.balance) / TICK / ORDER + float(state.position) / ORDER * mid
        line = {
            "what": "market maker, hftbacktest",
            "queue": queue,
            "filled": int(state.num_trades),
            "position_orders": round(float(state.position) / ORDER),
            "pnl_ticks": value,
        }
        print(json.dumps(line), flush=True)
        backtest.close()


if __name__ == "__main__":
    main()
