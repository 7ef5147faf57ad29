"""Imports that are killed, or that meet a full or read-only disk: nothing is left half done."""

import errno
import gzip
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from aggressor.run.imports.importing import import_files
from aggressor.schema.errors import StoreError
from aggressor.store.files import locked
from aggressor.store.reader import Store
from tests.wire_samples import Market

VENUE = "binance-usdm"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX")

# Runs imports in forked children that kill themselves at the n-th call of fsync, replace or write.
KILLER = """
    import os, signal, sys
    from pathlib import Path
    from aggressor.run.imports.importing import import_files
    from aggressor.store import raw

    root, *files = map(Path, sys.argv[1:])
    for n in range(1, 1000, 2):
        child = os.fork()
        if child == 0:
            left = [n]
            def deadly(function):
                def call(*arguments, **options):
                    left[0] -= 1
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*arguments, **options)
                return call
            os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
            raw.RawWriter._write = deadly(raw.RawWriter._write)
            import_files(files, "binance-usdm", root / str(n))
            os._exit(0)
        if os.waitpid(child, 0)[1] == 0:
            print(n)
            break
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    market = Market(now_ns=1_723_161_599_000_000_000)  # a second before midnight UTC
    paths = [tmp_path / "a.gz", tmp_path / "b.gz"]
    for n, path in enumerate(paths):
        lines = market.lines(60, snapshot_at=3 if n == 0 else None)
        path.write_bytes(gzip.compress(b"".join(lines), mtime=0))
    return paths


def content_of(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else b"folder"
        for path in sorted(root.rglob("*"))
    }


def test_killed_anywhere_and_imported_again_it_is_the_same_store(
    tmp_path: Path, files: list[Path]
) -> None:
    import_files(files, VENUE, tmp_path / "clean")
    whole = content_of(tmp_path / "clean")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(KILLER), tmp_path / "k", *files],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    calls = int(run.stdout)
    assert calls > 20
    held = 0
    for n in range(1, calls, 2):
        root = tmp_path / "k" / str(n)
        if (root / "catalog.json").exists():
            store = Store(root)
            held += len(store.catalog.sources)
            for part in store.catalog.parts:
                assert (root / part.path).stat().st_size == part.size_bytes
        import_files(files, VENUE, root)
        assert content_of(root) == whole, n
    assert 0 < held < calls


def test_killed_at_any_time_by_another_process(tmp_path: Path, files: list[Path]) -> None:
    import_files(files, VENUE, tmp_path / "clean")
    whole = content_of(tmp_path / "clean")
    code = f"""
        import sys
        from pathlib import Path
        from aggressor.run.imports.importing import import_files
        print("ready", flush=True)
        import_files([Path(p) for p in sys.argv[2:]], {VENUE!r}, Path(sys.argv[1]))
    """
    for n in range(3):
        root = tmp_path / str(n)
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), root, *files],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                process.wait(timeout=0.05 + 0.15 * n)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
        import_files(files, VENUE, root)
        assert content_of(root) == whole


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_refusing_disk_leaves_nothing_half_done(
    tmp_path: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch, number: int, call: str
) -> None:
    root = tmp_path / "s"
    import_files(files[:1], VENUE, root)
    before = content_of(root)
    genuine = getattr(os, call)

    def refuse(*arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(StoreError, match="Cannot write"):
            import_files(files, VENUE, root)
    assert getattr(os, call) is genuine
    kept = {name: content for name, content in content_of(root).items() if content != b"folder"}
    assert kept == {name: content for name, content in before.items() if content != b"folder"}
    import_files(files, VENUE, root)
    import_files(files, VENUE, tmp_path / "clean")
    assert content_of(root) == content_of(tmp_path / "clean")


def test_a_disk_that_is_really_too_small(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"".join(Market().lines(3000)))
    code = f"""
        import resource, sys
        from pathlib import Path
        from aggressor.run.imports.importing import import_files
        from aggressor.schema.errors import StoreError
        files = [Path(sys.argv[2])]
        import_files(files, {VENUE!r}, Path(sys.argv[1] + "warm"))  # kernels are in the cache now
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            import_files(files, {VENUE!r}, Path(sys.argv[1]))
        except StoreError as trouble:
            print(trouble)
    """
    root = tmp_path / "s"
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), root, path],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "larger than this process may write" in run.stdout
    assert [p for p in root.rglob("*") if p.is_file() and p.name != "lock"] == []
    import_files([path], VENUE, root)
    assert Store(root).instruments == ["binance-usdm:BTCUSDT"]


def test_a_store_that_is_being_written_is_not_written_twice(
    tmp_path: Path, files: list[Path]
) -> None:
    with locked(tmp_path / "s" / "lock"), pytest.raises(StoreError, match="Another process"):
        import_files(files, VENUE, tmp_path / "s")


def test_a_file_in_place_of_the_folder_is_a_store_error(tmp_path: Path, files: list[Path]) -> None:
    (tmp_path / "s").write_text("not a folder")
    with pytest.raises(StoreError, match="Cannot write"):
        import_files(files, VENUE, tmp_path / "s")


def test_foreign_files_are_left_alone(tmp_path: Path, files: list[Path]) -> None:
    import_files(files[:1], VENUE, tmp_path / "s")
    (tmp_path / "s" / "events" / "notes.txt").write_text("mine")
    (tmp_path / "s" / "events" / "left.parquet").write_text("of an interrupted import")
    import_files(files, VENUE, tmp_path / "s")
    assert (tmp_path / "s" / "events" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "s" / "events" / "left.parquet").exists()
