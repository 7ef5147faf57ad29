"""How a command that goes on until it is told to stop hears that it is."""

import asyncio
import signal
from contextlib import suppress


def stop_event(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Return an event that is set by SIGINT and SIGTERM.

    Where a loop cannot listen to signals (Windows: NotImplementedError; a thread that is not the
    main one: RuntimeError or ValueError) the event is set by nobody: there the host ends the run.
    """
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(one, stop.set)
    return stop
