"""Parameters of the features: frozen values outside, one record per lane inside the kernels.

A feature's parameters are a frozen msgspec Struct with plain numbers, units last. Its state carries
them as a structured array of shape (lanes,), so every instrument may have its own and a kernel's
signature does not grow with them. Two profiles are given as starting points to be calibrated, not
as truths: PERP for a liquid BTC or ETH perpetual, MICRO for a thin micro contract.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from aggressor.schema.errors import ConfigError

PERP = "perp"
MICRO = "micro"
PROFILES = (PERP, MICRO)

MILLISECOND_NS = 1_000_000
SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS

Parameters = TypeVar("Parameters", bound=msgspec.Struct)


def profile_of(profiles: dict[str, Parameters], name: str) -> Parameters:
    """Return the parameters of a profile; raise ConfigError if there is no such profile."""
    if name not in profiles:
        raise ConfigError(f"There is no profile {name!r}; choose one of {', '.join(profiles)}.")
    return profiles[name]


def parameter_rows(
    dtype: np.dtype[Any], lanes: int, parameters: msgspec.Struct | Sequence[msgspec.Struct]
) -> NDArray[Any]:
    """Return (lanes,) records of `dtype`: one set of parameters for all lanes, or one each."""
    each = [parameters] * lanes if isinstance(parameters, msgspec.Struct) else list(parameters)
    assert len(each) == lanes, "one set of parameters per lane"
    rows = np.zeros(lanes, dtype)
    for k, chosen in enumerate(each):
        for name in dtype.names or ():
            rows[k][name] = getattr(chosen, name)
    return rows
