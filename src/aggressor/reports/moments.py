"""Moments as people write them, to nanoseconds since the epoch and back (UTC)."""

import re
from datetime import UTC, datetime, timedelta

from aggressor.schema.errors import ConfigError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERIODS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SECONDS_MAX = 100 * 366 * 86_400


def moment_ns(text: str | None) -> int | None:
    """Read ISO 8601 (UTC where no zone is given) or nanoseconds; raise ConfigError otherwise."""
    if text is None:
        return None
    if text.lstrip("-").isdigit() and len(text) > 8:
        return int(text)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a moment: write 2024-08-08T23:55 or nanoseconds since the epoch."
        ) from None
    if read.tzinfo is None:
        read = read.replace(tzinfo=UTC)
    return (read - _EPOCH) // timedelta(microseconds=1) * 1000


def seconds_of(text: str) -> float:
    """Read a length of time as 90s, 10m, 1h or 2d; raise ConfigError otherwise."""
    units = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
    number, unit = text[:-1], text[-1:]
    try:
        seconds = float(number) * units[unit]
    except (KeyError, ValueError):
        seconds = 0.0
    if not 0.0 < seconds < _SECONDS_MAX:
        raise ConfigError(f"{text!r} is no length of time: write 90s, 10m, 1h or 2d.")
    return seconds


def period_ns(text: str) -> int:
    """Read a period as 100ms, 5s, 1m or 1h; raise ConfigError otherwise."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h)", text)
    if found is None or int(found[1]) == 0:
        raise ConfigError(f"{text!r} is no period: write 100ms, 5s, 1m or 1h.")
    return int(found[1]) * _PERIODS[found[2]]


def moment_text(ns: int) -> str:
    """Return a moment as ISO 8601 UTC to the millisecond."""
    moment = _EPOCH + timedelta(microseconds=ns // 1000)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{ns // 1_000_000 % 1000:03d}"
