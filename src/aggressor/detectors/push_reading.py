"""What a push-through is read from (R5.6): the shares of the wall, and what strokes are usual.

Shares are of the wall's ledger since its test began. Prints take the lots that stood then first,
cancels those that came last: what others put up and take away again while the wall stands passes,
and is neither added nor cancelled. Once the older lots are gone those that came later are the wall.

Usual is what one side took in the span of a burst up to each taker order of the last hour.
Records: `push_records`. Units: ticks, lots, ns of ts_recv.
"""

from typing import Any

import numpy as np

from aggressor.detectors.push_records import PushThroughState
from aggressor.features.baseline import add_sample, advance, maturity, quantile
from aggressor.features.parameters import SECOND_NS
from aggressor.features.prints import ORDERS, PrintsState
from aggressor.kernel import Int, kernel, kernel_inline
from aggressor.market.ledger import LedgerState


@kernel
def read_level(episode: Any, ledger: LedgerState) -> None:
    """Read the shares of a wall since its test began; keep the last if its slot is another's."""
    here = ledger.slots[episode["slot"]]
    if here["episode"] != episode["ledger_episode"]:
        episode["cancelled"] = max(episode["start"] + episode["added"] - episode["traded"], 0)
        episode["lots"] = episode["open_lots"] = 0
        return
    added, pulled = here["added"] - episode["base_added"], here["pulled"] - episode["base_pulled"]
    episode["later"] += added - episode["all_added"]
    episode["added"] += added - episode["all_added"]
    gone = pulled - episode["all_pulled"]
    episode["all_added"], episode["all_pulled"] = added, pulled
    if gone < 0:
        _take_back(episode, -gone)
    traded = here["traded"] + here["pend"] - episode["base_traded"] - episode["before"]
    own = episode["own"] - (traded - episode["traded"])  # the older lots are hit first
    later = episode["later"] + min(own, 0)
    own, episode["traded"] = max(own, 0), traded
    if gone > 0:
        passed = max(min(gone, later), 0)
        episode["passed"] += passed
        episode["added"] -= passed
        episode["grown"] = min(episode["grown"], episode["added"])
        episode["cancelled"] += gone - passed
        later -= passed
        own -= gone - passed
    episode["own"], episode["later"] = own, later
    episode["lots"] = here["lots"] if here["open"] != 0 else 0
    episode["open_lots"] = here["ghost"] + here["pend"]
    episode["grown"] += max(episode["lots"] - episode["peak"], 0)
    episode["peak"] = max(episode["peak"], episode["lots"])


@kernel_inline
def refill_ratio(episode: Any) -> float:
    """Return A / V (R1.12), but for what made the wall larger than it was: no refill."""
    refilled = max(episode["added"] - episode["grown"], 0)
    return refilled / episode["traded"] if episode["traded"] > 0 else 0.0


@kernel_inline
def settle(episode: Any) -> None:
    """At a TIMER, when rows have shown what was left by prints: later lots become the wall."""
    if episode["own"] <= 0:
        episode["own"], episode["later"] = episode["own"] + episode["later"], 0


@kernel
def _take_back(episode: Any, lots: Int) -> None:
    """Take lots that turn out to have traded off what was cancelled, or passed, or came before."""
    cancelled = min(lots, episode["cancelled"])
    passed = min(lots - cancelled, episode["passed"])
    episode["cancelled"] -= cancelled
    episode["own"] += cancelled
    episode["passed"] -= passed
    episode["added"] += passed
    episode["later"] += passed
    episode["before"] += lots - cancelled - passed


@kernel_inline
def read_needed(state: PushThroughState, prints: PrintsState, k: Int, episode: Any) -> None:
    """Freeze what a clearing stroke is held against."""
    head, orders = state.head[k], prints.head[k]
    episode["needed"], episode["large"] = head["needed"], orders["large_above"]
    episode["maturity"] = min(head["maturity"], orders["maturity"])


@kernel
def read_bursts(state: PushThroughState, prints: PrintsState, k: Int, now: Int) -> None:
    """Take the bursts that end with the taker orders closed since the last TIMER."""
    head, row, closed = state.head[k], state.params[k], prints.head[k]["orders"]
    for n in range(max(head["orders_read"], closed - ORDERS + 1), closed):
        order = prints.orders[k, n & (ORDERS - 1)]
        while head["flow_first"] < n:
            oldest = prints.orders[k, head["flow_first"] & (ORDERS - 1)]
            kept = n - head["flow_first"] < ORDERS - 1
            if kept and oldest["ts_recv"] > order["ts_recv"] - row["burst_ns"]:
                break
            for j in range(2):
                if not kept:
                    head["flow"][j] = 0
                elif oldest["side"] == 1 - 2 * j:
                    head["flow"][j] -= oldest["lots"]
            head["flow_first"] = head["flow_first"] + 1 if kept else n
        if order["side"] != 0:
            j = (1 - np.int64(order["side"])) >> 1
            head["flow"][j] += order["lots"]
            add_sample(state.bursts, k, order["ts_last"], head["flow"][j])
    head["orders_read"] = closed
    second = now // SECOND_NS
    if second != head["second"]:
        head["second"] = second
        advance(state.bursts, k, now)
        head["maturity"] = maturity(state.bursts, k)
        head["needed"] = quantile(state.bursts, k, row["burst_ppm"])
