"""Kill a recorder again and again and see that nothing but the last second is lost.

    python -m tests.run.crash_record COUNT [SEED] [VENUE...]

Local venues run in this process and note every frame that they send, and when. The recorder is a
process of its own, with segments of a second or two so that closing and compacting them happen all
the time; it is killed (SIGKILL, its compactor too) at a drawn moment. Then what it left behind is
compacted, as the next recorder would, and every frame that was sent more than a second before the
kill is looked for in the captures of the store; nothing may be there that was not sent, or twice.
Exits with 1 where anything is missing.
"""

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from aggressor.run.imports.compaction import compact_segments
from aggressor.run.lines.record import record
from aggressor.run.local.venue_server import Client, VenueServer
from aggressor.schema.errors import StoreError
from aggressor.store.layout import Layout
from aggressor.store.raw import STREAM, RawReader
from aggressor.venues.dialects import DIALECTS
from aggressor.venues.table import venue_named
from tests.run.venue_stage import serving

LAST_S = 1.0  # what may be lost
_FIRST_FRAME_S = 120.0


class Sent(NamedTuple):
    """A frame as it left a venue."""

    at_s: float
    text: bytes


def runner(store: Path, at: str, name: str, segment_s: float) -> None:
    """Be the process that is killed."""
    asyncio.run(
        record(
            [name], store, at=at, notice=lambda _: None, status=lambda _: None,
            segment_s=segment_s,
        )
    )  # fmt: skip


def noted(sent: list[Sent]) -> None:
    """Have the venues of this process note whatever they send."""
    send = Client.send

    def told(client: Client, message: bytes) -> None:
        sent.append(Sent(time.time(), message))
        send(client, message)

    Client.send = told  # type: ignore[method-assign]


def compacted(store: Path) -> list[dict[str, Any]]:
    """Compact what a killed recorder left behind, as soon as its compactor is gone too."""
    until = time.time() + 30.0
    while True:
        try:
            return compact_segments(store)["segments"]
        except StoreError:  # the other process holds the store until it is quite dead
            if time.time() > until:
                raise
            time.sleep(0.1)


def recorded(store: Path, known: set[Path], venue: str) -> Counter[bytes]:
    """Compact what was left behind and return the frames of all new captures."""
    compacted(store)
    unpack, found = venue_named(venue).unpack, Counter[bytes]()
    for path in sorted(Layout(store).raw.rglob("*.zst")):
        if path in known:
            continue
        known.add(path)
        found.update(unpack(one.text) for one in RawReader(path) if one.channel == STREAM)
    return found


async def one_kill(
    server: VenueServer, sent: list[Sent], store: Path, known: set[Path], draw: random.Random
) -> dict[str, Any]:
    """Record, kill, and compare; return what was lost."""
    venue = server.dialect.venue
    name = f"{venue}:{server.dialect.example.symbol}"
    sent.clear()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.run.crash_record", "runner", str(store),
        server.document["rest"], name, str(draw.choice((0.6, 1.5, 600.0))),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    until = time.time() + _FIRST_FRAME_S
    while not sent and time.time() < until:
        await asyncio.sleep(0.02)
    assert sent, "the recorder followed nothing"
    await asyncio.sleep(draw.uniform(0.0, 5.0))
    assert process.returncode is None, "it ended by itself"
    killed_s = time.time()
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    frames = list(sent)
    found = await asyncio.to_thread(recorded, store, known, venue)
    every = Counter(one.text for one in frames)
    due = Counter(one.text for one in frames if one.at_s < killed_s - LAST_S)
    lost = due - found
    missing = every - found
    oldest = next((killed_s - one.at_s for one in frames if one.text in missing), 0.0)
    return {
        "venue": venue,
        "frames": sum(every.values()),
        "recorded": sum(found.values()),
        "lost_frames": sum(lost.values()),
        "lost_bytes": sum(len(text) * many for text, many in lost.items()),
        "oldest_missing_s": round(oldest, 3),
        "never_sent_or_twice": sum((found - every).values()),
    }


async def crash(count: int, seed: int, venues: list[str], store: Path) -> list[dict[str, Any]]:
    """Kill `count` times, the venues in turn; return what each kill cost."""
    draw = random.Random(seed)
    seen: list[dict[str, Any]] = []
    sent: list[Sent] = []
    noted(sent)
    for at, venue in enumerate(venues):
        known: set[Path] = set()
        async with serving(venue, seed=3 + at, speed=2.0) as server:
            for _ in range(at, count, len(venues)):
                seen.append(await one_kill(server, sent, store / venue, known, draw))
                print(json.dumps({"kill": len(seen)} | seen[-1]), flush=True)
    return seen


def main() -> int:
    if sys.argv[1] == "runner":
        store, at, name, segment_s = sys.argv[2:]
        runner(Path(store), at, name, float(segment_s))
        return 0
    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(crash(count, seed, sys.argv[3:] or sorted(DIALECTS), Path(folder)))
    figures = {
        name: sum(one[name] for one in seen)
        for name in ("frames", "recorded", "lost_frames", "lost_bytes", "never_sent_or_twice")
    }
    figures |= {"kills": len(seen), "oldest_missing_s": max(x["oldest_missing_s"] for x in seen)}
    print(json.dumps(figures, indent=1))
    return 1 if figures["lost_bytes"] or figures["never_sent_or_twice"] else 0


if __name__ == "__main__":
    sys.exit(main())
