"""One hypothesis profile for all: no deadlines (kernels compile on first use)."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "aggressor",
    deadline=None,
    print_blob=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("aggressor")
