"""Facts: what is known of the surroundings of a market now, or why it is not.

Every line has a value or a reason why there is none; a young value says that it is. Nothing is
computed here: each reader looks at one part of the pipeline. The same lines are printed by
`aggressor context` and shown on the desk.
"""

from collections.abc import Callable

import msgspec

from aggressor.context.bias import BIAS_NAMES, UNKNOWN_BIAS, read_bias
from aggressor.context.funding import funding_now
from aggressor.context.interest import REGIME_NAMES, UNKNOWN_REGIME, read_interest
from aggressor.context.liquidity import LIQUIDITY_NAMES, UNKNOWN_LIQUIDITY, read_liquidity
from aggressor.engine.columns import COLUMNS, empty_row, read_columns
from aggressor.engine.parts import Pipeline
from aggressor.features.baseline import YOUNG
from aggressor.features.forced import PUBLICATION_NAMES
from aggressor.market.health import FAULT_NAMES
from aggressor.schema.event import NO_TIME, Status
from aggressor.schema.instrument import Instrument

NOT_COMPUTED = "the pipeline does not compute it"
_SAID = "the venue's feed did not say in what was recorded"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a value, or why there is none."""

    topic: str
    name: str
    value: str | float | int | None = None
    unit: str = ""
    young: bool = False  # stands on less history than it should
    age_seconds: float | None = None  # since it was stated, where it is a statement
    why: str = ""


def facts_of(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    """Return every line of lane `k` at `now_ns` (ts_recv)."""
    return [fact for reader in READERS for fact in reader(pipe, k, instrument, now_ns)]


def _market(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    """Price, book and what is wrong with the data."""
    faults = int(pipe.market.health.head[k]["faults"])
    named = [name for bit, name in FAULT_NAMES.items() if faults & bit]
    status = int(pipe.contract.head[k]["status"])
    row = _row(pipe, k, now_ns)
    why = "" if row["book_valid"] else "the book is not valid: " + ", ".join(named)
    prices = [
        _number("market", text, row[name], why, instrument)
        for name, text in (("mid", "mid"), ("spread", "spread"))
    ]
    return [
        Fact(topic="market", name="data", value="sound" if not named else ", ".join(named)),
        Fact(
            topic="market",
            name="trading status",
            value=Status(status).name.lower() if status else None,
            why="" if status else _SAID,
        ),
        *prices,
    ]


def _volatility(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    head, row = pipe.volatility.head[k], _row(pipe, k, now_ns)
    lines = (
        ("sigma_1s", "one-second deviation", "sigma_maturity", "fewer than 200 changes or 60 s"),
        ("atr_1m", "range of a minute", "atr_maturity", "no whole minute with a book yet"),
        ("spread_median", "median spread", "spread_maturity", "fewer than 200 samples or 60 s"),
        ("effective_tick", "effective tick", "effective_maturity", "it waits for both above"),
    )
    return [
        msgspec.structs.replace(
            _number("volatility", text, row[name], why, instrument),
            young=int(head[maturity]) == YOUNG,
        )
        for name, text, maturity, why in lines
    ]


def _interest(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    said = pipe.contract.head[k]
    stated = int(said["interest_ns"])
    known = stated != NO_TIME
    found = [
        Fact(
            topic="open interest",
            name="open interest",
            value=instrument.size_text(int(said["interest"])) if known else None,
            unit="size",
            age_seconds=(now_ns - stated) / 1e9 if known else None,
            why="" if known else _SAID,
        )
    ]
    state = getattr(pipe, "interest", None)
    for horizon, text in enumerate(("regime of 5 min", "regime of 30 min")):
        if state is None:
            found.append(Fact(topic="open interest", name=text, why=NOT_COMPUTED))
            continue
        one = read_interest(state, k, horizon)
        value = None if one.regime == UNKNOWN_REGIME else REGIME_NAMES[one.regime]
        found.append(
            Fact(topic="open interest", name=text, value=value, young=one.young, why=one.reason)
        )
    if state is not None:
        checks, violations = (int(state.head[k][name]) for name in ("checks", "violations"))
        text = f"{violations} of {checks} checks failed" if checks else None
        why = "" if checks else "no two statements to hold against the tape"
        found.append(Fact(topic="open interest", name="|dOI| <= volume", value=text, why=why))
    return found


def _funding(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    said = pipe.contract.head[k]
    one = funding_now(int(said["rate"]), int(said["settle_ns"]), int(pipe.head[0]["venue_now"]))
    why = _SAID if int(said["settle_ns"]) == NO_TIME else one.reason
    crowded = {1: "longs", -1: "shorts", 0: "no"}.get(one.crowding.side or 0)
    mark_ns = int(said["mark_ns"])
    return [
        Fact(
            topic="funding",
            name="rate of the coming settlement",
            value=None if one.rate is None else one.rate / 1e6,
            unit="%",
            why=why,
        ),
        Fact(
            topic="funding",
            name="settles in",
            value=None if one.seconds is None else float(one.seconds),
            unit="s",
            why=why,
        ),
        Fact(
            topic="funding",
            name="crowded",
            value=crowded if one.crowding.side is not None else None,
            young=one.crowding.young and one.crowding.side is not None,
            why=why or one.crowding.reason,
        ),
        Fact(
            topic="funding",
            name="mark price",
            value=None if mark_ns == NO_TIME else int(said["mark"]) / 1e8,
            age_seconds=None if mark_ns == NO_TIME else (now_ns - mark_ns) / 1e9,
            why=_SAID if mark_ns == NO_TIME else "",
        ),
    ]


def _forced(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    said = pipe.contract.head[k]
    last = int(said["liquidation_ns"])
    forced = getattr(pipe, "forced", None)
    told = None if forced is None else PUBLICATION_NAMES[int(forced.head[k]["publication"])]
    published = Fact(
        topic="forced orders",
        name="published by the venue",
        value=told,
        why="" if told else NOT_COMPUTED,
    )
    return [published] + [
        Fact(
            topic="forced orders",
            name=name,
            value=None if last == NO_TIME else instrument.size_text(int(said[field])),
            unit="size",
            age_seconds=None if last == NO_TIME else (now_ns - last) / 1e9,
            why=_SAID if last == NO_TIME else "",
        )
        for name, field in (
            ("longs liquidated, at least", "liquidated_longs"),
            ("shorts liquidated, at least", "liquidated_shorts"),
        )
    ]


def _liquidity(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    state = getattr(pipe, "liquidity", None)
    if state is None:
        return [Fact(topic="liquidity", name="regime", why=NOT_COMPUTED)]
    one = read_liquidity(state, k)
    known = one.regime != UNKNOWN_LIQUIDITY
    value = LIQUIDITY_NAMES[one.regime] if known else None
    return [
        Fact(topic="liquidity", name="regime", value=value, young=one.young, why=one.reason),
        Fact(
            topic="liquidity",
            name="compared with",
            value=one.basis or None,
            why="" if one.basis else one.reason,
        ),
    ]


def _bias(pipe: Pipeline, k: int, instrument: Instrument, now_ns: int) -> list[Fact]:
    state = getattr(pipe, "bias", None)
    if state is None:
        return [
            Fact(topic="bias", name=name, why=NOT_COMPUTED) for name in ("4 h bars", "1 h bars")
        ]
    one = read_bias(state, k)
    return [
        Fact(
            topic="bias",
            name=name,
            value=None if side is None else BIAS_NAMES[side],
            young=one.provisional and side is not None,
            why="" if side is not None else one.reason or BIAS_NAMES[UNKNOWN_BIAS],
        )
        for name, side in (("4 h bars", one.bias), ("1 h bars", one.fast))
    ]


READERS: tuple[Callable[[Pipeline, int, Instrument, int], list[Fact]], ...] = (
    _market,
    _volatility,
    _interest,
    _funding,
    _forced,
    _liquidity,
    _bias,
)


def _row(pipe: Pipeline, k: int, now_ns: int) -> dict[str, float]:
    row = empty_row()
    read_columns(pipe, k, now_ns, row)
    return dict(zip((one.name for one in COLUMNS), row.tolist(), strict=True))


def _number(topic: str, text: str, value: float, why: str, instrument: Instrument) -> Fact:
    """Return a measure in ticks as a price distance, or the reason why it is not known."""
    if value != value:
        return Fact(topic=topic, name=text, why=why)
    digits = instrument.price_grid.digits + 2
    shown = f"{value * float(instrument.tick):.{digits}f}"
    return Fact(topic=topic, name=text, value=shown, unit="price")
