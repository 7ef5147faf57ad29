"""Writing files so that a crash, a full disk or a second process leaves nothing half done.

A file is written aside, flushed to the disk, and renamed into place; its folder is flushed too, so
the name survives a power cut. One process at a time may change a store: it holds an advisory lock
on the `lock` file, which the system releases even when that process is killed.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aggressor.schema.errors import StoreError

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run it again",
    errno.EDQUOT: "the disk quota is used up; free some space and run it again",
    errno.EFBIG: "the file is larger than this process may write; raise the limit (ulimit -f)",
    errno.EROFS: "the file system is read-only; choose another --store folder",
    errno.EACCES: "permission is denied; choose another --store folder or change its rights",
    errno.EPERM: "permission is denied; choose another --store folder or change its rights",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another --store folder",
    errno.EISDIR: "a folder stands where a file should be; choose another --store folder",
}


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn what the system says of `path` into a StoreError that says how to mend it."""
    try:
        yield
    except StoreError:
        raise
    except OSError as trouble:
        number = trouble.errno or 0
        reason = _REASONS.get(number, trouble.strerror or str(trouble))
        raise StoreError(f"Cannot write {path}: {reason}. Nothing was left half written.") from None


def flush_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_aside(path: Path, content: bytes) -> None:
    """Write `content` to `path` and to the disk behind it; the folder is made if it is absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_in_place(aside: Path, final: Path) -> None:
    """Rename a finished file to its final name, replacing what stood there."""
    final.parent.mkdir(parents=True, exist_ok=True)
    os.replace(aside, final)
    flush_folder(final.parent)


def replace_content(path: Path, content: bytes) -> None:
    """Replace the content of `path` in one step: a reader sees the old or the new, never both."""
    aside = path.with_name(path.name + ".partial")
    write_aside(aside, content)
    put_in_place(aside, path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; raise StoreError if another process holds it."""
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(handle):
            raise StoreError(
                f"Another process is writing to the store {path.parent}: wait until it ends."
            )
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _take_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _take_windows(handle: int) -> bool:
    import importlib

    try:
        importlib.import_module("msvcrt").locking(handle, 2, 1)  # 2: LK_NBLCK
    except OSError:
        return False
    return True
