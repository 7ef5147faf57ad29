"""Fuzz the decoders: whatever a socket hands over is decoded, refused by name, or asks for room.

    python bench/fuzz.py VENUE [--runs 2000000] [--seed 1]     all venues where none is named

Inputs grow out of real and constructed messages (those of the tests): bytes are changed as
libFuzzer changes them, guided by what of the venue's own code was reached, or values of the parsed
message are replaced, taken away and repeated. Needs `atheris` (`uv pip install atheris`); without
it the inputs are of the same kind, unguided. Each venue runs in a process of its own and prints one
line of JSON: inputs, how they ended, the slowest, and the memory at the beginning and the end.

Held for every input: no exception but MessageError, whose text says how to go on; rows lie inside
the room that was asked for; that room is bounded, whatever came before; no input takes a second of
CPU; and the decoder still decodes the message it began with.
"""

import argparse
import copy
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import atheris
except ImportError:
    atheris: Any = None

VENUES = ("binance-usdm", "bybit-linear", "bingx", "weex", "mexc")
ODD = [
    *(None, True, -1, 0, 2**63, 2**70, -(2**70), 1e300, "", "x", "0", "-1", "1e5", "1e999", "NaN"),
    *("9" * 40, "0." + "0" * 40 + "1", "100.1", " 1", "\u0661", [], {}, [[]], [["1", "2"]]),
    *([["100.1", "1"]] * 50, [["1"]], {"a": {"b": []}}, "BTCUSDT", "snapshot", "delta", 1.5),
]
PIECES = (*(bytes([one]) for one in b'"\\{}[],:\n\0\xff'), b"9" * 30, b"null")
REBUILD = 5_000  # inputs: then the decoder is made anew
SLOW_S = 1.0
ROWS_MAX = 1 << 18  # of one message, and of all that waited for it
_START_NS = 1_790_000_000_000_000_000


def seeds_of(venue: str) -> tuple[list[bytes], Any, str]:
    """Return messages to begin with, the instrument they speak of, and its symbol."""
    if venue == "binance-usdm":
        tests = import_module("tests.venues.test_binance_fuzz")
        wire = import_module("tests.venues.wire")
        return list(tests.SEEDS), wire.instrument(venue, "BTCUSDT"), "BTCUSDT"
    folder = venue.partition("-")[0]
    samples = import_module(f"tests.venues.{folder}_samples")
    if folder == "bybit":
        return list(samples.MARKET_SAMPLES), samples.instrument(), "BTCUSDT"
    if folder == "mexc":
        tests = import_module("tests.venues.test_mexc_market")
        seeds = [samples.depth(1, 2), samples.picture(5)]
        seeds += [one for one in vars(tests).values() if isinstance(one, bytes)]
        return seeds, samples.BTC, samples.BTC.symbol
    return (
        [one for one in samples.FRAMES if isinstance(one, bytes)],
        samples.BTC,
        samples.BTC.symbol,
    )


