"""Hypothesis profiles: no deadlines (kernels compile on first use), failures reproducible.

At a desk the examples are new in every run, so that searching goes on; where CI is set they are the
same every time, so that a landing is judged by the change and not by luck.

Engines are large and stand in circles: they are let go of behind each module.
"""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "aggressor",
    deadline=None,
    print_blob=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", parent=settings.get_profile("aggressor"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "aggressor")


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    yield
    gc.collect()
