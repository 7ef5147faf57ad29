"""Slow, obvious twins of the baselines: sort everything, every time."""

from math import ceil


def nearest_rank(values, ppm):
    """Return x of rank ceil(a n), counted from 1, of the sorted values; None of nothing."""
    if not values:
        return None
    rank = max(-(-len(values) * ppm // 1_000_000), 1)
    return sorted(values)[rank - 1]


def naive_window(samples, now, slice_ns, slices, exclude_ns):
    """[(ts, value)] -> values of (end - slices, end], end = now - exclude down to the slice grid.

    A sample on the edge of a slice that has already closed at its own time belongs to the next.
    """
    stop = (now - exclude_ns) // slice_ns
    inside = []
    for ts, value in samples:
        which = max((ts - 1) // slice_ns, (ts - exclude_ns) // slice_ns)
        if stop - slices <= which < stop:
            inside.append(value)
    return inside


def naive_recent(samples, now, window_ns, capacity):
    """[(ts, value)] -> the last `capacity` values of (now - window, now]."""
    return [value for ts, value in samples[-capacity:] if ts > now - window_ns]


def naive_robust_z(values, x):
    median = sorted(values)[ceil(len(values) / 2) - 1]
    mad = sorted(abs(v - median) for v in values)[ceil(len(values) / 2) - 1]
    return (x - median) / (1.4826 * max(mad, 1, 0.05 * abs(median)))
