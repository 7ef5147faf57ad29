"""How many random examples a comparison with a twin is given.

A landing gets the few that each test names, so that it is quick. A search for differences asks for
as many as it likes, with a seed of its own: `AGGRESSOR_EXAMPLES=5000 pytest --timeout 0
--hypothesis-seed 7 tests/detectors -k twin`. Where CI is set, seeds are not asked for.
"""

import os

from hypothesis import settings


def examples(count: int) -> settings:
    """Return the settings of a test with `count` examples, or as many as were asked for."""
    return settings(max_examples=int(os.environ.get("AGGRESSOR_EXAMPLES", count)))
