"""Open interest: the worked example, own stamps, the bound by volume, the twin and the mirror."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggressor.context import interest as module
from aggressor.context.interest import (
    INTEREST_REASONS,
    REGIME_NAMES,
    InterestState,
    interest_state,
    read_interest,
)
from aggressor.kernel import kernel
from aggressor.market.book import BookState, book_state
from aggressor.market.tape import TapeState, tape_state
from aggressor.schema.event import BAD_CLOCK, GAP, INTEREST, NOT_FLOW, TRADE, empty_events
from tests.naive import interest as naive
from tests.naive.interest import SECOND_NS, Sample, Stamp

START_NS = 1_700_000_100_000_000_000  # a multiple of five minutes
MINUTE_NS = 60 * SECOND_NS
FAST, SLOW = 0, 1


@kernel
def _sample(
    interest: InterestState, book: BookState, tape: TapeState, now: int, atr: float
) -> None:
    module.sample(interest, book, tape, 0, now, atr)


@kernel
def _odd_trade(interest: InterestState, event: Any) -> None:
    module.on_odd_trade(interest, 0, event)


@kernel
def _regime(price: float, price_step: float, share: float, share_step: float) -> Any:
    return module.regime_of(price, price_step, share, share_step)


class Course:
    """A lane whose mid, volume and open interest are told second by second."""

    def __init__(self, atr: float = 40.0) -> None:
        self.state = interest_state(1)
        self.book, self.tape = book_state(1, window=64, levels=16), tape_state(1)
        self.book.head["valid"] = 1
        self.atr = atr
        self.second = 0
        self.samples: list[Sample] = []
        self.stamps: list[Stamp] = []
        self.regimes: list[bytes] = []  # after each step of `told`

    @property
    def now(self) -> int:
        return START_NS + self.second * SECOND_NS

    def go(self, seconds: int, mid2: int, lots_a_second: int = 10) -> None:
        for _ in range(seconds):
            self.second += 1
            top, prints = self.book.head[0], self.tape.head[0]
            top["ts_venue"] = self.now - 4_000_000
            top["bid"], top["ask"] = mid2 // 2, mid2 - mid2 // 2
            prints["bought"] += lots_a_second
            _sample(self.state, self.book, self.tape, self.now, self.atr)
            known = mid2 if top["valid"] else None
            traded = int(prints["bought"] + self.state.head[0]["odd_lots"])
            self.samples.append(Sample(int(top["ts_venue"]), traded, known, self.now))

    def stamp(self, lots: int, age_ns: int = 0, flags: int = 0) -> None:
        event = empty_events(1)
        event["kind"], event["size"], event["flags"] = INTEREST, lots, flags
        event["ts_recv"], event["ts_venue"] = self.now + 10, self.now + 10 - age_ns
        module.on_interest(self.state, 0, event[0])
        self.stamps.append(Stamp(self.now + 10 - age_ns, self.now + 10, lots))

    def regime(self, horizon: int) -> tuple[str, str]:
        read = read_interest(self.state, 0, horizon)
        return REGIME_NAMES[read.regime], read.reason


def test_t6_1_price_up_half_an_atr_and_interest_down_is_short_covering() -> None:
    assert REGIME_NAMES[_regime(0.5, 0.25, -0.004, 0.001)] == "short covering"
    assert REGIME_NAMES[_regime(0.5, 0.25, -0.004, 0.003)] == "short covering"
    course = Course(atr=40.0)  # over 5 min: 40 x root of 5 = 89.4 ticks
    course.go(5, 2000)
    course.stamp(100_000)
    course.go(300, 2000)
    course.go(5, 2090)  # 45 ticks: half an ATR of five minutes
    course.stamp(99_600)
    course.go(3, 2090)
    read = read_interest(course.state, 0, FAST)
    assert REGIME_NAMES[read.regime] == "short covering"
    assert read.price_ticks / read.atr_ticks == pytest.approx(0.5, abs=0.01)
    assert read.share == -0.004
    assert read.young
    assert course.regime(SLOW) == ("unknown", INTEREST_REASONS[module.TOO_SHORT])


@pytest.mark.parametrize(
    ("price", "share", "expected"),
    [
        (1.0, 1.0, "long build-up"),
        (1.0, -1.0, "short covering"),
        (-1.0, 1.0, "short build-up"),
        (-1.0, -1.0, "long unwinding"),
        (0.9, 1.0, "neutral"),
        (1.0, -0.9, "neutral"),
        (0.0, 0.0, "neutral"),
    ],
)
def test_the_thresholds_are_reached_not_passed(price: float, share: float, expected: str) -> None:
    assert REGIME_NAMES[_regime(price, 1.0, share, 1.0)] == expected


def test_interest_beyond_the_volume_is_named_and_no_regime_stands_on_it() -> None:
    course = Course()
    course.go(5, 2000)
    course.stamp(100_000)
    course.go(310, 2090, lots_a_second=1)
    course.stamp(99_000)  # a thousand lots with about 312 traded
    course.go(3, 2090)
    head = course.state.head[0]
    assert (head["checks"], head["violations"]) == (1, 1)
    assert head["violated_ns"] == course.stamps[-1].venue_ns
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.IMPOSSIBLE])
    assert "clock or unit error" in INTEREST_REASONS[module.IMPOSSIBLE]


def test_forced_prints_count_as_traded_and_missing_ones_suspend_the_check() -> None:
    trade = empty_events(1)
    trade["kind"], trade["size"] = TRADE, 1000
    for flags, checks, violations in ((NOT_FLOW, 1, 0), (GAP, 0, 0)):
        course = Course()
        course.go(5, 2000, lots_a_second=1)
        course.stamp(100_000)
        course.go(100, 2000, lots_a_second=1)
        trade["flags"] = flags
        _odd_trade(course.state, trade[0])
        course.go(10, 2000, lots_a_second=1)
        course.stamp(99_000)
        course.go(3, 2000)
        head = course.state.head[0]
        assert (head["checks"], head["violations"]) == (checks, violations)


def test_a_late_answer_is_judged_at_its_own_time_not_at_ours() -> None:
    course = Course()
    course.go(5, 2000)
    course.stamp(100_000)
    course.go(305, 2000)
    course.go(60, 2400)  # the rise came after the venue's stamp
    course.stamp(101_000, age_ns=61 * SECOND_NS)
    course.go(3, 2400)
    read = read_interest(course.state, 0, FAST)
    assert read.to_ns == course.stamps[-1].venue_ns
    assert read.price_ticks == 0.0
    assert REGIME_NAMES[read.regime] == "neutral"


def test_a_regime_is_never_carried_forward() -> None:
    course = Course()
    course.go(5, 2000)
    course.stamp(100_000)
    course.go(305, 2090)
    course.stamp(101_000)
    course.go(5, 2090)
    assert course.regime(FAST)[0] == "long build-up"
    course.go(290, 2090)
    assert course.regime(FAST)[0] == "long build-up"
    course.go(20, 2090)
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.TOO_OLD])


def test_what_is_missing_is_named() -> None:
    course = Course(atr=-1.0)
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.NO_STAMP])
    course.go(5, 2000)
    course.stamp(100_000)
    course.stamp(100_001)  # too near
    course.stamp(100_001, flags=BAD_CLOCK)
    course.go(305, 2090)
    course.stamp(100_500)
    course.go(3, 2090)
    assert (course.state.head[0]["left_out"], course.state.head[0]["bad_clocks"]) == (1, 1)
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.NO_ATR])
    course.book.head["valid"] = 0
    course.go(305, 2090)
    course.stamp(100_900)
    course.go(3, 2090)
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.NO_MID])
    course.go(500, 2090)
    course.stamp(101_000)
    course.go(3, 2090)
    assert course.regime(FAST) == ("unknown", INTEREST_REASONS[module.TOO_FAR])


def test_the_range_of_five_minutes_replaces_the_scaled_one_after_three_bars() -> None:
    course = Course(atr=1000.0)
    for step in range(20):
        course.go(60, 2000 + 8 * (step % 2))
        course.stamp(100_000)
    course.go(5, 2000)
    assert read_interest(course.state, 0, FAST).atr_ticks == 4.0
    assert read_interest(course.state, 0, SLOW).reason == INTEREST_REASONS[module.TOO_SHORT]


def test_a_contract_without_interest_shows_its_proxy() -> None:
    state = interest_state(2)
    state.regimes[1, FAST]["regime"] = module.LONG_BUILD_UP
    state.regimes[1, FAST]["why"] = module.KNOWN
    assert read_interest(state, 0, FAST, proxy=1)[::9] == (module.LONG_BUILD_UP, 1)


moves = st.lists(
    st.tuples(
        st.integers(20, 200),  # seconds
        st.integers(-150, 150),  # half ticks
        st.integers(-900, 900),  # lots of open interest
        st.integers(0, 30),  # seconds the answer is old
        st.booleans(),  # the book is valid
    ),
    min_size=3,
    max_size=12,
)


def told(steps: list[Any], sign: int = 1) -> Course:
    course = Course()
    mid2, lots = 0, 100_000
    for seconds, change, opened, old, valid in steps:
        mid2, lots = mid2 + change, lots + opened
        course.book.head["valid"] = valid
        course.go(seconds, sign * mid2)
        course.stamp(lots, age_ns=old * SECOND_NS)
        course.go(6, sign * mid2)
        course.regimes.append(course.state.regimes.tobytes())
    return course


@settings(max_examples=30)
@given(moves)
def test_twin(steps: list[Any]) -> None:
    course = told(steps)
    head = course.state.head[0]
    stamps = naive.kept(course.stamps)
    assert (head["checks"], head["violations"]) == naive.violations(course.samples, stamps)
    for horizon, span, share in ((FAST, 5, 0.001), (SLOW, 30, 0.003)):
        row = course.state.regimes[0, horizon]
        expected = naive.regime(
            course.samples, stamps, span * MINUTE_NS, share, float(row["atr_ticks"])
        )
        assert REGIME_NAMES[int(row["regime"])] == expected


@settings(max_examples=20)
@given(moves)
def test_mirror(steps: list[Any]) -> None:
    plain, mirrored = told(steps), told(steps, sign=-1)
    swap = {1: 3, 3: 1, 2: 4, 4: 2, 0: 0, -1: -1}
    for horizon in (FAST, SLOW):
        row, other = plain.state.regimes[0, horizon], mirrored.state.regimes[0, horizon]
        assert other["regime"] == swap[int(row["regime"])]
        np.testing.assert_equal(other["price_ticks"], -row["price_ticks"])


@settings(max_examples=20)
@given(moves, moves)
def test_later_steps_never_change_earlier_regimes(steps: list[Any], other: list[Any]) -> None:
    one, two = told([*steps, *other]), told([*steps, *reversed(other)])
    assert one.regimes[: len(steps)] == two.regimes[: len(steps)]
