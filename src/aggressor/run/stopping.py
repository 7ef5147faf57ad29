"""How a command that goes on until it is told to stop hears that it is, and how its tasks end.

The first SIGINT or SIGTERM asks: what is under way is brought to its end. The second insists: the
task that listens is cancelled, wherever it is. While nothing stands yet that would have to be
brought to an end (`patient` is False) the first one insists.

`asyncio.wait_for` is not used by anything that can be cancelled: before Python 3.12 it forgets the
cancellation where what it waits for is done at the same moment, and the task goes on for ever.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_S = 0.5


class Stop(asyncio.Event):
    """Set by the first signal; `insisted` once the task was cancelled."""

    def __init__(self, task: "asyncio.Task[Any] | None") -> None:
        super().__init__()
        self.patient = True
        self.insisted = False
        self._task = task

    def told(self) -> None:
        """Hear a signal."""
        if self.is_set() or not self.patient:
            self.insisted = True
            if self._task is not None:
                self._task.cancel()
        self.set()


@asynccontextmanager
async def told_to_stop(*, patient: bool = True) -> AsyncIterator[Stop]:
    """Listen to signals; raise KeyboardInterrupt where the task was ended by one.

    `patient`: whether there is something yet to bring to an end.

    Where a loop cannot listen to signals (Windows: NotImplementedError; a thread that is not the
    main one: RuntimeError or ValueError) nobody sets the event: there the host ends the run.
    """
    loop = asyncio.get_running_loop()
    stop = Stop(asyncio.current_task())
    stop.patient = patient
    for one in _SIGNALS:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(one, stop.told)
    try:
        yield stop
    except asyncio.CancelledError:
        if stop.insisted:
            raise KeyboardInterrupt from None
        raise
    finally:
        for one in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(one)


async def wait_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, but no longer than so; a cancellation is never forgotten."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def end_tasks(
    tasks: Iterable["asyncio.Task[Any]"], within_s: float, notice: Callable[[str], None]
) -> None:
    """Cancel tasks until they have ended; say which have not when the time is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    left = {task for task in tasks if not task.done()}
    while left and loop.time() < until:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=_AGAIN_S)
        for task in ended:
            if not task.cancelled():
                task.exception()  # whoever began it has looked while it ran
    for task in left:
        notice(f"{task.get_coro()} did not end within {within_s:.0f} s and is left")
