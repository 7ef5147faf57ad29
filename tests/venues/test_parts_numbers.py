"""Parts whose numbers are odd, or that say only what changed: what every decoder does with them."""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.market.align import CONTIGUOUS, NATIVE
from aggressor.schema.errors import MessageError, UnitError
from aggressor.schema.event import FUNDING, NO_TIME, empty_events
from aggressor.schema.instrument import ContractKind, Instrument
from aggressor.schema.units import grid_of, steps_of
from aggressor.venues.decoding.decoder import PartsDecoder
from aggressor.venues.decoding.numbers import plain_steps
from aggressor.venues.decoding.parts import (
    BookPart,
    FundingPart,
    InterestPart,
    LiquidationPart,
    MarkPart,
    Part,
    TradePart,
)

NOW = 1_786_310_819_000_000_000
MINUTE_NS = 60_000_000_000
INSTRUMENT = Instrument(
    venue="x", symbol="X", kind=ContractKind.LINEAR, tick=Decimal("0.1"), lot=Decimal("0.001")
)


class _Script:
    """A reader that says what it is told to."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def __call__(self, message: bytes, symbol: str) -> Sequence[Part]:
        return self.parts


def _decoder(script: _Script) -> PartsDecoder:
    return PartsDecoder([(INSTRUMENT, 3)], read=script, policy=NATIVE, chain=CONTIGUOUS)


def _rows(decoder: PartsDecoder, script: _Script, *parts: Part) -> list[tuple[int, int, int]]:
    script.parts = list(parts)
    out = empty_events(decoder.room(b" " * 200))
    count = decoder.decode(b" " * 200, NOW, out)
    return [(int(row["kind"]), int(row["size"]), int(row["price"])) for row in out[:count]]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", "1e999999", "x", ""])
@pytest.mark.parametrize("kind", ["mark", "funding", "interest", "liquidation", "trade", "book"])
def test_a_number_of_no_market_is_a_message_error(kind: str, text: str) -> None:
    script = _Script()
    decoder = _decoder(script)
    levels = f'[["{text}","1"]]'.encode()
    parts: dict[str, Part] = {
        "mark": MarkPart("X", NOW, text),
        "funding": FundingPart("X", NOW, text or "y"),
        "interest": InterestPart("X", NOW, text),
        "liquidation": LiquidationPart("X", NOW, text, "1", 1),
        "trade": TradePart("X", NOW, text, "1", 1),
        "book": BookPart("X", NOW, True, levels, b"[]", last=1),
    }
    script.parts = [parts[kind]]
    with pytest.raises(MessageError):
        decoder.decode(b" " * 200, NOW, empty_events(200))


def test_bytes_of_no_text_among_levels_are_a_message_error() -> None:
    script = _Script()
    script.parts = [BookPart("X", NOW, True, b'[["\x80247.2","30"]]', b"[]", last=1)]
    with pytest.raises(MessageError):
        _decoder(script).decode(b" " * 200, NOW, empty_events(200))


_STEPS = ("0.1", "0.001", "0.5", "0.25", "1", "5", "100", "0.00000001", "1e-18")


@given(
    step=st.sampled_from(_STEPS),
    text=st.from_regex(r"[0-9]{0,19}\.?[0-9]{0,12}0*", fullmatch=True)
    | st.text("0123456789.+-eE_ \u0663", max_size=12)
    | st.sampled_from(["", ".", "1.", ".5", "00", "1e2", "-0", "+1", "0.10", "1.00000000"]),
)
@settings(max_examples=400, deadline=None)
def test_the_short_way_to_steps_gives_what_the_careful_one_gives(step: str, text: str) -> None:
    steps = plain_steps(text, grid_of(Decimal(step)))
    if steps is not None:
        assert steps == Fraction(Decimal(text)) / Fraction(Decimal(step))
    elif re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,4})?", text):
        with pytest.raises(UnitError):
            steps_of(text, Decimal(step))


def test_a_rate_alone_keeps_the_settlement_said_before() -> None:
    script = _Script()
    decoder = _decoder(script)
    settles = NOW // MINUTE_NS + 60
    both = FundingPart("X", NOW, "0.0001", settles * MINUTE_NS)
    assert _rows(decoder, script, both) == [(FUNDING, 10_000, settles)]
    rate = FundingPart("X", NOW, "-0.00012", NO_TIME)
    assert _rows(decoder, script, rate) == [(FUNDING, -12_000, settles)]
    time = FundingPart("X", NOW, "", (settles + 480) * MINUTE_NS)
    assert _rows(decoder, script, time) == [(FUNDING, -12_000, settles + 480)]


def test_a_time_alone_waits_for_its_rate() -> None:
    script = _Script()
    decoder = _decoder(script)
    settles = NOW // MINUTE_NS + 60
    assert _rows(decoder, script, FundingPart("X", NOW, "", settles * MINUTE_NS)) == []
    rate = FundingPart("X", NOW, "0.0001", NO_TIME)
    assert _rows(decoder, script, rate) == [(FUNDING, 10_000, settles)]


def test_a_settlement_that_has_passed_is_not_known_any_more() -> None:
    script = _Script()
    decoder = _decoder(script)
    settles = NOW // MINUTE_NS + 60
    _rows(decoder, script, FundingPart("X", NOW, "0.0001", settles * MINUTE_NS))
    later = FundingPart("X", settles * MINUTE_NS, "0.0002", NO_TIME)
    assert _rows(decoder, script, later) == [(FUNDING, 20_000, 0)]


def test_the_funding_said_before_joins_two_recordings() -> None:
    script = _Script()
    one, two = _decoder(script), _decoder(script)
    settles = NOW // MINUTE_NS + 60
    _rows(one, script, FundingPart("X", NOW, "0.0001", settles * MINUTE_NS))
    two.resume(one.state())
    rate = FundingPart("X", NOW, "0.0003", NO_TIME)
    assert _rows(two, script, rate) == [(FUNDING, 30_000, settles)]


def test_a_refused_message_leaves_the_funding_said_before() -> None:
    script = _Script()
    decoder = _decoder(script)
    settles = NOW // MINUTE_NS + 60
    _rows(decoder, script, FundingPart("X", NOW, "0.0001", settles * MINUTE_NS))
    before = decoder.state()
    script.parts = [FundingPart("X", NOW, "0.0005"), InterestPart("X", NOW, "NaN")]
    with pytest.raises(MessageError):
        decoder.decode(b" " * 200, NOW, empty_events(200))
    assert decoder.state() == before
