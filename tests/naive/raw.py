"""Records of a raw capture, packed one at a time with struct."""

import struct


def packed(messages: list[tuple[int, int, bytes]]) -> bytes:
    """Return the plain text of a frame with these (ts_recv, channel, text)."""
    return b"".join(
        struct.pack("<I", len(text))
        + struct.pack("<q", ts_recv)
        + struct.pack("<H", channel)
        + text
        for ts_recv, channel, text in messages
    )
