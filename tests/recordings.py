"""Where the real recordings stand, for tests that need them; absent in a user's clone."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data"
RECORDINGS = Path(os.environ.get("AGGRESSOR_RECORDINGS", _BESIDE))


def recording(name: str) -> Path:
    """Return the path of a recording, or skip the test that asks for it."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"the recording {name} is not here (set AGGRESSOR_RECORDINGS)")
    return path
