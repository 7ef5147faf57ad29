"""Third-party samples of venues' messages, read in place out of their archives."""

import io
import re
import tarfile
from functools import cache

import zstandard

from tests.recordings import recording

_JSON_START = re.compile(r"^[\[{]", re.MULTILINE)


@cache
def members(name: str) -> dict[str, bytes]:
    """Return the files of fixtures/<name>.tar.zst by path; skip the test where it is absent."""
    with recording(f"fixtures/{name}.tar.zst").open("rb") as packed:
        text = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        files = [one for one in archive.getmembers() if one.isfile()]
        return {one.name: archive.extractfile(one).read() for one in files}  # type: ignore[union-attr]


def answer(name: str, ending: str) -> bytes:
    """Return the body of a REST sample: behind its lines of method, path and signing."""
    (path,) = [path for path in members(name) if path.endswith(ending)]
    text = members(name)[path].decode("utf-8-sig")
    found = _JSON_START.search(text)
    assert found is not None
    return text[found.start() :].encode()


def pushed(name: str, ending: str) -> list[bytes]:
    """Return the messages of a subscription's sample: each behind a line that begins with `=`."""
    (path,) = [path for path in members(name) if path.endswith(ending)]
    text = members(name)[path].decode("utf-8-sig")
    parts = re.split(r"^=\d*\s*", text, flags=re.MULTILINE)[1:]
    return [re.split(r"^[<>=]", part, flags=re.MULTILINE)[0].strip().encode() for part in parts]
