"""How everything here is measured: CPU seconds, median of repeats, in turn with the reference.

A *figure* is one line of the result: what, ours, the reference it was timed against, their ratio,
the target. Ours and the reference run alternately in one process, and the ratio is the median of
the ratios of neighbours, so a busy machine moves it little. `references` of a figure come from
other processes of the same run where they cannot live in ours.
"""

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

REPEATS = int(os.environ.get("AGGRESSOR_BENCH_REPEATS", "7"))
_LOOK_S = 0.02  # between two looks at a running process
_FLOOR_S = 0.02  # a short reference is repeated for at least this long


class Pair(NamedTuple):
    """Medians over the repeats: CPU seconds of ours and of the reference, and ours / reference."""

    ours: float
    reference: float | None
    ratio: float | None
    fastest: float
    slowest: float


class Run(NamedTuple):
    """One finished process; `anonymous_mb` leaves out mapped files, which the system may drop."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    anonymous_mb: float
    output: bytes


def cpu_of(function: Callable[[], Any]) -> float:
    """Return the CPU seconds of this process, all threads, that a call takes."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def _floor_of(function: Callable[[], Any]) -> float:
    calls, begin = 0, time.process_time()
    while (spent := time.process_time() - begin) < _FLOOR_S or calls == 0:
        function()
        calls += 1
    return spent / calls


def in_turn(
    timed: Callable[[], float], reference: Callable[[], Any] | None, repeats: int = REPEATS
) -> Pair:
    """Time ours (`timed` returns its own CPU seconds) and the reference alternately."""
    timed()
    if reference is not None:
        reference()
    gc.collect()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(repeats):
        ours.append(timed())
        if reference is not None:
            theirs.append(_floor_of(reference))
    ratios = [one / other for one, other in zip(ours, theirs, strict=False)]
    return Pair(
        statistics.median(ours),
        statistics.median(theirs) if theirs else None,
        statistics.median(ratios) if ratios else None,
        min(ours),
        max(ours),
    )


def figure(
    what: str,
    pair: Pair,
    count: int,
    unit: str,
    reference: str,
    target: float | None = None,
    scale: float = 1e9,
    **more: Any,
) -> None:
    """Print one figure as a JSON line; `scale` turns seconds into the unit (per `count`)."""

    def per(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds / count * scale, 3)

    emit(
        what=what,
        unit=unit,
        ours=per(pair.ours),
        fastest=per(pair.fastest),
        slowest=per(pair.slowest),
        reference=reference,
        reference_value=per(pair.reference),
        ratio=None if pair.ratio is None else round(pair.ratio, 2),
        target=target,
        count=count,
        **more,
    )


def emit(**line: Any) -> None:
    """Print one JSON line at once."""
    print(json.dumps(line), flush=True)


def run_process(arguments: Sequence[str | Path], **environment: str) -> Run:
    """Run a command to its end under a small parent that reports its CPU time and peak memory."""
    command = [sys.executable, __file__, *(str(one) for one in arguments)]
    done = subprocess.run(command, capture_output=True, check=False, env=os.environ | environment)
    if done.returncode != 0:
        print(done.stderr.decode(errors="replace")[-2000:], file=sys.stderr)
        raise SystemExit(f"bench: failed: {' '.join(command[2:])}")
    head, _, output = done.stdout.partition(b"\n")
    wall_s, cpu_s, peak_mb, anonymous_mb = json.loads(head)
    return Run(wall_s, cpu_s, peak_mb, anonymous_mb, output)


def _as_parent(arguments: list[str]) -> None:
    begin, anonymous_kb, output = time.perf_counter(), 0, b""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
        while True:
            anonymous_kb = max(anonymous_kb, _anonymous_kb(process.pid))
            try:
                output = process.communicate(timeout=_LOOK_S)[0]
                break
            except subprocess.TimeoutExpired:
                continue
    wall = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    line = json.dumps([wall, cpu, used.ru_maxrss / 1024, anonymous_kb / 1024])
    sys.stdout.buffer.write(line.encode() + b"\n" + output)
    raise SystemExit(process.returncode)


def _anonymous_kb(pid: int) -> int:
    """Return the anonymous resident memory of a process now, 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(found[0].split()[1]) if found else 0


if __name__ == "__main__":
    _as_parent(sys.argv[1:])
