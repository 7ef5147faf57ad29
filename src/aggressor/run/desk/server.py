"""Serving a desk: the page is there at once, and told what it waits for until the desk is.

Loading an engine takes a second, compiling it for the first time minutes. So the desk is made in a
thread, and browsers that come before it hear by NOTICE how far that is. However it ends, a trouble
or a stop by the machine or by hand, browsers are told so before their sockets close.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aggressor.run.stopping import told_to_stop
from aggressor.schema.event import NO_TIME
from aggressor.web import commands
from aggressor.web.hub import Hub
from aggressor.web.protocol import WHOLE_DESK, Kind, json_frame
from aggressor.web.server import DeskServer, Visitor

if TYPE_CHECKING:
    from aggressor.run.desk.acts import Acts

_TOLD_EVERY = 5  # kernels
STOPPED = "the desk was stopped where it runs"


class _Door:
    """Who answers browsers until the desk is ready, and then the desk."""

    def __init__(self) -> None:
        self.desk: Acts | None = None

    def do(self, visitor: Visitor, command: commands.Command) -> dict[str, Any]:
        """Do what a browser asks for, or say why not."""
        if self.desk is not None:
            return self.desk.do(visitor, command)
        if isinstance(command, commands.Ping):
            return {"ok": True, "reason": "", "ms": command.ms, "now_ms": None}
        return {"ok": False, "reason": "The desk is being made ready."}


async def serve(
    make: Callable[[], "Acts"],
    *,
    port: int,
    say: Callable[[str], None],
    opened: Callable[[str], None],
    token: str | None = None,
) -> None:
    """Serve the desk that `make` returns until the task is cancelled or the process is told to end.

    `make` runs in a thread; `opened` is told the address before. Raises ConfigError where the port
    is taken, and whatever `make` raises.
    """
    hub, door = Hub(), _Door()
    server = DeskServer(hub, door, say, token)
    await server.start(port)
    why = STOPPED
    async with told_to_stop(patient=False) as stop:
        try:
            opened(server.address)
            desk = await _made(make, hub, say)
            hub.adopt(desk.hub)
            desk.use(hub)
            door.desk = desk
            await desk.run()
        except asyncio.CancelledError:
            if not stop.insisted:
                raise
        except Exception as trouble:
            why = str(trouble)
            raise
        finally:
            await server.stop(why)


async def _made(make: Callable[[], "Acts"], hub: Hub, say: Callable[[str], None]) -> "Acts":
    """Return the desk, made in a thread; browsers are told how far it is."""
    loop = asyncio.get_running_loop()

    def tell(text: str) -> None:
        content = {"level": "info", "text": text}
        hub.publish(json_frame(Kind.NOTICE, WHOLE_DESK, NO_TIME, content))
        hub.wake()

    def making() -> "Acts":
        from aggressor.run.progress import COMPILING, compiling

        def compiled(count: int, name: str) -> None:
            if count == 1:
                loop.call_soon_threadsafe(say, COMPILING)
            if count % _TOLD_EVERY == 1:
                words = f"compiling kernels on first use ({count}): {name}"
                loop.call_soon_threadsafe(tell, words)

        with compiling(compiled):
            return make()

    tell("loading the engine")
    return await loop.run_in_executor(None, making)
