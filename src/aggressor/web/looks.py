"""STATE: where a market stands, some times a second: measures, and for each blank why it is one.

Lists of what stands on the chart are read from the parts that keep them. `blank` gives a reason for
every measure that is not known: from the facts where they have one, from the health of the data,
or from what the measure waits for.
"""

from typing import Any

import msgspec
import numpy as np

from aggressor.engine.columns import empty_row, read_columns
from aggressor.engine.facts import facts_of
from aggressor.engine.parts import Pipeline
from aggressor.engine.view import View
from aggressor.features.baseline import UNKNOWN
from aggressor.features.forced import UNPUBLISHED
from aggressor.features.locations import LOCATION_NAMES, NEVER_NS
from aggressor.features.session import summaries
from aggressor.features.zones import FRESH, GONE
from aggressor.market.composite_records import NO_GROUP, out_names
from aggressor.market.health import FAULT_NAMES
from aggressor.schema.event import NO_PRICE, NO_TIME
from aggressor.schema.signal import ARMED, CONFIRMED
from aggressor.web.curves import by_name
from aggressor.web.protocol import Kind, json_frame, stated_ms

PRIOR_SESSIONS = 3
_BOOK = (
    "bid", "ask", "bid_lots", "ask_lots", "mid", "spread", "weighted_mid", "queue_imbalance",
    "micro_price",
)  # fmt: skip
_WAITS = {
    "ofi": "the touch was resynchronised within its span, or has not been seen for so long",
    "delta": "its window is longer than what has been heard",
    "volume": "its window is longer than what has been heard",
    "imbalance": "the ladder the venue shows is shorter than that",
    "bid_lots": "the ladder the venue shows is shorter than that",
    "ask_lots": "the ladder the venue shows is shorter than that",
    "spread_median": "fewer than 200 samples or 60 s of them",
    "effective_tick": "it waits for the median spread and the deviation of a second",
    "sigma": "fewer than 200 changes or 60 s of them",
    "atr": "no whole minute with a book yet",
    "mark": "the venue's feed has not stated a mark price",
    "funding": "the venue's feed has not stated its funding",
    "open_interest": "the venue's feed has not stated its open interest",
    "liquidated": "no forced order has been published",
    "forced": "the venue does not publish forced orders, or not all of them",
    "organic": "the venue does not publish forced orders, or not all of them",
    "order_rate": "fewer taker orders than a baseline needs",
    "vpin": "fewer full volume buckets than it is a mean of",
    "kyle": "fewer seconds than a regression needs",
    "roll": "fewer seconds than a regression needs",
    "usual": "fewer than 200 samples or 60 s of them",
    "session": "nothing has traded since 00:00 UTC",
    "interest_regime": "no two statements of open interest to compare",
    "liquidity": "neither four weeks of this hour nor a last day to compare with",
    "bias": "fewer closed bars of the hours before than it needs",
    "micro_price": "no table has been fitted for this instrument",
    "depth_flow": "ten seconds of an unbroken book are needed",
    "last_price": "nothing has traded yet",
    "cvd": "nothing has traded yet",
    "vwap": "nothing has traded yet",
    "book_age": "no message of the book yet",
}


