from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggressor.run.imports.grids import common_step, plain_step

steps = st.integers(1, 10**6).flatmap(
    lambda n: st.integers(0, 8).map(lambda digits: Decimal(n).scaleb(-digits))
)


@given(steps, steps)
def test_a_common_step_divides_both_and_no_larger_one_does(one: Decimal, other: Decimal) -> None:
    step = common_step(one, other)
    assert one % step == 0
    assert other % step == 0
    multiples = {int(one / step), int(other / step)}
    assert all(any(m % prime for m in multiples) for prime in range(2, 200))


@pytest.mark.parametrize(
    ("step", "price", "size"),
    [
        ("0.1", "0.1", "0.1"),
        ("0.2", "0.1", "0.1"),
        ("0.05", "0.05", "0.01"),
        ("0.75", "0.25", "0.01"),
        ("0.00002", "0.00001", "0.00001"),
        ("0.0003", "0.0001", "0.0001"),
        ("40", "1", "1"),
        ("1E-8", "1E-8", "1E-8"),
    ],
)
def test_plain_steps(step: str, price: str, size: str) -> None:
    assert plain_step(Decimal(step), (1, 5, 25)) == Decimal(price)
    assert plain_step(Decimal(step)) == Decimal(size)


@given(steps, steps)
def test_what_a_beginning_shows_is_what_the_whole_shows_where_it_fits(
    beginning: Decimal, rest: Decimal
) -> None:
    seen = plain_step(beginning, (1, 5, 25))
    whole = plain_step(common_step(beginning, rest), (1, 5, 25))
    assert (seen == whole) == (rest % seen == 0)
