"""The process of its own that compacts segments while a recorder or a run goes on.

It lives as long as whoever began it, whatever signals say and however that ends. Where that is
cancelled, work under way is given up: an import that is cut off is done again by the next.
"""

import asyncio
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

_SPAWN = get_context("spawn")
_LOOK_S = 0.5


class Compactor(ProcessPoolExecutor):
    """See the module text; use as a context."""

    def __init__(self) -> None:
        self._over = _SPAWN.Event()
        super().__init__(
            1, mp_context=_SPAWN, initializer=_serve, initargs=(os.getpid(), self._over)
        )

    def abandon(self) -> None:
        """Give up what is under way."""
        self._over.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(trouble, asyncio.CancelledError | KeyboardInterrupt):
            self.abandon()
        self.shutdown(wait=True)


def compactor() -> Compactor:
    """Return a process of its own that compacts segments."""
    return Compactor()


def _serve(recorder: int, over: Any) -> None:
    for one in (signal.SIGINT, signal.SIGTERM):  # a service is told to stop as a whole group
        signal.signal(one, signal.SIG_IGN)  # the recorder says when it is over
    threading.Thread(target=_leave_behind, args=(recorder, over), daemon=True).start()


def _leave_behind(recorder: int, over: Any) -> None:
    """End this process when the recorder was killed or wants no more."""
    while os.getppid() == recorder and not over.wait(_LOOK_S):
        pass
    os._exit(1)
