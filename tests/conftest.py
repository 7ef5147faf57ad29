"""Hypothesis profiles: no deadlines (kernels compile on first use), failures reproducible.

At a desk the examples are new in every run, so that searching goes on; where CI is set they are the
same every time, so that a landing is judged by the change and not by luck.
"""

import os

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
