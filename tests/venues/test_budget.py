"""What leaves within a venue's limits: no window of their length ever holds more."""

from hypothesis import given
from hypothesis import strategies as st

from aggressor.venues.budget import Budget

LIMITS = {"orders": (10, 1000)}


@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(1, 12), st.booleans()), min_size=1, max_size=60
    )
)
def test_no_window_ever_holds_more_than_the_limit(asks: list[tuple[int, int, bool]]) -> None:
    budget, now, left = Budget(LIMITS), 0, []
    for wait, weight, urgent in asks:
        now += wait
        if budget.take("orders", weight, now, urgent=urgent):
            left.append((now, min(weight, 10 if urgent else 8)))
    for begin, _ in left:
        assert sum(weight for at, weight in left if begin <= at < begin + 1000) <= 10


def test_a_part_is_kept_for_what_must_not_wait() -> None:
    budget = Budget(LIMITS)
    assert sum(budget.take("orders", 1, 0) for _ in range(20)) == 8
    assert sum(budget.take("orders", 1, 0, urgent=True) for _ in range(20)) == 2
    assert not budget.take("orders", 1, 999)
    assert budget.take("orders", 1, 1000)


def test_what_counts_against_two_limits_is_counted_in_both_or_in_none() -> None:
    budget = Budget(LIMITS | {"weight": (20, 1000)})
    both = [budget.take("orders", 1, 0, also=("weight", 5)) for _ in range(5)]
    assert both == [True, True, True, False, False]  # a fifth of 20 is kept
    assert [budget.take("orders", 1, 0) for _ in range(6)] == [True] * 5 + [False]
    assert budget.take("weight", 1, 0)
    budget.pause("weight", 1500)
    assert not budget.take("orders", 1, 1200, also=("weight", 1))
    assert budget.take("orders", 1, 1200)


def test_who_is_told_to_stay_away_stays_away_from_that_or_from_all() -> None:
    budget = Budget(LIMITS)
    budget.pause("orders", 50)
    assert not budget.take("orders", 1, 49, urgent=True)
    assert budget.take("questions", 1, 49)
    assert budget.take("orders", 1, 50)
    budget.pause("", 90)
    budget.pause("", 70)  # a shorter ban does not end a longer one
    assert not budget.take("questions", 1, 89)
    assert budget.paused_until("orders") == 90
