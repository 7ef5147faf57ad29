"""Columns: every measure that the pipeline holds now, as one row of float64, nan where not known.

`read_columns` is the only kernel that reads them, so a quant's column, a chart and a screen show
the same number, live and recorded. It computes nothing of its own: what is not in a state is not
here. A measure is added by a line in one of the tables and a line at the end of the piece that
writes it; columns stand in the order of `COLUMNS`.

Book columns are nan while the book is not valid (R0.4). Depth columns read the depth ladder, those
of the touch the fused top. `..._total` columns are running sums since the replay began: what
happened in a span is the difference of two rows. Units: ticks, lots, seconds; "share" is a number
from -1 to 1, "flag" 0 or 1.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggressor.context.bias import UNKNOWN_BIAS
from aggressor.context.interest import UNKNOWN_REGIME
from aggressor.context.liquidity import UNKNOWN_LIQUIDITY
from aggressor.engine.parts import Pipeline
from aggressor.features.baseline import UNKNOWN
from aggressor.features.delta import window_delta, window_volume
from aggressor.features.depth import depth_bp, depth_ticks
from aggressor.features.depth_flow import RANKS
from aggressor.features.depth_flow import flow_window as rank_flow
from aggressor.features.forced import SHORT
from aggressor.features.forced import UNKNOWN as UNKNOWN_SPLIT
from aggressor.features.imbalance import signed_ratio, top_imbalance
from aggressor.features.microprice import micro_price
from aggressor.features.pressure import flow_window, queue_imbalance, weighted_mid
from aggressor.kernel import Int, kernel
from aggressor.market.health import FAULT_STALE
from aggressor.schema.errors import ConfigError
from aggressor.schema.event import NO_PRICE, NO_TIME

LEVELS_MAX = 1024  # levels one depth may walk
SECOND_NS = 1_000_000_000
_MONEY = 1e-8


class Column(NamedTuple):
    """What one column holds."""

    name: str
    unit: str
    meaning: str


_TOUCH = (
    Column("book_valid", "flag", "1 while the book is whole, two-sided, not crossed, not stale"),
    Column("book_age", "s", "since the last book message"),
    Column("bid", "ticks", "best bid, depth fused with newer quotes"),
    Column("ask", "ticks", "best ask, depth fused with newer quotes"),
    Column("bid_lots", "lots", "resting at the best bid"),
    Column("ask_lots", "lots", "resting at the best ask"),
    Column("mid", "ticks", "middle of bid and ask"),
    Column("spread", "ticks", "ask less bid"),
    Column("weighted_mid", "ticks", "mid moved towards the thinner queue"),
    Column("queue_imbalance", "share", "(bid - ask) / (bid + ask) lots at the touch"),
)
_DEPTH = (
    Column("imbalance_3", "share", "queue imbalance over the first 3 grid prices a side"),
    Column("imbalance_5", "share", "the same over the first 5"),
    Column("bid_lots_3", "lots", "resting in the first 3 grid prices of the bid"),
    Column("bid_lots_10", "lots", "in the first 10"),
    Column("bid_lots_5bp", "lots", "resting within 5 bp of the mid on the bid"),
    Column("bid_lots_10bp", "lots", "within 10 bp"),
    Column("ask_lots_3", "lots", "resting in the first 3 grid prices of the ask"),
    Column("ask_lots_10", "lots", "in the first 10"),
    Column("ask_lots_5bp", "lots", "resting within 5 bp of the mid on the ask"),
    Column("ask_lots_10bp", "lots", "within 10 bp"),
)
_FLOW = (
    Column("ofi_1s", "lots", "order-flow imbalance of the touch over 1 s; nan across a resync"),
    Column("ofi_10s", "lots", "the same over 10 s"),
    Column(
        "delta_window", "lots", "bought less sold by aggressors in the fade window of a profile"
    ),
    Column("volume_window", "lots", "traded in that window"),
    Column("delta_1m", "lots", "bought less sold by aggressors in the last minute"),
    Column("volume_1m", "lots", "traded in the last minute"),
    Column("cvd", "lots", "bought less sold since 00:00 UTC, or since the recording began"),
    Column("last_price", "ticks", "last print that is flow"),
    Column("vwap_1m", "ticks", "VWAP of the running minute, of the one before until it trades"),
    Column("bought_total", "lots", "by aggressors, running sum"),
    Column("sold_total", "lots", "by aggressors, running sum"),
    Column("unsided_total", "lots", "traded with no aggressor named, running sum"),
    Column("trades_total", "count", "prints that are flow, running sum"),
    Column("taker_orders_total", "count", "orders that those prints were merged into, running sum"),
)
_YARDSTICKS = (
    Column("spread_median", "ticks", "median spread of the last hour"),
    Column("effective_tick", "ticks", "yardstick of distances: from spread and volatility"),
    Column("sigma_1s", "ticks", "robust deviation of one-second mid changes over the last hour"),
    Column("atr_1m", "ticks", "mean true range of the last 14 one-minute bars of the mid"),
)
_LEDGER_NAMES = ("added", "pulled", "traded", "hidden", "refilled")
_LEDGER = tuple(
    Column(f"{side}_{name}_total", "lots", f"{name} on the {side} side, running sum of the ledger")
    for side in ("bid", "ask")
    for name in _LEDGER_NAMES
)
_CONTRACT = (
    Column("mark_price", "quote", "mark price that the venue stated last"),
    Column("mark_age", "s", "since it was stated"),
    Column("funding_rate", "share", "of the coming settlement"),
    Column("funding_due", "s", "venue time until it settles"),
    Column("open_interest", "lots", "that the venue stated last"),
    Column("open_interest_age", "s", "since it was stated"),
    Column("liquidated_longs_total", "lots", "sold by force as published: a lower bound"),
    Column("liquidated_shorts_total", "lots", "bought by force as published: a lower bound"),
)
_TAPE = (
    Column("order_rate", "1/s", "taker orders a second over the short window of a profile"),
    Column("order_rate_z", "sigmas", "the same against the rate before, as a z-score"),
    Column("vpin", "share", "VPIN with the sides of the tape, 0 to 1"),
    Column("vpin_normal", "share", "VPIN with volume split by price changes, 0 to 1"),
    Column("kyle_1s", "ticks/lot", "slope of one-second mid changes on signed volume"),
    Column("kyle_10s", "ticks/lot", "the same over 10 s"),
    Column("roll_spread", "ticks", "effective spread by Roll, of windows of 10 s"),
    Column(
        "forced_delta",
        "lots",
        "delta of forced orders in the short window of a profile; a lower bound",
    ),
    Column("organic_delta", "lots", "delta without them"),
)
_STANDING = (
    Column("micro_price", "ticks", "mid moved by what followed such tops; needs a fit"),
    Column("usual_bid_lots", "lots", "median depth near the touch on the bid"),
    Column("usual_ask_lots", "lots", "median depth near the touch on the ask"),
    Column("session_high", "ticks", "of the trades since 00:00 UTC"),
    Column("session_low", "ticks", "of the trades since 00:00 UTC"),
    Column("session_poc", "ticks", "point of control of the session, when last measured"),
    Column("session_val", "ticks", "low end of its value area"),
    Column("session_vah", "ticks", "high end of its value area"),
    Column("interest_regime_5m", "code", "0 neutral, 1 to 4 as context.interest names them"),
    Column("interest_regime_30m", "code", "the same over 30 minutes"),
    Column("liquidity_regime", "code", "0 normal, 1 thin, 2 vacuum"),
    Column("bias_4h", "code", "-1 bearish, 0 neutral, 1 bullish"),
    Column("bias_1h", "code", "the same of one-hour bars"),
)
_RANKS = tuple(
    Column(f"depth_flow_{rank}_10s", "levels", f"order-flow imbalance of rank {rank} over 10 s")
    for rank in range(1, RANKS + 1)
)
COLUMNS: tuple[Column, ...] = (
    *(*_TOUCH, *_DEPTH, *_FLOW, *_YARDSTICKS, *_LEDGER, *_CONTRACT),
    *(*_TAPE, *_STANDING, *_RANKS),
)

_AT_DEPTH = len(_TOUCH)
_AT_FLOW = _AT_DEPTH + len(_DEPTH)
_AT_YARDSTICKS = _AT_FLOW + len(_FLOW)
_AT_LEDGER = _AT_YARDSTICKS + len(_YARDSTICKS)
_AT_CONTRACT = _AT_LEDGER + len(_LEDGER)
_AT_TAPE = _AT_CONTRACT + len(_CONTRACT)
_AT_STANDING = _AT_TAPE + len(_TAPE)
_AT_RANKS = _AT_STANDING + len(_STANDING)


def column_indices(names: Sequence[str]) -> list[int]:
    """Return where these columns stand; raise ConfigError for one that does not exist."""
    known = [one.name for one in COLUMNS]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 3) or known
            raise ConfigError(f"There is no feature {name!r}; there is {', '.join(near)}.")
    return [known.index(name) for name in names]


def empty_row() -> NDArray[np.float64]:
    """Return a row of which nothing is known."""
    return np.full(len(COLUMNS), np.nan)


@kernel
def read_columns(pipe: Pipeline, k: Int, now: Int, row: NDArray[np.float64]) -> None:
    """Write what is known of lane `k` at `now` (ts_recv, ns) into row (len(COLUMNS),)."""
    row[:] = np.nan
    book = pipe.market.book.head[k]
    faults = np.int64(pipe.market.health.head[k]["faults"])
    valid = book["valid"] != 0 and (faults & FAULT_STALE) == 0
    row[0] = 1.0 if valid else 0.0
    if book["ts_recv"] != NO_TIME:
        row[1] = (now - book["ts_recv"]) / SECOND_NS
    if valid:
        bid, ask = np.int64(book["bid"]), np.int64(book["ask"])
        row[2], row[3] = bid, ask
        row[4], row[5] = book["bid_lots"], book["ask_lots"]
        row[6], row[7] = 0.5 * (bid + ask), ask - bid
        row[8] = weighted_mid(pipe.pressure, k)
        net, total = queue_imbalance(pipe.pressure, k)
        if total > 0:
            row[9] = net / total
        _read_depth(pipe, k, row)
    _read_flow(pipe, k, now, row)
    _read_yardsticks(pipe, k, row)
    for s in range(2):
        sums = pipe.market.ledger.sides[2 * k + s]
        at = _AT_LEDGER + 5 * s
        row[at], row[at + 1], row[at + 2] = sums["added"], sums["pulled"], sums["traded"]
        row[at + 3], row[at + 4] = sums["hidden"], sums["refilled"]
    _read_contract(pipe, k, now, row)
    _read_tape(pipe, k, row)
    _read_standing(pipe, k, row)
    ranks = row[_AT_RANKS : _AT_RANKS + RANKS]
    _, changes, breaks, _ = rank_flow(pipe.depth_flow, k, now - 10 * SECOND_NS, ranks)
    if changes == 0 or breaks > 0:
        ranks[:] = np.nan


@kernel
def _read_depth(pipe: Pipeline, k: Int, row: NDArray[np.float64]) -> None:
    """Write the depth columns; one that the ladder does not cover is nan, not too small."""
    book = pipe.market.book
    for j in range(2):
        bid, ask, short = top_imbalance(book, k, 3 + 2 * j, LEVELS_MAX)
        if not short:
            row[_AT_DEPTH + j] = signed_ratio(bid, ask)
    for s in range(2):
        at = _AT_DEPTH + 2 + 4 * s
        for j in range(2):
            near = depth_ticks(book, k, 1 - 2 * s, 3 + 7 * j, LEVELS_MAX)
            if not near.truncated:
                row[at + j] = near.lots
            wide = depth_bp(book, k, 1 - 2 * s, 500 + 500 * j, LEVELS_MAX)
            if not wide.truncated:
                row[at + 2 + j] = wide.lots


@kernel
def _read_flow(pipe: Pipeline, k: Int, now: Int, row: NDArray[np.float64]) -> None:
    """Write what was traded and what the touch did."""
    at = _AT_FLOW
    for j in range(2):
        flow = flow_window(pipe.pressure, k, now - (1 + 9 * j) * SECOND_NS)
        if flow.since_ns != NO_TIME and flow.breaks == 0:
            row[at + j] = flow.ofi
    start = pipe.market.health.head[k]["start_ns"]
    for j in range(2):
        window_ns = pipe.window.head[2 * k + j]["window_ns"]
        if start != NO_TIME and now - start >= window_ns:
            row[at + 2 + 2 * j] = window_delta(pipe.window, 2 * k + j, now)
            row[at + 3 + 2 * j] = window_volume(pipe.window, 2 * k + j, now)
    series = k * pipe.head[0]["bars_per_lane"]
    bar = pipe.footprint.head[series]
    tape = pipe.market.tape.head[k]
    if tape["trades"] > 0:
        row[at + 6] = bar["cvd_before"] + bar["delta"]
        if tape["price"] != NO_PRICE:
            row[at + 7] = tape["price"]
        if bar["volume"] > 0:
            row[at + 8] = bar["open"] + bar["moment"] / bar["volume"]
        elif bar["closed"] > 0:
            ring = pipe.footprint.bars
            row[at + 8] = ring[series, (bar["closed"] - 1) & (ring.shape[1] - 1)]["vwap"]
    row[at + 9], row[at + 10], row[at + 11] = tape["bought"], tape["sold"], tape["unknown"]
    row[at + 12] = tape["trades"]
    row[at + 13] = pipe.prints.head[k]["orders"]


@kernel
def _read_yardsticks(pipe: Pipeline, k: Int, row: NDArray[np.float64]) -> None:
    """Write what distances are measured with; unknown until their baselines are."""
    head = pipe.volatility.head[k]
    if head["spread_maturity"] != UNKNOWN:
        row[_AT_YARDSTICKS] = head["spread_median"]
    if head["effective_maturity"] != UNKNOWN:
        row[_AT_YARDSTICKS + 1] = head["effective_tick"]
    if head["sigma_maturity"] != UNKNOWN:
        row[_AT_YARDSTICKS + 2] = 0.5 * head["sigma2"]
    if head["atr_maturity"] != UNKNOWN:
        row[_AT_YARDSTICKS + 3] = 0.5 * head["atr2"]


@kernel
def _read_contract(pipe: Pipeline, k: Int, now: Int, row: NDArray[np.float64]) -> None:
    """Write what the venue said of the contract, with its age."""
    said, at = pipe.contract.head[k], _AT_CONTRACT
    if said["mark_ns"] != NO_TIME:
        row[at], row[at + 1] = _MONEY * said["mark"], (now - said["mark_ns"]) / SECOND_NS
    if said["settle_ns"] != NO_TIME:
        row[at + 2] = _MONEY * said["rate"]
        row[at + 3] = (said["settle_ns"] - pipe.head[0]["venue_now"]) / SECOND_NS
    if said["interest_ns"] != NO_TIME:
        row[at + 4] = said["interest"]
        row[at + 5] = (now - said["interest_ns"]) / SECOND_NS
    if said["liquidation_ns"] != NO_TIME:
        row[at + 6], row[at + 7] = said["liquidated_longs"], said["liquidated_shorts"]


@kernel
def _read_tape(pipe: Pipeline, k: Int, row: NDArray[np.float64]) -> None:
    """Write speed, toxicity, impact, and what was forced."""
    at, speed = _AT_TAPE, pipe.speed.series[k, 0]
    if speed["maturity"] != UNKNOWN:
        row[at], row[at + 1] = speed["rate"], speed["z"]
    for j in range(2):
        row[at + 2 + j] = pipe.vpin.series[k, j]["vpin"]
        row[at + 4 + j] = pipe.impact.series[k, j]["lambda"]
        forced = pipe.forced.split[k, SHORT, j]
        if forced != UNKNOWN_SPLIT:
            row[at + 7 + j] = forced
    row[at + 6] = pipe.impact.series[k, 1]["roll_ticks"]


@kernel
def _read_standing(pipe: Pipeline, k: Int, row: NDArray[np.float64]) -> None:
    """Write what stands around the touch, the session, and what surrounds it."""
    at, near, session = _AT_STANDING, pipe.near_depth.head[k], pipe.session.head[k]
    row[at] = micro_price(pipe.micro, pipe.pressure, k)
    for s in range(2):
        if near["usual"][s] > 0:
            row[at + 1 + s] = near["usual"][s]
        regime = pipe.interest.regimes[k, s]["regime"]
        if regime != UNKNOWN_REGIME:
            row[at + 8 + s] = regime
        bias = pipe.bias.horizons[k, 1 - s]["bias"]
        if bias != UNKNOWN_BIAS:
            row[at + 11 + s] = bias
    if session["volume"] > 0:
        row[at + 3], row[at + 4] = session["high"], session["low"]
    if session["poc"] != NO_PRICE:
        row[at + 5], row[at + 6] = session["poc"], session["val"]
        row[at + 7] = session["vah"]
    liquidity = pipe.liquidity.head[k]["regime"]
    if liquidity != UNKNOWN_LIQUIDITY:
        row[at + 10] = liquidity