class Looks:
    """STATE of one lane."""

    def __init__(self, lane: int) -> None:
        self.lane = lane
        self._row = empty_row()
        self._events, self._at_s = 0, 0.0
        self._rate: float | None = None

    def frame(self, view: View, events: int, wall_s: float) -> bytearray:
        """Return STATE; `events` used so far and the seconds of a wall clock give their rate."""
        if wall_s - self._at_s >= 1.0:
            if self._at_s:
                self._rate = max(0, events - self._events) / (wall_s - self._at_s)
            self._events, self._at_s = events, wall_s
        content = self.content(view, view.now_ns) | {"events_per_second": self._rate}
        return json_frame(Kind.STATE, self.lane, view.now_ns, content)

    def content(self, view: View, now_ns: int) -> dict[str, Any]:
        """Return where the market stands at `now_ns` (ts_recv)."""
        pipe, k = view.pipeline, self.lane
        read_columns(pipe, k, now_ns, self._row)
        measures = by_name(self._row)
        faults = int(pipe.market.health.head[k]["faults"])
        named = [name for bit, name in FAULT_NAMES.items() if faults & bit]
        return {
            "measures": measures,
            "blank": {
                name: why_blank(name, named) for name, value in measures.items() if value is None
            }
            | _blank_panes(pipe, k, named),
            "facts": msgspec.to_builtins(facts_of(pipe, k, view.contract, now_ns)),
            "data": self._data(pipe, named, now_ns),
            "walls": _walls(pipe, k),
            "walls_gone": [
                {
                    "price": one.price,
                    "side": one.side,
                    "peak": one.peak,
                    "since_ms": stated_ms(one.ended_ns - one.age_ns),
                    "ended_ms": stated_ms(one.ended_ns),
                }
                for one in view.walls_gone
            ],
            "icebergs": _icebergs(pipe, k),
            "zones": _zones(pipe, k),
            "auctions": _auctions(pipe, k),
            "naked_pocs": _naked(pipe, k),
            "locations": _locations(pipe, k),
            "session": _session(pipe, k),
            "sessions": _sessions(pipe, k),
            "cascade": view.cascade,
            "composite": _composite(pipe, k, view),
        }

    def _data(self, pipe: Pipeline, faults: list[str], now_ns: int) -> dict[str, Any]:
        health = pipe.market.health.head[self.lane]
        book = int(pipe.market.book.head[self.lane]["ts_recv"])
        ages = {
            name: None if int(health[field]) == NO_TIME else (now_ns - int(health[field])) / 1e6
            for name, field in (
                ("trades", "trade_ns"),
                ("depth", "depth_ns"),
                ("quotes", "quote_ns"),
            )
        }
        return {
            "valid": bool(pipe.market.book.head[self.lane]["valid"]),
            "faults": faults,
            "book_age_ms": None if book == NO_TIME else (now_ns - book) / 1e6,
            "ages_ms": ages,
            "since_ms": stated_ms(int(health["start_ns"])),
        }


def _blank_panes(pipe: Pipeline, k: int, faults: list[str]) -> dict[str, str]:
    """Return why a whole pane has nothing to show, by pane."""
    market, found = pipe.market, {}
    trades = int(market.tape.head[k]["prints"])
    if int(market.book.head[k]["messages"]) == 0:
        found["heat"] = found["book"] = "no picture of the book has come yet"
    elif not market.book.head[k]["valid"]:
        found["book"] = "the book is not valid: " + ", ".join(faults)
    if trades == 0:
        why = "nothing has traded yet"
        found |= dict.fromkeys(("bars", "tape", "profile", "vwap"), why)
    said = pipe.contract.head[k]
    for pane, stated in (("interest", "interest_ns"), ("funding", "settle_ns")):
        if int(said[stated]) == NO_TIME:
            found[pane] = _WAITS["open_interest" if pane == "interest" else "funding"]
    if int(pipe.forced.head[k]["orders"]) == 0:
        told = int(pipe.forced.head[k]["publication"]) != UNPUBLISHED
        found["forced"] = _WAITS["liquidated" if told else "forced"]
    if int(pipe.composite.rows[k]["group"]) == NO_GROUP:
        found["composite"] = "no other venue of the same underlying is watched"
    if int(pipe.volatility.head[k]["effective_maturity"]) == UNKNOWN:
        found["signals"] = "yardsticks are not known yet: " + _WAITS["spread_median"]
    return found


def why_blank(name: str, faults: list[str]) -> str:
    """Return why a measure is not known."""
    if faults and (name in _BOOK or name.startswith(("imbalance", "bid_lots", "ask_lots"))):
        return "the book is not valid: " + ", ".join(faults)
    known = [waits for waits in _WAITS if name.startswith(waits) or f"_{waits}" in name]
    if known:
        return _WAITS[max(known, key=len)]
    return "not enough has been heard yet"


