"""Frames that a venue packs with gzip: unpacked within a named size, whatever they hold.

A frame holds one or more gzip members. Whoever sends us bytes must not be able to make us fill the
memory: nothing is unpacked beyond `UNPACKED_BYTES_MAX`, and a frame that wants more is refused.
"""

import zlib

from aggressor.schema.errors import MessageError

UNPACKED_BYTES_MAX = 4 << 20
MEMBERS_MAX = 64

_MAGIC = b"\x1f\x8b"
_GZIP_ONLY = 16 + zlib.MAX_WBITS


def unzipped(frame: bytes) -> bytes:
    """Return what a frame holds; one that is not packed is returned as it is; raise MessageError.

    Refused are frames that are cut, damaged, followed by stray bytes, or too large when unpacked.
    """
    if not frame.startswith(_MAGIC):
        return frame
    whole, rest, members = b"", frame, 0
    while rest:
        members += 1
        if members > MEMBERS_MAX:
            raise _refused(frame, f"it holds more than {MEMBERS_MAX} members")
        member = zlib.decompressobj(_GZIP_ONLY)
        try:
            whole += member.decompress(rest, UNPACKED_BYTES_MAX + 1 - len(whole))
        except zlib.error as trouble:
            raise _refused(frame, f"it is damaged ({trouble})") from None
        if len(whole) > UNPACKED_BYTES_MAX:
            raise _refused(frame, f"unpacked it is over the limit of {UNPACKED_BYTES_MAX} bytes")
        if not member.eof:
            raise _refused(frame, "it is cut short")
        rest = member.unused_data
    return whole


def _refused(frame: bytes, why: str) -> MessageError:
    return MessageError(
        f"A packed frame of {len(frame)} bytes cannot be used: {why} - it was left out; check the "
        "address or the recording."
    )
