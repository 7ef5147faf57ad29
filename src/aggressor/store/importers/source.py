"""What kind of recording a file is, told by how it begins."""

from pathlib import Path

from aggressor.schema.errors import MessageError
from aggressor.store.importers.lines import LineFile
from aggressor.store.importers.sessions import SessionFile
from aggressor.store.importers.text import TextFile

Recording = LineFile | SessionFile

_HEAD_BYTES = 4096


def open_recording(path: Path) -> Recording:
    """Return a reader of the recording at `path`.

    Raises StoreError if it is absent, MessageError if it is none: messages without the local time
    at which they were received are refused, because every row of a store needs one and none is
    invented.
    """
    head = TextFile(path).head(_HEAD_BYTES).lstrip()
    if head.startswith((b'{"t":', b'{"t" :')):
        return SessionFile(path)
    if head.startswith((b"{", b"[")):
        raise MessageError(
            f"{path} holds messages without the local time at which they were received, and none "
            "can be invented. A recording has lines `<local time in ms, us or ns> <json>`."
        )
    lines = head.split(b"\n")[:2]  # the first may be the rest of one that was cut
    if head and not any(line[:1].isdigit() for line in lines):
        raise MessageError(
            f"{path} is not a recording: it begins with {head[:20]!r}, where lines "
            "`<local time in ms, us or ns> <json>` or session records were expected."
        )
    return LineFile(path)
