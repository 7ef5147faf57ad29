"""One store of a synthetic market, made once a test process, for tests of what reads stores."""

import atexit
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggressor.cli import main
from aggressor.schema.event import Events
from aggressor.schema.instrument import Instrument
from aggressor.sim.synthetic.presets import demo_market
from aggressor.store.making import make_store

MINUTES = 8.0
MINUTE = 60 * 10**9


class Made(NamedTuple):
    instrument: Instrument
    events: Events
    store: Path

    @property
    def id(self) -> str:
        return self.instrument.id

    @property
    def middle_ns(self) -> int:
        return int(self.events["ts_recv"][self.events.size * 3 // 4])


@cache
def made() -> Made:
    instrument, events, _ = demo_market(1, MINUTES)
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    store = make_store(Path(folder.name, "store"), {instrument: events})
    return Made(instrument, events, store)


def cached_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep decoded events beside the store, not in the user's cache."""
    monkeypatch.setenv("AGGRESSOR_CACHE", str(made().store.parent / "cache"))


def command(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command line in this process; return (exit code, standard output, standard error)."""
    code = 0
    try:
        main([str(word) for word in words])
    except SystemExit as ending:
        code = int(ending.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def document(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    """Run a command with --json on the made store; return its document."""
    one = made()
    name, *others = words
    code, out, err = command(capsys, name, one.store, "--instrument", one.id, *others, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)