def _walls(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    rows = pipe.walls.walls[k].ravel()
    return [
        {
            "price": int(row["price"]),
            "side": int(row["side"]),
            "lots": int(row["lots"]),
            "peak": int(row["peak"]),
            "z": float(row["z"]),
            "since_ms": stated_ms(int(row["first_seen_ns"])),
        }
        for row in rows[(rows["live"] == 1) & (rows["standing"] == 1)]
    ]


def _icebergs(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    state = pipe.iceberg
    found = []
    for s in range(2):
        rows = state.levels[k, s]
        taken = state.prices[k, s] != NO_PRICE
        for row in rows[taken & ((rows["stage"] == ARMED) | (rows["stage"] == CONFIRMED))]:
            found.append(
                {
                    "price": int(row["price"]),
                    "side": 1 - 2 * s,
                    "displayed": int(row["lots"]),
                    "peak": int(row["max_lots"]),
                    "traded": int(row["traded"]),
                    "hidden": int(row["hidden"]),
                    "refills": int(row["refills"]),
                    "confirmed": bool(row["stage"] == CONFIRMED),
                    "since_ms": stated_ms(int(row["opened_ns"])),
                }
            )
    return found


def _zones(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    rows = pipe.zones.zones[k]
    return [
        {
            "low": int(row["low"]),
            "high": int(row["high"]),
            "side": int(row["side"]),
            "state": "fresh" if row["state"] == FRESH else "retested",
            "lots": int(row["lots"]),
            "since_ms": stated_ms(int(row["open_ns"])),
        }
        for row in rows[rows["state"] != GONE]
    ]


def _auctions(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    rows = pipe.auction.auctions[k].ravel()
    return [
        {
            "price": int(row["price"]),
            "side": int(row["side"]),
            "since_ms": stated_ms(int(row["bar_ns"])),
        }
        for row in rows[rows["open"] == 1]
    ]


def _naked(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    taken = min(int(pipe.locations.head[k]["sessions"]), pipe.locations.naked.shape[1])
    rows = pipe.locations.naked[k, :taken]
    return [
        {
            "low": int(row["low"]),
            "high": int(row["high"]),
            "since_ms": stated_ms(int(row["start_ns"])),
            "whole": bool(row["whole"]),
        }
        for row in rows[rows["killed_ns"] == NEVER_NS]
    ]


def _locations(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    count = int(pipe.locations.head[k]["locations"])
    return [
        {
            "kind": LOCATION_NAMES[int(row["kind"])],
            "low": int(row["low"]),
            "high": int(row["high"]),
        }
        for row in pipe.locations.locations[k, :count]
    ]


def _session(pipe: Pipeline, k: int) -> dict[str, Any] | None:
    head, state = pipe.session.head[k], pipe.session.vwap.head[2 * k]
    if head["volume"] <= 0:
        return None
    volume = int(state["volume"])
    return {
        "start_ms": stated_ms(int(head["start_ns"])),
        **{name: int(head[name]) for name in ("open", "high", "low", "close", "volume")},
        **{
            name: None if head[name] == NO_PRICE else int(head[name])
            for name in ("poc", "val", "vah")
        },
        "vwap": float(state["mean"]) if volume else None,
        "sigma": float(np.sqrt(state["scatter"] / volume)) if volume else None,
        "row_ticks": int(head["row_ticks"]),
        "whole": bool(head["whole"]),
    }


def _sessions(pipe: Pipeline, k: int) -> list[dict[str, Any]]:
    return [
        {
            "start_ms": stated_ms(int(row["start_ns"])),
            "end_ms": stated_ms(int(row["end_ns"])),
            **{name: int(row[name]) for name in ("high", "low", "close", "poc", "val", "vah")},
            "vwap": float(row["vwap"]),
            "whole": bool(row["whole"]),
        }
        for row in summaries(pipe.session, k)[-PRIOR_SESSIONS:]
    ]


def _composite(pipe: Pipeline, k: int, view: View) -> dict[str, Any] | None:
    state = pipe.composite
    group = int(state.rows[k]["group"])
    if group == NO_GROUP:
        return None
    whole = state.groups[group]
    members = [one for one in view.peers if state.rows[one.instrument]["group"] == group]
    return {
        "base": view.contract.base,
        **{
            name: _number(whole[name])
            for name in ("mid", "bid_base", "ask_base", "bought", "sold", "cvd")
        },
        "depth": _joined_depth(pipe, group),
        "venues": [_venue(pipe, one) for one in members],
    }


def _joined_depth(pipe: Pipeline, group: int) -> dict[str, Any] | None:
    """Return what rests at all live venues by distance from their mid; None: there is no mid."""
    state = pipe.composite
    if np.isnan(state.groups[group]["mid"]):
        return None
    bids, asks = (np.round(state.buckets[group, s], 9).tolist() for s in range(2))
    return {
        "bucket_bp": float(state.parameters[group]["bucket_bp"]),
        "bids": bids,
        "asks": asks,
        "truncated": bool(state.groups[group]["truncated"]),
    }


def _venue(pipe: Pipeline, view: View) -> dict[str, Any]:
    row = pipe.composite.rows[view.instrument]
    out = int(row["out"])
    return {
        "lane": view.instrument,
        "venue": view.contract.venue,
        "symbol": view.contract.symbol,
        "live": out == 0,
        "why": ", ".join(out_names(out)),
        **{
            name: _number(row[name])
            for name in ("mid", "basis", "deviation_bp", "bid_base", "ask_base")
        },
    }


def _number(value: Any) -> float | None:
    return None if value != value else float(value)
