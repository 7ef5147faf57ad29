"""The kill switch from another process: a wish in the journal, done by the one that trades.

It is read a few times a second, whatever the strategy does between decisions; where no process
runs, the next one begins with it.
"""

import time
from pathlib import Path
from typing import Any

from aggressor.execution.halt import HaltLevel
from aggressor.run.accounts.account import LIVE_JOURNAL, PAPER_JOURNAL
from aggressor.schema.errors import ConfigError, StoreError
from aggressor.store.journal_reader import wish, wish_done
from aggressor.wire.clock import Clock

_WAIT_S = 2.0


def wish_halt(store: Path, level: int, reason: str) -> dict[str, Any]:
    """Ask for a level of the kill switch (0 opens it); say whether it was done; raise StoreError.

    Raises ConfigError without a reason.
    """
    if not reason.strip():
        raise ConfigError("Say why with --reason: it is kept with the account.")
    paths = [store / name for name in (LIVE_JOURNAL, PAPER_JOURNAL) if (store / name).exists()]
    if not paths:
        raise StoreError(f"There is no account in {store}: nothing was traded there yet.")
    wishes = [(path, wish(path, level, reason.strip(), Clock().now())) for path in paths]
    until = time.monotonic() + _WAIT_S
    while not (done := all(wish_done(*one) for one in wishes)) and time.monotonic() < until:
        time.sleep(0.05)
    return {
        "store": str(store),
        "level": HaltLevel(level).name.lower().replace("_", " "),
        "reason": reason.strip(),
        "done": done,
    }
