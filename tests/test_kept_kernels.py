"""What the disk keeps of a kernel: met again by any process, whole or not at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is kept with the JIT off"
)

_MODULE = """
import sys
import numpy as np
from aggressor.kernel import kernel

@kernel
def total(values, start):
    lots = start
    for i in range(values.size):
        lots += values[i]
    return lots

for kind in sys.argv[1:]:
    print(total(np.arange(4).astype(kind), 1))
seen = total.dispatcher.stats
print(sum(seen.cache_hits.values()), sum(seen.cache_misses.values()))
"""


def run(folder: Path, cache: Path, *kinds: str, source: str = _MODULE) -> list[str]:
    """Run the module from a folder; return what it printed: results, then hits and misses."""
    folder.mkdir(exist_ok=True)
    Path(folder, "kept.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "kept", *kinds],
        cwd=folder,
        env={**os.environ, "AGGRESSOR_KERNEL_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def kept(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.kernel"))


def test_a_second_process_and_a_moved_source_meet_the_code_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(tmp_path / "one", cache, "int64") == ["7", "0 1"]
    assert run(tmp_path / "one", cache, "int64") == ["7", "1 0"]
    assert run(tmp_path / "two", cache, "int64") == ["7", "1 0"], "a path is not a source"
    assert run(tmp_path / "one", cache, "int64", "float64") == ["7", "7.0", "1 1"]
    assert len(kept(cache)) == 2, "a file for each set of types"


def test_a_file_cut_short_or_of_other_types_is_compiled_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    run(tmp_path / "one", cache, "int64", "float64")
    whole, other = kept(cache)
    bytes_ = whole.read_bytes()
    for damaged in (b"", bytes_[: len(bytes_) // 2], b"no pickle"):
        whole.write_bytes(damaged)
        assert run(tmp_path / "one", cache, "int64", "float64") == ["7", "7.0", "1 1"]
        assert len(whole.read_bytes()) == len(bytes_)
    shutil.copy(other, whole)
    assert run(tmp_path / "one", cache, "int64", "float64") == ["7", "7.0", "1 1"]


def test_processes_that_compile_side_by_side_keep_each_their_own(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "one"
    folder.mkdir()
    Path(folder, "kept.py").write_text(_MODULE)
    environment = {**os.environ, "AGGRESSOR_KERNEL_CACHE": str(cache)}
    running = [
        subprocess.Popen([sys.executable, "-m", "kept", kind], cwd=folder, env=environment)
        for kind in ("int64", "float64", "int32", "uint8")
    ]
    assert [one.wait() for one in running] == [0, 0, 0, 0]
    got = run(folder, cache, "int64", "float64", "int32", "uint8")
    assert got == ["7", "7.0", "7", "7", "4 0"]
    assert not list(cache.rglob("*-*.[0-9]*")), "nothing half written stays"


def test_an_edited_source_and_another_closure_meet_no_old_code(tmp_path: Path) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "one"
    assert run(folder, cache, "int64") == ["7", "0 1"]
    edited = _MODULE.replace("lots += values[i]", "lots -= values[i]")
    assert run(folder, cache, "int64", source=edited) == ["-5", "0 1"]
    made = _MODULE.replace("def total", "def unused").replace(
        "for kind in",
        """
def of(step):
    @kernel
    def total(values, start):
        return start + step * values.size
    return total

for step in (2, 3):
    total = of(step)
    print(total(np.arange(4), 1))
for kind in""",
    )
    assert run(folder, cache, source=made)[:2] == ["9", "13"]
    assert run(folder, cache, source=made) == ["9", "13", "1 0"]