class Trial:
    """One decoder under fire, and what came of it."""

    def __init__(self, venue: str, runs: int) -> None:
        from aggressor.schema.errors import MessageError
        from aggressor.schema.event import empty_events
        from aggressor.venues.table import venue_named

        self.venue, self.runs = venue_named(venue), runs
        self.seeds, self.instrument, self.symbol = seeds_of(venue)
        self.refusal, self.empty_events = MessageError, empty_events
        self.decoded = self.refused = self.count = self.rows = 0
        self.slowest_s, self.reason = 0.0, "nothing was refused yet"
        self.out = empty_events(ROWS_MAX)
        self.began = time.perf_counter()
        self._renew()
        self.memory_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def _renew(self) -> None:
        """Begin anew with a decoder that has seen what a connection begins with."""
        self.decoder = self.venue.market_decoder([(self.instrument, 0)])
        for one in self.seeds:
            with suppress(self.refusal):
                self._decode(one)

    def take(self, message: bytes) -> None:
        """Hand one input to all that reads what a socket received."""
        began = time.process_time()
        try:
            self._decode(message)
            self.decoded += 1
        except self.refusal as trouble:
            self.refused += 1
            self.reason = str(trouble)
        assert self.reason.strip(), "a refusal says why"
        spent = time.process_time() - began
        assert spent < SLOW_S, f"{spent:.2f} s for {message[:200]!r}"
        if spent > self.slowest_s:
            self.slowest_s = spent
        self.count += 1
        if self.count % REBUILD == 0:
            self._decode(self.seeds[0])  # thousands of bad messages later a good one still decodes
            self._renew()
        if self.count == self.runs:
            self.report()

    def _decode(self, message: bytes) -> None:
        text = self.venue.unpack(message)
        self.venue.control(text)
        room = self.decoder.room(text)
        assert room <= self.out.size, f"{room} rows of room for {len(text)} bytes and what waits"
        rows = self.decoder.decode(
            text, 1_790_000_000_000_000_000 + self.count, self.out, self.symbol
        )
        assert 0 <= rows <= max(room, 1), f"{rows} rows of {len(text)} bytes"
        self.rows += rows

    def report(self) -> None:
        """Print what came of it."""
        found = {
            "venue": self.venue.name,
            "inputs": self.count,
            "decoded": self.decoded,
            "refused": self.refused,
            "rows": self.rows,
            "seconds": round(time.perf_counter() - self.began, 1),
            "slowest_ms": round(self.slowest_s * 1e3, 2),
            "memory_mb": [
                self.memory_kb // 1024,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            ],
            "guided": atheris is not None,
        }
        print(json.dumps(found), flush=True)


def bent(text: bytes, chance: random.Random) -> bytes:
    """Return a message with some values replaced, taken away or repeated."""
    value = json.loads(text)
    for _ in range(chance.randrange(1, 4)):
        places = list(_holders(value))
        if not places:
            break
        holder, key = chance.choice(places)
        turn = chance.random()
        if turn < 0.2:
            del holder[key]
        elif turn < 0.3 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD))
    return json.dumps(value, separators=(",", ":")).encode()


def _holders(value: Any) -> Any:
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield value, key
            yield from _holders(value[key])


def torn(text: bytes, chance: random.Random) -> bytes:
    """Return a message with pieces put in or over it, perhaps cut."""
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice(PIECES) if chance.random() < 0.5 else chance.randbytes(2)
        text = text[:at] + piece + text[at + (len(piece) if chance.random() < 0.5 else 0) :]
    return text[: chance.randrange(len(text) + 1)] if chance.random() < 0.1 else text


def mutator(seeds: list[bytes]) -> Callable[[bytes, int, int], bytes]:
    """Return how one input becomes the next."""

    def mutate(text: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        turn = chance.random()
        if turn < 0.1 or not text:
            text = chance.choice(seeds)
        if turn < 0.6:
            try:
                return bent(text, chance)[:most]
            except (ValueError, RecursionError, TypeError):
                text = chance.choice(seeds)
        if turn < 0.8 or atheris is None:
            return torn(text, chance)[:most]
        return atheris.Mutate(text, most)

    return mutate


def _import_instrumented(folder: str) -> None:
    """Import a venue so that what is reached guides the inputs; kernels stay as they are."""
    package = find_spec("aggressor")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent
    compiled = [
        "aggressor." + ".".join(file.relative_to(source).with_suffix("").parts)
        for file in source.rglob("*.py")
        if "from aggressor.kernel import" in file.read_text()
    ]
    with atheris.instrument_imports(include=["aggressor.venues"], exclude=compiled):
        import_module(f"aggressor.venues.{folder}.venue")


def fuzz(venue: str, runs: int, seed: int) -> None:
    """Fuzz one venue in this process."""
    if atheris is not None:
        _import_instrumented(venue.partition("-")[0])
    trial = Trial(venue, runs)
    mutate = mutator(trial.seeds)
    if atheris is None:
        chance = random.Random(seed)
        for n in range(runs):
            trial.take(mutate(chance.choice(trial.seeds), 1 << 16, seed * runs + n))
        return
    options = [f"-runs={runs}", f"-seed={seed}", "-max_len=4096", "-verbosity=0", "-timeout=120"]
    atheris.Setup([sys.argv[0], *options], trial.take, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the decoders of all venues.")
    parser.add_argument("venue", nargs="?", choices=VENUES)
    parser.add_argument("--runs", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.venue:
        fuzz(asked.venue, asked.runs, asked.seed)
        return
    for venue in VENUES:
        command = [sys.executable, __file__, venue, "--runs", str(asked.runs)]
        done = subprocess.run([*command, "--seed", str(asked.seed)], check=False)
        if done.returncode:
            sys.exit(f"fuzz: {venue} failed: the input stands above, and in a file crash-*")


if __name__ == "__main__":
    main()
